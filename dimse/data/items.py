"""Elements whose value is a list of items: sequences, and compressed Pixel Data."""

from collections.abc import Callable
from contextlib import suppress

from ..errors import DecodeError
from .dataset import PIXEL_DATA, UNREAD, Dataset, DecodedElement, Element, Item, Value
from .source import Origin, Source
from .values import READERS
from .vr import BITS_ALLOCATED

__all__ = ["Items", "items_of", "listed", "widen", "words_of"]

_FRAMED = ("SQ", "UN", "OB", "OW")  # VRs whose value may be a list of items


class Items(DecodedElement):
    """A sequence, or fragments: their ``items``, which ``parse`` brings when somebody asks for them."""

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
    def is_unread(self) -> bool:
        """Whether the items are still to be parsed."""
        return self._parse is not None

    def leave_unread(self, parse: "Callable[[Items], None]") -> None:
        """Forget the items; ``parse`` brings them when somebody asks."""
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
            self._items.clear()  # of an earlier try that failed
            self._parse(self)
            self._parse = None
        return self._items

    def _twin(self) -> Element:
        twin = Items(self._tag, self.VR, self._origin, self._start, self._length, [], self._parse)
        twin.undefined_length = self.undefined_length
        try:
            value = self._parsed() if self._value is UNREAD else self._value  # it stays unread
        except DecodeError:  # of the twin, too, that is told to whoever asks
            return twin
        items = value if isinstance(value, list) else []
        twin._value = [item.copy() if isinstance(item, Dataset) else item for item in items]
        return twin


def items_of(element: Element) -> list[Dataset]:
    """The items of a sequence; none of anything else."""
    return [item for item in listed(element) if isinstance(item, Dataset)]


def listed(element: Element) -> list[Item]:
    """The items of a sequence, or fragments."""
    try:
        value = element.value if element.VR in _FRAMED else None
    except DecodeError:  # the text of the element says so
        return []
    return value if isinstance(value, list) else []


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
