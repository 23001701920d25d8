"""The part of a Data Set that precedes its pixels.

To find it takes no Data Set: the headers lead from one to the next, past whatever has a length. What has none is
entered, and left again at its delimiter.
"""

from .layout import ITEM, SHORT_VRS, UNDEFINED, Layout, layout_of
from .syntax import IMPLICIT_LE, TransferSyntax

__all__ = ["pixels_offset"]

_PIXELS = 0x7FE0  # the group of Pixel Data of any kind, and of the tables that belong to them
_MOST_HEADERS = 2_000_000  # as many as a file may have
_LONGEST_HEADER = 12


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
        if group == ITEM >> 16 and number != ITEM & 0xFFFF:  # a delimiter
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


def _value(view: memoryview, offset: int, group: int, length: int, layout: Layout) -> tuple[int, int, bytes]:
    """Where the value of the element or item at ``offset`` begins, its length, and its VR where that is explicit."""
    if layout.implicit or group == ITEM >> 16:
        return offset + 8, length, b""
    _, _, code, short = layout.short.unpack_from(view, offset)
    if code in SHORT_VRS:
        return offset + 8, short, code
    return offset + 12, layout.length.unpack_from(view, offset + 8)[0], code
