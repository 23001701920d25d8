"""A position in a Data Set, the errors at that position, and the fast loop over common elements: PS3.5 §7.

The loop stores common elements: in explicit VR, their header has the short form; in implicit VR, they are short, and
PS3.6 gives only one VR. It also enters and leaves plain sequences: the lengths of the sequence and of its items are all
defined, or all undefined. :class:`dimse.data.parser.Parser` handles all other elements. :mod:`dimse.data.source`
describes sources and origins.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import TypeAlias

from ..errors import DecodeError
from .dataset import CHARACTER_SET, UNREAD, DecodedElement, Element, decoded_dataset
from .dictionary import plain_vrs, sequence_tags
from .header import MAX_PLAIN, SHORTEST_HEADER
from .items import Items
from .source import Origin, Source, path_of, path_of_item, place_of
from .syntax import DELIMITERS, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, SHORT_VRS, UNDEFINED, Layout

__all__ = ["NOT_SHARED", "Cursor", "Elements"]

Elements: TypeAlias = dict[int, Element]  # by tag

# A sequence that is being parsed, in seven fields:
# 0 to 2  the elements, the origin and the end of the level around the sequence
# 3       the shared end: where the sequence and its current item end together, or NOT_SHARED
# 4       where the sequence ends, at the latest
# 5       the source with which the items are read
# 6       the sequence itself
_Frame: TypeAlias = "tuple[Elements, Origin, int, int, int, Source, Items]"

NOT_SHARED = -1  # the fast loop leaves the end of the item to the parser, for example because the two ends differ

# The delimiter of an item, followed by the delimiter of its sequence, in little endian
_ENDS = struct.pack("<HHIHHI", DELIMITERS, ITEM_DELIMITATION & 0xFFFF, 0, DELIMITERS, SEQUENCE_DELIMITATION & 0xFFFF, 0)

_new = object.__new__


class Cursor(ABC):
    """A position in a Data Set or an item.

    ``offset`` is the offset of the next byte. ``end``, ``elements`` and ``origin`` belong to the current level, which
    is a Data Set or an item. ``left`` is the number of elements and items that the limits still allow, and ``deepest``
    the number of sequences that may be on the stack.
    """

    def __init__(self, origin: Origin, start: int, end: int) -> None:
        source = origin[0]
        self.view = source.view
        self.limits = source.limits
        self.left = source.limits.elements
        self.deepest = source.limits.depth
        self.offset = start
        self.end = end
        self.elements: Elements = {}
        self.origin = origin
        self.stack: list[_Frame] = []
        self.padded = -1, -1  # the end of a level, and the place where the zeros before this end begin

    def parse_common(self, layout: Layout) -> None:
        """Store common elements, and enter and leave plain sequences, until the layout changes or the stack is empty.

        All state is in local variables, and sequences are handled in place: with a method for sequences, decoding a
        header with many sequences takes 12 to 20 % longer.
        """
        view, stack, deepest, implicit = self.view, self.stack, self.deepest, layout.implicit
        header, first = (layout.item if implicit else layout.short).unpack_from, layout.sequence.unpack_from
        plain, short, sequences, max_plain = plain_vrs().get, SHORT_VRS.get, sequence_tags(), MAX_PLAIN
        long = 8 if implicit else 12  # bytes in the header of a sequence
        item_key = -1 if layout.big_endian else layout.item_key  # -1: in big endian, only the parser enters items
        at, offset, end, elements, origin = self.offset, self.offset, self.end, self.elements, self.origin
        try:
            for left in range(self.left, 0, -1):
                if offset < end:
                    at = offset
                    if implicit:
                        group, number, length = header(view, offset)
                        tag = group << 16 | number
                        vr = plain(tag) if length <= max_plain else None
                    else:
                        group, number, code, length = header(view, offset)
                        tag, vr = group << 16 | number, short(code)
                    if vr is not None and number:
                        start = offset + 8
                        if tag in elements:
                            offset = start + length
                            continue
                        element = _new(DecodedElement)
                        element._tag = tag
                        element.VR = vr
                        element._origin = origin
                        element._start = start
                        element._length = length
                        element._value = UNREAD
                        element.undefined_length = False
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
                            sequence = _new(Items)
                            sequence._tag, sequence.VR = tag, "SQ"
                            sequence._origin, sequence._start, sequence._length = origin, offset + long, length
                            sequence._value, sequence.undefined_length = UNREAD, undefined
                            sequence._items, sequence._parse = [], None
                            elements.setdefault(tag, sequence)
                            shared_end = last if size + 8 == length else NOT_SHARED
                            stack.append((elements, origin, end, shared_end, last, origin[0], sequence))
                            elements, origin = {}, (origin[0], origin, tag, 0, undefined)
                            sequence._items.append(decoded_dataset(elements, origin))
                            offset += long + 8
                            end = end if undefined else offset + size
                            continue
                    elif group == DELIMITERS and CHARACTER_SET not in elements and view[offset : offset + 16] == _ENDS:
                        _, outer_origin, _, _, _, _, sequence = stack[-1]
                        is_plain = sequence.undefined_length and outer_origin[0].layout is layout and len(stack) > 1
                        if is_plain and origin[4]:
                            sequence._length = offset + 8 - sequence._start
                            elements, origin, end, _, _, _, _ = stack.pop()
                            offset += 16
                            continue
                elif offset == end == stack[-1][3] and CHARACTER_SET not in elements:
                    elements, origin, end, _, _, _, _ = stack.pop()
                    continue
                self.offset, self.end, self.elements, self.origin = offset, end, elements, origin
                if not self.parse_next(layout, at, left - 1):
                    return
                offset, end, elements, origin = self.offset, self.end, self.elements, self.origin
        except struct.error as exc:
            raise self.cut_off(max(offset, self.offset)) from exc
        raise self.too_many(at)

    @abstractmethod
    def parse_next(self, layout: Layout, at: int, left: int) -> bool:
        """Parse what the loop cannot parse. Return whether the loop may continue.

        ``at`` is the offset of the last element that the loop has reached: the one that it cannot parse or, at the end
        of a level, the one before that end. ``left`` is the number of elements and items that the limits still allow.
        """

    def store(self, element: Element) -> None:
        """Store an element in the current level, unless the level has one with the same tag."""
        self.elements.setdefault(element._tag, element)

    # Errors

    def error(self, tag: int, what: str, rule: str) -> DecodeError:
        """Return the error of an element in the current level, at ``offset``."""
        return DecodeError(what, path=path_of(place_of(self.origin), tag), offset=self.offset, rule=rule)

    def overrun(self, at: int) -> DecodeError:
        """Return the error of a common element at ``at`` that ends beyond its level."""
        if at + SHORTEST_HEADER > self.end:
            return self.cut_off(at)
        layout = self.origin[0].layout
        group, number, length = layout.item.unpack_from(self.view, at)
        if not layout.implicit:
            length = layout.step.unpack_from(self.view, at)[1]
        return self.too_long(group << 16 | number, length, at + 8)

    def too_long(self, tag: int, length: int, start: int) -> DecodeError:
        """Return the error of an element whose value, from ``start`` on, ends beyond its level."""
        what = f"a value of {length} bytes, but only {max(self.end - start, 0)} follow"
        return DecodeError(what, path=path_of(place_of(self.origin), tag), offset=start, rule="PS3.5 §7.1.1")

    def too_many(self, at: int) -> DecodeError:
        """Return the error of too many elements; the last element that the limit allows begins at ``at``."""
        group, number, _ = self.origin[0].layout.item.unpack_from(self.view, at)
        self.offset = at
        return self.error(group << 16 | number, f"more than {self.limits.elements} elements", "DecodeLimits.elements")

    def cut_off(self, offset: int) -> DecodeError:
        """Return the error of an incomplete header at ``offset``."""
        path = path_of_item(place_of(self.origin))
        return DecodeError("the header of an element is cut off", path=path, offset=offset, rule="PS3.5 §7.1")
