"""Arabic letters joined without raqm: the presentation forms of Unicode."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film.arabic import joined


def forms(text: str) -> list[str]:
    """The form of each character: isolated, initial, medial, final; nothing where it has none."""
    written = joined(text, lambda _: True)
    return [unicodedata.decomposition(character).partition(" ")[0].strip("<>") for character in written]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u0645", ["isolated"]),
        ("\u0645\u062d\u0645\u062f", ["initial", "medial", "medial", "final"]),  # Muhammad
        ("\u062f\u0627\u0631", ["isolated", "isolated", "isolated"]),  # letters that join only what is before them
        ("\u0628\u0627\u0628", ["initial", "final", "isolated"]),
        ("\u0628 \u0628", ["isolated", "", "isolated"]),
        ("\u0645\u06cc\u200c\u062e", ["initial", "final", "", "isolated"]),  # ZWNJ parts
        ("\u0628\u200d", ["initial", ""]),  # ZWJ joins
        ("\u200d\u0628", ["", "final"]),
        ("\u0628\u0640\u0628", ["initial", "", "final"]),  # tatweel
        ("\u0628\u064e\u0628", ["initial", "", "final"]),  # a vowel sign does not part
        ("\u0644\u0627", ["isolated"]),  # lam and alef are one
        ("\u0633\u0644\u0627\u0645", ["initial", "final", "isolated"]),
        ("ab", ["", ""]),
    ],
)
def test_letter_has_the_form_that_joins(text: str, expected: list[str]) -> None:
    assert forms(text) == expected


def test_letter_stays_where_the_font_lacks_its_form() -> None:
    text = "\u0633\u0644\u0627\u0645"
    assert joined(text, lambda _: False) == text


@given(st.text(alphabet="\u0628\u0627\u0644\u062f\u064e\u200c\u200d\u0640 a", max_size=30))
def test_joined_text_is_the_same_text(text: str) -> None:
    written = unicodedata.normalize("NFKC", joined(text, lambda _: True))
    assert written == unicodedata.normalize("NFKC", text)
