"""PS3.3 §C.12.1.1.2 and PS3.5 §6.1, with the examples of PS3.5 Annexes H, I and J."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data.charset import charset_of, decode_text, encode_text
from dimse.errors import EncodeError

JAPANESE = ["", "ISO 2022 IR 87"]
KATAKANA = ["ISO 2022 IR 13", "ISO 2022 IR 87"]
KOREAN = ["", "ISO 2022 IR 149"]

# The annex, the terms, the bytes of a person name, and what it says.
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
def test_the_examples_of_the_standard_both_ways(annex: str, terms: list[str], raw: bytes, text: str) -> None:
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
def test_single_sets(term: str, raw: bytes, text: str) -> None:
    charset = charset_of(term)
    assert decode_text(raw, charset) == text
    assert encode_text(text, charset) == raw


@pytest.mark.parametrize("term", ["ISO-IR 100", "ISO_IR_100", "iso_ir 100", " ISO 2022 IR 100", "ISO2022 IR 100"])
def test_misspelled_terms_are_understood(term: str) -> None:
    assert charset_of(term) == charset_of("ISO_IR 100")


def test_without_a_set_reading_is_lenient_and_writing_strict() -> None:
    assert decode_text(b"M\xfcller", charset_of(None)) == "Müller"
    assert decode_text(b"M\xfcller", charset_of("ISO_IR 999")) == "Müller"
    with pytest.raises(EncodeError, match=r"'ü' cannot be written in the character set 6"):
        encode_text("Müller", ())


def test_an_item_that_is_no_text_names_no_set() -> None:
    assert charset_of([None, 5]) == ()


def test_utf_8_knows_no_escapes_and_writes_all() -> None:
    utf_8 = charset_of("ISO_IR 192")
    assert decode_text(b"a\x1b(Bb", utf_8) == "a\x1b(Bb"
    assert decode_text(b"\xff", utf_8) == "�"
    with pytest.raises(EncodeError, match="192"):
        encode_text("\ud800", utf_8)


def test_a_set_that_lacks_the_character_is_passed_over() -> None:
    charset = charset_of(["", "ISO 2022 IR 100", "ISO 2022 IR 144"])
    assert encode_text("é Л", charset) == b"\x1b-A\xe9 \x1b-L\xbb"
    assert decode_text(b"\x1b-A\xe9 \x1b-L\xbb", charset) == "é Л"
    with pytest.raises(EncodeError, match="6 or 100 or 144"):
        encode_text("山", charset)


def test_a_wide_set_and_one_above_7f_do_not_mix() -> None:
    charset = charset_of([*KATAKANA, "ISO 2022 IR 159"])
    raw = encode_text("山ﾔ丂a", charset)
    assert raw == b"\x1b$B;3\x1b(J\xd4\x1b$(D0!\x1b(Ja"
    assert decode_text(raw, charset) == "山ﾔ丂a"
    assert decode_text(b"\x1b$B;3\xd4", charset) == "山ﾔ", "as others mix them"


def test_half_of_a_double_byte_is_no_katakana() -> None:
    with pytest.raises(EncodeError):
        encode_text("山", charset_of("ISO_IR 13"))  # shift_jis has it, in two bytes


def test_the_first_set_holds_again_behind_a_delimiter() -> None:
    charset = charset_of(["ISO 2022 IR 100", "ISO 2022 IR 144"])
    assert decode_text(b"\x1b-L\xbb\\\xe9", charset) == "Л\\é"
    assert decode_text(b"\x1b-L\xbb\r\n\xe9", charset) == "Л\r\né"
    assert decode_text(b"\x1b-L\xbb^\xe9", charset) == "Л^щ", "not in other text than names"
    assert decode_text(b"\x1b-L\xbb^\xe9", charset, person=True) == "Л^é"
    assert encode_text("Л\\é", charset) == b"\x1b-L\xbb\\\xe9"


def test_back_to_ascii_by_escape() -> None:
    assert decode_text(b"\x1b$B;3\x1b(Ba\x1b(Jb", charset_of(JAPANESE)) == "山ab"


@given(st.binary(), st.sampled_from([*(row[1] for row in EXAMPLES), ["ISO_IR 100"], [], ["nonsense"]]), st.booleans())
def test_reading_never_fails(raw: bytes, terms: list[str], person: bool) -> None:
    assert isinstance(decode_text(raw, charset_of(terms), person=person), str)


@given(st.text(alphabet="aZ ^=\\山田太郎やまだ", max_size=12))
def test_decode_undoes_encode(text: str) -> None:
    charset = charset_of(JAPANESE)
    assert decode_text(encode_text(text, charset, person=True), charset, person=True) == text
