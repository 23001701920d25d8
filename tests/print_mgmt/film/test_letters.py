"""The letters of a text: characters with their marks."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film.letters import split_clusters, to_printable

STRANGE = st.characters() | st.sampled_from("\u05b8\u200c\u200d\u0301\uac00\u1100\u1161\u0915\u093f (1")


def test_mark_and_joiner_belong_to_their_letter() -> None:
    assert split_clusters("an\u0323\u200d") == ["a", "\u1e47\u200d"]


def test_jamo_of_a_syllable_are_one_letter() -> None:
    assert split_clusters("\u1100\u1175\u11b7") == ["\uae40"]


def test_joined_symbols_are_one_letter() -> None:
    assert split_clusters("a\U0001f468\u200d\U0001f469") == ["a", "\U0001f468\u200d\U0001f469"]


@given(st.text(STRANGE, max_size=60))
def test_clusters_add_up_to_the_text(line: str) -> None:
    assert unicodedata.normalize("NFC", "".join(split_clusters(line))) == unicodedata.normalize("NFC", line)


def test_note_counts_characters_that_are_not_printed() -> None:
    notes: list[str] = []
    assert to_printable("A\tB\u202e" + "C" * 300, notes.append) == "A B" + "C" * 252
    assert notes == ["50 characters of its text are controls, or follow the first 256: not printed"]
