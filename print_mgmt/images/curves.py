"""Stored values to what is seen: bits and sign (PS3.5 §8.1), rescale (PS3.3 C.11.1), window (C.11.2).

All of it is a function of the stored value alone. So it is worked out once for every code that a pixel can
hold, in double precision, and the pixels are looked up in that curve. What is seen runs from 0 to 1, the
lowest output value to the highest: black to white in MONOCHROME2, white to black in MONOCHROME1.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .frame import Frame

__all__ = ["VOI_FUNCTIONS", "Cells", "colour", "grayscale", "quantised"]

Cells = NDArray[np.unsignedinteger]
Codes = NDArray[np.uint8 | np.uint16]
Floats = NDArray[np.float64]

_LARGEST = 1e9  # Rescale Slope and Intercept: real ones are far smaller, and the formulas stay exact enough


def grayscale(cells: Cells, frame: Frame) -> tuple[Codes, Floats]:
    """Return codes of at most 16 bits and the curve that says how bright each of them is seen, 0 to 1.

    ``cells`` are those of gray Pixel Data as unsigned integers. Where the image has no window, its
    lowest to highest value are seen from 0 to 1, Pixel Padding Value left out.
    """
    _refuse_lut(frame, "ModalityLUTSequence", "apply it first, or replace it by Rescale Slope and Intercept")
    return _tabulated(cells, lambda domain: _seen(domain, cells, frame))


def colour(cells: Cells, frame: Frame) -> tuple[Codes, Floats]:
    """Return codes and curve of RGB Pixel Data; windows never apply to colour."""
    highest = (1 << int(frame.first("BitsStored", 8 * cells.itemsize))) - 1
    return _tabulated(cells, lambda domain: _stored_values(domain, frame, signed=False) / highest)


def _tabulated(codes: Cells, seen: Callable[[Cells], Floats]) -> tuple[Codes, Floats]:
    """Work out ``seen`` once for each code that a cell can hold; for each pixel where those are too many."""
    if codes.itemsize <= 2:
        return codes.astype(f"u{codes.itemsize}", copy=False), seen(_domain(codes))
    return quantised(seen(codes))


def quantised(seen: Floats) -> tuple[Codes, Floats]:
    """Return brightnesses of 0 to 1 as 16-bit codes and their curve."""
    return np.floor(seen * 65535 + 0.5).astype(np.uint16), np.arange(65536) / 65535


def _domain(codes: Cells) -> Cells:
    return np.arange(1 << 8 * codes.itemsize, dtype=f"u{codes.itemsize}")


def _seen(domain: Cells, codes: Cells, frame: Frame) -> Floats:
    """Rescale and window the codes of ``domain``; ``codes`` are those of the image."""
    signed = frame.first("PixelRepresentation", 0) == 1
    stored = _stored_values(domain, frame, signed=signed)
    slope, intercept = frame.first("RescaleSlope", 1), frame.first("RescaleIntercept", 0)
    if not (abs(slope) < _LARGEST and abs(intercept) < _LARGEST):
        raise ImageError(f"RescaleSlope {slope:g} and RescaleIntercept {intercept:g} are out of all proportion")
    values = stored.astype(np.float64) * slope + intercept
    centre, width = frame.numbers("WindowCenter"), frame.numbers("WindowWidth")
    if centre and width:
        return _windowed(values, centre[0], width[0], frame.text("VOILUTFunction", "LINEAR"))
    _refuse_lut(frame, "VOILUTSequence", "apply it first, or give Window Center and Window Width")
    padding = _padding(stored, frame, 8 * codes.itemsize, signed=signed)
    return _stretched(values, values[_occurring(domain, codes) & ~padding])


def _occurring(domain: Cells, codes: Cells) -> NDArray[np.bool_]:
    """Return which codes of ``domain`` the image holds."""
    if domain is codes:
        return np.ones(codes.shape, np.bool_)
    occurring = np.zeros(domain.shape, np.bool_)
    occurring[codes] = True
    return occurring


def _refuse_lut(frame: Frame, keyword: str, advice: str) -> None:
    if frame.values(keyword):
        raise ImageError(f"{keyword} is not supported: {advice}")


def _stored_values(codes: Cells, frame: Frame, *, signed: bool) -> NDArray[np.int64]:
    """Return the stored values in cells: the Bits Stored up to High Bit, with their sign."""
    allocated = 8 * codes.itemsize
    stored = int(frame.first("BitsStored", allocated))
    high = int(frame.first("HighBit", stored - 1))
    if not 1 <= stored <= high + 1 <= allocated:
        raise ImageError(f"BitsStored {stored} and HighBit {high} do not fit into {allocated} bits allocated")
    return _signed(codes.astype(np.int64) >> (high + 1 - stored), stored, signed=signed)


def _signed(values: NDArray[np.int64], bits: int, *, signed: bool) -> NDArray[np.int64]:
    """Keep the low bits, the highest of them as sign."""
    low = values & (1 << bits) - 1
    sign = 1 << bits - 1
    return (low ^ sign) - sign if signed else low


def _padding(stored: NDArray[np.int64], frame: Frame, allocated: int, *, signed: bool) -> NDArray[np.bool_]:
    """Return which stored values are padding: Pixel Padding Value, up to its Range Limit where there is one.

    Both are read with the sign of the pixels, whichever of US and SS they were written in.
    """
    keywords = ("PixelPaddingValue", "PixelPaddingRangeLimit")
    limits = [int(number) for keyword in keywords for number in frame.numbers(keyword)[:1]]
    if not frame.numbers("PixelPaddingValue"):
        return np.zeros(stored.shape, np.bool_)
    ends = _signed(np.array(limits), allocated, signed=signed)
    padding: NDArray[np.bool_] = (stored >= ends.min()) & (stored <= ends.max())
    return padding


def _stretched(values: Floats, occurring: Floats) -> Floats:
    """Spread the values that occur over 0 to 1; an image of one value, or of padding, is seen as 0."""
    occurring = occurring if occurring.size else values.max(keepdims=True)
    low, high = float(occurring.min()), float(occurring.max())
    return np.clip((values - low) / (high - low if high > low else 1), 0, 1)


def _windowed(values: Floats, centre: float, width: float, name: str) -> Floats:
    if name not in VOI_FUNCTIONS:
        raise ImageError(f"VOILUTFunction {name!r} is not one of {', '.join(VOI_FUNCTIONS)}")
    if not (width >= 1 or (width > 0 and name != "LINEAR")):
        raise ImageError(f"WindowWidth {width:g} must be {'at least 1' if name == 'LINEAR' else 'positive'}")
    return VOI_FUNCTIONS[name](values, centre, width)


def _linear(x: Floats, c: float, w: float) -> Floats:
    """PS3.3 C.11.2.1.2.1: the centre lies half a value low, and the window is one value narrower."""
    low, high = c - 0.5 - (w - 1) / 2, c - 0.5 + (w - 1) / 2
    ramp = (x - (c - 0.5)) / (w - 1 if w > 1 else 1) + 0.5  # a width of 1 has no ramp, only a step
    return np.where(x <= low, 0, np.where(x > high, 1, ramp))


def _linear_exact(x: Floats, c: float, w: float) -> Floats:
    """PS3.3 C.11.2.1.3.2, as corrected in 2019: editions before lack the half that centres the ramp."""
    return np.where(x <= c - w / 2, 0, np.where(x > c + w / 2, 1, (x - c) / w + 0.5))


def _sigmoid(x: Floats, c: float, w: float) -> Floats:
    """PS3.3 C.11.2.1.3.1."""
    with np.errstate(over="ignore"):  # far below the centre: 1 / infinity is the 0 we want
        return 1 / (1 + np.exp(-4 * (x - c) / w))


VOI_FUNCTIONS: dict[str, Callable[[Floats, float, float], Floats]] = {
    "LINEAR": _linear,
    "LINEAR_EXACT": _linear_exact,
    "SIGMOID": _sigmoid,
}
