"""The header of a Data Element as it is found, right or wrong: PS3.5 §7.1 and §7.5.

Some devices put spaces, dashes or zeros where the VR belongs; others write an item in implicit VR within a Data Set in
explicit VR, or the reverse. What such a header means is decided by what stands behind the value: a reading is taken if
an element with a higher tag, a delimiter or the end of the level follows.

The parser, the report of faults and whatever only walks over headers ask the same functions, so that they agree.
"""

from typing import NamedTuple

from .dictionary import lookup
from .syntax import (
    DELIMITERS,
    EXPLICIT_LE,
    IMPLICIT_LE,
    ITEM,
    ITEM_DELIMITATION,
    LONG_VRS,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    layout_of,
)

__all__ = ["LEAST", "LONGEST_PLAIN", "Header", "content_end", "holds_items", "is_vr", "actual_layout", "read_header"]

LEAST = 8  # bytes of any header
LONGEST_PLAIN = 0x4140  # a length in implicit VR that is no VR: the next, 4141H, is "AA"
_CHUNK = 1 << 16
_EXPLICIT, _IMPLICIT = layout_of(EXPLICIT_LE), layout_of(IMPLICIT_LE)


class Header(NamedTuple):
    """``code`` is what stands in the place of the VR, nothing in implicit VR; the value begins at ``start``.

    ``is_sound`` is False where ``code`` is no VR and no reading of the header leads to another element.
    """

    tag: int
    code: bytes
    start: int
    length: int
    is_sound: bool = True


def is_vr(code: bytes) -> bool:
    """Whether two bytes are a VR of PS3.5 Table 6.2-1."""
    return code in SHORT_VRS or code in LONG_VRS


def read_header(view: memoryview, offset: int, end: int, layout: Layout) -> Header:
    """The header at ``offset`` in a level that ends at ``end``. Raises struct.error where it is cut off."""
    group, number, length = layout.item.unpack_from(view, offset)
    tag = group << 16 | number
    if layout.implicit or group == DELIMITERS:
        return Header(tag, b"", offset + 8, length)
    _, _, code, length = layout.short.unpack_from(view, offset)
    if code in SHORT_VRS:
        return Header(tag, code, offset + 8, length)
    if code in LONG_VRS:
        return Header(tag, code, offset + 12, *layout.length.unpack_from(view, offset + 8))
    return _odd_header(view, offset, end, layout, tag, code)


def _odd_header(view: memoryview, offset: int, end: int, layout: Layout, tag: int, code: bytes) -> Header:
    """A header whose VR is none: PS3.5 §6.2 gives the long form to VRs that are still to come, capital letters."""
    readings = [(offset + 8, layout.short.unpack_from(view, offset)[3])]
    if end - offset >= 12 and not any(view[offset + 6 : offset + 8]):
        readings.append((offset + 12, layout.length.unpack_from(view, offset + 8)[0]))
    to_come = code.isalpha() and code.isupper()
    if to_come:
        readings.reverse()
    elif not layout.big_endian:
        readings.append((offset + 8, layout.length.unpack_from(view, offset + 4)[0]))  # implicit VR
    for start, length in readings:
        if _leads_on(view, start, length, end, layout, tag, code):
            return Header(tag, code, start, length)
    if to_come:
        return Header(tag, code, offset + 12, *layout.length.unpack_from(view, offset + 8))
    return Header(tag, code, *readings[0], is_sound=False)


def _leads_on(view: memoryview, start: int, length: int, end: int, layout: Layout, tag: int, code: bytes = b"") -> bool:
    """Whether something that may follow the element ``tag`` stands behind a value.

    ``code`` is what stands in place of its VR, nothing if it has one or needs none: zeros may follow only the former.
    """
    offset = start + length
    if length == UNDEFINED:
        return _is_item(view, start, end, layout)
    if offset >= end:
        return offset == end
    if not any(view[offset : min(offset + LEAST, end)]):
        return bool(code)
    if end - offset < LEAST:
        return False
    group, number, length = layout.item.unpack_from(view, offset)
    following = group << 16 | number
    if group == DELIMITERS:
        return following in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION) and not length
    if following <= tag:
        return False
    found = bytes(view[offset + 4 : offset + 6])
    if layout.implicit:
        return length == UNDEFINED or (length <= end - offset - LEAST and not is_vr(found))
    in_implicit = lookup(following) is not None and length <= end - offset - LEAST
    return is_vr(found) or found == code or in_implicit


def actual_layout(view: memoryview, offset: int, end: int, layout: Layout) -> Layout:
    """How an item is laid out whose first element begins at ``offset``, where ``layout`` is what it should have."""
    if layout.big_endian or end - offset < LEAST:
        return layout
    group, number, length = layout.item.unpack_from(view, offset)
    code, tag = bytes(view[offset + 4 : offset + 6]), group << 16 | number
    if is_vr(code) != layout.implicit or group == DELIMITERS:
        return layout
    in_implicit = _leads_on(view, offset + 8, length, end, _IMPLICIT, tag)
    if not layout.implicit:
        return _IMPLICIT if in_implicit else layout
    if in_implicit or (code in LONG_VRS and end - offset < 12):
        return layout
    header = read_header(view, offset, end, _EXPLICIT)
    return _EXPLICIT if _leads_on(view, header.start, header.length, end, _EXPLICIT, tag) else layout


def holds_items(view: memoryview, start: int, end: int, layout: Layout) -> bool:
    """Whether a value from ``start`` to ``end`` may be a sequence: it has no bytes, or begins with an item (§7.5)."""
    return start == end or _is_item(view, start, end, layout)


def _is_item(view: memoryview, start: int, end: int, layout: Layout) -> bool:
    if end - start < LEAST:
        return False
    group, number, _ = layout.item.unpack_from(view, start)
    return group << 16 | number in (ITEM, SEQUENCE_DELIMITATION)


def content_end(view: memoryview, start: int, end: int) -> int:
    """Where the zeros begin that fill the rest from ``start`` to ``end``: at ``end`` if there are none."""
    while end > start:
        first = max(start, end - _CHUNK)
        length = len(view[first:end].tobytes().rstrip(b"\0"))
        if length:
            return first + length
        end = first
    return end
