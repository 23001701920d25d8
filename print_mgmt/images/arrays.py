"""Arrays as pictures. Their range follows from the dtype, never from the values in them: a dark image stays dark.

uint8 is 0 to 255, uint16 is 0 to 65535, floats are 0 to 1; 0 is black.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from .curves import identity
from .errors import ImageError
from .picture import Picture

__all__ = ["Background", "picture_of"]

Background = Literal["WHITE", "BLACK"]  # what shows where a picture is transparent

_ROWS = 64  # worked on at once: in double precision, an image is eight times as large
_SAMPLES = {(): "MONOCHROME2", (3,): "RGB", (4,): "RGB"}


def picture_of(array: NDArray[np.generic], background: Background = "WHITE") -> Picture:
    """Return an array, gray HxW, colour HxWx3, or HxWx4 whose last sample is opacity, as a picture.

    Raises ImageError for any other shape or dtype, and for floats out of their range.
    """
    photometric = _SAMPLES.get(array.shape[2:])
    if array.ndim < 2 or photometric is None or array.size == 0:
        raise ImageError(f"an array of shape {array.shape} is not gray HxW or colour HxWx3 or HxWx4")
    codes = _codes(array)
    if codes.shape[2:] == (4,):
        codes = _opaque(codes, background)
    codes, curve = identity(codes)
    return Picture(codes=codes, curve=curve, PhotometricInterpretation=photometric)


def _codes(array: NDArray[np.generic]) -> NDArray[np.uint8 | np.uint16]:
    match array.dtype.kind, array.itemsize:
        case "u", (1 | 2) as octets:
            return array.astype(f"u{octets}", copy=False)
        case "f", _:
            low, high = float(array.min()), float(array.max())
            if not (low >= 0 and high <= 1):
                raise ImageError(f"floats must be 0 to 1, not {low:g} to {high:g}: scale them first")
            codes = np.empty(array.shape, np.uint16)
            for start in range(0, len(array), _ROWS):
                codes[start : start + _ROWS] = np.floor(array[start : start + _ROWS].astype(np.float64) * 65535 + 0.5)
            return codes
    raise ImageError(f"an array of {array.dtype}, not of uint8, uint16 or floats: scale and convert it first")


def _opaque(codes: NDArray[np.uint8 | np.uint16], background: Background) -> NDArray[np.uint8 | np.uint16]:
    """Return colours over the background, as far as their opacity lets it through."""
    highest = np.iinfo(codes.dtype).max
    behind = highest if background == "WHITE" else 0
    seen = np.empty((*codes.shape[:2], 3), codes.dtype)
    for start in range(0, len(codes), _ROWS):
        block = codes[start : start + _ROWS]
        opacity = block[..., 3:].astype(np.float64) / highest
        seen[start : start + _ROWS] = np.floor(block[..., :3] * opacity + behind * (1 - opacity) + 0.5)
    return seen
