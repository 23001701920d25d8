"""The parser of sequences, and of all elements that the fast loop leaves to it: PS3.5 §7.

A :class:`Parser` reads a Data Set with all its sequences, without recursion. The fast loop of
:class:`~dimse.data.cursor.Cursor` leaves to it most of the delimiters, all long values, padding, and elements whose VR
must be determined.
"""

from __future__ import annotations

import struct
from typing import Final

from ..errors import DecodeError
from .cursor import NOT_SHARED, Cursor, Elements
from .dataset import CHARACTER_SET, PIXEL_DATA, Dataset, DecodedElement, decoded_dataset
from .dictionary import vr_of
from .encoding_attributes import charset_in
from .header import (
    SHORTEST_HEADER,
    Header,
    actual_layout,
    begins_early,
    content_end,
    holds_items,
    is_junk,
    is_vr,
    read_header,
)
from .items import Items, fix_pixel_order
from .skip import items_end
from .source import Source
from .syntax import (
    DELIMITERS,
    IMPLICIT_LE,
    ITEM,
    ITEM_DELIMITATION,
    LONG_VRS,
    SEQUENCE_DELIMITATION,
    UNDEFINED,
    Layout,
)
from .tag import Tag
from .vr import PIXEL_REPRESENTATION, US_OR_SS, chosen_vr, is_signed

__all__ = ["Parser", "ends_in_sequence", "parse_items"]

_NESTING, _COMPRESSED = "PS3.5 §7.5", "PS3.5 §A.4"
_CUT_OFF = "the header of an item is cut off"
_IS_UNDEFINED: Final = 4  # the field of an Origin that says whether the length of the item is undefined
_SEQUENCE: Final = 6  # the field of a frame on the stack that is the sequence itself


class Parser(Cursor):
    """A reader of a Data Set, or of the items of a sequence."""

    whole = True  # parse the items of each sequence now, not on demand

    def parse_items(self, sequence: Items, inner: Source) -> None:
        """Parse the items of a sequence, and nothing else; ``inner`` is the source with which they are read."""
        self.stack.append(({}, self.origin, self.end, NOT_SHARED, self.end, inner, sequence))
        self._next_item()
        self.parse_all()

    def parse_all(self) -> None:
        """Parse until the stack is empty."""
        while self.stack:
            self.parse_common(self.origin[0].layout)

    def parse_next(self, layout: Layout, at: int, left: int) -> bool:
        self.left = left
        if self.offset < self.end:
            self.parse_special()
        else:
            self._end_item_without_delimiter(at)
        return bool(self.stack) and self.origin[0].layout is layout and self.left == left

    # Single elements

    def parse_special(self) -> None:
        """Parse an element of any kind, or a delimiter.

        A sequence is entered, up to the header of its first item, or left for later. But a sequence in UN of defined
        length is parsed with all its items.
        """
        layout, offset = self.origin[0].layout, self.offset
        group, number, code, length = layout.short.unpack_from(self.view, offset)
        tag = group << 16 | number
        if (not tag or self.end - offset < SHORTEST_HEADER) and self._is_padding():
            self.skip_padding()
            return
        if group == DELIMITERS:
            self._parse_delimiter(tag)
            return
        if self.stack and not self.elements and self._try_adopt_layout():
            return
        if code in LONG_VRS and not (layout.implicit or length):  # saves a call: 9 % of the byte code of a small file
            vr, start, length = LONG_VRS[code], offset + 12, layout.length.unpack_from(self.view, offset + 8)[0]
        else:
            header = read_header(self.view, offset, self.end, layout)
            vr, (_, _, start, length, _) = self._vr_of_header(header, layout), header
        if vr == "UN" and length != UNDEFINED and not layout.big_endian:
            vr = self._vr_of_unknown(tag)
            if vr == "UN" and vr_of(tag) == "SQ" and self._try_parse_known(tag, start, length):
                return
        self._parse_value(tag, chosen_vr(self._is_signed()) if vr == US_OR_SS else vr, start, length)

    def _vr_of_unknown(self, tag: int) -> str:
        """Return the VR for a value that has UN, or SQ but no items: the VR in PS3.6, or UN if PS3.6 says SQ."""
        known = vr_of(tag)
        if known == US_OR_SS:
            return chosen_vr(self._is_signed())
        return "UN" if known == "SQ" else known

    def _vr_of_header(self, header: Header, layout: Layout) -> str:
        """Return the VR in a header, or the VR in PS3.6 if the header contains none. Raises DecodeError."""
        tag, code, _, _, is_sound = header
        if not layout.implicit and (is_vr(code) or (code.isalpha() and code.isupper())):
            return str(code, "ascii")
        if not is_sound:
            raise self.error(tag, f"{code!r} is not a VR; is this Implicit VR?", "PS3.5 §6.2")
        return vr_of(tag)

    def _is_padding(self) -> bool:
        """Return whether the level has a known end and only zeros are left before that end."""
        if self.origin[_IS_UNDEFINED]:
            return False
        if self.end != self.padded[0]:
            self.padded = self.end, content_end(self.view, self.offset, self.end)
        return self.offset >= self.padded[1]

    def skip_padding(self) -> None:
        """Skip the zeros at the end of an item."""
        self.offset = self.end

    def _try_adopt_layout(self) -> bool:
        """Adopt the layout of the item that begins here. Return False if it is the layout of its sequence."""
        source = self.origin[0]
        layout = actual_layout(self.view, self.offset, self.end, source.layout)
        if layout is source.layout:
            return False
        elements, origin, outer_end, _, end, inner, sequence = self.stack[-1]
        self.stack[-1] = elements, origin, outer_end, NOT_SHARED, end, inner, sequence
        self._reread(source.with_layout(layout))
        return True

    def _parse_value(self, tag: int, vr: str, start: int, length: int) -> None:
        if start > self.end:
            raise self.cut_off(self.offset)
        if length == UNDEFINED:
            self._parse_undefined(tag, vr, start)
            return
        end = start + length
        if end > self.end:
            raise self.too_long(tag, length, start)
        layout = self.origin[0].layout
        if vr == "SQ" and start != end and not holds_items(self.view, start, end, layout):
            vr = "UN" if layout.big_endian else self._vr_of_unknown(tag)
        if vr == "SQ" and (self.whole or self.stack):
            self._enter(Items(tag, vr, self.origin, start, length, []), end, self.origin[0])
            return
        if vr == "SQ":
            self.elements.setdefault(tag, Items(tag, vr, self.origin, start, length, [], parse_items))
        elif tag & 0xFFFF or tag >> 16 in self.origin[0].lengths_kept:
            self.elements.setdefault(tag, DecodedElement(tag, vr, self.origin, start, length))
        self.offset = end

    def _parse_undefined(self, tag: int, vr: str, start: int) -> None:
        is_known_sequence = vr == "UN" and vr_of(tag) == "SQ"
        if vr not in ("OB", "OW", "UN") and start < self.end:
            is_sequence = holds_items(self.view, start, self.end, self.origin[0].layout)
            vr = "SQ" if is_sequence else vr
        if tag == PIXEL_DATA and vr == "UN":  # it is never a sequence, so it has fragments
            vr = "OB"
        sequence = Items(tag, "SQ" if is_known_sequence else vr, self.origin, start, 0, [])
        sequence.undefined_length = True
        if vr in ("OB", "OW"):
            self._parse_fragments(sequence)
        elif vr == "UN":
            self._enter(sequence, self.end, self._source_of_unknown())
        elif vr != "SQ":
            raise self.error(tag, f"{vr} cannot have undefined length", "PS3.5 §7.1.1")
        elif self.whole or self.stack or not self._try_skip_items(sequence):
            self._enter(sequence, self.end, self.origin[0])

    def _try_skip_items(self, sequence: Items) -> bool:
        """Leave the items of a sequence of undefined length for later.

        Return False if the end of the sequence cannot be found without parsing the items.
        """
        start, layout = sequence._start, self.origin[0].layout
        end = items_end(self.view, start, self.end, layout, self.left, self.limits.depth)
        if end is None:
            return False
        self.store(sequence)
        sequence._parse, self.offset = parse_items, end
        self._skip_sequence_delimiter(sequence)
        return True

    def _source_of_unknown(self) -> Source:
        """Return the source of items in UN: they are always in Implicit VR Little Endian, PS3.5 §6.2.2."""
        return self.origin[0].with_layout(IMPLICIT_LE.layout).with_signed(self._is_signed())

    def _try_parse_known(self, tag: int, start: int, length: int) -> bool:
        """Parse UN of defined length as the sequence that PS3.6 defines for this tag.

        Return False if that fails; the caller then keeps the bytes, or raises the error of a value that is too long.
        A sequence nested too deeply fails, too.
        """
        if start + length > self.end or len(self.stack) >= self.deepest:
            return False
        sequence = Items(tag, "SQ", self.origin, start, length, [])
        inner = self._source_of_unknown()
        part = Parser(self.origin, start, start + length)
        part.left, part.deepest = self.left, self.deepest - len(self.stack)
        try:
            part.parse_items(sequence, inner.with_charset(charset_in(self.elements, inner.charset)))
        except DecodeError:
            return False
        self.store(sequence)
        self.left, self.offset = part.left, start + length
        return True

    def _parse_fragments(self, sequence: Items) -> None:
        """Parse compressed Pixel Data, PS3.5 §A.4: the Basic Offset Table, then the fragments."""
        tag, self.offset = sequence._tag, sequence._start
        limit = min(self.left, self.limits.items)  # fragments
        for _ in range(limit + 1):
            delimiter, length = self._fragment_header(sequence, self.origin[0].layout)
            if delimiter == SEQUENCE_DELIMITATION:
                self._skip_sequence_delimiter(sequence)
                self.offset = min(self.offset, self.end)  # fewer than 8 zeros may stand for the delimiter
                self.store(sequence)
                self.left -= len(sequence._items)
                return
            self.offset += 8
            if delimiter != ITEM:
                raise self.error(tag, f"{Tag(delimiter)} stands where a fragment should begin", _COMPRESSED)
            if (left := self.end - self.offset) < length:
                raise self.error(tag, f"a fragment of {length} bytes, but only {left} follow", _COMPRESSED)
            sequence._items.append(self.view[self.offset : self.offset + length])
            self.offset += length
        if limit < self.limits.items:
            raise self.error(tag, f"more than {self.limits.elements} elements", "DecodeLimits.elements")
        raise self.error(tag, f"more than {limit} fragments", "DecodeLimits.items")

    def _fragment_header(self, sequence: Items, layout: Layout) -> tuple[int, int]:
        """Return the tag and the length at a place where a fragment should be.

        The length of the fragment before may count a padding byte that is missing, as in a JPEG of a GE device. The
        last byte of that fragment is then the first byte of this header, and is removed from the fragment. Zeros up to
        the end of the Data Set stand for the delimiter, as in files of an old archive. Raises DecodeError for a Data
        Set that ends here without zeros, because it may be cut off.
        """
        if self.offset + SHORTEST_HEADER <= self.end:
            group, number, length = layout.item.unpack_from(self.view, self.offset)
            if (tag := group << 16 | number) in (ITEM, SEQUENCE_DELIMITATION):
                return tag, length
        last = sequence._items[-1] if sequence._items else None
        if isinstance(last, memoryview) and len(last) and begins_early(self.view, self.offset, layout):
            sequence._items[-1] = last[:-1]
            sequence._value = sequence._items  # so that encoding does not copy the fault
            self.offset -= 1
        elif len(sequence._items) > 1 and self.offset < self.end and self._is_padding():
            sequence._value = sequence._items
            return SEQUENCE_DELIMITATION, 0
        if self.offset + SHORTEST_HEADER > self.end:  # a delimiter that follows is one of a sequence around this item
            raise self.error(sequence._tag, _CUT_OFF, _NESTING)
        return self._item_header(sequence, layout)

    # Sequences and items

    def _enter(self, sequence: Items, end: int, inner: Source) -> None:
        """Enter a sequence that ends at ``end``, at the latest; ``inner`` is the source of its items."""
        if len(self.stack) >= self.deepest:
            raise self.error(sequence._tag, f"sequences nest deeper than {self.limits.depth}", "DecodeLimits.depth")
        if CHARACTER_SET in self.elements:
            inner = inner.with_charset(charset_in(self.elements, inner.charset))
        self.store(sequence)
        self.stack.append((self.elements, self.origin, self.end, NOT_SHARED, end, inner, sequence))
        self.offset = sequence._start
        self._next_item()

    def _next_item(self) -> None:
        """Enter the next item of a sequence, or leave the sequence after its last item."""
        elements, origin, outer_end, _, end, inner, sequence = self.stack[-1]
        sequence_undefined = sequence.undefined_length
        self.origin = origin
        is_at_end = self.offset + SHORTEST_HEADER > end and not sequence_undefined
        if is_at_end and (self.offset >= end or self._try_skip_junk()):
            self._pop_level()
            return
        delimiter, length = self._item_header(sequence, inner.layout)
        if delimiter == ITEM_DELIMITATION and sequence._items:  # after an item of defined length
            self.offset += 8
            if self.offset >= end and not sequence_undefined:
                self._pop_level()
                return
            delimiter, length = self._item_header(sequence, inner.layout)
        if delimiter == SEQUENCE_DELIMITATION and sequence_undefined:
            self._skip_sequence_delimiter(sequence)
            self._pop_level()
            return
        if delimiter != ITEM and self._try_skip_junk():
            self._pop_level()
            return
        self.offset += 8
        if delimiter == SEQUENCE_DELIMITATION and self.offset == end:  # the length includes an unneeded delimiter
            self._pop_level()
            return
        if delimiter != ITEM:
            raise self.error(sequence._tag, f"{Tag(delimiter)} stands where an item should begin", _NESTING)
        if len(sequence._items) >= self.limits.items:
            raise self.error(sequence._tag, f"more than {self.limits.items} items", "DecodeLimits.items")
        item_undefined = length == UNDEFINED
        self.end = end if item_undefined else self.offset + length
        if self.end > end:
            raise self.error(sequence._tag, f"an item of {length} bytes ends beyond its sequence", _NESTING)
        self.elements, self.origin = {}, (inner, origin, sequence._tag, len(sequence._items), item_undefined)
        sequence._items.append(decoded_dataset(self.elements, self.origin))
        is_plain = len(self.stack) > 1 and not (item_undefined or sequence_undefined or inner.layout.big_endian)
        shared_end = end if self.end == end and is_plain else NOT_SHARED
        self.stack[-1] = elements, origin, outer_end, shared_end, end, inner, sequence

    def _try_skip_junk(self) -> bool:
        """Skip meaningless bytes after the last item of a sequence of defined length.

        Return False, and skip nothing, if the bytes may be an item, a delimiter or a known element, or if the sequence
        is empty or of undefined length.
        """
        _, _, _, _, end, inner, sequence = self.stack[-1]
        if sequence.undefined_length or not sequence._items or not is_junk(self.view, self.offset, end, inner.layout):
            return False
        self.offset = end
        return True

    def _item_header(self, sequence: Items, layout: Layout) -> tuple[int, int]:
        """Return the tag and the length at a place where an item or a delimiter should be."""
        try:
            group, number, length = layout.item.unpack_from(self.view, self.offset)
        except struct.error as exc:
            raise self.error(sequence._tag, _CUT_OFF, _NESTING) from exc
        return group << 16 | number, length

    def _skip_sequence_delimiter(self, sequence: Items) -> None:
        """Skip the delimiter of a sequence, and record the length of the sequence."""
        sequence._length = self.offset - sequence._start
        self.offset += 8

    def _pop_level(self) -> None:
        """Return to the level around the current sequence."""
        self.elements, self.origin, self.end, _, _, _, _ = self.stack.pop()

    def _parse_delimiter(self, tag: int) -> None:
        """Skip the delimiter of an item, or an unneeded delimiter after an item or a sequence of defined length.

        A sequence delimiter also ends an item whose own delimiter is missing. Raises DecodeError for another delimiter.
        """
        item_undefined = self.origin[_IS_UNDEFINED]
        if tag == ITEM_DELIMITATION and (item_undefined or (self.stack and self.offset + 8 == self.end)):
            self._apply_encoding_attributes()
            self.offset += 8
            self._next_item()
        elif tag != ITEM and self.is_unneeded_delimiter():
            self.offset += 8
        elif tag == SEQUENCE_DELIMITATION and item_undefined and self._ends_sequence():
            self._apply_encoding_attributes()
            self._next_item()
        else:
            raise self.error(tag, "this tag is out of place", _NESTING)

    def _ends_sequence(self) -> bool:
        """Return whether a sequence delimiter at this place ends the sequence around this item."""
        return self.stack[-1][_SEQUENCE].undefined_length or self.offset + 8 == self.end

    def is_unneeded_delimiter(self) -> bool:
        """Return whether the delimiter at this place follows a sequence of defined length."""
        return ends_in_sequence(self.elements, self.offset)

    def _end_item_without_delimiter(self, at: int) -> None:
        """End an item that has no more bytes, or raise an error; ``at`` is the offset of its last element."""
        if self.offset > self.end:
            self._drop_overrun()
            raise self.overrun(at)
        if self.origin[_IS_UNDEFINED] and self.stack[-1][_SEQUENCE].undefined_length:
            raise self.error(ITEM_DELIMITATION, "the item ends without its delimiter", _NESTING)
        if CHARACTER_SET in self.elements or self.origin[0].has_big_endian_pixels:
            self._apply_encoding_attributes()
        self._next_item()

    def _drop_overrun(self) -> None:
        """Drop the last element, which ends beyond its item, from the readable part of the Data Set."""
        tag, last = next(reversed(self.elements.items()), (0, None))
        if last is not None and last._start + last._length == self.offset:  # otherwise its tag is repeated: not stored
            del self.elements[tag]

    def _apply_encoding_attributes(self) -> None:
        """Apply the Specific Character Set and Bits Allocated of an item, once all its elements are parsed."""
        source = self.origin[0]
        if CHARACTER_SET in self.elements:
            charset = charset_in(self.elements, source.charset)
            if charset != source.charset:
                self._reread(source.with_charset(charset))
        if source.has_big_endian_pixels:
            fix_pixel_order(self.elements, source)

    def _reread(self, source: Source) -> None:
        """Give another source to the current item and to the elements parsed so far."""
        self.origin = source, *self.origin[1:]
        for element in self.elements.values():
            element._origin = self.origin
        item = self.stack[-1][_SEQUENCE]._items[-1]
        assert isinstance(item, Dataset)  # not fragments
        item._origin = self.origin

    def _is_signed(self) -> bool:
        """Return whether pixels are signed: the nearest Pixel Representation, in this or an outer level, decides."""
        for elements in (self.elements, *(frame[0] for frame in reversed(self.stack))):
            if PIXEL_REPRESENTATION in elements:
                return is_signed(elements[PIXEL_REPRESENTATION].raw)
        return self.is_signed_around()

    def is_signed_around(self) -> bool:
        """Return whether pixels are signed in the Data Set around the parsed part."""
        return self.origin[0].signed


def ends_in_sequence(elements: Elements, offset: int) -> bool:
    """Return whether the last element is a sequence of defined length that ends at ``offset``."""
    last = next(reversed(elements.values()), None)
    if not isinstance(last, Items) or last.VR != "SQ" or last.undefined_length:
        return False
    return last._start + last._length == offset


def parse_items(sequence: Items) -> None:
    """Parse the items of a sequence on demand, once the enclosing Data Set has been parsed. Raises DecodeError."""
    start, end = sequence._start, sequence._start + sequence._length
    parser = Parser(sequence._origin, start, end + 8 if sequence.undefined_length else end)  # 8: its delimiter
    parser.parse_items(sequence, sequence._origin[0])
