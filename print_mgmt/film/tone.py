"""Tone: the level of the page for each stored value of an image, and for each density.

A gray pixel takes these steps, in one table for each image:

1. The values are reversed if Photometric Interpretation and Polarity require it. Then larger values are brighter.
2. The Presentation LUT (PS3.3 C.11.4) makes a P-Value, or with LIN OD a density.
3. PS3.14 §7.2 gives the density of the P-Value, with Min Density, Max Density and light as the film box requests them.
4. The density becomes a level of the page, 0 to 1: the P-Value that has this density with the printer's own Min
   Density, Max Density and light. So a display that conforms to PS3.14 shows the film. For a printer with a
   characteristic curve, the level is the drive value of the device.

The standard has no formula for LIN OD. Here the lowest value has the greatest density: D = Dmax - v (Dmax - Dmin),
where v is the value after step 1, 0 to 1. On color images, only Polarity has an effect: PS3.14 is about gray.
"""

import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .errors import FILM_BOX_RULE, LayoutError, require
from .gsdf import FilmViewing
from .imager import Imager
from .sheet import Cell, PresentationLUT, PrintImage, Sheet

__all__ = [
    "LUT_SHAPES",
    "POLARITIES",
    "Note",
    "contrast",
    "defaults",
    "densities",
    "density",
    "page_level",
    "tone",
    "viewing",
]

POLARITIES = ("NORMAL", "REVERSE")
LUT_SHAPES = ("IDENTITY", "LIN OD")

Note = Callable[[str], None]

_Floats = NDArray[np.float64]
_HUNDREDTHS = re.compile(r"\d{1,5}", re.ASCII)  # a density in hundredths of OD
_LUT_RULE = "PS3.3 C.11.4"
_MAX_BITS = 16  # bits of a P-Value in a table


def density(attribute: str, term: str, imager: Imager, note: Note) -> float:
    """Return the density (OD) of a term: BLACK, WHITE or hundredths of OD. The limits of the printer apply.

    Raises LayoutError for another term.
    """
    match term:
        case "BLACK":
            return imager.MaxDensity / 100
        case "WHITE":
            return imager.MinDensity / 100
    if _HUNDREDTHS.fullmatch(term) is None:
        raise LayoutError(attribute, term, "is not BLACK, WHITE or hundredths of OD", rule=FILM_BOX_RULE)
    return _limit_to_printer(attribute, int(term), imager, note) / 100


def defaults(sheet: Sheet, imager: Imager) -> str:
    """Return, as text, the densities and the light that the film box leaves to the printer."""
    keywords = ("MinDensity", "MaxDensity", "Illumination", "ReflectedAmbientLight")
    return ", ".join(f"{keyword} {getattr(imager, keyword)}" for keyword in keywords if getattr(sheet, keyword) is None)


def contrast(background: float, imager: Imager) -> float:
    """Return the density (OD) with the most contrast to a background (OD): the least or the greatest.

    P-Values are compared, not densities, because P-Values are steps that the eye can see (PS3.14 §7.1).
    """
    is_dark = imager.viewing().p_value(background) < 0.5
    return (imager.MinDensity if is_dark else imager.MaxDensity) / 100


def page_level(density: float | _Floats, imager: Imager) -> _Floats:
    """Return the level of the page, 0 to 1, for a density (OD)."""
    return imager.viewing().p_value(density) if imager.curve is None else imager.curve.drive(density)


def densities(imager: Imager, levels: _Floats) -> _Floats:
    """Return the densities (OD) of levels of the page, 0 to 1: the inverse of `page_level`."""
    return imager.viewing().density(levels) if imager.curve is None else imager.curve.density(levels)


def tone(image: PrintImage, cell: Cell, sheet: Sheet, imager: Imager, note: Note) -> _Floats:
    """Return the level of the page, 0 to 1, for each of 2**BitsStored values. Raises LayoutError for a wrong LUT."""
    highest = (1 << image.BitsStored) - 1
    values = np.arange(highest + 1)
    if (image.PhotometricInterpretation == "MONOCHROME1") != (cell.Polarity == "REVERSE"):
        values = values[::-1]
    lut = cell.presentation_lut or sheet.presentation_lut
    if image.PhotometricInterpretation == "RGB":
        if lut is not None:
            note("the Presentation LUT is not for color: not used")
        return values / highest
    film = viewing(sheet, cell, imager, note)
    if lut is not None and lut.table is None:
        require("PresentationLUTShape", lut.shape, LUT_SHAPES, rule=_LUT_RULE)
        if lut.shape == "LIN OD":
            return page_level(film.max_density - values / highest * (film.max_density - film.min_density), imager)
        lut = None
    p_values = values / highest if lut is None else _look_up(values, lut, note)
    if imager.curve is None and film == imager.viewing():
        return p_values
    return page_level(film.density(p_values), imager)


def viewing(sheet: Sheet, cell: Cell, imager: Imager, note: Note) -> FilmViewing:
    """Return the range of densities of an image, and its light; note each difference from the request."""
    least = _first_given(cell.MinDensity, sheet.MinDensity, imager.MinDensity)
    greatest = _first_given(cell.MaxDensity, sheet.MaxDensity, imager.MaxDensity)
    least = _limit_to_printer("MinDensity", least, imager, note)
    greatest = _limit_to_printer("MaxDensity", greatest, imager, note)
    if least >= greatest:
        note(f"MinDensity {least} is not below MaxDensity {greatest}: {imager.MinDensity} to {imager.MaxDensity} used")
        least, greatest = imager.MinDensity, imager.MaxDensity
    light = _first_given(sheet.Illumination, imager.Illumination)
    ambient = _first_given(sheet.ReflectedAmbientLight, imager.ReflectedAmbientLight)
    used = imager.light(light, ambient, MinDensity=least, MaxDensity=greatest)
    for keyword, wanted, taken in zip(("Illumination", "ReflectedAmbientLight"), (light, ambient), used, strict=True):
        if wanted != taken:
            note(f"{keyword} {wanted} cannot be used on this film: {taken} used")
    return imager.viewing(MinDensity=least, MaxDensity=greatest, Illumination=used[0], ReflectedAmbientLight=used[1])


def _first_given(*values: int | None) -> int:
    return next(value for value in values if value is not None)


def _limit_to_printer(attribute: str, hundredths: int, imager: Imager, note: Note) -> int:
    """Return a density (hundredths of OD) limited to the range of the printer (PS3.3 C.13.3); note a change."""
    reached = min(max(hundredths, imager.MinDensity), imager.MaxDensity)
    if reached != hundredths:
        note(f"{attribute} {hundredths} is out of reach: {reached} used")
    return reached


def _look_up(values: NDArray[np.int64], lut: PresentationLUT, note: Note) -> _Floats:
    """Return P-Values, 0 to 1, from a table. A table for another number of values is stretched."""
    table = lut.table
    if table is None or table.dtype.kind != "u" or table.ndim != 1 or len(table) < 2 or not 1 <= lut.bits <= _MAX_BITS:
        kind = None if table is None else f"{table.dtype} of shape {table.shape}, {lut.bits} bits"
        why = f"needs a one-dimensional table of 2 or more unsigned integers of at most {_MAX_BITS} bits"
        raise LayoutError("PresentationLUTSequence", kind, why, rule=_LUT_RULE)
    index = values
    if len(table) != len(values):
        note(f"the Presentation LUT has {len(table)} entries for {len(values)} values: stretched")
        index = np.rint(values * ((len(table) - 1) / (len(values) - 1))).astype(np.int64)
    return np.asarray(np.minimum(table[index] / ((1 << lut.bits) - 1), 1.0))
