"""Data Sets to bytes: the writing half of :mod:`dimse.data.codec`.

The rope is gathered in one pass. What precedes a sequence or item holds its length, so its place in the rope is kept
free and filled when the length is known.
"""

from ..errors import DecodeError, EncodeError
from .charset import Charset
from .dataset import Dataset, Element, Place, charset_in, path_of, words_of
from .layout import (
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    layout_of,
)
from .syntax import IMPLICIT_LE, TransferSyntax
from .tag import Tag
from .values import encode_value
from .vr import VRS, row_of

__all__ = ["encode_pieces", "merged"]

_PIXEL_DATA = 0x7FE00010
_MOST_SHORT = 0xFFFE  # bytes in a value of the short form, PS3.5 §7.1.2
_DEEPEST = 128  # sequences within sequences; a Data Set that contains itself ends here
_FRAMED = ("OB", "OW", "UN")  # VRs whose value may be a list of items
_LARGE = 4096  # a value from here on stays a piece of its own: joining costs more than a piece

_Piece = bytes | memoryview

_SHORT_CODES = {vr: code for code, vr in SHORT_VRS.items()}

# Which VRs are the same bytes again, by whether the byte order and the character set are.
_ALIKE = {
    (order, charset): frozenset(
        row.name
        for row in VRS.values()
        if row.kind != "sequence" and (order or row.size < 2) and (charset or not row.charset)
    )
    for order in (False, True)
    for charset in (False, True)
}


class _Encoder:
    """Writes Data Sets of one layout to the end of ``out``."""

    def __init__(self, out: list[_Piece], layout: Layout, encapsulated: bool) -> None:
        self.out = out
        self.layout = layout
        self.encapsulated = encapsulated
        self.short: dict[str, bytes] = {} if layout.implicit else _SHORT_CODES

    def dataset(self, dataset: Dataset, charset: Charset, place: Place, depth: int) -> int:
        """Append a Data Set; returns its length."""
        charset = charset_in(dataset, charset)
        source = dataset._origin[0]
        data = source.data
        alike = _ALIKE[source.big_endian == self.layout.big_endian, source.charset == charset]
        total = 0
        elements = dataset._elements
        for tag in sorted(elements):
            entry = elements[tag]
            if isinstance(entry, tuple) and entry[0] in alike:
                vr, start, length = entry
                total += self.plain(tag, vr, data[start : start + length], place)
            else:
                element = dataset._element(tag)
                words = words_of(dataset, tag, element.VR)
                total += self.element(element, words, charset, place, depth)
        return total

    def element(self, element: Element, words: str, charset: Charset, place: Place, depth: int) -> int:
        """Append an element of any kind, made of ``words``; returns its length."""
        value, vr = element._value, element.VR
        if vr == "SQ" or (vr in _FRAMED and isinstance(value, list)):
            return self.items(element, charset, place, depth)
        return self.plain(element._tag, vr, self._raw(element, words, charset, place), place)

    def _raw(self, element: Element, words: str, charset: Charset, place: Place) -> _Piece:
        """The bytes of a value: those it was decoded from, where they would be the same."""
        source, raw, vr = element._origin[0], element._raw, element.VR
        alike = _ALIKE[source.big_endian == self.layout.big_endian, source.charset == charset or not source.data]
        if vr in alike and element._untouched():
            return raw
        try:
            return encode_value(words, element.value, big_endian=self.layout.big_endian, charset=charset)
        except (EncodeError, DecodeError) as exc:  # a value that was wrong when it was decoded, too
            raise EncodeError(exc.what, path=path_of(place, element._tag)) from exc

    def items(self, element: Element, charset: Charset, place: Place, depth: int) -> int:
        """Append a sequence, or the fragments of compressed Pixel Data; returns its length."""
        tag, vr = element._tag, element.VR
        if depth > _DEEPEST:
            raise EncodeError(f"sequences nest deeper than {_DEEPEST}", path=path_of(place, tag))
        if vr in ("OB", "OW") and not self.encapsulated:
            raise EncodeError("fragments need a Transfer Syntax for compressed Pixel Data", path=path_of(place, tag))
        undefined = element.undefined_length or vr != "SQ"
        inner = _Encoder(self.out, layout_of(IMPLICIT_LE), False) if vr == "UN" else self
        slot = self._slot()
        total = 0
        for index, item in enumerate(_list_of(element)):
            total += inner.item(item, charset, (place, tag, index), depth + 1)
        if undefined:
            total += inner._delimiter(SEQUENCE_DELIMITATION)
        self.out[slot] = self.header(tag, vr, UNDEFINED if undefined else total, place)
        return len(self.out[slot]) + total

    def item(
        self, item: Dataset | memoryview | bytes, charset: Charset, place: tuple[Place, int, int], depth: int
    ) -> int:
        """Append an item: a Data Set, or a fragment; returns its length."""
        slot = self._slot()
        length = self.dataset(item, charset, place, depth) if isinstance(item, Dataset) else self._fragment(item)
        undefined = isinstance(item, Dataset) and item.undefined_length
        total = length + (self._delimiter(ITEM_DELIMITATION) if undefined else 0)
        if length >= UNDEFINED:
            raise EncodeError(f"an item of {length} bytes is too long", path=path_of(place[0], place[1]))
        self.out[slot] = self.layout.item.pack(ITEM >> 16, ITEM & 0xFFFF, UNDEFINED if undefined else length)
        return total + 8

    def plain(self, tag: int, vr: str, raw: _Piece, place: Place) -> int:
        """Append an element with these bytes for its value; returns its length."""
        length = len(raw)
        even = length + (length & 1)
        code = self.short.get(vr)
        if code is not None and even <= _MOST_SHORT:
            header = self.layout.short.pack(tag >> 16, tag & 0xFFFF, code, even)
        else:
            header = self.header(tag, vr, even, place)
        self.out.append(header)
        self.out.append(raw)
        if even != length:
            self.out.append(row_of(vr).pad)
        return len(header) + even

    def header(self, tag: int, vr: str, length: int, place: Place) -> bytes:
        """The header of an element, in the form that its VR and length ask for."""
        group, number = tag >> 16, tag & 0xFFFF
        layout = self.layout
        if length > UNDEFINED:
            raise EncodeError(f"a value of {length} bytes is too long", path=path_of(place, tag))
        if layout.implicit:
            return layout.item.pack(group, number, length)
        if vr not in _SHORT_CODES:
            return layout.long.pack(group, number, vr.encode(), length)
        if layout.big_endian:
            raise EncodeError(f"{vr} of {length} bytes is too long for big endian", path=path_of(place, tag))
        return layout.long.pack(group, number, b"UN", length)  # PS3.5 §6.2.2

    def _fragment(self, raw: _Piece) -> int:
        self.out.append(raw)
        if not len(raw) & 1:
            return len(raw)
        self.out.append(b"\0")
        return len(raw) + 1

    def _slot(self) -> int:
        self.out.append(b"")
        return len(self.out) - 1

    def _delimiter(self, tag: int) -> int:
        self.out.append(self.layout.item.pack(tag >> 16, tag & 0xFFFF, 0))
        return 8


def _list_of(element: Element) -> list[Dataset | memoryview | bytes]:
    value = element.value
    return [item for item in value if isinstance(item, (Dataset, memoryview, bytes))] if isinstance(value, list) else []


def encode_pieces(dataset: Dataset, syntax: TransferSyntax) -> list[_Piece]:
    """All pieces of a Data Set, in order, not deflated. Raises EncodeError."""
    pixels = dataset._elements.get(_PIXEL_DATA)
    native = isinstance(pixels, tuple) or (pixels is not None and not isinstance(pixels._value, list))
    if syntax.encapsulated and native:
        raise EncodeError(f"{syntax.name} wants compressed Pixel Data, in fragments", path=str(Tag(_PIXEL_DATA)))
    out: list[_Piece] = []
    _Encoder(out, layout_of(syntax), syntax.encapsulated).dataset(dataset, (), None, 0)
    return out


def merged(pieces: list[_Piece]) -> list[_Piece]:
    """The same bytes in fewer pieces: neighbours that are small become one."""
    rope: list[_Piece] = []
    run: list[_Piece] = []
    for piece in pieces:
        if len(piece) < _LARGE:
            run.append(piece)
            continue
        rope.append(b"".join(run))
        run.clear()
        rope.append(piece)
    rope.append(b"".join(run))
    return [piece for piece in rope if piece]
