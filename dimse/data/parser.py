"""Sequences, and each element that needs a closer look, from bytes: PS3.5 §7.

A :class:`Parser` reads a Data Set with all its sequences, without recursion. Its fast loop stores common elements, and
enters and leaves plain sequences. It leaves all else to slower methods: delimiters, long values, padding, and elements
whose VR has to be found out.
"""

from __future__ import annotations

import struct
from typing import TypeAlias

from ..errors import DecodeError
from .dataset import CHARACTER_SET, UNREAD, Dataset, DecodedElement, Element, charset_in, decoded_dataset
from .dictionary import plain_vrs, sequence_tags, vr_of
from .header import LEAST, LONGEST_PLAIN, Header, actual_layout, content_end, holds_items, is_junk, is_vr, read_header
from .items import Items, widen
from .skip import items_end
from .source import Origin, Source, path_of, place_of
from .syntax import (
    DELIMITERS,
    IMPLICIT_LE,
    ITEM,
    ITEM_DELIMITATION,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    layout_of,
)
from .tag import Tag
from .vr import PIXEL_REPRESENTATION, US_OR_SS, chosen_vr, is_signed

__all__ = ["Elements", "Parser", "ends_in_sequence", "parse_items"]

Elements: TypeAlias = dict[int, Element]

# A sequence that is being parsed:
# - the elements, the origin and the end of the level around it
# - the place where the sequence and its current item end together; -1 if they do not, or if nothing is around them
# - the place where the sequence ends, at the latest; how its items are read; the sequence itself
_Frame: TypeAlias = "tuple[Elements, Origin, int, int, int, Source, Items]"

_NESTING, _COMPRESSED = "PS3.5 §7.5", "PS3.5 §A.4"

# The delimiter of an item, and then the delimiter of its sequence, in little endian
_BOTH = struct.pack("<HHIHHI", DELIMITERS, ITEM_DELIMITATION & 0xFFFF, 0, DELIMITERS, SEQUENCE_DELIMITATION & 0xFFFF, 0)

_new = object.__new__


class Parser:
    """A reader of a Data Set, or of the items of a sequence.

    ``offset`` is the next byte; ``end``, ``elements`` and ``origin`` belong to the current level, a Data Set or an
    item. ``left`` is the number of elements that the limits still allow.
    """

    whole = True  # parse the items of each sequence now, not on demand

    def __init__(self, origin: Origin, start: int, end: int) -> None:
        source = origin[0]
        self.view = source.view
        self.limits = source.limits
        self.left = source.limits.elements
        self.offset = start
        self.end = end
        self.elements: Elements = {}
        self.origin = origin
        self.stack: list[_Frame] = []
        self.padded = -1, -1  # the end of a level, and the place where the zeros before it begin

    def parse_items(self, sequence: Items, inner: Source) -> None:
        """Parse the items of a sequence, which are read as ``inner`` says, and nothing else."""
        self.stack.append(({}, self.origin, self.end, -1, self.end, inner, sequence))
        self._next_item()
        self.descend()

    def descend(self) -> None:
        """Parse until the stack is empty."""
        while self.stack:
            self._parse_common(self.origin[0].layout)

    def _parse_common(self, layout: Layout) -> None:
        """Store common elements, enter and leave plain sequences, until the layout changes or the stack is empty.

        All state is in local variables, and sequences are handled in place: a call for each sequence would make a
        header of many sequences 10 % slower.
        """
        view, stack, deepest, implicit = self.view, self.stack, self.limits.depth, layout.implicit
        header, first = (layout.item if implicit else layout.short).unpack_from, layout.sequence.unpack_from
        plain, short, sequences, most = plain_vrs().get, SHORT_VRS.get, sequence_tags(), LONGEST_PLAIN
        long = 8 if implicit else 12  # bytes of the header of a sequence
        item_key = -1 if layout.big_endian else layout.key(ITEM)  # in big endian an item may need `widen` at its end
        at, offset, end, elements, origin = self.offset, self.offset, self.end, self.elements, self.origin
        try:
            for left in range(self.left, 0, -1):
                if offset < end:
                    at = offset
                    if implicit:
                        group, number, length = header(view, offset)
                        tag = group << 16 | number
                        vr = plain(tag) if length <= most else None
                    else:
                        group, number, code, length = header(view, offset)
                        tag, vr = group << 16 | number, short(code)
                    if vr is not None and number:
                        element, start = _new(DecodedElement), offset + 8
                        element._tag, element.VR = tag, vr
                        element._origin, element._start, element._length = origin, start, length
                        element._value, element.undefined_length = UNREAD, False
                        elements[tag] = element
                        offset = start + length
                        continue
                    is_sequence = tag in sequences if implicit else code == b"SQ"
                    if is_sequence and offset + long + 8 <= end and CHARACTER_SET not in elements:
                        length, item, size = first(view, offset)
                        undefined = length == size == UNDEFINED
                        last = end if undefined else offset + long + length
                        fits = undefined or size + 8 <= length
                        if item == item_key and fits and last <= end and len(stack) < deepest:
                            sequence = elements[tag] = _new(Items)
                            sequence._tag, sequence.VR = tag, "SQ"
                            sequence._origin, sequence._start, sequence._length = origin, offset + long, length
                            sequence._value, sequence.undefined_length = UNREAD, undefined
                            sequence._items, sequence._parse = [], None
                            at_once = last if size + 8 == length else -1
                            stack.append((elements, origin, end, at_once, last, origin[0], sequence))
                            elements, origin = {}, (origin[0], origin, tag, 0, undefined)
                            sequence._items.append(decoded_dataset(elements, origin))
                            offset += long + 8
                            end = end if undefined else offset + size
                            continue
                    elif group == DELIMITERS and CHARACTER_SET not in elements and view[offset : offset + 16] == _BOTH:
                        _, around, _, _, _, _, sequence = stack[-1]
                        is_plain = sequence.undefined_length and around[0].layout is layout and len(stack) > 1
                        if is_plain and origin[4]:
                            sequence._length = offset + 8 - sequence._start
                            elements, origin, end, _, _, _, _ = stack.pop()
                            offset += 16
                            continue
                elif offset == end == stack[-1][3] and CHARACTER_SET not in elements:
                    elements, origin, end, _, _, _, _ = stack.pop()
                    continue
                self.offset, self.end, self.elements, self.origin = offset, end, elements, origin
                if not self._may_continue(layout, at, left - 1):
                    return
                offset, end, elements, origin = self.offset, self.end, self.elements, self.origin
        except struct.error as exc:
            raise self.cut_off(max(offset, self.offset)) from exc
        raise self.too_many(at)

    def _may_continue(self, layout: Layout, at: int, left: int) -> bool:
        """Handle what the fast loop does not; ``at`` is its last element. Return whether the loop may continue."""
        self.left = left
        if self.offset < self.end:
            self.parse_special()
        else:
            self._close(at)
        return bool(self.stack) and self.origin[0].layout is layout and self.left == left

    # Errors

    def error(self, tag: int, what: str, rule: str) -> DecodeError:
        """Return the error of an element of this level, at ``offset``."""
        return DecodeError(what, path=path_of(place_of(self.origin), tag), offset=self.offset, rule=rule)

    def overrun(self, at: int) -> DecodeError:
        """Return the error of a common element at ``at`` that ends beyond its level."""
        layout = self.origin[0].layout
        group, number, length = layout.item.unpack_from(self.view, at)
        if not layout.implicit:
            length = layout.step.unpack_from(self.view, at)[1]
        return self.too_long(group << 16 | number, length, at + 8)

    def too_long(self, tag: int, length: int, start: int) -> DecodeError:
        """Return the error of an element whose value, from ``start`` on, ends beyond its level."""
        what = f"a value of {length} bytes where {max(self.end - start, 0)} are left"
        return DecodeError(what, path=path_of(place_of(self.origin), tag), offset=start, rule="PS3.5 §7.1.1")

    def too_many(self, at: int) -> DecodeError:
        """Return the error of the element at ``at``, which exceeds the limit."""
        group, number, _ = self.origin[0].layout.item.unpack_from(self.view, at)
        self.offset = at
        return self.error(group << 16 | number, f"more than {self.limits.elements} elements", "DecodeLimits.elements")

    def cut_off(self, offset: int) -> DecodeError:
        """Return the error of a header at ``offset`` that is not complete."""
        path = path_of(place_of(self.origin), 0).rpartition(".")[0]
        return DecodeError("the header of an element is cut off", path=path, offset=offset, rule="PS3.5 §7.1")

    # Single elements

    def parse_special(self) -> None:
        """Parse an element of any kind, or a delimiter; of a sequence only the header of its first item."""
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
        """Parse UN of defined length as a sequence, which PS3.6 has here. Return False if it is none."""
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
