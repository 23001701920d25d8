"""How long a Data Set is going to be, from its first bytes.

A message does not say how long its Data Set is, but the header of the Pixel Data, or of the sequence that holds it,
stands near the start. Who gathers the fragments can then reserve room once. It is a hint: a peer may lie.
"""

import struct
from typing import TYPE_CHECKING

from .dictionary import vr_of
from .header import read_header
from .layout import ITEM, LONG_VRS, SHORT_VRS, UNDEFINED, Layout, layout_of
from .syntax import TransferSyntax
from .values import octets

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["expected_length"]

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
