"""DICOM files: PS3.10 §7. A preamble, "DICM", File Meta Information (group 0002), and a Data Set.

Reading also takes what is found in the wild: files without the preamble or without File Meta Information, a group
0002 whose length is wrong or absent, and a Data Set whose VRs are explicit where its Transfer Syntax says implicit,
or the reverse.
"""

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import DecodeError, EncodeError
from ..uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from .codec import Limits, decode, encode, encode_rope
from .dataset import Dataset, Element
from .dictionary import lookup
from .layout import LONG_VRS, SHORT_VRS, layout_of
from .syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, TransferSyntax, syntax_of

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["File", "read_file", "write_file"]

_PREAMBLE = bytes(128)
_PREFIX = b"DICM"
_META_GROUP = 0x0002
_META_GROUP_LENGTH = 0x00020000
_MOST_META_ELEMENTS = 1000  # Table 7.1-1 has 20; the end of the group is looked for one element at a time
_FIRST_GROUPS = range(0x0002, 0x0030)  # where the Data Set of a file without a preamble may begin
_MANY = Limits(elements=2_000_000, value=256 << 20)  # a file is read on purpose; a whole slide has a million elements


@dataclass(frozen=True, slots=True)
class File:
    """A DICOM file: group 0002, the Data Set, and the Transfer Syntax in which it really was written."""

    meta: Dataset
    dataset: Dataset
    syntax: TransferSyntax


def read_file(source: "str | PathLike[str] | Buffer | BinaryIO", *, limits: Limits = _MANY) -> File:
    """The file at a path, in bytes, or in a binary stream, which is read to its end.

    Values are views of its bytes. Raises DecodeError for what is no DICOM file; OSError passes through.
    """
    view = memoryview(_read(source))
    prefixed = bytes(view[128:132]) == _PREFIX
    start = 132 if prefixed else 0
    if not prefixed and not _may_begin(view):
        raise DecodeError("not a DICOM file: no DICM at byte 128, and no Data Set at byte 0")
    end = _end_of_meta(view, start)
    meta = decode(view[start:end], EXPLICIT_LE, limits=limits)
    rest = view[end:]
    syntax = _syntax(meta, rest)
    return File(meta, decode(rest, syntax, limits=limits), syntax)


def write_file(
    target: str | PathLike[str] | BinaryIO, dataset: Dataset, *, syntax: TransferSyntax = EXPLICIT_LE
) -> None:
    """Write a Data Set as a file, to a path or a binary stream.

    File Meta Information takes SOPClassUID and SOPInstanceUID from the Data Set. Raises EncodeError, before anything
    is written, where one of them is missing or the Data Set cannot be written in this Transfer Syntax.
    """
    parts = [_PREAMBLE + _PREFIX + _meta(dataset, syntax), *encode_rope(dataset, syntax)]
    if isinstance(target, (str, PathLike)):
        with Path(target).open("wb") as stream:
            stream.writelines(parts)
    else:
        target.writelines(parts)


def _read(source: "str | PathLike[str] | Buffer | BinaryIO") -> "Buffer":
    if isinstance(source, (str, PathLike)):
        return Path(source).read_bytes()
    if hasattr(source, "read"):
        return source.read()
    return source


def _meta(dataset: Dataset, syntax: TransferSyntax) -> bytes:
    """Group 0002, PS3.10 Table 7.1-1."""
    if any(element.tag.group <= _META_GROUP for element in dataset):
        raise EncodeError("groups up to 0002 are not for the Data Set of a file")
    meta = Dataset(
        FileMetaInformationVersion=b"\0\1",
        MediaStorageSOPClassUID=_needed(dataset, "SOPClassUID"),
        MediaStorageSOPInstanceUID=_needed(dataset, "SOPInstanceUID"),
        TransferSyntaxUID=syntax.uid,
        ImplementationClassUID=IMPLEMENTATION_CLASS_UID,
        ImplementationVersionName=IMPLEMENTATION_VERSION_NAME,
    )
    group = encode(meta, EXPLICIT_LE)
    length = Dataset()
    length.add(Element(_META_GROUP_LENGTH, "UL", len(group)))
    return encode(length, EXPLICIT_LE) + group


def _needed(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    if not isinstance(value, str):
        raise EncodeError(f"a file needs {keyword} in its Data Set")
    return value


def _end_of_meta(view: memoryview, start: int) -> int:
    """Where group 0002 ends, found by its elements: its length is not always right."""
    layout = layout_of(EXPLICIT_LE)
    offset = start
    for _ in range(_MOST_META_ELEMENTS):
        if len(view) - offset < 12:
            return offset
        group, _, code, length = layout.short.unpack_from(view, offset)
        if group != _META_GROUP:
            return offset
        offset += 8
        if code not in SHORT_VRS:
            (length,) = layout.length.unpack_from(view, offset)
            offset += 4
        offset += length
    raise DecodeError(f"group 0002 has more than {_MOST_META_ELEMENTS} elements", offset=start)


def _has_vr(view: memoryview) -> bool:
    code = bytes(view[4:6])
    return code in SHORT_VRS or code in LONG_VRS


def _may_begin(view: memoryview) -> bool:
    """Whether a Data Set may begin here, in any syntax: one of the first groups, and an element that is known."""
    syntax = _found(view)
    if len(view) < 8:
        return False
    group, number, length = layout_of(syntax).item.unpack_from(view)
    known = group in _FIRST_GROUPS and lookup(group << 16 | number) is not None
    return known and (not syntax.implicit or length <= len(view) - 8)


def _found(view: memoryview) -> TransferSyntax:
    """The syntax of a Data Set that nobody names, by its first element: its groups are small numbers."""
    if not _has_vr(view):
        return IMPLICIT_LE
    return EXPLICIT_BE if view[0] < view[1] else EXPLICIT_LE


def _syntax(meta: Dataset, view: memoryview) -> TransferSyntax:
    """The syntax that the file names, unless its Data Set begins otherwise; where it names none, what it begins as."""
    uid = meta.get("TransferSyntaxUID")
    if not isinstance(uid, str):
        return _found(view)
    syntax = syntax_of(uid)
    if not view or syntax.deflated or syntax.implicit != _has_vr(view):
        return syntax
    return replace(syntax, implicit=True) if syntax.encapsulated else _found(view)
