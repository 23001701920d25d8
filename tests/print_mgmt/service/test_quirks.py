"""Quirks of real SCUs that a printer must tolerate, each as it was observed."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from print_scu import COLOR, CONFIG, GRAY, SUCCESS, Scu, ramp, uids
from wire_scu import over_the_wire

from dimse.data import EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, TransferSyntax, decode, encode, tag_of
from dimse.message import NGetRQ
from dimse.uids import (
    BasicAnnotationBox,
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PresentationLUT,
    PrinterInstance,
    PrintJob,
    PrintQueueManagement,
    PullPrintRequest,
    Verification,
    is_valid_uid,
)
from dimse.uids import Printer as PrinterClass
from dimse.ul import PresentationContextRQ, answer
from print_mgmt.config import Caller, PrinterConfig
from print_mgmt.film import PrintImage
from print_mgmt.items import to_item
from print_mgmt.sop import TRANSFER_SYNTAXES

STRICT = replace(CONFIG, strict=True)
WITHOUT_WARNINGS = replace(CONFIG, callers={"WEASIS*": Caller(warnings=False)})
SHORT_ANSWERS = replace(CONFIG, callers={"OLD": Caller(echo=False, class_uid=False)})


@pytest.fixture(
    autouse=True,
    params=["the service alone", ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian],
)
def _over(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run each test without a network, and over an association in every transfer syntax."""
    if "." not in request.param:
        yield
        return
    with over_the_wire(request.param) as wire_scu:
        monkeypatch.setitem(globals(), "Scu", wire_scu)
        yield


@pytest.mark.parametrize("proposed", [None, "1.2.3.4"])
@pytest.mark.parametrize("dataset", [None, Dataset()])
def test_n_create_needs_no_uid_and_no_data_set(proposed: str | None, dataset: Dataset | None) -> None:
    """pynetdicom #995: without a UID the SCP creates one; an SCU that sends one uses it, whatever the answer."""
    answer = Scu().create(BasicFilmSession, proposed, dataset)
    assert answer.Status == SUCCESS
    assert answer.AffectedSOPInstanceUID
    assert is_valid_uid(answer.AffectedSOPInstanceUID)
    assert proposed in (None, answer.AffectedSOPInstanceUID)
    assert answer.dataset, "fo-dicom #852: some SCUs refuse a response without attributes"


@pytest.mark.parametrize("uid", [PrinterInstance, ""])
@pytest.mark.parametrize("context", [GRAY, COLOR, PrinterClass])
def test_ctn_gets_nine_attributes_at_once(context: str, uid: str) -> None:
    keywords = (
        *("PrinterStatus", "PrinterStatusInfo", "PrinterName", "Manufacturer", "ManufacturerModelName"),
        *("DeviceSerialNumber", "SoftwareVersions", "DateOfLastCalibration", "TimeOfLastCalibration"),
    )
    tags = tuple(tag_of(keyword) for keyword in keywords)
    message = NGetRQ(
        MessageID=1, RequestedSOPClassUID=PrinterClass, RequestedSOPInstanceUID=uid, AttributeIdentifierList=tags
    )
    answer = Scu().ask(message, on=context)
    assert (answer.Status, answer.AffectedSOPInstanceUID) == (SUCCESS, PrinterInstance)
    assert answer.dataset is not None
    assert [element.keyword for element in answer.dataset] == sorted(keywords, key=tag_of)


def test_united_imaging_creates_the_printer() -> None:
    """fo-dicom #1222: N-CREATE of the Printer SOP Class, which exists already."""
    answer = Scu().create(PrinterClass)
    assert (answer.Status, answer.AffectedSOPInstanceUID) == (SUCCESS, PrinterInstance)
    assert answer.dataset is not None
    assert answer.dataset.PrinterStatus == "NORMAL"


def test_strict_printer_refuses_n_create_of_the_printer() -> None:
    assert Scu(config=STRICT).create(PrinterClass).Status == 0x0211


def test_agfas_patient_and_private_elements_are_ignored() -> None:
    """No warning is sent, because some SCUs stop at warnings."""
    scu = Scu()
    _, boxes = scu.film()
    dataset = scu.image_dataset(1, to_item(ramp()), PatientID="4711", PatientName="Doe^Jane")
    dataset.add(Element(0x00090010, "LO", "AGFA"))
    dataset.add(Element(0x00091001, "UN", b"private!"))
    answer = scu.set(BasicGrayscaleImageBox, boxes[0], dataset)
    assert (answer.Status, answer.dataset) == (SUCCESS, Dataset(ImageBoxPosition=1))


@pytest.mark.parametrize(
    "attributes",
    [
        {"RequestedDecimateCropBehavior": "DECIMATE"},
        {"RequestedImageSize": 100.0},
        {"SmoothingType": "140"},
        {"SmoothingType": "CS001"},
        {"Trim": "YES"},
        {"Trim": "NO"},
        {"MaxDensity": 320},
        {"ConfigurationInformation": "CS005"},
    ],
)
@pytest.mark.parametrize("is_supported", [True, False])
def test_misplaced_attribute_never_fails(attributes: dict[str, Any], is_supported: bool) -> None:
    """Trim, decimate and crop, image size, smoothing: accepted, or a warning 0107, 0116 or B605."""
    missing: dict[str, Any] = {
        "Trim": (),
        "SmoothingType": (),
        "RequestedDecimateCropBehavior": (),
        "ConfigurationInformation": ("CS000",),
        "unsupported": ("RequestedImageSize",),
    }
    scu = Scu(config=CONFIG if is_supported else replace(CONFIG, **missing))
    film_box, boxes = scu.film()
    assert scu.image(boxes[0], 1, ramp(), **attributes).Status in (SUCCESS, 0x0107, 0x0116, 0xB605)
    assert scu.print(BasicFilmBox, film_box).Status == SUCCESS


def test_caller_option_hides_warnings() -> None:
    """Weasis stops at B601, B603 and B605; pynetdicom's example at any warning."""
    scu = Scu(config=WITHOUT_WARNINGS, calling_ae_title="WEASIS-DCM")
    film_box, _ = scu.film(MaxDensity=999, Trim="MAYBE")
    answer = scu.print(BasicFilmBox, film_box)
    assert (answer.Status, answer.comment) == (SUCCESS, "")
    assert answer.dataset is not None, "a job was made"


def test_caller_option_hides_no_failure() -> None:
    assert Scu(config=WITHOUT_WARNINGS, calling_ae_title="WEASIS-DCM").film_box("1.2.3").Status == 0x0106


def test_caller_options_hide_data_set_and_class_uid() -> None:
    """IHERESTRICTED of DCMTK omits the SOP Class in N-CREATE responses; some SCUs crash on attributes in them."""
    answer = Scu(config=SHORT_ANSWERS, calling_ae_title="OLD").create(BasicFilmSession)
    assert (answer.dataset, answer.names_sop_class, bool(answer.AffectedSOPInstanceUID)) == (None, False, True)


def test_caller_options_apply_to_their_caller_only() -> None:
    assert Scu(config=SHORT_ANSWERS, calling_ae_title="NEW").create(BasicFilmSession).names_sop_class


def test_film_box_without_echo_names_its_image_boxes() -> None:
    scu = Scu(config=replace(CONFIG, callers={"OLD": Caller(echo=False)}), calling_ae_title="OLD")
    session = scu.create(BasicFilmSession).AffectedSOPInstanceUID
    assert session is not None
    created = scu.film_box(session).dataset
    assert created is not None
    assert [element.keyword for element in created] == ["ReferencedImageBoxSequence"]


def test_first_matching_pattern_decides() -> None:
    config = replace(CONFIG, callers={"AGFA_OLD": Caller(echo=False), "AGFA*": Caller(warnings=False)})
    assert config.caller("AGFA_OLD") == Caller(echo=False)
    assert config.caller("AGFA_NX") == Caller(warnings=False)
    assert config.caller("OTHER") == Caller()


@pytest.mark.parametrize(("config", "status"), [(CONFIG, SUCCESS), (STRICT, 0x0106)], ids=["tolerant", "strict"])
@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_only_a_strict_printer_refuses_ybr_pixels(photometric: str, config: PrinterConfig, status: int) -> None:
    """PS3.3 C.13.5 allows RGB only; modalities send others."""
    scu = Scu(COLOR, config)
    _, boxes = scu.film()
    item = to_item(PrintImage(pixels=np.zeros((2, 2, 3), np.uint8), PhotometricInterpretation="RGB"))
    item.PhotometricInterpretation, item.PlanarConfiguration = photometric, 0
    if photometric.endswith("422"):
        item.PixelData = bytes(8)
    assert scu.set(BasicColorImageBox, boxes[0], scu.image_dataset(1, item)).Status == status


@pytest.mark.parametrize(
    ("config", "status"),
    [(CONFIG, SUCCESS), (STRICT, 0x0106), (replace(CONFIG, BitsStored=(8,)), 0x0106)],
    ids=["tolerant", "strict", "8 bits"],
)
def test_tolerant_printer_of_12_bits_accepts_16_bits(config: PrinterConfig, status: int) -> None:
    """PS3.3 C.13.5 allows 8 and 12 bits stored."""
    image = PrintImage(pixels=np.zeros((2, 2), np.uint16), PhotometricInterpretation="MONOCHROME2", BitsStored=16)
    scu = Scu(config=config)
    assert scu.image(scu.film()[1][0], 1, image).Status == status


def test_printer_of_12_bits_refuses_8_bits() -> None:
    scu = Scu(config=replace(CONFIG, BitsStored=(12,)))
    assert scu.image(scu.film()[1][0], 1, ramp()).Status == 0x0106


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE])
@pytest.mark.parametrize("length", [15, 16])
def test_pixel_data_of_odd_length_is_accepted(syntax: TransferSyntax, length: int) -> None:
    scu = Scu()
    item = to_item(PrintImage(pixels=np.zeros((3, 5), np.uint8), PhotometricInterpretation="MONOCHROME2"))
    item.PixelData = bytes(length)
    dataset = decode(encode(scu.image_dataset(1, item), syntax), syntax)
    assert scu.set(BasicGrayscaleImageBox, scu.film()[1][0], dataset).Status == SUCCESS


def test_group_lengths_and_padding_are_ignored() -> None:
    """PS3.5 §7.2 has retired group lengths; some UIDs end with blanks, code strings with NULs (`CorrectUIDPadding`)."""
    scu = Scu()
    session = scu.session()
    dataset = Dataset()
    dataset.add(Element(0x20100000, "UL", 1234))
    dataset.add(Element(tag_of("ImageDisplayFormat"), "ST", b"STANDARD\\1,1\0\0"))
    dataset.add(Element(tag_of("FilmOrientation"), "CS", b"PORTRAIT\0\0"))
    item = Dataset()
    item.add(Element(tag_of("ReferencedSOPClassUID"), "UI", BasicFilmSession.encode() + b" \0"))
    item.add(Element(tag_of("ReferencedSOPInstanceUID"), "UI", session.encode() + b"  "))
    dataset.ReferencedFilmSessionSequence = [item]
    answer = scu.create(BasicFilmBox, dataset=decode(encode(dataset, IMPLICIT_LE), IMPLICIT_LE))
    assert (answer.Status, len(uids(answer, "ReferencedImageBoxSequence"))) == (SUCCESS, 1), answer.comment


def aliases() -> Dataset:
    return Dataset(PrintPriority="MEDIUM", MediumType="MAMMO CLEAR")


def test_aliases_of_terms_are_understood() -> None:
    """MEDIUM for MED, MAMMO CLEAR for MAMMO CLEAR FILM."""
    answer = Scu().create(BasicFilmSession, dataset=aliases())
    assert answer.Status == SUCCESS
    assert answer.dataset is not None
    assert (answer.dataset.PrintPriority, answer.dataset.MediumType) == ("MED", "MAMMO CLEAR FILM")


def test_strict_printer_refuses_aliases_of_terms() -> None:
    assert Scu(config=STRICT).create(BasicFilmSession, dataset=aliases()).Status == 0x0106


@pytest.mark.parametrize("syntaxes", [(ImplicitVRLittleEndian,), (ImplicitVRLittleEndian, ExplicitVRLittleEndian)])
def test_contexts_are_answered_independently(syntaxes: tuple[str, ...]) -> None:
    """SCUs propose many contexts, also for the retired Print Queue, and some with Implicit VR only (Agfa, GE)."""
    proposed = (
        GRAY,
        PrintQueueManagement,
        BasicAnnotationBox,
        PresentationLUT,
        PrintJob,
        PullPrintRequest,
        Verification,
    )
    contexts = [PresentationContextRQ(2 * n + 1, uid, syntaxes) for n, uid in enumerate(proposed)]
    supported = dict.fromkeys((*CONFIG.abstract_syntaxes, Verification), TRANSFER_SYNTAXES)
    results = [context.result for context in answer(contexts, supported)]
    assert results == [0, 3, 0, 0, 0, 3, 0]


# --- requests without an instance ---


def test_request_without_uid_is_for_the_only_film() -> None:
    """N-SET, N-ACTION and N-DELETE; the response names it."""
    scu = Scu()
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp())
    changed = scu.set(BasicFilmBox, "", Dataset(Trim="YES"))
    printed = scu.print(BasicFilmBox, "")
    deleted = scu.delete(BasicFilmBox, "")
    assert [answer.Status for answer in (changed, printed, deleted)] == [SUCCESS] * 3
    assert {answer.AffectedSOPInstanceUID for answer in (changed, printed, deleted)} == {film_box}
    assert scu.delete(BasicFilmBox, film_box).Status == 0x0112


def test_request_without_uid_fails_with_two_films() -> None:
    scu = Scu()
    session = scu.session()
    for _ in range(2):
        scu.film_box(session)
    assert scu.print(BasicFilmBox, "").Status == 0x0112
    assert scu.delete(BasicFilmSession, "").Status == SUCCESS, "there is one session"


def test_request_without_uid_fails_without_a_film() -> None:
    assert Scu().print(BasicFilmBox, "").Status == 0x0112


def test_strict_printer_requires_the_uid() -> None:
    scu = Scu(config=STRICT)
    scu.film()
    assert scu.print(BasicFilmBox, "").Status == 0x0112


# --- UIDs of SCUs ---

LIKE_UIDS = ("1.2.003.04", "0001.2", "1." * 32 + "1", "1.2." + "9" * 100, "7")


@pytest.mark.parametrize("uid", LIKE_UIDS)
def test_instance_may_have_a_sloppy_uid(uid: str) -> None:
    """Leading zeros and 65 characters have been observed; references to the instance have them, too."""
    scu = Scu()
    assert scu.create(BasicFilmSession, uid, Dataset()).AffectedSOPInstanceUID == uid
    reference = Dataset(ReferencedSOPClassUID=BasicFilmSession)
    reference.add(Element(tag_of("ReferencedSOPInstanceUID"), "UI", uid.encode()))
    film_box = Dataset(ImageDisplayFormat=r"STANDARD\1,1", ReferencedFilmSessionSequence=[reference])
    made = scu.create(BasicFilmBox, f"{uid}.1", film_box)
    assert (made.Status, made.AffectedSOPInstanceUID) == (SUCCESS, f"{uid}.1")
    scu.image(uids(made, "ReferencedImageBoxSequence")[0], 1, ramp())
    assert scu.print(BasicFilmBox, f"{uid}.1").Status == SUCCESS


@pytest.mark.parametrize("uid", ["1.2.x", "1..2", ".1", "1.2/3", "1." * 64 + "1", "film"])
def test_wrong_uid_is_refused(uid: str) -> None:
    assert Scu().create(BasicFilmSession, uid, Dataset()).Status == 0x0117


@pytest.mark.parametrize("uid", LIKE_UIDS)
def test_strict_printer_refuses_a_sloppy_uid(uid: str) -> None:
    assert Scu(config=STRICT).create(BasicFilmSession, uid, Dataset()).Status == 0x0117
