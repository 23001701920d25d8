"""Data Sets to bytes: the writing half of :mod:`dimse.data.codec`.

The rope is gathered in one pass. What precedes a sequence or item holds its length, so its place in the rope is kept
free and filled when the length is known.
"""

import struct

from ..errors import DecodeError, EncodeError
from .charset import Charset
from .dataset import CHARACTER_SET, Dataset, Element, Place, Source, charset_in, path_of, words_of
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
from .values import WRITERS
from .vr import VRS, row_of

__all__ = ["encode_pieces", "merged"]

_PIXEL_DATA = 0x7FE00010
_MOST_SHORT = 0xFFFE  # bytes in a value of the short form, PS3.5 §7.1.2
_DEEPEST = 128  # sequences within sequences; a Data Set that contains itself ends here
_FRAMED = ("OB", "OW", "UN")  # VRs whose value may be a list of items
_LARGE = 4096  # a value from here on stays a piece of its own: joining costs more than a piece

_Piece = bytes | memoryview
_ITEM_GROUP, _ITEM_NUMBER = ITEM >> 16, ITEM & 0xFFFF

_NOTHING: frozenset[str] = frozenset()
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
        self.writers = WRITERS[layout.big_endian]

    def dataset(self, dataset: Dataset, charset: Charset, place: Place, depth: int) -> int:
        """Append a Data Set; returns its length."""
        elements, source = dataset._elements, dataset._origin[0]
        if CHARACTER_SET in elements:
            charset = charset_in(dataset)
        data = source.data
        alike = self._alike(source, charset) if data else _NOTHING
        out, short, pack = self.out, self.short.get, self.layout.short.pack
        total = 0
        for tag in sorted(elements):
            entry = elements[tag]
            if isinstance(entry, tuple) and entry[0] in alike:
                vr, start, length = entry
                raw: _Piece = data[start : start + length]
            else:
                element = dataset._element(tag) if isinstance(entry, tuple) else entry
                vr = element.VR
                if vr == "SQ" or (vr in _FRAMED and isinstance(element._value, list)):
                    total += self.items(element, charset, place, depth)
                    continue
                words = words_of(dataset, tag, vr) if tag == _PIXEL_DATA else vr
                raw = self._raw(element, words, charset, place)
                length = len(raw)
            code, odd = short(vr), length & 1
            if code is not None and length <= _MOST_SHORT:
                header = pack(tag >> 16, tag & 0xFFFF, code, length + odd)
            else:
                header = self.header(tag, vr, length + odd, place)
            out.append(header)
            out.append(raw)
            if odd:
                out.append(row_of(vr).pad)
            total += len(header) + length + odd
        return total

    def _alike(self, source: Source, charset: Charset) -> frozenset[str]:
        """The VRs that are the same bytes again where they come from ``source``."""
        return _ALIKE[source.big_endian == self.layout.big_endian, source.charset == charset]

    def _raw(self, element: Element, words: str, charset: Charset, place: Place) -> _Piece:
        """The bytes of a value, made of ``words``: those it was decoded from, where they would be the same."""
        raw, source = element._raw, element._origin[0]
        if raw and element.VR in self._alike(source, charset if source.data else ()) and element._untouched():
            return raw
        try:
            return self.writers[words](element.value, charset)
        except (EncodeError, DecodeError) as exc:  # a value that was wrong when it was decoded, too
            raise EncodeError(exc.what, path=path_of(place, element._tag)) from exc
        except (ValueError, TypeError, OverflowError, struct.error) as exc:  # a list that somebody changed
            raise EncodeError(f"{words} cannot hold its values: {exc}", path=path_of(place, element._tag)) from exc

    def items(self, element: Element, charset: Charset, place: Place, depth: int) -> int:
        """Append a sequence, or the fragments of compressed Pixel Data; returns its length."""
        tag, vr = element._tag, element.VR
        if depth > _DEEPEST:
            raise EncodeError(f"sequences nest deeper than {_DEEPEST}", path=path_of(place, tag))
        if vr in ("OB", "OW") and not self.encapsulated:
            raise EncodeError("fragments need a Transfer Syntax for compressed Pixel Data", path=path_of(place, tag))
        undefined = element.undefined_length or vr != "SQ"
        inner = _Encoder(self.out, layout_of(IMPLICIT_LE), False) if vr == "UN" else self
        slot = len(self.out)
        self.out.append(b"")
        total = 0
        value = element.value
        for index, item in enumerate(value if isinstance(value, list) else []):
            if isinstance(item, Dataset):
                total += inner.item(item, charset, (place, tag, index), depth + 1)
            elif isinstance(item, (bytes, memoryview)):
                total += inner.fragment(item, place, tag)
            else:
                raise EncodeError(f"{type(item).__name__} is no item", path=path_of(place, tag))
        if undefined:
            total += inner._delimiter(SEQUENCE_DELIMITATION)
        header = self.out[slot] = self.header(tag, vr, UNDEFINED if undefined else total, place)
        return len(header) + total

    def item(self, item: Dataset, charset: Charset, place: tuple[Place, int, int], depth: int) -> int:
        """Append an item; returns its length."""
        slot = len(self.out)
        self.out.append(b"")
        length = total = self.dataset(item, charset, place, depth)
        if item.undefined_length:
            length = UNDEFINED
            total += self._delimiter(ITEM_DELIMITATION)
        elif length >= UNDEFINED:
            raise self._too_long(length, place[0], place[1])
        self.out[slot] = self.layout.item.pack(_ITEM_GROUP, _ITEM_NUMBER, length)
        return total + 8

    def fragment(self, raw: _Piece, place: Place, tag: int) -> int:
        """Append an item of compressed Pixel Data; returns its length."""
        length = len(raw) + (len(raw) & 1)
        if length >= UNDEFINED:
            raise self._too_long(length, place, tag)
        self.out.append(self.layout.item.pack(_ITEM_GROUP, _ITEM_NUMBER, length))
        self.out.append(raw)
        if length != len(raw):
            self.out.append(b"\0")
        return length + 8

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

    def _too_long(self, length: int, place: Place, tag: int) -> EncodeError:
        return EncodeError(f"an item of {length} bytes is too long", path=path_of(place, tag))

    def _delimiter(self, tag: int) -> int:
        self.out.append(self.layout.item.pack(tag >> 16, tag & 0xFFFF, 0))
        return 8


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
