"""What a film holds before and after rendering: ``Sheet`` goes in, ``Page`` comes out.

A sheet is a film box (PS3.3 C.13.3) with its image boxes (PS3.3 C.13.5), reduced to what decides how
the film looks. The attributes keep their DICOM keywords and the values of the standard, so a film box
can be copied over field by field. Nothing is checked here: ``render()`` says what it cannot lay out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Cell", "Page", "PrintImage", "Sheet"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrintImage:
    """An image as an image box takes it, PS3.3 C.13.5.

    ``pixels`` are HxW uint8 or uint16 (the value in the low ``BitsStored`` bits; higher bits are
    ignored), or HxWx3 uint8 for ``RGB``. The standard knows 8 and 12 bits stored; any number that the
    array can hold is rendered. ``PixelAspectRatio`` is vertical, horizontal size of a pixel.
    """

    pixels: NDArray[np.uint8 | np.uint16]
    PhotometricInterpretation: str
    BitsStored: int = 8
    PixelAspectRatio: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """One image box of a sheet. ``MagnificationType`` overrides that of the sheet."""

    image: PrintImage | None = None
    Polarity: str = "NORMAL"
    MagnificationType: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """One film box, ready to render.

    ``cells`` are in the order of Image Box Position: row by row, from the top left. Image boxes past
    the last cell are empty.
    """

    ImageDisplayFormat: str
    FilmOrientation: str = "PORTRAIT"
    FilmSizeID: str = "14INX17IN"
    MagnificationType: str = "BILINEAR"
    BorderDensity: str = "BLACK"
    EmptyImageDensity: str = "BLACK"
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """A rendered film as it is seen: 0 is black, the largest value is white.

    ``pixels`` are HxW uint8 or uint16 (over its full range) in gray, HxWx3 uint8 in colour.
    ``width_mm`` and ``height_mm`` are the size of the film.
    """

    pixels: NDArray[np.uint8 | np.uint16]
    width_mm: float
    height_mm: float
    dpi: int
