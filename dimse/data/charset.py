"""Specific Character Set (0008,0005): PS3.3 §C.12.1.1.2 and PS3.5 §6.1.

A :data:`Charset` is the sets that the attribute names: none for the default repertoire, one, or several for code
extensions (ISO 2022). With those, an escape sequence in the text brings another set into G0 (the bytes below 80H) or G1
(those above); at the start of a value, and behind a line end, a tab, a backslash and in names behind ``^`` and ``=``,
the first set holds again. UTF-8, GB18030 and GBK know no escapes.

Reading never fails: bytes that mean nothing become U+FFFD, and where no set (or an unknown one) is named, bytes above
7FH are taken as Latin-1, which is what devices that forget the attribute mostly send. Writing is strict.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

from ..errors import EncodeError

__all__ = ["Charset", "Repertoire", "charset_of", "decode_text", "encode_text"]


@dataclass(frozen=True, slots=True)
class Repertoire:
    """One character set: the number or name in its term, Python's codec, and the escapes that bring it in.

    ``wide`` sets put two bytes below 80H for each character into G0. ``alone`` sets take no escapes at all.
    """

    term: str
    codec: str
    g0: bytes = b""
    g1: bytes = b""
    wide: bool = False
    alone: bool = False


Charset: TypeAlias = tuple[Repertoire, ...]

# fmt: off
_ASCII = Repertoire("6", "ascii", b"\x1b(B")
_REPERTOIRES = (
    _ASCII,
    Repertoire("100", "iso8859_1",  b"\x1b(B", b"\x1b-A"),
    Repertoire("101", "iso8859_2",  b"\x1b(B", b"\x1b-B"),
    Repertoire("109", "iso8859_3",  b"\x1b(B", b"\x1b-C"),
    Repertoire("110", "iso8859_4",  b"\x1b(B", b"\x1b-D"),
    Repertoire("144", "iso8859_5",  b"\x1b(B", b"\x1b-L"),
    Repertoire("127", "iso8859_6",  b"\x1b(B", b"\x1b-G"),
    Repertoire("126", "iso8859_7",  b"\x1b(B", b"\x1b-F"),
    Repertoire("138", "iso8859_8",  b"\x1b(B", b"\x1b-H"),
    Repertoire("148", "iso8859_9",  b"\x1b(B", b"\x1b-M"),
    Repertoire("203", "iso8859_15", b"\x1b(B", b"\x1b-b"),
    Repertoire("166", "tis_620",    b"\x1b(B", b"\x1b-T"),
    Repertoire("13",  "shift_jis",  b"\x1b(J", b"\x1b)I"),
    Repertoire("149", "euc_kr",     b"\x1b(B", b"\x1b$)C"),
    Repertoire("58",  "gb2312",     b"\x1b(B", b"\x1b$)A"),
    Repertoire("87",  "iso2022_jp",   b"\x1b$B",  wide=True),
    Repertoire("159", "iso2022_jp_2", b"\x1b$(D", wide=True),
    Repertoire("192", "utf_8", alone=True),
    Repertoire("GB18030", "gb18030", alone=True),
    Repertoire("GBK", "gbk", alone=True),
)
# fmt: on

_BY_TERM = {row.term: row for row in _REPERTOIRES}
_BY_ESCAPE = {row.g1 or row.g0: row for row in _REPERTOIRES if row.g0} | {b"\x1b(J": _ASCII}
_ESCAPE = re.compile(b"(" + b"|".join(re.escape(escape) for escape in _BY_ESCAPE) + b")")
_HIGH = re.compile(rb"([\x80-\xff]+)")
_DOUBLE = {"149", "58"}  # two bytes above 7FH for each character

# Where the first term holds again, PS3.5 §6.1.2.5.3.
_RESET = re.compile(rb"[\t\n\f\r\\]")
_RESET_IN_NAME = re.compile(rb"[\t\n\f\r\\^=]")
_PIECES = re.compile(r"([\t\n\f\r\\])")
_PIECES_OF_NAME = re.compile(r"([\t\n\f\r\\^=])")

# Both kinds of term, and the ways to misspell them that are seen: ISO-IR 100, ISO_IR_100, ISO2022 IR 100.
_ISO_TERM = re.compile(r"ISO[ _-]*(?:2022[ _-]*)?IR[ _-]*([0-9]+)")


def charset_of(value: object) -> Charset:
    """The sets that a value of (0008,0005) names. A term that PS3.3 does not know is left out."""
    terms = value if isinstance(value, list) else [value]
    rows = (_row(term) for term in terms if isinstance(term, str))
    return tuple(row for row in rows if row)


def _row(term: str) -> Repertoire | None:
    term = term.strip().upper()
    found = _ISO_TERM.fullmatch(term)
    return _BY_TERM.get(found[1] if found else term or "6")  # an empty first term is ASCII


def decode_text(raw: bytes | memoryview, charset: Charset, *, person: bool = False) -> str:
    """``raw`` as text; ``person`` for PN, whose components each start anew. Never fails."""
    codec = charset[0].codec if charset and charset[0] is not _ASCII else "latin_1"
    text = str(raw, codec, "replace")
    if "\x1b" not in text or not charset or charset[0].alone:
        return text
    return "".join(_decode_runs(_ESCAPE.split(raw), codec, _RESET_IN_NAME if person else _RESET))


def _decode_runs(parts: list[bytes], first: str, reset: re.Pattern[bytes]) -> list[str]:
    """Text of runs with the escape before each: ``parts`` is run, escape, run, escape, run ..."""
    out = [str(parts[0], first, "replace")]
    codec = first
    for escape, run in zip(parts[1::2], parts[2::2], strict=True):
        row = _BY_ESCAPE[escape]
        if row.wide:
            out += _decode_wide(row, run, codec)
            continue
        if row.g1:
            codec = row.codec
        stop = reset.search(run)
        end = stop.start() if stop else len(run)
        out.append(str(run[:end], codec, "replace"))
        if stop:
            codec = first
        out.append(str(run[end:], codec, "replace"))
    return out


def _decode_wide(row: Repertoire, run: bytes, codec: str) -> list[str]:
    """A run with a wide set in G0; bytes above 7FH still belong to G1."""
    return [
        str(piece, codec, "replace") if piece[0] > 0x7F else str(row.g0 + piece, row.codec, "replace")
        for piece in _HIGH.split(run)
        if piece
    ]


def encode_text(text: str, charset: Charset, *, person: bool = False) -> bytes:
    """``text`` in the sets of ``charset``. Raises EncodeError for a character that none of them has."""
    if text.isascii():
        return text.encode("ascii")
    rows = charset or (_ASCII,)
    if rows[0].alone:
        return _encode_alone(text, rows[0])
    out = bytearray()
    for piece in (_PIECES_OF_NAME if person else _PIECES).split(text):
        _encode_piece(out, piece, rows)
    return bytes(out)


def _encode_alone(text: str, row: Repertoire) -> bytes:
    try:
        return text.encode(row.codec)
    except UnicodeEncodeError as exc:
        raise EncodeError(f"{text[exc.start]!r} cannot be written in {row.term}") from exc


def _encode_piece(out: bytearray, piece: str, rows: tuple[Repertoire, ...]) -> None:
    """Append a piece of text: it starts in the first set, and ends with G0 as it began."""
    narrow = b"\x1b(J" if rows[0].term == "13" else b"\x1b(B"
    active = rows[0]  # in G1
    wide: Repertoire | None = None  # in G0
    for char in piece:
        row, code = (_ASCII, char.encode("ascii")) if char.isascii() else _find(char, (wide or active, *rows))
        if wide and not row.wide:
            out += narrow
            wide = None
        if row.wide and row is not wide:
            out += row.g0
            wide = row
        elif row.g1 and row is not active:
            out += row.g1
            active = row
        out += code
    if wide:
        out += narrow


def _find(char: str, rows: tuple[Repertoire, ...]) -> tuple[Repertoire, bytes]:
    for row in rows:
        code = _code(char, row)
        if code:
            return row, code
    names = " or ".join(dict.fromkeys(row.term for row in rows))
    raise EncodeError(f"{char!r} cannot be written in the character set {names} (0008,0005)")


def _code(char: str, row: Repertoire) -> bytes:
    """The bytes of a character that is not ASCII, without escapes; nothing where the set has no such character."""
    try:
        code = char.encode(row.codec)
    except UnicodeEncodeError:
        return b""
    if row.wide:  # the codec brings the escapes along, perhaps those of another set
        return code[len(row.g0) : len(row.g0) + 2] if code.startswith(row.g0) else b""
    return code if len(code) == 1 + (row.term in _DOUBLE) else b""
