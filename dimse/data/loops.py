"""The two loops that make objects of a Data Set: through explicit and through implicit VR.

They store the common elements, and go into plain sequences and out of them. Whatever is special they leave to the
parser that they were called by, and go on where it leaves off. All that they need is at hand in local variables, and
what both do stands in both: a call for each sequence would take a tenth longer for all.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from .dataset import CHARACTER_SET, UNREAD, DecodedElement, decoded_dataset
from .dictionary import plain_vrs, sequence_tags
from .header import LONGEST_PLAIN
from .items import Items
from .layout import DELIMITERS, ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION, SHORT_VRS, UNDEFINED, Layout

if TYPE_CHECKING:
    from .parser import Parser

__all__ = ["parse_explicit", "parse_implicit"]

# The delimiter of an item and behind it that of its sequence.
_BOTH = struct.pack("<HHIHHI", DELIMITERS, ITEM_DELIMITATION & 0xFFFF, 0, DELIMITERS, SEQUENCE_DELIMITATION & 0xFFFF, 0)

_new = object.__new__
_short_vr = SHORT_VRS.get


def parse_explicit(parser: Parser, layout: Layout) -> None:
    """Parse until the layout changes or the stack is empty."""
    view, stack, deepest = parser.view, parser.stack, parser.limits.depth
    header, first = layout.short.unpack_from, layout.sequence.unpack_from
    item_key = -1 if layout.big_endian else layout.key(ITEM)  # big endian: an item may need `widen` at its end
    at, offset, end, elements, origin = parser.offset, parser.offset, parser.end, parser.elements, parser.origin
    try:
        for left in range(parser.left, 0, -1):
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
                    undefined = length == size == UNDEFINED
                    last = end if undefined else offset + 12 + length
                    fits = undefined or size + 8 <= length
                    if item == item_key and fits and last <= end and len(stack) < deepest:
                        sequence = elements[tag] = _new(Items)
                        sequence._tag, sequence.VR = tag, "SQ"
                        sequence._origin, sequence._start, sequence._length = origin, offset + 12, length
                        sequence._value, sequence.undefined_length = UNREAD, undefined
                        sequence._items, sequence._parse = [], None
                        at_once = last if size + 8 == length else -1
                        stack.append((elements, origin, end, at_once, last, origin[0], sequence))
                        elements, origin = {}, (origin[0], origin, tag, 0, undefined)
                        sequence._items.append(decoded_dataset(elements, origin))
                        offset += 20
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
            parser.offset, parser.end, parser.elements, parser.origin = offset, end, elements, origin
            if not parser.turned(layout, at, left - 1):
                return
            offset, end, elements, origin = parser.offset, parser.end, parser.elements, parser.origin
    except struct.error as exc:
        raise parser.cut_off(max(offset, parser.offset)) from exc
    raise parser.too_many(at)


def parse_implicit(parser: Parser, layout: Layout) -> None:
    """Parse until the layout changes or the stack is empty."""
    view, stack, deepest = parser.view, parser.stack, parser.limits.depth
    header, plain, most = layout.item.unpack_from, plain_vrs().get, LONGEST_PLAIN
    first, sequences, item_key = layout.key_item.unpack_from, sequence_tags(), layout.key(ITEM)
    at, offset, end, elements, origin = parser.offset, parser.offset, parser.end, parser.elements, parser.origin
    try:
        for left in range(parser.left, 0, -1):
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
                if tag in sequences and offset + 16 <= end and CHARACTER_SET not in elements:
                    item, size = first(view, offset + 8)
                    undefined = length == size == UNDEFINED
                    last = end if undefined else offset + 8 + length
                    fits = undefined or size + 8 <= length
                    if item == item_key and fits and last <= end and len(stack) < deepest:
                        sequence = elements[tag] = _new(Items)
                        sequence._tag, sequence.VR = tag, "SQ"
                        sequence._origin, sequence._start, sequence._length = origin, offset + 8, length
                        sequence._value, sequence.undefined_length = UNREAD, undefined
                        sequence._items, sequence._parse = [], None
                        at_once = last if size + 8 == length else -1
                        stack.append((elements, origin, end, at_once, last, origin[0], sequence))
                        elements, origin = {}, (origin[0], origin, tag, 0, undefined)
                        sequence._items.append(decoded_dataset(elements, origin))
                        offset += 16
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
            parser.offset, parser.end, parser.elements, parser.origin = offset, end, elements, origin
            if not parser.turned(layout, at, left - 1):
                return
            offset, end, elements, origin = parser.offset, parser.end, parser.elements, parser.origin
    except struct.error as exc:
        raise parser.cut_off(max(offset, parser.offset)) from exc
    raise parser.too_many(at)
