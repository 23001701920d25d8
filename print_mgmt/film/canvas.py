"""Drawing on the pixels of a page: a uniform level, or a level blended in by coverage."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["COVERED", "Canvas", "blend", "fill"]

Canvas = NDArray[np.uint8 | np.uint16]

COVERED = 255  # the coverage of a whole pixel
_BLOCK = 1 << 20  # values blended at a time: a few MB of float32


def _to_pixel(level: float, canvas: Canvas) -> int:
    """Return the pixel value of a level, 0 to 1."""
    return round(level * int(np.iinfo(canvas.dtype).max))


def fill(area: Canvas, level: float) -> None:
    """Fill an area with one level, 0 to 1."""
    area[...] = _to_pixel(level, area)


def blend(area: Canvas, coverage: NDArray[np.uint8], level: float) -> None:
    """Blend a level, 0 to 1, into an area (HxW or HxWx3). A ``coverage`` (HxW) of 0 keeps a pixel, 255 covers it."""
    value = _to_pixel(level, area)
    rows = max(_BLOCK // max(area[0].size, 1), 1)
    for top in range(0, len(area), rows):
        covered = coverage[top : top + rows]
        if not covered.any():
            continue
        block = area[top : top + rows]
        share = (covered / np.float32(COVERED)).reshape(covered.shape + (1,) * (area.ndim - 2))
        np.copyto(block, block + (value - block.astype(np.float32)) * share + np.float32(0.5), casting="unsafe")
