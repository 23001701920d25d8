"""How the header of a Data Element is laid out: PS3.5 Tables 7.1-1 to 7.1-3 and 7.5-1 to 7.5-3.

=================  ========  =========  ====  ==========  =========
form               group     element    VR    reserved    length
=================  ========  =========  ====  ==========  =========
implicit VR        2 octets  2          -     -           4
explicit, short    2         2          2     -           2
explicit, long     2         2          2     2           4
item, delimiters   2         2          -     -           4
=================  ========  =========  ====  ==========  =========
"""

from dataclasses import dataclass, field
from struct import Struct

from .syntax import TransferSyntax
from .vr import VRS

__all__ = [
    "ITEM",
    "ITEM_DELIMITATION",
    "LONG_VRS",
    "SEQUENCE_DELIMITATION",
    "SHORT_VRS",
    "UNDEFINED",
    "Layout",
    "layout_of",
]

ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF  # the length of what ends with a delimiter

# By the two letters in the header. A VR that is in neither takes the long form, §6.2.
SHORT_VRS = {row.name.encode(): row.name for row in VRS.values() if not row.long}
LONG_VRS = {row.name.encode(): row.name for row in VRS.values() if row.long}


@dataclass(frozen=True, slots=True)
class Layout:
    """The headers of a Transfer Syntax."""

    implicit: bool
    big_endian: bool
    item: Struct = field(init=False)  # implicit VR, item, delimiters: group, element, length
    short: Struct = field(init=False)  # group, element, VR, length
    long: Struct = field(init=False)  # group, element, VR, length
    length: Struct = field(init=False)  # of the long form, at octet 8

    def __post_init__(self) -> None:
        order = ">" if self.big_endian else "<"
        for name, form in (("item", "HHI"), ("short", "HH2sH"), ("long", "HH2s2xI"), ("length", "I")):
            object.__setattr__(self, name, Struct(order + form))


_LAYOUTS = {
    (implicit, big_endian): Layout(implicit, big_endian) for implicit in (False, True) for big_endian in (False, True)
}


def layout_of(syntax: TransferSyntax) -> Layout:
    """The headers that ``syntax`` uses."""
    return _LAYOUTS[syntax.implicit, syntax.big_endian]
