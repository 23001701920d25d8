"""Cells to what is seen: modality LUT or rescale (PS3.3 C.11.1), then the window or VOI LUT (C.11.2).

All of it is a function of the stored value alone. So it is worked out once for every code that a cell of 8 or
16 bits can hold, in double precision, and the pixels are looked up in that curve. What is seen runs from 0 to 1,
the lowest output value to the highest: black to white in MONOCHROME2, white to black in MONOCHROME1.

Padding is no part of the image (PS3.3 C.7.5.1.1.2): it does not count where an image without a window is
stretched, and it is seen as black whatever the window.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .frame import Frame
from .lut import lut_of
from .stored import Cells, Floats, Numbers, domain, is_padding, stored_bits, stored_values
from .voi import Choice, Voi, chosen

__all__ = ["Codes", "colour", "floating", "grayscale", "identity"]

Codes = NDArray[np.uint8 | np.uint16]

_Values = tuple[Floats, NDArray[np.bool_]]  # rescaled, and which of them are padding
_Modality = Callable[[NDArray[np.int64] | Floats], Floats]

_LARGEST = 1e9  # Rescale Slope and Intercept: real ones are far smaller, and the formulas stay exact enough
_BLOCK = 1 << 20  # pixels worked on at once where each is worked out: 8 MiB in double precision


def grayscale(cells: Cells, frame: Frame, choice: Choice = None) -> tuple[Codes, Floats]:
    """Return codes of at most 16 bits and the curve that says how bright each of them is seen, 0 to 1.

    ``cells`` are those of gray Pixel Data as unsigned integers. Where neither the image nor the choice has a
    window, lowest to highest value are seen from 0 to 1.
    """
    modality, is_signed = _modality(frame)

    def values(cells: Cells) -> _Values:
        stored = stored_values(cells, frame, is_signed=frame.signed)
        return modality(stored), is_padding(stored, frame, 8 * cells.itemsize)

    return _tabulated(cells, _seeing(cells, values, frame, chosen(frame, choice, is_signed=is_signed)))


def floating(pixels: Floats, frame: Frame, choice: Choice = None) -> tuple[Codes, Floats]:
    """Return codes and curve of Float or Double Float Pixel Data, PS3.3 C.7.6.24; what is no number is padding."""
    rescale = _rescale(frame)

    def values(pixels: Floats) -> _Values:
        return rescale(pixels), _is_float_padding(pixels, frame)

    return _tabulated(pixels, _seeing(pixels, values, frame, chosen(frame, choice, is_signed=True)))


def colour(cells: Cells, frame: Frame) -> tuple[Codes, Floats]:
    """Return codes and curve of RGB Pixel Data; windows never apply to colour."""
    highest = (1 << stored_bits(cells, frame)[0]) - 1
    return _tabulated(cells, lambda cells: stored_values(cells, frame, is_signed=False) / highest)


def identity(codes: Codes) -> tuple[Codes, Floats]:
    """Return codes whose whole range is seen, and their curve."""
    highest = (1 << 8 * codes.itemsize) - 1
    return codes, np.arange(highest + 1) / highest


def _modality(frame: Frame) -> tuple[_Modality, bool]:
    """Return what makes modality values of stored ones, and whether those may be negative."""
    items = frame.items("ModalityLUTSequence")
    if not items:
        negative = frame.signed or frame.first("RescaleIntercept", 0) < 0 or frame.first("RescaleSlope", 1) < 0
        return _rescale(frame), negative
    lut = lut_of(items[0], "ModalityLUTSequence[0]", is_signed=frame.signed)
    return lambda stored: lut.of(stored).astype(np.float64), False


def _rescale(frame: Frame) -> _Modality:
    slope, intercept = frame.first("RescaleSlope", 1), frame.first("RescaleIntercept", 0)
    if not (abs(slope) < _LARGEST and abs(intercept) < _LARGEST):
        raise ImageError(f"RescaleSlope {slope:g} and RescaleIntercept {intercept:g} are out of all proportion")
    return lambda stored: stored.astype(np.float64) * slope + intercept


def _seeing(
    pixels: Numbers, values: Callable[[Numbers], _Values], frame: Frame, voi: Voi | None
) -> Callable[[Numbers], Floats]:
    """Return what says how bright pixels are seen, by ``voi`` or else stretched over those that occur."""
    see = voi if voi is not None else _stretch(map(values, _occurring(pixels)))
    black = 1.0 if frame.text("PhotometricInterpretation") == "MONOCHROME1" else 0.0

    def seen(pixels: Numbers) -> Floats:
        with np.errstate(over="ignore", invalid="ignore"):  # floats of any size: what overflows is no number
            rescaled, padding = values(pixels)
        padding = padding | ~np.isfinite(rescaled)
        return np.where(padding, black, see(np.where(padding, 0.0, rescaled)))

    return seen


def _stretch(parts: Iterable[_Values]) -> Voi:
    """Return what spreads values over 0 to 1; an image of one value, or of padding, is seen as 0."""
    kept = [values[~padding & np.isfinite(values)] for values, padding in parts]
    ends = [end for part in kept if part.size for end in (float(part.min()), float(part.max()))] or [0.0]
    low, high = min(ends), max(ends)
    return lambda values: np.clip((values - low) / (high - low if high > low else 1), 0, 1)


def _occurring(pixels: Numbers) -> Iterator[Numbers]:
    """Yield what pixels hold: each code once where they are few, all of them in blocks where they are many."""
    if pixels.dtype.kind == "u" and pixels.itemsize <= 2:
        codes = domain(pixels)
        occurring = np.zeros(codes.shape, np.bool_)
        occurring[pixels] = True
        yield codes[occurring]
    else:
        yield from _blocks(pixels)


def _blocks(pixels: Numbers) -> Iterator[Numbers]:
    flat = pixels.reshape(-1)
    for start in range(0, len(flat), _BLOCK):
        yield flat[start : start + _BLOCK]


def _tabulated(pixels: Numbers, seen: Callable[[Numbers], Floats]) -> tuple[Codes, Floats]:
    """Work out ``seen`` once for each code that a pixel can hold; for each pixel where those are too many."""
    if pixels.dtype.kind == "u" and pixels.itemsize <= 2:
        return pixels.astype(f"u{pixels.itemsize}", copy=False), seen(domain(pixels))
    codes = np.empty(pixels.size, np.uint16)
    for index, block in enumerate(_blocks(pixels)):
        codes[index * _BLOCK :][: block.size] = np.floor(seen(block) * 65535 + 0.5)
    return identity(codes.reshape(pixels.shape))


def _is_float_padding(pixels: Floats, frame: Frame) -> NDArray[np.bool_]:
    """Return which are Float or Double Float Pixel Padding Value, or lie between it and its Range Limit."""
    for kind in ("Float", "DoubleFloat"):
        value, limit = (frame.numbers(f"{kind}PixelPadding{end}")[:1] for end in ("Value", "RangeLimit"))
        if value:
            ends = value + limit
            return (pixels >= min(ends)) & (pixels <= max(ends))
    return np.zeros(pixels.shape, np.bool_)
