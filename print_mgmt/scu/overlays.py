"""Overlays as an SCU sends them to the Image Overlay Box, retired in PS3.4 2004: planes of one bit a pixel.

Two SOP Classes had the name. The box of 1998 names the image box that it lies on; that of 2004 is named by it.
"""

import numpy as np

from dimse.data import Dataset
from dimse.errors import ContextNotAccepted, EncodeError
from dimse.uids import BasicPrintImageOverlayBox, ImageOverlayBox

from ..film import Overlay
from ..model import reference
from .operations import Operations

__all__ = ["create_overlay", "overlay_class", "to_dataset"]

_LONGEST = 0xFFFF  # rows or columns: a US


def overlay_class(operations: Operations) -> str:
    """The SOP Class of overlays that the printer has, that of 2004 first. Raises `ContextNotAccepted`."""
    try:
        operations.context(BasicPrintImageOverlayBox)
    except ContextNotAccepted:
        operations.context(ImageOverlayBox)
        return ImageOverlayBox
    return BasicPrintImageOverlayBox


async def create_overlay(
    operations: Operations, what: str, sop_class: str, overlay: Overlay, on: Dataset | None = None
) -> Dataset:
    """N-CREATE of an overlay; the reference to it. ``on`` is that to its image box, which the box of 1998 needs."""
    dataset = to_dataset(overlay)
    if on is not None:
        dataset.ReferencedImageBoxSequence = [on]
    uid, _ = await operations.create(what, sop_class, dataset)
    return reference(sop_class, uid)


def to_dataset(overlay: Overlay) -> Dataset:
    """What N-CREATE of an Image Overlay Box sends, PS3.4-1998 H.4.8. Raises `EncodeError`."""
    if overlay.pixels.ndim != 2 or not 0 < min(overlay.pixels.shape) <= max(overlay.pixels.shape) <= _LONGEST:
        raise EncodeError(f"a plane of {overlay.pixels.shape} is not rows x columns (PS3.3 C.9.2)", path="OverlayData")
    rows, columns = overlay.pixels.shape
    data = np.packbits(overlay.pixels.ravel(), bitorder="little").tobytes()
    plane = Dataset(
        OverlayRows=rows,
        OverlayColumns=columns,
        OverlayType="G",
        OverlayOrigin=list(overlay.origin),
        OverlayBitsAllocated=1,
        OverlayBitPosition=0,
        OverlayData=data + bytes(len(data) % 2),
    )
    dataset = Dataset(
        OverlayForegroundDensity=overlay.OverlayForegroundDensity,
        OverlayBackgroundDensity=overlay.OverlayBackgroundDensity,
        OverlayMagnificationType=overlay.OverlayMagnificationType,
        OverlayOrImageMagnification="IMAGE",
    )
    if overlay.OverlayBackgroundDensity is None:
        del dataset["OverlayBackgroundDensity"]
    dataset.OverlayPixelDataSequence = [plane]
    return dataset
