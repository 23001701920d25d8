"""File Meta Information: group 0002, PS3.10 §7.1.

Always in Explicit VR Little Endian. It says of a file what its Data Set is, and in which Transfer Syntax it is written.
"""

from collections.abc import Iterator

from ..errors import DecodeError, EncodeError, Finding, shown
from ..uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from .codec import encode
from .dataset import Dataset, Element
from .header import is_vr, read_header
from .layout import layout_of
from .syntax import EXPLICIT_LE, TransferSyntax

__all__ = ["encode_meta", "end_of_meta", "meta_faults"]

_GROUP = 0x0002
_GROUP_LENGTH = 0x00020000
_HEADER_AND_VALUE = 12  # bytes of the group length
_MOST_ELEMENTS = 1000  # Table 7.1-1 has 20; the end of the group is looked for one element at a time
_RULE = "PS3.10 §7.1"
_NEEDED = (
    "FileMetaInformationGroupLength",
    "FileMetaInformationVersion",
    "MediaStorageSOPClassUID",
    "MediaStorageSOPInstanceUID",
    "TransferSyntaxUID",
    "ImplementationClassUID",
)


def end_of_meta(view: memoryview, start: int, syntax: TransferSyntax) -> int:
    """Where group 0002 ends, found by its elements: its length is not always right. Raises DecodeError.

    The length counts where the elements leave a doubt: some devices begin the Data Set with an element of group 0002,
    in the VR of the Data Set or out of order.
    """
    layout = layout_of(syntax)
    offset, said, latest = start, -1, 0
    for _ in range(_MOST_ELEMENTS):
        if len(view) - offset < _HEADER_AND_VALUE:
            return offset
        header = read_header(view, offset, len(view), layout)
        if header.tag >> 16 != _GROUP or (offset == said and header.tag <= latest):
            return offset
        if not syntax.implicit and not is_vr(header.code) and offset >= said:
            return offset
        latest, offset = header.tag, header.start + header.length
        if header.tag == _GROUP_LENGTH and header.length == 4:
            said = offset + int.from_bytes(view[header.start : offset], "little")
    raise DecodeError(f"group 0002 has more than {_MOST_ELEMENTS} elements", offset=start, rule="PS3.10 §7.1")


def encode_meta(dataset: Dataset, syntax: TransferSyntax, given: Dataset) -> bytes:
    """Group 0002 of a file, Table 7.1-1, with what ``given`` says besides. Raises EncodeError."""
    if any(element.tag.group <= _GROUP for element in dataset):
        raise EncodeError("groups up to 0002 are not for the Data Set of a file")
    if any(element.tag.group != _GROUP for element in given):
        raise EncodeError("File Meta Information is group 0002 and no other")
    meta = given.copy()
    meta.update(
        Dataset(
            FileMetaInformationVersion=b"\0\1",
            MediaStorageSOPClassUID=_uid(dataset, given, "SOPClassUID"),
            MediaStorageSOPInstanceUID=_uid(dataset, given, "SOPInstanceUID"),
            TransferSyntaxUID=syntax.uid,
            ImplementationClassUID=IMPLEMENTATION_CLASS_UID,
            ImplementationVersionName=IMPLEMENTATION_VERSION_NAME,
        )
    )
    if _GROUP_LENGTH in meta:
        del meta[_GROUP_LENGTH]
    group = encode(meta, EXPLICIT_LE)
    length = Dataset()
    length.add(Element(_GROUP_LENGTH, "UL", len(group)))
    return encode(length, EXPLICIT_LE) + group


def _uid(dataset: Dataset, meta: Dataset, keyword: str) -> str:
    value = dataset.get(keyword) or meta.get(f"MediaStorage{keyword}")
    if not isinstance(value, str):
        raise EncodeError(f"a file needs {keyword} in its Data Set")
    return value


def meta_faults(meta: Dataset, dataset: Dataset, start: int, end: int) -> Iterator[Finding]:
    """What in group 0002 of a file is not as it should be; it lies from ``start`` to ``end``."""
    if start == end:
        yield Finding("", start, _RULE, "there is no File Meta Information")
        return
    for keyword in _NEEDED:
        if keyword not in meta:
            yield Finding("", start, _RULE, f"{keyword} is missing")
    length, real = meta.get(_GROUP_LENGTH), end - start - _HEADER_AND_VALUE
    if length not in (None, real):
        yield Finding("(0002,0000)", start, _RULE, f"the length of the group is {real}, not {shown(length)}")
    for element in dataset:
        if element.tag.group > _GROUP:
            break
        yield Finding(str(element.tag), None, _RULE, "it belongs to the File Meta Information, not to the Data Set")
    for tag, keyword in ((0x00020002, "SOPClassUID"), (0x00020003, "SOPInstanceUID")):
        said, really = meta.get(tag), dataset.get(keyword)
        if None not in (said, really) and said != really:
            yield Finding(
                f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
                None,
                _RULE,
                f"{shown(said)}, but {shown(really)} in the Data Set",
            )
