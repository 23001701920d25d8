"""Encoding, the writing half of :mod:`dimse.data.codec`.

One pass appends pieces to a rope. The header of a sequence or item contains its length, so the slot of the header in
the rope stays free until the length is known. A Data Set or a sequence that was never accessed is one piece, the bytes
as they were read, unless encoding changes them.
"""

import struct

from ..errors import DecodeError, EncodeError
from .charset import Charset
from .dataset import CHARACTER_SET, PIXEL_DATA, UNREAD, Dataset, Element
from .encoding_attributes import charset_in, word_vr
from .items import Items
from .source import NOWHERE, Place, Source, path_of
from .syntax import (
    IMPLICIT_LE,
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    TransferSyntax,
)
from .tag import Tag
from .values import NUMBERS, WRITERS
from .vr import DESCRIPTORS, VRS, as_words, row_of

__all__ = ["encode_pieces", "join_small"]

_MAX_SHORT = 0xFFFE  # bytes of a value in the short form, PS3.5 §7.1.2: the greatest even number of 16 bits
_MAX_DEPTH = 128  # sequences within sequences; this bound detects a Data Set that contains itself
_WITH_FRAGMENTS = ("OB", "OW", "UN")  # VRs whose value may be a list of items
_WITH_ITEMS = frozenset(("SQ", *_WITH_FRAGMENTS))
_MIN_LARGE = 4096  # bytes; longer pieces are not joined, because the copy takes longer than sending one more piece

_Piece = bytes | memoryview
_ITEM_GROUP, _ITEM_NUMBER = ITEM >> 16, ITEM & 0xFFFF
_UNDEFINED = UNDEFINED.to_bytes(4, "little")

_NO_VRS: frozenset[str] = frozenset()
_PADS = {row.name: row.pad for row in VRS.values()}
_SHORT_CODES = {vr: code for code, vr in SHORT_VRS.items()}

# The VRs whose bytes can be copied; the key: whether byte order and character set stay the same
_COPYABLE = {
    (order, charset): frozenset(
        row.name
        for row in VRS.values()
        if row.kind != "sequence" and (order or row.size < 2) and (charset or not row.charset)
    )
    for order in (False, True)
    for charset in (False, True)
}

# The errors by which a writer refuses a value. Its bytes were wrong, its list was changed after the check, its text
# does not fit the charset, or it is a LUT Descriptor
_REFUSALS = (EncodeError, DecodeError, ValueError, TypeError, OverflowError, struct.error)


class _Encoder:
    """A writer of Data Sets in one layout, which appends to ``out``. Its methods raise EncodeError."""

    def __init__(self, out: list[_Piece], layout: Layout, encapsulated: bool) -> None:
        self.out = out
        self.layout = layout
        self.encapsulated = encapsulated
        self.short: dict[str, bytes] = {} if layout.implicit else _SHORT_CODES
        self.writers = WRITERS[layout.big_endian]
        self.numbers = NUMBERS[layout.big_endian]

    def add_dataset(self, dataset: Dataset, charset: Charset, place: Place, depth: int) -> int:
        """Append a Data Set. Return its length."""
        out, elements = self.out, dataset._elements
        if CHARACTER_SET in elements:
            charset = charset_in(elements, charset)
        writers, numbers, short, pack = self.writers, self.numbers, self.short.get, self.layout.short.pack
        latest, copyable, view = NOWHERE, _NO_VRS, NOWHERE[0].view  # the latest origin, and what depends on it
        raw: _Piece
        total = 0
        for tag in sorted(elements):
            element = elements[tag]
            vr, origin = element.VR, element._origin
            value = element._value
            if vr == "SQ" and value is not UNREAD:
                total += self.add_items(element, charset, place, depth)
                continue
            if vr in _WITH_ITEMS and (origin is not NOWHERE or type(value) is list or self.layout.big_endian):
                total += self.add_items_or_stream(element, elements, charset, place, depth)
                continue
            if origin is NOWHERE and value is not UNREAD:
                try:
                    if type(value) is int and vr in numbers:  # this shortcut encodes a film box 11 % faster
                        raw = numbers[vr].pack(value)
                    else:
                        raw = value.encode() if type(value) is str and value.isascii() else writers[vr](value, charset)
                except _REFUSALS as exc:
                    raw = self._handle_refusal(element, exc, charset, place)
            else:
                if origin is not latest:
                    latest, copyable, view = origin, self._copyable(origin[0], charset), origin[0].view
                if vr in copyable and type(value) is not list:
                    raw = view[element._start : element._start + element._length]
                else:  # a list may have been changed in place
                    raw = self._encoded_value(element, vr, charset, place)
            length = len(raw)
            code, odd = short(vr), length & 1
            if code is not None and length <= _MAX_SHORT:
                out.append(pack(tag >> 16, tag & 0xFFFF, code, length + odd))
                out.append(raw)
                if odd:
                    out.append(_PADS[vr])
                total += length + odd + 8
            else:
                total += self._add_stream(tag, vr, raw, place)
        return total

    def add_items_or_stream(
        self, element: Element, elements: dict[int, Element], charset: Charset, place: Place, depth: int
    ) -> int:
        """Append one of ``elements``: a sequence, fragments, or a stream of bytes. Return its length."""
        tag, vr = element._tag, element.VR
        if isinstance(element, Items) and element._value is UNREAD:
            piece = self._unchanged(element, charset)
            if piece is not None:
                self.out.append(piece)
                return len(piece)
        if vr == "SQ" or isinstance(element, Items) or isinstance(element._value, list):
            return self.add_items(element, charset, place, depth)
        return self._add_stream(
            tag, vr, self._encoded_value(element, word_vr(elements, tag, vr), charset, place), place
        )

    def add_items(self, element: Element, charset: Charset, place: Place, depth: int) -> int:
        """Append a sequence, or the fragments of compressed Pixel Data. Return its length."""
        tag, vr = element._tag, element.VR
        value = element._value
        if value is UNREAD:
            try:
                value = element.value
            except DecodeError as exc:  # the items could not be read
                raise EncodeError(exc.what, path=exc.path) from exc
        if depth == _MAX_DEPTH:
            raise EncodeError(f"sequences nest deeper than {_MAX_DEPTH}", path=path_of(place, tag))
        if vr in ("OB", "OW") and not self.encapsulated:
            raise EncodeError("fragments need a Transfer Syntax for compressed Pixel Data", path=path_of(place, tag))
        out, undefined = self.out, element.undefined_length or vr != "SQ"
        inner = _Encoder(out, IMPLICIT_LE.layout, self.encapsulated) if vr == "UN" else self
        slot = len(out)
        out.append(b"")
        total = 0
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, Dataset):
                total += inner.add_item(item, charset, (place, tag, index), depth + 1)
            elif isinstance(item, (bytes, memoryview)):
                total += inner.add_fragment(item, place, tag)
            else:
                raise EncodeError(f"{type(item).__name__} is not an item", path=path_of(place, tag))
        if undefined:
            total += inner._add_delimiter(SEQUENCE_DELIMITATION)
        header = out[slot] = self.make_header(tag, vr, UNDEFINED if undefined else total, place)
        return len(header) + total

    def add_item(self, item: Dataset, charset: Charset, place: tuple[Place, int, int], depth: int) -> int:
        """Append an item. Return its length."""
        out = self.out
        slot = len(out)
        out.append(b"")
        length = total = self.add_dataset(item, charset, place, depth)
        if item._origin[4]:  # undefined length
            length = UNDEFINED
            total += self._add_delimiter(ITEM_DELIMITATION)
        elif length >= UNDEFINED:
            raise self._too_long_item(length, place[0], place[1])
        out[slot] = self.layout.item.pack(_ITEM_GROUP, _ITEM_NUMBER, length)
        return total + 8

    def add_fragment(self, raw: _Piece, place: Place, tag: int) -> int:
        """Append an item of compressed Pixel Data. Return its length."""
        length = len(raw) + (len(raw) & 1)
        if length >= UNDEFINED:
            raise self._too_long_item(length, place, tag)
        self.out.append(self.layout.item.pack(_ITEM_GROUP, _ITEM_NUMBER, length))
        self.out.append(raw)
        if length != len(raw):
            self.out.append(b"\0")
        return length + 8

    def make_header(self, tag: int, vr: str, length: int, place: Place) -> bytes:
        """Return the header of an element, in the form that its VR and length require."""
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

    def _too_long_item(self, length: int, place: Place, tag: int) -> EncodeError:
        return EncodeError(f"an item of {length} bytes is too long", path=path_of(place, tag))

    def _add_delimiter(self, tag: int) -> int:
        self.out.append(self.layout.item.pack(tag >> 16, tag & 0xFFFF, 0))
        return 8

    # Decoded elements

    def _copyable(self, source: Source, charset: Charset) -> frozenset[str]:
        """Return the VRs whose values can be copied from ``source`` as they are."""
        same_charset = source.charset == charset or source.syntax is None
        big_endian = source.layout.big_endian
        same_order = big_endian is self.layout.big_endian and big_endian is source.has_big_endian_pixels
        return _COPYABLE[same_order, same_charset]

    def _unchanged(self, element: Items, charset: Charset) -> memoryview | None:
        """Return a never accessed sequence, or fragments, with the header; None if encoding would change the bytes."""
        source, start, vr = element._origin[0], element._start, element.VR
        view, end, undefined = source.view, start + element._length, element.undefined_length
        implicit = source.layout.implicit
        if (
            source.layout is not self.layout
            or source.has_big_endian_pixels is not self.layout.big_endian
            or source.charset != charset
            or (not self.encapsulated and (vr in ("OB", "OW") or source.syntax is None or source.syntax.encapsulated))
            or (not implicit and view[start - 8 : start - 6] != vr.encode())
            or (view[start - 4 : start] == _UNDEFINED) != undefined
        ):
            return None
        return view[start - (8 if implicit else 12) : end + (8 if undefined else 0)]

    def _encoded_value(self, element: Element, writer_vr: str, charset: Charset, place: Place) -> _Piece:
        """Return the bytes of a value, which are the decoded bytes if encoding would not change them.

        Otherwise, the writer of ``writer_vr`` makes the bytes. ``writer_vr`` is the VR of the element, or the VR that
        `word_vr` returns.
        """
        if element._length and element.VR in self._copyable(element._origin[0], charset) and element._untouched():
            return element.raw
        try:
            return self.writers[writer_vr](element.value, charset)
        except _REFUSALS as exc:
            return self._handle_refusal(element, exc, charset, place)

    def _handle_refusal(self, element: Element, exc: Exception, charset: Charset, place: Place) -> _Piece:
        """Return the bytes of a refused value if it is a LUT Descriptor; otherwise raise EncodeError."""
        tag, vr, value = element._tag, element.VR, element._value
        if vr == "SS" and tag in DESCRIPTORS and isinstance(value, list):
            words = as_words([word for word in value if isinstance(word, int)])
            if len(words) == len(value):
                return self.writers[vr]([*words], charset)
        if isinstance(exc, (EncodeError, DecodeError)):  # its own words say enough
            raise EncodeError(exc.what, path=path_of(place, tag)) from exc
        raise EncodeError(f"{vr} cannot hold its values: {exc}", path=path_of(place, tag)) from exc

    def _add_stream(self, tag: int, vr: str, raw: _Piece, place: Place) -> int:
        """Append an element of any length and form. Return its length."""
        length, odd = len(raw), len(raw) & 1
        header = self.make_header(tag, vr, length + odd, place)
        self.out += (header, raw, row_of(vr).pad) if odd else (header, raw)
        return len(header) + length + odd


def encode_pieces(dataset: Dataset, syntax: TransferSyntax) -> list[_Piece]:
    """Return all pieces of a Data Set, in order, not deflated. Raises EncodeError."""
    out: list[_Piece] = []
    if dataset._unread is not None and dataset._origin[0].syntax == syntax:
        return [dataset._unread.raw]
    if syntax.big_endian_pixels:
        raise EncodeError(f"{syntax.name} can be read, but not written")
    pixels = dataset._elements.get(PIXEL_DATA)
    native = pixels is not None and not isinstance(pixels, Items) and not isinstance(pixels._value, list)
    if syntax.encapsulated and native:
        raise EncodeError(f"{syntax.name} needs compressed Pixel Data, in fragments", path=str(Tag(PIXEL_DATA)))
    _Encoder(out, syntax.layout, syntax.encapsulated).add_dataset(dataset, (), None, 0)
    return out


def join_small(pieces: list[_Piece]) -> list[_Piece]:
    """Return the pieces, with small neighbors joined."""
    rope: list[_Piece] = []
    run: list[_Piece] = []
    for piece in pieces:
        if len(piece) < _MIN_LARGE:
            run.append(piece)
            continue
        if joined := b"".join(run):
            rope.append(joined)
        run.clear()
        rope.append(piece)
    if joined := b"".join(run):
        rope.append(joined)
    return rope
