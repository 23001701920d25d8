"""Annotations: any text, in its box, with any fonts."""

import sys
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import ImageFont, features
from PIL._util import DeferredError

from print_mgmt.film import Annotation, Imager, LayoutError, Sheet, fonts, lay_out, render, text
from print_mgmt.film.fonts import Run
from print_mgmt.film.placement import pixel_box

IMAGER = Imager(dpi=100)
SHEET = Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="8INX10IN", AnnotationDisplayFormatID="COMBINED")


def set_raqm(patch: pytest.MonkeyPatch, *, is_there: bool) -> None:
    """Use Pillow as if it could shape and order text, or could not."""
    check = features.check
    patch.setattr(features, "check", lambda feature: is_there if feature == "raqm" else check(feature))


def need_raqm_and_dejavu() -> None:
    if not (fonts.has_character("DejaVuSans.ttf", "\u06cc") and fonts.has_raqm()):
        pytest.skip("needs DejaVu Sans, and raqm")


def written(line: str, notes: list[str] | None = None, of_printer: tuple[str, ...] = ()) -> NDArray[np.uint8]:
    area = np.zeros((24, 400), np.uint8)
    text.write(area, line, 1.0, 100, of_printer, (notes if notes is not None else []).append)
    return area


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave only the font inside Pillow."""
    monkeypatch.setattr(fonts, "SYSTEM_FONTS", ())


@pytest.mark.parametrize("position", [1, 2])
def test_text_stays_in_its_box(position: int) -> None:
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
def test_text_needs_no_installed_font() -> None:
    notes: list[str] = []
    assert written("Miller, Jane", notes).max() == 255
    assert notes == []


@pytest.mark.usefixtures("bare_machine")
def test_latin_letter_may_lose_its_accent() -> None:
    notes: list[str] = []
    assert np.array_equal(written("M\u016fller", notes), written("Muller"))
    assert notes == ["no font has U+016F: replaced"]


@pytest.mark.usefixtures("bare_machine")
def test_missing_character_is_replaced_with_a_note() -> None:
    notes: list[str] = []
    shown = written("A\U0001f9ffA", notes)
    assert notes == ["no font has U+1F9FF: replaced"]
    assert np.array_equal(shown, written("A?A")) or np.array_equal(shown, written("A\ufffdA"))


@pytest.mark.parametrize("is_shaped", [False, True])
def test_joiners_change_the_shape_of_a_word(is_shaped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Persian needs joiners. DejaVu has the letters."""
    word = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    need_raqm_and_dejavu()
    set_raqm(monkeypatch, is_there=is_shaped)
    notes: list[str] = []
    shown = written(word, notes)
    assert not np.array_equal(shown, written(word.replace("\u200c", "")))
    assert notes == []


@pytest.mark.parametrize(
    "line",
    [
        "Doe^Jane 1970",
        "\u05e9\u05dc\u05d5\u05dd (abc) 12",
        "abc \u05e9\u05dc\u05d5\u05dd 12",
        "\u0645\u062d\u0645\u062f 12",
        "\u0633\u0644\u0627\u0645",
    ],
)
def test_line_without_raqm_looks_the_same(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a pixel or two: raqm and Pillow round positions differently."""
    need_raqm_and_dejavu()
    shaped = written(line).astype(int)
    set_raqm(monkeypatch, is_there=False)
    plain = written(line).astype(int)
    columns = [np.nonzero(shown.sum(0))[0] for shown in (shaped, plain)]
    assert abs(len(columns[0]) - len(columns[1])) < 12
    profile = [np.convolve(shown.sum(0), np.ones(9), "same") for shown in (shaped, plain)]
    assert np.corrcoef(np.stack(profile))[0, 1] > 0.9


@pytest.fixture
def without_raqm(monkeypatch: pytest.MonkeyPatch) -> None:
    set_raqm(monkeypatch, is_there=False)


MOHAMMED = "\u0645\u062d\u0645\u062f"
JOINED = "\ufeaa\ufee4\ufea4\ufee3"  # final, medial, medial, initial: from the left


def pieces(line: str, had: str) -> str:
    """Return a line in the order from left to right, in a font with these characters only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("print_mgmt.film.text.has_character", lambda _, character: character in had)
        return "".join(piece.text for piece in text.order((Run("font", line),)))


@pytest.mark.usefixtures("without_raqm")
def test_arabic_letters_are_joined_without_raqm() -> None:
    pytest.importorskip("arabic_reshaper", reason="arabic-reshaper is not installed: the extra film")
    assert pieces(MOHAMMED, MOHAMMED + JOINED) == JOINED


@pytest.mark.usefixtures("without_raqm")
@pytest.mark.parametrize("word", [MOHAMMED, "\u0633\u0644\u0627\u0645", "\u0645\u06cc\u062e"])
def test_letter_stays_if_the_font_lacks_its_form(word: str) -> None:
    assert pieces(word, word) == word[::-1]


@pytest.mark.usefixtures("without_raqm")
def test_note_names_unjoined_arabic_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "arabic_reshaper", None)
    notes: list[str] = []
    written("\u0645\u062d", notes)
    assert any("Arabic letters are not joined" in note for note in notes)
    assert pieces(MOHAMMED, MOHAMMED + JOINED) == MOHAMMED[::-1]


@pytest.mark.usefixtures("without_raqm")
def test_note_names_unshaped_marks() -> None:
    notes: list[str] = []
    written("\u05e9\u05b8", notes)
    assert any("needs a Pillow with raqm" in note for note in notes)


def test_runs_of_both_directions_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two fonts share a Hebrew word in a Latin line; the word still runs from right to left."""
    found = (Run("one", "ab \u05d0"), Run("two", "\u05d1"), Run("one", "\u05d2 c"))
    set_raqm(monkeypatch, is_there=True)
    assert [tuple(piece) for piece in text.order(found)] == [
        ("one", "ab ", "ltr"),
        ("one", "\u05d2", "rtl"),
        ("two", "\u05d1", "rtl"),
        ("one", "\u05d0", "rtl"),
        ("one", " c", "ltr"),
    ]


def test_cut_text_ends_with_a_whole_letter() -> None:
    """A letter without its marks would be another letter."""
    line = "n\u0323" * 60
    kept = text.fit(line, (), (20, 200), 8, lambda _: None)
    shown = "".join(piece.text for piece in kept.pieces)
    assert shown.removesuffix("\u2026").endswith(("n\u0323", "\u1e47", "n"))


def test_losses_equal_the_notes_of_write() -> None:
    for line in ("Doe", "A\u202eB", "H" * 200, "\U0010fffe"):
        notes: list[str] = []
        written(line, notes)
        assert list(text.losses(line, (24, 400), 100, ())) == notes


def test_missing_font_is_skipped() -> None:
    """A file that is not a font is skipped, too."""
    notes: list[str] = []
    shown = written("Doe", notes, of_printer=("no such font.ttf", __file__))
    assert np.array_equal(shown, written("Doe"))
    assert notes == []


def test_long_text_is_drawn_smaller() -> None:
    notes: list[str] = []
    height = [np.ptp(np.nonzero(written("H" * count, notes))[0]) for count in (5, 40)]
    assert height[1] < height[0]
    assert notes == []


@pytest.mark.usefixtures("without_raqm")
@pytest.mark.parametrize("width", range(540, 600, 10))
def test_text_that_fits_at_a_smaller_size_is_not_cut(width: int) -> None:
    """Without raqm, all advances are whole pixels: widths are not proportional to the size."""
    notes = list[str]()
    text.fit("n" * 60, (), (40, width), 9, notes.append)
    assert notes == []


def test_longer_text_is_cut_with_a_note() -> None:
    notes: list[str] = []
    assert written("H" * 200, notes)[:, :350].any()
    (note,) = notes
    assert "its text is too long: cut after" in note


@pytest.mark.parametrize("letter", ["e\u0301", "x\u0301"], ids=["composed", "never composed"])
def test_note_of_a_cut_text_counts_a_letter_with_its_marks_once(letter: str) -> None:
    notes: list[str] = []
    line = text.fit(letter * 100, (), (40, 300), 9, notes.append)
    kept = sum(unicodedata.normalize("NFD", piece.text).count(letter[0]) for piece in line.pieces)
    assert f"its text is too long: cut after {kept} of 100 characters" in notes


@pytest.mark.parametrize(
    "hostile", ["A\u202eB", "A\u2066B\u2069", "A\u200bB", "A\ufeffB", "\x07AB", "AB\u2029", "A\ud800B"]
)
def test_controls_and_marks_of_direction_are_not_printed(hostile: str) -> None:
    """A name cannot reorder the text beside it."""
    notes: list[str] = []
    assert np.array_equal(written(hostile, notes), written("AB"))
    assert "are controls, or follow the first 256" in notes[0]


def test_text_from_right_to_left_starts_at_the_right() -> None:
    hebrew, latin = written("\u05e9\u05dc\u05d5\u05dd"), written("Jane")
    assert np.nonzero(latin)[1].max() < 200 < np.nonzero(hebrew)[1].min()


@given(st.text(max_size=80))
def test_any_text_can_be_written(line: str) -> None:
    assert written(line).shape == (24, 400)


STRANGE = st.characters() | st.sampled_from(
    "\u0628\u0644\u0627\u05d0\u05b8\u200c\u200d\u0301\uac00\u1100\u1161\u0915\u093f (1"
)


@given(st.text(STRANGE, max_size=60))
def test_any_text_can_be_written_without_raqm(line: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        set_raqm(patch, is_there=False)
        assert written(line).shape == (24, 400)


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (24, 1), (3, 3)])
@pytest.mark.parametrize("line", ["", " ", "Doe", "\u0301", "W" * 999])
def test_any_box_can_be_written_to(shape: tuple[int, int], line: str) -> None:
    area = np.zeros(shape, np.uint16)
    notes: list[str] = []
    text.write(area, line, 1.0, 8, (), notes.append)
    assert area.shape == shape


@pytest.mark.parametrize("position", [0, 3])
def test_annotation_without_a_box_is_refused(position: int) -> None:
    annotation = Annotation(AnnotationPosition=position, TextString="x")
    with pytest.raises(LayoutError, match=r"^AnnotationPosition \d: .*'COMBINED' has 2 boxes \(PS3\.3 C\.13\.7\)$"):
        render(replace(SHEET, annotations=(annotation,)), 20)


def test_annotation_without_pillow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert render(SHEET, 20).pixels.size
    with pytest.raises(LayoutError, match=r"needs Pillow: pip install 'dimse-print\[film\]'"):
        render(replace(SHEET, annotations=(Annotation(AnnotationPosition=1, TextString="x"),)), 20)


def test_annotation_without_freetype_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a Pillow has this stand-in for its font module."""
    monkeypatch.setattr(ImageFont, "core", DeferredError(ImportError("The _imagingft C module is not installed")))
    monkeypatch.setitem(sys.modules, "PIL._imagingft", None)
    with pytest.raises(LayoutError, match="needs a Pillow that was built with FreeType"):
        render(replace(SHEET, annotations=(Annotation(AnnotationPosition=1, TextString="x"),)), 20)
