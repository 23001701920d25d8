"""Value Representations: PS3.5 Table 6.2-1, and the choice of a VR where the dictionary allows several.

==========================  ==========================================================================================
US or SS                    SS if Pixel Representation is 1, in this Data Set or else in the nearest one around it
OB or OW                    OW; OB when a program sets fragments, or Pixel Data with 8 Bits Allocated
US or OW, US or SS or OW    OW (LUT Data)
LUT Descriptor read as SS   only the second value is signed, not the number of entries nor the bits per entry
Pixel Data of 32 bits       swapped as 32-bit words when the byte order changes, as GDCM and pydicom do
==========================  ==========================================================================================

The choices come from PS3.5 §A.1 and §A.2 and PS3.3 §C.11.1 and §C.7.6.3. :mod:`dimse.data.dictionary` returns "US or
SS" as it is. :class:`dimse.data.parser.Parser` chooses when it reads implicit VR or UN, and so does
:class:`dimse.data.decoder.Skimmed` outside of items. ``Dataset._vr_for`` chooses when a value is set. In explicit VR,
the header states the VR.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "BITS_ALLOCATED",
    "DESCRIPTORS",
    "PIXEL_REPRESENTATION",
    "US_OR_SS",
    "VR",
    "VRS",
    "as_descriptor",
    "as_words",
    "chosen_vr",
    "is_signed",
    "row_of",
]


@dataclass(frozen=True, slots=True)
class VR:
    """A row of Table 6.2-1.

    ``name``: the two letters. ``title``: the name in words. ``kind``: "text", "number", "stream" or "sequence".
    ``long``: the header has the explicit form with a length of 32 bits, PS3.5 §7.1.2. ``many``: an element may have
    several values, separated by backslashes (text) or by nothing (numbers). ``size``: bytes of one number (in AT, of
    each of the two words of a tag), or of one word of a stream; 0 for text and sequences. ``max_length``: characters in
    one value, or in one component group of a PN; None if only the length field limits it. ``charset``: Specific
    Character Set applies. ``strip``: insignificant spaces stand at ``both`` ends, or only at the ``end``. ``pattern``:
    a regular expression that each text value must match, or "" if there is none. ``pad``: the byte that makes the
    length of a value even.
    """

    name: str
    title: str
    kind: str
    long: bool
    many: bool = False
    size: int = 0
    max_length: int | None = None
    charset: bool = False
    strip: str = "both"
    pattern: str = ""
    pad: bytes = b" "


_LINE = r"[^\x00-\x1F\x7F\\]*"  # neither control characters nor the backslash
_LINES = r"[^\x00-\x08\x0B\x0E-\x1F\x7F]*"  # no control characters except TAB, LF, FF and CR
_ASCII = r"[ -\[\]-~]*"  # printable ASCII characters except the backslash

# fmt: off
_ROWS = (
    VR("AE", "Application Entity", "text", False, many=True, max_length=16, pattern=_ASCII),
    VR("AS", "Age String", "text", False, many=True, max_length=4, pattern="[0-9]{3}[DWMY]"),
    VR("AT", "Attribute Tag", "number", False, many=True, size=2),  # two words
    VR("CS", "Code String", "text", False, many=True, max_length=16, pattern="[A-Z0-9_ ]*"),
    VR("DA", "Date", "text", False, many=True, max_length=18, pattern="[0-9.-]*"),  # 8; 18 for a range
    VR("DS", "Decimal String", "text", False, many=True, max_length=16),
    VR("DT", "Date Time", "text", False, many=True, max_length=54, pattern="[0-9+. -]*"),  # 26; 54 for a range
    VR("FL", "Floating Point Single", "number", False, many=True, size=4),
    VR("FD", "Floating Point Double", "number", False, many=True, size=8),
    VR("IS", "Integer String", "text", False, many=True, max_length=12),
    VR("LO", "Long String", "text", False, many=True, max_length=64, charset=True, pattern=_LINE),
    VR("LT", "Long Text", "text", False, max_length=10240, charset=True, strip="end", pattern=_LINES),
    VR("OB", "Other Byte", "stream", True, size=1, pad=b"\0"),
    VR("OD", "Other Double", "stream", True, size=8, pad=b"\0"),
    VR("OF", "Other Float", "stream", True, size=4, pad=b"\0"),
    VR("OL", "Other Long", "stream", True, size=4, pad=b"\0"),
    VR("OV", "Other 64-bit Very Long", "stream", True, size=8, pad=b"\0"),
    VR("OW", "Other Word", "stream", True, size=2, pad=b"\0"),
    VR("PN", "Person Name", "text", False, many=True, max_length=64, charset=True, strip="end", pattern=_LINE),
    VR("SH", "Short String", "text", False, many=True, max_length=16, charset=True, pattern=_LINE),
    VR("SL", "Signed Long", "number", False, many=True, size=4),
    VR("SQ", "Sequence of Items", "sequence", True),
    VR("SS", "Signed Short", "number", False, many=True, size=2),
    VR("ST", "Short Text", "text", False, max_length=1024, charset=True, strip="end", pattern=_LINES),
    VR("SV", "Signed 64-bit Very Long", "number", True, many=True, size=8),
    VR("TM", "Time", "text", False, many=True, max_length=28, pattern="[0-9:. -]*"),  # 14; 28 for a range
    VR("UC", "Unlimited Characters", "text", True, many=True, charset=True, strip="end", pattern=_LINE),
    VR("UI", "Unique Identifier", "text", False, many=True, max_length=64, pad=b"\0", pattern="[0-9.]*"),
    VR("UL", "Unsigned Long", "number", False, many=True, size=4),
    VR("UN", "Unknown", "stream", True, size=1, pad=b"\0"),
    VR("UR", "Universal Resource Identifier or Locator", "text", True, strip="end", pattern=_ASCII),
    VR("US", "Unsigned Short", "number", False, many=True, size=2),
    VR("UT", "Unlimited Text", "text", True, charset=True, strip="end", pattern=_LINES),
    VR("UV", "Unsigned 64-bit Very Long", "number", True, many=True, size=8),
)
# fmt: on

VRS = {row.name: row for row in _ROWS}
_UNKNOWN = VRS["UN"]


def row_of(name: str) -> VR:
    """Return the row of a VR. A future VR gets the row of UN: it has the long form (PS3.5 §6.2) and holds bytes."""
    return VRS.get(name, _UNKNOWN)


BITS_ALLOCATED = 0x00280100
PIXEL_REPRESENTATION = 0x00280103
US_OR_SS = "US or SS"

# (0028,1101) to (0028,1103) and (0028,3002). Each has three values: number of entries, first value mapped, bits per
# entry.
DESCRIPTORS = frozenset((0x00281101, 0x00281102, 0x00281103, 0x00283002))


def chosen_vr(signed: bool) -> str:
    """Return the VR of an attribute that may be US or SS."""
    return "SS" if signed else "US"


def is_signed(representation: memoryview) -> bool:
    """Return whether the bytes of Pixel Representation, a US in either byte order, mean signed pixels."""
    return any(representation[:2])


def as_descriptor(words: Sequence[int]) -> list[int]:
    """Return the values of a LUT Descriptor from words that were read as SS."""
    return [word if place == 1 else word % (1 << 16) for place, word in enumerate(words)]


def as_words(values: Sequence[int]) -> list[int]:
    """Return the words that SS writes for the values of a LUT Descriptor."""
    return [value if place == 1 or value < 1 << 15 else value - (1 << 16) for place, value in enumerate(values)]
