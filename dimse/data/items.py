"""Elements whose value is a list of items: sequences, and compressed Pixel Data."""

from collections.abc import Callable

from ..errors import DecodeError
from .dataset import UNREAD, Dataset, DecodedElement, Element, Item, Value
from .origin import Origin

__all__ = ["Items"]


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
