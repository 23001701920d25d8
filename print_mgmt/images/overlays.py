"""Overlays: bit planes of groups 60xx that lie on the image, PS3.3 C.9.2.

A plane has its own size and lies with its upper left pixel at Overlay Origin, row and column from 1, so part of
it may lie outside. It may have fewer frames than the image, from Image Frame Origin on. The plane is Overlay
Data, or (retired) a bit of the cells that Bits Stored leaves free.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, tag_of

from .bounds import check_size
from .errors import ImageError
from .stored import Cells

__all__ = ["Mask", "overlaid"]

Mask = NDArray[np.bool_]

_GROUPS = range(0x6000, 0x6020, 2)


def overlaid(dataset: Dataset, number: int, cells: Cells | None, shape: tuple[int, ...]) -> Mask | None:
    """Return which pixels of frame ``number`` overlays cover, HxW; None where there is no overlay on it.

    ``cells`` are those of native gray Pixel Data, None for other. Raises ImageError for an overlay that makes no sense.
    """
    mask: Mask | None = None
    for group in _GROUPS:
        if _tag(group, "OverlayRows") in dataset or _tag(group, "OverlayBitPosition") in dataset:
            overlay = _Overlay(dataset, group)
            for plane, origin in overlay.planes(number, cells):
                mask = np.zeros(shape[:2], np.bool_) if mask is None else mask
                _lay(mask, plane, origin)
    return mask


def _tag(group: int, keyword: str) -> int:
    return tag_of(keyword) + (group - _GROUPS.start << 16)


class _Overlay:
    """One group 60xx."""

    def __init__(self, dataset: Dataset, group: int) -> None:
        self._dataset = dataset
        self._group = group

    def planes(self, number: int, cells: Cells | None) -> Iterator[tuple[Mask, tuple[int, int]]]:
        """Yield the plane that lies on frame ``number``, and its origin, from 0; nothing where none does."""
        first, frames = self._integer("ImageFrameOrigin", 1), self._integer("NumberOfFramesInOverlay", 0)
        index = number - first
        if frames > 1 and not 0 <= index < frames:
            return
        data = self._dataset.get(_tag(self._group, "OverlayData"))
        if isinstance(data, bytes | memoryview):
            yield self._plane(data, index if frames > 1 else 0), self._origin()
        elif cells is not None and _tag(self._group, "OverlayBitPosition") in self._dataset:
            yield self._embedded(cells), (0, 0)

    def _plane(self, data: bytes | memoryview, index: int) -> Mask:
        rows, columns = self._integer("OverlayRows", 0), self._integer("OverlayColumns", 0)
        check_size(rows, columns)
        start = index * rows * columns
        if 8 * len(data) < start + rows * columns:
            raise ImageError(f"{self._name('OverlayData')} has {len(data)} bytes, too few for {rows} x {columns} bits")
        octets = np.frombuffer(data, np.uint8)[start // 8 : (start + rows * columns + 7) // 8]
        bits = np.unpackbits(octets, bitorder="little")[start % 8 :][: rows * columns]
        return bits.reshape(rows, columns).astype(np.bool_)

    def _embedded(self, cells: Cells) -> Mask:
        position = self._integer("OverlayBitPosition", 0)
        if not 0 <= position < 8 * cells.itemsize:
            raise ImageError(f"{self._name('OverlayBitPosition')} {position} is no bit of {8 * cells.itemsize}")
        return (cells >> position & 1).astype(np.bool_)

    def _origin(self) -> tuple[int, int]:
        """Return where the upper left pixel lies, from 0; the corner where nothing is said."""
        match self._dataset.get(_tag(self._group, "OverlayOrigin")):
            case [int(row), int(column)]:
                return row - 1, column - 1
        return 0, 0

    def _integer(self, keyword: str, default: int) -> int:
        value = self._dataset.get(_tag(self._group, keyword))
        return value if isinstance(value, int) else default

    def _name(self, keyword: str) -> str:
        return f"{keyword} ({self._group:04X})"


def _lay(mask: Mask, plane: Mask, origin: tuple[int, int]) -> None:
    """Set in ``mask`` what the part of ``plane`` within it covers."""
    rows, columns = (
        slice(max(0, start), max(0, min(extent, start + length)))
        for start, length, extent in zip(origin, plane.shape, mask.shape, strict=True)
    )
    top, left = rows.start - origin[0], columns.start - origin[1]
    part = mask[rows, columns]
    part |= plane[top : top + part.shape[0], left : left + part.shape[1]]
