"""Native Pixel Data whose bytes lie in another order than their VR says.

PS3.5 §8.1.1 makes 32-bit pixels OW, words of 16 bits; in big endian GDCM and pydicom nevertheless take the 32 bits as a
whole. A private Transfer Syntax of GE has big endian pixels in a little endian Data Set.
"""

from contextlib import suppress

from ..errors import DecodeError
from .ambiguous import BITS_ALLOCATED
from .dataset import PIXEL_DATA, UNREAD, DecodedElement, Element, Value
from .origin import Source
from .values import READERS

__all__ = ["widen", "words_of"]


def words_of(elements: dict[int, Element], tag: int, vr: str) -> str:
    """The VR whose words are swapped when a value changes its byte order; ``elements`` are those around it."""
    return "OL" if tag == PIXEL_DATA and vr == "OW" and _allocated(elements) == 32 else vr


def _allocated(elements: dict[int, Element]) -> Value:
    """Bits Allocated, None where it is missing or no number."""
    try:
        return elements[BITS_ALLOCATED].value if BITS_ALLOCATED in elements else None
    except DecodeError:
        return None


class _Pixels(DecodedElement):
    """Pixel Data that is read as words of ``_words`` in big endian."""

    __slots__ = ("_words",)

    _words: str

    @property
    def value(self) -> Value:
        if self._value is UNREAD:
            source, start = self._origin[0], self._start
            with suppress(ValueError):  # where words do not fill it, the value of its own VR says so
                self._value = READERS[True][self._words](source.data, start, start + self._length, source.charset)
        return super().value

    def _twin(self) -> Element:
        twin = super()._twin()
        assert isinstance(twin, _Pixels)
        twin._words = self._words
        return twin


def widen(elements: dict[int, Element], source: Source) -> None:
    """Read native Pixel Data among ``elements``, which come from ``source``, as its words really lie."""
    pixels = elements.get(PIXEL_DATA)
    if type(pixels) is not DecodedElement:
        return
    words = words_of(elements, PIXEL_DATA, pixels.VR)
    is_swapped = not source.layout.big_endian and words == "OW" and _allocated(elements) != 8  # bytes are bytes
    if words != pixels.VR or is_swapped:
        wide = elements[PIXEL_DATA] = _Pixels(PIXEL_DATA, pixels.VR, pixels._origin, pixels._start, pixels._length)
        wide._words = words
