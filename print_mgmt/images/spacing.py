"""How large a pixel is: its aspect, and its size where the image tells, PS3.3 C.7.6.3.1.7 and 10.7.1.

Both sizes are vertical first. Which of the spacings counts: in the patient (Pixel Spacing), at the detector
(Imager Pixel Spacing), on a film that was scanned (Nominal Scanned Pixel Spacing). Where none makes sense, pixels
are square.
"""

from fractions import Fraction

from .errors import ImageError
from .frame import Frame

__all__ = ["aspect_of", "ratio", "spacing_of"]

_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
_FINEST = 1000  # denominator: finer than any film shows
_STEEPEST = 100  # a pixel longer than that is a mistake, or an attack on the printer


def spacing_of(frame: Frame) -> tuple[float, float] | None:
    """Return millimetres between rows and between columns; None where the image does not tell."""
    for keyword in _SPACINGS:
        sizes = frame.numbers(keyword)
        if _makes_sense(frame, sizes, keyword):
            return sizes[0], sizes[1]
    return None


def aspect_of(frame: Frame) -> tuple[int, int]:
    """Return vertical, horizontal size of a pixel as small integers: Pixel Aspect Ratio, or else that of its spacing.

    A pixel that is too long to print is square, with a note.
    """
    sizes = frame.numbers("PixelAspectRatio")
    if _makes_sense(frame, sizes, "PixelAspectRatio"):
        return ratio(sizes[0], sizes[1], "PixelAspectRatio")
    spacing = spacing_of(frame)
    return ratio(*spacing, "the spacing of pixels") if spacing else (1, 1)


def ratio(vertical: float, horizontal: float, name: str) -> tuple[int, int]:
    """Return two sizes as small integers. Raises ImageError, with ``name``, where one is far larger."""
    quotient = Fraction(vertical / horizontal).limit_denominator(_FINEST)
    if not 1 / _STEEPEST <= quotient <= _STEEPEST:
        raise ImageError(f"{name} {vertical:g} to {horizontal:g} is too steep to print (PS3.3 C.7.6.3.1.7)")
    return quotient.numerator, quotient.denominator


def _makes_sense(frame: Frame, sizes: list[float], name: str) -> bool:
    """Whether there are two sizes of a pixel that can be printed; 0, as some write for unknown, says nothing."""
    if len(sizes) != 2 or min(sizes) <= 0:
        return False
    try:
        ratio(sizes[0], sizes[1], name)
    except (ImageError, OverflowError) as exc:
        frame.note(f"{exc}: passed over")
        return False
    return True
