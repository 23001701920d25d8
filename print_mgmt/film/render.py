"""A sheet becomes a page: layout, grey values and magnification together.

The film is Border Density around and between the images, and Empty Image Density in boxes without an
image (PS3.3 C.13.3): black, white, or hundredths of OD. Each image is mapped to what is seen, 0 black and
the maximum white: by its Photometric Interpretation (lowest value white in MONOCHROME1, black in
MONOCHROME2), turned over by Polarity REVERSE (PS3.3 C.13.5), and stretched from its bits stored to the bits
of the page.
"""

import re
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .errors import IMAGE_BOX_RULE, OWN_RULE, LayoutError, require
from .gsdf import NOMINAL
from .imager import FILM, Imager
from .layout import lay_out
from .raster import MAGNIFICATIONS, fit, magnify
from .sheet import Cell, Page, PrintImage, Sheet
from .sizes import Rect

__all__ = ["MAX_PIXELS", "POLARITIES", "is_density", "render"]

MAX_PIXELS = 200_000_000  # 14x17 inches at 900 dpi; a film of 8 bits then takes 200 MB
POLARITIES = ("NORMAL", "REVERSE")

_DENSITIES = {"BLACK": 0.0, "WHITE": 1.0}  # of Border Density and Empty Image Density: brightness
_HUNDREDTHS = re.compile(r"\d{1,3}", re.ASCII)  # of OD: the third way to give one
_DIMENSIONS = {"MONOCHROME1": 2, "MONOCHROME2": 2, "RGB": 3}  # by Photometric Interpretation
_MM_PER_INCH = 25.4
_LARGEST_IS = 2**31 - 1  # Pixel Aspect Ratio is of VR IS

_Canvas = NDArray[np.uint8 | np.uint16]


def is_density(term: str) -> bool:
    """Whether ``term`` is a Border Density or Empty Image Density: BLACK, WHITE, or hundredths of OD."""
    return term in _DENSITIES or _HUNDREDTHS.fullmatch(term) is not None


def render(
    sheet: Sheet,
    dpi: int | None = None,
    *,
    bits: Literal[8, 16] = 8,
    imager: Imager = FILM,
) -> Page:
    """Render a film box as the page that a viewer of the film would see.

    The page has the resolution of the imager, or ``dpi``. It is gray, of ``bits`` per pixel, unless an image
    is RGB: then it is RGB of 8 bits. Raises LayoutError for a sheet that cannot be laid out and for more
    than ``MAX_PIXELS`` pixels.
    """
    _check(sheet)
    dpi = imager.dpi if dpi is None else dpi
    layout = lay_out(sheet, imager)
    vacant = len(layout.boxes) - len(sheet.cells)
    if vacant < 0:
        why = f"{len(layout.boxes)} image boxes for {len(sheet.cells)} images"
        raise LayoutError("ImageDisplayFormat", sheet.ImageDisplayFormat, why)
    canvas = _blank(sheet, layout.width, layout.height, dpi, bits)
    for rect, cell in zip(layout.boxes, sheet.cells + (Cell(),) * vacant, strict=True):
        box = _box(canvas, rect, dpi)
        if cell.image is None:
            _fill(box, sheet.EmptyImageDensity)
        else:
            _expose(box, cell.image, cell.Polarity, cell.MagnificationType or sheet.MagnificationType)
    return Page(pixels=canvas, width_mm=layout.width, height_mm=layout.height, dpi=dpi)


def _check(sheet: Sheet) -> None:
    for attribute, term in (("BorderDensity", sheet.BorderDensity), ("EmptyImageDensity", sheet.EmptyImageDensity)):
        if not is_density(term):
            raise LayoutError(attribute, term, "is not BLACK, WHITE or hundredths of OD")
    require("MagnificationType", sheet.MagnificationType, MAGNIFICATIONS)
    for cell in sheet.cells:
        require("Polarity", cell.Polarity, POLARITIES, rule=IMAGE_BOX_RULE)
        if cell.MagnificationType is not None:
            require("MagnificationType", cell.MagnificationType, MAGNIFICATIONS, rule=IMAGE_BOX_RULE)
        if cell.image is not None:
            _check_image(cell.image)


def _check_image(image: PrintImage) -> None:
    """Refuse an image that its own attributes do not describe, or describe as nonsense."""
    pixels, photometric = image.pixels, image.PhotometricInterpretation
    require("PhotometricInterpretation", photometric, _DIMENSIONS, rule=IMAGE_BOX_RULE)
    planes = pixels.shape[2:]
    if pixels.ndim != _DIMENSIONS[photometric] or planes not in ((), (3,)) or not pixels.size:
        why = f"cannot be an array of shape {pixels.shape}"
        raise LayoutError("PhotometricInterpretation", photometric, why, rule=IMAGE_BOX_RULE)
    if pixels.dtype.kind != "u" or not 1 <= image.BitsStored <= 8 * pixels.itemsize <= 16:
        why = f"cannot be stored in {pixels.dtype}"
        raise LayoutError("BitsStored", image.BitsStored, why, rule=IMAGE_BOX_RULE)
    if not all(1 <= side <= _LARGEST_IS for side in image.PixelAspectRatio):
        why = "must be two positive integers"
        raise LayoutError("PixelAspectRatio", image.PixelAspectRatio, why, rule=IMAGE_BOX_RULE)


def _blank(sheet: Sheet, width_mm: float, height_mm: float, dpi: int, bits: int) -> _Canvas:
    """Return a page of Border Density."""
    width, height = round(width_mm / _MM_PER_INCH * dpi), round(height_mm / _MM_PER_INCH * dpi)
    if not (width > 0 and height > 0 and width * height <= MAX_PIXELS):
        why = f"a page of {width} by {height} pixels, not of 1 to {MAX_PIXELS} in all"
        raise LayoutError("dpi", dpi, why, rule=OWN_RULE)
    if any(cell.image and cell.image.PhotometricInterpretation == "RGB" for cell in sheet.cells):
        canvas: _Canvas = np.empty((height, width, 3), np.uint8)
    else:
        canvas = np.empty((height, width), np.uint8 if bits == 8 else np.uint16)
    _fill(canvas, sheet.BorderDensity)
    return canvas


def _fill(area: _Canvas, density: str) -> None:
    """Expose an area to a density: hundredths of OD as they are seen on the nominal film of PS3.14."""
    seen = _DENSITIES[density] if density in _DENSITIES else float(NOMINAL.p_value(int(density) / 100))
    area[...] = round(seen * np.iinfo(area.dtype).max)


def _box(canvas: _Canvas, rect: Rect, dpi: int) -> _Canvas:
    """Return the part of the page that is the image box."""
    left, top = round(rect.x / _MM_PER_INCH * dpi), round(rect.y / _MM_PER_INCH * dpi)
    right = round((rect.x + rect.width) / _MM_PER_INCH * dpi)
    bottom = round((rect.y + rect.height) / _MM_PER_INCH * dpi)
    if right == left or bottom == top:
        raise LayoutError("dpi", dpi, "an image box is smaller than a pixel", rule=OWN_RULE)
    return canvas[top:bottom, left:right]


def _expose(box: _Canvas, image: PrintImage, Polarity: str, MagnificationType: str) -> None:
    """Print an image into its box; a gray image fills all three planes of a colour page."""
    rows, columns, height, width = *image.pixels.shape[:2], *box.shape[:2]
    place = fit((rows, columns), image.PixelAspectRatio, (height, width), MagnificationType)
    area = box[place.top : place.top + place.height, place.left : place.left + place.width]
    curve = _curve(image, Polarity, np.iinfo(box.dtype).max)
    sources = np.moveaxis(np.atleast_3d(image.pixels), -1, 0)
    planes = np.moveaxis(np.atleast_3d(area), -1, 0)
    for source, plane in zip(sources, planes, strict=False):
        magnify(source, curve, plane, MagnificationType)
    planes[len(sources) :] = planes[0]


def _curve(image: PrintImage, Polarity: str, ceiling: int) -> NDArray[np.float32]:
    """Return what is seen, 0 to ``ceiling``, for each of the values of BitsStored."""
    highest = (1 << image.BitsStored) - 1
    values = np.arange(highest + 1)
    if (image.PhotometricInterpretation == "MONOCHROME1") != (Polarity == "REVERSE"):
        values = values[::-1]
    return (values * (ceiling / highest)).astype(np.float32)
