"""The header of a Data Element, correct or not: PS3.5 §7.1 and §7.5.

Some devices write spaces, dashes or zeros in place of the VR. Some write a length of two bytes after VRs such as UN,
which need four. Others write an item, or a whole Data Set, in implicit VR where explicit VR is required, or the
reverse. Such a header can be read in several ways. The bytes after the value decide: a way is accepted if these bytes
are an element with a higher tag, a delimiter or zeros, or if the level (the Data Set or item around the element) ends.

All code that reads headers one at a time uses this module, so that all readers agree.
"""

from typing import TypeAlias

from .dataset import PIXEL_DATA
from .dictionary import is_known
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
)

__all__ = [
    "CREATORS",
    "MAX_PLAIN",
    "SHORTEST_HEADER",
    "Header",
    "actual_layout",
    "begins_early",
    "content_end",
    "holds_fragments",
    "holds_items",
    "holds_known",
    "is_junk",
    "is_vr",
    "read_header",
    "trailing_fault",
]

SHORTEST_HEADER = 8  # bytes in the shortest header
CREATORS = range(0x0010, 0x0100)  # element numbers of private creators, PS3.5 §7.8.1
MAX_PLAIN = 0x4140  # up to this, no length in implicit VR looks like a VR: the first that does is 4141H, "AA"
_MAX_JUNK = 4096  # bytes, one block of a disk: if more follow the last element, they are not searched for elements
_TAG_SIZE = 4  # bytes
_CHUNK = 1 << 16  # bytes that are searched for trailing zeros at a time
_EXPLICIT, _IMPLICIT = EXPLICIT_LE.layout, IMPLICIT_LE.layout

# Tag; the two bytes of the VR, empty in implicit VR; offset of the value; length of the value; whether the header is
# sound. A header is sound if its two bytes look like a VR, or if some way to read it is accepted (see above). This is a
# plain tuple: with a NamedTuple, reading a file up to its pixels takes 1.7 times as long.
Header: TypeAlias = tuple[int, bytes, int, int, bool]


def is_vr(code: bytes) -> bool:
    """Return whether two bytes are a VR of PS3.5 Table 6.2-1."""
    return code in SHORT_VRS or code in LONG_VRS


def read_header(view: memoryview, offset: int, end: int, layout: Layout) -> Header:
    """Return the header at ``offset`` in a level that ends at ``end``. Raises struct.error if the header is cut off."""
    if layout.implicit:
        group, number, length = layout.item.unpack_from(view, offset)
        return group << 16 | number, b"", offset + 8, length, True
    group, number, code, length = layout.short.unpack_from(view, offset)
    tag = group << 16 | number
    if group == DELIMITERS:
        return tag, b"", offset + 8, layout.length.unpack_from(view, offset + 4)[0], True
    if code in SHORT_VRS:
        return tag, code, offset + 8, length, True
    if code in LONG_VRS:
        size = layout.length.unpack_from(view, offset + 8)[0]
        # If the length is too large and the reserved bytes are not zero, these may be the length, as in a short VR
        may_be_short = length and UNDEFINED > size > end - offset - 12
        if may_be_short and _is_plausible_length(view, offset + 8, length, end, layout, tag):
            return tag, code, offset + 8, length, True
        return tag, code, offset + 12, size, True
    return _read_odd_header(view, offset, end, layout, tag, code)


def _read_odd_header(view: memoryview, offset: int, end: int, layout: Layout, tag: int, code: bytes) -> Header:
    """Return a header without a known VR. Two capital letters are a future VR in the long form, PS3.5 §6.2."""
    readings = [(offset + 8, layout.short.unpack_from(view, offset)[3])]
    if end - offset >= 12 and not any(view[offset + 6 : offset + 8]):
        readings.append((offset + 12, layout.length.unpack_from(view, offset + 8)[0]))
    is_future = code.isalpha() and code.isupper()
    if is_future:
        readings.reverse()
    elif not layout.big_endian:
        readings.append((offset + 8, layout.length.unpack_from(view, offset + 4)[0]))  # implicit VR
    for start, length in readings:
        if _is_plausible_length(view, start, length, end, layout, tag, code):
            return tag, code, start, length, True
    if is_future:
        return tag, code, offset + 12, layout.length.unpack_from(view, offset + 8)[0], True
    return tag, code, *readings[0], False


def _is_plausible_length(
    view: memoryview, start: int, length: int, end: int, layout: Layout, tag: int, code: bytes = b""
) -> bool:
    """Return whether a value may have this length: the bytes after it must be able to follow the element ``tag``.

    ``code`` is the two bytes that the element has in place of a VR. It is empty if the element has a VR or needs none;
    in that case, zeros must not follow.
    """
    offset = start + length
    if length == UNDEFINED:
        return holds_items(view, start, end, layout)
    if offset >= end:
        return offset == end
    if not any(view[offset : min(offset + SHORTEST_HEADER, end)]):
        return bool(code)
    if end - offset < SHORTEST_HEADER:
        return False
    group, number, length = layout.item.unpack_from(view, offset)
    following = group << 16 | number
    if group == DELIMITERS:
        return following in (ITEM_DELIMITATION, SEQUENCE_DELIMITATION) and not length
    if following <= tag:
        return False
    found = bytes(view[offset + 4 : offset + 6])
    if layout.implicit:
        return length == UNDEFINED or (length <= end - offset - SHORTEST_HEADER and not is_vr(found))
    in_implicit = is_known(following) and length <= end - offset - SHORTEST_HEADER
    return is_vr(found) or found == code or in_implicit


def actual_layout(view: memoryview, offset: int, end: int, layout: Layout) -> Layout:
    """Return the layout of a Data Set or item, judged by its first element, at ``offset``.

    It is ``layout``, the expected one, unless the first element is clearly in the other VR encoding.
    """
    if layout.big_endian or end - offset < SHORTEST_HEADER:
        return layout
    code = bytes(view[offset + 4 : offset + 6])
    if (code in SHORT_VRS or code in LONG_VRS) != layout.implicit:
        return layout
    group, number, length = layout.item.unpack_from(view, offset)
    tag = group << 16 | number
    if group == DELIMITERS:
        return layout
    in_implicit = _is_plausible_length(view, offset + 8, length, end, _IMPLICIT, tag)
    if not layout.implicit:
        return _IMPLICIT if in_implicit else layout
    if in_implicit or (code in LONG_VRS and end - offset < 12):
        return layout
    _, _, start, length, _ = read_header(view, offset, end, _EXPLICIT)
    return _EXPLICIT if _is_plausible_length(view, start, length, end, _EXPLICIT, tag) else layout


def holds_items(view: memoryview, start: int, end: int, layout: Layout) -> bool:
    """Return whether a value begins with an item or with the delimiter of a sequence (PS3.5 §7.5)."""
    if end - start < SHORTEST_HEADER:
        return False
    group, number, _ = layout.item.unpack_from(view, start)
    return group << 16 | number in (ITEM, SEQUENCE_DELIMITATION)


def holds_fragments(tag: int, vr: str) -> bool:
    """Return whether an element of undefined length holds fragments (PS3.5 §A.4), and not the items of a sequence.

    Pixel Data in UN do, because they are never a sequence.
    """
    return vr in ("OB", "OW") or (vr == "UN" and tag == PIXEL_DATA)


def is_junk(view: memoryview, start: int, end: int, layout: Layout) -> bool:
    """Return whether bytes after an item hold no item, and begin with neither a delimiter nor a known element."""
    first = bytes(view[start : min(start + SHORTEST_HEADER, end)])
    group, number, _ = layout.item.unpack(first.ljust(SHORTEST_HEADER, b"\0"))
    tag = group << 16 | number
    if group == DELIMITERS or (len(first) == SHORTEST_HEADER and any(first) and is_known(tag)):
        return False
    return layout.item.pack(DELIMITERS, ITEM & 0xFFFF, 0)[:4] not in bytes(view[start:end])


def holds_known(view: memoryview, start: int, end: int, layout: Layout) -> bool:
    """Return whether these bytes may hold the beginning of an element that PS3.6 defines, an item or a delimiter.

    Each offset is tried; a header that is cut off counts only at ``start``. More than `_MAX_JUNK` bytes are not
    searched: the result is True.
    """
    data = bytes(view[start : min(end, start + _MAX_JUNK + 1)])
    if len(data) > _MAX_JUNK:
        return True
    header, last = layout.item.unpack_from, len(data) - SHORTEST_HEADER
    if last < 0:
        return len(data) >= _TAG_SIZE and _is_known(*header(data.ljust(SHORTEST_HEADER, b"\0"))[:2])
    for offset in range(last + 1):
        group, number, length = header(data, offset)
        fits = length <= last - offset if layout.implicit else is_vr(data[offset + 4 : offset + 6])
        if (fits or not offset or group == DELIMITERS) and _is_known(group, number):
            return True
    return False


def trailing_fault(view: memoryview, start: int, end: int) -> str:
    """Describe the bytes from ``start`` to ``end``, which follow the last element of a Data Set."""
    if content_end(view, start, end) == start:
        return f"{end - start} zero bytes follow the last element"
    if end - start < SHORTEST_HEADER:
        return f"{end - start} bytes, too few for an element, follow the last element"
    return f"{end - start} bytes that are not an element follow the last element"


def _is_known(group: int, number: int) -> bool:
    """Return whether a tag is a delimiter, or an element of PS3.6 outside of group 0000, the group of Command Sets."""
    tag = group << 16 | number
    return tag in (ITEM, ITEM_DELIMITATION, SEQUENCE_DELIMITATION) or (group > 0 and is_known(tag))


def begins_early(view: memoryview, offset: int, layout: Layout) -> bool:
    """Return whether an item or the delimiter of a sequence begins one byte before ``offset``.

    Then the length of the fragment before it includes a padding byte that is missing.
    """
    key = layout.item.unpack_from(view, offset - 1)[:2] if 0 < offset <= len(view) - SHORTEST_HEADER + 1 else ()
    return key in [(tag >> 16, tag & 0xFFFF) for tag in (ITEM, SEQUENCE_DELIMITATION)]


def content_end(view: memoryview, start: int, end: int) -> int:
    """Return the offset where the trailing zeros between ``start`` and ``end`` begin; ``end`` if there are none."""
    while end > start:
        first = max(start, end - _CHUNK)
        length = len(view[first:end].tobytes().rstrip(b"\0"))
        if length:
            return first + length
        end = first
    return end
