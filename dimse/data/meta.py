"""File Meta Information: group 0002, PS3.10 §7.1.

Always in Explicit VR Little Endian. It says of a file what its Data Set is, and in which Transfer Syntax it is written.
"""

from collections.abc import Iterator

from ..errors import DecodeError, EncodeError, shown
from ..uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from .codec import encode
from .dataset import Dataset, Element
from .finding import Finding
from .layout import SHORT_VRS, layout_of
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
    """Where group 0002 ends, found by its elements: its length is not always right. Raises DecodeError."""
    layout = layout_of(syntax)
    offset = start
    for _ in range(_MOST_ELEMENTS):
        if len(view) - offset < 12:
            return offset
        group, _, length = layout.item.unpack_from(view, offset)
        if group != _GROUP:
            return offset
        if not syntax.implicit:
            _, _, code, length = layout.short.unpack_from(view, offset)
            if code not in SHORT_VRS:
                (length,) = layout.length.unpack_from(view, offset + 8)
                offset += 4
        offset += 8 + length
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
    for tag, keyword in ((0x00020002, "SOPClassUID"), (0x00020003, "SOPInstanceUID")):
        said, really = meta.get(tag), dataset.get(keyword)
        if None not in (said, really) and said != really:
            yield Finding(
                f"({tag >> 16:04X},{tag & 0xFFFF:04X})",
                None,
                _RULE,
                f"{shown(said)}, but {shown(really)} in the Data Set",
            )
