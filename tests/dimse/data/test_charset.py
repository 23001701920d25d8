"""PS3.3 §C.12.1.1.2 and PS3.5 §6.1, with the examples of PS3.5 Annexes H, I and J."""

import csv
import os
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import EXPLICIT_LE, Dataset, Value, decode, encode
from dimse.data.charset import charset_of, decode_text, encode_text, term_faults, text_faults
from dimse.errors import EncodeError

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed: pip install pydicom")

JAPANESE = ["", "ISO 2022 IR 87"]
KATAKANA = ["ISO 2022 IR 13", "ISO 2022 IR 87"]
KOREAN = ["", "ISO 2022 IR 149"]

# The annex, the terms, the bytes of a person name, and its text.
EXAMPLES = [
    (
        "H.3.1",
        JAPANESE,
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    (
        "H.3.2",
        KATAKANA,
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    (
        "I.2",
        KOREAN,
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    ("J.1", ["ISO_IR 192"], "Wang^XiaoDong=王^小东=".encode(), "Wang^XiaoDong=王^小东="),
    ("J.2", ["GB18030"], b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东="),
    ("K", ["", "ISO 2022 IR 58"], b"Zhang=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab", "Zhang=张^小东"),
]


@pytest.mark.parametrize(("annex", "terms", "raw", "text"), EXAMPLES, ids=[row[0] for row in EXAMPLES])
def test_examples_of_the_standard_are_read_and_written(annex: str, terms: list[str], raw: bytes, text: str) -> None:
    charset = charset_of(terms)
    assert decode_text(raw, charset, person=True) == text, annex
    assert encode_text(text, charset, person=True) == raw, annex


@pytest.mark.parametrize(
    ("term", "raw", "text"),
    [
        ("ISO_IR 100", b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
        ("ISO_IR 101", b"\xa3\xf3d\xbc", "Łódź"),
        ("ISO_IR 144", b"\xbb\xee\xdace\xdc\xd1yp\xd3", "Люкceмбypг"),  # noqa: RUF001
        ("ISO_IR 127", b"\xe2\xc8\xc7\xe6\xea", "قباني"),
        ("ISO_IR 126", b"\xc4\xe9\xef\xed", "Διον"),
        ("ISO_IR 138", b"\xf9\xf8\xe5\xef", "שרון"),
        ("ISO_IR 148", b"\xc7a\xf0", "Çağ"),
        ("ISO_IR 109", b"\xe6", "ĉ"),
        ("ISO_IR 110", b"\xe0", "ā"),
        ("ISO_IR 203", b"\xa4", "€"),
        ("ISO_IR 166", b"\xca\xc1", "สม"),
        ("ISO_IR 13", b"\xd4\xcf", "ﾔﾏ"),
        ("GBK", b"\xcd\xf5", "王"),
    ],
)
def test_single_sets_are_read_and_written(term: str, raw: bytes, text: str) -> None:
    charset = charset_of(term)
    assert decode_text(raw, charset) == text
    assert encode_text(text, charset) == raw


@pytest.mark.parametrize("term", ["ISO-IR 100", "ISO_IR_100", "iso_ir 100", " ISO 2022 IR 100", "ISO2022 IR 100"])
def test_misspelled_terms_are_understood(term: str) -> None:
    assert charset_of(term) == charset_of("ISO_IR 100")


def test_undeclared_text_is_read_but_not_written() -> None:
    assert decode_text(b"M\xfcller", charset_of(None)) == "Müller"
    assert decode_text(b"M\xfcller", charset_of("ISO_IR 999")) == "Müller"
    with pytest.raises(EncodeError, match=r"'ü' cannot be written in ISO-IR 6"):
        encode_text("Müller", ())


def test_item_that_is_not_text_names_no_set() -> None:
    assert charset_of([None, 5]) == ()


def test_unknown_first_term_is_ascii_and_others_are_ignored() -> None:
    assert charset_of(["ISO_IR 999", "ISO 2022 IR 87"]) == charset_of(JAPANESE)
    assert charset_of(["", "ISO_IR 999", "ISO 2022 IR 87"]) == charset_of(JAPANESE)
    assert charset_of(["ISO 2022 58"]) == charset_of("ISO 2022 IR 58"), "the misspelling of CP 1234"


@pytest.mark.parametrize(
    ("name", "term"),
    [
        ("UTF-8", "ISO_IR 192"),
        ("utf8", "ISO_IR 192"),
        ("ISO 8859-1", "ISO_IR 100"),
        ("ISO_8859-5", "ISO_IR 144"),
        ("ISO8859-15", "ISO_IR 203"),
    ],
)
def test_name_outside_of_dicom_means_the_same_set(name: str, term: str) -> None:
    assert charset_of(name) == charset_of(term)
    assert [*term_faults(name)] == [f"'{name}' is not a defined term for a single set"]


def test_set_without_escapes_replaces_the_others() -> None:
    assert charset_of(["", "ISO_IR 192"]) == charset_of(["ISO_IR 192", "ISO 2022 IR 100"]) == charset_of("ISO_IR 192")
    assert decode_text("Jérôme".encode(), charset_of(["ISO 2022 IR 6", "ISO_IR 192"])) == "Jérôme"
    assert decode_text(b"J\xe9r\xf4me", charset_of(["ISO 2022 IR 100", "ISO_IR 192"])) == "Jérôme"


def test_set_of_two_bytes_needs_its_escape_even_alone() -> None:
    kanji = charset_of("ISO 2022 IR 87")
    assert decode_text(b"Yamada=\x1b$B;3ED\x1b(B\xe9", kanji) == "Yamada=山田é"
    assert encode_text("Yamada=山田", kanji) == b"Yamada=\x1b$B;3ED\x1b(B"


def test_set_in_g0_applies_until_the_next_or_the_line_end() -> None:
    charset = charset_of([*KATAKANA, "ISO 2022 IR 144"])
    assert decode_text(b"\x1b$B;3\x1b-L\xbb;3\x1b(Ja", charset) == "山Л山a", "G1 changes, G0 does not"
    assert decode_text(b"\x1b$B;3\r\nab", charset) == "山\r\nab"


def test_utf_8_has_no_escapes_and_writes_everything() -> None:
    utf_8 = charset_of("ISO_IR 192")
    assert decode_text(b"a\x1b(Bb", utf_8) == "a\x1b(Bb"
    assert decode_text(b"\xff", utf_8) == "�"
    with pytest.raises(EncodeError, match="192"):
        encode_text("\ud800", utf_8)


def test_set_without_the_character_is_skipped() -> None:
    charset = charset_of(["", "ISO 2022 IR 100", "ISO 2022 IR 144"])
    assert encode_text("é Л", charset) == b"\x1b-A\xe9 \x1b-L\xbb"
    assert decode_text(b"\x1b-A\xe9 \x1b-L\xbb", charset) == "é Л"
    with pytest.raises(EncodeError, match="ISO-IR 6 or ISO-IR 100 or ISO-IR 144"):
        encode_text("山", charset)


def test_wide_set_and_set_above_7f_do_not_mix() -> None:
    charset = charset_of([*KATAKANA, "ISO 2022 IR 159"])
    raw = encode_text("山ﾔ丂a", charset)
    assert raw == b"\x1b$B;3\x1b(J\xd4\x1b$(D0!\x1b(Ja"
    assert decode_text(raw, charset) == "山ﾔ丂a"
    assert decode_text(b"\x1b$B;3\xd4", charset) == "山ﾔ", "as others mix them"


def test_half_of_a_double_byte_is_not_katakana() -> None:
    with pytest.raises(EncodeError):
        encode_text("山", charset_of("ISO_IR 13"))  # shift_jis has it, in two bytes


def test_first_set_applies_again_after_a_delimiter() -> None:
    charset = charset_of(["ISO 2022 IR 100", "ISO 2022 IR 144"])
    assert decode_text(b"\x1b-L\xbb\\\xe9", charset) == "Л\\é"
    assert decode_text(b"\x1b-L\xbb\r\n\xe9", charset) == "Л\r\né"
    assert decode_text(b"\x1b-L\xbb^\xe9", charset) == "Л^щ", "not in other text than names"
    assert decode_text(b"\x1b-L\xbb^\xe9", charset, person=True) == "Л^é"
    assert encode_text("Л\\é", charset) == b"\x1b-L\xbb\x1b-A\\\xe9", "active before the delimiter, §6.1.2.5.3"


@pytest.mark.parametrize("padding", [b"", b" ", b"  ", b"\0"])
@pytest.mark.parametrize(("escape", "term"), [(b"\x1b$B", "87"), (b"\x1b$(D", "159")])
def test_padding_after_kanji_is_not_a_character(padding: bytes, escape: bytes, term: str) -> None:
    charset = charset_of(["", f"ISO 2022 IR {term}"])
    text = decode_text(escape + b"0!" + padding, charset)
    assert text == decode_text(escape + b"0!\x1b(B", charset) + padding.decode()
    assert "\ufffd" not in text


def test_spaces_among_kanji_are_spaces() -> None:
    assert decode_text(b"\x1b$B;3 ;3\x1b(B", charset_of(JAPANESE)) == "山 山"


def test_escape_returns_to_ascii() -> None:
    assert decode_text(b"\x1b$B;3\x1b(Ba\x1b(Jb", charset_of(JAPANESE)) == "山ab"


@given(st.binary(), st.sampled_from([*(row[1] for row in EXAMPLES), ["ISO_IR 100"], [], ["nonsense"]]), st.booleans())
def test_reading_never_fails(raw: bytes, terms: list[str], person: bool) -> None:
    assert isinstance(decode_text(raw, charset_of(terms), person=person), str)


ALL = [
    ["ISO 2022 IR 100", "ISO 2022 IR 144", "ISO 2022 IR 126"],
    ["", "ISO 2022 IR 101", "ISO 2022 IR 138", "ISO 2022 IR 127", "ISO 2022 IR 166"],
    ["ISO 2022 IR 148", "ISO 2022 IR 109", "ISO 2022 IR 110"],
    JAPANESE,
    [*KATAKANA, "ISO 2022 IR 159"],
    KOREAN,
    ["", "ISO 2022 IR 58"],
    ["ISO_IR 192"],
    ["GB18030"],
    ["GBK"],
    ["ISO_IR 13"],
    ["ISO_IR 100"],
]
LETTERS = "aZ 1^=\\\r\n\t山田太郎やまだﾔﾏﾀ丂洪吉洞홍길동张晓东小ЛюдмилΔιςקבשערقبنيสมชายéßĉāŁódźÇğ€🎬¥‾"  # noqa: RUF001


@given(st.text(LETTERS, max_size=12), st.sampled_from(ALL), st.booleans())
def test_decode_undoes_encode(text: str, terms: list[str], person: bool) -> None:
    charset = charset_of(terms)
    try:
        raw = encode_text(text, charset, person=person)
    except EncodeError:
        return
    assert decode_text(raw, charset, person=person) == text
    assert not [*text_faults(raw, charset)], "written as the standard has it"


@given(
    st.text(LETTERS.replace("¥", ""), max_size=12),
    st.sampled_from([terms for terms in ALL if "ISO 2022 IR 58" not in terms]),
)
def test_pydicom_reads_our_texts(text: str, terms: list[str]) -> None:
    """ISO 2022 IR 58 is left out: pydicom leaves its escape sequence in the text."""
    try:
        raw = encode_text(text, charset_of(terms), person=True)
    except EncodeError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pydicom.charset.decode_bytes(raw, pydicom.charset.convert_encodings(terms), set(b"\t\n\f\r\\^="))
    assert theirs == text


@pytest.mark.parametrize(
    ("term", "codec"),
    [
        ("ISO_IR 100", "latin_1"), ("ISO_IR 101", "iso8859_2"), ("ISO_IR 109", "iso8859_3"),
        ("ISO_IR 110", "iso8859_4"), ("ISO_IR 144", "iso8859_5"),
        ("ISO_IR 127", "iso8859_6"), ("ISO_IR 126", "iso8859_7"),
        ("ISO_IR 138", "iso8859_8"), ("ISO_IR 148", "iso8859_9"), ("ISO_IR 203", "iso8859_15"),
        ("ISO_IR 166", "iso8859_11"),
    ],
)  # fmt: skip
def test_single_byte_sets_are_read_and_written_whole(term: str, codec: str) -> None:
    letters = bytes(range(0xA1, 0x100)).decode(codec, "ignore")
    assert decode_text(letters.encode(codec), charset_of(term)) == letters
    assert encode_text(letters, charset_of(term)) == letters.encode(codec)
    extended = charset_of(["", term.replace("ISO_IR", "ISO 2022 IR")])
    raw = encode_text(letters, extended)
    assert raw == extended[1].g1 + letters.encode(codec)
    assert decode_text(raw, extended) == letters


@pytest.mark.parametrize(("term", "plane"), [("87", "euc_jp"), ("149", "euc_kr"), ("58", "gb2312")])
def test_sets_of_two_bytes_are_read_and_written_whole(term: str, plane: str) -> None:
    codes = [bytes([row, cell]) for row in range(0xA1, 0xFF) for cell in range(0xA1, 0xFF)]
    letters = "".join(code.decode(plane, "ignore") for code in codes)
    assert len(letters) > 6000
    charset = charset_of(["", f"ISO 2022 IR {term}"])
    assert decode_text(encode_text(letters, charset), charset) == letters


@pytest.mark.skipif("DIMSE_REFERENCE" not in os.environ, reason="DIMSE_REFERENCE does not name the reference tables")
def test_terms_and_escapes_equal_the_reference_table() -> None:
    with Path(os.environ["DIMSE_REFERENCE"], "specific_character_sets.csv").open(encoding="utf-8") as table:
        rows = [*csv.DictReader(table)][1:]  # the first row has no term
    for row in rows:
        terms = [term for term in (row["term_single"], row["term_with_extensions"]) if term]
        for term in terms:
            (found,) = charset_of(term)
            assert not [*term_faults(term)], term
            extended = row["g0_escape"] or row["g1_escape"]  # without one, the column gives the reason
            wanted = {bytes.fromhex(escape) for escape in row["escape_hex"].split(" / ")} if extended else set()
            assert wanted <= {found.g0, found.g1}, term
    assert len(rows) == 20


def test_yen_sign_is_not_written_as_a_delimiter() -> None:
    for char in "¥‾":
        with pytest.raises(EncodeError, match="cannot be written in ISO-IR 13"):
            encode_text(f"ﾔ{char}", charset_of("ISO_IR 13"))


def test_character_set_of_an_item_stays_in_the_item() -> None:
    item = Dataset(SpecificCharacterSet="ISO_IR 126", CodeMeaning="Δι")
    plain = Dataset(CodeMeaning="Л")
    ds = Dataset(SpecificCharacterSet="ISO_IR 144", ConceptNameCodeSequence=[item, plain], StudyDescription="юд")
    raw = encode(ds, EXPLICIT_LE)
    assert b"\xc4\xe9" in raw, "in Greek"
    assert decode(raw, EXPLICIT_LE) == ds


@pytest.mark.parametrize(
    ("value", "faults"),
    [
        (None, []),
        ("ISO_IR 100", []),
        ("ISO_IR 192", []),
        ("ISO 2022 IR 100", []),
        (["", "ISO 2022 IR 87"], []),
        (["ISO 2022 IR 6", "ISO 2022 IR 87"], []),
        ("ISO-IR 100", ["'ISO-IR 100' is not a defined term for a single set"]),
        ("ISO_IR 87", ["'ISO_IR 87' is not a defined term for a single set"]),
        (["ISO_IR 100", "ISO 2022 IR 87"], ["'ISO_IR 100' is not a defined term for one of several sets"]),
        (["", "ISO_IR 192"], ["'ISO_IR 192' is not a defined term for one of several sets"]),
        (["", ""], ["'' is not a defined term for one of several sets"]),
    ],
)
def test_term_faults_name_wrong_terms(value: Value, faults: list[str]) -> None:
    assert [*term_faults(value)] == faults


@pytest.mark.parametrize(
    ("terms", "raw", "faults"),
    [
        ([], b"M\xfcller", ["FCH is not a character of ISO-IR 6"]),
        (["ISO_IR 192"], b"M\xfcller", ["FCH is not a character of ISO-IR 192"]),
        (["ISO_IR 127"], b"\xa1", ["A1H is not a character of ISO-IR 127"]),
        (["ISO_IR 13"], b"\x8e\x52", ["characters of two bytes in ISO-IR 13"]),
        (["ISO_IR 100"], b"=\x1b$B;3\x1b(B", ["an escape to ISO-IR 87, which (0008,0005) does not name"]),
        (["ISO_IR 100"], b"=\x1b[2J", ["an unknown escape sequence"]),
        (JAPANESE, b"a=\x1b$B;3", ["the text ends in ISO-IR 87, not in the first set"]),
        (JAPANESE, b"\x1b$B;3\x1b(B=a", ["an escape in the alphabetic component group"]),
        (JAPANESE, b"a=\x1b$B\x7f\x7f\x1b(B", ["7F 7FH is not a character of ISO-IR 87"]),
        (KOREAN, b"a=\x1b$)C\xff\xff", ["FFH is not a character of ISO-IR 149"]),
        *((row[1], row[2], []) for row in EXAMPLES),
    ],
)
def test_text_faults_name_wrong_bytes(terms: list[str], raw: bytes, faults: list[str]) -> None:
    assert [*text_faults(raw, charset_of(terms), person=True)] == faults


@pytest.mark.parametrize(
    ("raw", "name"), [(b"A\x1b(BB", "ISO-IR 6"), (b"A\x1b(JB", "ISO-IR 6"), (b"\x1b$B;3\x1b(B", "ISO-IR 87")]
)
def test_escape_without_the_attribute_is_a_fault(raw: bytes, name: str) -> None:
    """It stays in the text, even if it only selects ASCII."""
    assert "\x1b" in decode_text(raw, ())
    assert [*text_faults(raw, ())] == [f"an escape to {name}, which (0008,0005) does not name"]


def test_many_escapes_are_read_in_linear_time() -> None:
    storm = b"\x1b$B;3\x1b(B\x1b-L" * 50_000
    assert decode_text(storm, charset_of(JAPANESE)) == "山" * 50_000


@pytest.mark.parametrize(("delimiter", "person"), [("\\", False), ("^", True), ("=", True), ("\\", True)])
def test_delimiter_before_an_escape_resets_a_wide_set(delimiter: str, person: bool) -> None:
    kanji = b"\x1b$B;3ED"
    raw = kanji + delimiter.encode() + kanji + b"\x1b(B"
    charset = charset_of(["", "ISO 2022 IR 87"])
    assert decode_text(raw, charset, person=person) == f"山田{delimiter}山田"


@pytest.mark.parametrize("half", [b"\\", b"^", b"="])
def test_half_of_a_character_before_an_escape_resets_nothing(half: bytes) -> None:
    raw = b"\x1b$B;" + half + b"\x1b(B"
    assert decode_text(raw, charset_of(["", "ISO 2022 IR 87"]), person=True) == (b"\x1b$B;" + half).decode("iso2022_jp")
