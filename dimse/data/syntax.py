"""Transfer Syntaxes (PS3.5 Annex A, with names from PS3.6 Table A-1), and the layout of element headers in each.

The forms of a header, PS3.5 Tables 7.1-1 to 7.1-3 and 7.5-1 to 7.5-3:

=================  ========  =========  ====  ==========  =========
form               group     element    VR    reserved    length
=================  ========  =========  ====  ==========  =========
implicit VR        2 octets  2          -     -           4
explicit, short    2         2          2     -           2
explicit, long     2         2          2     2           4
item, delimiters   2         2          -     -           4
=================  ========  =========  ====  ==========  =========

Code that skips elements reads group and element as one number, a *key*; in little endian, the group is the lower half
of a key. Such code also reads a VR as one number.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from struct import Struct

from .. import uids
from ..errors import DecodeError
from .vr import VRS

__all__ = [
    "DEFLATED_LE",
    "DELIMITERS",
    "EXPLICIT_BE",
    "EXPLICIT_LE",
    "IMPLICIT_LE",
    "ITEM",
    "ITEM_DELIMITATION",
    "LONG_VRS",
    "Layout",
    "SEQUENCE_DELIMITATION",
    "SHORT_VRS",
    "TransferSyntax",
    "UNDEFINED",
    "syntax_of",
    "syntax_of_value",
]


ITEM = 0xFFFEE000
ITEM_DELIMITATION = 0xFFFEE00D
SEQUENCE_DELIMITATION = 0xFFFEE0DD
DELIMITERS = ITEM >> 16  # the group of items and delimiters
UNDEFINED = 0xFFFFFFFF  # the length of a sequence or an item that ends with a delimiter

# VRs by the two letters in the header. A VR that is in neither table has the long form, PS3.5 §6.2.
SHORT_VRS = {row.name.encode(): row.name for row in VRS.values() if not row.long}
LONG_VRS = {row.name.encode(): row.name for row in VRS.values() if row.long}


@dataclass(frozen=True, slots=True)
class Layout:
    """The layout of headers in a Transfer Syntax."""

    implicit: bool
    big_endian: bool
    item: Struct = field(init=False)  # for implicit VR, item, delimiters: group, element, length
    short: Struct = field(init=False)  # group, element, VR, length
    long: Struct = field(init=False)  # group, element, VR, length
    length: Struct = field(init=False)  # the length in the long form, which stands at octet 8
    key_item: Struct = field(init=False)  # for implicit VR, item, delimiters: key, length
    step: Struct = field(init=False)  # for explicit VR: VR as a number, length in the short form
    sequence: Struct = field(init=False)  # length of a sequence, key and length of its first item
    item_key: int = field(init=False)  # the key of an item
    short_codes: frozenset[int] = field(init=False)  # the VRs of the short form, as numbers
    stream_codes: frozenset[int] = field(init=False)  # VRs of the long form whose values are skipped by their length

    def __post_init__(self) -> None:
        order = ">" if self.big_endian else "<"
        forms = {"item": "HHI", "short": "HH2sH", "long": "HH2s2xI", "length": "I"}
        forms |= {"key_item": "II", "step": "4xHH", "sequence": "4xIII" if self.implicit else "8xIII"}
        for name, form in forms.items():
            object.__setattr__(self, name, Struct(order + form))
        object.__setattr__(self, "item_key", self.key(ITEM))
        object.__setattr__(self, "short_codes", frozenset(map(self._code, SHORT_VRS)))
        object.__setattr__(self, "stream_codes", frozenset(map(self._code, LONG_VRS.keys() - {b"SQ", b"UN"})))

    def __reduce__(self) -> "tuple[Callable[[bool, bool], Layout], tuple[bool, bool]]":
        return _layout, (self.implicit, self.big_endian)

    def key(self, tag: int) -> int:
        """Return the key of a tag, or the tag of a key."""
        return tag if self.big_endian else tag >> 16 | (tag & 0xFFFF) << 16

    def _code(self, letters: bytes) -> int:
        return int.from_bytes(letters, "big" if self.big_endian else "little")


_LAYOUTS = {
    (implicit, big_endian): Layout(implicit, big_endian) for implicit in (False, True) for big_endian in (False, True)
}


def _layout(implicit: bool, big_endian: bool) -> Layout:
    return _LAYOUTS[implicit, big_endian]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSyntax:
    """The encoding of a Data Set: a row of PS3.5 Annex A.

    ``encapsulated``: Pixel Data is compressed, in fragments (§A.4). ``deflated``: the whole Data Set is deflated
    (§A.5). ``big_endian_pixels``: native Pixel Data is in big endian, although the rest is not. Only a private syntax
    has this. ``layout``: the layout of headers.
    """

    uid: str
    name: str
    implicit: bool = False
    big_endian: bool = False
    encapsulated: bool = False
    deflated: bool = False
    big_endian_pixels: bool = False
    layout: Layout = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "layout", _layout(self.implicit, self.big_endian))

    @property
    def is_unknown(self) -> bool:
        """Whether neither PS3.6 nor this module has the UID, so that the other fields are guesses."""
        return self.uid not in _syntaxes()


IMPLICIT_LE = TransferSyntax(uid=uids.ImplicitVRLittleEndian, name="Implicit VR Little Endian", implicit=True)
EXPLICIT_LE = TransferSyntax(uid=uids.ExplicitVRLittleEndian, name="Explicit VR Little Endian")
EXPLICIT_BE = TransferSyntax(uid=uids.ExplicitVRBigEndian, name="Explicit VR Big Endian", big_endian=True)
DEFLATED_LE = TransferSyntax(
    uid=uids.DeflatedExplicitVRLittleEndian, name="Deflated Explicit VR Little Endian", deflated=True
)

_GE_PRIVATE = TransferSyntax(  # the only private syntax in this module; angiography systems of GE use it
    uid="1.2.840.113619.5.2",
    name="GE Private Implicit VR Little Endian with big endian Pixel Data",
    implicit=True,
    big_endian_pixels=True,
)

_PAPYRUS = "1.2.840.10008.1.20"
_DEFLATED = {"1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"}  # JPIP Referenced Deflate
_REFERENCED = {*_DEFLATED, "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.204"}  # syntaxes whose pixels are elsewhere
_ENCAPSULATED_PREFIXES = (  # the beginnings of the UIDs of encapsulated syntaxes
    "1.2.840.10008.1.2.4.",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.8",
    "1.2.840.10008.1.2.1.98",
)


@cache
def _syntaxes() -> dict[str, TransferSyntax]:
    known = {
        row.uid: TransferSyntax(
            uid=row.uid,
            name=row.name,
            implicit=row.uid == _PAPYRUS,
            encapsulated=row.uid.startswith(_ENCAPSULATED_PREFIXES) and row.uid not in _REFERENCED,
            deflated=row.uid in _DEFLATED,
        )
        for row in uids.registry().values()
        if row.type == "Transfer Syntax"
    }
    return known | {syntax.uid: syntax for syntax in (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE, _GE_PRIVATE)}


@cache
def _syntaxes_by_value() -> dict[bytes, TransferSyntax]:
    return {uid.encode().ljust(len(uid) + len(uid) % 2, b"\0"): syntax for uid, syntax in _syntaxes().items()}


def syntax_of_value(raw: bytes) -> TransferSyntax | None:
    """Return the Transfer Syntax whose UID is the padded value ``raw`` of an element; None if there is none."""
    return _syntaxes_by_value().get(raw)


def syntax_of(uid: str) -> TransferSyntax:
    """Return the Transfer Syntax with this UID. Raises DecodeError if neither PS3.6 nor this module has it."""
    syntax = _syntaxes().get(uid)
    if syntax is None:
        raise DecodeError(f"{uid!r} is not a known Transfer Syntax", rule="PS3.6 Table A-1")
    return syntax
