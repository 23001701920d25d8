"""Frames of compressed Pixel Data: PS3.5 §A.4, and the Extended Offset Table of PS3.3 §C.7.6.3.1.8.

Pixel Data is a list of items: the Basic Offset Table, which may be empty, and then the fragments. A frame has one or
more fragments. The tables give the offset at which each frame begins; the offsets count the bytes of the items and
their headers. A table that cannot be right is ignored. Without a table, all fragments are the only frame, or each
fragment is a frame, or each frame starts with the header of its codec. Frames beyond Number of Frames are left out;
without this attribute, an object has several frames if each fragment starts with such a header. An empty fragment
belongs to no frame.
"""

import struct
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Literal, TypeAlias

from ..errors import DecodeError, EncodeError, Finding
from .dataset import PIXEL_DATA, Dataset, Value
from .items import Items
from .syntax import ITEM, SEQUENCE_DELIMITATION, TransferSyntax

__all__ = ["Fragment", "begins_frame", "fragments_in", "frame_count", "frames_of", "set_frames", "suits_pixels"]

Fragment: TypeAlias = bytes | memoryview

_PATH, _RULE = "(7FE0,0010) PixelData", "PS3.5 §A.4"
_TABLES = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")  # the two attributes of the Extended Offset Table
_HEADER = 8  # bytes in the header of an item: tag and length
_ITEM_HEADER = struct.Struct("<HHL")
_MAX_BASIC = 0xFFFFFFFF  # the greatest offset in a Basic Offset Table, of 32 bits
# The first bytes of a frame: JPEG (SOI), JPEG 2000 (SOC and SIZ, or boxes), JPEG XL (codestream, or boxes)
_FIRST_BYTES = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP", b"\xff\x0a", b"\0\0\0\x0cJXL")
# A JPEG XL codestream may contain its own first two bytes. The size of the image follows them, and all frames have the
# same size, so these four bytes are the same in all frames.
_JPEG_XL, _JPEG_XL_SIZED = b"\xff\x0a", 4
_RLE = struct.Struct("<16L")  # the header of RLE, PS3.5 §G.5: the number of segments, and where each segment begins
_MAX_FIRST_BYTES = _RLE.size


def suits_pixels(dataset: Dataset, syntax: TransferSyntax) -> bool:
    """Return whether Pixel Data, if there is any, can be written in a Transfer Syntax as it is.

    Native pixels suit all syntaxes without compression. Fragments suit the compressed syntax from which they were
    decoded; those that a program has set suit all compressed syntaxes.
    """
    element = dataset._elements.get(PIXEL_DATA)
    if element is None:
        return True
    if not (isinstance(element, Items) or isinstance(element._value, list)):
        return not syntax.encapsulated
    source = element._origin[0].syntax
    return syntax.encapsulated and (source is None or not source.encapsulated or source.uid == syntax.uid)


def frame_count(dataset: Dataset) -> int:
    """Return Number of Frames; 0 if it is missing, not a number, or less than 1."""
    try:
        value = dataset.get("NumberOfFrames")
    except DecodeError:
        return 0
    return value if isinstance(value, int) and value > 0 else 0


def frames_of(dataset: Dataset, *, report: list[Finding] | None = None) -> list[list[Fragment]]:
    """Return the fragments of each frame, without copying their bytes. The joined fragments are the frame.

    A padding byte may follow the frame, unless the Extended Offset Table gives its length. Raises DecodeError if there
    is no compressed Pixel Data, or if neither a table nor the fragments show where frames begin. ``report`` receives a
    finding if fragments beyond Number of Frames are left out, or if the fragments show that there are several frames.
    """
    table, fragments = _table_and_fragments(dataset.get("PixelData"), report)
    count = frame_count(dataset) or max(len(table) // 4, _implied_count(fragments), 1)
    frames = _frames_by_extended_table(dataset, fragments, count)
    has_more = sum(map(bool, map(len, fragments))) > count  # in an Extended Offset Table, each fragment is a frame
    if not frames:
        offsets = _fragment_offsets(fragments)
        frame_offsets = _basic_offsets(table, offsets, count) if count > 1 else []
        frame_offsets = frame_offsets or _guess_offsets(fragments, offsets, count)
        has_more = len(frame_offsets) > count
        number_of = {offset: number for number, offset in enumerate(offsets)}
        numbers = [*(number_of[offset] for offset in frame_offsets), len(fragments)][: count + 1]
        frames = [[part for part in fragments[first:last] if len(part)] for first, last in pairwise(numbers)]
    if not frames or not all(frames):
        comparison = f"{len(fragments)} fragment{'s' * (len(fragments) != 1)} for {count} frame{'s' * (count != 1)}"
        what = f"{comparison}, and no usable offset table"
        raise DecodeError(what, path=_PATH, rule=_RULE)
    if report is not None and count > max(frame_count(dataset), len(table) // 4, 1):
        what = f"Number of Frames is missing, but each of {count} fragments begins a frame"
        report.append(Finding(_PATH, None, _RULE, what))
    if report is not None and has_more:
        what = f"{len(fragments)} fragments hold more frames than Number of Frames ({count}); the rest is ignored"
        report.append(Finding(_PATH, None, _RULE, what))
    return frames


def set_frames(
    dataset: Dataset,
    frames: Iterable[Fragment | Sequence[Fragment]],
    *,
    table: Literal["basic", "extended", "none"] = "basic",
) -> None:
    """Set Pixel Data, its offset table and Number of Frames from frames, each whole or as a list of its fragments.

    ``table`` is the only offset table that is written: the Basic or the Extended Offset Table, or none. The extended
    table requires frames of one fragment, and the basic table can hold only offsets of 32 bits. Raises EncodeError if
    the table cannot describe the frames, if there are none, or if one is empty.
    """
    parts = [[frame] if isinstance(frame, (bytes, memoryview)) else [*frame] for frame in frames]
    if not parts or not all(map(_size, parts)):
        raise EncodeError("frames are missing or empty", path=_PATH)
    sizes = [sum(_HEADER + len(fragment) + len(fragment) % 2 for fragment in frame) for frame in parts]
    offsets = [*accumulate(sizes, initial=0)][:-1]
    if table == "extended" and len(parts) != sum(map(len, parts)):
        raise EncodeError("an Extended Offset Table allows only one fragment per frame", path=_PATH)
    if table == "basic" and offsets[-1] > _MAX_BASIC:
        raise EncodeError(f"an offset of {offsets[-1]} needs an Extended Offset Table", path=_PATH)
    basic = struct.pack(f"<{len(offsets)}L", *offsets) if table == "basic" else b""
    dataset.PixelData = [basic, *(fragment for frame in parts for fragment in frame)]
    dataset.NumberOfFrames = len(parts)
    for keyword, numbers in zip(_TABLES, (offsets, [*map(_size, parts)]), strict=True):
        if table == "extended":
            dataset[keyword] = struct.pack(f"<{len(numbers)}Q", *numbers)
        elif keyword in dataset:
            del dataset[keyword]


def _size(frame: Sequence[Fragment]) -> int:
    return sum(map(len, frame))


# Reading


def fragments_in(raw: Fragment) -> list[Fragment]:
    """Return the items in compressed pixels of defined length; none if the bytes are not items one after the other.

    Some programs write the length of all items, instead of an undefined length.
    """
    items: list[Fragment] = []
    view, at = memoryview(raw), 0
    while at + _HEADER <= len(view):
        group, number, length = _ITEM_HEADER.unpack_from(view, at)
        start, tag = at + _HEADER, group << 16 | number
        if tag == SEQUENCE_DELIMITATION:
            return items
        if tag != ITEM or start + length > len(view):
            return []
        items.append(view[start : start + length])
        at = start + length
    return items if at == len(view) else []


def _table_and_fragments(value: Value, report: list[Finding] | None) -> tuple[Fragment, list[Fragment]]:
    """Return the Basic Offset Table and the fragments; an empty table if the first item begins a frame.

    Raises DecodeError if there are no fragments.
    """
    items = [item for item in value if isinstance(item, (bytes, memoryview))] if isinstance(value, list) else []
    if items and begins_frame(items[0]):
        if report is not None:
            report.append(
                Finding(_PATH, None, _RULE, "the Basic Offset Table is missing: the first item is a fragment")
            )
        return b"", items
    if len(items) < 2:
        raise DecodeError("no fragments of compressed Pixel Data", path=_PATH, rule=_RULE)
    return items[0], items[1:]


def begins_frame(fragment: Fragment) -> bool:
    """Return whether a fragment begins with the header of JPEG, JPEG-LS, JPEG 2000, JPEG XL or RLE."""
    return bool(_marked_offsets([(0, bytes(fragment[:_MAX_FIRST_BYTES]))]))


def _implied_count(fragments: Sequence[Fragment]) -> int:
    """Return the number of fragments that are not empty if each of them begins a frame; otherwise 0."""
    filled = [(0, bytes(part[:_MAX_FIRST_BYTES])) for part in fragments if len(part)]
    return len(filled) if len(_marked_offsets(filled)) == len(filled) else 0


def _fragment_offsets(fragments: Sequence[Fragment]) -> list[int]:
    """Return the offset of each fragment, counted as in the tables."""
    return [*accumulate((_HEADER + len(fragment) + len(fragment) % 2 for fragment in fragments), initial=0)][:-1]


def _frames_by_extended_table(dataset: Dataset, fragments: list[Fragment], count: int) -> list[list[Fragment]]:
    """Return the frames by the Extended Offset Table; none if it is missing or cannot be right."""
    offsets, lengths = (_numbers(dataset.get(keyword), 8, count) for keyword in _TABLES)
    found = dict(zip(_fragment_offsets(fragments), fragments, strict=True))
    frames = [
        [found[offset][:length]]
        for offset, length in zip(offsets, lengths, strict=False)
        if 0 < length <= len(found.get(offset, b""))
    ]
    is_usable = len(frames) == count and all(a < b for a, b in pairwise(offsets))
    return frames if is_usable else []


def _basic_offsets(table: Fragment, starts: list[int], count: int) -> list[int]:
    """Return the offsets of frames in the Basic Offset Table; none if it is empty or cannot be right."""
    offsets = _numbers(table, 4, count)
    usable = offsets[:1] == [0] and set(offsets) <= set(starts) and all(a < b for a, b in pairwise(offsets))
    return offsets if usable else []


def _guess_offsets(fragments: list[Fragment], starts: list[int], count: int) -> list[int]:
    """Return the offsets of frames, judged by the number of fragments and their first bytes; none if neither helps.

    An empty fragment never begins a frame.
    """
    filled = [(at, bytes(part[:_MAX_FIRST_BYTES])) for at, part in zip(starts, fragments, strict=True) if len(part)]
    if count == len(filled):
        return [at for at, _ in filled]
    marked = _marked_offsets(filled)
    if len(marked) >= count:
        return marked
    return [at for at, _ in filled[:1]] if count == 1 else []


def _marked_offsets(filled: list[tuple[int, bytes]]) -> list[int]:
    """Return the offsets of the fragments that begin with the header of a codec, as the first one does.

    ``filled`` has the offset and the first bytes of each fragment.
    """
    head = filled[0][1] if filled else b""
    if _begins_rle(head):
        return [at for at, other in filled if _begins_rle(other)]
    first_bytes = next((begin for begin in _FIRST_BYTES if head.startswith(begin)), None)
    if first_bytes == _JPEG_XL:
        first_bytes = head[:_JPEG_XL_SIZED]
    return [at for at, other in filled if first_bytes is not None and other.startswith(first_bytes)]


def _begins_rle(head: bytes) -> bool:
    """Return whether bytes are an RLE header: the first segment follows it, and the offsets are in order."""
    if len(head) < _RLE.size:
        return False
    segments, *offsets = _RLE.unpack(head)
    used, rest = offsets[:segments], offsets[segments:]
    return 1 <= segments <= len(offsets) and used[0] == _RLE.size and used == sorted(used) and not any(rest)


def _numbers(value: Value, size: int, count: int) -> list[int]:
    """Return the numbers in a table of ``count`` entries; none if it has another size."""
    if not isinstance(value, (bytes, memoryview)) or len(value) != size * count:
        return []
    return [*struct.unpack(f"<{count}{'LQ'[size == 8]}", value)]
