"""Native Pixel Data of 32 bits in big endian.

PS3.5 §8.1.1 makes them OW, words of 16 bits; GDCM and pydicom nevertheless take the 32 bits as a whole.
"""

from ..errors import DecodeError
from .ambiguous import BITS_ALLOCATED
from .dataset import PIXEL_DATA, UNREAD, DecodedElement, Element
from .values import Value

__all__ = ["widen", "words_of"]


def words_of(elements: dict[int, Element], tag: int, vr: str) -> str:
    """The VR whose words are swapped when a value changes its byte order; ``elements`` are those around it."""
    if tag != PIXEL_DATA or vr != "OW" or BITS_ALLOCATED not in elements:
        return vr
    try:
        return "OL" if elements[BITS_ALLOCATED].value == 32 else vr
    except DecodeError:
        return vr


class _WidePixels(DecodedElement):
    __slots__ = ()

    @property
    def value(self) -> Value:
        if self._value is UNREAD:
            self._value = DecodedElement(self._tag, "OL", self._origin, self._start, self._length).value
        return super().value


def widen(elements: dict[int, Element]) -> None:
    """Read native Pixel Data of 32 bits, among elements in big endian, as words of 32 bits."""
    pixels = elements.get(PIXEL_DATA)
    if pixels is not None and words_of(elements, PIXEL_DATA, pixels.VR) != pixels.VR and type(pixels) is DecodedElement:
        elements[PIXEL_DATA] = _WidePixels(PIXEL_DATA, pixels.VR, pixels._origin, pixels._start, pixels._length)
