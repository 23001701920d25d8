"""Checks of a sheet before it is rendered; each error names the attribute and its rule."""

from .errors import IMAGE_BOX_RULE, LayoutError, require
from .raster import MAGNIFICATIONS
from .sheet import PrintImage, Sheet
from .tone import POLARITIES

__all__ = ["check", "check_image"]

_DIMENSIONS = {"MONOCHROME1": 2, "MONOCHROME2": 2, "RGB": 3}  # by Photometric Interpretation
_LARGEST_IS = 2**31 - 1  # Pixel Aspect Ratio is of VR IS


def check(sheet: Sheet) -> None:
    """Raise LayoutError for unknown terms, and for images that contradict their own attributes."""
    require("MagnificationType", sheet.MagnificationType, MAGNIFICATIONS)
    require("Trim", sheet.Trim, ("YES", "NO"))
    for cell in sheet.cells:
        require("Polarity", cell.Polarity, POLARITIES, rule=IMAGE_BOX_RULE)
        if cell.MagnificationType is not None:
            require("MagnificationType", cell.MagnificationType, MAGNIFICATIONS, rule=IMAGE_BOX_RULE)
        if cell.image is not None:
            check_image(cell.image)


def check_image(image: PrintImage) -> None:
    """Raise LayoutError for an image whose attributes do not match its pixels, or make no sense."""
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
