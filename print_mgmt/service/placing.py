"""Whether images fit into their boxes, and what is said where they do not: PS3.4 Tables H.4-8 and H.4-10."""

from collections.abc import Iterable

from ..attributes import Checked
from ..film import Cell, Imager, LayoutError, lay_out
from ..film.placement import Box, Wish, fit, pixel_box, place_cell
from ..film.sheet import Sheet
from ..model import FilmBox
from ..status import COMBINED_TOO_LARGE, CROPPED, DECIMATED, DEMAGNIFIED, IMAGE_TOO_LARGE, PROCESSING_FAILURE, meaning
from .answer import failure

__all__ = ["placed", "warn_of_placement"]

_STATUSES = {"": 0x0000, "DEMAGNIFIED": DEMAGNIFIED, "CROPPED": CROPPED, "DECIMATED": DECIMATED}


def placed(film_box: FilmBox, cells: Iterable[Cell], first: int = 1) -> int:
    """The foremost warning for cells from Image Box Position ``first`` on, 0000 where all images fit.

    Raises `ServiceError`: C603 or C613 for an image that is not printed then, 0110 where the film cannot be laid out.
    """
    sheet, imager = film_box.plain, film_box.imager
    try:
        boxes = lay_out(sheet, imager).boxes[first - 1 :]
        dpi = imager.resolution(sheet.RequestedResolutionID)
        return max(
            (_status(sheet, cell, pixel_box(box, dpi), imager) for cell, box in zip(cells, boxes, strict=False)),
            default=0x0000,
        )
    except LayoutError as exc:
        raise failure(PROCESSING_FAILURE, str(exc)) from exc


def _status(sheet: Sheet, cell: Cell, box: Box, imager: Imager) -> int:
    placement = place_cell(sheet, cell, box, imager)
    if placement is None:
        return 0x0000
    if placement.outcome == "FAILS":
        raise failure(IMAGE_TOO_LARGE, "the image is larger than its box, and may not be made smaller")
    combined = _combined(sheet, cell, box, imager) if cell.overlays else placement.outcome
    if combined == "FAILS":
        raise failure(COMBINED_TOO_LARGE, "image and overlay are larger than their box, and may not be made smaller")
    return max(_STATUSES[placement.outcome], _STATUSES[combined])


def _combined(sheet: Sheet, cell: Cell, box: Box, imager: Imager) -> str:
    """What becomes of an image together with its overlays, which may reach beyond it."""
    assert cell.image is not None
    rows, columns = cell.image.pixels.shape[:2]
    top = left = 0
    bottom, right = rows, columns
    for overlay in cell.overlays:
        row, column = overlay.origin[0] - 1, overlay.origin[1] - 1
        height, width = overlay.pixels.shape
        top, left = min(top, row), min(left, column)
        bottom, right = max(bottom, row + height), max(right, column + width)
    wish = Wish(cell.MagnificationType or sheet.MagnificationType, cell.RequestedDecimateCropBehavior)
    size, aspect = (bottom - top, right - left), cell.image.PixelAspectRatio
    return fit(size, aspect, (box.height, box.width), wish, imager.RequestedDecimateCropBehavior).outcome


def warn_of_placement(checked: Checked, status: int) -> None:
    """Say that an image was made smaller."""
    if status:
        checked.warn(status, "", meaning(status))
