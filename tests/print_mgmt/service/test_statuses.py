"""Every status of Print Management, and a request that causes it: PS3.4 Annex H.4 and PS3.7 Annex C."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from print_scu import CONFIG, GRAY, SUCCESS, Scu, ramp, uids
from wire_scu import over_the_wire

from dimse.data import IMPLICIT_LE, Dataset, Element, decode, encode
from dimse.message import (
    GENERAL_STATUS,
    CEchoRQ,
    NActionRQ,
    NEventReportRQ,
    StatusClass,
    status_class,
)
from dimse.uids import (
    BasicAnnotationBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicPrintImageOverlayBox,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    PresentationLUT,
    PrinterInstance,
)
from dimse.uids import Printer as PrinterClass
from print_mgmt.config import Caller
from print_mgmt.film import Imager, PrintImage
from print_mgmt.jobs import PrinterState
from print_mgmt.model import reference
from print_mgmt.service import Answer, MemoryPool
from print_mgmt.status import PRINT_STATUS

LARGE = PrintImage(pixels=np.zeros((1200, 1000), np.uint8), PhotometricInterpretation="MONOCHROME2")
COARSE = replace(CONFIG, imager=Imager(dpi=50))  # a box of STANDARD\2,3 is 300 x 280 pixels


def session_with_memory(kilobytes: int, asked: int) -> Answer:
    pool = MemoryPool(kilobytes)
    assert pool.reserve("another association", kilobytes // 2)
    config = replace(CONFIG, MaximumMemoryAllocation=kilobytes)
    return Scu(config=config, pool=pool).create(BasicFilmSession, dataset=Dataset(MemoryAllocation=asked))


def printed_session(*, films: int = 1, filled: bool = True, collates: bool = True) -> Answer:
    scu = Scu(config=replace(CONFIG, collates=collates))
    session = scu.session(NumberOfCopies=2)
    for _ in range(films):
        box = uids(scu.film_box(session), "ReferencedImageBoxSequence")[0]
        if filled:
            assert scu.image(box, 1, ramp()).Status == SUCCESS
    return scu.print(BasicFilmSession, session)


def printed_film(**attributes: str) -> Answer:
    """Print a film with an image that is too large, after the behavior of the printer has changed."""
    scu = Scu(config=COARSE)
    film_box, boxes = scu.film(MagnificationType="CUBIC")
    assert status_class(scu.image(boxes[0], 1, LARGE, **attributes).Status) is StatusClass.WARNING
    scu.set(BasicFilmBox, film_box, Dataset(MagnificationType="NONE"))
    return scu.print(BasicFilmBox, film_box)


def image(**attributes: object) -> Answer:
    scu = Scu(config=COARSE)
    _, boxes = scu.film()
    return scu.image(boxes[0], 1, LARGE, **attributes)


def image_with_overlay() -> Answer:
    """Set a small image with an overlay that reaches far beyond it."""
    scu = Scu(config=COARSE)
    plane = Dataset(OverlayRows=1200, OverlayColumns=1000, OverlayOrigin=[1, 1])
    plane.OverlayBitsAllocated, plane.OverlayBitPosition, plane.OverlayData = 1, 0, bytes(150_000)
    overlay = scu.create(BasicPrintImageOverlayBox, dataset=Dataset(OverlayPixelDataSequence=[plane]))
    assert overlay.AffectedSOPInstanceUID
    _, boxes = scu.film()
    references = [reference(BasicPrintImageOverlayBox, overlay.AffectedSOPInstanceUID)]
    attributes = {"RequestedDecimateCropBehavior": "FAIL", "ReferencedImageOverlayBoxSequence": references}
    return scu.image(boxes[0], 1, ramp(), **attributes)


def second_film_box() -> Answer:
    scu = Scu(config=replace(CONFIG, MaximumCollatedFilms=0))
    session = scu.session()
    assert scu.film_box(session).Status == SUCCESS
    return scu.film_box(session)


def queue_full(sop_class: str) -> Answer:
    scu = Scu()
    film_box, boxes = scu.film()
    scu.image(boxes[0], 1, ramp())
    assert scu.service.session is not None
    uid = film_box if sop_class == BasicFilmBox else scu.service.session.SOPInstanceUID
    message = NActionRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid, ActionTypeID=1)
    assert scu.ask(message).job is not None
    return scu.service.queue_full(message)


def second_image() -> Answer:
    scu = Scu(config=replace(CONFIG, memory=2_000_000))
    _, boxes = scu.film()
    assert scu.image(boxes[0], 1, LARGE).Status == SUCCESS
    return scu.image(boxes[1], 2, LARGE)


def failed_printer() -> Answer:
    state = PrinterState()
    state.set("FAILURE", "SUPPLY EMPTY")
    scu = Scu(config=replace(CONFIG, spools=False), state=state)
    film_box, _ = scu.film()
    return scu.print(BasicFilmBox, film_box)


def action(dataset: Dataset) -> Answer:
    scu = Scu(config=replace(CONFIG, strict=True))
    film_box, _ = scu.film()
    return scu.print(BasicFilmBox, film_box, dataset=dataset)


def unreadable() -> Dataset:
    wire = encode(Dataset(NumberOfCopies=12), IMPLICIT_LE).replace(b"12", b"ab")
    return decode(wire, IMPLICIT_LE)


def strict_session(**attributes: object) -> Answer:
    return Scu(config=replace(CONFIG, strict=True)).create(BasicFilmSession, dataset=Dataset(**attributes))


def session(**attributes: object) -> Answer:
    return Scu().create(BasicFilmSession, dataset=Dataset(**attributes))


def duplicate() -> Answer:
    scu = Scu()
    return scu.create(PresentationLUT, scu.session(), Dataset(PresentationLUTShape="LIN OD"))


def mistyped() -> Answer:
    scu = Scu()
    dataset = Dataset(ImageDisplayFormat="STANDARD\\1,1")
    scu.session()
    tag = Dataset(ReferencedFilmSessionSequence=[])["ReferencedFilmSessionSequence"].tag
    dataset.add(Element(tag, "LO", "1.2.3"))
    return scu.create(BasicFilmBox, dataset=dataset)


def conflict() -> Answer:
    scu = Scu()
    film_box, _ = scu.film()
    return scu.set(BasicFilmSession, film_box, Dataset(NumberOfCopies=2))


def not_negotiated() -> Answer:
    scu = Scu(abstract_syntaxes=[GRAY])
    return scu.create(PresentationLUT, dataset=Dataset(PresentationLUTShape="IDENTITY"), on=GRAY)


def not_authorized() -> Answer:
    config = replace(CONFIG, callers={"SPY*": Caller(may_print=False)})
    scu = Scu(config=config, calling_ae_title="SPY1")
    assert scu.get(PrinterClass, PrinterInstance).Status == SUCCESS
    return scu.create(BasicFilmSession)


def event() -> Answer:
    message = NEventReportRQ(
        MessageID=1, AffectedSOPClassUID=PrinterClass, AffectedSOPInstanceUID=PrinterInstance, EventTypeID=1
    )
    return Scu().ask(message, on=GRAY)


def density(**attributes: Any) -> Answer:
    scu = Scu()
    return scu.film_box(scu.session(), **attributes)


Provoke = Callable[[], Answer]

# fmt: off
STATUSES: list[tuple[int, str, Provoke]] = [
    (0xB600, "memory of a printer that allocates none", lambda: session(MemoryAllocation=1000)),
    (0xB601, "a session of a printer that does not collate", lambda: printed_session(films=2, collates=False)),
    (0xB602, "an empty session", lambda: printed_session(filled=False)),
    (0xB603, "an empty film", lambda: (scu := Scu()).print(BasicFilmBox, scu.film()[0])),
    (0xB604, "a large image, scaled by default", image),
    (0xB605, "a density above that of any film", lambda: density(MaxDensity=65535)),
    (0xB605, "a density below the base of the film", lambda: density(MinDensity=0)),
    (0xB605, "a density of an image box", lambda: image(MaxDensity=400)),
    (0xB609, "a large image to be cropped", lambda: image(RequestedDecimateCropBehavior="CROP")),
    (0xB60A, "a large image to be decimated", lambda: image(RequestedDecimateCropBehavior="DECIMATE")),
    (0xB60A, "printing a decimated image", lambda: (
        scu := Scu(config=COARSE), film := scu.film(),
        scu.image(film[1][0], 1, LARGE, RequestedDecimateCropBehavior="DECIMATE"),
        scu.print(BasicFilmBox, film[0]))[-1]),
    (0xC600, "a session without a film box", lambda: (scu := Scu()).print(BasicFilmSession, scu.session())),
    (0xC601, "a session and a full queue", lambda: queue_full(BasicFilmSession)),
    (0xC602, "a film and a full queue", lambda: queue_full(BasicFilmBox)),
    (0xC603, "a large image that may not be made smaller", lambda: image(RequestedDecimateCropBehavior="FAIL")),
    (0xC603, "DECIMATE with NONE", lambda: image(RequestedDecimateCropBehavior="DECIMATE", MagnificationType="NONE")),
    (0xC603, "printing an image that does not fit", lambda: printed_film(RequestedDecimateCropBehavior="DECIMATE")),
    (0xC605, "more pixels than the printer holds", second_image),
    (0xC613, "an overlay larger than the box", image_with_overlay),
    (0xC616, "a second film box where sessions are not printed", second_film_box),
    (0x0105, "an unknown attribute on a strict printer", lambda: strict_session(PatientID="4711")),
    (0x0106, "a value of a mandatory attribute", lambda: density(ImageDisplayFormat="STANDARD\\0,1")),
    (0x0106, "more memory than the printer has", lambda: session_with_memory(1000, 1001)),
    (0x0106, "an optional value on a strict printer", lambda: strict_session(PrintPriority="SOON")),
    (0x0107, "a misplaced attribute", lambda: session(Trim="YES")),
    (0x0107, "an attribute that no printer has", lambda: Scu().get(PrinterClass, PrinterInstance, "PatientName")),
    (0x0110, "a printer that has failed", failed_printer),
    (0x0111, "a UID in use", duplicate),
    (0x0112, "an instance that never existed", lambda: Scu().delete(BasicFilmBox, "1.2.3")),
    (0x0113, "an event for the printer", event),
    (0x0114, "action information", lambda: action(Dataset(NumberOfCopies=2))),
    (0x0115, "unreadable action information", lambda: action(unreadable())),
    (0x0116, "an unsupported value", lambda: session(PrintPriority="SOON")),
    (0x0116, "densities the wrong way round", lambda: density(MinDensity=200, MaxDensity=100)),
    (0x0117, "an invalid UID", lambda: Scu().create(BasicFilmSession, "1.2/../3")),
    (0x0118, "a SOP Class of another service", lambda: Scu().create("1.2.3")),
    (0x0119, "an instance of another class", conflict),
    (0x0120, "a missing attribute", lambda: Scu().create(BasicFilmBox, dataset=Dataset())),
    (0x0121, "a missing value", lambda: density(ImageDisplayFormat="")),
    (0x0122, "a SOP Class that was not negotiated", not_negotiated),
    (0x0123, "another action", lambda: (scu := Scu()).print(BasicFilmBox, scu.film()[0], action=2)),
    (0x0124, "a client that may not print", not_authorized),
    (0x0211, "an operation that the class lacks", lambda: Scu().create(BasicGrayscaleImageBox)),
    (0x0211, "an operation of another service", lambda: Scu().ask(
        CEchoRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession))),
    (0x0211, "a session where sessions are not printed", lambda: (
        scu := Scu(config=replace(CONFIG, MaximumCollatedFilms=0))).print(BasicFilmSession, scu.session())),
    (0x0212, "text instead of a sequence", mistyped),
    (0x0213, "memory in use by others", lambda: session_with_memory(1000, 501)),
    (0x0213, "a second session", lambda: (scu := Scu(), scu.session(), scu.create(BasicFilmSession))[-1]),
]
# fmt: on


@pytest.mark.parametrize(
    ("status", "provoke"),
    [pytest.param(status, provoke, id=f"{status:04X} {what}") for status, what, provoke in STATUSES],
)
def test_each_status_has_its_cause(status: int, provoke: Provoke) -> None:
    answer = provoke()
    assert f"{answer.Status:04X}" == f"{status:04X}", answer.comment
    assert answer.comment
    if status_class(status) is StatusClass.FAILURE:
        assert answer.job is None
        assert answer.dataset is None


SYNTAXES = {"explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian}
# C601 and C602 come from the queue; an event is refused for its role, C-ECHO for its context
ON_THE_WIRE = [
    pytest.param(status, provoke, syntax, id=f"{status:04X} {what}, {name}")
    for status, what, provoke in STATUSES
    for name, syntax in SYNTAXES.items()
    if status not in (0xC601, 0xC602, 0x0113)
    and "an operation of another service" not in what
    and (provoke is not mistyped or name == "explicit")  # in Implicit VR it cannot be wrong
]


@pytest.mark.parametrize(("status", "provoke", "syntax"), ON_THE_WIRE)
def test_each_status_is_sent(status: int, provoke: Provoke, syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The response has a valid Error Comment (PS3.7 Annex C.4), and the SOP Class and Instance of the request."""
    with over_the_wire(syntax) as wire_scu:
        monkeypatch.setitem(globals(), "Scu", wire_scu)
        answer = provoke()
    assert f"{answer.Status:04X}" == f"{status:04X}", answer.comment
    assert 0 < len(answer.comment) <= 64
    assert "\\" not in answer.comment
    assert answer.names_sop_class


def test_every_status_is_tested() -> None:
    """0210, Duplicate invocation, is not here: the association finds duplicate Message IDs."""
    general = {status for status in GENERAL_STATUS if 0x0105 <= status <= 0x0213} - {0x0210}
    assert {status for status, _, _ in STATUSES} == general | PRINT_STATUS.keys()


def test_failure_names_the_attribute() -> None:
    """PS3.7 Annex C."""
    scu = Scu()
    answer = scu.film_box(scu.session(), FilmSizeID="7INX9IN")
    assert answer.AttributeIdentifierList == (Dataset(FilmSizeID="A4")["FilmSizeID"].tag,)
    assert answer.comment.startswith("FilmSizeID '7INX9IN', not 14INX17IN")


def test_warning_of_print_management_comes_first() -> None:
    """A response has one status; its Attribute Identifier List has the attributes of all warnings."""
    scu = Scu()
    answer = scu.film_box(scu.session(), MaxDensity=999, Trim="MAYBE", OwnerID="no place here")
    assert answer.Status == 0xB605
    assert answer.AttributeIdentifierList is not None
    assert len(answer.AttributeIdentifierList) == 3


@pytest.mark.parametrize("sop_class", [BasicAnnotationBox, BasicGrayscaleImageBox, PresentationLUT])
def test_instances_of_another_association_do_not_exist(sop_class: str) -> None:
    """0112, as for unknown instances. Jobs are an exception, PS3.4 H.4.5.2.2."""
    owner, other = Scu(), Scu()
    film_box, boxes = owner.film(AnnotationDisplayFormatID="ANNOTATION")
    theirs = {BasicGrayscaleImageBox: boxes[0], PresentationLUT: owner.lut()}
    uid = theirs.get(sop_class, film_box)

    def ask(uid: str) -> tuple[int, str]:
        is_lut = sop_class == PresentationLUT
        found = other.delete(sop_class, uid) if is_lut else other.set(sop_class, uid, Dataset())
        return found.Status, found.comment.replace(uid, "UID")

    never = ask("1.2.3")
    assert never[0] == 0x0112
    assert ask(uid)[0] == never[0]
    assert ask(uid)[1][:20] == never[1][:20]
