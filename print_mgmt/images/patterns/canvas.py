"""What patterns are drawn on: brightnesses of 0 to 1, with a square field of so many cells in the middle.

Places are given in cells of the field, from its upper left corner; they may lie outside of it where the canvas is
not square. What a pattern is judged by, lines and bars, is given in pixels.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ImageError

__all__ = ["Area", "Bits", "Canvas", "Pixels", "bars", "frame", "glyph", "inset", "text"]

Pixels = NDArray[np.uint8 | np.uint16]
Bits = Literal[8, 12]
Area = NDArray[np.float64]

MIN_SIZE = 256  # the finest bars would run into each other
MAX_SIZE = 16384  # a film of 14 x 17 inches has 10880 rows in HIGH resolution


class Canvas:
    """A pattern that is being drawn. Raises ImageError for a size that is not possible."""

    def __init__(self, rows: int, columns: int | None, cells: int, brightness: float) -> None:
        size = (rows, rows if columns is None else columns)
        if not MIN_SIZE <= min(size) <= max(size) <= MAX_SIZE:
            raise ImageError(f"a pattern of {size[1]} x {size[0]} pixels: {MIN_SIZE} to {MAX_SIZE} each are possible")
        self.area = np.full(size, brightness)
        self.unit = min(size) / cells
        self.cells = cells

    def part(self, row: float, column: float, height: float, width: float) -> Area:
        """Return a part of the canvas, in cells; it is a view."""
        top, left, bottom, right = (
            round(self.area.shape[axis] / 2 + (cell - self.cells / 2) * self.unit)
            for cell, axis in ((row, 0), (column, 1), (row + height, 0), (column + width, 1))
        )
        return self.area[max(0, top) : bottom, max(0, left) : right]

    def grid(self, brightness: float, width: int) -> None:
        """Draw the edges of all cells, ``width`` pixels wide, over the whole canvas."""
        for across in (self.area, self.area.T):
            length = len(across)
            count = int(length / self.unit / 2) + 1
            for step in range(-count, count + 1):
                middle = length / 2 + (step + self.cells % 2 / 2) * self.unit
                start = round(middle - width / 2)
                across[max(0, start) : max(0, start + width)] = brightness

    def quantised(self, bits: Bits) -> Pixels:
        """Return it as 8 bits, or as 12 bits spread over 16."""
        match bits:
            case 8:
                return np.floor(self.area * 255 + 0.5).astype(np.uint8)
            case 12:
                return np.rint(np.floor(self.area * 4095 + 0.5) * (65535 / 4095)).astype(np.uint16)
        raise ImageError(f"a pattern of {bits} bits: 8 or 12 are possible")


def frame(area: Area, inset: int, width: int, brightness: float) -> None:
    """Draw a frame ``inset`` pixels within an area."""
    inner = area[inset : len(area) - inset, inset : area.shape[1] - inset]
    for across in (inner, inner.T):
        across[:width] = across[len(across) - width :] = brightness


def inset(area: Area, outside: float, inside: float) -> None:
    """Fill an area, and its middle half otherwise."""
    height, width = area.shape
    area[...] = outside
    area[height // 4 : height - height // 4, width // 4 : width - width // 4] = inside


def bars(area: Area, dark: float, light: float, width: int, *, upright: bool) -> None:
    """Fill an area with dark and light bars, each ``width`` pixels wide."""
    area[...] = np.where(np.indices(area.shape)[int(upright)] // width % 2, light, dark)


def text(area: Area, words: str, brightness: float, scale: int) -> None:
    """Write words at the upper left of an area, each dot ``scale`` pixels wide; what does not fit is cut off."""
    for index, letter in enumerate(words):
        glyph(area[:, 6 * scale * index :], letter, brightness, scale)


def glyph(area: Area, letter: str, brightness: float, scale: int) -> None:
    """Write one letter."""
    dots = np.array([[dot == "#" for dot in row] for row in _GLYPHS[letter].split()]).repeat(scale, 0).repeat(scale, 1)
    part = area[: dots.shape[0], : dots.shape[1]]
    part[dots[: part.shape[0], : part.shape[1]]] = brightness


# Letters and figures of 5 by 7 dots: drawn here, since a pattern must not depend on fonts
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
