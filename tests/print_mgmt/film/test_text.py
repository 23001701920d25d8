"""Annotations: any text, in its box, on any machine."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from print_mgmt.film import Annotation, Imager, LayoutError, Sheet, lay_out, render, text
from print_mgmt.film.placement import pixel_box

IMAGER = Imager(dpi=100)
SHEET = Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="8INX10IN", AnnotationDisplayFormatID="COMBINED")


def written(line: str, notes: list[str] | None = None, fonts: tuple[str, ...] = ()) -> NDArray[np.uint8]:
    area = np.zeros((24, 400), np.uint8)
    text.write(area, line, 1.0, 100, fonts, (notes if notes is not None else []).append)
    return area


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No font but the one inside Pillow."""
    monkeypatch.setattr(text, "_SYSTEM", ())


@pytest.mark.parametrize("position", [1, 2])
def test_text_is_in_its_box_and_nowhere_else(position: int) -> None:
    annotation = Annotation(AnnotationPosition=position, TextString="Doe, Jane  1970-01-01")
    page = render(replace(SHEET, annotations=(annotation,)), imager=IMAGER)
    top, left, height, width = pixel_box(lay_out(SHEET).annotations[position - 1], 100)
    rows, columns = np.nonzero(page.pixels)
    assert rows.min() >= top
    assert rows.max() < top + height
    assert columns.min() >= left
    assert columns.max() < left + width
    assert rows.max() - rows.min() > height / 3


def test_text_is_dark_on_a_bright_border() -> None:
    sheet = replace(SHEET, BorderDensity="WHITE", EmptyImageDensity="WHITE")
    annotated = replace(sheet, annotations=(Annotation(AnnotationPosition=1, TextString="III"),))
    assert render(sheet, 100).pixels.min() == 255
    assert render(annotated, 100).pixels.min() < 60


@pytest.mark.usefixtures("bare_machine")
def test_no_font_need_be_installed() -> None:
    notes: list[str] = []
    assert written("Miller, Jane", notes).max() == 255
    assert notes == []


@pytest.mark.usefixtures("bare_machine")
def test_letter_loses_its_accent_rather_than_being_lost() -> None:
    notes: list[str] = []
    assert np.array_equal(written("M\u016fller", notes), written("Muller"))
    assert notes == ["no font has U+016F: replaced"]


@pytest.mark.usefixtures("bare_machine")
def test_what_no_font_has_is_replaced_and_told() -> None:
    notes: list[str] = []
    shown = written("A\U0001f9ffA", notes)
    assert notes == ["no font has U+1F9FF: replaced"]
    assert np.array_equal(shown, written("A?A")) or np.array_equal(shown, written("A\ufffdA"))


def test_each_character_has_the_first_font_that_has_it() -> None:
    """A font that is not there, or no font at all, is passed over."""
    notes: list[str] = []
    shown = written("Doe", notes, fonts=("no such font.ttf", __file__))
    assert np.array_equal(shown, written("Doe"))
    assert notes == []


def test_a_blank_between_fonts_stays_between_their_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the head of a run from the right it would be beyond its end."""
    had = {"latin": "ab \u2026", "hebrew": " \u05d0\u05d1"}
    monkeypatch.setattr(text, "_has", lambda font, character: character in had.get(font, ""))
    runs = text._runs("ab \u05d0\u05d1 b", ("hebrew", "latin"), None)
    assert [tuple(run) for run in runs] == [("latin", "ab "), ("hebrew", "\u05d0\u05d1 "), ("latin", "b")]


def test_long_text_gets_smaller_then_is_cut() -> None:
    notes: list[str] = []
    height = [np.ptp(np.nonzero(written("H" * count, notes))[0]) for count in (5, 40)]
    assert height[1] < height[0]
    assert notes == []
    shown = written("H" * 200, notes)
    assert notes == [pytest.approx(notes[0])]
    assert "its text is too long: cut after" in notes[0]
    assert shown[:, :350].any()


@pytest.mark.parametrize(
    "hostile", ["A\u202eB", "A\u2066B\u2069", "A\u200bB", "A\ufeffB", "\x07AB", "AB\u2029", "A\ud800B"]
)
def test_controls_and_marks_of_direction_are_not_printed(hostile: str) -> None:
    """A name cannot turn around what stands beside it."""
    notes: list[str] = []
    assert np.array_equal(written(hostile, notes), written("AB"))
    assert "controls or too many" in notes[0]


def test_scripts_from_the_right_begin_there() -> None:
    hebrew, latin = written("\u05e9\u05dc\u05d5\u05dd"), written("Jane")
    assert np.nonzero(latin)[1].max() < 200 < np.nonzero(hebrew)[1].min()


@given(st.text(max_size=80))
def test_no_text_is_too_strange(line: str) -> None:
    assert written(line).shape == (24, 400)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (24, 1), (3, 3)])
@pytest.mark.parametrize("line", ["", " ", "Doe", "\u0301", "W" * 999])
def test_no_box_is_too_small(shape: tuple[int, int], line: str) -> None:
    area = np.zeros(shape, np.uint16)
    notes: list[str] = []
    text.write(area, line, 1.0, 8, (), notes.append)
    assert area.shape == shape


@pytest.mark.parametrize("position", [0, 3])
def test_annotation_without_a_box_is_refused(position: int) -> None:
    annotation = Annotation(AnnotationPosition=position, TextString="x")
    with pytest.raises(LayoutError, match=r"^AnnotationPosition \d: .*'COMBINED' has 2 boxes \(PS3\.3 C\.13\.7\)$"):
        render(replace(SHEET, annotations=(annotation,)), 20)


def test_without_pillow_an_annotation_is_refused_and_other_films_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert render(SHEET, 20).pixels.size
    with pytest.raises(LayoutError, match=r"needs Pillow: pip install dimse-print\[film\]"):
        render(replace(SHEET, annotations=(Annotation(AnnotationPosition=1, TextString="x"),)), 20)
