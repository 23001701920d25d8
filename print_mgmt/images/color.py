"""Colours to RGB, PS3.3 C.7.6.3.1.2, and RGB to gray.

Image boxes take RGB only; YBR_FULL is luminance and two chrominances of 8 bits about 128. In the 422 kinds two
pixels of a row share their chrominances: Y1 Y2 Cb Cr. The partial range leaves room at both ends.
"""

import numpy as np
from numpy.typing import NDArray

from .frame import Frame
from .picture import Codes, tabulate
from .stored_values import Cells, Floats, stored_bits, stored_values

__all__ = ["full_range", "rgb_of", "stored_rgb"]

_Bytes = NDArray[np.uint8]

_PARTIAL = (16, 219), (128, 224), (128, 224)  # zero and span of Y, Cb, Cr in YBR_PARTIAL_422 (retired)
_ROWS = 64  # converted at once, so that what is worked on stays in the cache


def stored_rgb(cells: Cells, frame: Frame) -> tuple[Codes, Floats]:
    """Return codes and curve of RGB Pixel Data; windows never apply to colour."""
    highest = (1 << stored_bits(cells, frame)[0]) - 1
    return tabulate(cells, lambda cells: stored_values(cells, frame, is_signed=False) / highest)


def rgb_of(ybr: _Bytes) -> _Bytes:
    """Return YBR_FULL pixels, HxWx3, as RGB, rounded and clipped to 8 bits."""
    rgb = np.empty(ybr.shape, np.uint8)
    for start in range(0, len(ybr), _ROWS):
        y, cb, cr = (ybr[start : start + _ROWS, :, sample] for sample in range(3))
        shifts = _RED.take(cr), _GREEN.take(cb * np.uint16(256) + cr), _BLUE.take(cb)
        for sample, shift in enumerate(shifts):
            rgb[start : start + _ROWS, :, sample] = np.clip(shift + y, 0, 255)
    return rgb


def full_range(partial: _Bytes) -> _Bytes:
    """Return pixels of the partial range in the full one, Y from 16..235 and chrominances from 16..240."""
    zero, span = np.array(_PARTIAL, np.float32).T
    middle = np.array([0, 128, 128], np.float32)
    full: _Bytes = np.clip(np.rint((partial - zero) * (255 / span) + middle), 0, 255).astype(np.uint8)
    return full


def _rounded(numerators: NDArray[np.int64], denominator: int) -> NDArray[np.int16]:
    return np.floor_divide(2 * numerators + denominator, 2 * denominator).astype(np.int16)


# What chrominances add to Y, by the inverse of the standard's matrix, which it does not print. Whole numbers
# and one rounding: floats would round ties differently from one processor to another
_CHROMA = np.arange(256) - 128
_RED, _BLUE = _rounded(1402 * _CHROMA, 1000), _rounded(1772 * _CHROMA, 1000)
_GREEN = _rounded(-(114 * 1772 * _CHROMA[:, None] + 299 * 1402 * _CHROMA), 587000)  # by Cb, Cr
