"""The canvas of patterns: brightness from 0 to 1, with a square field of cells in the middle.

Positions are in cells, from the upper left corner of the field. On a canvas that is not square, a position may be
outside the field. The sizes of lines and bars are in pixels, because people inspect them on the film.
"""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError

__all__ = [
    "Area",
    "Bits",
    "Canvas",
    "Pattern",
    "Pixels",
    "draw_bars",
    "draw_frame",
    "draw_glyph",
    "draw_inset",
    "draw_text",
]

Pixels = NDArray[np.uint8 | np.uint16]
Bits = Literal[8, 12]
Area = NDArray[np.float64]

MIN_SIZE = 256  # pixels: on a canvas of 225 pixels, the letters of tg18-qc are already cut off
MAX_SIZE = 16384  # pixels: a film of 14 x 17 inches has 10880 rows in HIGH resolution


class Pattern(Protocol):
    """A function that draws a pattern of ``rows`` x ``columns`` pixels; without ``columns``, the pattern is square."""

    def __call__(self, rows: int = ..., columns: int | None = ..., bits: Bits = ...) -> Pixels: ...


class Canvas:
    """The canvas of one pattern, filled with ``brightness``.

    ``cells`` is the number of cells on each side of the field. Without ``columns``, the canvas is square. Raises
    ImageError for a size outside of 256 to 16384 pixels.
    """

    def __init__(self, rows: int, columns: int | None, cells: int, brightness: float) -> None:
        size = (rows, rows if columns is None else columns)
        if not MIN_SIZE <= min(size) <= max(size) <= MAX_SIZE:
            raise ImageError(
                f"a pattern of {size[1]} x {size[0]} pixels: {MIN_SIZE} to {MAX_SIZE} on each side are allowed"
            )
        self.area = np.full(size, brightness)
        self.unit = min(size) / cells
        self.cells = cells

    def part(self, row: float, column: float, height: float, width: float) -> Area:
        """Return a view of a part of the canvas; arguments are in cells."""
        top, left, bottom, right = (
            round(self.area.shape[axis] / 2 + (cell - self.cells / 2) * self.unit)
            for cell, axis in ((row, 0), (column, 1), (row + height, 0), (column + width, 1))
        )
        return self.area[max(0, top) : bottom, max(0, left) : right]

    def draw_grid(self, brightness: float, width: int) -> None:
        """Draw the edges of all cells over the whole canvas, ``width`` pixels wide."""
        for across in (self.area, self.area.T):
            length = len(across)
            count = int(length / self.unit / 2) + 1
            for step in range(-count, count + 1):
                middle = length / 2 + (step + self.cells % 2 / 2) * self.unit
                start = round(middle - width / 2)
                across[max(0, start) : max(0, start + width)] = brightness

    def to_pixels(self, bits: Bits) -> Pixels:
        """Return the pixels with 8 bits, or with 12 bits scaled to 16. Raises ImageError for another depth."""
        match bits:
            case 8:
                return np.floor(self.area * 255 + 0.5).astype(np.uint8)
            case 12:
                return np.rint(np.floor(self.area * 4095 + 0.5) * (65535 / 4095)).astype(np.uint16)
        raise ImageError(f"a pattern of {bits} bits: 8 or 12 are allowed")


def draw_frame(area: Area, inset: int, width: int, brightness: float) -> None:
    """Draw a frame into an area, ``inset`` pixels from its edges."""
    inner = area[inset : len(area) - inset, inset : area.shape[1] - inset]
    for across in (inner, inner.T):
        across[:width] = across[len(across) - width :] = brightness


def draw_inset(area: Area, outside: float, inside: float) -> None:
    """Fill an area with ``outside``, and its middle, half as high and half as wide, with ``inside``."""
    height, width = area.shape
    area[...] = outside
    area[height // 4 : height - height // 4, width // 4 : width - width // 4] = inside


def draw_bars(area: Area, dark: float, light: float, width: int, *, upright: bool) -> None:
    """Fill an area with dark and light bars, each ``width`` pixels wide: vertical if ``upright``, else horizontal."""
    area[...] = np.where(np.indices(area.shape)[int(upright)] // width % 2, light, dark)


def draw_text(area: Area, words: str, brightness: float, scale: int) -> None:
    """Write words into the upper left of an area, cut off at its edges; each dot is ``scale`` pixels wide."""
    for index, letter in enumerate(words):
        draw_glyph(area[:, 6 * scale * index :], letter, brightness, scale)


def draw_glyph(area: Area, letter: str, brightness: float, scale: int) -> None:
    """Write one letter into the upper left of an area; only the characters in `_GLYPHS` can be written."""
    dots = np.array([[dot == "#" for dot in row] for row in _GLYPHS[letter].split()]).repeat(scale, 0).repeat(scale, 1)
    part = area[: dots.shape[0], : dots.shape[1]]
    part[dots[: part.shape[0], : part.shape[1]]] = brightness


# Letters and digits of 5 by 7 dots, so that patterns do not depend on fonts
_GLYPHS = {
    "0": ".###. #...# #..## #.#.# ##..# #...# .###.",
    "1": "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    "2": ".###. #...# ....# ...#. ..#.. .#... #####",
    "3": "##### ...#. ..#.. ...#. ....# #...# .###.",
    "4": "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
    "5": "##### #.... ####. ....# ....# #...# .###.",
    "6": "..##. .#... #.... ####. #...# #...# .###.",
    "7": "##### ....# ...#. ..#.. .#... .#... .#...",
    "8": ".###. #...# #...# .###. #...# #...# .###.",
    "9": ".###. #...# #...# .#### ....# ...#. .##..",
    "%": "##... ##..# ...#. ..#.. .#... #..## ...##",
    " ": "..... ..... ..... ..... ..... ..... .....",
    "A": ".###. #...# #...# ##### #...# #...# #...#",
    "C": ".###. #...# #.... #.... #.... #...# .###.",
    "I": ".###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.",
    "L": "#.... #.... #.... #.... #.... #.... #####",
    "N": "#...# ##..# #.#.# #..## #...# #...# #...#",
    "O": ".###. #...# #...# #...# #...# #...# .###.",
    "Q": ".###. #...# #...# #...# #.#.# #..#. .##.#",
    "R": "####. #...# #...# ####. #.#.. #..#. #...#",
    "T": "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..",
    "U": "#...# #...# #...# #...# #...# #...# .###.",
    "Y": "#...# #...# .#.#. ..#.. ..#.. ..#.. ..#..",
    "x": "..... ..... #...# .#.#. ..#.. .#.#. #...#",
}
