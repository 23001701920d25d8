"""Overlay planes, burned into an image as the retired Image Overlay Box requests.

A plane lies on the pixels of its image. It is cropped and magnified together with the image, so a line stays on the
structure that it marks. The foreground has one density. The background has another one, or the image shows through.
"""

import numpy as np
from numpy.typing import NDArray

from .canvas import COVERED, Canvas, blend
from .errors import LayoutError, require
from .imager import Imager
from .placement import Box
from .raster import MAGNIFICATIONS, Lines, magnified_blocks
from .sheet import Overlay
from .tone import Note, density, page_level

__all__ = ["burn"]

_RULE = "PS3.3 C.9.2"
_COVERAGE = np.array([0, COVERED], np.float32) + np.float32(0.5)  # by bit; 0.5 makes truncation round
_MAX_ORIGIN = 32768  # the largest absolute value of Overlay Origin, which has the VR SS


def burn(area: Canvas, overlay: Overlay, image: tuple[int, int], shown: Box, imager: Imager, note: Note) -> None:
    """Burn an overlay into ``area``, which shows the part ``shown`` of an ``image`` of (rows, columns).

    Raises LayoutError for an overlay with invalid attributes.
    """
    kind = overlay.OverlayMagnificationType
    require("OverlayMagnificationType", kind, MAGNIFICATIONS, rule=_RULE)
    if overlay.pixels.ndim != 2 or not all(abs(at) <= _MAX_ORIGIN for at in overlay.origin):
        why = f"must be from -{_MAX_ORIGIN} to {_MAX_ORIGIN}, and the plane HxW, not of shape {overlay.pixels.shape}"
        raise LayoutError("OverlayOrigin", overlay.origin, why, rule=_RULE)
    if _exceeds_image(overlay, image):
        note("an overlay reaches beyond its image: cut off there")
    drawn = {True: ("OverlayForegroundDensity", overlay.OverlayForegroundDensity)}
    if overlay.OverlayBackgroundDensity is not None:
        drawn[False] = ("OverlayBackgroundDensity", overlay.OverlayBackgroundDensity)
    levels = [float(page_level(density(attribute, term, imager, note), imager)) for attribute, term in drawn.values()]
    sizes = shown[2:], area.shape[:2], MAGNIFICATIONS[kind], COVERED
    planes = [magnified_blocks(_coverage_lines(overlay, bit, image, shown), *sizes) for bit in drawn]
    for (rows, columns, block), *background in zip(*planes, strict=True):
        part, foreground = area[rows, columns], block.astype(np.uint8)
        for _, _, block in background:
            blend(part, _share_of_rest(block.astype(np.uint8), foreground), levels[1])
        blend(part, foreground, levels[0])


def _share_of_rest(background: NDArray[np.uint8], foreground: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how much the background covers of the part of each pixel that the foreground leaves free.

    The result is from 0 to `COVERED`. The foreground is blended in after the background. A pixel that the two cover
    completely shows no image.
    """
    rest = COVERED - foreground
    if np.array_equal(rest > 0, rest == COVERED):  # no pixel is covered in part
        return background
    share = background / np.maximum(rest, 1).astype(np.float32) * COVERED
    return np.minimum(share + np.float32(0.5), COVERED).astype(np.uint8)


def _exceeds_image(overlay: Overlay, image: tuple[int, int]) -> bool:
    sides = zip(overlay.origin, overlay.pixels.shape, image, strict=True)
    return any(first < 1 or first - 1 + length > limit for first, length, limit in sides)


def _coverage_lines(overlay: Overlay, bit: bool, image: tuple[int, int], shown: Box) -> Lines:
    """Return a function that returns rows of coverage of ``shown``; pixels with the value ``bit`` are covered."""
    pixels, (row, column) = overlay.pixels, (at - 1 for at in overlay.origin)
    left, right = max(column, 0), min(column + pixels.shape[1], image[1])

    def lines(first: int, last: int) -> NDArray[np.float32]:
        first, last = first + shown.top, last + shown.top
        top, bottom = max(row, first), min(row + len(pixels), last)
        covered = np.zeros((last - first, image[1]), np.bool_)
        if top < bottom and left < right:
            part = pixels[top - row : bottom - row, left - column : right - column]
            covered[top - first : bottom - first, left:right] = part == bit
        return _COVERAGE.take(covered[:, shown.left : shown.left + shown.width].view(np.uint8))

    return lines
