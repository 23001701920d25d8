"""Renders a sheet as a page, by layout, placement, tone and magnification.

The film has Border Density around and between the images, and Empty Image Density in boxes without an image (PS3.3
C.13.3). Trim draws a line around each image. Annotations are drawn last.

The resolution of a page may differ from the resolution of the printer. The page is then a picture of the same film,
with each image at the same place. Notes name the decisions of the printer, and each difference from the request.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from .canvas import Canvas, fill
from .errors import IMAGE_BOX_RULE, OWN_RULE, LayoutError, require
from .fonts import can_draw_text
from .formats import MM_PER_INCH, Rect, film_size
from .icc import page_profile
from .imager import FILM, Imager
from .layout import TRIM_MM, Layout, lay_out
from .overlays import burn
from .placement import Box, Placement, check_image, pixel_box, place_cell
from .raster import MAGNIFICATIONS, SMOOTHINGS, Magnification, magnify
from .sheet import Annotation, Cell, Page, PrintImage, Sheet
from .text import losses, write
from .tone import POLARITIES, Note, contrast, defaults, density, page_level, tone

__all__ = ["MAX_PIXELS", "annotation_losses", "can_render", "check_sheet", "render"]

MAX_PIXELS = 200_000_000  # 14x17 inches at 900 dpi; a film of 8 bits then takes 200 MB
_PREVIEW_PIXELS = 2  # pixels of an image for each pixel of a preview, in each direction


def render(
    sheet: Sheet,
    dpi: int | None = None,
    *,
    bits: Literal[8, 16] = 8,
    imager: Imager = FILM,
    is_preview: bool = False,
) -> Page:
    """Return a film box as the page that a viewer of the film would see.

    The page has the resolution of the imager, or ``dpi``. It is gray with ``bits`` per pixel, or RGB with 8 bits if an
    image is RGB. A preview uses only some pixels of each image that is much larger than its area on the page. Raises
    LayoutError for a sheet that cannot be laid out or printed, and for more than ``MAX_PIXELS`` pixels.
    """
    check_sheet(sheet)
    layout = lay_out(sheet, imager)
    is_color = any(cell.image and cell.image.PhotometricInterpretation == "RGB" for cell in sheet.cells)
    if is_color:
        imager = replace(imager, curve=None)  # a characteristic curve gives the drive values of a gray device
    dpi = imager.resolution(sheet.RequestedResolutionID) if dpi is None else dpi
    canvas = _new_canvas(layout, dpi, bits, is_color)
    film = _Film(sheet=sheet, imager=imager, layout=layout, dpi=dpi, canvas=canvas, is_preview=is_preview)
    if not is_color and (decided := defaults(sheet, imager)):
        film.note(f"decided by the printer: {decided}")
    film.expose()
    profile = page_profile(sheet, imager, film.note, is_color=is_color)
    return Page(
        pixels=film.canvas,
        width_mm=layout.width,
        height_mm=layout.height,
        dpi=dpi,
        notes=tuple(dict.fromkeys(film.notes)),
        ICCProfile=profile,
    )


def check_sheet(sheet: Sheet) -> None:
    """Raise LayoutError for an unknown Magnification Type, Trim or Polarity, and for invalid images (`check_image`)."""
    require("MagnificationType", sheet.MagnificationType, MAGNIFICATIONS)
    require("Trim", sheet.Trim, ("YES", "NO"))
    for cell in sheet.cells:
        require("Polarity", cell.Polarity, POLARITIES, rule=IMAGE_BOX_RULE)
        if cell.MagnificationType is not None:
            require("MagnificationType", cell.MagnificationType, MAGNIFICATIONS, rule=IMAGE_BOX_RULE)
        if cell.image is not None:
            check_image(cell.image)


def annotation_losses(sheet: Sheet, annotation: Annotation, imager: Imager = FILM) -> tuple[str, ...]:
    """Return a line for each way in which the film shows less than the whole text, such as a missing end.

    There are no lines if text cannot be drawn at all (`can_draw_text`). Raises LayoutError as `render` does.
    """
    boxes, dpi = lay_out(sheet, imager).annotations, imager.resolution(sheet.RequestedResolutionID)
    _, _, height, width = pixel_box(_annotation_box(sheet, annotation, boxes), dpi)
    return losses(annotation.TextString, (height, width), dpi, imager.fonts) if can_draw_text() else ()


def _annotation_box(sheet: Sheet, annotation: Annotation, boxes: tuple[Rect, ...]) -> Rect:
    position = annotation.AnnotationPosition
    if not 1 <= position <= len(boxes):
        why = f"AnnotationDisplayFormatID {sheet.AnnotationDisplayFormatID!r} has {len(boxes)} boxes"
        raise LayoutError("AnnotationPosition", position, why, rule="PS3.3 C.13.7")
    return boxes[position - 1]


def can_render(FilmSizeID: str, dpi: int) -> bool:
    """Return whether a film of that size has at most ``MAX_PIXELS``. Raises LayoutError for an unknown size."""
    width, height = film_size(FilmSizeID, "PORTRAIT")
    return _pixel_count(width, dpi) * _pixel_count(height, dpi) <= MAX_PIXELS


def _pixel_count(side: float, dpi: int) -> int:
    return round(side / MM_PER_INCH * dpi)


def _new_canvas(layout: Layout, dpi: int, bits: int, is_color: bool) -> Canvas:
    if not 0 < dpi < math.inf:
        raise LayoutError("dpi", dpi, "is not a finite resolution above 0", rule=OWN_RULE)
    width, height = _pixel_count(layout.width, dpi), _pixel_count(layout.height, dpi)
    if not (width > 0 and height > 0 and width * height <= MAX_PIXELS):
        why = f"makes a page of {width} by {height} pixels; it must have 1 to {MAX_PIXELS}"
        raise LayoutError("dpi", dpi, why, rule=OWN_RULE)
    if is_color:
        return np.zeros((height, width, 3), np.uint8)
    return np.zeros((height, width), np.uint8 if bits == 8 else np.uint16)


@dataclass(slots=True, kw_only=True, eq=False)
class _Film:
    """A page during its exposure."""

    sheet: Sheet
    imager: Imager
    layout: Layout
    dpi: int
    canvas: Canvas
    is_preview: bool = False
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def expose(self) -> None:
        """Draw the border, the empty boxes, the trim, the images and the annotations, in this order."""
        border = self.density("BorderDensity", self.sheet.BorderDensity)
        mark = self.level(contrast(border, self.imager))
        if level := self.level(border):  # level 0: the canvas is already black, and untouched memory costs nothing
            fill(self.canvas, level)
        exposures = list(self.exposures())
        if self.sheet.Trim == "YES":
            for exposure in exposures:
                self.draw_trim(exposure.area, mark)
        for exposure in exposures:
            self.draw_image(exposure)
        self.annotate(mark)

    def density(self, attribute: str, term: str) -> float:
        return density(attribute, term, self.imager, self.note)

    def level(self, density: float) -> float:
        return float(page_level(density, self.imager))

    def pixels_of(self, box: Box) -> Canvas:
        return self.canvas[box.top : box.top + box.height, box.left : box.left + box.width]

    def exposures(self) -> "Iterator[_Exposure]":
        """Yield the images with their areas; fill the boxes without an image. Raises LayoutError."""
        sheet, boxes = self.sheet, self.layout.boxes
        vacant = len(boxes) - len(sheet.cells)
        if vacant < 0:
            why = f"has {len(boxes)} image boxes for {len(sheet.cells)} images"
            raise LayoutError("ImageDisplayFormat", sheet.ImageDisplayFormat, why)
        empty = self.level(self.density("EmptyImageDensity", sheet.EmptyImageDensity))
        for position, (rect, cell) in enumerate(zip(boxes, sheet.cells + (Cell(),) * vacant, strict=True), 1):
            box = pixel_box(rect, self.resolution)
            placement = place_cell(sheet, cell, box, self.imager)
            if cell.image is None or placement is None:
                fill(self.pixels_of(self.on_page(box)), empty)
                continue
            yield _Exposure(position, cell, cell.image, placement, self.on_page(_place_in(box, placement.target)))

    @property
    def resolution(self) -> int:
        return self.imager.resolution(self.sheet.RequestedResolutionID)

    def on_page(self, box: Box) -> Box:
        """Convert a box from pixels of the printer to pixels of the page; the result has at least one pixel."""
        scale = self.dpi / self.resolution
        (top, bottom), (left, right) = (
            _whole_pixels(first * scale, (first + length) * scale, side)
            for first, length, side in zip(box[:2], box[2:], self.canvas.shape[:2], strict=True)
        )
        return Box(top, left, bottom - top, right - left)

    def draw_trim(self, area: Box, level: float) -> None:
        """Fill the area of an image and a line around it. `draw_image` then covers all but the line."""
        line = max(round(TRIM_MM / MM_PER_INCH * self.dpi), 1)
        top, left = max(area.top - line, 0), max(area.left - line, 0)
        fill(self.canvas[top : area.top + area.height + line, left : area.left + area.width + line], level)

    def draw_image(self, exposure: "_Exposure") -> None:
        """Draw an image. A gray image fills all three planes of a color page."""
        cell, image = exposure.cell, exposure.image
        note = exposure.prefix_note(self.note)
        area = self.pixels_of(exposure.area)
        kind = cell.MagnificationType or self.sheet.MagnificationType
        magnification = _magnification(kind, cell.SmoothingType or self.sheet.SmoothingType, note)
        _note_placement(exposure, kind, note)
        levels = tone(image, cell, self.sheet, self.imager, note)
        curve = (levels * np.iinfo(self.canvas.dtype).max).astype(np.float32)
        shown = exposure.placement.source
        pixels = image.pixels[shown.top : shown.top + shown.height, shown.left : shown.left + shown.width]
        if self.is_preview:  # measured: six images of 1024 x 1024 on a page of 480 pixels take 8 ms instead of 34
            sides = zip(pixels.shape[:2], area.shape[:2], strict=True)
            step = max(min(source // (_PREVIEW_PIXELS * target) for source, target in sides), 1)
            pixels = pixels[::step, ::step]
        sources, planes = (np.moveaxis(np.atleast_3d(array), -1, 0) for array in (pixels, area))
        for source, plane in zip(sources, planes, strict=False):
            magnify(source, curve, plane, magnification)
        planes[len(sources) :] = planes[0]
        for overlay in cell.overlays:
            burn(area, overlay, (len(image.pixels), image.pixels.shape[1]), shown, self.imager, note)

    def annotate(self, level: float) -> None:
        for annotation in self.sheet.annotations:
            box = _annotation_box(self.sheet, annotation, self.layout.annotations)
            area = self.pixels_of(self.on_page(pixel_box(box, self.resolution)))
            note = _with_prefix(f"annotation {annotation.AnnotationPosition}", self.note)
            write(area, annotation.TextString, level, self.dpi, self.imager.fonts, note)


@dataclass(frozen=True, slots=True, eq=False)
class _Exposure:
    """An image, its placement, and its area on the page."""

    position: int
    cell: Cell
    image: PrintImage
    placement: Placement
    area: Box

    def prefix_note(self, note: Note) -> Note:
        return _with_prefix(f"image box {self.position}", note)


def _with_prefix(where: str, note: Note) -> Note:
    return lambda text: note(f"{where}: {text}")


def _note_placement(exposure: _Exposure, MagnificationType: str, note: Note) -> None:
    """Note how an image is printed. Raises LayoutError for an image that must not be printed."""
    target, source, outcome = exposure.placement
    if outcome == "FAILS":
        requested = exposure.cell.RequestedDecimateCropBehavior
        why = "the image is larger than its image box"
        raise LayoutError("RequestedDecimateCropBehavior", requested, why, rule=IMAGE_BOX_RULE)
    size = f"{source.width} by {source.height} pixels as {target.width} by {target.height}, {MagnificationType}"
    note(f"{size}, {outcome}" if outcome else size)


def _magnification(MagnificationType: str, SmoothingType: str | None, note: Note) -> Magnification:
    if SmoothingType is None:
        return MAGNIFICATIONS[MagnificationType]
    if MagnificationType == "CUBIC" and SmoothingType in SMOOTHINGS:
        return SMOOTHINGS[SmoothingType]
    note(f"SmoothingType {SmoothingType!a} is not defined for {MagnificationType}: not used")
    return MAGNIFICATIONS[MagnificationType]


def _place_in(box: Box, target: Box) -> Box:
    """Return a target with its position on the film, not in its box."""
    return Box(box.top + target.top, box.left + target.left, target.height, target.width)


def _whole_pixels(start: float, end: float, side: int) -> tuple[int, int]:
    """Return the extent of a box in one direction as whole pixels, start and end (exclusive).

    The page has ``side`` pixels in this direction. An extent that rounds to no pixel gets the pixel at its middle.
    """
    begin, stop = round(start), min(round(end), side)
    if begin < stop:
        return begin, stop
    middle = min(int((start + end) / 2), side - 1)
    return middle, middle + 1
