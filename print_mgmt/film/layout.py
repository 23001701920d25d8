"""The positions of image boxes and annotation boxes on a film, in millimeters.

The standard leaves the size of a box to the printer. Here the annotation boxes come first: they take strips of the area
inside the edge. The remaining area is for images: the image boxes divide it, with a gap between two boxes (edge and gap
are fields of `Imager`). So STANDARD is symmetric about both axes of this area, ROW about its vertical axis, and COL
about its horizontal axis. A slide keeps its size, and is centered in its mount. The boxes of a CUSTOM format do not
divide this area: the printer defines where they are on the film.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .errors import FILM_BOX_RULE, LayoutError
from .formats import Format, Rect, film_size, read_format
from .imager import FILM, Imager
from .sheet import Sheet

__all__ = ["TRIM_MM", "Layout", "annotation_count", "lay_out"]

TRIM_MM = 0.25  # width of the line of a trim box
_MOUNT_MM = 50.0  # side of the mount of a slide

_Side = list[tuple[float, float]]  # start and length of each part of a side, in mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Width and height of a film in mm, and its image boxes and annotation boxes by position."""

    width: float
    height: float
    boxes: tuple[Rect, ...]
    annotations: tuple[Rect, ...] = ()


def lay_out(sheet: Sheet, imager: Imager = FILM) -> Layout:
    """Return the layout of a film. Raises LayoutError for unknown terms and for boxes that do not fit on the film."""
    width, height = film_size(sheet.FilmSizeID, sheet.FilmOrientation)
    film = Rect(0, 0, width, height)
    annotations = _place_annotations(sheet.AnnotationDisplayFormatID, film, imager)
    trim = TRIM_MM if sheet.Trim == "YES" else 0.0
    gap = max(imager.gap_mm, 2 * trim)
    area = _image_area(film, max(imager.edge_mm, trim), gap, annotations)
    display_format = read_format(sheet.ImageDisplayFormat)
    try:
        boxes = _place_boxes(display_format, film, area, gap, imager)
    except _NoRoomError as exc:
        why = f"no room for its boxes on a film of {width:g} by {height:g} mm"
        raise LayoutError("ImageDisplayFormat", sheet.ImageDisplayFormat, why) from exc
    return Layout(width=width, height=height, boxes=boxes, annotations=annotations)


def annotation_count(AnnotationDisplayFormatID: str, imager: Imager = FILM) -> int:
    """Return the number of annotation boxes of a format, 0 for "". Raises LayoutError for an unknown format."""
    return len(_annotation_format(AnnotationDisplayFormatID, imager))


class _NoRoomError(Exception):
    """A box has no area, or is not within the film."""


def _place_boxes(display_format: Format, film: Rect, area: Rect, gap: float, imager: Imager) -> tuple[Rect, ...]:
    match display_format.name:
        case "STANDARD" | "ROW":
            return _place_rows(display_format.counts, area, gap)
        case "COL":
            transposed = _place_rows(display_format.counts, Rect(area.y, area.x, area.height, area.width), gap)
            return tuple(Rect(y, x, height, width) for x, y, width, height in transposed)
        case "SLIDE":
            return _place_slides(imager.slide_mm, area)
        case "SUPERSLIDE":
            return _place_slides(imager.superslide_mm, area)
    return _custom_boxes(display_format, film, imager)


def _place_rows(counts: tuple[int, ...], area: Rect, gap: float) -> tuple[Rect, ...]:
    """Divide an area into rows of equal height, and each row into its number of boxes."""
    heights = _divide(area.y, area.height, len(counts), gap)
    return tuple(
        Rect(x, y, width, height)
        for (y, height), count in zip(heights, counts, strict=True)
        for x, width in _divide(area.x, area.width, count, gap)
    )


def _divide(begin: float, length: float, count: int, gap: float) -> _Side:
    part = (length - (count - 1) * gap) / count
    if part <= 0:
        raise _NoRoomError
    return [(begin + at * (part + gap), part) for at in range(count)]


def _place_slides(size: tuple[float, float], area: Rect) -> tuple[Rect, ...]:
    columns, rows = _place_mounts(area.x, area.width, size[0]), _place_mounts(area.y, area.height, size[1])
    return tuple(Rect(x, y, width, height) for y, height in rows for x, width in columns)


def _place_mounts(begin: float, length: float, size: float) -> _Side:
    """Place as many mounts as fit, centered, with a slide in the middle of each."""
    mount = max(_MOUNT_MM, size)
    count = int(length / mount)
    if count < 1:  # less than 0 if edges and annotation boxes take more than the film has
        raise _NoRoomError
    first = begin + (length - count * mount) / 2 + (mount - size) / 2
    return [(first + at * mount, size) for at in range(count)]


def _custom_boxes(display_format: Format, film: Rect, imager: Imager) -> tuple[Rect, ...]:
    boxes = imager.custom_formats.get(display_format.numbers[0])
    if not boxes:
        known = ", ".join(map(str, imager.custom_formats)) or "none"
        why = f"this printer has the custom formats: {known}"
        raise LayoutError("ImageDisplayFormat", f"CUSTOM\\{display_format.numbers[0]}", why)
    return _on_film(boxes, film)


def _place_annotations(AnnotationDisplayFormatID: str, film: Rect, imager: Imager) -> tuple[Rect, ...]:
    try:
        return _on_film(_annotation_format(AnnotationDisplayFormatID, imager), film)
    except _NoRoomError as exc:
        why = f"no room for its boxes on a film of {film.width:g} by {film.height:g} mm"
        raise LayoutError("AnnotationDisplayFormatID", AnnotationDisplayFormatID, why) from exc


def _annotation_format(AnnotationDisplayFormatID: str, imager: Imager) -> tuple[Rect, ...]:
    if not AnnotationDisplayFormatID:
        return ()
    boxes = imager.annotation_formats.get(AnnotationDisplayFormatID)
    if boxes is None:
        known = ", ".join(imager.annotation_formats) or "none"
        why = f"this printer has the annotation formats: {known}"
        raise LayoutError("AnnotationDisplayFormatID", AnnotationDisplayFormatID, why, rule=FILM_BOX_RULE)
    return boxes


def _on_film(boxes: Iterable[Rect], film: Rect) -> tuple[Rect, ...]:
    rects = tuple(box.on(film.width, film.height) for box in boxes)
    for x, y, width, height in rects:
        inside = x >= 0 and y >= 0 and x + width <= film.width and y + height <= film.height
        if not (inside and width > 0 and height > 0):
            raise _NoRoomError
    return rects


def _image_area(film: Rect, edge: float, gap: float, annotations: Iterable[Rect]) -> Rect:
    """Return the area for images: an annotation box takes the strip from the nearer edge of the film, top or bottom."""
    top, bottom = edge, film.height - edge
    for box in annotations:
        if box.y + box.height / 2 < film.height / 2:
            top = max(top, box.y + box.height + gap)
        else:
            bottom = min(bottom, box.y - gap)
    return Rect(edge, top, film.width - 2 * edge, bottom - top)
