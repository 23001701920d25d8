"""VOI LUT boxes and overlay boxes, which the standard has retired but old modalities still use.

A VOI LUT Box has a window or a table that is applied before the polarity of an image box. An overlay box has bits to
burn into an image. An Image Overlay Box (PS3.4-1998) refers to its image box. Image boxes refer to a Basic Print Image
Overlay Box (PS3.4-2004).
"""

import math
from contextlib import suppress

from dimse.data import Dataset
from dimse.errors import DecodeError
from dimse.uids import ImageOverlayBox

from ..attributes import Checked, check, refuse, shown
from ..film import Overlay
from ..images import ImageError
from ..images.frame import Frame
from ..images.lut import lut_of
from ..images.voi import choose
from ..items import overlay_from
from ..model import ImageBox, OverlayBox, VOIBox
from ..status import INVALID_VALUE, MISSING_ATTRIBUTE, OUT_OF_RANGE
from ..typed import items, text
from .answer import Answer, answer_for
from .films import with_changes
from .instances import Call, Instances

__all__ = ["create_overlay_box", "create_voi_lut_box", "delete_overlay_box", "set_overlay_box", "set_voi_lut_box"]

_PLANES = "OverlayPixelDataSequence"


def create_voi_lut_box(instances: Instances, call: Call) -> Answer:
    """Create a VOI LUT box: N-CREATE, PS3.4-1998 H.4.7."""
    uid = instances.new_uid(call)
    instances.check_room()
    checked = check(instances.tables.voi_lut_box, call.dataset, strict=instances.config.strict)
    _check_voi(checked.attributes)
    _warn_of_table(checked, checked.attributes)
    box = VOIBox(SOPInstanceUID=uid, attributes=checked.attributes)
    instances.store(box, checked.attributes)
    instances.add(box)
    return answer_for(checked, uid)


def set_voi_lut_box(instances: Instances, box: VOIBox, dataset: Dataset) -> Answer:
    """Change a VOI LUT box: N-SET, PS3.4-1998 H.4.7."""
    checked = check(instances.tables.voi_lut_box, dataset, strict=instances.config.strict)
    attributes = with_changes(box.attributes, checked.attributes)
    _check_voi(attributes)
    _warn_of_table(checked, attributes)
    instances.store(box, attributes)
    return answer_for(checked)


def _check_voi(attributes: Dataset) -> None:
    for table in items(attributes, "VOILUTSequence"):
        _check_table(table)
        return
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword not in attributes:
            raise refuse(MISSING_ATTRIBUTE, keyword, "and VOILUTSequence are missing")
        value = attributes.get(keyword)
        numbers = value if isinstance(value, list) else [value]
        least = -math.inf if keyword == "WindowCenter" else 0
        if not all(isinstance(number, int | float) and least < number < math.inf for number in numbers):
            raise refuse(INVALID_VALUE, keyword, f"{shown(value)} is not valid for a window (PS3.3 C.11.2.1.2)")


def _check_table(table: Dataset) -> None:
    """Raise `Refusal` if LUT Descriptor and LUT Data make no table, or if the table has too few entries."""
    try:
        found = lut_of(table, "", Frame(table), is_signed=False)
    except ImageError as exc:
        raise refuse(INVALID_VALUE, "LUTDescriptor", f"and LUTData are not a table:{exc}") from exc
    if len(found.entries) < found.descriptor.entries:
        why = f"has {len(found.entries)} of {found.descriptor.entries} entries (PS3.3 C.11.2.1.1)"
        raise refuse(INVALID_VALUE, "LUTData", why)


def _warn_of_table(checked: Checked, attributes: Dataset) -> None:
    """Add a warning if a table contradicts its descriptor: a table of 12 bits declared as 16 bits would print dark.

    A table that cannot be used at all gets no warning here: N-ACTION fails if an image refers to it.
    """
    frame = Frame(attributes)
    with suppress(ImageError, DecodeError):
        choose(frame, 1, is_signed=False)
    if frame.notes and "VOILUTSequence" in attributes:
        checked.warn(OUT_OF_RANGE, "VOILUTSequence", "LUTDescriptor does not fit LUTData")


def create_overlay_box(instances: Instances, call: Call) -> Answer:
    """Create an overlay box: N-CREATE, PS3.4-1998 H.4.8."""
    uid = instances.new_uid(call)
    instances.check_room()
    checked = check(instances.tables.overlay_box, call.dataset, defaults=True, strict=instances.config.strict)
    planes = _take_planes(checked.attributes)
    overlay = overlay_from(checked.attributes, planes, None)
    box = OverlayBox(SOPClassUID=call.sop_class, SOPInstanceUID=uid, attributes=checked.attributes, overlay=overlay)
    image_box = _find_image_box(instances, checked.attributes) if call.sop_class == ImageOverlayBox else None
    instances.store(box, _with_planes(checked.attributes, planes), pixels=_nbytes(overlay))
    if image_box is not None:
        image_box.overlays.append(box)
    instances.add(box)
    return answer_for(checked, uid)


def set_overlay_box(instances: Instances, box: OverlayBox, dataset: Dataset) -> Answer:
    """Change an overlay box: N-SET, PS3.4-1998 H.4.8."""
    checked = check(instances.tables.overlay_box_set, dataset, strict=instances.config.strict)
    planes = _take_planes(checked.attributes)
    attributes = _with_planes(with_changes(box.attributes, checked.attributes), planes)
    overlay = overlay_from(attributes, planes, box.overlay)
    instances.store(box, attributes, pixels=_nbytes(overlay))
    box.overlay = overlay
    return answer_for(checked)


def delete_overlay_box(instances: Instances, box: OverlayBox) -> None:
    """Delete an overlay box: N-DELETE. An Image Overlay Box of 1998 is also removed from its image box."""
    instances.remove(box)
    if box.SOPClassUID == ImageOverlayBox and instances.session is not None:
        for film_box in instances.session.film_boxes:
            for image_box in film_box.image_boxes:
                if box in image_box.overlays:
                    image_box.overlays.remove(box)


def _find_image_box(instances: Instances, attributes: Dataset) -> ImageBox:
    references = items(attributes, "ReferencedImageBoxSequence")
    if not references:
        raise refuse(MISSING_ATTRIBUTE, "ReferencedImageBoxSequence", "is missing")
    box = instances.find_referenced(
        ImageBox, text(references[0], "ReferencedSOPInstanceUID"), "ReferencedImageBoxSequence"
    )
    assert isinstance(box, ImageBox)
    return box


def _take_planes(attributes: Dataset) -> list[Dataset]:
    """Remove the overlay planes from the attributes, and return them. They are kept as pixels, and never sent back."""
    planes = items(attributes, _PLANES)
    if _PLANES in attributes:
        del attributes[_PLANES]
    return planes


def _with_planes(attributes: Dataset, planes: list[Dataset]) -> Dataset:
    """Return the attributes with ``planes``, but without the bits of the planes."""
    described = [plane.copy() for plane in planes]
    for plane in described:
        del plane["OverlayData"]
    kept = attributes.copy()
    if described:
        kept[_PLANES] = described
    return kept


def _nbytes(overlay: Overlay | None) -> int:
    return 0 if overlay is None else overlay.pixels.nbytes
