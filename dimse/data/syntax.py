"""Transfer Syntaxes: PS3.5 Annex A, the names from PS3.6 Table A-1."""

from dataclasses import dataclass
from functools import cache

from .. import uids
from ..errors import DecodeError

__all__ = ["DEFLATED_LE", "EXPLICIT_BE", "EXPLICIT_LE", "IMPLICIT_LE", "TransferSyntax", "syntax_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferSyntax:
    """How a Data Set is written: a row of PS3.5 Annex A.

    ``encapsulated``: Pixel Data is compressed, in fragments (§A.4). ``deflated``: the Data Set as a whole is (§A.5).
    ``big_endian_pixels``: native Pixel Data is in the other byte order than all else, which only a private one has.
    """

    uid: str
    name: str
    implicit: bool = False
    big_endian: bool = False
    encapsulated: bool = False
    deflated: bool = False
    big_endian_pixels: bool = False


IMPLICIT_LE = TransferSyntax(uid=uids.ImplicitVRLittleEndian, name="Implicit VR Little Endian", implicit=True)
EXPLICIT_LE = TransferSyntax(uid=uids.ExplicitVRLittleEndian, name="Explicit VR Little Endian")
EXPLICIT_BE = TransferSyntax(uid=uids.ExplicitVRBigEndian, name="Explicit VR Big Endian", big_endian=True)
DEFLATED_LE = TransferSyntax(
    uid=uids.DeflatedExplicitVRLittleEndian, name="Deflated Explicit VR Little Endian", deflated=True
)

_GE_PRIVATE = TransferSyntax(  # of GE's angiographs, and no other that is known
    uid="1.2.840.113619.5.2",
    name="GE Private Implicit VR Little Endian with big endian Pixel Data",
    implicit=True,
    big_endian_pixels=True,
)

_PAPYRUS = "1.2.840.10008.1.20"
_DEFLATED = {"1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.4.205"}  # JPIP Referenced Deflate
_REFERENCED = {*_DEFLATED, "1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.204"}  # the pixels are elsewhere
_COMPRESSED = (
    "1.2.840.10008.1.2.4.",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.8",
    "1.2.840.10008.1.2.1.98",
)  # how their UIDs begin


@cache
def _syntaxes() -> dict[str, TransferSyntax]:
    known = {
        row.uid: TransferSyntax(
            uid=row.uid,
            name=row.name,
            implicit=row.uid == _PAPYRUS,
            encapsulated=row.uid.startswith(_COMPRESSED) and row.uid not in _REFERENCED,
            deflated=row.uid in _DEFLATED,
        )
        for row in uids.registry().values()
        if row.type == "Transfer Syntax"
    }
    return known | {syntax.uid: syntax for syntax in (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE, _GE_PRIVATE)}


def syntax_of(uid: str) -> TransferSyntax:
    """The Transfer Syntax with this UID. Raises DecodeError for one that neither PS3.6 nor this package knows."""
    syntax = _syntaxes().get(uid)
    if syntax is None:
        raise DecodeError(f"{uid!r} is not a Transfer Syntax", rule="PS3.6 Table A-1")
    return syntax
