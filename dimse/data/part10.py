"""DICOM files: PS3.10 §7. A preamble, "DICM", File Meta Information (group 0002), and a Data Set.

Reading also takes what is found in the wild: files without the preamble or without File Meta Information, a group
0002 in implicit VR or whose length is wrong or absent, a Data Set whose VRs are explicit where its Transfer Syntax says
implicit or the reverse, and a Transfer Syntax that PS3.6 does not have.
"""

from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import DecodeError, EncodeError
from ..uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from .codec import Limits, decode, encode, encode_rope
from .dataset import Dataset, Element
from .dictionary import lookup
from .layout import LONG_VRS, SHORT_VRS, layout_of
from .partial import pixels_offset
from .syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, TransferSyntax, syntax_of
from .whole import write_whole

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["File", "read_file", "write_file"]

_PREAMBLE = bytes(128)
_PREFIX = b"DICM"
_META_GROUP = 0x0002
_META_GROUP_LENGTH = 0x00020000
_MOST_META_ELEMENTS = 1000  # Table 7.1-1 has 20; the end of the group is looked for one element at a time
_FIRST_GROUPS = range(0x0002, 0x0030)  # where the Data Set of a file without a preamble may begin
_PIXELS = 0x7FE0
_UNKNOWN = "unknown Transfer Syntax"
_MANY = Limits(elements=2_000_000, value=256 << 20)  # a file is read on purpose; a whole slide has a million elements


@dataclass(frozen=True, slots=True)
class File:
    """A DICOM file: group 0002, the Data Set, and the Transfer Syntax in which it really was written."""

    meta: Dataset
    dataset: Dataset
    syntax: TransferSyntax


def read_file(
    source: "str | PathLike[str] | Buffer | BinaryIO",
    *,
    limits: Limits = _MANY,
    stop_before_pixels: bool = False,
    mapped: bool = False,
) -> File:
    """The file at a path, in bytes, or in a binary stream, which is read to its end.

    Values are views of its bytes. With ``stop_before_pixels`` group 7FE0 and what follows are left out, and of a file
    at a path no more is read than that takes. With ``mapped`` the bytes of a file at a path stay on disk until somebody
    looks at them: it must not be cut while they are in use. Raises DecodeError for what is no DICOM file; OSError
    passes through.
    """
    view = memoryview(_opened(source, mapped or stop_before_pixels))
    view = view.cast("B") if view.nbytes else memoryview(b"")
    prefixed = bytes(view[128:132]) == _PREFIX
    start = 132 if prefixed else 0
    if not prefixed and not _may_begin(view):
        raise DecodeError("not a DICOM file: no DICM at byte 128, and no Data Set at byte 0")
    layout = EXPLICIT_LE if _has_vr(view[start:]) else IMPLICIT_LE
    end = _end_of_meta(view, start, layout)
    part, rest = view[start:end], view[end:]
    meta = decode(part if mapped else bytes(part), layout, limits=limits)
    syntax = _syntax(meta, rest)
    if stop_before_pixels and not syntax.deflated:
        rest = rest[: pixels_offset(rest, syntax)]
        rest = rest if mapped else memoryview(bytes(rest))  # the file, or its pixels, need not stay
    dataset = decode(rest, syntax, limits=limits)
    if stop_before_pixels and syntax.deflated:
        _cut(dataset)
    if syntax.name.startswith(_UNKNOWN):
        syntax = replace(syntax, encapsulated=isinstance(dataset.get("PixelData"), list))
    return File(meta, dataset, syntax)


def write_file(
    target: str | PathLike[str] | BinaryIO,
    dataset: Dataset,
    *,
    syntax: TransferSyntax = EXPLICIT_LE,
    meta: Dataset | None = None,
) -> None:
    """Write a Data Set as a file, to a path or a binary stream.

    At a path the file is there whole or not at all: until all is on the disk, what was there stays. ``meta`` has
    elements of group 0002 that go along, such as SourceApplicationEntityTitle; what says how this file is written is
    put right. MediaStorageSOPClassUID and MediaStorageSOPInstanceUID come from the Data Set, or else from ``meta``.
    Raises EncodeError, before anything is written, where one of them is missing or the Data Set cannot be written in
    this Transfer Syntax; OSError passes through.
    """
    pieces = [_PREAMBLE + _PREFIX + _meta(dataset, syntax, meta or Dataset()), *encode_rope(dataset, syntax)]
    if isinstance(target, (str, PathLike)):
        write_whole(target, pieces)
    else:
        target.writelines(pieces)


# Reading


def _opened(source: "str | PathLike[str] | Buffer | BinaryIO", in_part: bool) -> "Buffer":
    if not isinstance(source, (str, PathLike)):
        return source.read() if hasattr(source, "read") else source
    path = Path(source)
    if not in_part or not path.is_file():  # a pipe cannot be mapped, nor can a file without bytes
        return path.read_bytes()
    with path.open("rb") as stream:
        return mmap(stream.fileno(), 0, access=ACCESS_READ) if path.stat().st_size else b""


def _cut(dataset: Dataset) -> None:
    for element in dataset:
        if element.tag.group >= _PIXELS:
            del dataset[element.tag]


def _end_of_meta(view: memoryview, start: int, syntax: TransferSyntax) -> int:
    """Where group 0002 ends, found by its elements: its length is not always right."""
    layout = layout_of(syntax)
    offset = start
    for _ in range(_MOST_META_ELEMENTS):
        if len(view) - offset < 12:
            return offset
        group, _, length = layout.item.unpack_from(view, offset)
        if group != _META_GROUP:
            return offset
        if not syntax.implicit:
            _, _, code, length = layout.short.unpack_from(view, offset)
            if code not in SHORT_VRS:
                (length,) = layout.length.unpack_from(view, offset + 8)
                offset += 4
        offset += 8 + length
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
    try:
        syntax = syntax_of(uid)
    except DecodeError:
        return replace(_found(view), uid=uid, name=f"{_UNKNOWN} {uid}")
    if not view or syntax.deflated or syntax.implicit != _has_vr(view):
        return syntax
    return replace(syntax, implicit=True) if syntax.encapsulated else _found(view)


# Writing


def _meta(dataset: Dataset, syntax: TransferSyntax, given: Dataset) -> bytes:
    """Group 0002, PS3.10 Table 7.1-1."""
    if any(element.tag.group <= _META_GROUP for element in dataset):
        raise EncodeError("groups up to 0002 are not for the Data Set of a file")
    if any(element.tag.group != _META_GROUP for element in given):
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
    if _META_GROUP_LENGTH in meta:
        del meta[_META_GROUP_LENGTH]
    group = encode(meta, EXPLICIT_LE)
    length = Dataset()
    length.add(Element(_META_GROUP_LENGTH, "UL", len(group)))
    return encode(length, EXPLICIT_LE) + group


def _uid(dataset: Dataset, meta: Dataset, keyword: str) -> str:
    value = dataset.get(keyword) or meta.get(f"MediaStorage{keyword}")
    if not isinstance(value, str):
        raise EncodeError(f"a file needs {keyword} in its Data Set")
    return value
