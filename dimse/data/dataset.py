"""Data Set and Data Element: PS3.5 §7, the containers and no more.

Writing and reading bytes, files, pixels and text are functions of other modules. A Data Set that was decoded keeps
where each value lies and makes an :class:`Element`, then its value, when somebody asks; what nobody asks for is
written back byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import islice
from typing import Final, TypeAlias

from ..errors import DecodeError, EncodeError
from .charset import Charset, charset_of
from .check import check_value
from .dictionary import keyword_of, tag_of, vr_of
from .tag import Tag
from .values import READERS, Item, Value
from .vr import VRS, row_of

__all__ = [
    "CHARACTER_SET",
    "Dataset",
    "Element",
    "Entries",
    "Origin",
    "Place",
    "Source",
    "DecodedElement",
    "charset_in",
    "decoded_dataset",
    "path_of",
]

# The item that a Data Set is: the place of the Data Set around it, the tag of the sequence, the item's index.
Place: TypeAlias = "tuple[Place, int, int] | None"

CHARACTER_SET = 0x00080005
_BITS_ALLOCATED = 0x00280100
_PIXEL_REPRESENTATION = 0x00280103
_PIXEL_DATA = 0x7FE00010
_SHOWN = 8  # keywords in a repr


class _State(Enum):
    UNREAD = 0


_UNREAD: Final = _State.UNREAD


class Source:
    """The bytes that Data Sets were decoded from, and how to read them."""

    __slots__ = ("big_endian", "charset", "data", "readers")

    def __init__(self, data: memoryview, big_endian: bool, charset: Charset) -> None:
        self.data = data
        self.big_endian = big_endian
        self.charset = charset
        self.readers = READERS[big_endian]


# Where a Data Set and its elements come from: for a Data Set also whether its length was undefined.
Origin: TypeAlias = tuple[Source, Place, bool]
_NOWHERE: Origin = (Source(memoryview(b""), False, ()), None, False)

# VRs whose bytes an element takes out of the source: text and numbers, which are short and soon decoded. Bytes are
# decoded faster than a view of them, and the garbage collector need not look at them.
_TAKEN = frozenset(row.name for row in VRS.values() if row.kind in ("text", "number"))


def path_of(place: Place, tag: int) -> str:
    """The way to an element, such as ``(2020,0110)[0].(0028,0010)``."""
    steps = [str(Tag(tag))]
    while place is not None:
        place, sequence, index = place
        steps.append(f"{Tag(sequence)}[{index}]")
    return ".".join(reversed(steps))


class Element:
    """A Data Element: tag, VR and value.

    ``value`` is what :mod:`dimse.data.values` says; for SQ a list of :class:`Dataset`, for compressed Pixel Data a
    list of fragments, the first the Basic Offset Table. Bytes given as the value of text or numbers are written as
    they are, right or wrong. Raises EncodeError for a value that the VR cannot hold.
    ``undefined_length`` says how a sequence is written: up to its delimiter rather than with its length.
    """

    __slots__ = ("VR", "_origin", "_raw", "_tag", "_value", "undefined_length")

    def __init__(self, tag: int, VR: str, value: object = None, *, undefined_length: bool = False) -> None:
        self._tag = tag
        self.VR = VR
        self._origin = _NOWHERE
        self._raw: memoryview | bytes = b""
        self._value: Value | _State = _UNREAD
        self.undefined_length = undefined_length
        if isinstance(value, (bytes, bytearray, memoryview)) and row_of(VR).kind in ("text", "number"):
            self._raw = bytes(value)
        else:
            self._value = _checked(Tag(tag), VR, value)

    @property
    def tag(self) -> Tag:
        return Tag(self._tag)

    @property
    def keyword(self) -> str:
        """The keyword of PS3.6, "" where there is none."""
        return keyword_of(self._tag)

    @property
    def value(self) -> Value:
        """The value, decoded when first asked for. Raises DecodeError for bytes that are none of this VR."""
        value = self._value
        if value is _UNREAD:
            value = self._value = self._read()
        return value

    def _read(self) -> Value:
        source, place, _ = self._origin
        try:
            return source.readers[self.VR](self._raw, source.charset)
        except (ValueError, OverflowError) as exc:
            raise DecodeError(f"{self.VR} {exc}", path=path_of(place, self._tag)) from exc

    def _untouched(self) -> bool:
        """Whether the bytes it was decoded from are still its value: nobody changed the list they became."""
        return bool(self._raw) and (not isinstance(self._value, list) or self._value == self._read())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        return self._tag == other._tag and self.VR == other.VR and self.value == other.value

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Element {self.tag} {self.VR} {self.keyword}>"


# By tag: an element, or the VR, offset and length of one that was decoded and not yet made.
Entries: TypeAlias = dict[int, Element | tuple[str, int, int]]


class DecodedElement(Element):
    """An element as it is decoded: from the bytes in ``raw``, or with its value where that is a list of items."""

    __slots__ = ()

    def __init__(
        self, tag: int, vr: str, raw: memoryview | bytes, origin: Origin, value: Value | _State = _UNREAD
    ) -> None:
        self._tag = tag
        self.VR = vr
        self._origin = origin
        self._raw = raw
        self._value = value
        self.undefined_length = False


class _WidePixels(DecodedElement):
    """Pixel Data of 32 bits from a big endian Data Set; see :func:`words_of`."""

    __slots__ = ()

    def _read(self) -> Value:
        return DecodedElement(self._tag, "OL", self._raw, self._origin).value


def _checked(tag: Tag, vr: str, value: object) -> Value:
    try:
        if vr == "SQ" or (vr == "UN" and isinstance(value, list)):
            return _items(value)
        if vr in ("OB", "OW") and isinstance(value, list):
            return [_fragment(item) for item in value]
        return check_value(vr, value)
    except EncodeError as exc:
        raise EncodeError(exc.what, path=str(tag)) from exc


def _items(value: object) -> list[Item]:
    items = [] if value is None else value
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, Dataset) for item in items):
        raise EncodeError("a sequence is a list of Dataset")
    return list(items)


def _fragment(item: object) -> memoryview | bytes:
    value = check_value("UN", item)
    return value if isinstance(value, (memoryview, bytes)) else b""


class Dataset:
    """A Data Set: elements by tag, also by keyword as attributes.

    ``Dataset(Rows=4)``, ``ds.Rows``, ``ds["Rows"]`` and ``ds[0x00280010]`` name the same element; only the first two
    give or take values, ``[]`` gives an :class:`Element` and takes a value. The VR of a value comes from the
    dictionary; :meth:`add` takes an element with a VR of its own. A word that is no keyword is refused everywhere.
    ``undefined_length`` says how it is written as an item of a sequence.
    """

    __slots__ = ("_elements", "_origin")

    _elements: Entries
    _origin: Origin

    def __init__(self, **values: object) -> None:
        _set(self, "_elements", {})
        _set(self, "_origin", _NOWHERE)
        for keyword, value in values.items():
            self[tag_of(keyword)] = value

    @property
    def undefined_length(self) -> bool:
        return self._origin[2]

    @undefined_length.setter
    def undefined_length(self, undefined: bool) -> None:
        _set(self, "_origin", (*self._origin[:2], undefined))

    def _element(self, tag: int) -> Element:
        entry = self._elements[tag]
        return self._made((tag,))[0] if isinstance(entry, tuple) else entry

    def _made(self, tags: Iterable[int]) -> list[Element]:
        """The elements with these tags, made where that was not yet done: in one go, since a call for each is slow."""
        elements, origin = self._elements, self._origin
        source = origin[0]
        made = []
        for tag in tags:
            entry = elements[tag]
            if isinstance(entry, tuple):
                vr, start, length = entry
                raw = source.data[start : start + length]
                if vr in _TAKEN:
                    entry = DecodedElement(tag, vr, raw.tobytes(), origin)
                elif source.big_endian and words_of(self, tag, vr) != vr:
                    entry = _WidePixels(tag, vr, raw, origin)
                else:
                    entry = DecodedElement(tag, vr, raw, origin)
                elements[tag] = entry
            made.append(entry)
        return made

    # By keyword

    def __getattr__(self, keyword: str) -> Value:
        if keyword.startswith("_"):  # Python asking for a protocol: no keyword, and no typing error
            raise AttributeError(keyword, name=keyword, obj=self)
        try:
            tag = tag_of(keyword)
        except EncodeError as exc:
            raise AttributeError(exc.what, name=keyword, obj=self) from exc
        if tag not in self._elements:
            raise AttributeError(f"there is no {keyword} {tag} in this Data Set", name=keyword, obj=self)
        return self._element(tag).value

    def __setattr__(self, keyword: str, value: object) -> None:
        if keyword in _OWN:
            _set(self, keyword, value)
        else:
            self[tag_of(keyword)] = value

    def __delattr__(self, keyword: str) -> None:
        try:
            del self[keyword]
        except KeyError as exc:
            raise AttributeError(exc.args[0], name=keyword, obj=self) from exc

    # By tag

    def __getitem__(self, key: int | str) -> Element:
        tag = _tag(key)
        if tag not in self._elements:
            raise KeyError(f"there is no {keyword_of(tag)} {Tag(tag)} in this Data Set")
        return self._element(tag)

    def __setitem__(self, key: int | str, value: object) -> None:
        tag = _tag(key)
        self._elements[tag] = Element(tag, self._vr_for(tag, value), value)

    def __delitem__(self, key: int | str) -> None:
        tag = _tag(key)
        if self._elements.pop(tag, None) is None:
            raise KeyError(f"there is no {keyword_of(tag)} {Tag(tag)} in this Data Set")

    def _vr_for(self, tag: int, value: object) -> str:
        vr = vr_of(tag)
        if vr == "US or SS":
            values = value if isinstance(value, (list, tuple)) else [value]
            negative = any(isinstance(item, int) and item < 0 for item in values)
            return "SS" if negative or self.get(_PIXEL_REPRESENTATION) == 1 else "US"
        if vr == "OW" and (isinstance(value, list) or (tag == _PIXEL_DATA and self.get(_BITS_ALLOCATED) == 8)):
            return "OB"  # fragments; and bytes, whose number may be odd (PS3.5 §A.2)
        return vr

    def add(self, element: Element) -> None:
        """Put an element in, in place of the one with its tag."""
        self._elements[element._tag] = element

    def get(self, key: int | str, default: Value = None) -> Value:
        """The value of an element, ``default`` where there is none."""
        tag = _tag(key)
        return self._element(tag).value if tag in self._elements else default

    def update(self, other: Dataset) -> None:
        """Put all elements of ``other`` in."""
        for element in other:
            self.add(element)

    def copy(self) -> Dataset:
        """A Data Set with the same values: items and lists are its own, bytes and pixels are shared."""
        copy = decoded_dataset(self._elements.copy(), self._origin)
        for element in self._elements.values():
            if isinstance(element, Element) and isinstance(element._value, list):
                copy.add(_copied(element))
        return copy

    # As a whole

    def __contains__(self, key: int | str) -> bool:
        return _tag(key) in self._elements

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator[Element]:
        """The elements, by tag."""
        return iter(self._made(sorted(self._elements)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Dataset):
            return NotImplemented
        return len(self) == len(other) and all(tag in other and self[tag] == other[tag] for tag in self._elements)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        names = [keyword_of(tag) or str(Tag(tag)) for tag in islice(sorted(self._elements), _SHOWN)]
        more = ", ..." if len(self) > _SHOWN else ""
        return f"<Dataset of {len(self)}: {', '.join(names)}{more}>"


_set = object.__setattr__
_OWN = {"_elements", "_origin", "undefined_length"}  # attributes that are no keywords


def charset_in(dataset: Dataset) -> Charset:
    """The character sets that the (0008,0005) of a Data Set names; without one, those around it hold."""
    try:
        return charset_of(dataset._element(CHARACTER_SET).value)
    except DecodeError:
        return ()


def words_of(dataset: Dataset, tag: int, vr: str) -> str:
    """The VR whose words are swapped when a value changes its byte order: its own, but for 32-bit pixels.

    These are OW, words of 16 bits; GDCM and pydicom nevertheless take the 32 bits as a whole.
    """
    if tag != _PIXEL_DATA or vr != "OW":
        return vr
    try:
        return "OL" if dataset.get(_BITS_ALLOCATED) == 32 else vr
    except DecodeError:
        return vr


def decoded_dataset(entries: Entries, origin: Origin) -> Dataset:
    """A Data Set of ``entries``, to be filled with what is decoded from ``origin``."""
    dataset = Dataset.__new__(Dataset)
    _set(dataset, "_elements", entries)
    _set(dataset, "_origin", origin)
    return dataset


def _tag(key: int | str) -> int:
    return tag_of(key) if isinstance(key, str) else key


def _copied(element: Element) -> Element:
    value = element.value
    assert isinstance(value, list)
    own = [item.copy() if isinstance(item, Dataset) else item for item in value]
    copy = DecodedElement(element._tag, element.VR, element._raw, element._origin, own)
    copy.undefined_length = element.undefined_length
    return copy
