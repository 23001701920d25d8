"""CHS: the character sets of text in both directions."""

from struct import pack

from dimse.data import tag_of
from dimse.verify import Case, Flags, Level, Role, SubCase
from dimse.verify.case import CaseRun
from dimse.verify.items import shown_octets
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    DEAD,
    FAILURE,
    RESPONSE,
    RULE_BROKEN,
    RULE_KEPT,
    SILENCE,
    Answered,
    Broken,
    Seen,
)
from dimse.verify.verdict import Close

from ..conversation import Conversation
from ..film import data_of
from ..rules import TextRules
from ..steps import on_print

__all__ = ["TEXT"]

_CHARACTER_SET, _LABEL = tag_of("SpecificCharacterSet"), tag_of("FilmSessionLabel")
_HANDLED = Answered(frozenset({0x0000, 0x0107, 0x0116, 0x0105, 0x0106}))  # the text is used, ignored or refused
_KANJI = b"\x1b$B;3ED\x1b(B"
_HANGUL = b"\x1b$)C\xb1\xe8\xc8\xf1\xc1\xdf"
_TRAIL = b"\x95\\TEST"  # one character of GB18030, whose second byte is the code of a backslash; then TEST
_TRAIL_TEXT = _TRAIL.decode("gb18030")  # a printer may return the same text in another character set


def _element(tag: int, value: bytes) -> bytes:
    padded = value + b" " * (len(value) % 2)
    return pack("<HHI", tag >> 16, tag & 0xFFFF, len(padded)) + padded


def labeled(term: bytes, label: bytes) -> CaseRun:
    """Return the run that creates a film session with this label; ``term`` is its character set, if not empty."""

    async def script(talk: Conversation) -> Seen:
        character_set = _element(_CHARACTER_SET, term) if term else b""
        seen = await talk.create_session(character_set + _element(_LABEL, label))
        element = next((each for each in data_of(seen) if each.tag == _LABEL), None)
        raw = b"" if element is None else bytes(element.raw).rstrip(b" ")
        if element is not None and label == _TRAIL and raw not in (b"", label) and element.value != _TRAIL_TEXT:
            return Broken(f"the label {shown_octets(label)} was returned as {shown_octets(raw)}")
        return seen

    return on_print(script)


_LOST = (ABORT, CLOSED, SILENCE)

TEXT: tuple[Case, ...] = (
    Case(
        id="CHS-1.01",
        title="Latin-1 text",
        section="PS3.5 §6.1.2; PS3.4 Table H.4-2 ((0008,0005) U/U)",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=labeled(b"ISO_IR 100", b"M\xfcller"),
        passes=(_HANDLED,),
        nonstrict=(FAILURE,),
        fails=_LOST,
    ),
    Case(
        id="CHS-1.02",
        title="UTF-8 text",
        section="PS3.5 §6.1.2.3, §6.1.2.5.4 d",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=labeled(b"ISO_IR 192", "Müller 測".encode()),
        passes=(_HANDLED,),
        nonstrict=(FAILURE,),
        fails=_LOST,
    ),
    Case(
        id="CHS-1.03",
        title="Code extensions: Kanji, Korean",
        section="PS3.5 §6.1.2.4, §6.1.2.5, Annex H, I",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=labeled(b"\\ISO 2022 IR 87", _KANJI),
        passes=(_HANDLED,),
        nonstrict=(FAILURE,),
        fails=_LOST,
        subcases=(SubCase(name="Korean", run=labeled(b"\\ISO 2022 IR 149", _HANGUL)),),
    ),
    Case(
        id="CHS-1.04",
        title="A trail byte that looks like a backslash",
        section="PS3.5 §6.1.2.3 note, §6.4, Annex J",
        level=Level.SHOULD,
        needs=Flags.PRINT,
        run=labeled(b"GB18030", _TRAIL),
        passes=(_HANDLED,),
        nonstrict=(FAILURE,),
        fails=(RULE_BROKEN, *_LOST),
    ),
    Case(
        id="CHS-1.05",
        title="A character set that does not exist; bytes that it does not allow",
        section="PS3.5 §6.1.2; PS3.3 C.12.1.1.2 (defined terms)",
        level=Level.INFO,
        needs=Flags.PRINT,
        run=labeled(b"ISO_IR 999", b"TEST"),
        passes=(RESPONSE,),
        fails=(ABORT, SILENCE, DEAD),
        subcases=(
            SubCase(name="not UTF-8", run=labeled(b"ISO_IR 192", b"\xff\xfe\xc3")),
            SubCase(name="no character set", run=labeled(b"", b"M\xfcller")),
        ),
        risky=True,
    ),
    Case(
        id="CHS-1.06",
        title="Text that the peer sends carries its character set",
        section="PS3.5 §6.1.2.2 ('shall be defined as an attribute'), §6.1.2.3",
        level=Level.MUST,
        role=Role.BOTH,
        make_listener=TextRules,
        passes=(RULE_KEPT,),
        fails=(RULE_BROKEN,),
        close=Close.NONE,
    ),
)
