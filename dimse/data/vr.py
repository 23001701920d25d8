"""Value Representations: PS3.5 Table 6.2-1, a row for each, and what the codec asks of them."""

from dataclasses import dataclass

__all__ = ["VR", "VRS", "row_of"]


@dataclass(frozen=True, slots=True)
class VR:
    """A row of Table 6.2-1.

    ``size`` is the bytes of one number, or of one word of a stream; 0 for text and sequences. ``most`` is the most
    characters one value may have, None where only the length field limits it. ``many``: values are separated by
    a backslash (text) or stand side by side (numbers). ``charset``: Specific Character Set applies.
    ``strip``: which spaces mean nothing, ``both`` ends or only the trailing ``end``. ``pattern`` is what one value of
    text has to match: the character repertoire, as a regular expression.
    """

    name: str
    title: str
    kind: str  # "text", "number", "stream" or "sequence"
    long: bool  # the explicit form with a 32-bit length, PS3.5 §7.1.2
    many: bool = False
    size: int = 0
    most: int | None = None
    charset: bool = False
    strip: str = "both"
    pattern: str = ""
    pad: bytes = b" "


_LINE = r"[^\x00-\x1F\x7F\\]*"  # no control characters, no backslash
_LINES = r"[^\x00-\x08\x0B\x0E-\x1F\x7F]*"  # but TAB, LF, FF, CR
_ASCII = r"[ -\[\]-~]*"

# fmt: off
_ROWS = (
    VR("AE", "Application Entity", "text", False, many=True, most=16, pattern=_ASCII),
    VR("AS", "Age String", "text", False, many=True, most=4, pattern="[0-9]{3}[DWMY]"),
    VR("AT", "Attribute Tag", "number", False, many=True, size=2),  # a pair of words
    VR("CS", "Code String", "text", False, many=True, most=16, pattern="[A-Z0-9_ ]*"),
    VR("DA", "Date", "text", False, many=True, most=18, pattern="[0-9.-]*"),  # 8; 18 as the range of a query
    VR("DS", "Decimal String", "text", False, many=True, most=16),
    VR("DT", "Date Time", "text", False, many=True, most=54, pattern="[0-9+. -]*"),  # 26; 54 as the range of a query
    VR("FL", "Floating Point Single", "number", False, many=True, size=4),
    VR("FD", "Floating Point Double", "number", False, many=True, size=8),
    VR("IS", "Integer String", "text", False, many=True, most=12),
    VR("LO", "Long String", "text", False, many=True, most=64, charset=True, pattern=_LINE),
    VR("LT", "Long Text", "text", False, most=10240, charset=True, strip="end", pattern=_LINES),
    VR("OB", "Other Byte", "stream", True, size=1, pad=b"\0"),
    VR("OD", "Other Double", "stream", True, size=8, pad=b"\0"),
    VR("OF", "Other Float", "stream", True, size=4, pad=b"\0"),
    VR("OL", "Other Long", "stream", True, size=4, pad=b"\0"),
    VR("OV", "Other 64-bit Very Long", "stream", True, size=8, pad=b"\0"),
    VR("OW", "Other Word", "stream", True, size=2, pad=b"\0"),
    VR("PN", "Person Name", "text", False, many=True, most=64, charset=True, strip="end", pattern=_LINE),  # each group
    VR("SH", "Short String", "text", False, many=True, most=16, charset=True, pattern=_LINE),
    VR("SL", "Signed Long", "number", False, many=True, size=4),
    VR("SQ", "Sequence of Items", "sequence", True),
    VR("SS", "Signed Short", "number", False, many=True, size=2),
    VR("ST", "Short Text", "text", False, most=1024, charset=True, strip="end", pattern=_LINES),
    VR("SV", "Signed 64-bit Very Long", "number", True, many=True, size=8),
    VR("TM", "Time", "text", False, many=True, most=28, pattern="[0-9:. -]*"),  # 14; 28 as the range of a query
    VR("UC", "Unlimited Characters", "text", True, many=True, charset=True, strip="end", pattern=_LINE),
    VR("UI", "Unique Identifier", "text", False, many=True, most=64, pad=b"\0", pattern="[0-9.]*"),
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
    """The row of a VR; that of UN for two letters that are none, as §6.2 asks for VRs to come."""
    return VRS.get(name, _UNKNOWN)
