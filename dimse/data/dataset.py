"""Data Set and Data Element, the containers: PS3.5 §7.

Other modules read and write bytes, files, pixels and text. A decoded Data Set finds its elements on first access, and a
decoded element decodes its value on first access. A value is written with its original bytes, even after an access,
unless it is a list that was changed, or the byte order or the character set changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from itertools import islice
from operator import attrgetter
from typing import Final, Protocol, TypeAlias

from ..errors import DecodeError, EncodeError
from .check import CHECKS, REFUSED, cannot_hold, check_descriptor, check_fragment, check_value
from .dictionary import keyword_of, plain_vrs, tag_of, tags_by_keyword, vr_of
from .source import (
    ALWAYS_ACCEPTED,
    NOWHERE,
    Origin,
    Source,
    check_extent,
    origin_of,
    origin_of_value,
    path_of,
    place_of,
)
from .tag import Tag
from .values import VALUE_RULE, Scalar
from .vr import BITS_ALLOCATED, DESCRIPTORS, PIXEL_REPRESENTATION, US_OR_SS, as_descriptor, chosen_vr

__all__ = [
    "CHARACTER_SET",
    "PIXEL_DATA",
    "Dataset",
    "DecodedElement",
    "Element",
    "Item",
    "Value",
    "decoded_dataset",
    "unread_dataset",
]

Item: TypeAlias = "Scalar | Dataset"
Value: TypeAlias = "Scalar | list[Item]"

CHARACTER_SET = 0x00080005
PIXEL_DATA = 0x7FE00010
_MAX_NUMBER = 8  # bytes of the longest number
_SHOWN = 8  # keywords in the repr of a Data Set
_AROUND = 12  # bytes pickled before and after a value: enough for the longest header, and for a delimiter


class _State(Enum):
    UNREAD = 0


UNREAD: Final = _State.UNREAD


class Unread(Protocol):
    """The bytes of a Data Set whose elements are found on first access; ``origin`` is the origin of these elements."""

    @property
    def origin(self) -> Origin: ...

    @property
    def raw(self) -> memoryview: ...

    def elements(self) -> dict[int, Element]: ...


class Element:
    """A Data Element: tag, VR and value.

    :mod:`dimse.data.values` lists the types of ``value``. The value of an SQ is a list of :class:`Dataset`; the value
    of compressed Pixel Data is a list of the Basic Offset Table and the fragments. The value of text or numbers may be
    given as bytes, which are not checked. Numbers in these bytes must be little endian; where big endian is written,
    they are swapped. With ``undefined_length``, a sequence is written with a delimiter instead of its length. Raises
    EncodeError for a value that the VR cannot hold.
    """

    __slots__ = ("VR", "_length", "_origin", "_start", "_tag", "_value", "undefined_length")

    def __init__(self, tag: int, VR: str, value: object = None, *, undefined_length: bool = False) -> None:
        self._tag = tag
        self.VR = VR
        self._origin = NOWHERE
        self._start = self._length = 0
        self._value: Value | _State = UNREAD
        self.undefined_length = undefined_length
        check = CHECKS.get(VR)  # None for sequences and streams
        try:
            if check is None:
                self._value = _items_or_stream(VR, value)
            elif isinstance(value, (bytes, bytearray, memoryview)):
                self._origin = origin_of_value(bytes(value))
                self._length = len(value)
            else:
                self._value = check_descriptor(value) if tag in DESCRIPTORS and VR == "SS" else check(value)
        except EncodeError as exc:
            raise EncodeError(exc.what, path=str(Tag(tag))) from exc
        except REFUSED as exc:
            raise cannot_hold(VR, value, exc, str(Tag(tag))) from exc

    @property
    def tag(self) -> Tag:
        """The Data Element Tag."""
        return Tag(self._tag)

    @property
    def keyword(self) -> str:
        """The keyword in PS3.6; "" if PS3.6 defines none."""
        return keyword_of(self._tag)

    @property
    def value(self) -> Value:
        """The value, decoded on first access.

        Raises DecodeError for bytes that are not a value of this VR, and for a value that exceeds the limits.
        """
        value = self._value
        if value is not UNREAD:
            return value
        source = self._origin[0]
        start, length, vr = self._start, self._length, self.VR
        if length <= _MAX_NUMBER:
            number = source.numbers.get(vr)
            if number is not None and number.size == length:
                single: Scalar = number.unpack_from(source.data, start)[0]
                self._value = single
                return single
        elif length > ALWAYS_ACCEPTED:
            check_extent(self._tag, vr, self._origin, start, length)
        try:
            value = source.readers[vr](source.data, start, start + length, source.charset)
        except (ValueError, OverflowError) as exc:
            path, offset = path_of(place_of(self._origin), self._tag), None if source.syntax is None else start
            raise DecodeError(f"{vr} {exc}", path=path, offset=offset, rule=VALUE_RULE) from exc
        if vr == "SS" and self._tag in DESCRIPTORS and isinstance(value, list):
            value = [*as_descriptor([word for word in value if isinstance(word, int)])]
        self._value = value
        return value

    @property
    def raw(self) -> memoryview:
        """The bytes of the value as read, even if they are not valid; empty if the program set the value.

        Bytes that the program gave as the value of text or numbers are returned as well.
        """
        return self._origin[0].view[self._start : self._start + self._length]

    def __reduce__(self) -> tuple[Callable[..., Element], tuple[object, ...]]:
        """Pickle the element with its own bytes, without the rest of its source."""
        before, after = min(self._start, _AROUND), _AROUND if self.undefined_length else 0
        part = self._origin[0].part(self._start - before, self._start + self._length + after)
        names = [name for kind in type(self).__mro__ for name in getattr(kind, "__slots__", ())]
        state = {name: _portable(getattr(self, name)) for name in names if name not in ("_origin", "_start")}
        return _recreate_element, (type(self), part, before, state)

    def __copy__(self) -> Element:
        return self._duplicate()

    def __deepcopy__(self, memo: dict[int, object]) -> Element:
        return self._duplicate()

    def _untouched(self) -> bool:
        """Return whether the value of a decoded element still equals its bytes; a list may have been changed."""
        if not isinstance(self._value, list):
            return True
        again = DecodedElement(self._tag, self.VR, self._origin, self._start, self._length)
        return self._value == again.value

    def _duplicate(self) -> Element:
        """Return a copy with its own list and items."""
        duplicate = object.__new__(type(self))
        for name in Element.__slots__:
            setattr(duplicate, name, getattr(self, name))
        if isinstance(self._value, list):
            duplicate._value = [item.copy() if isinstance(item, Dataset) else item for item in self._value]
        return duplicate

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self._tag == other._tag and self.VR == other.VR and self.value == other.value

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Element {self.tag} {self.VR} {self.keyword}>"


def _portable(value: object) -> object:
    """Return the content of a slot with bytes in place of views."""
    if isinstance(value, memoryview):
        return bytes(value)
    return [*map(_portable, value)] if isinstance(value, list) else value


def _recreate_element(kind: type[Element], source: Source, start: int, state: dict[str, object]) -> Element:
    element = object.__new__(kind)
    element._origin, element._start = origin_of(source), start
    for name, value in state.items():
        setattr(element, name, value)
    return element


class DecodedElement(Element):
    """An element whose bytes lie in a source. Its value, which begins at ``start``, is decoded on first access."""

    __slots__ = ()

    def __init__(self, tag: int, vr: str, origin: Origin, start: int, length: int) -> None:
        self._tag = tag
        self.VR = vr
        self._origin = origin
        self._start = start
        self._length = length
        self._value = UNREAD
        self.undefined_length = False


def _items_or_stream(vr: str, value: object) -> Value:
    """Return the items of a sequence, fragments, or a stream of bytes. Raises EncodeError."""
    if vr == "SQ" or (vr == "UN" and isinstance(value, list)):
        items = [] if value is None else value
        if isinstance(items, (list, tuple)):
            datasets: list[Item] = [item for item in items if isinstance(item, Dataset)]
            if len(datasets) == len(items):
                return datasets
        raise EncodeError("the value of a sequence must be a list of Dataset")
    if vr in ("OB", "OW") and isinstance(value, list):
        return [check_fragment(item) for item in value]
    return check_value(vr, value)


class Dataset:
    """A Data Set: elements by tag, and their values as attributes by keyword.

    ``ds = Dataset(Rows=4)`` and ``ds.Rows = 4`` set the value of an element, and ``ds.Rows`` returns it. ``ds["Rows"]``
    and ``ds[0x00280010]`` return the :class:`Element` itself, but an assignment to them takes a value, not an element.
    The VR of a value comes from the dictionary; :meth:`add` takes an element with any VR. A word that is not a keyword
    raises EncodeError; reading it as an attribute raises AttributeError. A missing element raises KeyError, or
    AttributeError as an attribute. With ``undefined_length``, the Data Set is written with a delimiter when it is an
    item of a sequence.
    """

    __slots__ = ("_elements", "_origin", "_unread")

    _elements: dict[int, Element]  # not set until the first access, when `__getattr__` finds the elements
    _origin: Origin
    _unread: Unread | None  # not set if the Data Set was created with its elements; then `__getattr__` returns None

    def __init__(self, **values: object) -> None:
        elements: dict[int, Element] = {}
        _put_elements(self, elements)
        _put_origin(self, NOWHERE)
        tags, plain = tags_by_keyword(), plain_vrs()
        for keyword, value in values.items():
            tag = tags.get(keyword) or tag_of(keyword)
            elements[tag] = Element(tag, plain.get(tag) or self._vr_for(tag, value), value)

    @property
    def undefined_length(self) -> bool:
        """Whether this Data Set, as an item, is encoded with undefined length and a delimiter (PS3.5 §7.5)."""
        return self._origin[4]

    @undefined_length.setter
    def undefined_length(self, undefined: bool) -> None:
        _set(self, "_origin", (*self._origin[:4], undefined))

    # By keyword

    def __getattr__(self, keyword: str) -> Value:
        if keyword == "_elements":
            unread = self._unread
            assert unread is not None
            elements = unread.elements()
            _put_elements(self, elements)
            _put_origin(self, unread.origin)
            _put_unread(self, None)
            return elements  # type: ignore[return-value]  # the value of a slot, not of an attribute
        if keyword == "_unread":
            return None
        if keyword.startswith("_"):  # Python looks for a protocol; this is not a misspelled keyword
            raise AttributeError(keyword, name=keyword, obj=self)
        try:
            tag = tag_of(keyword)
        except EncodeError as exc:
            raise AttributeError(exc.what, name=keyword, obj=self) from exc
        element = self._elements.get(tag)
        if element is None:
            raise AttributeError(f"there is no {keyword} {tag} in this Data Set", name=keyword, obj=self)
        return element.value

    def __setattr__(self, keyword: str, value: object) -> None:
        if keyword in _OWN:
            _set(self, keyword, value)
        else:
            self[keyword] = value

    def __delattr__(self, keyword: str) -> None:
        try:
            del self[keyword]
        except KeyError as exc:
            raise AttributeError(exc.args[0], name=keyword, obj=self) from exc

    # By tag

    def __getitem__(self, key: int | str) -> Element:
        tag = (tags_by_keyword().get(key) or tag_of(key)) if isinstance(key, str) else key
        element = self._elements.get(tag)
        if element is None:
            raise _missing(tag)
        return element

    def __setitem__(self, key: int | str, value: object) -> None:
        tag = (tags_by_keyword().get(key) or tag_of(key)) if isinstance(key, str) else key
        self._elements[tag] = Element(tag, plain_vrs().get(tag) or self._vr_for(tag, value), value)

    def __delitem__(self, key: int | str) -> None:
        tag = (tags_by_keyword().get(key) or tag_of(key)) if isinstance(key, str) else key
        if self._elements.pop(tag, None) is None:
            raise _missing(tag)

    def _vr_for(self, tag: int, value: object) -> str:
        """Return the VR of an element with this value. If PS3.6 gives a choice, the value and other elements decide."""
        vr = vr_of(tag)
        if vr == US_OR_SS:
            values = value if isinstance(value, (list, tuple)) else [value]
            negative = any(isinstance(item, int) and item < 0 for item in values)
            return chosen_vr(negative or self.get(PIXEL_REPRESENTATION) == 1)
        if vr == "OW" and (isinstance(value, list) or (tag == PIXEL_DATA and self.get(BITS_ALLOCATED) == 8)):
            return "OB"  # fragments, or 8-bit pixels, whose number may be odd (PS3.5 §A.2)
        return vr

    def add(self, element: Element) -> None:
        """Add an element. Replace an element with the same tag."""
        self._elements[element._tag] = element

    def get(self, key: int | str, default: Value = None) -> Value:
        """Return the value of an element; ``default`` if it is missing. Raises DecodeError for an unreadable value."""
        element = self._elements.get((tags_by_keyword().get(key) or tag_of(key)) if isinstance(key, str) else key)
        if element is None:
            return default
        value = element._value
        return value if value is not UNREAD else element.value

    def values_of(self, *keywords: str) -> list[Value]:
        """Return the values of elements, None for a missing element. Raises DecodeError for an unreadable value.

        One call takes half of the time that calls of :meth:`get` for the same elements take.
        """
        elements, tags = self._elements, tags_by_keyword()
        values: list[Value] = []
        for keyword in keywords:
            element = elements.get(tags.get(keyword) or tag_of(keyword))
            if element is None:
                values.append(None)
            else:
                value = element._value
                values.append(value if value is not UNREAD else element.value)
        return values

    def by_tag(self) -> dict[int, Element]:
        """Return the elements by tag, in the order of their tags."""
        return dict(sorted(self._elements.items()))

    def update(self, other: Dataset) -> None:
        """Add all elements of ``other``, as :meth:`add` does. Both Data Sets then share these elements."""
        self._elements.update(other._elements)

    def copy(self) -> Dataset:
        """Return a Data Set with the same values. Items and lists are copied; bytes and pixels are shared."""
        return decoded_dataset({tag: element._duplicate() for tag, element in self._elements.items()}, self._origin)

    def __copy__(self) -> Dataset:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, object]) -> Dataset:
        return self.copy()

    def __reduce__(self) -> tuple[Callable[..., Dataset], tuple[object, ...]]:
        return _recreate_dataset, (self._unread or self._elements, self.undefined_length)

    def __contains__(self, key: int | str) -> bool:
        return ((tags_by_keyword().get(key) or tag_of(key)) if isinstance(key, str) else key) in self._elements

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[Element]:
        """Iterate over the elements in the order of their tags."""
        return iter(sorted(self._elements.values(), key=_tag_of))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        return len(self) == len(other) and all(tag in other and self[tag] == other[tag] for tag in self._elements)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        names = [keyword_of(tag) or str(Tag(tag)) for tag in islice(sorted(self._elements), _SHOWN)]
        more = ", ..." if len(self) > _SHOWN else ""
        return f"<Dataset of {len(self)}: {', '.join(names)}{more}>"


def _missing(tag: int) -> KeyError:
    return KeyError(f"there is no {f'{keyword_of(tag)} {Tag(tag)}'.strip()} in this Data Set")


_set = object.__setattr__
_tag_of = attrgetter("_tag")
_OWN = {"_origin", "undefined_length"}  # attributes that are not keywords


def decoded_dataset(elements: dict[int, Element], origin: Origin) -> Dataset:
    """Return a Data Set whose elements have this origin."""
    dataset = _new(Dataset)
    _put_elements(dataset, elements)
    _put_origin(dataset, origin)
    return dataset


def unread_dataset(unread: Unread) -> Dataset:
    """Return a Data Set that finds its elements on first access."""
    dataset = _new(Dataset)
    _put_origin(dataset, unread.origin)
    _put_unread(dataset, unread)
    return dataset


def _recreate_dataset(found: dict[int, Element] | Unread, undefined_length: bool) -> Dataset:
    dataset = decoded_dataset(found, NOWHERE) if isinstance(found, dict) else unread_dataset(found)
    if undefined_length:
        dataset.undefined_length = True
    return dataset


# These setters bypass Dataset.__setattr__, which takes keywords. With them, creating a Data Set takes 0.44 us; with
# object.__setattr__ it takes 0.55 us. The difference is 5 % of parsing a header with many items.
_new = Dataset.__new__
_put_elements = Dataset.__dict__["_elements"].__set__
_put_origin = Dataset.__dict__["_origin"].__set__
_put_unread = Dataset.__dict__["_unread"].__set__
