"""Image boxes: PS3.4 H.4.3. An image that the box cannot take leaves the box as it was."""

from dataclasses import replace

from dimse.data import Dataset
from dimse.uids import BasicColorImageBox

from ..attributes import Checked, check, refuse
from ..attributes.tables import COLOR_IMAGE, GRAY_IMAGE
from ..film import PrintImage
from ..items import from_item
from ..model import FilmBox, ImageBox, Instance, OverlayBox, VOIBox
from ..sop import IMAGE_SEQUENCE
from ..status import INVALID_VALUE, NO_MEMORY
from ..typed import integer, items, text
from .answer import Answer, answered
from .densities import limit_densities
from .films import changed, referenced_lut
from .hierarchy import Call, Hierarchy
from .placing import placed, warn_of_placement

__all__ = ["set_image_box"]

_MOST_BESIDE = 1.1  # of the pixels: a message that is longer is not kept for their sake


def set_image_box(hierarchy: Hierarchy, box: ImageBox, call: Call) -> Answer:
    """N-SET, PS3.4 H.4.3.1.2.1 and H.4.3.2.2.1: the image, and how it goes onto the film."""
    dataset = call.dataset
    is_color = box.SOPClassUID == BasicColorImageBox
    table = hierarchy.tables.color_image_box if is_color else hierarchy.tables.gray_image_box
    checked = check(table, dataset, strict=hierarchy.config.strict)
    sequence = IMAGE_SEQUENCE[box.SOPClassUID]
    del checked.attributes[sequence]
    position = integer(checked.attributes, "ImageBoxPosition")
    if position != box.ImageBoxPosition:
        raise refuse(INVALID_VALUE, "ImageBoxPosition", f"{position}, this is box {box.ImageBoxPosition}")
    film_box = _current(hierarchy)
    limit_densities(checked, film_box.imager, changed(film_box.attributes, box.attributes))
    image = _image(hierarchy, dataset, sequence, is_color=is_color)
    filled = _filled(hierarchy, box, dataset, checked, image)
    if image is not None:
        _check_lut(hierarchy, film_box, filled, image)
        warn_of_placement(checked, placed(film_box, [filled.cell()], filled.ImageBoxPosition))
        filled.image = image = _alone(image, call.received)
    pixels = image.pixels.nbytes if image is not None else 0
    hierarchy.keep(box, filled.attributes, pixels=pixels, status=NO_MEMORY)
    for name in ("image", "lut", "voi", "overlays"):
        setattr(box, name, getattr(filled, name))
    return answered(checked, held=box.attributes)


def _current(hierarchy: Hierarchy) -> FilmBox:
    assert hierarchy.session is not None
    return hierarchy.session.film_boxes[-1]


def _image(hierarchy: Hierarchy, dataset: Dataset, sequence: str, *, is_color: bool) -> PrintImage | None:
    found = items(dataset, sequence)
    if not found:
        return None  # an empty sequence erases the image
    if hierarchy.config.strict:
        check(COLOR_IMAGE if is_color else GRAY_IMAGE, found[0], strict=True)
    image = from_item(found[0], color=is_color, strict=hierarchy.config.strict)
    if not is_color and image.BitsStored > 8 and 12 not in hierarchy.config.BitsStored:
        raise refuse(INVALID_VALUE, "BitsStored", f"{image.BitsStored}: this printer takes 8")
    if not is_color and image.BitsStored == 8 and 8 not in hierarchy.config.BitsStored:
        raise refuse(INVALID_VALUE, "BitsStored", "8: this printer takes 12")
    return image


def _filled(
    hierarchy: Hierarchy, box: ImageBox, dataset: Dataset, checked: Checked, image: PrintImage | None
) -> ImageBox:
    """The box as it will be."""
    attributes = changed(box.attributes, checked.attributes)
    filled = replace(box, attributes=attributes, image=image, overlays=list(box.overlays))
    if "ReferencedPresentationLUTSequence" in dataset:
        filled.lut = referenced_lut(hierarchy, checked.attributes)
    if "ReferencedVOILUTBoxSequence" in dataset:
        voi = _referenced(hierarchy, checked.attributes, "ReferencedVOILUTBoxSequence")
        filled.voi = voi if isinstance(voi, VOIBox) else None
    if "ReferencedImageOverlayBoxSequence" in dataset:
        overlay = _referenced(hierarchy, checked.attributes, "ReferencedImageOverlayBoxSequence")
        filled.overlays = [overlay] if isinstance(overlay, OverlayBox) else []
    return filled


def _check_lut(hierarchy: Hierarchy, film_box: FilmBox, box: ImageBox, image: PrintImage) -> None:
    """Some printers (Agfa) take a table only for pixels of its depth, PS3.3 C.11.4."""
    assert hierarchy.session is not None
    lut = box.lut or film_box.lut or hierarchy.session.lut
    if hierarchy.config.lut_match_required and lut is not None and lut.lut.table is not None:
        entries = len(lut.lut.table)
        if entries != 1 << image.BitsStored:
            why = f"has {entries} entries, the image {image.BitsStored} bits"
            raise refuse(INVALID_VALUE, "ReferencedPresentationLUTSequence", why)


def _referenced(hierarchy: Hierarchy, attributes: Dataset, keyword: str) -> Instance | None:
    """The retired box that a sequence names, None where it is empty."""
    kind = VOIBox if keyword == "ReferencedVOILUTBoxSequence" else OverlayBox
    for item in items(attributes, keyword):
        return hierarchy.referenced(kind, text(item, "ReferencedSOPInstanceUID"), keyword)
    return None


def _alone(image: PrintImage, received: int) -> PrintImage:
    """The image without the message that it is a view of, where that has much else in it."""
    if received <= image.pixels.nbytes * _MOST_BESIDE:
        return image
    return replace(image, pixels=image.pixels.copy())
