"""Gray pixels as codes and levels: Modality LUT or rescale (PS3.3 C.11.1), then VOI LUT or window (C.11.2).

The level of a pixel is 0 for the lowest output value and 1 for the highest: black to white in MONOCHROME2, white to
black in MONOCHROME1. It depends on the stored value alone. So a curve with the level of each code of 8 or 16 bits is
computed once, in double precision, and the pixels are looked up in it. Wider pixels are computed one by one.

Images without a VOI LUT or window: where the pixels are P-Values or have up to 8 bits, levels 0 to 1 stand for the
range that Bits Stored allows. Other pixels are stretched from the lowest to the highest value of all frames of the
object, so that its frames can be compared. With the choice "auto", all pixels are stretched, and a VOI LUT or window is
not used.

Padding does not belong to the image (PS3.3 C.7.5.1.1.2): the stretch ignores it, and it is printed black.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError
from .frame import Frame
from .lut import lut_of, missing_parts
from .picture import Codes, tabulate
from .pixels import photometric_of
from .stored_values import Cells, Floats, Numbers, blocks, distinct_values, is_padding, stored_bits, stored_values
from .voi import Choice, Voi, choose

__all__ = ["Ends", "FindEnds", "ends_of", "grayscale_of_floats", "grayscale"]

_Values = tuple[Floats, NDArray[np.bool_]]  # rescaled values, and a mask of the padding
Ends = tuple[float, float]  # the lowest and the highest value
FindEnds = Callable[[], Ends | None]  # finds the ends of all frames; None if all pixels are padding

_MAX_RESCALE = 1e9  # limit of Rescale Slope and Intercept: real ones are far smaller, and formulas stay exact enough
_SCREEN_BITS = 8  # values of up to 8 bits are meant to be shown unchanged on a screen
_SC, _XRAY = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.12"
_P_VALUES = (f"{_SC}.1", f"{_SC}.2", f"{_SC}.3")  # Multi-frame Single Bit, Byte and Word SC: PS3.3 A.8.2 to A.8.4
_ANGIOGRAPHY = (f"{_XRAY}.1", f"{_XRAY}.2", f"{_XRAY}.3")  # XA, XRF, and XA Bi-plane (retired)


def grayscale(
    cells: Cells, frame: Frame, choice: Choice, find_ends: FindEnds, *, scale_lut: bool = False
) -> tuple[Codes, Floats]:
    """Return codes of at most 16 bits, and the curve with the level of each code, 0 to 1.

    ``cells`` are gray Pixel Data as unsigned integers; `voi.choose` explains ``choice`` and ``scale_lut``. Raises
    ImageError for attributes that cannot be used, and if the chosen window is missing or invalid.
    """
    _check_lut_shape(frame)
    modality = _modality(cells, frame)
    voi = choose(frame, choice, is_signed=modality.is_signed, scale_lut=scale_lut)
    if voi is None:
        bits = modality.ends_of_bits(cells, frame)
        spans_bits = choice != "auto" and _spans_bits_stored(cells, frame)
        voi = _ramp(bits if spans_bits else _usable(find_ends(), bits))
    return tabulate(cells, _levels_of(partial(_modality_values, modality, frame), frame, voi))


def _check_lut_shape(frame: Frame) -> None:
    """Note a Presentation LUT Shape that contradicts Photometric Interpretation; the latter prevails."""
    shape, photometric = frame.term("PresentationLUTShape"), photometric_of(frame)
    if (shape, photometric) in (("INVERSE", "MONOCHROME2"), ("IDENTITY", "MONOCHROME1")):
        frame.note(f"PresentationLUTShape {shape} contradicts {photometric}: ignored (PS3.3 C.8.11.3)")


def grayscale_of_floats(pixels: Floats, frame: Frame, choice: Choice, find_ends: FindEnds) -> tuple[Codes, Floats]:
    """Return codes and curve of Float or Double Float Pixel Data, PS3.3 C.7.6.24; NaN and infinity are padding.

    Raises ImageError as `grayscale` does.
    """
    rescale = _rescale(_place_of_rescale(frame))
    voi = choose(frame, choice, is_signed=True) or _ramp(_usable(find_ends(), (0.0, 1.0)))
    return tabulate(pixels, _levels_of(partial(_rescale_floats, rescale, frame), frame, voi))


def ends_of(pixels: Cells | Floats, frame: Frame) -> Ends | None:
    """Return the lowest and the highest rescaled value of a frame; None if all pixels are padding."""
    if pixels.dtype.kind == "f":
        rescale = _rescale(_place_of_rescale(frame))
        return _ends_of(map(partial(_rescale_floats, rescale, frame), blocks(pixels.astype(np.float64, copy=False))))
    cells = pixels.astype(f"u{pixels.itemsize}", copy=False)
    parts = [distinct_values(cells)] if cells.itemsize <= 2 else blocks(cells)
    return _ends_of(map(partial(_modality_values, _modality(cells, frame), frame), parts))


@dataclass(frozen=True, slots=True)
class _Modality:
    """The function from stored to modality values, whether these may be negative, and the range of a Modality LUT."""

    apply: Callable[[NDArray[np.int64]], Floats]
    is_signed: bool
    table: Ends | None = None

    def ends_of_bits(self, cells: Cells, frame: Frame) -> Ends:
        """Return the lowest and the highest modality value that Bits Stored allow."""
        if self.table is not None:
            return self.table
        bits, _ = stored_bits(cells, frame)
        low = -(1 << bits - 1) if frame.signed else 0
        one, other = self.apply(np.array([low, low + (1 << bits) - 1])).tolist()
        return min(one, other), max(one, other)


def _modality(cells: Cells, frame: Frame) -> _Modality:
    if _is_angiography(frame):
        return _Modality(lambda stored: stored.astype(np.float64), frame.signed)
    items = frame.items("ModalityLUTSequence")
    if items and (missing := missing_parts(items[0])):
        frame.note(f"ModalityLUTSequence[0] has no {missing}: ignored (PS3.3 C.11.1.1)")
    elif items:
        lut = lut_of(items[0], "ModalityLUTSequence[0]", frame, is_signed=frame.signed)
        if lut.is_short:
            lut.check(stored_values(distinct_values(cells), frame, is_signed=frame.signed))
        return _Modality(lambda stored: lut.look_up(stored).astype(np.float64), False, (0.0, float(lut.highest)))
    place = _place_of_rescale(frame)
    negative = frame.signed or place.first("RescaleIntercept", 0) < 0 or place.first("RescaleSlope", 1) < 0
    return _Modality(_rescale(place), negative)


def _is_angiography(frame: Frame) -> bool:
    """Return whether the image is an angiography whose Modality LUT and rescale must not be applied for display.

    They compute the intensity of the X-ray beam, and windows apply to stored values, unless Pixel Intensity
    Relationship is LIN (PS3.3 C.8.7.1.1.2).
    """
    sop_class = frame.text("SOPClassUID").strip(" \0")
    return sop_class in _ANGIOGRAPHY and frame.term("PixelIntensityRelationship") != "LIN"


def _spans_bits_stored(cells: Cells, frame: Frame) -> bool:
    """Return whether pixels without a window span the range of Bits Stored: P-Values, or values of up to 8 bits.

    Presentation LUT Shape shows that a single-frame object has P-Values. In an enhanced object it shows nothing,
    because every enhanced object must have it.
    """
    is_p_values = "PresentationLUTShape" in frame.dataset and "NumberOfFrames" not in frame.dataset
    is_p_values = is_p_values or frame.text("SOPClassUID").strip(" \0") in _P_VALUES
    return is_p_values or stored_bits(cells, frame)[0] <= _SCREEN_BITS


def _place_of_rescale(frame: Frame) -> Frame:
    """Return the frame at the first of its `Frame.places` with a valid rescale, or else at the first place."""
    places = list(frame.places("RescaleSlope"))
    return next(filter(_has_valid_rescale, places), places[0])


def _has_valid_rescale(frame: Frame) -> bool:
    """Return whether slope or intercept is present, and whether each value that is present can be used."""
    slope, intercept = frame.numbers_or_none("RescaleSlope")[:1], frame.numbers_or_none("RescaleIntercept")[:1]
    values = slope + intercept
    are_valid = all(value is not None and abs(value) < _MAX_RESCALE for value in values)
    return bool(values) and 0.0 not in slope and are_valid


def _rescale(frame: Frame) -> Callable[[NDArray[np.int64] | Floats], Floats]:
    slope, intercept = frame.first("RescaleSlope", 1), frame.first("RescaleIntercept", 0)
    if not (abs(slope) < _MAX_RESCALE and abs(intercept) < _MAX_RESCALE):
        found = f"RescaleSlope {slope:g} or RescaleIntercept {intercept:g}"
        raise ImageError(f"{found} is not between {-_MAX_RESCALE:.0e} and {_MAX_RESCALE:.0e} (PS3.3 C.11.1)")
    if slope == 0:
        frame.note("RescaleSlope 0 would make all pixels equal: read as 1 (PS3.3 C.11.1)")
        slope = 1.0
    return lambda stored: stored.astype(np.float64) * slope + intercept


def _modality_values(modality: _Modality, frame: Frame, cells: Cells) -> _Values:
    stored = stored_values(cells, frame, is_signed=frame.signed)
    return modality.apply(stored), is_padding(cells, stored, frame)


def _rescale_floats(rescale: Callable[[Floats], Floats], frame: Frame, pixels: Floats) -> _Values:
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow becomes infinity, which is padding
        return rescale(pixels), _is_float_padding(pixels, frame)


def _levels_of(values: Callable[[Numbers], _Values], frame: Frame, voi: Voi) -> Callable[[Numbers], Floats]:
    """Return the function from pixels to levels."""
    black = 1.0 if photometric_of(frame) == "MONOCHROME1" else 0.0

    def levels(pixels: Numbers) -> Floats:
        rescaled, padding = values(pixels)
        padding = padding | ~np.isfinite(rescaled)
        return np.where(padding, black, voi(np.where(padding, 0.0, rescaled)))

    return levels


def _ramp(ends: Ends) -> Voi:
    """Return the function that spreads values over 0 to 1."""
    low, high = ends
    return lambda values: np.clip((values - low) / (high - low if high > low else 1), 0, 1)


def _usable(found: Ends | None, otherwise: Ends) -> Ends:
    """Return the ends of the stretch: those found, or ``otherwise`` if the image has one value, or only padding."""
    return found if found is not None and found[0] < found[1] else otherwise


def _ends_of(parts: Iterable[_Values]) -> Ends | None:
    kept = [values[~padding & np.isfinite(values)] for values, padding in parts]
    ends = [end for part in kept if part.size for end in (float(part.min()), float(part.max()))]
    return (min(ends), max(ends)) if ends else None


def _is_float_padding(pixels: Floats, frame: Frame) -> NDArray[np.bool_]:
    """Return a mask of the padding: Float or Double Float Pixel Padding Value, up to its Range Limit if present."""
    for kind in ("Float", "DoubleFloat"):
        value, limit = (frame.numbers(f"{kind}PixelPadding{end}")[:1] for end in ("Value", "RangeLimit"))
        if value:
            ends = value + limit
            return (pixels >= min(ends)) & (pixels <= max(ends))
    return np.zeros(pixels.shape, np.bool_)
