"""The print SCP's rules without I/O: PS3.4 Annex H, status by status."""

from typing import Any

import numpy as np
import pytest
from print_scu import COLOR, CONFIG, SUCCESS, Scu, ramp

from dimse.data import IMPLICIT_LE, Dataset, Tag, decode, encode, tag_of
from dimse.message import CEchoRQ, NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request
from dimse.uids import (
    BasicAnnotationBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    PrinterInstance,
    is_valid_uid,
)
from dimse.uids import Printer as PrinterClass
from print_mgmt.film import PrintImage
from print_mgmt.model import reference
from print_mgmt.service import PrintService
from print_mgmt.typed import items, text


def test_film_is_printed_from_create_to_delete() -> None:
    scu = Scu()
    session = scu.session(NumberOfCopies=2)
    created = scu.film_box(session)
    assert created.dataset is not None
    boxes = [text(box, "ReferencedSOPInstanceUID") for box in items(created.dataset, "ReferencedImageBoxSequence")]
    assert len(boxes) == 6
    assert scu.image(boxes[0], 1, ramp()).Status == SUCCESS
    film_box = created.AffectedSOPInstanceUID
    assert film_box
    answer = scu.print(BasicFilmBox, film_box)
    assert (answer.Status, answer.ActionTypeID, len(answer.films)) == (SUCCESS, 1, 1)
    film = answer.films[0]
    assert film.film_session.NumberOfCopies == 2
    assert [cell.image is not None for cell in film.sheet.cells] == [True] + [False] * 5
    assert scu.delete(BasicFilmBox, film_box).Status == SUCCESS
    assert scu.delete(BasicFilmSession, session).Status == SUCCESS
    assert scu.print(BasicFilmBox, film_box).Status == 0x0112


def test_session_answer_has_the_defaults() -> None:
    """Some SCUs refuse an N-CREATE response without attributes."""
    answer = Scu().create(BasicFilmSession, dataset=Dataset(FilmSessionLabel="knee"))
    assert answer.dataset == Dataset(
        NumberOfCopies=1,
        PrintPriority="MED",
        MediumType="BLUE FILM",
        FilmDestination="PROCESSOR",
        FilmSessionLabel="knee",
    )


def test_film_box_answer_has_the_defaults() -> None:
    scu = Scu()
    answer = scu.film_box(scu.session(), FilmOrientation="LANDSCAPE", MaxDensity=310)
    assert answer.dataset is not None
    dataset = answer.dataset.copy()
    boxes = items(dataset, "ReferencedImageBoxSequence")
    assert {text(box, "ReferencedSOPClassUID") for box in boxes} == {BasicGrayscaleImageBox}
    assert len({text(box, "ReferencedSOPInstanceUID") for box in boxes}) == 6
    del dataset.ReferencedImageBoxSequence
    del dataset.ReferencedFilmSessionSequence
    assert dataset == Dataset(
        ImageDisplayFormat="STANDARD\\2,3",
        FilmOrientation="LANDSCAPE",
        FilmSizeID="14INX17IN",
        MagnificationType="BILINEAR",
        MinDensity=20,
        MaxDensity=310,
        BorderDensity="BLACK",
        EmptyImageDensity="BLACK",
        Trim="NO",
        RequestedResolutionID="STANDARD",
        Illumination=2000,
        ReflectedAmbientLight=10,
    )


def test_scp_assigns_missing_uids() -> None:
    """PS3.7 §10.1.5.1.4: the SCU may also assign them."""
    scu = Scu()
    own = scu.create(BasicFilmSession, "1.2.3.4")
    assert own.AffectedSOPInstanceUID == "1.2.3.4"
    made = scu.film_box("1.2.3.4").AffectedSOPInstanceUID
    assert made
    assert is_valid_uid(made)


def test_color_meta_class_creates_color_boxes() -> None:
    scu = Scu(COLOR)
    _, boxes = scu.film()
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert scu.image(boxes[0], 1, PrintImage(pixels=pixels, PhotometricInterpretation="RGB")).Status == SUCCESS
    stored = scu.service.session and scu.service.session.film_boxes[0].image_boxes[0].image
    assert stored
    assert np.array_equal(stored.pixels, pixels)


def test_n_action_on_the_session_prints_all_films() -> None:
    scu = Scu()
    session = scu.session()
    for _ in range(3):
        created = scu.film_box(session)
        assert created.dataset is not None
        box = items(created.dataset, "ReferencedImageBoxSequence")[0]
        scu.image(text(box, "ReferencedSOPInstanceUID"), 1, ramp())
    answer = scu.print(BasicFilmSession, session)
    assert (answer.Status, len(answer.films)) == (SUCCESS, 3)


def test_empty_film_prints_with_a_warning() -> None:
    """B603 for a film box, B602 for a session: PS3.4 Tables H.4-9 and H.4-4."""
    scu = Scu()
    session = scu.session()
    film_box = scu.film_box(session).AffectedSOPInstanceUID
    assert film_box
    answer = scu.print(BasicFilmBox, film_box)
    assert (answer.Status, len(answer.films)) == (0xB603, 1)
    answer = scu.print(BasicFilmSession, session)
    assert (answer.Status, len(answer.films)) == (0xB602, 1)


def test_session_without_film_boxes_is_refused() -> None:
    scu = Scu()
    answer = scu.print(BasicFilmSession, scu.session())
    assert (answer.Status, answer.films) == (0xC600, ())


def test_n_action_copies_the_film() -> None:
    """PS3.4 H.4.2.2.4: the SCP copies the instances."""
    scu = Scu()
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp(), Polarity="REVERSE")
    printed = scu.print(BasicFilmBox, film_box).films[0]
    scu.image(boxes[0], 1, ramp(8, 8))
    scu.set(BasicFilmBox, film_box, Dataset(MagnificationType="CUBIC"))
    first = printed.sheet.cells[0]
    assert first.image is not None
    assert first.image.pixels.shape == (4, 6)
    assert (first.Polarity, printed.sheet.MagnificationType) == ("REVERSE", "BILINEAR")
    again = scu.print(BasicFilmBox, film_box).films[0]
    assert again.sheet.cells[0].image is not None
    assert again.sheet.cells[0].image.pixels.shape == (8, 8)
    assert again.sheet.MagnificationType == "CUBIC"


def test_only_the_last_film_box_may_be_used() -> None:
    """PS3.4 H.4.2.2."""
    scu = Scu()
    session = scu.session()
    first = scu.film_box(session)
    second = scu.film_box(session)
    assert first.AffectedSOPInstanceUID
    assert second.AffectedSOPInstanceUID
    assert first.dataset is not None
    box = text(items(first.dataset, "ReferencedImageBoxSequence")[0], "ReferencedSOPInstanceUID")
    assert scu.print(BasicFilmBox, first.AffectedSOPInstanceUID).Status == 0x0112
    assert scu.image(box, 1, ramp()).Status == 0x0112
    assert scu.delete(BasicFilmBox, first.AffectedSOPInstanceUID).Status == 0x0112
    assert scu.print(BasicFilmBox, second.AffectedSOPInstanceUID).Status == 0xB603


def test_deleted_session_deletes_its_boxes() -> None:
    scu = Scu()
    film_box, boxes = scu.film()
    session = scu.service.session
    assert session
    assert scu.delete(BasicFilmSession, session.SOPInstanceUID).Status == SUCCESS
    for sop_class, uid in (
        (BasicFilmSession, session.SOPInstanceUID),
        (BasicFilmBox, film_box),
        (BasicGrayscaleImageBox, boxes[0]),
    ):
        assert scu.set(sop_class, uid, Dataset()).Status == 0x0112
    assert scu.create(BasicFilmSession).Status == SUCCESS


def test_close_forgets_all_instances() -> None:
    scu = Scu()
    film_box, _ = scu.film()
    scu.service.close()
    assert scu.service.session is None
    assert scu.print(BasicFilmBox, film_box).Status == 0x0112


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicAnnotationBox), 0x0211),
        (NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2.3"), 0x0118),
        (NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicGrayscaleImageBox), 0x0211),
        (NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession, AffectedSOPInstanceUID="1..2"), 0x0117),
        (NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession, AffectedSOPInstanceUID="1.2/../3"), 0x0117),
        (NSetRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID="1.2.3"), 0x0112),
        (NDeleteRQ(MessageID=1, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID="1"), 0x0211),
        (NGetRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID="1.2.3"), 0x0211),
        (NGetRQ(MessageID=1, RequestedSOPClassUID=PrinterClass, RequestedSOPInstanceUID="1.2.3"), 0x0112),
    ],
    ids=lambda value: f"{value:04X}" if isinstance(value, int) else type(value).__name__,
)
def test_request_for_a_missing_instance_is_refused(message: Request, status: int) -> None:
    """PS3.7 Annex C."""
    answer = Scu().ask(message)
    assert answer.Status == status
    assert answer.comment


def test_instance_of_another_class_is_a_conflict() -> None:
    scu = Scu()
    film_box, _ = scu.film()
    assert scu.set(BasicFilmSession, film_box, Dataset()).Status == 0x0119


def test_existing_uid_is_a_duplicate() -> None:
    scu = Scu()
    session = scu.session()
    dataset = Dataset(ImageDisplayFormat="STANDARD\\1,1")
    dataset.ReferencedFilmSessionSequence = [reference(BasicFilmSession, session)]
    assert scu.create(BasicFilmBox, session, dataset).Status == 0x0111


def test_association_has_one_session() -> None:
    scu = Scu()
    scu.session()
    assert scu.create(BasicFilmSession).Status == 0x0213


def test_number_of_film_boxes_is_bounded() -> None:
    scu = Scu()
    session = scu.session()
    statuses = [scu.film_box(session).Status for _ in range(CONFIG.film_boxes + 1)]
    assert statuses == [SUCCESS] * CONFIG.film_boxes + [0x0213]


def test_unknown_action_type_is_refused() -> None:
    scu = Scu()
    film_box, _ = scu.film()
    assert scu.print(BasicFilmBox, film_box, action=2).Status == 0x0123


@pytest.mark.parametrize(
    ("attributes", "status", "keyword"),
    [
        ({"NumberOfCopies": 10**9}, 0x0116, "NumberOfCopies"),
        ({"NumberOfCopies": 0}, 0x0116, "NumberOfCopies"),
        ({"PrintPriority": "SOON"}, 0x0116, "PrintPriority"),
        ({"MediumType": "CURRENT"}, 0x0116, "MediumType"),
        ({"FilmDestination": "BIN_01"}, 0x0116, "FilmDestination"),
        ({"MemoryAllocation": 1000}, 0xB600, "MemoryAllocation"),
    ],
)
def test_unsupported_value_gets_the_default(attributes: dict[str, Any], status: int, keyword: str) -> None:
    """PS3.4 H.2.4: U/M with an unsupported value."""
    answer = Scu().create(BasicFilmSession, dataset=Dataset(**attributes))
    assert answer.Status == status
    assert answer.AttributeIdentifierList == (tag_of(keyword),)
    assert answer.dataset is not None
    assert answer.dataset.get("NumberOfCopies") == 1
    assert answer.dataset.get("PrintPriority") == "MED"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"PrintPriority": "MEDIUM"}, {"PrintPriority": "MED"}),
        ({"MediumType": "MAMMO CLEAR"}, {"MediumType": "MAMMO CLEAR FILM"}),
        ({"FilmDestination": "BIN_12"}, {"FilmDestination": "BIN_12"}),
    ],
)
def test_aliases_of_modalities_are_understood(attributes: dict[str, Any], expected: dict[str, str]) -> None:
    answer = Scu().create(BasicFilmSession, dataset=Dataset(**attributes))
    assert answer.Status == SUCCESS
    assert answer.dataset is not None
    assert {keyword: answer.dataset.get(keyword) for keyword in expected} == expected


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"ImageDisplayFormat": "STANDARD\\99,99"}, 0x0106),
        ({"ImageDisplayFormat": "STANDARD\\0,1"}, 0x0106),
        ({"ImageDisplayFormat": "CUSTOM\\1"}, 0x0106),
        ({"ImageDisplayFormat": "DIAGONAL\\2"}, 0x0106),
        ({"ImageDisplayFormat": None}, 0x0121),
        ({"FilmSizeID": "7INX9IN"}, 0x0106),
        ({"FilmOrientation": "DIAGONAL"}, 0x0106),
        ({"MagnificationType": "LANCZOS"}, 0x0116),
        ({"BorderDensity": "PINK"}, 0x0116),
        ({"BorderDensity": "15000"}, 0x0116),
        ({"Trim": "MAYBE"}, 0x0116),
    ],
)
def test_film_box_attribute_has_its_status(attributes: dict[str, Any], status: int) -> None:
    """An unsupported film size is refused, 0106; other values are replaced with the default, 0116."""
    scu = Scu()
    dataset = Dataset(ImageDisplayFormat="STANDARD\\1,1") if "ImageDisplayFormat" not in attributes else Dataset()
    dataset.update(Dataset(**attributes))
    dataset.ReferencedFilmSessionSequence = [reference(BasicFilmSession, scu.session())]
    answer = scu.create(BasicFilmBox, dataset=dataset)
    assert answer.Status == status
    assert next(iter(attributes)) in answer.comment
    assert (answer.dataset is None) == (status in (0x0106, 0x0121))


@pytest.mark.parametrize("missing", ["ImageDisplayFormat", "ReferencedFilmSessionSequence"])
def test_missing_mandatory_attribute_is_0120(missing: str) -> None:
    scu = Scu()
    dataset = Dataset(ImageDisplayFormat="STANDARD\\1,1")
    dataset.ReferencedFilmSessionSequence = [reference(BasicFilmSession, scu.session())]
    del dataset[missing]
    answer = scu.create(BasicFilmBox, dataset=dataset)
    assert (answer.Status, answer.comment) == (0x0120, f"{missing} is missing")


@pytest.mark.parametrize(("session", "status"), [("1.2.3", 0x0106), ("", 0x0121)])
def test_film_box_of_a_missing_session_is_refused(session: str, status: int) -> None:
    scu = Scu()
    assert scu.film_box(session).Status == status
    scu.session()
    assert scu.film_box(session).Status == status


def test_n_set_keeps_the_layout() -> None:
    """PS3.4 H.4.2.2.2: N-SET has no Image Display Format."""
    scu = Scu()
    film_box, _ = scu.film()
    assert scu.set(BasicFilmBox, film_box, Dataset(ImageDisplayFormat="STANDARD\\1,1")).Status == 0x0106
    assert scu.set(BasicFilmBox, film_box, Dataset(BorderDensity="WHITE")).Status == SUCCESS


def test_n_set_changes_a_session() -> None:
    scu = Scu()
    session = scu.session()
    assert scu.set(BasicFilmSession, session, Dataset(NumberOfCopies=3)).dataset == Dataset(NumberOfCopies=3)
    assert scu.service.session is not None
    assert scu.service.session.attributes.NumberOfCopies == 3
    assert scu.service.session.attributes.PrintPriority == "MED"


# --- the printer ---


def get(*keywords: str) -> NGetRQ:
    return NGetRQ(
        MessageID=1,
        RequestedSOPClassUID=PrinterClass,
        RequestedSOPInstanceUID=PrinterInstance,
        AttributeIdentifierList=tuple(tag_of(keyword) for keyword in keywords) or None,
    )


def test_n_get_without_a_list_returns_everything() -> None:
    answer = Scu().ask(get())
    assert answer.Status == SUCCESS
    assert answer.dataset is not None
    assert answer.dataset.PrinterStatus == "NORMAL"
    assert answer.dataset.PrinterName == "TEST"


def test_n_get_returns_nine_attributes_by_name() -> None:
    """CTN asks like this; PS3.3 C.13.9."""
    keywords = (
        *("PrinterStatus", "PrinterStatusInfo", "PrinterName", "Manufacturer", "ManufacturerModelName"),
        *("DeviceSerialNumber", "SoftwareVersions", "DateOfLastCalibration", "TimeOfLastCalibration"),
    )
    answer = Scu().ask(get(*keywords))
    assert answer.Status == SUCCESS
    assert answer.dataset is not None
    assert {element.keyword for element in answer.dataset} == set(keywords)


def test_n_get_warns_of_unknown_attributes() -> None:
    """0107, PS3.7 §10.1.2.1.9."""
    answer = Scu().ask(get("PrinterStatus", "PatientName"))
    assert (answer.Status, answer.AttributeIdentifierList) == (0x0107, (Tag(0x00100010),))
    assert answer.dataset == Dataset(PrinterStatus="NORMAL")
    assert "PatientName" in answer.comment


def test_empty_uid_names_the_printer() -> None:
    message = NGetRQ(MessageID=1, RequestedSOPClassUID=PrinterClass, RequestedSOPInstanceUID="")
    answer = Scu().ask(message)
    assert (answer.Status, answer.AffectedSOPInstanceUID) == (SUCCESS, PrinterInstance)


def test_full_queue_has_a_status_for_each_n_action() -> None:
    for sop_class, status in ((BasicFilmSession, 0xC601), (BasicFilmBox, 0xC602)):
        message = NActionRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID="1.2", ActionTypeID=1)
        assert PrintService().queue_full(message).Status == status


def test_value_is_returned_as_it_was_written() -> None:
    """A label of 80 characters is too long for LO, and code strings are in upper case."""
    scu = Scu()
    wire = encode(Dataset(FilmSessionLabel="x" * 60, PrintPriority="HIGH"), IMPLICIT_LE)
    long = wire.replace(b"\x3c\0\0\0" + b"x" * 60, b"\x50\0\0\0" + b"x" * 80)
    answer = scu.create(BasicFilmSession, dataset=decode(long, IMPLICIT_LE))
    assert answer.Status == SUCCESS
    assert answer.dataset is not None
    assert answer.dataset.FilmSessionLabel == "x" * 80
    assert b"x" * 80 in encode(answer.dataset, IMPLICIT_LE)


def test_foreign_operation_is_refused() -> None:
    message = CEchoRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession)
    assert Scu().ask(message).Status == 0x0211


def test_wrong_number_is_an_invalid_value() -> None:
    """An IS with letters."""
    wire = encode(Dataset(NumberOfCopies=12), IMPLICIT_LE).replace(b"12", b"ab")
    answer = Scu().create(BasicFilmSession, dataset=decode(wire, IMPLICIT_LE))
    assert answer.Status == 0x0106
    assert answer.comment.startswith("NumberOfCopies: ")


def test_close_without_n_delete_frees_everything() -> None:
    """Instances end with their association, PS3.4 H.4.1."""
    scu = Scu()
    film_box, boxes = scu.film()
    lut = scu.lut()
    scu.service.close()
    assert scu.service.session is None
    for sop_class, uid in ((BasicFilmBox, film_box), (BasicGrayscaleImageBox, boxes[0])):
        assert scu.set(sop_class, uid, Dataset()).Status == 0x0112
    assert scu.film_box("1.2.3", ReferencedPresentationLUTSequence=None).Status == 0x0106
    assert lut
