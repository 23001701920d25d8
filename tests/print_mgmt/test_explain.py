"""The films of a recording."""

from collections.abc import Iterator

import pytest
from recordings import NAMES, said_in, steps_of

from dimse.data import IMPLICIT_LE, Dataset, Element, encode, tag_of
from dimse.explain import ACCEPTOR, REQUESTOR, CompleteMessage, ViewEvent
from dimse.explain.page import Chapter, page_of
from dimse.explain.redaction import redacted
from dimse.message import (
    Message,
    NActionRQ,
    NActionRSP,
    NCreateRQ,
    NCreateRSP,
    NDeleteRQ,
    NDeleteRSP,
    NEventReportRQ,
    NEventReportRSP,
    NSetRQ,
    NSetRSP,
)
from dimse.uids import BasicFilmBox, BasicFilmSession, BasicGrayscaleImageBox, Printer
from print_mgmt.explain import FilmView


def view_events(name: str) -> list[ViewEvent]:
    return [one for step in steps_of(said_in(name), [FilmView()]) for one in step.view_events]


def names(name: str) -> Iterator[str]:
    return (one.name for one in view_events(name))


def test_film_grows_with_its_messages() -> None:
    assert list(names("dcmtk-print-2x3-8bit")) == [
        "film session",
        "film box",
        *(f"image box {number}" for number in range(1, 7)),
        "printed film",
    ]


def test_images_lie_on_the_boxes_of_their_film() -> None:
    session, film, *images, printed = view_events("dcmtk-print-2x3-8bit")
    assert len(film.boxes) == 6
    assert [one.box for one in images] == [(film.key, number) for number in range(6)]
    assert printed.key == film.key
    assert session.key != film.key


def test_printed_film_is_a_picture_of_its_size() -> None:
    printed = view_events("dcmtk-print-2x3-8bit")[-1]
    assert printed.image.startswith(b"\x89PNG")
    assert max(printed.width, printed.height) <= 480
    assert printed.words.startswith("STANDARD\\2,3, PORTRAIT, 8INX10IN")


def test_color_image_is_shown() -> None:
    assert "printed film" in names("pnd-pnd-color")


def test_printer_events_are_shown() -> None:
    assert {
        (one.name, one.words) for one in view_events("pnd-pnd-events-and-job") if one.name in ("printer", "print job")
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_recording_is_seen_without_a_fault(name: str) -> None:
    assert "not shown" not in names(name)


def test_refused_request_makes_nothing() -> None:
    assert "film box" not in names("dcmtk-print-refused-value")


def test_attribute_of_print_has_a_sentence() -> None:
    sentence, section = FilmView().sentence(tag_of("ImageDisplayFormat"))
    assert (sentence.split(";")[0], section) == ("How the film is divided into image boxes", "PS3.3 C.13.3")
    assert FilmView().sentence(tag_of("PatientName")) == ("", "")


def message(message: Message, data: Dataset | None = None) -> CompleteMessage:
    encoded = b"" if data is None else encode(data, IMPLICIT_LE)
    return CompleteMessage(
        context_id=1,
        message=message,
        command=b"",
        command_pieces=(),
        data=memoryview(encoded),
        data_pieces=(),
        syntax=IMPLICIT_LE,
    )


BOX = Dataset(ReferencedSOPClassUID=BasicGrayscaleImageBox, ReferencedSOPInstanceUID="1.2.4")
IMAGE = Dataset(
    SamplesPerPixel=1,
    PhotometricInterpretation="MONOCHROME2",
    Rows=2,
    Columns=2,
    BitsAllocated=8,
    BitsStored=8,
    HighBit=7,
    PixelRepresentation=0,
    PixelData=b"abcd",
)


def test_responses_belong_to_requests_of_the_other_side() -> None:
    """Each side numbers its own requests: here the printer reports an event with the Message ID of the N-CREATE."""
    view, session = FilmView(), Dataset(NumberOfCopies=2)
    create = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession, AffectedSOPInstanceUID="1.2.3")
    report = NEventReportRQ(MessageID=1, AffectedSOPClassUID=Printer, AffectedSOPInstanceUID="1.2", EventTypeID=1)
    said = [
        (REQUESTOR, message(create, session)),
        (ACCEPTOR, message(report)),
        (REQUESTOR, message(NEventReportRSP(MessageIDBeingRespondedTo=1, Status=0))),
        (ACCEPTOR, message(NCreateRSP(MessageIDBeingRespondedTo=1, Status=0, AffectedSOPInstanceUID="1.2.3"))),
    ]
    shown = [(one.name, one.words) for side, each in said for one in view.see(side, each)]
    assert shown == [("printer", "normal"), ("film session", "2 copies")]


@pytest.mark.parametrize(("deleted", "printed"), [(None, ["1.2.2"]), ("1.2.2", []), ("1.1.2", [])])
def test_session_prints_only_its_own_films(deleted: str | None, printed: list[str]) -> None:
    """The sessions 1.1.1 and 1.1.2 have the films 1.2.1 and 1.2.2."""
    view = FilmView()

    def done(request: Message, response: Message, sent: Dataset | None = None) -> list[str]:
        said = [(REQUESTOR, message(request, sent)), (ACCEPTOR, message(response))]
        return [one.key for side, each in said for one in view.see(side, each)]

    created = NCreateRSP(MessageIDBeingRespondedTo=1, Status=0)
    for number in (1, 2):
        session = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession, AffectedSOPInstanceUID=f"1.1.{number}")
        done(session, created)
        item = Dataset(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID=f"1.1.{number}")
        film = Dataset(ImageDisplayFormat="STANDARD\\1,1", ReferencedFilmSessionSequence=[item])
        create = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmBox, AffectedSOPInstanceUID=f"1.2.{number}")
        done(create, created, film)
    if deleted is not None:
        delete = NDeleteRQ(MessageID=1, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID=deleted)
        done(delete, NDeleteRSP(MessageIDBeingRespondedTo=1, Status=0))
    act = NActionRQ(MessageID=1, RequestedSOPClassUID=BasicFilmSession, RequestedSOPInstanceUID="1.1.2", ActionTypeID=1)
    assert done(act, NActionRSP(MessageIDBeingRespondedTo=1, Status=0)) == printed


def created_film() -> FilmView:
    """Return a view that has seen the session 1.1 with the film 1.2.3, whose image box is 1.2.4."""
    view, created = FilmView(), NCreateRSP(MessageIDBeingRespondedTo=1, Status=0)
    item = Dataset(ReferencedSOPClassUID=BasicFilmSession, ReferencedSOPInstanceUID="1.1")
    film = Dataset(ImageDisplayFormat="STANDARD\\1,1", ReferencedFilmSessionSequence=[item])
    session = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession, AffectedSOPInstanceUID="1.1")
    create = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmBox, AffectedSOPInstanceUID="1.2.3")
    said = [
        (REQUESTOR, message(session)),
        (ACCEPTOR, message(created)),
        (REQUESTOR, message(create, film)),
        (ACCEPTOR, message(created, Dataset(ReferencedImageBoxSequence=[BOX]))),
    ]
    assert [one.name for side, each in said for one in view.see(side, each)] == ["film session", "film box"]
    return view


@pytest.mark.parametrize(("sop_class", "uid"), [(BasicFilmBox, "1.2.3"), (BasicFilmSession, "1.1")])
def test_deleted_film_has_no_image_boxes(sop_class: str, uid: str) -> None:
    delete = NDeleteRQ(MessageID=1, RequestedSOPClassUID=sop_class, RequestedSOPInstanceUID=uid)
    fill = NSetRQ(MessageID=2, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID="1.2.4")
    said = [
        (REQUESTOR, message(delete)),
        (ACCEPTOR, message(NDeleteRSP(MessageIDBeingRespondedTo=1, Status=0))),
        (REQUESTOR, message(fill, Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[IMAGE]))),
        (ACCEPTOR, message(NSetRSP(MessageIDBeingRespondedTo=2, Status=0))),
    ]
    view = created_film()
    assert not [one for side, each in said for one in view.see(side, each)]


def test_film_is_printed_with_defaults_for_absent_attributes() -> None:
    """Neither the client nor the printer gives Film Size ID or Magnification Type."""
    view = FilmView()
    film, boxes = Dataset(ImageDisplayFormat="STANDARD\\1,1"), Dataset(ReferencedImageBoxSequence=[BOX])
    create = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmBox, AffectedSOPInstanceUID="1.2.3")
    fill = NSetRQ(MessageID=2, RequestedSOPClassUID=BasicGrayscaleImageBox, RequestedSOPInstanceUID="1.2.4")
    act = NActionRQ(MessageID=3, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID="1.2.3", ActionTypeID=1)
    said = [
        (REQUESTOR, message(create, film)),
        (ACCEPTOR, message(NCreateRSP(MessageIDBeingRespondedTo=1, Status=0), boxes)),
        (REQUESTOR, message(fill, Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[IMAGE]))),
        (ACCEPTOR, message(NSetRSP(MessageIDBeingRespondedTo=2, Status=0))),
        (REQUESTOR, message(act)),
        (ACCEPTOR, message(NActionRSP(MessageIDBeingRespondedTo=3, Status=0))),
    ]
    assert [one.name for side, each in said for one in view.see(side, each)] == [
        "film box",
        "image box 1",
        "printed film",
    ]


def test_words_leave_out_values_that_are_not_terms() -> None:
    view, session = FilmView(), Dataset(PrintPriority="HIGH")
    session.add(Element(tag_of("FilmDestination"), "ST", "for Doe^Jane"))
    create = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmSession, AffectedSOPInstanceUID="1.2.3")
    said = [
        (REQUESTOR, message(create, session)),
        (ACCEPTOR, message(NCreateRSP(MessageIDBeingRespondedTo=1, Status=0))),
    ]
    assert [one.words for side, each in said for one in view.see(side, each)] == ["HIGH"]


def test_redacted_page_has_no_instance_uid() -> None:
    steps = [redacted(step) for step in steps_of(said_in("dcmtk-print-2x3-8bit"), [FilmView()])]
    uids = {event.key for step in steps for event in step.view_events}
    assert len(uids) == 8
    page = page_of("a title", [Chapter(title="", steps=steps)])
    assert not [uid for uid in uids if uid in page]


def test_sequence_that_cannot_be_read_is_not_shown() -> None:
    """The printer reads the rest of such a Data Set, too."""
    film = Dataset(ImageDisplayFormat="STANDARD\\1,1", ReferencedPresentationLUTSequence=[Dataset(Rows=1)])
    broken = bytes(encode(film, IMPLICIT_LE)).replace(b"\x28\0\x10\0\2\0", b"\x28\0\x10\0\xff\0")
    create = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmBox, AffectedSOPInstanceUID="1.2.3")
    view = FilmView()
    assert not [*view.see(REQUESTOR, message(create)._replace(data=memoryview(broken)))]
    (shown,) = view.see(ACCEPTOR, message(NCreateRSP(MessageIDBeingRespondedTo=1, Status=0)))
    assert (shown.name, shown.is_fault) == ("not shown", True)
    assert "(2050,0500)[0].(0028,0010): a value of 255 bytes, but only 2 follow" in shown.words


@pytest.mark.parametrize(
    ("request_", "response"),
    [
        (NDeleteRQ(MessageID=2, RequestedSOPClassUID=BasicFilmBox, RequestedSOPInstanceUID="1.2.3"), NDeleteRSP),
        (
            NActionRQ(
                MessageID=2, RequestedSOPClassUID=BasicFilmSession, RequestedSOPInstanceUID="1.2", ActionTypeID=1
            ),
            NActionRSP,
        ),
    ],
)
def test_film_without_a_readable_session_does_not_exist(
    request_: Message, response: type[NDeleteRSP] | type[NActionRSP]
) -> None:
    film = Dataset(ImageDisplayFormat="STANDARD\\1,1", ReferencedFilmSessionSequence=[Dataset(Rows=1)])
    broken = bytes(encode(film, IMPLICIT_LE)).replace(b"\x28\0\x10\0\2\0", b"\x28\0\x10\0\xff\0")
    create = NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmBox, AffectedSOPInstanceUID="1.2.3")
    said = [
        (REQUESTOR, message(create)._replace(data=memoryview(broken))),
        (ACCEPTOR, message(NCreateRSP(MessageIDBeingRespondedTo=1, Status=0))),
        (REQUESTOR, message(request_)),
        (ACCEPTOR, message(response(MessageIDBeingRespondedTo=2, Status=0))),
    ]
    view = FilmView()
    assert [one.name for side, each in said for one in view.see(side, each)] == ["not shown"]
