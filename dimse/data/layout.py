"""How the header of a Data Element is laid out: PS3.5 Tables 7.1-1 to 7.1-3 and 7.5-1 to 7.5-3.

=================  ========  =========  ====  ==========  =========
form               group     element    VR    reserved    length
=================  ========  =========  ====  ==========  =========
implicit VR        2 octets  2          -     -           4
explicit, short    2         2          2     -           2
explicit, long     2         2          2     2           4
item, delimiters   2         2          -     -           4
=================  ========  =========  ====  ==========  =========

What only walks over headers takes group and element as one number, which in little endian has the two in the wrong
order: a *key*. It takes a VR as one number, too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct

from .syntax import TransferSyntax
from .vr import VRS

__all__ = [
    "DELIMITERS",
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
DELIMITERS = ITEM >> 16  # their group
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
    key_item: Struct = field(init=False)  # implicit VR, item, delimiters: key, length
    step: Struct = field(init=False)  # explicit VR: VR as a number, length of the short form
    sequence: Struct = field(init=False)  # explicit VR: length of a sequence, key and length of its first item
    short_codes: frozenset[int] = field(init=False)  # VRs of the short form, as numbers
    sequence_code: int = field(init=False)

    def __post_init__(self) -> None:
        order = ">" if self.big_endian else "<"
        forms = {"item": "HHI", "short": "HH2sH", "long": "HH2s2xI", "length": "I"}
        forms |= {"key_item": "II", "step": "4xHH", "sequence": "8xIII"}
        for name, form in forms.items():
            object.__setattr__(self, name, Struct(order + form))
        object.__setattr__(self, "short_codes", frozenset(map(self._code, SHORT_VRS)))
        object.__setattr__(self, "sequence_code", self._code(b"SQ"))

    def __reduce__(self) -> "tuple[Callable[[bool, bool], Layout], tuple[bool, bool]]":
        return _layout, (self.implicit, self.big_endian)

    def key(self, tag: int) -> int:
        """The key of a tag; the tag of a key."""
        return tag if self.big_endian else tag >> 16 | (tag & 0xFFFF) << 16

    def _code(self, letters: bytes) -> int:
        return int.from_bytes(letters, "big" if self.big_endian else "little")


_LAYOUTS = {
    (implicit, big_endian): Layout(implicit, big_endian) for implicit in (False, True) for big_endian in (False, True)
}


def _layout(implicit: bool, big_endian: bool) -> Layout:
    return _LAYOUTS[implicit, big_endian]


def layout_of(syntax: TransferSyntax) -> Layout:
    """The headers that ``syntax`` uses."""
    return _LAYOUTS[syntax.implicit, syntax.big_endian]
