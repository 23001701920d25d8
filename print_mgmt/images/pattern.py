"""Test patterns: pictures that show at a glance what a printer does to an image.

``smpte`` has the elements of SMPTE RP 133 for medical imagers: gray steps of 10 %, 5 % and 95 % insets, bars
of high and of low contrast in the middle and the corners, black and white windows, a grid and a border.
``steps`` is gray alone, in 11 steps and in a ramp; ``geometry`` is grid, border and circle: squares must
be square, the circle round, and the border on the film.

All are arrays for ``prepare()``: uint8, or for 12 bits uint16 whose values, spread over the whole range
of the dtype, are exactly those of 12 bits.
"""

from collections.abc import Iterator
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

__all__ = ["PATTERNS", "geometry", "smpte", "steps"]

MIN_SIZE = 256  # the finest bars would run into each other
MAX_SIZE = 8192

_Pixels = NDArray[np.uint8 | np.uint16]
_Canvas = NDArray[np.float64]  # brightness 0 to 1
_Bits = Literal[8, 12]

_CELLS = 16  # the patterns are laid out on 16 by 16 cells
# Brightness of dark and light lines, their width in pixels
_SHARP = ((0.0, 1.0, 1), (0.0, 1.0, 2), (0.0, 1.0, 3))
_FAINT = ((0.475, 0.525, 4), (0.485, 0.515, 4), (0.495, 0.505, 4))
# Percent, clockwise around the middle from its upper left corner; 50 % is there twice
_RING = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 50)


def smpte(size: int = 1024, bits: _Bits = 8) -> _Pixels:
    """Return a ``size`` x ``size`` pattern with the elements of SMPTE RP 133."""
    canvas = _blank(size, 0.5)
    _grid(canvas)
    for place, percent in zip(_ring(), _RING, strict=True):
        _area(canvas, *place, 2, 2)[...] = percent / 100
    _inset(_area(canvas, 8, 6, 2, 2), 0.0, 0.05)
    _inset(_area(canvas, 8, 8, 2, 2), 1.0, 0.95)
    _bars(_area(canvas, 6, 6, 2, 4), _SHARP)
    for row in (1, 13):
        for column in (1, 11):
            _bars(_area(canvas, row, column, 1, 4), _SHARP)
            _bars(_area(canvas, row + 1, column, 1, 4), _FAINT)
    _inset(_area(canvas, 1, 6, 2, 4), 1.0, 0.0)
    _inset(_area(canvas, 13, 6, 2, 4), 0.0, 1.0)
    return _quantised(canvas, bits)


def steps(size: int = 1024, bits: _Bits = 8) -> _Pixels:
    """Return 11 gray steps from black to white above a ramp that runs the other way."""
    canvas = _blank(size, 0.5)
    ramp = np.linspace(0, 1, size)
    canvas[: size // 2] = np.floor(ramp * 11).clip(0, 10) / 10
    canvas[size // 2 :] = ramp[::-1]
    return _quantised(canvas, bits)


def geometry(size: int = 1024, bits: _Bits = 8) -> _Pixels:
    """Return a white grid of 16 by 16 squares on black, with its border, diagonals and a circle."""
    canvas = _blank(size, 0.0)
    _grid(canvas)
    x = np.arange(size) + 0.5 - size / 2
    y = x[:, None]
    radius = size * 7 / _CELLS
    canvas[np.abs(np.hypot(x, y) - radius) < 1] = 1
    canvas[np.minimum(np.abs(x - y), np.abs(x + y)) < 1] = 1
    return _quantised(canvas, bits)


class Pattern(Protocol):
    """What draws a pattern."""

    def __call__(self, size: int = ..., bits: _Bits = ...) -> _Pixels: ...


PATTERNS: dict[str, Pattern] = {"smpte": smpte, "steps": steps, "geometry": geometry}


def _blank(size: int, brightness: float) -> _Canvas:
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise ImageError(f"a pattern of {size} pixels: from {MIN_SIZE} to {MAX_SIZE} are possible")
    return np.full((size, size), brightness)


def _quantised(canvas: _Canvas, bits: int) -> _Pixels:
    match bits:
        case 8:
            return np.floor(canvas * 255 + 0.5).astype(np.uint8)
        case 12:
            return np.rint(np.floor(canvas * 4095 + 0.5) * (65535 / 4095)).astype(np.uint16)
    raise ImageError(f"a pattern of {bits} bits: 8 or 12 are possible")


def _area(canvas: _Canvas, row: int, column: int, height: int, width: int) -> _Canvas:
    """Return a part of the canvas, in cells."""
    top, bottom, left, right = (cells * len(canvas) // _CELLS for cells in (row, row + height, column, column + width))
    return canvas[top:bottom, left:right]


def _grid(canvas: _Canvas) -> None:
    """Draw the edges of all cells white, the outermost twice as wide."""
    lines = np.arange(_CELLS) * len(canvas) // _CELLS
    for across in (canvas, canvas.T):
        across[lines] = across[[0, 1, -2, -1]] = 1


def _ring() -> Iterator[tuple[int, int]]:
    """Yield row and column, in cells, of 12 squares of 2 by 2 around the middle, clockwise."""
    yield from ((4, column) for column in (4, 6, 8, 10))
    yield from ((row, 10) for row in (6, 8, 10))
    yield from ((10, column) for column in (8, 6, 4))
    yield from ((row, 4) for row in (8, 6))


def _inset(area: _Canvas, outside: float, inside: float) -> None:
    """Fill an area, and its middle half otherwise."""
    height, width = area.shape
    area[...] = outside
    area[height // 4 : height - height // 4, width // 4 : width - width // 4] = inside


def _bars(area: _Canvas, kinds: tuple[tuple[float, float, int], ...]) -> None:
    """Fill an area with lines of each kind, lying in its left half and upright in its right."""
    for direction, half in enumerate(np.array_split(area, 2, axis=1)):
        for part, (dark, light, width) in zip(np.array_split(half, len(kinds), axis=1), kinds, strict=True):
            part[...] = np.where(np.indices(part.shape)[direction] // width % 2, light, dark)
