"""The items of sequences, and whatever is not common in a Data Set, from bytes.

A :class:`Parser` reads sequences to their ground, without recursion. One of the two loops of :mod:`dimse.data.loops`
does what is common. For whatever is special (delimiters, long lengths, VRs that must be found out) it calls the parser,
which stands where the loop is to go on; where that has another layout, the other loop takes over.

Here an element whose VR is not written beside it gets one.
"""

import struct

from ..errors import DecodeError
from .ambiguous import PIXEL_REPRESENTATION, US_OR_SS, chosen_vr, is_signed
from .cursor import Cursor, Elements
from .dataset import Dataset, DecodedElement, charset_in, decoded_dataset
from .dictionary import vr_of
from .header import LEAST, Header, content_end, holds_items, is_vr, item_layout, read_header
from .items import Items
from .layout import DELIMITERS, ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, UNDEFINED, Layout, layout_of
from .loops import parse_explicit, parse_implicit
from .origin import Source
from .steps import items_end
from .syntax import IMPLICIT_LE
from .tag import Tag
from .wide import widen

__all__ = ["Parser", "ends_in_sequence", "parse_items"]

_NESTING, _COMPRESSED = "PS3.5 §7.5", "PS3.5 §A.4"


class Parser(Cursor):
    """Reads a Data Set, or the items of a sequence."""

    whole = True  # parse sequences as they come, not when somebody asks for their items

    # Sequences, to the ground

    def parse_items(self, sequence: Items, inner: Source) -> None:
        """Parse the items of a sequence, as ``inner`` says, which are all that this parser reads."""
        self.stack.append(({}, self.origin, self.end, -1, self.end, inner, sequence))
        self._next_item()
        self.descend()

    def descend(self) -> None:
        while self.stack:
            layout = self.origin[0].layout
            if layout.implicit:
                parse_implicit(self, layout)
            else:
                parse_explicit(self, layout)

    # What is special

    def turned(self, layout: Layout, at: int, left: int) -> bool:
        """Do what a loop does not; ``at`` is the last element. Returns whether the same loop is to go on."""
        self.left = left
        if self.offset < self.end:
            self.parse_special()
        else:
            self._close(at)
        return bool(self.stack) and self.origin[0].layout is layout and self.left == left

    def parse_special(self) -> None:
        """Parse any element, or a delimiter; of a sequence, the header of its first item."""
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
        vr = self._vr(header, layout)
        if vr == "UN" and header.length != UNDEFINED and not layout.big_endian:
            known = vr_of(tag)
            if known == "SQ" and self._known_items(tag, header.start, header.length):
                return
            vr = "UN" if known == "SQ" else known
        self._value(tag, chosen_vr(self._signed()) if vr == US_OR_SS else vr, header.start, header.length)

    def _vr(self, header: Header, layout: Layout) -> str:
        """The VR of an element; where its header has none, that of PS3.6. Raises DecodeError."""
        code = header.code
        if not layout.implicit and (is_vr(code) or (code.isalpha() and code.isupper())):
            return str(code, "ascii")
        if not header.is_sound:
            raise self.error(header.tag, f"{code!r} is not a VR; is this Implicit VR?", "PS3.5 §6.2")
        return vr_of(header.tag)

    def _is_padding(self) -> bool:
        """Whether only zeros stand between here and the end of the level, if that has an end."""
        if self.origin[4]:
            return False
        if self.end != self.padded[0]:
            self.padded = self.end, content_end(self.view, self.offset, self.end)
        return self.offset >= self.padded[1]

    def skip_padding(self) -> None:
        """Pass over the zeros that fill up an item."""
        self.offset = self.end

    def _changed_layout(self) -> bool:
        """Whether the item that begins here is laid out in another way than what is around it; then it is read so."""
        source = self.origin[0]
        layout = item_layout(self.view, self.offset, self.end, source.layout)
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
        sequence = Items(tag, "SQ" if is_known else vr, self.origin, start, 0, [])
        sequence.undefined_length = True
        if vr in ("OB", "OW"):
            self._fragments(sequence)
        elif vr == "UN":
            self._enter(sequence, self.end, self._in_unknown())
        elif vr != "SQ":
            raise self.error(tag, f"{vr} cannot have undefined length", "PS3.5 §7.1.1")
        elif self.whole or self.stack or not self._step_over(sequence):
            self._enter(sequence, self.end, self.origin[0])

    def _step_over(self, sequence: Items) -> bool:
        """Leave the items of a sequence of undefined length for later; False if there is something wrong with them."""
        start, layout = sequence._start, self.origin[0].layout
        end = items_end(self.view, start, self.end, layout, self.left, self.limits.depth)
        if end is None:
            return False
        self.elements[sequence._tag] = sequence
        sequence._parse, self.offset = parse_items, end
        self._end(sequence)
        return True

    def _in_unknown(self) -> Source:
        """How items in UN are read: always in Implicit VR Little Endian, PS3.5 §6.2.2."""
        return self.origin[0].with_layout(layout_of(IMPLICIT_LE)).with_signed(self._signed())

    def _known_items(self, tag: int, start: int, length: int) -> bool:
        """Parse UN of defined length as the sequence that PS3.6 has there; whether it holds one."""
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
        """The items of compressed Pixel Data, PS3.5 §A.4: the Basic Offset Table, then the fragments."""
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
        """Go into a sequence that ends, at the latest, at ``end``, and whose items are read as ``inner`` says."""
        if len(self.stack) >= self.limits.depth:
            raise self.error(sequence._tag, f"sequences nest deeper than {self.limits.depth}", "DecodeLimits.depth")
        charset = charset_in(self.elements, inner.charset)
        inner = inner if charset == inner.charset else inner.with_charset(charset)
        self.elements[sequence._tag] = sequence
        self.stack.append((self.elements, self.origin, self.end, -1, end, inner, sequence))
        self.offset = sequence._start
        self._next_item()

    def _next_item(self) -> None:
        """Go into the next item of a sequence, or out of the sequence if there is none."""
        elements, origin, around, _, end, inner, sequence = self.stack[-1]
        undelimited = sequence.undefined_length
        self.origin = origin
        if self.offset >= end and not undelimited:
            self._leave()
            return
        delimiter, length = self._item_header(sequence, inner.layout)
        if delimiter == ITEM_DELIMITATION and sequence._items:  # behind an item that has a length
            self.offset += 8
            if self.offset >= end and not undelimited:
                self._leave()
                return
            delimiter, length = self._item_header(sequence, inner.layout)
        if delimiter == SEQUENCE_DELIMITATION and undelimited:
            self._end(sequence)
            self._leave()
            return
        self.offset += 8
        if delimiter == SEQUENCE_DELIMITATION and self.offset == end:  # counted into the length of the sequence
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

    def _item_header(self, sequence: Items, layout: Layout) -> tuple[int, int]:
        """The tag and the length of an item, or of what should be one."""
        try:
            group, number, length = layout.item.unpack_from(self.view, self.offset)
        except struct.error as exc:
            raise self.error(sequence._tag, "the header of an item is cut off", _NESTING) from exc
        return group << 16 | number, length

    def _end(self, sequence: Items) -> None:
        """Step over the delimiter of a sequence."""
        sequence._length = self.offset - sequence._start
        self.offset += 8

    def _leave(self) -> None:
        self.elements, self.origin, self.end, _, _, _, _ = self.stack.pop()

    def _delimiter(self, tag: int) -> None:
        """Step over a delimiter: of an item, or one that other devices write where an item or sequence has a length."""
        delimited = self.origin[4]
        if tag == ITEM_DELIMITATION and (delimited or (self.stack and self.offset + 8 == self.end)):
            self._finish()
            self.offset += 8
            self._next_item()
        elif tag == SEQUENCE_DELIMITATION and self.has_sequence_before():
            self.offset += 8
        elif tag == SEQUENCE_DELIMITATION and delimited and self._ends_sequence():
            self._finish()
            self._next_item()
        else:
            raise self.error(tag, "a delimiter or item is out of place", _NESTING)

    def _ends_sequence(self) -> bool:
        """Whether a delimiter of a sequence, here, is that of the sequence around this item."""
        return self.stack[-1][6].undefined_length or self.offset + 8 == self.end

    def has_sequence_before(self) -> bool:
        """Whether a sequence that has a length ends here."""
        return ends_in_sequence(self.elements, self.offset)

    def _close(self, at: int) -> None:
        """End an item whose last element is ``at`` that place."""
        if self.offset > self.end:
            raise self.overrun(at)
        if self.origin[4] and self.stack[-1][6].undefined_length:
            raise self.error(ITEM_DELIMITATION, "the item ends without its delimiter", _NESTING)
        self._finish()
        self._next_item()

    def _finish(self) -> None:
        """Read the item that ends here as its own Specific Character Set says."""
        source = self.origin[0]
        charset = charset_in(self.elements, source.charset)
        if charset != source.charset:
            self._reread(source.with_charset(charset))
        if source.has_big_endian_pixels:
            widen(self.elements, source)

    def _reread(self, source: Source) -> None:
        """Let the item that is being parsed, and its elements, come from ``source``."""
        self.origin = source, *self.origin[1:]
        for element in self.elements.values():
            element._origin = self.origin
        item = self.stack[-1][6]._items[-1]
        assert isinstance(item, Dataset)  # not fragments
        item._origin = self.origin

    def _signed(self) -> bool:
        """What the Pixel Representation says that is nearest, in this level or around it."""
        for elements in (self.elements, *(frame[0] for frame in reversed(self.stack))):
            if PIXEL_REPRESENTATION in elements:
                return is_signed(elements[PIXEL_REPRESENTATION]._raw)
        return self.signed_around()

    def signed_around(self) -> bool:
        """What the Pixel Representation says outside what is parsed."""
        return self.origin[0].signed


def ends_in_sequence(elements: Elements, offset: int) -> bool:
    """Whether the last of some elements is a sequence that has a length and ends at ``offset``."""
    last = next(reversed(elements.values()), None)
    if not isinstance(last, Items) or last.VR != "SQ" or last.undefined_length:
        return False
    return last._start + last._length == offset


def parse_items(sequence: Items) -> None:
    """Parse the items of a sequence later than all that is around it. Raises DecodeError."""
    start, end = sequence._start, sequence._start + sequence._length
    parser = Parser(sequence._origin, start, end + 8 if sequence.undefined_length else end)
    parser.parse_items(sequence, sequence._origin[0])
