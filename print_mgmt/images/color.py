"""RGB from the color spaces of Pixel Data, PS3.3 C.7.6.3.1.2.

Image boxes take RGB only. YBR_FULL is a luminance and two chrominances around 128, of 8 bits each. The partial range
of YBR_PARTIAL_422 does not use the lowest and the highest values.
"""

import numpy as np
from numpy.typing import NDArray

from .frame import Frame
from .picture import Codes, tabulate
from .stored_values import Cells, Floats, stored_bits, stored_values

__all__ = ["full_range", "rgb_of", "stored_rgb"]

_Bytes = NDArray[np.uint8]

_PARTIAL = (16, 219), (128, 224), (128, 224)  # zero and span of Y, Cb, Cr in YBR_PARTIAL_422 (retired)
_ROWS = 64  # rows converted at a time, so that they stay in the processor cache


def stored_rgb(cells: Cells, frame: Frame) -> tuple[Codes, Floats]:
    """Return codes and curve of RGB Pixel Data; windows do not apply to color."""
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
    """Return pixels of the partial range, Y 16 to 235 and chrominances 16 to 240, in the full range."""
    zero, span = np.array(_PARTIAL, np.float32).T
    middle = np.array([0, 128, 128], np.float32)
    full: _Bytes = np.clip(np.rint((partial - zero) * (255 / span) + middle), 0, 255).astype(np.uint8)
    return full


def _divide_rounded(numerators: NDArray[np.int64], denominator: int) -> NDArray[np.int16]:
    return np.floor_divide(2 * numerators + denominator, 2 * denominator).astype(np.int16)


# The terms that chrominances add to Y, by the inverse of the standard's matrix. Integers are rounded once; floats would
# round ties differently on different processors
_CHROMA = np.arange(256) - 128
_RED, _BLUE = _divide_rounded(1402 * _CHROMA, 1000), _divide_rounded(1772 * _CHROMA, 1000)
_GREEN = _divide_rounded(-(114 * 1772 * _CHROMA[:, None] + 299 * 1402 * _CHROMA), 587000)  # indexed by Cb, Cr
