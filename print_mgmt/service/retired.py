"""VOI LUT boxes and image overlay boxes, retired in PS3.4 1998 and 2004: what old modalities still use.

A VOI LUT Box is a window or a table between the pixels of an image box and its polarity. An Image Overlay Box has bits
to burn into an image; the one of 1998 names its image box, the one of 2004 is named by image boxes.
"""

import math
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset
from dimse.errors import DecodeError
from dimse.uids import ImageOverlayBox

from ..attributes import Checked, check, refuse, shown
from ..film import Overlay
from ..images import ImageError
from ..images.frame import Frame
from ..images.lut import lut_of
from ..images.voi import chosen
from ..model import ImageBox, OverlayBox, VOIBox
from ..status import INVALID_VALUE, MISSING_ATTRIBUTE, OUT_OF_RANGE
from ..typed import integer, items, text
from .answer import Answer, answered
from .films import changed
from .hierarchy import Call, Hierarchy

__all__ = ["create_overlay_box", "create_voi_lut_box", "delete_overlay_box", "set_overlay_box", "set_voi_lut_box"]

_PLANES = "OverlayPixelDataSequence"
_MOST_PLANE = 1 << 26  # bits of one overlay: 8192 x 8192, more than any film has pixels
_ORIGINS = range(-(1 << 15), 1 << 15)  # Overlay Origin is of VR SS
_BLOCK = 1 << 20  # bits that are read at a time: other threads wait for one block, a millisecond


def create_voi_lut_box(hierarchy: Hierarchy, call: Call) -> Answer:
    """N-CREATE, PS3.4-1998 H.4.7."""
    uid = hierarchy.new_uid(call)
    hierarchy.check_room()
    checked = check(hierarchy.tables.voi_lut_box, call.dataset, strict=hierarchy.config.strict)
    _check_voi(checked.attributes)
    _warn_of_table(checked, checked.attributes)
    box = VOIBox(SOPInstanceUID=uid, attributes=checked.attributes)
    hierarchy.keep(box, checked.attributes)
    hierarchy.add(box)
    return answered(checked, uid)


def set_voi_lut_box(hierarchy: Hierarchy, box: VOIBox, dataset: Dataset) -> Answer:
    """N-SET, PS3.4-1998 H.4.7."""
    checked = check(hierarchy.tables.voi_lut_box, dataset, strict=hierarchy.config.strict)
    attributes = changed(box.attributes, checked.attributes)
    _check_voi(attributes)
    _warn_of_table(checked, attributes)
    hierarchy.keep(box, attributes)
    return answered(checked)


def _check_voi(attributes: Dataset) -> None:
    for table in items(attributes, "VOILUTSequence"):
        _check_table(table)
        return
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword not in attributes:
            raise refuse(MISSING_ATTRIBUTE, keyword, "is missing, and VOILUTSequence is, too")
        value = attributes.get(keyword)
        numbers = value if isinstance(value, list) else [value]
        least = -math.inf if keyword == "WindowCenter" else 0
        if not all(isinstance(number, int | float) and least < number < math.inf for number in numbers):
            raise refuse(INVALID_VALUE, keyword, f"{shown(value)}, which is no window (PS3.3 C.11.2.1.2)")


def _check_table(table: Dataset) -> None:
    """Refuse what is no table, or has fewer entries than it says: the film would show something else than was meant."""
    try:
        found = lut_of(table, "", Frame(table), is_signed=False)
    except ImageError as exc:
        raise refuse(INVALID_VALUE, "LUTDescriptor", f"and LUTData are no table:{exc}") from exc
    if len(found.entries) < found.descriptor.entries:
        why = f"has {len(found.entries)} of {found.descriptor.entries} entries (PS3.3 C.11.2.1.1)"
        raise refuse(INVALID_VALUE, "LUTData", why)


def _warn_of_table(checked: Checked, attributes: Dataset) -> None:
    """Say that a table is not as its descriptor says, such as one of 12 bits that says 16 and prints dark.

    What cannot be used at all fails the film, when there is an image to be seen through it.
    """
    frame = Frame(attributes)
    with suppress(ImageError, DecodeError):
        chosen(frame, 1, is_signed=False)
    if frame.notes and "VOILUTSequence" in attributes:
        checked.warn(OUT_OF_RANGE, "VOILUTSequence", "LUTDescriptor does not fit LUTData")


def create_overlay_box(hierarchy: Hierarchy, call: Call) -> Answer:
    """N-CREATE, PS3.4-1998 H.4.8."""
    uid = hierarchy.new_uid(call)
    hierarchy.check_room()
    checked = check(hierarchy.tables.overlay_box, call.dataset, defaults=True, strict=hierarchy.config.strict)
    planes = _planes(checked.attributes)
    overlay = _overlay(checked.attributes, planes, None)
    box = OverlayBox(SOPClassUID=call.sop_class, SOPInstanceUID=uid, attributes=checked.attributes, overlay=overlay)
    image_box = _image_box(hierarchy, checked.attributes) if call.sop_class == ImageOverlayBox else None
    hierarchy.keep(box, _with_planes(checked.attributes, planes), pixels=_size(overlay))
    if image_box is not None:
        image_box.overlays.append(box)
    hierarchy.add(box)
    return answered(checked, uid)


def set_overlay_box(hierarchy: Hierarchy, box: OverlayBox, dataset: Dataset) -> Answer:
    """N-SET, PS3.4-1998 H.4.8."""
    checked = check(hierarchy.tables.overlay_box_set, dataset, strict=hierarchy.config.strict)
    planes = _planes(checked.attributes)
    attributes = _with_planes(changed(box.attributes, checked.attributes), planes)
    overlay = _overlay(attributes, planes, box.overlay)
    hierarchy.keep(box, attributes, pixels=_size(overlay))
    box.overlay = overlay
    return answered(checked)


def delete_overlay_box(hierarchy: Hierarchy, box: OverlayBox) -> None:
    """N-DELETE; the image box that the one of 1998 names loses it."""
    hierarchy.remove(box)
    if box.SOPClassUID == ImageOverlayBox and hierarchy.session is not None:
        for film_box in hierarchy.session.film_boxes:
            for image_box in film_box.image_boxes:
                if box in image_box.overlays:
                    image_box.overlays.remove(box)


def _image_box(hierarchy: Hierarchy, attributes: Dataset) -> ImageBox:
    references = items(attributes, "ReferencedImageBoxSequence")
    if not references:
        raise refuse(MISSING_ATTRIBUTE, "ReferencedImageBoxSequence", "is missing")
    box = hierarchy.referenced(ImageBox, text(references[0], "ReferencedSOPInstanceUID"), "ReferencedImageBoxSequence")
    assert isinstance(box, ImageBox)
    return box


def _planes(attributes: Dataset) -> list[Dataset]:
    """Take the planes out of the attributes: bits are kept as pixels, and are not sent back."""
    planes = items(attributes, _PLANES)
    if _PLANES in attributes:
        del attributes[_PLANES]
    return planes


def _with_planes(attributes: Dataset, planes: list[Dataset]) -> Dataset:
    """The attributes with what is said of the planes, without their bits."""
    described = [plane.copy() for plane in planes]
    for plane in described:
        del plane["OverlayData"]
    kept = attributes.copy()
    if described:
        kept[_PLANES] = described
    return kept


def _overlay(attributes: Dataset, planes: list[Dataset], before: Overlay | None) -> Overlay | None:
    """The overlay that a box has now: its plane, or the one there was ``before``, and what else it says."""
    if planes:
        pixels, origin = _bits(planes[0]), _origin(planes[0])
    elif before is not None:
        pixels, origin = before.pixels, before.origin
    else:
        return None
    return Overlay(
        pixels=pixels,
        origin=origin,
        OverlayForegroundDensity=text(attributes, "OverlayForegroundDensity", "WHITE"),
        OverlayBackgroundDensity=text(attributes, "OverlayBackgroundDensity") or None,
        OverlayMagnificationType=text(attributes, "OverlayMagnificationType", "REPLICATE"),
    )


def _size(overlay: Overlay | None) -> int:
    return 0 if overlay is None else overlay.pixels.nbytes


def _origin(plane: Dataset) -> tuple[int, int]:
    match plane.get("OverlayOrigin"):
        case [int(row), int(column)] if row in _ORIGINS and column in _ORIGINS:
            return row, column
        case origin:
            raise refuse(INVALID_VALUE, "OverlayOrigin", f"{shown(origin)}, not row and column (PS3.3 C.9.2)")


def _bits(plane: Dataset) -> NDArray[np.bool_]:
    """The plane in Overlay Data, PS3.3 C.9.2: one bit a pixel, or one bit of each cell."""
    rows, columns, allocated = (
        integer(plane, keyword) for keyword in ("OverlayRows", "OverlayColumns", "OverlayBitsAllocated")
    )
    position, value = integer(plane, "OverlayBitPosition"), plane.get("OverlayData")
    data = value if isinstance(value, bytes | memoryview) else b""
    if allocated not in (1, 8, 16) or not 0 <= position < allocated:
        raise refuse(INVALID_VALUE, "OverlayBitsAllocated", f"{allocated} with OverlayBitPosition {position}")
    needed = (rows * columns * allocated + 7) // 8
    if rows * columns > _MOST_PLANE or len(data) < needed:
        raise refuse(INVALID_VALUE, "OverlayData", f"of {len(data)} bytes, where {rows} x {columns} bits need {needed}")
    cells = np.frombuffer(data[:needed], np.uint8 if allocated == 1 else f"<u{allocated // 8}")
    bits = np.empty(rows * columns, np.bool_)
    for start in range(0, len(bits), _BLOCK):
        block = bits[start : start + _BLOCK]
        if allocated == 1:
            octets = cells[start // 8 : (start + _BLOCK) // 8]
            block[:] = np.unpackbits(octets, count=len(block), bitorder="little")
        else:
            np.not_equal(cells[start : start + _BLOCK] & (1 << position), 0, out=block)
    return bits.reshape(rows, columns)
