"""The items of sequences, and whatever is not common in a Data Set, from bytes.

A :class:`Parser` reads sequences to their ground, without recursion. One of two loops, for explicit and for implicit
VR, stores the common elements itself, and goes into plain sequences and out of them. For whatever is special
(delimiters, undefined and long lengths, VRs that must be found out) it calls a method, which leaves the parser where
the loop goes on; where that has another layout, the other loop takes over.

Here an element whose VR is not written beside it gets one.
"""

import struct
from typing import Final, TypeAlias

from ..errors import DecodeError
from .ambiguous import PIXEL_REPRESENTATION, US_OR_SS, chosen_vr
from .dataset import (
    CHARACTER_SET,
    UNREAD,
    Dataset,
    DecodedElement,
    Element,
    charset_in,
    decoded_dataset,
)
from .dictionary import plain_vrs, vr_of
from .items import Items
from .layout import (
    DELIMITERS,
    ITEM,
    ITEM_DELIMITATION,
    LONG_VRS,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    layout_of,
)
from .origin import Origin, Source, path_of, place_of
from .syntax import IMPLICIT_LE
from .tag import Tag
from .vr import row_of
from .wide import widen

__all__ = ["LENGTH_KEPT", "Elements", "Parser"]

LENGTH_KEPT: Final = (0x0000, 0x0002)  # the groups that still have a length, PS3.5 §7.2

Elements: TypeAlias = dict[int, Element]

_new = object.__new__
_short_vr = SHORT_VRS.get

# A sequence that is being parsed. Of the level around it: its elements, origin and end. Then where item and sequence
# end at once, -1 if a delimiter or another item comes between, or nothing is around; where the sequence ends, at the
# latest; how its items are read; and the sequence itself.
_Frame: TypeAlias = "tuple[Elements, Origin, int, int, int, Source, Items]"


class Parser:
    """Reads a Data Set, or the items of a sequence: ``offset`` is the next byte, ``end`` that of the level."""

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
        self.whole = True  # parse sequences as they come, not when somebody asks for their items

    # Sequences, to the ground

    def parse_items(self, sequence: Items) -> None:
        """Parse the items of a sequence of defined length, which are all that this parser reads."""
        self.stack.append(({}, self.origin, self.end, -1, self.end, self.origin[0], sequence))
        self._next_item()
        self.descend()

    def descend(self) -> None:
        while self.stack:
            layout = self.origin[0].layout
            if layout.implicit:
                self._parse_implicit(layout)
            else:
                self._parse_explicit(layout)

    def _parse_explicit(self, layout: Layout) -> None:
        """Parse until the layout changes or the stack is empty."""
        view, stack, deepest = self.view, self.stack, self.limits.depth
        header, first, item_key = layout.short.unpack_from, layout.sequence.unpack_from, layout.key(ITEM)
        at, offset, end, elements, origin = self.offset, self.offset, self.end, self.elements, self.origin
        try:
            for left in range(self.left, 0, -1):
                if offset < end:
                    at = offset
                    group, number, code, length = header(view, offset)
                    tag, vr = group << 16 | number, _short_vr(code)
                    if vr is not None and number:
                        element, start = _new(DecodedElement), offset + 8
                        element._tag, element.VR = tag, vr
                        element._origin, element._start, element._length = origin, start, length
                        element._value, element.undefined_length = UNREAD, False
                        elements[tag] = element
                        offset = start + length
                        continue
                    if code == b"SQ" and offset + 20 <= end and CHARACTER_SET not in elements:
                        length, item, size = first(view, offset)
                        last = offset + 12 + length
                        if item == item_key and size + 8 <= length and last <= end and len(stack) < deepest:
                            sequence = elements[tag] = _new(Items)
                            sequence._tag, sequence.VR = tag, "SQ"
                            sequence._origin, sequence._start, sequence._length = origin, offset + 12, length
                            sequence._value, sequence.undefined_length = UNREAD, False
                            sequence._items, sequence._parse = [], None
                            at_once = last if size + 8 == length else -1
                            stack.append((elements, origin, end, at_once, last, origin[0], sequence))
                            elements, origin = {}, (origin[0], origin, tag, 0, False)
                            sequence._items.append(decoded_dataset(elements, origin))
                            offset, end = offset + 20, offset + 20 + size
                            continue
                elif offset == end == stack[-1][3] and CHARACTER_SET not in elements:
                    elements, origin, end, _, _, _, _ = stack.pop()
                    continue
                self.offset, self.end, self.elements, self.origin = offset, end, elements, origin
                if not self._turned(layout, at, left - 1):
                    return
                offset, end, elements, origin = self.offset, self.end, self.elements, self.origin
        except struct.error as exc:
            raise self.cut_off(max(offset, self.offset)) from exc
        raise self.too_many(at)

    def _parse_implicit(self, layout: Layout) -> None:
        """Parse until the layout changes or the stack is empty."""
        view, stack = self.view, self.stack
        header, plain, most = layout.item.unpack_from, plain_vrs().get, self.limits.value
        at, offset, end, elements, origin = self.offset, self.offset, self.end, self.elements, self.origin
        try:
            for left in range(self.left, 0, -1):
                if offset < end:
                    at = offset
                    group, number, length = header(view, offset)
                    tag = group << 16 | number
                    vr = plain(tag)
                    if vr is not None and length <= most:
                        element, start = _new(DecodedElement), offset + 8
                        element._tag, element.VR = tag, vr
                        element._origin, element._start, element._length = origin, start, length
                        element._value, element.undefined_length = UNREAD, False
                        elements[tag] = element
                        offset = start + length
                        continue
                elif offset == end == stack[-1][3] and CHARACTER_SET not in elements:
                    elements, origin, end, _, _, _, _ = stack.pop()
                    continue
                self.offset, self.end, self.elements, self.origin = offset, end, elements, origin
                if not self._turned(layout, at, left - 1):
                    return
                offset, end, elements, origin = self.offset, self.end, self.elements, self.origin
        except struct.error as exc:
            raise self.cut_off(max(offset, self.offset)) from exc
        raise self.too_many(at)

    # What is special

    def _turned(self, layout: Layout, at: int, left: int) -> bool:
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
        start = offset + 8
        if layout.implicit:
            group, number, length = layout.item.unpack_from(self.view, offset)
            tag = group << 16 | number
            vr = vr_of(tag)
        else:
            group, number, code, length = layout.short.unpack_from(self.view, offset)
            tag = group << 16 | number
            vr = SHORT_VRS.get(code, "")
        if group == DELIMITERS:
            self._delimiter(tag)
            return
        if not vr:
            vr = LONG_VRS.get(code) or self._unknown_vr(tag, code)
            (length,) = layout.length.unpack_from(self.view, start)
            start += 4
            if vr == "UN" and length != UNDEFINED and not layout.big_endian:
                known = vr_of(tag)
                vr = "UN" if known == "SQ" else known
        self._value(tag, chosen_vr(self._signed()) if vr == US_OR_SS else vr, start, length)

    def _value(self, tag: int, vr: str, start: int, length: int) -> None:
        if length == UNDEFINED:
            self._undefined(tag, vr, start)
            return
        end = start + length
        if end > self.end:
            raise self._too_long(tag, length, start)
        if vr == "SQ" and (self.whole or self.stack):
            self._enter(Items(tag, vr, self.origin, start, length, []), end, self.origin[0])
            return
        if vr == "SQ":
            self.elements[tag] = Items(tag, vr, self.origin, start, length, [], _parse_items)
        elif length > self.limits.value and row_of(vr).kind != "stream":
            raise self._error(tag, f"{vr} of {length} bytes, more than {self.limits.value}")
        elif tag & 0xFFFF or tag >> 16 in LENGTH_KEPT:
            self.elements[tag] = DecodedElement(tag, vr, self.origin, start, length)
        self.offset = end

    def _undefined(self, tag: int, vr: str, start: int) -> None:
        inner = self.origin[0]
        if vr == "UN":  # a sequence, always in Implicit VR Little Endian: PS3.5 §6.2.2
            inner = inner.with_layout(layout_of(IMPLICIT_LE)).with_signed(self._signed())
        elif vr not in ("SQ", "OB", "OW"):
            raise self._error(tag, f"{vr} cannot have undefined length")
        sequence = Items(tag, vr, self.origin, start, 0, [])
        sequence.undefined_length = True
        if vr in ("OB", "OW"):
            self._fragments(sequence)
        else:
            self._enter(sequence, self.end, inner)

    def _unknown_vr(self, tag: int, code: bytes) -> str:
        """A VR that is still to come has two capital letters and the long form, PS3.5 §6.2."""
        if not (code.isalpha() and code.isupper()):
            raise self._error(tag, f"{code!r} is not a VR; is this Implicit VR?")
        return str(code, "ascii")

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
                raise self._error(tag, f"{Tag(delimiter)} of {length} bytes where a fragment should be")
            sequence._items.append(self.view[self.offset : self.offset + length])
            self.offset += length
        raise self._error(tag, f"more than {most} fragments")

    # Sequences and items

    def _enter(self, sequence: Items, end: int, inner: Source) -> None:
        """Go into a sequence that ends, at the latest, at ``end``, and whose items are read as ``inner`` says."""
        if len(self.stack) >= self.limits.depth:
            raise self._error(sequence._tag, f"sequences nest deeper than {self.limits.depth}")
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
        if delimiter == SEQUENCE_DELIMITATION and undelimited:
            self._end(sequence)
            self._leave()
            return
        self.offset += 8
        if delimiter != ITEM:
            raise self._error(sequence._tag, f"{Tag(delimiter)} where an item should begin")
        if len(sequence._items) >= self.limits.items:
            raise self._error(sequence._tag, f"more than {self.limits.items} items")
        undefined = length == UNDEFINED
        self.end = end if undefined else self.offset + length
        if self.end > end:
            raise self._error(sequence._tag, f"an item of {length} bytes ends beyond its sequence")
        self.elements, self.origin = {}, (inner, origin, sequence._tag, len(sequence._items), undefined)
        sequence._items.append(decoded_dataset(self.elements, self.origin))
        at_once = end if self.end == end and not (undefined or undelimited) and len(self.stack) > 1 else -1
        self.stack[-1] = elements, origin, around, at_once, end, inner, sequence

    def _item_header(self, sequence: Items, layout: Layout) -> tuple[int, int]:
        """The tag and the length of an item, or of what should be one."""
        try:
            group, number, length = layout.item.unpack_from(self.view, self.offset)
        except struct.error as exc:
            raise self._error(sequence._tag, "the header of an item is cut off") from exc
        return group << 16 | number, length

    def _end(self, sequence: Items) -> None:
        """Step over the delimiter of a sequence."""
        sequence._length = self.offset - sequence._start
        self.offset += 8

    def _leave(self) -> None:
        self.elements, self.origin, self.end, _, _, _, _ = self.stack.pop()

    def _delimiter(self, tag: int) -> None:
        """Step over the delimiter of an item."""
        if tag != ITEM_DELIMITATION or not self.origin[4]:
            raise self._error(tag, "a delimiter or item is out of place")
        self._finish()
        self.offset += 8
        self._next_item()

    def _close(self, at: int) -> None:
        """End an item whose last element is ``at`` that place."""
        if self.offset > self.end:
            raise self.overrun(at)
        if self.origin[4]:
            raise self._error(ITEM_DELIMITATION, "the item ends without its delimiter")
        self._finish()
        self._next_item()

    def _finish(self) -> None:
        """Read the item that ends here as its own Specific Character Set says."""
        source = self.origin[0]
        charset = charset_in(self.elements, source.charset)
        if charset != source.charset:
            origin = source.with_charset(charset), *self.origin[1:]
            for element in self.elements.values():
                element._origin = origin
            item = self.stack[-1][6]._items[-1]
            assert isinstance(item, Dataset)  # not fragments
            item._origin = origin
        if source.layout.big_endian:
            widen(self.elements)

    def _signed(self) -> bool:
        """What the Pixel Representation says that is nearest, in this level or around it."""
        for elements in (self.elements, *(frame[0] for frame in reversed(self.stack))):
            if PIXEL_REPRESENTATION in elements:
                return any(elements[PIXEL_REPRESENTATION]._raw)
        return self.signed_around()

    def signed_around(self) -> bool:
        """What the Pixel Representation says outside what is parsed."""
        return self.origin[0].signed

    # Errors

    def _error(self, tag: int, what: str) -> DecodeError:
        return DecodeError(what, path=path_of(place_of(self.origin), tag), offset=self.offset)

    def overrun(self, at: int) -> DecodeError:
        """A common element, ``at`` that place, ends beyond its level."""
        layout = self.origin[0].layout
        group, number, length = layout.item.unpack_from(self.view, at)
        if not layout.implicit:
            length = layout.step.unpack_from(self.view, at)[1]
        return self._too_long(group << 16 | number, length, at + 8)

    def _too_long(self, tag: int, length: int, start: int) -> DecodeError:
        what = f"a value of {length} bytes where {max(self.end - start, 0)} are left"
        return DecodeError(what, path=path_of(place_of(self.origin), tag), offset=start)

    def too_many(self, at: int) -> DecodeError:
        group, number, _ = self.origin[0].layout.item.unpack_from(self.view, at)
        self.offset = at
        return self._error(group << 16 | number, f"more than {self.limits.elements} elements")

    def cut_off(self, offset: int) -> DecodeError:
        path = path_of(place_of(self.origin), 0).rpartition(".")[0]
        return DecodeError("the header of an element is cut off", path=path, offset=offset)


def _parse_items(sequence: Items) -> None:
    """Parse the items of a sequence of defined length, later than all that is around it. Raises DecodeError."""
    parser = Parser(sequence._origin, sequence._start, sequence._start + sequence._length)
    parser.parse_items(sequence)
