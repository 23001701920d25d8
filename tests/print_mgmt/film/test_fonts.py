"""Fonts of a text: each letter gets a font that can draw it, or is replaced."""

import pytest

from print_mgmt.film.fonts import assign
from print_mgmt.film.letters import to_printable

LATIN = {"latin": "abcdefghijklmnopqrstuvwxyz \u00e9\ufffd\u2026"}


def runs(had: dict[str, str], line: str, notes: list[str] | None = None) -> list[tuple[str, ...]]:
    """Return the runs of a line, for fonts with these characters only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("print_mgmt.film.fonts.has_character", lambda font, character: character in had.get(font, ""))
        note = None if notes is None else notes.append
        return [tuple(run) for run in assign(line, tuple(had), note)]


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("\uae40\ud76c", "\ufffd\ufffd"),  # Hangul: no jamo
        ("\u1100\u1175\u11b7", "\ufffd"),  # the same as jamo: one syllable
        ("\u304c", "\ufffd"),  # ga: not ka
        ("\u0439", "\ufffd"),  # short i: not i
        ("\u0929", "\ufffd"),  # nnna: not na
        ("\ufb01", "\ufffd"),  # a ligature: not f
        ("\u00bd", "\ufffd"),  # one half: not 1
        ("\u00b2", "\ufffd"),
        ("\u2460", "\ufffd"),
        ("\uff41", "\ufffd"),
        ("\u1e9f", "\ufffd"),
        ("\u00e6", "\ufffd"),
        ("\u0430", "\ufffd"),  # Cyrillic a: not Latin a
        ("\u212a", "\ufffd"),
        ("\ue000", "\ufffd"),
        ("\U0010fffd", "\ufffd"),
        ("\U0001f468\u200d\U0001f469", "\ufffd"),
        ("a\u093f", "a"),  # a missing mark on a Latin letter
        ("\u01d6", "u"),
        ("e\u0301", "\u00e9"),
    ],
)
def test_missing_letter_becomes_no_other_letter(line: str, written: str) -> None:
    had = {"latin": LATIN["latin"] + "f1k2\u1100\u1112\u304b\u0438\u0928"}
    assert "".join(run[1] for run in runs(had, line)) == written


def test_note_names_the_missing_letters() -> None:
    notes: list[str] = []
    runs(LATIN, "a\uae40b\ud76c", notes)
    assert notes == ["no font has U+AE40, U+D76C: replaced"]
    notes.clear()
    runs(LATIN, "".join(map(chr, range(0xAC00, 0xAC0A))), notes)
    assert notes[0].endswith("U+AC07 and 2 more: replaced")


def test_composing_a_letter_is_not_a_loss() -> None:
    notes: list[str] = []
    runs(LATIN, "e\u0301 \u4e2d", notes)
    assert notes == ["no font has U+4E2D: replaced"]


def test_letter_and_its_marks_share_a_font() -> None:
    had = {"latin": "ab", "marks": "\u0324", "both": "ab\u0324"}
    assert runs(had, "aa\u0324b") == [("both", "aa\u0324b")]
    had = {"latin": "ab\ufffd", "marks": "\u0324\u0430", "other": "x"}
    assert runs(had, "ab\u0324x") == [("latin", "ab"), ("other", "x")]


def test_invisible_marks_need_no_glyph() -> None:
    """Joiners and variation selectors stay in the text, for raqm."""
    assert runs({"cjk": "\u845b"}, "\u845b\U000e0100") == [("cjk", "\u845b\U000e0100")]
    assert runs({"arabic": "\u0645\u06cc"}, "\u0645\u06cc\u200c\u0645") == [("arabic", "\u0645\u06cc\u200c\u0645")]


def test_private_characters_need_a_font_of_the_printer() -> None:
    had = {"DejaVuSans.ttf": "a\ue000\ufffd", "hospital.ttf": "a"}
    assert runs(had, "\ue000") == [("DejaVuSans.ttf", "\ufffd")]
    had = {"hospital.ttf": "\ue000", "DejaVuSans.ttf": "a"}
    assert runs(had, "\ue000") == [("hospital.ttf", "\ue000")]


def test_blank_stays_between_two_fonts() -> None:
    """At the start of a run from right to left, it would be beyond the end of the run."""
    had = {"hebrew": " \u05d0\u05d1", "latin": "ab \u2026"}
    assert runs(had, "ab \u05d0\u05d1 b") == [("latin", "ab "), ("hebrew", "\u05d0\u05d1 "), ("latin", "b")]


@pytest.mark.parametrize("character", ["\u0601", "\u06dd", "\u070f"])
def test_visible_format_character_is_replaced(character: str) -> None:
    """These format characters have a shape."""
    assert runs(LATIN, to_printable(f"a{character}", lambda _: None)) == [("latin", "a\ufffd")]
