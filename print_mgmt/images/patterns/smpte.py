"""The elements of SMPTE RP 133, the pattern for monitors and hardcopy cameras of medical imaging.

On 50 % gray: a crosshatch of ten squares and a border; twelve gray boxes of 0 to 100 % in a ring, 50 % twice; boxes
with 5 % in 0 % and 95 % in 100 %, both of which must show; black and white windows, which must not smear; and in the
middle and the corners bars of 1, 2 and 3 pixels, upright and lying, above fainter ones of 48/53, 48/51 and 50/51 %.
"""

import numpy as np

from .canvas import Area, Bits, Canvas, Pixels, bars, frame, inset, text

__all__ = ["smpte"]

_LINES = 0.75  # of crosshatch and border
_FAINT = ((0.48, 0.53), (0.48, 0.51), (0.50, 0.51))
_BOX = 0.625  # cells that a box of bars is wide
# Percent, clockwise around the middle from the left one of the two below it
_RING = (0, 10, 20, 30, 40, 50, 50, 60, 70, 80, 90, 100)
_PLACES = ((6, 4), (6, 3), (5, 3), (4, 3), (3, 3), (3, 4), (3, 5), (3, 6), (4, 6), (5, 6), (6, 6), (6, 5))


def smpte(rows: int = 1024, columns: int | None = None, bits: Bits = 8) -> Pixels:
    """Return a pattern with the elements of SMPTE RP 133, square without ``columns``."""
    canvas = Canvas(rows, columns, 10, 0.5)
    canvas.grid(_LINES, 2)
    short = min(canvas.area.shape)
    frame(canvas.area, round(0.01 * short), max(1, round(0.005 * short)), _LINES)
    for percent, (row, column) in zip(_RING, _PLACES, strict=True):
        _gray(canvas, row, column, percent)
    for column, outside, inside in ((4, 0.0, 0.05), (5, 1.0, 0.95)):
        inset(canvas.part(7, column, 1, 1), outside, inside)
    inset(canvas.part(1.6, 2.75, 0.8, 4.5), 1.0, 0.0)
    inset(canvas.part(8.3, 2.75, 0.8, 4.5), 0.0, 1.0)
    _resolution(canvas)
    return canvas.quantised(bits)


def _gray(canvas: Canvas, row: int, column: int, percent: int) -> None:
    box = canvas.part(row, column, 1, 1)
    box[...] = percent / 100
    scale = max(1, int(canvas.unit / 40))
    margin = 2 * scale
    text(box[-margin - 7 * scale :, margin:], f"{percent}%", 0.0 if percent >= 50 else 1.0, scale)


def _resolution(canvas: Canvas) -> None:
    """Draw the bars in the middle, and in the corners with the finest outside."""
    side = round(3 * _BOX * canvas.unit)
    patch = _patch(side // 3)
    area, margin = canvas.area, round(0.35 * canvas.unit)
    size = len(patch)
    middle = canvas.part(5 - 1.5 * _BOX, 5 - 1.5 * _BOX, 10, 10)
    middle[:size, :size] = patch
    ends = slice(margin, margin + size), slice(-margin - size, -margin)
    for vertical, rows in zip((1, -1), ends, strict=True):
        for horizontal, columns in zip((1, -1), ends, strict=True):
            area[rows, columns] = patch[::vertical, ::horizontal]


def _patch(box: int) -> Area:
    """Return three by three boxes of bars: upright, lying, and faint ones; from left to right coarser or fainter."""
    patch = np.empty((3 * box, 3 * box))
    for index, (dark, light) in enumerate(_FAINT):
        columns = slice(index * box, (index + 1) * box)
        bars(patch[:box, columns], 0.0, 1.0, index + 1, upright=True)
        bars(patch[box : 2 * box, columns], 0.0, 1.0, index + 1, upright=False)
        bars(patch[2 * box :, columns], dark, light, 2, upright=True)
    return patch
