"""The pixels that a printer can use, according to its Printer Configuration (PS3.3 C.13.13).

Sending more pixels than an image box has, or more bits than the printer uses, takes time and gains nothing. Each pixel
of a reduced image is the mean of the pixels that it replaces.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset

from ..film import PrintImage
from ..film.placement import ImageBoxRequest, fit
from ..film.raster import MAGNIFICATIONS, magnify
from ..typed import integer, items, text
from .options import Bits

__all__ = ["bits_of", "box_of", "format_of", "item_of", "reduced"]

_DEEP: Bits = 12
_STANDARD = re.compile(r"STANDARD\\(\d{1,2}),(\d{1,2})", re.ASCII)


def item_of(configuration: Dataset, meta: str) -> Dataset | None:
    """Return the item of the Printer Configuration Sequence for a Meta SOP Class, or None if there is none."""
    for item in items(configuration, "PrinterConfigurationSequence"):
        supported = item.get("SOPClassesSupported")
        if meta in (supported if isinstance(supported, list) else [supported]):
            return item
    return None


def bits_of(item: Dataset) -> Bits:
    """Return the depth of gray pixels that the printer can use: 8, or 12 if it uses more than 8 bits, such as 10."""
    depths = (integer(item, keyword, 8) for keyword in ("MemoryBitDepth", "PrintingBitDepth"))
    return _DEEP if min(depths) > 8 else 8


def box_of(item: Dataset, film_box: Dataset) -> tuple[int, int] | None:
    """Return the rows and columns of the image boxes of a film box with these attributes.

    Return None if the configuration does not give their size, or if the boxes differ in size.
    """
    wanted = text(film_box, "ImageDisplayFormat", "STANDARD\\1,1")
    for display_format, box in _formats(item, film_box):
        if display_format == wanted and min(box) > 0:
            return box
    return None


def format_of(item: Dataset, film_box: Dataset, images: int) -> str | None:
    """Return the STANDARD format with the fewest boxes that hold ``images`` images.

    If no format holds all images, return the one with the most boxes. Of several such formats, return the one whose
    boxes are closest to squares. Formats whose boxes have no known size are ignored; return None if no format is left.
    """
    choices = []
    for display_format, (rows, columns) in _formats(item, film_box):
        found = _STANDARD.fullmatch(display_format)
        if found is not None and min(rows, columns) > 0:
            boxes = int(found[1]) * int(found[2])
            elongation = max(rows, columns) / min(rows, columns)
            choices.append((boxes < images, boxes if boxes >= images else -boxes, elongation, display_format))
    return min(choices)[-1] if choices else None


def _formats(item: Dataset, film_box: Dataset) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each format for a film box with these attributes, and the rows and columns of its boxes (-1 if unknown)."""
    media = items(item, "MediaInstalledSequence")
    default = text(item, "DefaultPrinterResolutionID", "STANDARD")
    wanted = {
        "FilmOrientation": text(film_box, "FilmOrientation", "PORTRAIT"),
        "FilmSizeID": text(film_box, "FilmSizeID") or (text(media[0], "FilmSizeID") if media else ""),
    }
    resolution = text(film_box, "RequestedResolutionID") or default
    for row in items(item, "SupportedImageDisplayFormatsSequence"):
        alike = all(text(row, keyword) == value for keyword, value in wanted.items())
        if alike and text(row, "PrinterResolutionID", default) == resolution:
            yield text(row, "ImageDisplayFormat"), (integer(row, "Rows"), integer(row, "Columns"))


def reduced(image: PrintImage, box: tuple[int, int]) -> PrintImage:
    """Return ``image``, reduced to fit a box of (rows, columns) if it is larger.

    The reduced image has the same proportions, and square pixels.
    """
    rows, columns = image.pixels.shape[:2]
    placement = fit((rows, columns), image.PixelAspectRatio, box, ImageBoxRequest("REPLICATE"))
    height, width = placement.target.height, placement.target.width
    if not placement.outcome or (height >= rows and width >= columns):
        return image
    smaller = np.empty((height, width, *image.pixels.shape[2:]), image.pixels.dtype)
    curve = np.arange(1 << image.BitsStored, dtype=np.float32)
    for source, target in zip(_planes(image.pixels), _planes(smaller), strict=True):
        magnify(source, curve, target, MAGNIFICATIONS["REPLICATE"])
    spacing = image.PixelSpacing
    if spacing is not None:
        spacing = spacing[0] * rows / height, spacing[1] * columns / width
    return replace(image, pixels=smaller, PixelAspectRatio=(1, 1), PixelSpacing=spacing)


def _planes(pixels: NDArray[np.uint8 | np.uint16]) -> list[NDArray[np.uint8 | np.uint16]]:
    return [pixels] if pixels.ndim == 2 else [pixels[..., plane] for plane in range(pixels.shape[2])]
