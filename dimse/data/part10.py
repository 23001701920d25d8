"""DICOM files: PS3.10 §7. A file has a preamble, "DICM", File Meta Information (group 0002), and a Data Set.

File Meta Information is always in Explicit VR Little Endian; it identifies the Data Set and its Transfer Syntax.

Reading accepts what devices write in practice: files without the preamble or without File Meta Information; a group
0002 in implicit VR, or with a wrong or missing length; a Data Set in explicit VR although its Transfer Syntax is
implicit, or the reverse; and Transfer Syntaxes that PS3.6 does not define.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypedDict

from ..errors import DecodeError, EncodeError, Finding, shown
from ..files import write_whole
from ..uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, registry
from .codec import DecodeLimits, decode, encode, encode_rope
from .dataset import Dataset, Element
from .dictionary import is_known
from .header import SHORTEST_HEADER, actual_layout, is_vr, read_header
from .skip import PIXEL_GROUP, pixels_offset
from .syntax import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, SHORT_VRS, TransferSyntax, syntax_of, syntax_of_value
from .tag import Tag
from .values import octets

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["File", "encode_meta", "read_file", "write_file"]

_PREAMBLE = bytes(128)
_PREFIX = b"DICM"
_FIRST_GROUPS = range(0x0002, 0x0030)  # the groups with which a file without a preamble may begin
_RULE = "PS3.10 §7.1"
_GROUP = 0x0002
_GROUP_LENGTH, _TRANSFER_SYNTAX = 0x00020000, 0x00020010
_REQUIRED = (
    "FileMetaInformationGroupLength",
    "FileMetaInformationVersion",
    "MediaStorageSOPClassUID",
    "MediaStorageSOPInstanceUID",
    "TransferSyntaxUID",
    "ImplementationClassUID",
)
_LONGEST_HEADER = 12  # bytes
_LENGTH_ELEMENT = 12  # bytes of the group length element
_MAX_ELEMENTS = 1000  # elements of group 0002; PS3.10 Table 7.1-1 has 15
# Higher limits than for a peer, because the caller chose to read the file. A whole slide image has a million elements,
# and some files have values that are longer than their VR allows.
_FILE_LIMITS = DecodeLimits(elements=2_000_000, items=2_000_000, value=256 << 20, values=1 << 27, overlength=1 << 30)


@dataclass(frozen=True, slots=True)
class File:
    """A DICOM file: group 0002, the Data Set, and its actual Transfer Syntax."""

    meta: Dataset
    dataset: Dataset
    syntax: TransferSyntax


def read_file(
    source: "str | PathLike[str] | Buffer | BinaryIO",
    *,
    limits: DecodeLimits = _FILE_LIMITS,
    stop_before_pixels: bool = False,
    mapped: bool = False,
    whole: bool = False,
    report: list[Finding] | None = None,
    cut_off: list[DecodeError] | None = None,
    group_lengths: bool = False,
) -> File:
    """Read a DICOM file from a path, from bytes, or from a binary stream to its end.

    Values are views of the bytes of the file. With ``stop_before_pixels``, group 7FE0 and everything after it are left
    out; a regular file is then read only up to this group, except for a deflated Data Set. With ``mapped``, the bytes
    of a file at a path stay on disk until they are used; nobody may shorten the file while the Data Set is in use,
    because access to a missing part ends the process. Items are parsed, and their errors raised, when they are first
    accessed; ``whole`` parses all items now, as :func:`~dimse.data.codec.decode` does by default.

    ``report`` receives the tolerated faults: of the preamble, the File Meta Information, the Transfer Syntax and the
    structure; their offsets count from the start of the file, except in a deflated Data Set. ``cut_off`` and
    ``group_lengths`` are as in :func:`~dimse.data.codec.decode`. Raises DecodeError as `decode` does, and if the source
    is not a DICOM file. Raises OSError if the source cannot be read.
    """
    view = octets(_open_source(source, mapped or stop_before_pixels))
    start, end, layout, uid = _find_meta(view)
    head = view[:end]
    meta = decode(head if mapped else bytes(head), layout, start=start, limits=limits, report=report)
    syntax = _actual_syntax(meta, uid, view[end:])
    is_cut = False
    if stop_before_pixels and not syntax.deflated:
        stop = end + pixels_offset(view[end:], syntax)
        is_cut = stop < len(view)
        view = view[:stop] if mapped else memoryview(bytes(view[:stop]))  # a copy does not need the file any more
    options = _Options(limits=limits, whole=whole, report=report, cut_off=cut_off, group_lengths=group_lengths)
    dataset = decode(view, syntax, start=end, **options)
    if stop_before_pixels and not is_cut:
        _drop_pixels(dataset)
    file = File(meta, dataset, _with_encapsulation(syntax, dataset))
    if report is not None:
        report += _file_faults(file, start, end, layout)
    return file


def write_file(
    target: str | PathLike[str] | BinaryIO,
    dataset: Dataset,
    *,
    syntax: TransferSyntax = EXPLICIT_LE,
    meta: Dataset | None = None,
) -> None:
    """Write a Data Set as a file, to a path or a binary stream.

    A file at a path appears whole or not at all: an old file stays until the new file is on the disk. ``meta`` has
    further elements of group 0002, such as SourceApplicationEntityTitle; elements that describe this file are
    corrected. MediaStorageSOPClassUID and MediaStorageSOPInstanceUID come from the Data Set, or else from ``meta``.
    Raises EncodeError, before anything is written, if one of the two is missing, if the Data Set has elements of
    groups 0000 to 0002, if ``meta`` has elements of other groups than 0002, or if this Transfer Syntax cannot write the
    Data Set. Raises OSError if the file cannot be written.
    """
    pieces = [_PREAMBLE + _PREFIX + encode_meta(dataset, syntax, meta or Dataset()), *encode_rope(dataset, syntax)]
    if isinstance(target, (str, PathLike)):
        write_whole(target, pieces)
    else:
        target.writelines(pieces)


# Reading


def _open_source(source: "str | PathLike[str] | Buffer | BinaryIO", in_part: bool) -> "Buffer":
    if not isinstance(source, (str, PathLike)):
        return source.read() if hasattr(source, "read") else source
    path = Path(source)
    if not in_part or not path.is_file():  # neither a pipe nor an empty file can be mapped
        return path.read_bytes()
    with path.open("rb") as stream:
        return mmap(stream.fileno(), 0, access=ACCESS_READ) if path.stat().st_size else b""


class _Options(TypedDict):
    """The arguments that `read_file` passes on to `decode`."""

    limits: DecodeLimits
    whole: bool
    report: list[Finding] | None
    cut_off: list[DecodeError] | None
    group_lengths: bool


def _find_meta(view: memoryview) -> tuple[int, int, TransferSyntax, bytes]:
    """Return the start of group 0002, its end, its encoding, and the value that `_walk_meta` returns.

    Raises DecodeError.
    """
    prefixed = bytes(view[128:132]) == _PREFIX
    start = 132 if prefixed else 0
    if not prefixed and not _may_begin_dataset(view):
        raise DecodeError("not a DICOM file: no DICM at byte 128, and no Data Set at byte 0", rule=_RULE)
    layout = EXPLICIT_LE if _has_vr(view[start:]) else IMPLICIT_LE
    end, uid = _walk_meta(view, start, layout)
    return start, end, layout, uid


def _with_encapsulation(syntax: TransferSyntax, dataset: Dataset) -> TransferSyntax:
    """Return the syntax. If it is unknown, the Data Set shows whether the syntax compresses pixels."""
    if not syntax.is_unknown:
        return syntax
    return replace(syntax, encapsulated=isinstance(dataset.get("PixelData"), list))


def _drop_pixels(dataset: Dataset) -> None:
    for element in dataset:
        if element.tag.group >= PIXEL_GROUP:
            del dataset[element.tag]


def _has_vr(view: memoryview) -> bool:
    return is_vr(bytes(view[4:6]))


def _has_wrong_vr(view: memoryview, syntax: TransferSyntax) -> bool:
    """Return whether the first element of a Data Set in explicit VR is sound, apart from its VR, which is wrong."""
    layout, end = syntax.layout, len(view)
    if syntax.implicit or end < SHORTEST_HEADER or actual_layout(view, 0, end, layout) is not layout:
        return False
    try:
        return read_header(view, 0, end, layout)[4]
    except struct.error:  # a future VR, whose header is cut off
        return True


def _may_begin_dataset(view: memoryview) -> bool:
    """Return whether ``view`` begins with a known element of a low group, as group 0002 and Data Sets do."""
    syntax = _guess_syntax(view)
    if len(view) < 8:
        return False
    group, number, length = syntax.layout.item.unpack_from(view)
    known = group in _FIRST_GROUPS and is_known(group << 16 | number)
    return known and (not syntax.implicit or length <= len(view) - 8)


def _guess_syntax(view: memoryview) -> TransferSyntax:
    """Guess the syntax of a Data Set from its first element, whose group number is small."""
    if not _has_vr(view):
        return IMPLICIT_LE
    return EXPLICIT_BE if view[0] < view[1] else EXPLICIT_LE


def _actual_syntax(meta: Dataset, raw_uid: bytes, view: memoryview) -> TransferSyntax:
    """Return the syntax that the file names, corrected by the first element of the Data Set.

    ``raw_uid`` is the value of its UID, or b"" to look it up in ``meta``, which takes longer.
    """
    syntax = syntax_of_value(raw_uid)
    if syntax is None:
        uid = meta.get("TransferSyntaxUID")
        if not isinstance(uid, str):
            return _guess_syntax(view)
        try:
            syntax = syntax_of(uid)
        except DecodeError:
            return replace(_guess_syntax(view), uid=uid, name=f"unknown Transfer Syntax {uid}")
    if (other := _other_explicit(view, syntax)) is not None:
        return other
    if not view or syntax.deflated or syntax.implicit != _has_vr(view) or _has_wrong_vr(view, syntax):
        return syntax
    return replace(syntax, implicit=True) if syntax.encapsulated else _guess_syntax(view)


def _other_explicit(view: memoryview, syntax: TransferSyntax) -> TransferSyntax | None:
    """Return the explicit syntax in which a Data Set begins with a known element, if ``syntax`` cannot be right.

    ``syntax`` cannot be right if it is deflated but the Data Set is not, or if the first element is unknown in the
    byte order of ``syntax``.
    """
    is_explicit = not (syntax.implicit or syntax.encapsulated or syntax.deflated)
    if not (syntax.deflated or (is_explicit and not _begins_known(view, syntax))) or not _has_vr(view):
        return None
    right = (other for other in (EXPLICIT_LE, EXPLICIT_BE) if _begins_known(view, other, _FIRST_GROUPS))
    return next(right, None)


def _begins_known(view: memoryview, syntax: TransferSyntax, groups: range = range(1 << 16)) -> bool:
    """Return whether ``view`` begins with the tag of a known element in one of the groups."""
    if len(view) < SHORTEST_HEADER:
        return False
    group, number, _ = syntax.layout.item.unpack_from(view)
    return group in groups and is_known(group << 16 | number)


def _file_faults(file: File, start: int, end: int, layout: TransferSyntax) -> Iterator[Finding]:
    if not start:
        yield Finding("", 0, _RULE, "the preamble with DICM is missing")
    if end > start and layout.implicit:
        yield Finding("", start, _RULE, "the File Meta Information is in implicit VR")
    yield from _meta_faults(file.meta, file.dataset, start, end)
    named = file.meta.get("TransferSyntaxUID")
    if file.syntax.uid not in registry():
        yield Finding("(0002,0010)", None, "PS3.6 §A", f"{shown(named)} is not a Transfer Syntax of the standard")
    elif isinstance(named, str) and file.syntax != syntax_of(named):
        what = f"{syntax_of(named).name} is named, but the Data Set is encoded differently"
        yield Finding("(0002,0010)", end, "PS3.5 §10", what)


# File Meta Information


def _walk_meta(view: memoryview, start: int, syntax: TransferSyntax) -> tuple[int, bytes]:
    """Return the end of group 0002, and the value of Transfer Syntax UID, or b"" if it lies behind a wrong length.

    Raises DecodeError if the group has more than 1,000 elements.

    The elements show where the group ends, because the group length may be wrong. Some devices begin the Data Set with
    an element of group 0002. It is recognized in two cases. First: it begins exactly at the end that the group length
    states, and its tag is not greater than the tag before it. Second: it begins at that end or later, and is in
    implicit VR although the group is in explicit VR.
    """
    layout = syntax.layout
    offset, declared_end, latest, uid = start, -1, 0, b""
    for _ in range(_MAX_ELEMENTS):
        if len(view) - offset < _LONGEST_HEADER:
            return min(offset, len(view)), uid
        if offset < declared_end and not syntax.implicit:  # saves calls: 5 % of the byte code executed for a small file
            group, number, code, length = layout.short.unpack_from(view, offset)
            if group == _GROUP and number and code in SHORT_VRS:
                latest, value, offset = (
                    group << 16 | number,
                    offset + SHORTEST_HEADER,
                    offset + SHORTEST_HEADER + length,
                )
                if latest == _TRANSFER_SYNTAX and not uid:
                    uid = bytes(view[value:offset])
                continue
        tag, code, value, length, _ = read_header(view, offset, len(view), layout)
        if tag >> 16 != _GROUP or (offset == declared_end and tag <= latest):
            return offset, uid
        if offset >= declared_end and not syntax.implicit and not is_vr(code):
            return offset, uid
        latest, offset = tag, value + length
        if tag == _GROUP_LENGTH and length == 4:
            declared_end = offset + int.from_bytes(view[value:offset], "little")
    raise DecodeError(f"group 0002 has more than {_MAX_ELEMENTS} elements", offset=start, rule=_RULE)


def encode_meta(dataset: Dataset, syntax: TransferSyntax, given: Dataset) -> bytes:
    """Return group 0002 of a file, Table 7.1-1, with the elements of ``given``. Raises EncodeError."""
    if any(element.tag.group <= _GROUP for element in dataset):
        raise EncodeError("the Data Set of a file must not have elements of groups 0000 to 0002")
    if any(element.tag.group != _GROUP for element in given):
        raise EncodeError("File Meta Information must have only elements of group 0002")
    meta = given.copy()
    meta.update(
        Dataset(
            FileMetaInformationVersion=b"\0\1",
            MediaStorageSOPClassUID=_media_storage_uid(dataset, given, "SOPClassUID"),
            MediaStorageSOPInstanceUID=_media_storage_uid(dataset, given, "SOPInstanceUID"),
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


def _media_storage_uid(dataset: Dataset, meta: Dataset, keyword: str) -> str:
    value = dataset.get(keyword) or meta.get(f"MediaStorage{keyword}")
    if not isinstance(value, str):
        raise EncodeError(f"a file needs {keyword} in its Data Set, or MediaStorage{keyword} in meta")
    return value


def _meta_faults(meta: Dataset, dataset: Dataset, start: int, end: int) -> Iterator[Finding]:
    """Yield the faults of the File Meta Information that lies from ``start`` to ``end`` in a file."""
    if start == end:
        yield Finding("", start, _RULE, "there is no File Meta Information")
        return
    for keyword in _REQUIRED:
        if keyword not in meta:
            yield Finding("", start, _RULE, f"{keyword} is missing")
    length, size = meta.get(_GROUP_LENGTH), end - start - _LENGTH_ELEMENT
    if length not in (None, size):
        yield Finding("(0002,0000)", start, _RULE, f"the group has {size} bytes, not {shown(length)}")
    for element in dataset:
        if element.tag.group > _GROUP:
            break
        yield Finding(
            str(element.tag), None, _RULE, "the element belongs to the File Meta Information, not to the Data Set"
        )
    for tag, keyword in ((0x00020002, "SOPClassUID"), (0x00020003, "SOPInstanceUID")):
        declared, actual = meta.get(tag), dataset.get(keyword)
        if None not in (declared, actual) and declared != actual:
            yield Finding(str(Tag(tag)), None, _RULE, f"{shown(declared)}, but {shown(actual)} in the Data Set")
