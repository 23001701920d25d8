"""The attributes that determine how other elements of a Data Set are read and written.

Specific Character Set applies to text (PS3.5 §6.1). Bits Allocated decides how the bytes of 32-bit pixels are swapped.
:mod:`dimse.data.vr` describes the effect of Pixel Representation.
"""

from ..errors import DecodeError
from .charset import Charset, charset_of
from .dataset import CHARACTER_SET, PIXEL_DATA, Element, Value
from .source import ALWAYS_ACCEPTED
from .syntax import SHORT_VRS, Layout
from .values import decode_value
from .vr import BITS_ALLOCATED

__all__ = ["bits_allocated_in", "charset_in", "find_charset", "word_vr"]

_SEARCHED = 16  # elements at the beginning of a Data Set; `find_charset` looks at no more


def charset_in(elements: dict[int, Element], inherited: Charset) -> Charset:
    """Return the character sets that (0008,0005) in ``elements`` names; ``inherited`` if the element is missing.

    An item inherits the character sets of the Data Set that contains it. A value of (0008,0005) that cannot be read, or
    has more than 1024 bytes, counts as empty: the result is (), the default repertoire.
    """
    element = elements.get(CHARACTER_SET)
    if element is None:
        return inherited
    try:
        return charset_of(element.value) if element._length <= ALWAYS_ACCEPTED else ()
    except DecodeError:
        return ()


def find_charset(view: memoryview, layout: Layout, start: int) -> Charset:
    """Return the character sets of a Data Set before its elements are decoded.

    Only the first 16 elements are searched; the search ends before the first element with the long form of a header.
    The result is (), the default repertoire, if it does not find (0008,0005).
    """
    offset, end = start, len(view) - 8
    header = layout.short.unpack_from
    for _ in range(_SEARCHED):
        if offset > end:
            break
        group, number, code, length = header(view, offset)
        if layout.implicit:
            (length,) = layout.length.unpack_from(view, offset + 4)
        elif code not in SHORT_VRS:
            break
        tag = group << 16 | number
        if tag >= CHARACTER_SET:
            is_usable = tag == CHARACTER_SET and length <= ALWAYS_ACCEPTED
            return charset_of(decode_value("CS", view[offset + 8 : offset + 8 + length])) if is_usable else ()
        offset += length + 8
    return ()


def word_vr(elements: dict[int, Element], tag: int, vr: str) -> str:
    """Return the VR whose word size applies when the byte order of a value is changed.

    It is ``vr``, but OL for Pixel Data with VR OW if Bits Allocated in ``elements`` is 32.
    """
    return "OL" if tag == PIXEL_DATA and vr == "OW" and bits_allocated_in(elements) == 32 else vr


def bits_allocated_in(elements: dict[int, Element]) -> Value:
    """Return Bits Allocated; None if it is missing or cannot be read."""
    try:
        return elements[BITS_ALLOCATED].value if BITS_ALLOCATED in elements else None
    except DecodeError:
        return None
