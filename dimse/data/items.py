"""Decoded elements with special values: sequences, fragments, and pixels in another byte order.

Pixels in another byte order occur in two cases. PS3.5 §8.1.1 makes 32-bit pixels OW, which are words of 16 bits. But
GDCM and pydicom write words of 32 bits if the Data Set is in big endian. A private Transfer Syntax of GE has big endian
pixels in a little endian Data Set.
"""

from collections.abc import Callable

from ..errors import DecodeError
from .dataset import PIXEL_DATA, UNREAD, Dataset, DecodedElement, Element, Item, Value
from .encoding_attributes import bits_allocated_in, word_vr
from .source import Origin, Source, path_of, place_of
from .values import READERS, VALUE_RULE

__all__ = ["Items", "items_of", "items_or_fragments", "fix_pixel_order"]

_WITH_ITEMS = ("SQ", "UN", "OB", "OW")  # VRs whose value may be a list of items


class Items(DecodedElement):
    """A sequence, or fragments.

    The element owns ``items``. The function ``parse`` puts the items into this list when they are first accessed; None
    means that the decoder puts them there.
    """

    __slots__ = ("_items", "_parse")

    def __init__(
        self,
        tag: int,
        vr: str,
        origin: Origin,
        start: int,
        length: int,
        items: list[Item],
        parse: "Callable[[Items], None] | None" = None,
    ) -> None:
        self._tag = tag
        self.VR = vr
        self._origin = origin
        self._start = start
        self._length = length
        self._value = UNREAD
        self.undefined_length = False
        self._items = items
        self._parse = parse

    @property
    def is_unparsed(self) -> bool:
        """Whether the items are not parsed yet."""
        return self._parse is not None

    def leave_unparsed(self, parse: "Callable[[Items], None]") -> None:
        """Forget the items, and let ``parse`` parse them on demand."""
        self._items.clear()
        self._parse = parse

    @property
    def value(self) -> Value:
        value = self._value
        if value is UNREAD:
            value = self._value = self._parsed()
        return value

    def _parsed(self) -> list[Item]:
        if self._parse is not None:
            self._items.clear()  # items of an earlier attempt that failed
            self._parse(self)
            self._parse = None
        return self._items

    def _duplicate(self) -> Element:
        duplicate = Items(self._tag, self.VR, self._origin, self._start, self._length, [], self._parse)
        duplicate.undefined_length = self.undefined_length
        try:
            value = self._parsed() if self._value is UNREAD else self._value  # not an access of the original
        except DecodeError:  # accessing the value of the copy raises the error, too
            return duplicate
        items = value if isinstance(value, list) else []
        duplicate._value = [item.copy() if isinstance(item, Dataset) else item for item in items]
        return duplicate


def items_of(element: Element) -> list[Dataset]:
    """Return the items of a sequence; an empty list for any other element, or if the items cannot be read."""
    return [item for item in items_or_fragments(element) if isinstance(item, Dataset)]


def items_or_fragments(element: Element) -> list[Item]:
    """Return the items of a sequence, or fragments; an empty list if they cannot be read."""
    try:
        value = element.value if element.VR in _WITH_ITEMS else None
    except DecodeError:
        return []
    return value if isinstance(value, list) else []


class _Pixels(DecodedElement):
    """Pixel Data that is read as big endian words. ``_words`` is a VR whose words have the right size, such as OL."""

    __slots__ = ("_words",)

    _words: str

    @property
    def value(self) -> Value:
        if self._value is UNREAD:
            source, start = self._origin[0], self._start
            try:
                self._value = READERS[True][self._words](source.data, start, start + self._length, source.charset)
            except ValueError as exc:  # the last word is incomplete
                path = path_of(place_of(self._origin), PIXEL_DATA)
                raise DecodeError(f"{self.VR} {exc}", path=path, offset=start, rule=VALUE_RULE) from exc
        return super().value

    def _duplicate(self) -> Element:
        duplicate = super()._duplicate()
        assert isinstance(duplicate, _Pixels)
        duplicate._words = self._words
        return duplicate


def fix_pixel_order(elements: dict[int, Element], source: Source) -> None:
    """Let native Pixel Data among ``elements`` be read as big endian words.

    The elements come from ``source``, which must have big endian pixels.
    """
    pixels = elements.get(PIXEL_DATA)
    if type(pixels) is not DecodedElement:
        return
    words = word_vr(elements, PIXEL_DATA, pixels.VR)
    has_order = bits_allocated_in(elements) != 8  # bytes have no order
    if words != pixels.VR or (has_order and words == "OW" and not source.layout.big_endian):
        swapped = elements[PIXEL_DATA] = _Pixels(PIXEL_DATA, pixels.VR, pixels._origin, pixels._start, pixels._length)
        swapped._words = words
