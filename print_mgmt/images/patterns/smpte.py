"""The elements of SMPTE RP 133, the pattern for monitors and hardcopy cameras of medical imaging.

The pattern has these elements on 50 % gray:

- a crosshatch of ten squares on a side, and a border;
- gray boxes of 0 to 100 % around the middle, two of them of 50 %;
- beside these, a black box with 5 % in its middle, and a white box with 95 %; both middles must be visible;
- a black and a white window, which must have sharp edges;
- in the middle and the corners, horizontal and vertical bars of 1, 2 and 3 pixels, beside faint bars of 1, 3 and 5 %.
  In the corners, the finest bars are outermost.
"""

import numpy as np

from .canvas import Area, Bits, Canvas, Pixels, draw_bars, draw_frame, draw_inset, draw_text

__all__ = ["smpte"]

_LINES = 0.75  # brightness of crosshatch and border
_CONTRASTS = (0.01, 0.03, 0.05)  # contrasts of the dark and the light bars
_BOX = 0.625  # width of a box of bars, in cells
_STROKES = 50  # a stroke of a letter is the width of a cell divided by this number
# Percent, row and column of each box
_GRAYS = (
    *((0, 6, 2), (10, 5, 2), (20, 4, 2), (30, 3, 2), (40, 3, 3), (50, 3, 4)),
    *((50, 3, 5), (60, 3, 6), (70, 3, 7), (80, 4, 7), (90, 5, 7), (100, 6, 7)),
)


def smpte(rows: int = 1024, columns: int | None = None, bits: Bits = 8) -> Pixels:
    """Return a pattern with the elements of SMPTE RP 133; without ``columns``, it is square."""
    canvas = Canvas(rows, columns, 10, 0.5)
    canvas.draw_grid(_LINES, 2)
    short = min(canvas.area.shape)
    margin, line = round(0.01 * short), max(1, round(0.005 * short))
    draw_frame(canvas.area, margin, line, _LINES)
    _draw_windows(canvas)
    for percent, row, column in _GRAYS:
        canvas.part(row, column, 1, 1)[...] = percent / 100
        _write_label(canvas, percent, row, column)
    _draw_insets(canvas)
    _draw_bar_patches(canvas, margin + line)
    return canvas.to_pixels(bits)


def _draw_windows(canvas: Canvas) -> None:
    """Draw a black window in white above the boxes, and a white window in black below."""
    for row, outside in ((2.1, 1.0), (7.1, 0.0)):
        canvas.part(row, 1, 0.8, 8)[...] = outside
        canvas.part(row + 0.2, 3, 0.4, 4)[...] = 1 - outside


def _write_label(canvas: Canvas, percent: int, row: int, column: int) -> None:
    """Write the percentage beside the boxes at the sides, and into the boxes at the top."""
    words = f"{percent}%"
    scale = max(1, int(canvas.unit / _STROKES))
    width = 6 * scale * len(words) / canvas.unit
    match column:
        case 2:
            place = canvas.part(row + 0.4, column - width - 0.05, 1, 2)
        case 7:
            place = canvas.part(row + 0.4, column + 1.1, 1, 2)
        case _:
            place = canvas.part(row + 0.1, column + 0.5 - width / 2, 1, 2)
    draw_text(place, words, 1.0, scale)


def _draw_insets(canvas: Canvas) -> None:
    """Draw 5 % in black and 95 % in white, and their labels on black between them."""
    draw_inset(canvas.part(6, 3, 1, 1), 0.0, 0.05)
    draw_inset(canvas.part(6, 6, 1, 1), 1.0, 0.95)
    canvas.part(6, 4, 1, 2)[...] = 0.0
    scale = max(1, int(canvas.unit / _STROKES))
    for column, above, below in ((4.3, "0%", "5%"), (5.2, "95%", "100%")):
        draw_text(canvas.part(6.2, column, 1, 2), above, 1.0, scale)
        draw_text(canvas.part(6.6, column, 1, 2), below, 1.0, scale)


def _draw_bar_patches(canvas: Canvas, margin: int) -> None:
    """Draw the bars in the middle, and in the corners with the finest bars outside."""
    patch = _patch(round(_BOX * canvas.unit))
    height, width = patch.shape
    area = canvas.area
    top, left = (area.shape[0] - height) // 2, (area.shape[1] - width) // 2
    area[top : top + height, left : left + width] = patch[:, ::-1]
    upper, lower = slice(margin, margin + height), slice(-margin - height, -margin)
    near, far = slice(margin, margin + width), slice(-margin - width, -margin)
    area[upper, near], area[upper, far] = patch, patch[:, ::-1]
    area[lower, near], area[lower, far] = patch[::-1], patch[::-1, ::-1]


def _patch(box: int) -> Area:
    """Return boxes of bars: horizontal, vertical, and both again faint. Lower rows have wider or stronger bars."""
    patch = np.empty((3 * box, 4 * box))
    for index, contrast in enumerate(_CONTRASTS):
        dark, light = 0.5 - contrast / 2, 0.5 + contrast / 2
        for column, upright in enumerate((False, True)):
            rows = patch[index * box : (index + 1) * box]
            draw_bars(rows[:, column * box : (column + 1) * box], 0.0, 1.0, index + 1, upright=upright)
            draw_bars(rows[:, (column + 2) * box : (column + 3) * box], dark, light, 2, upright=upright)
    return patch
