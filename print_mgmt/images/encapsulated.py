"""Which fragments of compressed Pixel Data are which frame, PS3.5 §A.4.

The first item is the Basic Offset Table, perhaps empty; the others are fragments. A frame is one fragment
or several. Which, the tables say, Basic or Extended (PS3.3 C.7.6.3.1.8); without one there is a fragment for
each frame, or each frame begins with a marker that starts an image.
"""

import struct
from collections.abc import Sequence
from itertools import accumulate, pairwise

from dimse.data import Dataset

from .errors import ImageError

__all__ = ["frame_data"]

_ITEM_HEADER = 8  # tag and length of a fragment; offsets count them
_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP")  # SOI of JPEG, SOC and SIZ of JPEG 2000, its boxes
_UNUSED = 0xFFFFFFFF  # some write it for offsets that they do not know


def frame_data(dataset: Dataset, pixel_data: Sequence[bytes | memoryview], number: int, count: int) -> bytes:
    """Return the bytes of frame ``number`` of ``count``. Raises ImageError where the fragments do not say which."""
    table, fragments = bytes(pixel_data[0]) if pixel_data else b"", pixel_data[1:]
    if not fragments:
        raise ImageError("PixelData holds no fragment (PS3.5 A.4)")
    if count == 1:
        return b"".join(fragments)
    if count == len(fragments):
        return bytes(fragments[number - 1])
    begins = _offsets(dataset, table, count) or _marked(fragments)
    if len(begins) != count:
        raise ImageError(f"PixelData has {len(fragments)} fragments for {count} frames, and no table of them")
    end = begins[number] if number < count else None
    return _between(fragments, begins[number - 1], end)


def _offsets(dataset: Dataset, table: bytes, count: int) -> list[int]:
    """Return where each frame begins; nothing where no table says so."""
    extended = dataset.get("ExtendedOffsetTable")
    if isinstance(extended, bytes | memoryview) and len(extended) == 8 * count:
        return list(struct.unpack(f"<{count}Q", extended))
    offsets = struct.unpack(f"<{len(table) // 4}L", table[: len(table) // 4 * 4])
    usable = len(offsets) == count and _UNUSED not in offsets and all(a < b for a, b in pairwise(offsets))
    return list(offsets) if usable else []


def _positions(fragments: Sequence[bytes | memoryview]) -> list[int]:
    lengths = (len(fragment) + len(fragment) % 2 + _ITEM_HEADER for fragment in fragments)
    return list(accumulate(lengths, initial=0))[:-1]


def _marked(fragments: Sequence[bytes | memoryview]) -> list[int]:
    """Return where the fragments begin that start an image."""
    positions = zip(_positions(fragments), fragments, strict=True)
    return [position for position, fragment in positions if bytes(fragment[:6]).startswith(_STARTS)]


def _between(fragments: Sequence[bytes | memoryview], begin: int, end: int | None) -> bytes:
    positions = _positions(fragments)
    if begin not in positions:
        raise ImageError(f"the offset table names byte {begin}, where no fragment begins (PS3.5 A.4)")
    inside = (begin <= position and (end is None or position < end) for position in positions)
    return b"".join(fragment for fragment, is_in in zip(fragments, inside, strict=True) if is_in)
