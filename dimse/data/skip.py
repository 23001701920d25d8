"""Ways through the bytes of a Data Set that make nothing of them.

The headers lead from one to the next, past whatever has a length. What has none is entered, and left again at its
delimiter. Regular expressions take a common element in 50 to 90 ns, where the least of loops takes 170.
"""

import re
import struct
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from .dictionary import vr_of
from .header import read_header
from .syntax import (
    DELIMITERS,
    IMPLICIT_LE,
    ITEM,
    ITEM_DELIMITATION,
    LONG_VRS,
    SEQUENCE_DELIMITATION,
    SHORT_VRS,
    UNDEFINED,
    Layout,
    TransferSyntax,
    layout_of,
)
from .values import octets

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["SHORTEST", "common_elements", "expected_length", "items_end", "pixels_offset"]

_PIXELS = 0x7FE0  # the group of Pixel Data of any kind, and of the tables that belong to them
_MOST_HEADERS = 2_000_000  # as many as a file may have
SHORTEST = 8  # bytes of an element, an item or a delimiter
_LONGEST_HEADER = 12
_NESTED = 4  # sequences within sequences that are taken at once


def pixels_offset(view: memoryview, syntax: TransferSyntax) -> int:
    """Where the first element of group 7FE0 begins in a Data Set that is not deflated, or else where ``view`` ends.

    Bytes that are no Data Set lead anywhere: decoding what precedes that will tell.
    """
    layout = layout_of(syntax)
    around: list[Layout] = []  # the layouts outside of what was entered
    offset = 0
    for _ in range(_MOST_HEADERS):
        if offset + _LONGEST_HEADER > len(view):
            break
        group, number, length = layout.item.unpack_from(view, offset)
        if group == _PIXELS and not around:
            return offset
        if group == DELIMITERS and number != ITEM & 0xFFFF:
            layout = around.pop() if around else layout
            offset += 8
            continue
        offset, length, code = _value(view, offset, group, length, layout)
        if length == UNDEFINED:
            around.append(layout)
            layout = layout_of(IMPLICIT_LE) if code == b"UN" else layout
        else:
            offset += length
    return len(view)


def items_end(view: memoryview, start: int, end: int, layout: Layout, most: int, depth: int) -> int | None:
    """Where the delimiter begins that ends a sequence of undefined length, whose first item begins at ``start``.

    None where that is not to be found in ``most`` headers and ``depth`` sequences: parsing will tell why.
    """
    within = [layout]  # what was entered, in turns a sequence and an item of it: how it is laid out
    offset = start
    is_too_short_for_too_many = (end - start) // SHORTEST <= most
    run = None if layout.big_endian or not is_too_short_for_too_many else _delimited_elements(layout.implicit).match
    for _ in range(most):
        if offset + SHORTEST > end:
            break
        group, number, length = layout.item.unpack_from(view, offset)
        tag, in_sequence = group << 16 | number, len(within) & 1
        if tag == (SEQUENCE_DELIMITATION if in_sequence else ITEM_DELIMITATION):
            within.pop()
            if not within:
                return offset
            layout = within[-1]
            offset += SHORTEST
            continue
        if (tag == ITEM) != in_sequence or (not in_sequence and _is_odd(group, offset, end)):
            break
        offset, length, code = _value(view, offset, group, length, layout)
        if length != UNDEFINED:
            offset += length
            continue
        if len(within) >= 2 * depth:
            break
        within.append(layout_of(IMPLICIT_LE) if code == b"UN" else layout)
        run = run if layout is within[-1] else None
        layout = within[-1]
        if run is not None and in_sequence and len(within) <= 2 * (depth - _NESTED):
            found = run(view, offset, end)
            offset = found.end() if found else offset
    return None


def _is_odd(group: int, offset: int, end: int) -> bool:
    """Whether no element begins here."""
    return group == DELIMITERS or offset + _LONGEST_HEADER > end


def _value(view: memoryview, offset: int, group: int, length: int, layout: Layout) -> tuple[int, int, bytes]:
    """Where the value of the element or item at ``offset`` begins, its length, and its VR where that is explicit."""
    if layout.implicit or group == DELIMITERS:
        return offset + 8, length, b""
    _, _, code, short = layout.short.unpack_from(view, offset)
    if code in SHORT_VRS:
        return offset + 8, short, code
    if code in LONG_VRS:
        return offset + 12, layout.length.unpack_from(view, offset + 8)[0], code
    header = read_header(view, offset, len(view), layout)
    return header.start, header.length, code


@cache
def common_elements(big_endian: bool) -> re.Pattern[bytes]:
    """Elements of the short form, one after the other, whose values have the usual lengths."""
    return re.compile(b"(?s:....%b)*+" % _short_form(big_endian))


@cache
def _delimited_elements(implicit: bool) -> re.Pattern[bytes]:
    """Ditto in little endian, and among them sequences of undefined length with items of undefined length."""
    tag = rb"(?!\xfe\xff)...."
    common = content = tag + (_values(4, "little") if implicit else _short_form(False))
    sequence = tag + (b"" if implicit else rb"SQ\x00\x00") + rb"\xff{4}"
    for _ in range(_NESTED):
        items = rb"(?:\xfe\xff\x00\xe0\xff{4}(?:%b)*+\xfe\xff\x0d\xe0....)*+" % content
        content = rb"%b|%b%b\xfe\xff\xdd\xe0...." % (common, sequence, items)
    return re.compile(rb"(?s:%b)*+" % content)


def _short_form(big_endian: bool) -> bytes:
    """VR, length and value of the short form."""
    by_first = groupby(sorted(SHORT_VRS), lambda vr: vr[:1])  # one letter after the other is found sooner
    vrs = b"|".join(b"%b[%b]" % (first, b"".join(vr[1:] for vr in vrs)) for first, vrs in by_first)
    return b"(?:%b)%b" % (vrs, _values(2, "big" if big_endian else "little"))


def _values(size: int, order: Literal["big", "little"]) -> bytes:
    """The length, of ``size`` bytes, and the value."""
    lengths = ((re.escape(length.to_bytes(size, order)), length) for length in range(0, 66, 2))
    return b"(?:%b)" % b"|".join(b"%b.{%d}" % pair for pair in lengths)


_MOST_HEADERS = 1000  # what precedes the pixels of an image box or an image is far less; a peer may send anything


def expected_length(prefix: "Buffer", syntax: TransferSyntax) -> int | None:
    """The least length of the Data Set that begins with ``prefix``: where the first value that is not all there ends.

    None where every value is there, where the length of that value is undefined, and for a deflated Data Set.
    """
    view = octets(prefix)
    if syntax.deflated or not view:
        return None
    layout = layout_of(syntax)
    offset = 0
    try:
        for _ in range(_MOST_HEADERS):
            offset, length = _header(view, offset, layout)
            if length == UNDEFINED:
                return None
            offset += length
            if offset > len(view):
                return offset
    except struct.error:
        pass  # the prefix ends in a header, or with a value
    return None


def _header(view: memoryview, offset: int, layout: Layout) -> tuple[int, int]:
    """Where the value of the element at ``offset`` begins, and its length; 0 for what is to be gone into."""
    group, number, length = layout.item.unpack_from(view, offset)
    tag = group << 16 | number
    if group == ITEM >> 16:
        return offset + 8, 0 if length == UNDEFINED else length
    if layout.implicit:
        return offset + 8, 0 if length == UNDEFINED and vr_of(tag) in ("SQ", "UN") else length
    _, _, code, short = layout.short.unpack_from(view, offset)
    if code in SHORT_VRS:
        return offset + 8, short
    if code not in LONG_VRS:
        header = read_header(view, offset, len(view), layout)
        return header.start, header.length
    (length,) = layout.length.unpack_from(view, offset + 8)
    return offset + 12, 0 if length == UNDEFINED and code == b"SQ" else length
