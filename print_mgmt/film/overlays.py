"""Overlay planes burnt into an image, as the retired Image Overlay Box asks.

A plane lies on the pixels of its image, is cropped with it, and is magnified beside it, so a line of it
stays on the structure that it marks. Its foreground covers the image at one density, and so does its
background where one is given.
"""

import numpy as np
from numpy.typing import NDArray

from .errors import LayoutError, require
from .imager import Imager
from .ink import Canvas, blend
from .placement import Box
from .raster import MAGNIFICATIONS, magnify
from .sheet import Overlay
from .tone import Note, density, exposed

__all__ = ["burn"]

_RULE = "PS3.3 C.9.2"
_COVERAGE = np.array([0, 255], np.float32)  # of a bit
_MOST = 32768  # rows or columns that an origin of VR SS can be away


def burn(area: Canvas, overlay: Overlay, image: tuple[int, int], shown: Box, imager: Imager, note: Note) -> None:
    """Burn an overlay into ``area``, which shows the part ``shown`` of an image of (rows, columns).

    Raises LayoutError for an overlay whose own attributes make no sense.
    """
    kind = overlay.OverlayMagnificationType
    require("OverlayMagnificationType", kind, MAGNIFICATIONS, rule=_RULE)
    if overlay.pixels.ndim != 2 or not all(abs(at) <= _MOST for at in overlay.origin):
        raise LayoutError("OverlayOrigin", overlay.origin, f"of a plane of {overlay.pixels.shape}", rule=_RULE)
    if _reaches_out(overlay, image):
        note("an overlay reaches beyond its image: cut off there")
    planes = [("OverlayForegroundDensity", overlay.OverlayForegroundDensity, overlay.pixels)]
    if overlay.OverlayBackgroundDensity is not None:
        planes.append(("OverlayBackgroundDensity", overlay.OverlayBackgroundDensity, ~overlay.pixels))
    for attribute, term, pixels in planes:
        level = float(exposed(density(attribute, term, imager, note), imager))
        coverage = np.empty(area.shape[:2], np.uint8)
        magnify(_cut(pixels, overlay.origin, image, shown), _COVERAGE, coverage, MAGNIFICATIONS[kind])
        blend(area, coverage, level)


def _reaches_out(overlay: Overlay, image: tuple[int, int]) -> bool:
    sides = zip(overlay.origin, overlay.pixels.shape, image, strict=True)
    return any(first < 1 or first - 1 + length > limit for first, length, limit in sides)


def _cut(pixels: NDArray[np.bool_], origin: tuple[int, int], image: tuple[int, int], shown: Box) -> NDArray[np.uint8]:
    """The plane on the pixels that are shown of its image: what lies beside the image is lost."""
    plane = np.zeros(image, np.uint8)
    (top, bottom), (left, right) = (
        (max(first - 1, 0), min(first - 1 + length, limit))
        for first, length, limit in zip(origin, pixels.shape, image, strict=True)
    )
    if top < bottom and left < right:
        row, column = origin
        plane[top:bottom, left:right] = pixels[top - row + 1 : bottom - row + 1, left - column + 1 : right - column + 1]
    return plane[shown.top : shown.top + shown.height, shown.left : shown.left + shown.width]
