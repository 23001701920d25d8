"""Our client on a print SCP made with pynetdicom, with quirks of real printers."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from peers import Pixels, need, run_print_mgmt
from pynetdicom_printer import PynetdicomPrinter

from dimse.uids import (
    BasicColorImageBox,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    PrinterInstance,
)
from dimse.uids import Printer as PrinterClass
from print_mgmt import PrintClient, PrintFailed, PrintReport, prepare

pytestmark = pytest.mark.interop

need("pynetdicom")

Bits = Literal[8, 12]

_SESSION, _FILM, _BOX = BasicFilmSession, BasicFilmBox, BasicGrayscaleImageBox
_ONE_FILM = [
    ("N-CREATE", _SESSION),
    ("N-CREATE", _FILM),
    ("N-SET", _BOX),
    ("N-ACTION", _FILM),
    ("N-DELETE", _FILM),
    ("N-DELETE", _SESSION),
]


def _noise(count: int, *planes: int) -> list[Pixels]:
    """Return arrays of different sizes, also odd ones."""
    random = np.random.default_rng(count)
    return [random.integers(0, 256, (9 + 2 * index, 15 + index, *planes), np.uint8) for index in range(count)]


@pytest.mark.parametrize(("display_format", "count"), [("STANDARD\\1,1", 2), ("STANDARD\\2,3", 8)])
@pytest.mark.parametrize("bits", [8, 12])
async def test_client_prints_gray_films(bits: Bits, display_format: str, count: int) -> None:
    """The printer has the pixels that `prepare` makes, film by film, and the attributes of the film."""
    images, printer = _noise(count), PynetdicomPrinter()
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port, bits=bits) as client:
            report = await client.print_images(
                images, ImageDisplayFormat=display_format, FilmSizeID="8INX10IN", Polarity="REVERSE"
            )
    assert report == PrintReport(films=2, images=count, warnings=())
    expected = [prepare(image, bits=bits).pixels for image in images]
    _assert_printed(printer, expected, 1 if count == 2 else 6)
    assert {film.film_box["ImageDisplayFormat"] for film in printer.films} == {display_format}
    assert {film.film_box["FilmSizeID"] for film in printer.films} == {"8INX10IN"}


@pytest.mark.parametrize("maximum", [0, 1024, 1 << 20])
async def test_client_respects_the_pdu_size(maximum: int) -> None:
    """Maximum-length-received may be small, large or unlimited (0, PS3.8 Annex D.1)."""
    image = np.random.default_rng(1).integers(0, 65536, (1000, 750), np.uint16)
    printer = PynetdicomPrinter(maximum_pdu_size=maximum)
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port, bits=12) as client:
            await client.print_images([image])
    _assert_printed(printer, [prepare(image, bits=12).pixels], 1)


@pytest.mark.parametrize("implicit_only", [False, True], ids=["explicit", "implicit"])
async def test_client_prints_color_films(implicit_only: bool) -> None:
    """RGB goes by planes (PS3.3 C.13.5) to Basic Color Image Boxes; gray images become RGB."""
    images, printer = _noise(6, 3) + _noise(1), PynetdicomPrinter()
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port, color=True, implicit_only=implicit_only) as client:
            report = await client.print_images(images, ImageDisplayFormat="STANDARD\\2,3")
    assert (report.films, report.images) == (2, 7)
    gray = images.pop()
    _assert_printed(printer, [*images, np.stack([gray] * 3, axis=-1)], 6)
    assert ("N-SET", BasicColorImageBox) in printer.requests
    assert ("N-SET", _BOX) not in printer.requests


async def test_client_sends_requests_in_order() -> None:
    """PS3.4 H.4: session, film box, image box, print, and both are deleted before the release."""
    printer = PynetdicomPrinter()
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            await client.print_images(_noise(1))
    assert printer.requests == _ONE_FILM
    assert printer.ends == ["EVT_RELEASED"]


@pytest.mark.parametrize("status", [0x0123, 0x0211])
async def test_client_prints_by_session_if_it_must(status: int) -> None:
    """No such action, or unrecognized operation, on a film box: the session is printed, each film once."""
    images, printer = _noise(3), PynetdicomPrinter(answers={("N-ACTION", _FILM): status})
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            report = await client.print_images(images)
    assert report == PrintReport(films=3, images=3, warnings=())
    _assert_printed(printer, images, 1)
    actions = [request for request in printer.requests if request[0] == "N-ACTION"]
    assert actions == [("N-ACTION", _FILM), *[("N-ACTION", _SESSION)] * 3]  # it is asked only once


async def test_client_replaces_a_session_that_keeps_films() -> None:
    """A session whose film boxes cannot be deleted is replaced, so that no film is printed twice."""
    answers = {("N-ACTION", _FILM): 0x0123, ("N-DELETE", _FILM): 0x0211}
    images, printer = _noise(3), PynetdicomPrinter(answers=answers)
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            report = await client.print_images(images)
    assert report == PrintReport(films=3, images=3, warnings=())
    _assert_printed(printer, images, 1)
    assert printer.requests.count(("N-CREATE", _SESSION)) == 3


async def test_client_prints_by_session_only_on_request() -> None:
    """By default the client never prints by session; on request it reports the refusal."""
    printer = PynetdicomPrinter(answers={("N-ACTION", _SESSION): 0x0123})
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            assert (await client.print_images(_noise(2))).films == 2
        async with PrintClient("127.0.0.1", port, action="session") as client:
            with pytest.raises(PrintFailed, match="film 1: status 0123H"):
                await client.print_images(_noise(2))
    assert len(printer.films) == 2


@pytest.mark.parametrize("own", ["film", "session"])
async def test_client_keeps_its_uids_without_an_answer(own: Literal["film", "session"]) -> None:
    """Without an Affected SOP Instance UID in the response the UID of the client is valid (PS3.7 10.1.5)."""
    images, printer = _noise(2), PynetdicomPrinter(omit_uids=True)
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port, action=own) as client:
            assert (await client.print_images(images)).films == 2
    _assert_printed(printer, images, 1)
    assert printer.requests[-1] == ("N-DELETE", _SESSION)


async def test_warnings_do_not_stop_a_print(tmp_path: Path) -> None:
    """B604 for each N-SET and B605 for the film box: everything is printed, and each warning is reported with its
    meaning."""
    answers = {("N-SET", _BOX): 0xB604, ("N-CREATE", _FILM): 0xB605}
    images, printer = _noise(2), PynetdicomPrinter(answers=answers)
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            report = await client.print_images(images, ImageDisplayFormat="STANDARD\\1,2")
        command = ("print", f"PNDSCP@127.0.0.1:{port}", "--pattern", "smpte", "--json")
        ended = await run_print_mgmt(*command, cwd=tmp_path)
    _assert_printed(printer, [*images, prepare(_smpte()).pixels], 2)
    assert [warning.partition(")")[0] for warning in report.warnings] == [
        "N-CREATE of film 1: status B605H (Requested Min Density or Max Density outside of printer's operating range",
        *[
            f"N-SET of image {position} of film 1: status B604H (Image size is larger than image box size, "
            "the image has been demagnified"
            for position in (1, 2)
        ],
    ]
    assert ended.status == 0
    assert len(json.loads(ended.out)["warnings"]) == 2
    assert ended.err.count("print-mgmt: warning: ") == 2


async def test_client_cleans_up_after_a_failed_image(tmp_path: Path) -> None:
    """C605: the error has the operation and the reason; film and session are deleted, the association is released."""
    printer = PynetdicomPrinter(answers={("N-SET", _BOX): 0xC605})
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            with pytest.raises(PrintFailed) as caught:
                await client.print_images(_noise(2), ImageDisplayFormat="STANDARD\\2,3")
        assert printer.requests == [request for request in _ONE_FILM if request[0] != "N-ACTION"]
        command = ("print", f"PNDSCP@127.0.0.1:{port}", "--pattern", "smpte")
        ended = await run_print_mgmt(*command, cwd=tmp_path)
    error = caught.value
    assert (error.status, error.operation) == (0xC605, "N-SET of image 1 of film 1")
    assert error.meaning == "Insufficient memory in printer to store the image"
    assert ended == (1, "", f"print-mgmt: {error}\n")
    assert printer.films == []
    assert printer.ends[0] == "EVT_RELEASED"


@pytest.mark.parametrize("request_", [("N-CREATE", _FILM), ("N-SET", _BOX), ("N-ACTION", _FILM)], ids=lambda r: r[0])
async def test_abort_of_the_printer_is_one_line(tmp_path: Path, request_: tuple[str, str]) -> None:
    """A-ABORT instead of a response: one line, exit status 1, and no further request."""
    printer = PynetdicomPrinter(aborts_on=request_)
    with printer.listening() as port:
        command = ("print", f"PNDSCP@127.0.0.1:{port}", "--pattern", "smpte")
        ended = await run_print_mgmt(*command, cwd=tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith("print-mgmt: association aborted: source 0 (DICOM UL service-user)")
    assert ended.err.count("\n") == 1
    assert printer.requests[-1] == request_


async def test_rejection_of_the_title_is_one_line(tmp_path: Path) -> None:
    """A-ASSOCIATE-RJ 1, 1, 7 in the words of PS3.8 Table 9-21."""
    with PynetdicomPrinter(require_called=True).listening() as port:
        ended = await run_print_mgmt("status", f"NOBODY@127.0.0.1:{port}", cwd=tmp_path)
    assert (ended.status, ended.out) == (1, "")
    assert "reason 7 (called-AE-title-not-recognized)" in ended.err
    assert ended.err.count("\n") == 1


async def test_client_prints_film_by_film() -> None:
    """The caller prints two films of one session, and fills their boxes out of order."""
    first, second = _noise(2)
    printer = PynetdicomPrinter()
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            async with client.film_session(NumberOfCopies=2) as session:
                async with session.film_box(ImageDisplayFormat="STANDARD\\2,2", FilmSizeID="A4") as film:
                    await film.set_image(3, first)
                    await film.set_image(1, second, Polarity="REVERSE")
                    await film.print()
                async with session.film_box() as film:
                    await film.set_image(1, first)
                    await film.print()
    four, one = printer.films
    assert (four.film_box["FilmSizeID"], sorted(four.images)) == ("A4", [1, 3])
    np.testing.assert_array_equal(four.images[3], first)
    np.testing.assert_array_equal(four.images[1], second)
    np.testing.assert_array_equal(one.images[1], first)


async def test_client_answers_an_event_during_a_request() -> None:
    """An N-EVENT-REPORT between a request and its response is answered, and the print goes on (PS3.4 H.4.6)."""
    images, statuses = _noise(1), []

    def warn(event: Any) -> None:
        message = need("pynetdicom.dimse_primitives").N_EVENT_REPORT()
        message.MessageID, message.EventTypeID = 7, 2  # Warning
        message.AffectedSOPClassUID, message.AffectedSOPInstanceUID = PrinterClass, PrinterInstance
        information = need("pydicom").Dataset()
        information.PrinterStatusInfo = "SUPPLY LOW"
        message.EventInformation = BytesIO(need("pynetdicom.dsutils").encode(information, False, True))
        event.assoc.dimse.send_msg(message, event.context.context_id)
        _, answer = event.assoc.dimse.get_msg(block=True)
        statuses.append(answer.Status)

    printer = PynetdicomPrinter(before_session=warn)
    with printer.listening() as port:
        async with PrintClient("127.0.0.1", port) as client:
            await client.print_images(images)
    assert statuses == [0x0000]
    _assert_printed(printer, images, 1)


@pytest.mark.parametrize(("state", "exit_status"), [("NORMAL", 0), ("WARNING", 0), ("FAILURE", 1)])
async def test_status_shows_the_printer(tmp_path: Path, state: str, exit_status: int) -> None:
    """The exit status tells whether the printer can print."""
    printer = PynetdicomPrinter(PrinterStatus=state)
    with printer.listening() as port:
        ended = await run_print_mgmt("status", f"PNDSCP@127.0.0.1:{port}", "--json", cwd=tmp_path)
    answer = {"PrinterStatus": state, "PrinterStatusInfo": "NORMAL", "PrinterName": "PNDSCP"}
    assert (ended.status, json.loads(ended.out), ended.err) == (exit_status, answer, "")
    assert printer.requests == [("N-GET", PrinterClass)]


def _smpte() -> Pixels:
    from print_mgmt.images import PATTERNS

    return PATTERNS["smpte"]()


def _assert_printed(printer: PynetdicomPrinter, expected: list[Pixels], per_film: int) -> None:
    """The films of ``printer`` hold ``expected``, from position 1 of each film on."""
    printed: list[Pixels] = []
    for film in printer.films:
        assert list(film.images) == list(range(1, len(film.images) + 1))
        printed += film.images.values()
    assert [len(film.images) for film in printer.films[:-1]] == [per_film] * (len(printer.films) - 1)
    for ours, theirs in zip(expected, printed, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)
