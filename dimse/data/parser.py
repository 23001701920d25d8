"""Sequences, and each element that needs a closer look, from bytes: PS3.5 §7.

A :class:`Parser` reads a Data Set with all its sequences, without recursion. The fast loop of
:class:`~dimse.data.cursor.Cursor` leaves to it: delimiters, long values, padding, and elements whose VR has to be found
out.
"""

from __future__ import annotations

import struct

from ..errors import DecodeError
from .cursor import Cursor, Elements
from .dataset import Dataset, DecodedElement, charset_in, decoded_dataset
from .dictionary import vr_of
from .header import LEAST, Header, actual_layout, content_end, holds_items, is_junk, is_vr, read_header
from .items import Items, widen
from .skip import items_end
from .source import Source
from .syntax import (
    DELIMITERS,
    IMPLICIT_LE,
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    UNDEFINED,
    Layout,
    layout_of,
)
from .tag import Tag
from .vr import PIXEL_REPRESENTATION, US_OR_SS, chosen_vr, is_signed

__all__ = ["Parser", "ends_in_sequence", "parse_items"]

_NESTING, _COMPRESSED = "PS3.5 §7.5", "PS3.5 §A.4"


class Parser(Cursor):
    """A reader of a Data Set, or of the items of a sequence."""

    whole = True  # parse the items of each sequence now, not on demand

    def parse_items(self, sequence: Items, inner: Source) -> None:
        """Parse the items of a sequence, which are read as ``inner`` says, and nothing else."""
        self.stack.append(({}, self.origin, self.end, -1, self.end, inner, sequence))
        self._next_item()
        self.descend()

    def descend(self) -> None:
        """Parse until the stack is empty."""
        while self.stack:
            self.parse_common(self.origin[0].layout)

    def may_continue(self, layout: Layout, at: int, left: int) -> bool:
        self.left = left
        if self.offset < self.end:
            self.parse_special()
        else:
            self._close(at)
        return bool(self.stack) and self.origin[0].layout is layout and self.left == left

    # Single elements

    def parse_special(self) -> None:
        """Parse an element of any kind or a delimiter. Of a sequence, parse only the header of the first item."""
        layout, offset = self.origin[0].layout, self.offset
        group, number, _ = layout.item.unpack_from(self.view, offset)
        tag = group << 16 | number
        if (not tag or self.end - offset < LEAST) and self._is_padding():
            self.skip_padding()
            return
        if group == DELIMITERS:
            self._delimiter(tag)
            return
        if self.stack and not self.elements and self._changed_layout():
            return
        header = read_header(self.view, offset, self.end, layout)
        vr, (_, _, start, length, _) = self._vr(header, layout), header
        if vr == "UN" and length != UNDEFINED and not layout.big_endian:
            known = vr_of(tag)
            if known == "SQ" and self._known_items(tag, start, length):
                return
            vr = "UN" if known == "SQ" else known
        self._value(tag, chosen_vr(self._signed()) if vr == US_OR_SS else vr, start, length)

    def _vr(self, header: Header, layout: Layout) -> str:
        """Return the VR of an element, from PS3.6 if its header has none. Raises DecodeError."""
        tag, code, _, _, is_sound = header
        if not layout.implicit and (is_vr(code) or (code.isalpha() and code.isupper())):
            return str(code, "ascii")
        if not is_sound:
            raise self.error(tag, f"{code!r} is not a VR; is this Implicit VR?", "PS3.5 §6.2")
        return vr_of(tag)

    def _is_padding(self) -> bool:
        """Return whether the level has a known end, and only zeros stand before it."""
        if self.origin[4]:
            return False
        if self.end != self.padded[0]:
            self.padded = self.end, content_end(self.view, self.offset, self.end)
        return self.offset >= self.padded[1]

    def skip_padding(self) -> None:
        """Skip the zeros at the end of an item."""
        self.offset = self.end

    def _changed_layout(self) -> bool:
        """Return whether the item that begins here has another layout than its sequence, and adopt it."""
        source = self.origin[0]
        layout = actual_layout(self.view, self.offset, self.end, source.layout)
        if layout is source.layout:
            return False
        elements, origin, around, _, end, inner, sequence = self.stack[-1]
        self.stack[-1] = elements, origin, around, -1, end, inner, sequence
        self._reread(source.with_layout(layout))
        return True

    def _value(self, tag: int, vr: str, start: int, length: int) -> None:
        if length == UNDEFINED:
            self._undefined(tag, vr, start)
            return
        end = start + length
        if end > self.end:
            raise self.too_long(tag, length, start)
        if vr == "SQ" and not holds_items(self.view, start, end, self.origin[0].layout):
            vr = "UN"
        if vr == "SQ" and (self.whole or self.stack):
            self._enter(Items(tag, vr, self.origin, start, length, []), end, self.origin[0])
            return
        if vr == "SQ":
            self.elements[tag] = Items(tag, vr, self.origin, start, length, [], parse_items)
        elif tag & 0xFFFF or tag >> 16 in self.origin[0].lengths_kept:
            self.elements[tag] = DecodedElement(tag, vr, self.origin, start, length)
        self.offset = end

    def _undefined(self, tag: int, vr: str, start: int) -> None:
        is_known = vr == "UN" and vr_of(tag) == "SQ"
        if vr not in ("OB", "OW", "UN") and start < self.end:
            is_sequence = holds_items(self.view, start, self.end, self.origin[0].layout)
            vr = "SQ" if is_sequence else vr
        sequence = Items(tag, "SQ" if is_known else vr, self.origin, start, 0, [])
        sequence.undefined_length = True
        if vr in ("OB", "OW"):
            self._fragments(sequence)
        elif vr == "UN":
            self._enter(sequence, self.end, self._in_unknown())
        elif vr != "SQ":
            raise self.error(tag, f"{vr} cannot have undefined length", "PS3.5 §7.1.1")
        elif self.whole or self.stack or not self._skip_items(sequence):
            self._enter(sequence, self.end, self.origin[0])

    def _skip_items(self, sequence: Items) -> bool:
        """Leave the items of a sequence of undefined length for later. Return False if they are not sound."""
        start, layout = sequence._start, self.origin[0].layout
        end = items_end(self.view, start, self.end, layout, self.left, self.limits.depth)
        if end is None:
            return False
        self.elements[sequence._tag] = sequence
        sequence._parse, self.offset = parse_items, end
        self._end(sequence)
        return True

    def _in_unknown(self) -> Source:
        """Return the source of items in UN, which are always in Implicit VR Little Endian, PS3.5 §6.2.2."""
        return self.origin[0].with_layout(layout_of(IMPLICIT_LE)).with_signed(self._signed())

    def _known_items(self, tag: int, start: int, length: int) -> bool:
        """Parse UN of defined length as the sequence that PS3.6 has here. Return False if it is not a sequence."""
        if start + length > self.end:
            return False
        sequence = Items(tag, "SQ", self.origin, start, length, [])
        inner = self._in_unknown()
        part = Parser(self.origin, start, start + length)
        part.left = self.left
        try:
            part.parse_items(sequence, inner.with_charset(charset_in(self.elements, inner.charset)))
        except DecodeError:
            return False
        self.elements[tag] = sequence
        self.left, self.offset = part.left, start + length
        return True

    def _fragments(self, sequence: Items) -> None:
        """Parse compressed Pixel Data, PS3.5 §A.4: the Basic Offset Table, then the fragments."""
        tag, self.offset = sequence._tag, sequence._start
        most = min(self.left, self.limits.items)
        for _ in range(most + 1):
            delimiter, length = self._item_header(sequence, self.origin[0].layout)
            if delimiter == SEQUENCE_DELIMITATION:
                self._end(sequence)
                self.elements[tag] = sequence
                self.left -= len(sequence._items)
                return
            self.offset += 8
            if delimiter != ITEM or self.offset + length > self.end:
                raise self.error(tag, f"{Tag(delimiter)} of {length} bytes where a fragment should be", _COMPRESSED)
            sequence._items.append(self.view[self.offset : self.offset + length])
            self.offset += length
        raise self.error(tag, f"more than {most} fragments", "DecodeLimits.items")

    # Sequences and items

    def _enter(self, sequence: Items, end: int, inner: Source) -> None:
        """Enter a sequence that ends at ``end``, at the latest, and whose items are read as ``inner`` says."""
        if len(self.stack) >= self.limits.depth:
            raise self.error(sequence._tag, f"sequences nest deeper than {self.limits.depth}", "DecodeLimits.depth")
        charset = charset_in(self.elements, inner.charset)
        inner = inner if charset == inner.charset else inner.with_charset(charset)
        self.elements[sequence._tag] = sequence
        self.stack.append((self.elements, self.origin, self.end, -1, end, inner, sequence))
        self.offset = sequence._start
        self._next_item()

    def _next_item(self) -> None:
        """Enter the next item of a sequence, or leave the sequence after its last item."""
        elements, origin, around, _, end, inner, sequence = self.stack[-1]
        undelimited = sequence.undefined_length
        self.origin = origin
        if self.offset + LEAST > end and not undelimited and (self.offset >= end or self._skip_junk()):
            self._leave()
            return
        delimiter, length = self._item_header(sequence, inner.layout)
        if delimiter == ITEM_DELIMITATION and sequence._items:  # after an item of defined length
            self.offset += 8
            if self.offset >= end and not undelimited:
                self._leave()
                return
            delimiter, length = self._item_header(sequence, inner.layout)
        if delimiter == SEQUENCE_DELIMITATION and undelimited:
            self._end(sequence)
            self._leave()
            return
        if delimiter != ITEM and self._skip_junk():
            self._leave()
            return
        self.offset += 8
        if delimiter == SEQUENCE_DELIMITATION and self.offset == end:  # the length of the sequence includes it
            self._leave()
            return
        if delimiter != ITEM:
            raise self.error(sequence._tag, f"{Tag(delimiter)} where an item should begin", _NESTING)
        if len(sequence._items) >= self.limits.items:
            raise self.error(sequence._tag, f"more than {self.limits.items} items", "DecodeLimits.items")
        undefined = length == UNDEFINED
        self.end = end if undefined else self.offset + length
        if self.end > end:
            raise self.error(sequence._tag, f"an item of {length} bytes ends beyond its sequence", _NESTING)
        self.elements, self.origin = {}, (inner, origin, sequence._tag, len(sequence._items), undefined)
        sequence._items.append(decoded_dataset(self.elements, self.origin))
        is_plain = len(self.stack) > 1 and not (undefined or undelimited or inner.layout.big_endian)
        at_once = end if self.end == end and is_plain else -1
        self.stack[-1] = elements, origin, around, at_once, end, inner, sequence

    def _skip_junk(self) -> bool:
        """Skip what follows the last item of a sequence of defined length. Return False if it may mean something."""
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
            raise self.error(sequence._tag, "the header of an item is cut off", _NESTING) from exc
        return group << 16 | number, length

    def _end(self, sequence: Items) -> None:
        """Skip the delimiter of a sequence."""
        sequence._length = self.offset - sequence._start
        self.offset += 8

    def _leave(self) -> None:
        self.elements, self.origin, self.end, _, _, _, _ = self.stack.pop()

    def _delimiter(self, tag: int) -> None:
        """Skip a delimiter: of an item, or an unnecessary one after an item or a sequence of defined length."""
        delimited = self.origin[4]
        if tag == ITEM_DELIMITATION and (delimited or (self.stack and self.offset + 8 == self.end)):
            self._finish()
            self.offset += 8
            self._next_item()
        elif tag != ITEM and self.is_needless():
            self.offset += 8
        elif tag == SEQUENCE_DELIMITATION and delimited and self._ends_sequence():
            self._finish()
            self._next_item()
        else:
            raise self.error(tag, "a delimiter or item is out of place", _NESTING)

    def _ends_sequence(self) -> bool:
        """Return whether a sequence delimiter at this place ends the sequence around this item."""
        return self.stack[-1][6].undefined_length or self.offset + 8 == self.end

    def is_needless(self) -> bool:
        """Return whether the delimiter at this place follows a sequence of defined length."""
        return ends_in_sequence(self.elements, self.offset)

    def _close(self, at: int) -> None:
        """End an item whose last element is at ``at``."""
        if self.offset > self.end:
            raise self.overrun(at)
        if self.origin[4] and self.stack[-1][6].undefined_length:
            raise self.error(ITEM_DELIMITATION, "the item ends without its delimiter", _NESTING)
        self._finish()
        self._next_item()

    def _finish(self) -> None:
        """Apply the item's own Specific Character Set and Bits Allocated, at its end."""
        source = self.origin[0]
        charset = charset_in(self.elements, source.charset)
        if charset != source.charset:
            self._reread(source.with_charset(charset))
        if source.has_big_endian_pixels:
            widen(self.elements, source)

    def _reread(self, source: Source) -> None:
        """Give the current item, and the elements that it has so far, another source."""
        self.origin = source, *self.origin[1:]
        for element in self.elements.values():
            element._origin = self.origin
        item = self.stack[-1][6]._items[-1]
        assert isinstance(item, Dataset)  # not fragments
        item._origin = self.origin

    def _signed(self) -> bool:
        """Return whether the nearest Pixel Representation, in this level or around it, means signed pixels."""
        for elements in (self.elements, *(frame[0] for frame in reversed(self.stack))):
            if PIXEL_REPRESENTATION in elements:
                return is_signed(elements[PIXEL_REPRESENTATION]._raw)
        return self.signed_around()

    def signed_around(self) -> bool:
        """Return the same for the Data Set around everything that this parser reads."""
        return self.origin[0].signed


def ends_in_sequence(elements: Elements, offset: int) -> bool:
    """Return whether the last element is a sequence of defined length that ends at ``offset``."""
    last = next(reversed(elements.values()), None)
    if not isinstance(last, Items) or last.VR != "SQ" or last.undefined_length:
        return False
    return last._start + last._length == offset


def parse_items(sequence: Items) -> None:
    """Parse the items of a sequence on demand, after the elements around it. Raises DecodeError."""
    start, end = sequence._start, sequence._start + sequence._length
    parser = Parser(sequence._origin, start, end + 8 if sequence.undefined_length else end)
    parser.parse_items(sequence, sequence._origin[0])
