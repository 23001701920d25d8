"""Film sessions and film boxes: PS3.4 H.4.1 and H.4.2."""

from dataclasses import replace
from typing import Any

import pytest
from print_scu import COLOR, CONFIG, GRAY, SUCCESS, Scu, ramp, uids

from dimse.data import EXPLICIT_LE, Dataset, Element, decode, encode, tag_of
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
)
from print_mgmt.attributes import FILM_BOX, FILM_SESSION, IMAGE_BOX
from print_mgmt.config import Medium
from print_mgmt.film import Imager, Rect
from print_mgmt.film.icc import srgb_profile
from print_mgmt.model import reference
from print_mgmt.service import MemoryPool
from print_mgmt.typed import items, text

BOXES = "ReferencedImageBoxSequence"
PROFILE = srgb_profile()


@pytest.mark.parametrize(
    ("display_format", "count"),
    [
        ("STANDARD\\1,1", 1),
        ("STANDARD\\2,3", 6),
        ("STANDARD\\16,16", 256),
        ("ROW\\2,3", 5),
        ("COL\\1,4", 5),
        ("SLIDE", 6 * 8),
        ("SUPERSLIDE", 6 * 8),
        ("CUSTOM\\3", 2),
        (" STANDARD\\2, 2 ", 4),
    ],
)
def test_display_format_sets_the_number_of_boxes(display_format: str, count: int) -> None:
    """PS3.3 C.13.3; positions count from 1 in the order of the sequence."""
    config = replace(CONFIG, imager=Imager(custom_formats={3: (Rect(3, 3, 50, 50), Rect(60, 3, 50, 50))}))
    scu = Scu(config=config)
    created = scu.film_box(scu.session(), ImageDisplayFormat=display_format)
    boxes = uids(created, BOXES)
    assert (created.Status, len(set(boxes))) == (SUCCESS, count), created.comment
    assert scu.image(boxes[-1], count, ramp()).Status == SUCCESS
    assert scu.image(boxes[-1], 0 if count == 1 else 1, ramp()).Status == 0x0106


@pytest.mark.parametrize(
    "display_format",
    ["STANDARD\\99,99", "STANDARD\\9999,9999", "ROW\\" + "99," * 300 + "1", "COL\\1000000", "CUSTOM\\2", "ROW\\0"],
)
def test_unusable_format_is_refused(display_format: str) -> None:
    """A film has at most 256 boxes, each an instance."""
    scu = Scu()
    answer = scu.film_box(scu.session(), ImageDisplayFormat=display_format)
    assert (answer.Status, answer.comment[:18]) == (0x0106, "ImageDisplayFormat")
    assert len(answer.comment) < 250


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"ImageDisplayFormat": "STANDARD\\2,3"}, SUCCESS),
        ({"ImageDisplayFormat": "STANDARD\\3,2"}, 0x0106),
        ({"ImageDisplayFormat": "SLIDE", "FilmOrientation": "LANDSCAPE"}, 0x0106),
    ],
)
def test_only_configured_formats_are_supported(attributes: dict[str, str], status: int) -> None:
    scu = Scu(config=replace(CONFIG, ImageDisplayFormat=("STANDARD\\2,3",)))
    assert scu.film_box(scu.session(), **attributes).Status == status


@pytest.mark.parametrize(("strict", "status"), [(False, SUCCESS), (True, 0x0106)])
def test_landscape_swaps_columns_and_rows_unless_strict(strict: bool, status: int) -> None:
    """DCMTK swaps them, and SCUs rely on it."""
    scu = Scu(config=replace(CONFIG, ImageDisplayFormat=("STANDARD\\2,3",), strict=strict))
    landscape = scu.film_box(scu.session(), ImageDisplayFormat="STANDARD\\3,2", FilmOrientation="LANDSCAPE")
    assert landscape.Status == status


@pytest.mark.parametrize(("offered", "asked"), [("ROW\\3,2", "ROW\\2,3"), ("COL\\2,3,1", "COL\\1,2,3")])
def test_landscape_swaps_no_counts_of_rows_or_columns(offered: str, asked: str) -> None:
    """ROW and COL count the images of each row or column: PS3.3 C.13.3."""
    scu = Scu(config=replace(CONFIG, ImageDisplayFormat=(offered,)))
    answer = scu.film_box(scu.session(), ImageDisplayFormat=asked, FilmOrientation="LANDSCAPE")
    assert answer.Status == 0x0106


@pytest.mark.parametrize(
    ("on", "negotiated", "image_box"),
    [
        (GRAY, [GRAY, COLOR], BasicGrayscaleImageBox),
        (COLOR, [GRAY, COLOR], BasicColorImageBox),
        (BasicFilmBox, [BasicFilmBox, BasicFilmSession, BasicColorImageBox], BasicColorImageBox),
        (BasicFilmBox, [BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox], BasicGrayscaleImageBox),
        (BasicFilmBox, [BasicFilmBox, BasicFilmSession, COLOR, GRAY], BasicGrayscaleImageBox),
    ],
)
def test_context_decides_the_class_of_image_boxes(on: str, negotiated: list[str], image_box: str) -> None:
    """PS3.4 H.3.2; some SCUs negotiate the members rather than the Meta SOP Class."""
    scu = Scu(abstract_syntaxes=negotiated)
    session = scu.create(BasicFilmSession, on=on if on == COLOR else negotiated[0]).AffectedSOPInstanceUID
    assert session
    created = scu.film_box(session, on=on)
    assert created.dataset is not None
    assert {text(item, "ReferencedSOPClassUID") for item in items(created.dataset, BOXES)} == {image_box}


def test_session_has_gray_and_color_films() -> None:
    scu = Scu(abstract_syntaxes=[BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta])
    session = scu.session()
    for meta, image_box in ((GRAY, BasicGrayscaleImageBox), (COLOR, BasicColorImageBox)):
        created = scu.film_box(session, on=meta)
        assert created.dataset is not None
        assert text(items(created.dataset, BOXES)[0], "ReferencedSOPClassUID") == image_box


MEDIA = (
    Medium(MediumType="BLUE FILM", FilmSizeID=("14INX17IN",), MinDensity=20, MaxDensity=310),
    Medium(MediumType="PAPER", FilmSizeID=("A4",), MinDensity=10, MaxDensity=200),
)


@pytest.mark.parametrize(
    ("medium", "size", "status"),
    [
        ("BLUE FILM", "14INX17IN", SUCCESS),
        ("PAPER", "A4", SUCCESS),
        ("BLUE FILM", "A4", 0x0106),
        ("PAPER", None, 0x0106),
    ],
)
def test_film_size_must_be_loaded_for_the_medium(medium: str, size: str | None, status: int) -> None:
    scu = Scu(config=replace(CONFIG, media=MEDIA))
    answer = scu.film_box(scu.session(MediumType=medium), FilmSizeID=size)
    assert answer.Status == status, answer.comment


def test_new_medium_applies_to_existing_films() -> None:
    """N-SET of Medium Type, PS3.4 H.4.1.2.2: the medium applies to the whole session, from the next N-ACTION on."""
    scu = Scu()
    session = scu.session(MediumType="BLUE FILM")
    film = str(scu.film_box(session, FilmSizeID="A4").AffectedSOPInstanceUID)
    before = scu.print(BasicFilmBox, film).films
    assert scu.set(BasicFilmSession, session, Dataset(MediumType="PAPER")).Status == SUCCESS
    after = scu.print(BasicFilmBox, film).films
    assert [films[0].imager.reflective for films in (before, after)] == [False, True]
    assert [films[0].film_session.MediumType for films in (before, after)] == ["BLUE FILM", "PAPER"]


def test_medium_without_the_size_of_a_film_is_refused() -> None:
    media = (Medium(MediumType="BLUE FILM", FilmSizeID=("A4", "A3")), Medium(MediumType="PAPER", FilmSizeID=("A4",)))
    scu = Scu(config=replace(CONFIG, media=media))
    session = scu.session(MediumType="BLUE FILM")
    film = str(scu.film_box(session, FilmSizeID="A3").AffectedSOPInstanceUID)
    answer = scu.set(BasicFilmSession, session, Dataset(MediumType="PAPER", NumberOfCopies=2))
    assert (answer.Status, answer.comment) == (0x0106, "MediumType is not available: this printer has no A3 of PAPER")
    job = scu.print(BasicFilmBox, film).job
    assert job is not None
    assert (job.copies, job.films[0].film_session.MediumType) == (1, "BLUE FILM")


def test_densities_and_light_come_from_the_medium() -> None:
    """PS3.14 §7.2: film is viewed on a light box, paper in ambient light."""
    scu = Scu(config=replace(CONFIG, media=MEDIA))
    answer = scu.film_box(scu.session(MediumType="PAPER"), FilmSizeID="A4", MaxDensity=310)
    assert (answer.Status, answer.dataset is not None) == (0xB605, True)
    assert answer.dataset is not None
    told = {keyword: answer.dataset.get(keyword) for keyword in ("MinDensity", "MaxDensity", "Illumination")}
    assert told == {"MinDensity": 10, "MaxDensity": 200, "Illumination": 150}
    film_box = answer.AffectedSOPInstanceUID
    assert film_box
    assert scu.print(BasicFilmBox, film_box).films[0].imager.reflective


def test_light_of_the_session_reaches_its_films() -> None:
    """CP 173: Agfa expects Illumination, Reflected Ambient Light and the LUT in the session, others in the film box."""
    scu = Scu()
    session = scu.session(Illumination=3000, ReflectedAmbientLight=5)
    answer = scu.film_box(session, Illumination=1000)
    assert answer.dataset is not None
    assert (answer.dataset.Illumination, answer.dataset.ReflectedAmbientLight) == (1000, 5)


def test_unreadable_fixed_attribute_is_refused() -> None:
    scu = Scu()
    film_box, _ = scu.film()
    wrong = Dataset()
    wrong.add(Element(tag_of("RequestedResolutionID"), "FD", b"STANDA"))
    answer = scu.set(BasicFilmBox, film_box, wrong)
    assert (answer.Status, answer.AttributeIdentifierList) == (0x0106, (tag_of("RequestedResolutionID"),))


def test_unreadable_annotation_format_is_refused_even_if_unsupported() -> None:
    scu = Scu(config=replace(CONFIG, imager=Imager(annotation_formats={})))
    wrong = Dataset(
        ImageDisplayFormat="STANDARD\\1,1", ReferencedFilmSessionSequence=[reference(BasicFilmSession, scu.session())]
    )
    wrong.add(Element(tag_of("AnnotationDisplayFormatID"), "FD", b"LABEL "))
    answer = scu.create(BasicFilmBox, dataset=wrong)
    assert (answer.Status, answer.AttributeIdentifierList) == (0x0106, (tag_of("AnnotationDisplayFormatID"),))


def test_fixed_attributes_may_be_repeated() -> None:
    """Some SCUs send all attributes again."""
    scu = Scu()
    session = scu.session()
    film_box = scu.film_box(session, FilmOrientation="LANDSCAPE").AffectedSOPInstanceUID
    assert film_box
    again = Dataset(ImageDisplayFormat="STANDARD\\2,3", FilmOrientation="LANDSCAPE", Trim="YES")
    again.ReferencedFilmSessionSequence = [reference(BasicFilmSession, session)]
    assert scu.set(BasicFilmBox, film_box, again).dataset == Dataset(Trim="YES")


@pytest.mark.parametrize(
    ("keyword", "changed"), [("FilmOrientation", "PORTRAIT"), ("RequestedResolutionID", "HIGH"), ("FilmSizeID", "A4")]
)
def test_fixed_attributes_cannot_be_changed(keyword: str, changed: str) -> None:
    scu = Scu()
    film_box = scu.film_box(scu.session(), FilmOrientation="LANDSCAPE").AffectedSOPInstanceUID
    assert film_box
    answer = scu.set(BasicFilmBox, film_box, Dataset(**{keyword: changed}))
    assert (answer.Status, keyword in answer.comment) == (0x0106, True)


def test_changed_attributes_are_printed() -> None:
    scu = Scu()
    attributes: dict[str, Any] = {
        "ImageDisplayFormat": "STANDARD\\1,1",
        "FilmOrientation": "LANDSCAPE",
        "FilmSizeID": "A3",
        "RequestedResolutionID": "HIGH",
        "MagnificationType": "CUBIC",
        "SmoothingType": "SMOOTH",
        "BorderDensity": "150",
        "EmptyImageDensity": "WHITE",
        "MinDensity": 30,
        "MaxDensity": 280,
        "Trim": "YES",
        "Illumination": 1500,
        "ReflectedAmbientLight": 7,
        "ICCProfile": PROFILE,
    }
    film_box, boxes = scu.film(**attributes)
    own: dict[str, Any] = {
        "Polarity": "REVERSE",
        "MagnificationType": "REPLICATE",
        "SmoothingType": "SHARP",
        "MinDensity": 40,
        "MaxDensity": 270,
        "RequestedImageSize": 50.5,
        "RequestedDecimateCropBehavior": "CROP",
    }
    assert scu.image(boxes[0], 1, ramp(), **own).Status == SUCCESS
    sheet = scu.print(BasicFilmBox, film_box).films[0].sheet
    assert {keyword: getattr(sheet, keyword) for keyword in attributes} == attributes
    assert {keyword: getattr(sheet.cells[0], keyword) for keyword in own} == own


def test_memory_is_reserved_and_released() -> None:
    """PS3.4 H.4.1.2.1.1: freed with the session or the association."""
    pool = MemoryPool(1000)
    config = replace(CONFIG, MaximumMemoryAllocation=1000)
    first, second = Scu(config=config, pool=pool), Scu(config=config, pool=pool)
    session = first.session(MemoryAllocation=600)
    asked = Dataset(MemoryAllocation=500)
    assert second.create(BasicFilmSession, dataset=asked).Status == 0x0213
    assert first.set(BasicFilmSession, session, Dataset(MemoryAllocation=500)).Status == SUCCESS
    assert second.create(BasicFilmSession, dataset=asked).Status == SUCCESS
    assert first.set(BasicFilmSession, session, Dataset(MemoryAllocation=501)).Status == 0x0213
    second.service.close()
    assert first.set(BasicFilmSession, session, Dataset(MemoryAllocation=1000)).Status == SUCCESS
    first.delete(BasicFilmSession, session)
    assert second.session(MemoryAllocation=1000)


def test_session_without_room_reserves_no_memory() -> None:
    pool = MemoryPool(1000)
    config = replace(CONFIG, MaximumMemoryAllocation=1000)
    small, other = Scu(config=replace(config, memory=512), pool=pool), Scu(config=config, pool=pool)
    assert small.create(BasicFilmSession, dataset=Dataset(MemoryAllocation=600)).Status == 0x0213
    assert other.session(MemoryAllocation=1000)


def test_refused_change_keeps_the_reserved_memory() -> None:
    pool = MemoryPool(1000)
    config = replace(CONFIG, MaximumMemoryAllocation=1000)
    small, other = Scu(config=replace(config, memory=612), pool=pool), Scu(config=config, pool=pool)
    session = small.session(MemoryAllocation=1000)
    change = Dataset(MemoryAllocation=1, FilmSessionLabel="x" * 64)
    assert small.set(BasicFilmSession, session, change).Status == 0x0213
    assert other.create(BasicFilmSession, dataset=Dataset(MemoryAllocation=999)).Status == 0x0213


def test_misplaced_attribute_is_a_warning() -> None:
    """Misplaced attributes of printing are a warning, 0107; unrelated attributes are ignored."""
    scu = Scu()
    answer = scu.create(BasicFilmSession, dataset=Dataset(FilmSizeID="A4", PatientID="4711", OwnerID="me"))
    assert (answer.Status, answer.comment) == (0x0107, "FilmSizeID has no place here")
    assert answer.dataset is not None
    assert "PatientID" not in answer.dataset


def test_annotations_without_room_refuse_the_film() -> None:
    strips = {"TALL": (Rect(3, 3, -3, 212), Rect(3, -215, -3, 212))}
    scu = Scu(config=replace(CONFIG, imager=Imager(annotation_formats=strips)))
    session = scu.session()
    assert scu.film_box(session).Status == SUCCESS
    refused = scu.film_box(session, AnnotationDisplayFormatID="TALL")
    assert (refused.Status, "no room" in refused.comment) == (0x0106, True)


def test_film_without_room_for_boxes_is_not_printed() -> None:
    """N-SET may add trim boxes, which need space: 0110."""
    scu = Scu(config=replace(CONFIG, imager=Imager(edge_mm=101, gap_mm=0)))
    film_box, boxes = scu.film(ImageDisplayFormat="STANDARD\\1,99", FilmSizeID="8INX10IN")
    assert scu.set(BasicFilmBox, film_box, Dataset(Trim="YES")).Status == SUCCESS
    answer = scu.print(BasicFilmBox, film_box)
    assert (answer.Status, "smaller than a pixel" in answer.comment) == (0x0110, True)
    assert scu.image(boxes[0], 1, ramp()).Status == 0x0110


@pytest.mark.parametrize("profile", [b"profile.", PROFILE[:-2], PROFILE.replace(b"RGB ", b"CMYK"), bytes(300)])
def test_wrong_icc_profile_is_replaced(profile: bytes) -> None:
    scu = Scu()
    answer = scu.film_box(scu.session(), ICCProfile=profile)
    assert (answer.Status, answer.AttributeIdentifierList) == (0x0116, (tag_of("ICCProfile"),))
    assert scu.print(BasicFilmBox, answer.AffectedSOPInstanceUID or "").films[0].sheet.ICCProfile is None


def test_text_in_two_character_sets_is_kept() -> None:
    scu = Scu()
    session = scu.session(SpecificCharacterSet="ISO_IR 100", FilmSessionLabel="Händel")
    change = decode(encode(Dataset(SpecificCharacterSet="ISO_IR 144"), EXPLICIT_LE), EXPLICIT_LE)
    assert scu.set(BasicFilmSession, session, change).Status == SUCCESS
    film_box = scu.film_box(session).AffectedSOPInstanceUID or ""
    assert scu.print(BasicFilmBox, film_box).films[0].film_session.FilmSessionLabel == "Händel"


def test_annotation_uses_the_latest_character_set() -> None:
    scu = Scu()
    session = scu.session(SpecificCharacterSet="ISO_IR 100", FilmSessionLabel="Händel")
    scu.set(BasicFilmSession, session, Dataset(SpecificCharacterSet="ISO_IR 144"))
    created = scu.film_box(session, AnnotationDisplayFormatID="LABEL")
    dataset = Dataset(AnnotationPosition=1)
    dataset.add(Element(tag_of("TextString"), "LO", "Чайка".encode("iso8859-5")))
    scu.set(BasicAnnotationBox, uids(created, "ReferencedBasicAnnotationBoxSequence")[0], dataset)
    (annotation,) = scu.print(BasicFilmBox, created.AffectedSOPInstanceUID or "").films[0].sheet.annotations
    assert annotation.TextString == "Чайка"


OPTIONAL = dict.fromkeys(row.keyword for row in FILM_SESSION + FILM_BOX + IMAGE_BOX if not row.mandatory)


@pytest.mark.parametrize("keyword", OPTIONAL)
def test_film_is_printed_without_any_optional_attribute(keyword: str) -> None:
    """A printer that does not support Medium Type or Film Size ID uses its first medium."""
    scu = Scu(config=replace(CONFIG, unsupported=(keyword,)))
    film_box, boxes = scu.film()
    assert scu.image(boxes[0], 1, ramp()).Status == SUCCESS
    answer = scu.print(BasicFilmBox, film_box)
    assert (answer.Status, answer.films[0].sheet.FilmSizeID) == (SUCCESS, CONFIG.media[0].FilmSizeID[0])
