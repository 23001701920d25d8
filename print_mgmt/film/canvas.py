"""Marks on a page: how much of each pixel they cover, and the level they have there."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Canvas", "blend", "fill", "to_pixel"]

Canvas = NDArray[np.uint8 | np.uint16]

_BLOCK = 1 << 20  # pixels blended at a time: a few MB of float32
_COVERED = 255.0  # all of the pixel


def to_pixel(level: float, canvas: Canvas) -> int:
    """Return the value of a pixel for a level of 0 to 1."""
    return round(level * int(np.iinfo(canvas.dtype).max))


def fill(area: Canvas, level: float) -> None:
    """Fill an area with one level, 0 to 1."""
    area[...] = to_pixel(level, area)


def blend(area: Canvas, coverage: NDArray[np.uint8], level: float) -> None:
    """Blend a level into an area (HxW or HxWx3) by ``coverage`` (HxW): 0 leaves a pixel, 255 covers it."""
    value = to_pixel(level, area)
    rows = max(_BLOCK // max(area[0].size, 1), 1)
    for top in range(0, len(area), rows):
        covered = coverage[top : top + rows]
        if not covered.any():
            continue
        block = area[top : top + rows]
        share = (covered / np.float32(_COVERED)).reshape(covered.shape + (1,) * (area.ndim - 2))
        np.copyto(block, block + (value - block.astype(np.float32)) * share + np.float32(0.5), casting="unsafe")
