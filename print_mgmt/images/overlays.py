"""Overlays: bit planes of groups 60xx on the image, PS3.3 C.9.2 and C.9.3.

A plane has its own size. Its upper left pixel is at Overlay Origin, row and column counted from 1, so a part of the
plane may be outside of the image. A plane may belong to some frames of the image only: the first of them is Image Frame
Origin. The bits of the plane are in Overlay Data or (retired) in the cells of Pixel Data, each in a bit of its cell
that Bits Stored leaves unused. A plane in the cells covers the whole image; its own size and origin are ignored.

Graphics cover the image. A region of interest (type R) only marks pixels, and is not printed. An invalid plane is left
out with a note.
"""

from collections.abc import Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dimse.data import tag_of
from dimse.errors import DecodeError

from .errors import ImageError
from .frame import Frame, check_size
from .stored_values import Cells, stored_bits

__all__ = ["GROUPS", "Mask", "overlay_mask", "plane_of"]

Mask = NDArray[np.bool_]

GROUPS = range(0x6000, 0x6020, 2)
_REGION = "R"


def overlay_mask(frame: Frame, cells: Cells | None, shape: tuple[int, ...], *, except_group: int = 0) -> Mask | None:
    """Return a mask of the pixels under graphics, HxW; None if the frame has no graphics.

    ``cells`` are native gray Pixel Data, or None for other Pixel Data. Group ``except_group`` is left out.
    """
    mask: Mask | None = None
    for group, rows, bit_position in _plane_tags():
        if group != except_group and (rows in frame.dataset or bit_position in frame.dataset):
            plane = plane_of(frame, group, cells, shape, regions=False)
            if plane is not None:
                mask = plane if mask is None else mask | plane
    return mask


def plane_of(frame: Frame, group: int, cells: Cells | None, shape: tuple[int, ...], *, regions: bool) -> Mask | None:
    """Return a mask of the pixels under the overlay of a group, HxW; None, with a note, if the overlay is invalid.

    ``cells`` are native gray Pixel Data, or None for other Pixel Data. The result is also None if the overlay has no
    plane on this frame, and, without ``regions``, for a region of interest.
    """
    overlay = _Overlay(frame, group)
    mask: Mask | None = None
    try:
        if not regions and overlay.is_region:
            return None
        for plane, origin in overlay.planes(cells):
            mask = np.zeros(shape[:2], np.bool_)
            _add(mask, plane, origin)
    except (ImageError, DecodeError) as exc:
        frame.note(f"{exc}: the overlay is left out")
        return None
    return mask


def _tag(group: int, keyword: str) -> int:
    return tag_of(keyword) + (group - GROUPS.start << 16)


@cache
def _plane_tags() -> tuple[tuple[int, int, int], ...]:
    """Return each group with the tags of its Overlay Rows and Overlay Bit Position, one of which each plane has."""
    return tuple((group, _tag(group, "OverlayRows"), _tag(group, "OverlayBitPosition")) for group in GROUPS)


class _Overlay:
    """One group 60xx."""

    def __init__(self, frame: Frame, group: int) -> None:
        self._frame = frame
        self._dataset = frame.dataset
        self._group = group

    @property
    def is_region(self) -> bool:
        kind = self._dataset.get(_tag(self._group, "OverlayType"))
        return isinstance(kind, str) and kind.strip(" \0").upper() == _REGION

    def planes(self, cells: Cells | None) -> Iterator[tuple[Mask, tuple[int, int]]]:
        """Yield the plane on the frame and its origin, counted from 0; nothing if the frame has no plane."""
        number = self._plane_number()
        if number is None:
            return
        data = self._dataset.get(_tag(self._group, "OverlayData"))
        if isinstance(data, bytes | memoryview) and len(data):
            yield self._plane(data, number), self._origin()
        elif self._integer("OverlayBitPosition") is not None and cells is not None:
            yield self._plane_in_cells(cells), (0, 0)
        else:
            raise ImageError(f"{self._name('OverlayData')} is missing (PS3.3 C.9.2)")

    def _plane_number(self) -> int | None:
        """Return the number of the plane on this frame, from 0; None if this frame has no plane.

        An overlay without numbers of frames is on all frames (PS3.3 C.9.3.1).
        """
        frames, first = self._integer("NumberOfFramesInOverlay"), self._integer("ImageFrameOrigin")
        if frames is None and first is None:
            return 0
        number = self._frame.number - max(first or 1, 1)
        return number if 0 <= number < max(frames or 1, 1) else None

    def _plane(self, data: bytes | memoryview, number: int) -> Mask:
        rows, columns = self._integer("OverlayRows") or 0, self._integer("OverlayColumns") or 0
        if rows < 1 or columns < 1:
            sizes = f"{self._name('OverlayRows')} {rows} and OverlayColumns {columns}"
            raise ImageError(f"{sizes} must be at least 1 (PS3.3 C.9.2)")
        start = number * rows * columns
        missing = start + rows * columns - 8 * len(data)
        if missing > 0:
            plane = f"plane {number + 1} of {rows} x {columns} bits"
            found = f"{self._name('OverlayData')} has {len(data)} bytes, too few for {plane} (PS3.5 8.1.2)"
            if missing >= columns:
                raise ImageError(found)
            self._frame.note(f"{found}: the rest of its last row is empty")
            data = bytes(data) + bytes(missing // 8 + 1)
        check_size(rows, columns)
        octets = np.frombuffer(data, np.uint8)[start // 8 : (start + rows * columns + 7) // 8]
        bits = np.unpackbits(octets, bitorder="little")[start % 8 :][: rows * columns]
        return bits.reshape(rows, columns).astype(np.bool_)

    def _plane_in_cells(self, cells: Cells) -> Mask:
        """Return the plane in one bit of each cell (PS3.5 8.1.2).

        Raises ImageError if that bit belongs to the values or repeats their sign.
        """
        position, room = self._integer("OverlayBitPosition") or 0, 8 * cells.itemsize
        stored, high = stored_bits(cells, self._frame)
        allocated = self._integer("OverlayBitsAllocated")
        if allocated not in (None, room):
            name = self._name("OverlayBitsAllocated")
            raise ImageError(f"{name} {allocated} is not {room}, which a plane in the pixels needs (PS3.5 8.1.2)")
        if not 0 <= position < room or high - stored < position <= high:
            place = f"{self._name('OverlayBitPosition')} {position} is not an unused bit of {room}"
            raise ImageError(f"{place}, {stored} of them stored, and there is no OverlayData (PS3.5 8.1.2)")
        plane = (cells >> position & 1).astype(np.bool_)
        if self._frame.signed and position > high and np.array_equal(plane, (cells >> high & 1).astype(np.bool_)):
            raise ImageError(f"{self._name('OverlayBitPosition')} {position} repeats the sign of the pixels")
        return plane

    def _origin(self) -> tuple[int, int]:
        """Return row and column of the upper left pixel, counted from 0; (0, 0) without a valid Overlay Origin."""
        match self._dataset.get(_tag(self._group, "OverlayOrigin")):
            case [int(row), int(column)]:
                return row - 1, column - 1
        return 0, 0

    def _integer(self, keyword: str) -> int | None:
        value = self._dataset.get(_tag(self._group, keyword))
        return value if isinstance(value, int) else None

    def _name(self, keyword: str) -> str:
        return f"{keyword} ({self._group:04X})"


def _add(mask: Mask, plane: Mask, origin: tuple[int, int]) -> None:
    """Set the pixels of ``mask`` that ``plane`` covers."""
    rows, columns = (
        slice(max(0, start), max(0, min(extent, start + length)))
        for start, length, extent in zip(origin, plane.shape, mask.shape, strict=True)
    )
    top, left = rows.start - origin[0], columns.start - origin[1]
    part = mask[rows, columns]
    part |= plane[top : top + part.shape[0], left : left + part.shape[1]]
