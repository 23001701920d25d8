"""Placement: the position of an image in its box, in pixels of the printer, PS3.3 C.13.5.

An image is centered, keeps its aspect ratio, and is enlarged until it fills its box in one direction. Requested Image
Size sets its width instead. Without this attribute, an image is printed pixel for pixel if Magnification Type is NONE,
or if the image has more rows or columns than its box. If the image is then larger than its box, Requested
Decimate/Crop Behavior decides, or else the default of the printer:

========  ===========================================================  ===========  ======
behavior  printed                                                      outcome      status
========  ===========================================================  ===========  ======
DECIMATE  the whole image, as large as the box allows                  DECIMATED    B60A
DECIMATE  the same, by the default of the printer, not by request      DEMAGNIFIED  B604
DECIMATE  nothing, if requested with NONE, which forbids shrinking     FAILS        C603
CROP      the middle, at the requested size or pixel for pixel         CROPPED      B609
FAIL      nothing                                                      FAILS        C603
========  ===========================================================  ===========  ======
"""

import math
from typing import NamedTuple

from .errors import IMAGE_BOX_RULE, LayoutError, require
from .formats import MM_PER_INCH, Rect
from .imager import BEHAVIORS, FILM, Imager
from .layout import lay_out
from .raster import MAGNIFICATIONS
from .sheet import Cell, PrintImage, Sheet

__all__ = [
    "BEHAVIORS",
    "Box",
    "Placement",
    "ImageBoxRequest",
    "check_image",
    "check_placement",
    "fit",
    "outcome_of",
    "pixel_box",
    "place",
    "place_cell",
]

_DIMENSIONS = {"MONOCHROME1": 2, "MONOCHROME2": 2, "RGB": 3}  # by Photometric Interpretation
_MAX_IS = 2**31 - 1  # the largest value of the VR IS, which Pixel Aspect Ratio has
_TOLERANCE = 1e-6  # pixels: more than the rounding error of a size in mm

_Sides = tuple[float, float]  # vertical, horizontal


class Box(NamedTuple):
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int


class Placement(NamedTuple):
    """The position of an image: ``target`` in pixels of the printer, from the top left corner of its box.

    ``source`` is the printed part of the image: all of it unless it is CROPPED. ``outcome`` is empty for an image that
    fits, else DEMAGNIFIED, DECIMATED, CROPPED or FAILS.
    """

    target: Box
    source: Box
    outcome: str = ""


class ImageBoxRequest(NamedTuple):
    """The attributes that decide the size of an image. ``width`` is the requested width in pixels of the printer."""

    MagnificationType: str = "BILINEAR"
    RequestedDecimateCropBehavior: str | None = None
    width: float | None = None


def place(sheet: Sheet, ImageBoxPosition: int, imager: Imager = FILM) -> Placement | None:
    """Return the placement of the image in an image box, counted from 1; None for an empty box. Raises LayoutError."""
    layout = lay_out(sheet, imager)
    if not 1 <= ImageBoxPosition <= len(layout.boxes):
        why = f"{sheet.ImageDisplayFormat} has image boxes 1 to {len(layout.boxes)}"
        raise LayoutError("ImageBoxPosition", ImageBoxPosition, why, rule=IMAGE_BOX_RULE)
    if ImageBoxPosition > len(sheet.cells):
        return None
    box = pixel_box(layout.boxes[ImageBoxPosition - 1], imager.resolution(sheet.RequestedResolutionID))
    return place_cell(sheet, sheet.cells[ImageBoxPosition - 1], box, imager)


def place_cell(sheet: Sheet, cell: Cell, box: Box, imager: Imager) -> Placement | None:
    """Return the placement of the image of a cell in its box; None for an empty cell. Raises LayoutError."""
    if cell.image is not None:
        check_image(cell.image)
    scaled = _scale_cell(sheet, cell, box, imager)
    if scaled is None or cell.image is None:
        return None
    return _center(_size(cell.image), cell.image.PixelAspectRatio, (box.height, box.width), *scaled)


def check_placement(sheet: Sheet, imager: Imager = FILM) -> None:
    """Raise LayoutError for a sheet whose images cannot be printed on a film of its size.

    This is so if the format has too few image boxes on the film, or if an image is larger than its box and must not be
    made smaller.
    """
    boxes, dpi = lay_out(sheet, imager).boxes, imager.resolution(sheet.RequestedResolutionID)
    if len(boxes) < len(sheet.cells):
        why = f"has {len(boxes)} image boxes for {len(sheet.cells)} images"
        raise LayoutError("ImageDisplayFormat", sheet.ImageDisplayFormat, why)
    for cell, rect in zip(sheet.cells, boxes, strict=False):
        if outcome_of(sheet, cell, pixel_box(rect, dpi), imager) == "FAILS":
            requested = cell.RequestedDecimateCropBehavior
            why = "the image is larger than its image box"
            raise LayoutError("RequestedDecimateCropBehavior", requested, why, rule=IMAGE_BOX_RULE)


def outcome_of(sheet: Sheet, cell: Cell, box: Box, imager: Imager) -> str | None:
    """Return the outcome of `place_cell` for an image that is known to be valid; None for an empty cell.

    Raises LayoutError.
    """
    scaled = _scale_cell(sheet, cell, box, imager)
    return None if scaled is None else scaled[1]


def _scale_cell(sheet: Sheet, cell: Cell, box: Box, imager: Imager) -> tuple[float, str] | None:
    """Return scale and outcome of the image of a cell, as `_scale` does; None for an empty cell. Raises LayoutError."""
    if not (box.height and box.width):
        raise LayoutError("ImageDisplayFormat", sheet.ImageDisplayFormat, "an image box is smaller than a pixel")
    image, width = cell.image, cell.RequestedImageSize
    if image is None:
        return None
    request = ImageBoxRequest(
        cell.MagnificationType or sheet.MagnificationType,
        cell.RequestedDecimateCropBehavior,
        None if width is None else _width_in_pixels(width, imager.resolution(sheet.RequestedResolutionID)),
    )
    default = imager.RequestedDecimateCropBehavior
    return _scale(_size(image), image.PixelAspectRatio, (box.height, box.width), request, default)


def _size(image: PrintImage) -> tuple[int, int]:
    """Return the rows and columns of an image."""
    rows, columns = image.pixels.shape[:2]
    return rows, columns


def check_image(image: PrintImage) -> None:
    """Raise LayoutError for an image with invalid attributes, or with attributes that contradict its pixels."""
    pixels, photometric = image.pixels, image.PhotometricInterpretation
    require("PhotometricInterpretation", photometric, _DIMENSIONS, rule=IMAGE_BOX_RULE)
    planes = pixels.shape[2:]
    if pixels.ndim != _DIMENSIONS[photometric] or planes not in ((), (3,)) or not pixels.size:
        why = f"cannot be an array of shape {pixels.shape}"
        raise LayoutError("PhotometricInterpretation", photometric, why, rule=IMAGE_BOX_RULE)
    if pixels.dtype.kind != "u" or not 1 <= image.BitsStored <= 8 * pixels.itemsize <= 16:
        why = f"cannot be stored in {pixels.dtype}"
        raise LayoutError("BitsStored", image.BitsStored, why, rule=IMAGE_BOX_RULE)
    if not 1 <= min(image.PixelAspectRatio) <= max(image.PixelAspectRatio) <= _MAX_IS:
        why = f"must be two integers from 1 to {_MAX_IS}"
        raise LayoutError("PixelAspectRatio", image.PixelAspectRatio, why, rule=IMAGE_BOX_RULE)


def pixel_box(rect: Rect, dpi: int) -> Box:
    """Return the whole pixels of a rectangle in mm. Equal sizes stay equal; rectangles side by side share no pixel."""
    left, top, width, height = [mm / MM_PER_INCH * dpi for mm in rect]
    return Box(
        math.floor(top + 0.5), math.floor(left + 0.5), math.floor(height + _TOLERANCE), math.floor(width + _TOLERANCE)
    )


def fit(
    image: tuple[int, int],
    aspect: tuple[int, int],
    box: tuple[int, int],
    request: ImageBoxRequest = ImageBoxRequest(),  # noqa: B008  # a tuple, which nothing can change
    default: str = "DECIMATE",
) -> Placement:
    """Return the placement of an image of (rows, columns) in a box of (height, width) pixels.

    ``aspect`` is the Pixel Aspect Ratio: vertical, horizontal. ``default`` is the behavior of the printer for an image
    that is larger than its box, if the request has none. Pixels that are not square are stretched even with NONE: a
    distorted image is worse than an interpolated one. Raises LayoutError for unknown terms.
    """
    scale, outcome = _scale(image, aspect, box, request, default)
    return _center(image, aspect, box, scale, outcome)


def _scale(
    image: tuple[int, int], aspect: tuple[int, int], box: tuple[int, int], request: ImageBoxRequest, default: str
) -> tuple[float, str]:
    """Return the scale of an image, in pixels of the printer per unit of its Pixel Aspect Ratio, and the outcome."""
    require("MagnificationType", request.MagnificationType, MAGNIFICATIONS, rule=IMAGE_BOX_RULE)
    sides = image[0] * aspect[0], image[1] * aspect[1]  # in units of the Pixel Aspect Ratio
    filling = min(box[0] / sides[0], box[1] / sides[1])
    pixel_for_pixel = 1 / min(aspect)
    if request.width is not None:
        scale = request.width / sides[1]
    elif _fits(sides, pixel_for_pixel, box) and MAGNIFICATIONS[request.MagnificationType].enlarges:
        scale = filling
    else:
        scale = pixel_for_pixel
    if _fits(sides, scale, box):
        return scale, ""
    outcome = _outcome(request, default)
    return scale if outcome == "CROPPED" else filling, outcome


def _fits(sides: _Sides, scale: float, box: tuple[int, int]) -> bool:
    return sides[0] * scale < box[0] + 0.5 and sides[1] * scale < box[1] + 0.5


def _outcome(request: ImageBoxRequest, default: str) -> str:
    requested = request.RequestedDecimateCropBehavior
    require("RequestedDecimateCropBehavior", requested or default, BEHAVIORS, rule=IMAGE_BOX_RULE)
    match requested or default:
        case "CROP":
            return "CROPPED"
        case "FAIL":
            return "FAILS"
    if requested is None:
        return "DEMAGNIFIED"
    return "FAILS" if request.MagnificationType == "NONE" else "DECIMATED"


def _center(
    image: tuple[int, int], aspect: tuple[int, int], box: tuple[int, int], scale: float, outcome: str
) -> Placement:
    """Center an image at a scale. An image larger than its box loses whole pixels, equally on both sides."""
    top, height, first_row, rows = _center_side(image[0], scale * aspect[0], box[0])
    left, width, first_column, columns = _center_side(image[1], scale * aspect[1], box[1])
    return Placement(Box(top, left, height, width), Box(first_row, first_column, rows, columns), outcome)


def _center_side(count: int, pixel: float, limit: int) -> tuple[int, int, int, int]:
    """Center one side: return start and length in the box, the first shown pixel, and the number of shown pixels."""
    shown = count
    if round(count * pixel) > limit:
        shown = min(max(math.floor((limit + 0.5) / pixel), 1), count)
    length = min(max(round(shown * pixel), 1), limit)
    return (limit - length) // 2, length, (count - shown) // 2, shown


def _width_in_pixels(RequestedImageSize: float, dpi: int) -> float:
    if not 0 < RequestedImageSize < math.inf:
        why = "is not a width in mm"
        raise LayoutError("RequestedImageSize", RequestedImageSize, why, rule=IMAGE_BOX_RULE)
    return RequestedImageSize / MM_PER_INCH * dpi
