"""Annotation boxes: PS3.4 H.4.4."""

from dataclasses import replace

import pytest
from drawable import undrawn
from print_scu import COLOR, CONFIG, GRAY, SUCCESS, Scu, uids

from dimse.data import IMPLICIT_LE, Dataset, Element, decode, encode, tag_of
from dimse.uids import BasicAnnotationBox, BasicFilmBox
from print_mgmt.film import Imager, Rect

BOXES = "ReferencedBasicAnnotationBoxSequence"
THREE = replace(CONFIG, imager=Imager(annotation_formats={"THREE": (Rect(3, 3, 50, 6),) * 3}))


@pytest.mark.parametrize(("format_id", "count"), [("LABEL", 1), ("ANNOTATION", 1), ("COMBINED", 2)])
@pytest.mark.parametrize("meta", [GRAY, COLOR])
def test_format_id_sets_the_number_of_boxes(meta: str, format_id: str, count: int) -> None:
    scu = Scu(meta)
    answer = scu.film_box(scu.session(), AnnotationDisplayFormatID=format_id)
    assert answer.Status == SUCCESS
    assert len(uids(answer, BOXES)) == count


def test_formats_come_from_the_configuration() -> None:
    scu = Scu(config=THREE)
    session = scu.session()
    assert len(uids(scu.film_box(session, AnnotationDisplayFormatID="THREE"), BOXES)) == 3
    other = scu.film_box(session, AnnotationDisplayFormatID="LABEL")
    assert (other.Status, len(uids(other, BOXES))) == (0x0116, 3), "the default is used"


def test_boxes_need_a_format_and_negotiation() -> None:
    """PS3.4 H.4.2.2.1: only if the Basic Annotation Box SOP Class was negotiated."""
    scu = Scu()
    assert uids(scu.film_box(scu.session()), BOXES) == []
    scu = Scu(abstract_syntaxes=[GRAY])
    answer = scu.film_box(scu.session(), AnnotationDisplayFormatID="LABEL")
    assert (answer.Status, uids(answer, BOXES)) == (SUCCESS, [])
    assert answer.dataset is not None
    assert "AnnotationDisplayFormatID" not in answer.dataset, "no strip is kept free"


class Annotated:
    """A film with the texts "left knee" and "Doe^Jane"."""

    def __init__(self) -> None:
        self.scu = Scu()
        created = self.scu.film_box(self.scu.session(), AnnotationDisplayFormatID="COMBINED")
        self.first, self.second = uids(created, BOXES)
        self.film_box = created.AffectedSOPInstanceUID or ""
        self.answer = self.scu.annotate(self.first, 1, TextString="left knee")
        self.scu.annotate(self.second, 2, TextString="Doe^Jane")

    def printed(self) -> list[tuple[int, str]]:
        annotations = self.scu.print(BasicFilmBox, self.film_box).films[0].sheet.annotations
        return [(annotation.AnnotationPosition, annotation.TextString) for annotation in annotations]


def test_texts_are_printed_and_returned() -> None:
    film = Annotated()
    assert film.answer.dataset == Dataset(AnnotationPosition=1, TextString="left knee")
    assert film.printed() == [(1, "left knee"), (2, "Doe^Jane")]


def test_n_set_replaces_the_text() -> None:
    film = Annotated()
    film.scu.annotate(film.second, 2, TextString="Roe^Ann")
    assert film.printed() == [(1, "left knee"), (2, "Roe^Ann")]


def test_n_set_without_a_text_keeps_it() -> None:
    film = Annotated()
    assert film.scu.annotate(film.first, 1).Status == SUCCESS
    assert film.printed() == [(1, "left knee"), (2, "Doe^Jane")]


def test_empty_text_erases_it() -> None:
    film = Annotated()
    assert film.scu.annotate(film.first, 1, TextString=None).Status == SUCCESS
    assert film.printed() == [(2, "Doe^Jane")]


def test_text_with_an_invalid_value_keeps_the_current_one() -> None:
    film = Annotated()
    assert film.scu.annotate(film.first, 1, TextString=["left", "right"]).Status == 0x0116
    assert film.printed() == [(1, "left knee"), (2, "Doe^Jane")]


def test_wrong_position_is_refused() -> None:
    scu = Scu()
    created = scu.film_box(scu.session(), AnnotationDisplayFormatID="COMBINED")
    first, _ = uids(created, BOXES)
    assert scu.annotate(first, 2, TextString="x").Status == 0x0106
    assert scu.set(BasicAnnotationBox, first, Dataset(TextString="x")).Status == 0x0120


def test_only_the_last_film_is_annotated() -> None:
    """PS3.4 H.4.2.2."""
    scu = Scu()
    session = scu.session()
    first = uids(scu.film_box(session, AnnotationDisplayFormatID="LABEL"), BOXES)[0]
    scu.film_box(session, AnnotationDisplayFormatID="LABEL")
    assert scu.annotate(first, 1, TextString="x").Status == 0x0112


@pytest.mark.parametrize(("strict", "status"), [(False, 0x0116), (True, 0x0106)])
def test_long_text_is_cut_or_refused(strict: bool, status: int) -> None:
    """Agfa Drystar 3000: 32 characters."""
    scu = Scu(config=replace(CONFIG, annotation_characters=32, strict=strict))
    created = scu.film_box(scu.session(), AnnotationDisplayFormatID="LABEL")
    answer = scu.annotate(uids(created, BOXES)[0], 1, TextString="x" * 33)
    assert answer.Status == status
    film_box = created.AffectedSOPInstanceUID
    assert film_box
    texts = [annotation.TextString for annotation in scu.print(BasicFilmBox, film_box).films[0].sheet.annotations]
    assert texts == ([] if strict else ["x" * 32])


@pytest.mark.parametrize("level", ["session", "box"])
def test_text_uses_its_own_or_the_sessions_character_set(level: str) -> None:
    """PS3.3 C.13.1: annotation boxes share the Specific Character Set of the film session."""
    scu = Scu()
    session = scu.session(**{"SpecificCharacterSet": "ISO_IR 13"} if level == "session" else {})
    created = scu.film_box(session, AnnotationDisplayFormatID="LABEL")
    dataset = Dataset(AnnotationPosition=1)
    if level == "box":
        dataset.SpecificCharacterSet = "ISO_IR 13"
    dataset.add(Element(tag_of("TextString"), "LO", "ﾔﾏﾀﾞ".encode("shift_jis")))
    wire = decode(encode(dataset, IMPLICIT_LE), IMPLICIT_LE)
    answer = scu.set(BasicAnnotationBox, uids(created, BOXES)[0], wire)
    assert answer.Status == (0x0116 if undrawn("ﾔﾏﾀﾞ") else SUCCESS)
    film_box = created.AffectedSOPInstanceUID
    assert film_box
    (annotation,) = scu.print(BasicFilmBox, film_box).films[0].sheet.annotations
    assert annotation.TextString == "ﾔﾏﾀﾞ"
    assert answer.dataset is not None
    assert "ﾔﾏﾀﾞ".encode("shift_jis") in encode(answer.dataset, IMPLICIT_LE), "it goes back as it came"


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("A\U0010fffeB", "TextString no font has U+10FFFE: replaced"),
        ("A\u202eB", "TextString 1 characters of its text are controls"),
        ("W" * 64, "TextString its text is too long: cut"),
    ],
)
@pytest.mark.parametrize(("strict", "status"), [(False, 0x0116), (True, 0x0106)])
def test_undrawable_text_is_a_warning(text: str, comment: str, strict: bool, status: int) -> None:
    """PS3.4 H.2.4: the client is warned when it sets the text."""
    narrow = Imager(annotation_formats={"NARROW": (Rect(3, 3, 30, 6),)})
    scu = Scu(config=replace(CONFIG, imager=narrow, strict=strict))
    created = scu.film_box(scu.session(), AnnotationDisplayFormatID="NARROW")
    answer = scu.annotate(uids(created, BOXES)[0], 1, SpecificCharacterSet="ISO_IR 192", TextString=text)
    assert (answer.Status, answer.comment[: len(comment)]) == (status, comment)
    (told,) = answer.AttributeIdentifierList or ()
    assert told == tag_of("TextString")
    film = scu.print(BasicFilmBox, str(created.AffectedSOPInstanceUID)).films[0]
    assert [annotation.TextString for annotation in film.sheet.annotations] == ([] if strict else [text])


def test_drawable_text_is_a_success() -> None:
    scu = Scu()
    created = scu.film_box(scu.session(), AnnotationDisplayFormatID="LABEL")
    assert scu.annotate(uids(created, BOXES)[0], 1, TextString="Doe^Jane 1961-02-03").Status == SUCCESS
