"""The elements of TG18-QC, the pattern of AAPM Task Group 18 for displays and printers, which follows SMPTE RP 133.

The pattern has these elements on gray of level 128 of 255:

- a crosshatch and a border;
- 16 patches from 8 to 248 in steps of 16, each with corners 4 levels brighter and darker;
- two more patches: black with an inset of 5 %, and white with an inset of 95 %;
- ramps over all levels;
- QUALITY CONTROL on black, gray and white, in letters with contrasts of 14 levels down to 1;
- white and black windows with steps of 6 levels where they meet;
- in the middle and the corners, bars of one and two pixels, with full contrast and with a contrast of 2 levels; below
  them the letters Cx, written four times with falling contrast.
"""

import numpy as np

from .canvas import Area, Bits, Canvas, Pixels, draw_bars, draw_frame, draw_glyph, draw_inset, draw_text

__all__ = ["tg18_qc"]

_TOP = 255  # the highest level: levels have 8 bits
_MIDDLE = 128 / _TOP
_LINES = 191 / _TOP
_PATCHES = tuple(range(8, 256, 16))
_WORDS = "QUALITY CONTROL"
# Row and column of the patches, clockwise in a ring of 6 columns and 5 rows; two insets at the bottom close the ring
_PLACES = (
    *((6.5, 3), (6.5, 2), (5.5, 2), (4.5, 2), (3.5, 2), (2.5, 2), (2.5, 3), (2.5, 4)),
    *((2.5, 5), (2.5, 6), (2.5, 7), (3.5, 7), (4.5, 7), (5.5, 7), (6.5, 7), (6.5, 6)),
)


def tg18_qc(rows: int = 1024, columns: int | None = None, bits: Bits = 8) -> Pixels:
    """Return a pattern with the elements of TG18-QC; without ``columns``, it is square."""
    canvas = Canvas(rows, columns, 10, _MIDDLE)
    canvas.draw_grid(_LINES, 1)
    draw_frame(canvas.area, round(0.1 * canvas.unit), 3, _LINES)
    for level, (row, column) in zip(_PATCHES, _PLACES, strict=True):
        _draw_patch(canvas.part(row, column, 1, 1), level)
    draw_inset(canvas.part(6.5, 4, 1, 1), 0.0, 13 / _TOP)
    draw_inset(canvas.part(6.5, 5, 1, 1), 1.0, 242 / _TOP)
    _draw_ramps(canvas)
    for row, background, step in ((3.6, 0, 1), (5.55, 128, 1), (6.0, 255, -1)):
        _write_words(canvas.part(row, 3.05, 0.4, 3.9), background, step)
    for row in (1.2, 8.0):
        _draw_windows(canvas.part(row, 3, 0.8, 2), canvas.part(row, 5, 0.8, 2))
    _draw_bar_patches(canvas)
    return canvas.to_pixels(bits)


def _draw_patch(area: Area, level: int) -> None:
    """Fill a patch; two opposite corners are 4 levels brighter, the other two 4 levels darker."""
    area[...] = level / _TOP
    side, edge = max(2, len(area) // 10), max(1, len(area) // 25)
    near, far = slice(edge, edge + side), slice(-edge - side, -edge)
    area[near, near] = area[far, far] = (level + 4) / _TOP
    area[near, far] = area[far, near] = (level - 4) / _TOP


def _draw_ramps(canvas: Canvas) -> None:
    """Draw ramps over all levels; the left one gets brighter upward, the right one downward."""
    for column, direction in ((0.6, -1), (8.7, 1)):
        area = canvas.part(2.5, column, 5, 0.7)
        area[...] = np.floor(np.linspace(0, 255.999, len(area)))[::direction, None] / _TOP


def _write_words(area: Area, background: int, step: int) -> None:
    """Write QUALITY CONTROL in letters with contrasts of 14 levels down to 1."""
    area[...] = background / _TOP
    scale = max(1, min(area.shape[1] // (6 * len(_WORDS)), area.shape[0] // 9))
    top, left = (area.shape[0] - 7 * scale) // 2, (area.shape[1] - 6 * scale * len(_WORDS)) // 2
    contrast = 14
    for index, letter in enumerate(_WORDS):
        if letter != " ":
            place = area[max(0, top) :, max(0, left) + 6 * scale * index :]
            draw_glyph(place, letter, (background + step * contrast) / _TOP, scale)
            contrast -= 1


def _draw_windows(white: Area, black: Area) -> None:
    """Fill two areas side by side, ``white`` on the left, with steps of 6 levels where they meet."""
    white[...], black[...] = 1.0, 0.0
    height, width = white.shape
    rows = slice(height // 4, height - height // 4)
    white[rows, width // 2 :] = 249 / _TOP
    black[rows, : width // 2] = 6 / _TOP


def _draw_bar_patches(canvas: Canvas) -> None:
    """Draw bars and the letters Cx in the middle and the corners."""
    box = round(0.45 * canvas.unit)
    element = _element(box)
    height, width = element.shape
    area, margin = canvas.area, round(0.3 * canvas.unit)
    middle = (area.shape[0] - height) // 2 - round(0.2 * canvas.unit), (area.shape[1] - width) // 2
    ends = [(top, left) for top in (margin, -margin - height) for left in (margin, -margin - width)]
    for top, left in (middle, *ends):
        top, left = top % area.shape[0], left % area.shape[1]
        area[top : top + height, left : left + width] = element


def _element(box: int) -> Area:
    """Return vertical and horizontal bars of one and two pixels; below, bars with a contrast of 2 levels; below, Cx."""
    element = np.zeros((3 * box, 4 * box))
    for index, (width, upright) in enumerate(((1, True), (1, False), (2, True), (2, False))):
        columns = slice(index * box, (index + 1) * box)
        draw_bars(element[:box, columns], 0.0, 1.0, width, upright=upright)
        draw_bars(element[box : 2 * box, columns], _MIDDLE, 130 / _TOP, width, upright=upright)
        scale = max(1, box // 13)
        draw_text(element[2 * box + 1 :, columns], "Cx", 1 - index / 4, scale)
    return element
