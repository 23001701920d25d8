"""Text of both directions: UAX #9 for one line. Capitals stand for Hebrew letters, as in the annex."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film.bidi import base_level, levels, mirror_brackets, visual_order

HEBREW = {chr(ord("A") + index): chr(0x5D0 + index) for index in range(26)}
LATIN = {hebrew: capital for capital, hebrew in HEBREW.items()}
ARABIC_A, ARABIC_DIGIT = "\u0627", "\u0663"


def shown(text: str) -> str:
    """Return a text in the order from left to right."""
    line = "".join(HEBREW.get(character, character) for character in text)
    written = [
        mirror_brackets(character) if level % 2 else character
        for character, level in zip(line, levels(line), strict=True)
    ]
    return "".join(LATIN.get(character, character) for character in visual_order(written, levels(line)))


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("abc", "abc"),
        ("ABC", "CBA"),
        ("abc DEF ghi", "abc FED ghi"),
        ("ABC def GHI", "IHG def CBA"),
        ("abc ABC, DEF", "abc FED ,CBA"),
        ("ABC 123", "123 CBA"),
        ("ABC 12.5 DEF", "FED 12.5 CBA"),
        ("ABC 12/5", "12/5 CBA"),
        ("ABC -5%", "5%- CBA"),
        ("abc 123 DEF", "abc 123 FED"),
        ("ABC def 123, GHI", "IHG ,def 123 CBA"),
        ("ABC (def)", "(def) CBA"),
        ("abc (DEF)", "abc (FED)"),
        ("(ABC) DEF", "FED (CBA)"),
        ("^ABC^", "^CBA^"),
        ("ABC ", " CBA"),
        ("", ""),
    ],
)
def test_order_follows_the_algorithm(read: str, written: str) -> None:
    assert shown(read) == written


@pytest.mark.parametrize(
    ("text", "level"), [("abc", 0), ("", 0), ("12 ", 0), ("12 \u05d0b", 1), ("\u0645 a", 1), ("a \u0645", 0)]
)
def test_first_letter_sets_the_direction(text: str, level: int) -> None:
    assert base_level(text) == level


def test_number_after_an_arabic_letter_is_arabic() -> None:
    """W2 and W4: a common separator joins Arabic numbers, but a European separator does not."""
    assert levels(f"{ARABIC_A}1-2") == [1, 2, 1, 2]
    assert levels(f"{ARABIC_A}1,2") == [1, 2, 2, 2]
    assert levels(f"a{ARABIC_DIGIT}") == [0, 2]


def test_joiner_stays_with_its_letter() -> None:
    assert levels("a\u05d0\u200d\u0301b") == [0, 1, 1, 1, 0]


@given(st.text(max_size=40))
def test_order_loses_no_character(text: str) -> None:
    found = levels(text)
    assert len(found) == len(text)
    assert set(found) <= {0, 1, 2}
    assert sorted(visual_order(text, found)) == sorted(text)


@given(st.text(alphabet="abc xyz.,()", max_size=40))
def test_latin_text_keeps_its_order(text: str) -> None:
    assert visual_order(text, levels(text)) == list(text)


@pytest.mark.parametrize(
    "pair", ["()", "<>", "\xab\xbb", "\u2264\u2265", "\u226a\u226b", "\u27e8\u27e9", "\u300c\u300d", "\uff08\uff09"]
)
def test_sign_and_bracket_are_mirrored(pair: str) -> None:
    """L4: a signal of at most 5 stays at most 5. The pairs are those of BidiMirroring.txt."""
    left, right = pair[0], pair[1]
    assert shown(f"A{left}B{right}C") == f"C{left}B{right}A"
    assert mirror_brackets(pair) == right + left


@pytest.mark.parametrize("sign", ["\u201c", "\u2190", "A", "5", "\u2248"])
def test_sign_without_a_mirror_image_stays(sign: str) -> None:
    """Quotation marks and arrows are not mirrored; an approximate equality has no mirror image among the characters."""
    assert mirror_brackets(sign) == sign
