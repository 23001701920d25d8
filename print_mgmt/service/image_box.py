"""N-SET of image boxes and annotation boxes (PS3.4 H.4.3 and H.4.4).

A refused request raises `ServiceError`, and leaves the box unchanged.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from dimse.data import IMPLICIT_LE, Dataset, decode, encode, tag_of
from dimse.message import file_of
from dimse.uids import BasicColorImageBox

from ..attributes import Checked, check, refuse
from ..attributes.tables import COLOR_IMAGE, GRAY_IMAGE
from ..film import Annotation, Cell, Imager, LayoutError, PrintImage, annotation_losses
from ..film.placement import Box, ImageBoxRequest, fit, outcome_of
from ..film.sheet import Sheet
from ..items import IMAGE_TAGS, from_item
from ..model import AnnotationBox, FilmBox, ImageBox, Instance, OverlayBox, StoredLUT, VOIBox, cell_of
from ..sop import IMAGE_SEQUENCE
from ..status import (
    COMBINED_TOO_LARGE,
    CROPPED,
    DECIMATED,
    DEMAGNIFIED,
    IMAGE_TOO_LARGE,
    INVALID_VALUE,
    NO_MEMORY,
    OUT_OF_RANGE,
    PROCESSING_FAILURE,
    meaning,
)
from ..typed import integer, items, text
from .answer import Answer, answer_for, failure
from .densities import limit_densities
from .films import referenced_lut, with_changes
from .instances import Call, Instances, short_attributes

__all__ = ["placement_status", "set_annotation_box", "set_image_box"]

_MAX_RATIO = 1.1  # length of a message divided by the length of its pixels; beyond this, the pixels are copied
_STATUSES = {"": 0x0000, "DEMAGNIFIED": DEMAGNIFIED, "CROPPED": CROPPED, "DECIMATED": DECIMATED}
_CHARSET = "SpecificCharacterSet"
_LUT, _VOI = tag_of("ReferencedPresentationLUTSequence"), tag_of("ReferencedVOILUTBoxSequence")
_OVERLAY = tag_of("ReferencedImageOverlayBoxSequence")
_REFERENCES = frozenset((_LUT, _VOI, _OVERLAY))


def set_image_box(instances: Instances, box: ImageBox, call: Call) -> Answer:
    """Set the image of an image box, and its attributes: N-SET, PS3.4 H.4.3.1.2.1 and H.4.3.2.2.1."""
    dataset = call.dataset
    is_color = box.SOPClassUID == BasicColorImageBox
    table = instances.tables.color_image_box if is_color else instances.tables.gray_image_box
    checked = check(table, dataset, strict=instances.config.strict)
    sequence = IMAGE_SEQUENCE[box.SOPClassUID]
    del checked.attributes[sequence]
    position = integer(checked.attributes, "ImageBoxPosition")
    if position != box.ImageBoxPosition:
        raise refuse(INVALID_VALUE, "ImageBoxPosition", f"{position}, but this is box {box.ImageBoxPosition}")
    film_box = _current_film_box(instances)
    limit_densities(checked, film_box.imager, box.attributes, film_box.attributes)
    found = items(dataset, sequence)  # an empty sequence erases the image
    image = _read_image(instances, found[0], is_color=is_color) if found else None
    attributes = with_changes(box.attributes, checked.attributes)
    relations = _read_relations(instances, box, dataset, checked)
    if image is not None:
        _check_lut(instances, film_box, relations.lut, image)
        cell = cell_of(attributes, image, relations.lut, relations.overlays)
        if status := placement_status(film_box, [cell], position):  # the image will be made smaller, or cropped
            checked.warn(status, "", meaning(status))
        image = _detach_pixels(image, call.received)
        _add_unused(checked.unused, found[0], sequence)
    pixels = image.pixels.nbytes if image is not None and file_of(image.pixels) is None else 0
    instances.store(box, attributes, pixels=pixels, unused=checked.unused, status=NO_MEMORY)
    box.image, (box.lut, box.voi, box.overlays) = image, relations
    return answer_for(checked, current=box.attributes)


def _add_unused(unused: Dataset, item: Dataset, sequence: str) -> None:
    """Add to ``unused`` a sequence with the attributes of the image item that the printer does not use."""
    elements = item.by_tag()
    if unknown := elements.keys() - IMAGE_TAGS:
        unused[sequence] = [short_attributes(elements[tag] for tag in unknown)]


def _current_film_box(instances: Instances) -> FilmBox:
    assert instances.session is not None
    return instances.session.film_boxes[-1]


def _read_image(instances: Instances, item: Dataset, *, is_color: bool) -> PrintImage:
    if instances.config.strict:
        check(COLOR_IMAGE if is_color else GRAY_IMAGE, item, strict=True)
    image = from_item(item, color=is_color, strict=instances.config.strict)
    if not is_color and image.BitsStored > 8 and 12 not in instances.config.BitsStored:
        raise refuse(INVALID_VALUE, "BitsStored", f"{image.BitsStored}: this printer accepts only 8")
    if not is_color and image.BitsStored == 8 and 8 not in instances.config.BitsStored:
        raise refuse(INVALID_VALUE, "BitsStored", "8: this printer accepts only 12")
    return image


class _Relations(NamedTuple):
    """The instances to which an image box refers."""

    lut: StoredLUT | None
    voi: VOIBox | None
    overlays: list[OverlayBox]


def _read_relations(instances: Instances, box: ImageBox, dataset: Dataset, checked: Checked) -> _Relations:
    """Return the instances to which a box refers after the request."""
    lut, voi, overlays = box.lut, box.voi, box.overlays
    named = _REFERENCES.intersection(dataset.by_tag())
    if _LUT in named:
        lut = referenced_lut(instances, checked.attributes)
    if _VOI in named:
        found = _find_retired_box(instances, checked.attributes, "ReferencedVOILUTBoxSequence")
        voi = found if isinstance(found, VOIBox) else None
    if _OVERLAY in named:
        found = _find_retired_box(instances, checked.attributes, "ReferencedImageOverlayBoxSequence")
        overlays = [found] if isinstance(found, OverlayBox) else []
    return _Relations(lut, voi, overlays)


def _check_lut(instances: Instances, film_box: FilmBox, box_lut: StoredLUT | None, image: PrintImage) -> None:
    """Raise `Refusal` if a LUT has more or fewer entries than there are pixel values.

    Only some printers, such as those of Agfa, require the right number (`lut_match_required`).
    """
    assert instances.session is not None
    lut = box_lut or film_box.lut or instances.session.lut
    if instances.config.lut_match_required and lut is not None and lut.lut.table is not None:
        entries = len(lut.lut.table)
        if entries != 1 << image.BitsStored:
            needed = 1 << image.BitsStored
            why = f"refers to a table of {entries} entries, but an image of {image.BitsStored} bits needs {needed}"
            raise refuse(INVALID_VALUE, "ReferencedPresentationLUTSequence", why)


def _find_retired_box(instances: Instances, attributes: Dataset, keyword: str) -> Instance | None:
    """Return the retired box that a sequence refers to, or None if the sequence is empty.

    Raises `Refusal` if that box does not exist.
    """
    kind = VOIBox if keyword == "ReferencedVOILUTBoxSequence" else OverlayBox
    for item in items(attributes, keyword):
        return instances.find_referenced(kind, text(item, "ReferencedSOPInstanceUID"), keyword)
    return None


def _detach_pixels(image: PrintImage, received: int) -> PrintImage:
    """Return the image. Its pixels are copied if they are a view of a message that has much other data."""
    if file_of(image.pixels) is not None or received <= image.pixels.nbytes * _MAX_RATIO:
        return image
    return replace(image, pixels=image.pixels.copy())


# --- placement ---


def placement_status(film_box: FilmBox, cells: Iterable[Cell], first: int = 1) -> int:
    """Return the status with the most important warning about ``cells``, or 0000 if all images fit.

    The first cell is at the Image Box Position ``first``.

    Raises `ServiceError`: C603 or C613 for an image that would not be printed, 0110 for a film that cannot be laid out.
    """
    status = 0x0000
    try:
        for cell, box in zip(cells, film_box.boxes()[first - 1 :], strict=False):
            status = max(status, _status_of_cell(film_box.plain, cell, box, film_box.imager))
    except LayoutError as exc:
        raise failure(PROCESSING_FAILURE, str(exc)) from exc
    return status


def _status_of_cell(sheet: Sheet, cell: Cell, box: Box, imager: Imager) -> int:
    outcome = outcome_of(sheet, cell, box, imager)
    if outcome is None:
        return 0x0000
    if outcome == "FAILS":
        raise failure(IMAGE_TOO_LARGE, "the image is larger than its box, and must not be made smaller")
    combined = _combined_outcome(sheet, cell, box, imager) if cell.overlays else outcome
    if combined == "FAILS":
        raise failure(COMBINED_TOO_LARGE, "image and overlay are larger than their box, and must not be made smaller")
    return max(_STATUSES[outcome], _STATUSES[combined])


def _combined_outcome(sheet: Sheet, cell: Cell, box: Box, imager: Imager) -> str:
    """Return the outcome for an image combined with its overlays, which may extend beyond the image."""
    assert cell.image is not None
    rows, columns = cell.image.pixels.shape[:2]
    top = left = 0
    bottom, right = rows, columns
    for overlay in cell.overlays:
        row, column = overlay.origin[0] - 1, overlay.origin[1] - 1
        height, width = overlay.pixels.shape
        top, left = min(top, row), min(left, column)
        bottom, right = max(bottom, row + height), max(right, column + width)
    request = ImageBoxRequest(cell.MagnificationType or sheet.MagnificationType, cell.RequestedDecimateCropBehavior)
    size, aspect = (bottom - top, right - left), cell.image.PixelAspectRatio
    return fit(size, aspect, (box.height, box.width), request, imager.RequestedDecimateCropBehavior).outcome


# --- annotation boxes ---


def set_annotation_box(instances: Instances, box: AnnotationBox, dataset: Dataset) -> Answer:
    """Set the text of an annotation box: N-SET, PS3.4 H.4.4.2.1. An empty text erases the current text."""
    strict, limit = instances.config.strict, instances.config.annotation_characters
    checked = check(instances.tables.annotation_box, _with_charset(instances, dataset), strict=strict)
    position = integer(checked.attributes, "AnnotationPosition")
    if position != box.AnnotationPosition:
        raise refuse(INVALID_VALUE, "AnnotationPosition", f"{position}, but this is box {box.AnnotationPosition}")
    written = text(checked.attributes, "TextString")
    if len(written) > limit:
        if strict:
            raise refuse(INVALID_VALUE, "TextString", f"has {len(written)} characters, above the limit of {limit}")
        written = checked.attributes.TextString = written[:limit]
        checked.warn(OUT_OF_RANGE, "TextString", f"was cut to {limit} characters")
    if written:
        _check_text(instances, checked, position, written)
    instances.store(box, with_changes(box.attributes, checked.attributes), unused=checked.unused)
    if "TextString" in dataset and "TextString" not in checked.unused:
        box.TextString = written
    return answer_for(checked)


def _check_text(instances: Instances, checked: Checked, position: int, written: str) -> None:
    """Add a warning for each reason why the text is not shown whole: missing glyphs, control characters, no space.

    Raises `Refusal` instead if the printer is strict, and `ServiceError` (0110) for a film that cannot be laid out.
    """
    assert instances.session is not None
    film_box = instances.session.film_boxes[-1]
    annotation = Annotation(AnnotationPosition=position, TextString=written)
    try:
        losses = annotation_losses(film_box.plain, annotation, film_box.imager)
    except LayoutError as exc:
        raise failure(PROCESSING_FAILURE, str(exc)) from exc
    for loss in losses:
        if instances.config.strict:
            raise refuse(INVALID_VALUE, "TextString", loss)
        checked.warn(OUT_OF_RANGE, "TextString", loss)


def _with_charset(instances: Instances, dataset: Dataset) -> Dataset:
    """Return the Data Set; if it has a text but no character set, add the session's (PS3.4 H.4.1.2.1.1)."""
    session = instances.session
    if _CHARSET in dataset or session is None or session.charset is None or "TextString" not in dataset:
        return dataset
    charset = Dataset()
    charset.add(session.charset)  # its group, 0008, must come first
    return decode(encode(charset, IMPLICIT_LE) + encode(dataset, IMPLICIT_LE), IMPLICIT_LE)
