"""The client and the printer, over loopback: what is asked for is what gets printed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dimse.data import Dataset
from dimse.data.part10 import write_file
from dimse.data.pixels import set_pixels
from dimse.errors import (
    AssociationAborted,
    AssociationRejected,
    ContextNotAccepted,
    EncodeError,
    LocalProtocolError,
    RemoteProtocolError,
)
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NGetRQ, NSetRQ, Request, Response
from dimse.net import Association, Caller, Handlers, Limits, Operation, Service, Timeouts, serve
from dimse.net.scu import n_event_report
from dimse.uids import (
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    SecondaryCaptureImageStorage,
    new_uid,
)
from dimse.uids import Printer as PrinterClass
from dimse.ul import AssociateRJ, AssociateRQ
from print_mgmt import Film, ImageError, PrintClient, PrintFailed, PrintImage, PrintServer
from print_mgmt.jobs import PrintQueue
from print_mgmt.model import Printer
from print_mgmt.service import Answer, PrintService
from print_mgmt.session import Printable


def gray(seed: int, rows: int = 20, columns: int = 30) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (rows, columns), dtype=np.uint8)


@asynccontextmanager
async def printer(**options: Any) -> AsyncIterator[tuple[PrintServer, list[Film]]]:
    """A printer and the films that it has printed."""
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        films.append(film)

    async with PrintServer(on_film, port=0, **options) as server:
        yield server, films


def pixels(film: Film) -> list[NDArray[Any] | None]:
    return [cell.image.pixels if cell.image else None for cell in film.sheet.cells]


@pytest.mark.parametrize("implicit_only", [False, True])
@pytest.mark.parametrize("count", [1, 5, 6, 7, 12])
async def test_films_are_filled_printed_and_the_rest_too(count: int, implicit_only: bool) -> None:
    images = [gray(seed) for seed in range(count)]
    done: list[int] = []
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, implicit_only=implicit_only) as client:
            report = await client.print_images(images, ImageDisplayFormat=r"STANDARD\2,3", progress=done.append)
    assert (report.images, report.films, report.warnings) == (count, -(-count // 6), ())
    assert done == list(range(1, count + 1))
    printed = [found for film in films for found in pixels(film)]
    assert all(np.array_equal(found, image) for found, image in zip(printed, images, strict=False) if found is not None)
    assert [found is not None for found in printed] == [True] * count + [False] * (len(printed) - count)


async def test_no_images_make_no_film() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            report = await client.print_images([])
    assert (report.films, films) == (0, [])


async def test_attributes_find_their_level_by_keyword() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, calling_ae_title="CT01") as client:
            await client.print_images(
                [gray(1)],
                NumberOfCopies=3,
                MediumType="PAPER",
                ImageDisplayFormat=r"STANDARD\1,2",
                FilmOrientation="LANDSCAPE",
                FilmSizeID="8INX10IN",
                MagnificationType="NONE",
                Polarity="REVERSE",
            )
    (film,) = films
    assert (film.copies, film.film_session.MediumType, film.calling_ae_title) == (3, "PAPER", "CT01")
    sheet = film.sheet
    assert (sheet.ImageDisplayFormat, sheet.FilmOrientation, sheet.FilmSizeID, sheet.MagnificationType) == (
        r"STANDARD\1,2",
        "LANDSCAPE",
        "8INX10IN",
        "NONE",
    )
    assert film.image_boxes[0].Polarity == "REVERSE"
    assert sheet.cells[0].Polarity == "REVERSE"


async def test_the_film_by_film_face() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            async with client.film_session(NumberOfCopies=2) as session:
                async with session.film_box(ImageDisplayFormat=r"STANDARD\2,2", FilmSizeID="A4") as film:
                    assert len(film.image_boxes) == 4
                    await film.set_image(3, gray(1), Polarity="REVERSE")
                    await film.set_image(1, gray(2))
                    await film.set_image(1, gray(3))  # replaces
                    with pytest.raises(EncodeError, match="image boxes 1 to 4, not 5"):
                        await film.set_image(5, gray(4))
                    job = await film.print()
                    assert await job.wait() == "DONE"
                async with session.film_box() as film:
                    await film.set_image(1, gray(5))
                    await film.print()
    first, second = films
    assert [found is not None for found in pixels(first)] == [True, False, True, False]
    assert np.array_equal(first.sheet.cells[0].image.pixels, gray(3))  # type: ignore[union-attr]  # asserted above
    assert first.sheet.cells[2].Polarity == "REVERSE"
    assert second.sheet.ImageDisplayFormat == r"STANDARD\1,1"


async def test_images_one_by_one_with_the_film_printed_when_it_is_full() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            async with client.films(ImageDisplayFormat=r"STANDARD\1,2") as feeder:
                await feeder.add(gray(1))
                assert feeder.printed == 0
                await feeder.add(gray(2))
                assert feeder.printed == 1
                await feeder.add(gray(3))
            assert feeder.printed == 2
    assert [found is not None for film in films for found in pixels(film)] == [True, True, True, False]


async def test_color() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, color=True) as client:
            await client.print_images([rgb, gray(1)], ImageDisplayFormat=r"STANDARD\2,1")
    first, second = pixels(films[0])
    assert np.array_equal(first, rgb)  # type: ignore[arg-type]  # an image is there, or this fails
    assert second is not None
    assert np.array_equal(second, np.repeat(gray(1)[..., None], 3, axis=-1))


async def test_twelve_bits_and_odd_sizes() -> None:
    deep = np.random.default_rng(1).integers(0, 4096, (7, 5), dtype=np.uint16)
    image = PrintImage(pixels=deep, PhotometricInterpretation="MONOCHROME1", BitsStored=12)
    images: list[Printable] = [image, gray(2, 3, 5)]
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port, bits=12) as client:
            await client.print_images(images, ImageDisplayFormat=r"STANDARD\1,2")
    first, second = (cell.image for cell in films[0].sheet.cells)
    assert first is not None
    assert (first.BitsStored, first.PhotometricInterpretation) == (12, "MONOCHROME1")
    assert np.array_equal(first.pixels, deep)
    assert second is not None
    assert second.BitsStored == 12
    assert second.pixels.shape == (3, 5)


async def test_pixels_for_other_image_boxes_are_refused_here() -> None:
    rgb = PrintImage(pixels=np.zeros((4, 4, 3), np.uint8), PhotometricInterpretation="RGB")
    gray_image = PrintImage(pixels=np.zeros((4, 4), np.uint8), PhotometricInterpretation="MONOCHROME2")
    async with printer() as (server, films):
        for image, color in ((rgb, False), (gray_image, True)):
            async with PrintClient(server.host, server.port, color=color) as client:
                with pytest.raises(ImageError, match="image boxes"):
                    await client.print_images([image])
    assert films == []


async def test_a_reply_to_n_action_that_cannot_be_read_does_not_unprint_the_film() -> None:
    odd = Odd(lambda message: None)  # noqa: ARG005
    original = odd.open

    @asynccontextmanager
    async def garbled(association: Association) -> AsyncIterator[Handlers]:
        async with original(association) as handlers:
            perform = handlers[BasicGrayscalePrintManagementMeta, NActionRQ]

            async def garble(operation: Operation) -> Response:
                made = perform(operation)
                assert isinstance(made, Awaitable)
                return replace(await made, Data=b"garbage")

            key: tuple[str, type[Request]] = (BasicGrayscalePrintManagementMeta, NActionRQ)
            yield {**handlers, key: garble}

    odd.open = garbled  # type: ignore[method-assign]  # on purpose
    async with odd.client() as client:
        report = await client.print_images([gray(1)])
    assert (report.films, odd.printed) == (1, 1)


async def test_a_dicom_file(tmp_path: Path) -> None:
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID=new_uid())
    set_pixels(dataset, gray(9), photometric="MONOCHROME2")
    dataset.WindowCenter, dataset.WindowWidth = 128, 256  # what 8 bits are anyway
    path = tmp_path / "image.dcm"
    write_file(path, dataset)
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([path, str(path), dataset], ImageDisplayFormat=r"STANDARD\1,3")
    assert all(np.array_equal(found, gray(9)) for found in pixels(films[0]) if found is not None)
    assert None not in [None if found is None else 1 for found in pixels(films[0])]


async def test_a_page_is_rendered_while_others_are_served() -> None:
    pages = []

    async def on_film(film: Film) -> None:
        pages.append(await film.render(dpi=50))

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([gray(1)], FilmSizeID="8INX10IN")
    assert pages[0].pixels.shape == (500, 400)
    assert (pages[0].width_mm, pages[0].height_mm) == (203.2, 254.0)


async def test_what_the_printer_says_of_itself() -> None:
    own = Printer(PrinterName="FILM1", Manufacturer="Us")
    async with printer(printer=own) as (server, _):
        server.printer_state.set("WARNING", "SUPPLY LOW")
        for color in (False, True, None):
            async with PrintClient(server.host, server.port, color=color) as client:
                answer = await client.printer()
                assert (answer.PrinterStatus, answer.PrinterStatusInfo) == ("WARNING", "SUPPLY LOW")
                assert (answer.PrinterName, answer.Manufacturer) == ("FILM1", "Us")


async def test_a_bad_image_prints_nothing_and_deletes_the_film() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(ImageError):
                await client.print_images([gray(1), Dataset(Rows=1)], ImageDisplayFormat=r"STANDARD\1,2")
            report = await client.print_images([gray(2)])
            assert report.films == 1
    assert len(films) == 1


async def test_a_failure_names_operation_film_status_meaning_and_comment() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(PrintFailed) as caught:
                await client.print_images([gray(1)], FilmSizeID="7INX9IN")
    assert str(caught.value).startswith(
        "N-CREATE of film 1: status 0106H (Invalid attribute value): FilmSizeID '7INX9IN'"
    )
    assert films == []


async def test_a_warning_is_reported_and_the_film_printed() -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            report = await client.print_images([gray(1)], NumberOfCopies=1000)
    assert len(films) == 1
    (warning,) = report.warnings
    assert "0116H (Attribute value out of range): NumberOfCopies 1000" in warning


@pytest.mark.parametrize(
    ("attributes", "what"),
    [
        ({"FilmSizeXD": "A4"}, "did you mean FilmSizeID"),
        ({"PatientName": "Doe"}, "PatientName: no attribute"),
        ({"ReferencedFilmSessionSequence": []}, "set by the client itself"),
        ({"NumberOfCopies": "many"}, "cannot hold"),
    ],
)
async def test_an_attribute_that_cannot_be_is_refused_before_the_printer_hears_of_it(
    attributes: dict[str, Any], what: str
) -> None:
    async with printer() as (server, _):
        async with PrintClient(server.host, server.port) as client:
            with pytest.raises(EncodeError, match=what):
                await client.print_images([gray(1)], **attributes)


async def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(LocalProtocolError, match="async with"):
        await PrintClient("127.0.0.1", 1).printer()


# --- the printer under load and abuse ---


async def test_films_of_many_clients_are_never_mixed() -> None:
    async with printer() as (server, films):

        async def client_prints(number: int) -> None:
            async with PrintClient(server.host, server.port, calling_ae_title=f"SCU{number}") as client:
                await client.print_images([np.full((8, 8), number, np.uint8)] * 3, ImageDisplayFormat=r"STANDARD\1,2")

        await asyncio.gather(*(client_prints(number) for number in range(8)))
    assert len(films) == 16
    for film in films:
        number = int(film.calling_ae_title.removeprefix("SCU"))
        assert all((found == number).all() for found in pixels(film) if found is not None)


async def test_a_film_that_was_accepted_is_printed_whatever_becomes_of_its_client() -> None:
    go_on = asyncio.Event()
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        await go_on.wait()
        films.append(film)

    async with PrintServer(on_film, port=0) as server:
        with pytest.raises(KeyError):
            async with PrintClient(server.host, server.port) as client:
                await client.print_images([gray(1)] * 2)
                raise KeyError("the client dies")
        go_on.set()
    assert len(films) == server.printed == 2


async def test_a_film_that_fails_does_not_stop_the_next() -> None:
    films: list[int] = []

    async def on_film(film: Film) -> None:
        films.append(film.number)
        if film.number == 1:
            raise OSError(28, "No space left on device")
        if film.number == 2:
            raise RuntimeError("a bug")

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([gray(1)] * 3)
    assert (films, server.printed, server.failed) == ([1, 2, 3], 1, 2)


async def test_a_full_queue_refuses_the_film_and_takes_it_later() -> None:
    """C602: nothing was done, so the client may try again."""
    go_on = asyncio.Event()
    printed: list[int] = []

    async def on_film(film: Film) -> None:
        await go_on.wait()
        printed.append(film.number)

    async with PrintServer(on_film, port=0, queue=PrintQueue(1)) as server:
        async with PrintClient(server.host, server.port, action="film") as client:
            async with client.film_session() as session, session.film_box() as film:
                await film.set_image(1, gray(1))
                await film.print()
                while True:  # the first film leaves the queue when the printer takes it
                    try:
                        await film.print()
                    except PrintFailed:
                        await asyncio.sleep(0)
                    else:
                        break
                with pytest.raises(PrintFailed, match=r"N-ACTION \(Print\) of film 1: status C602H"):
                    await film.print()
                go_on.set()
    assert printed == [1, 2]


async def test_who_may_print() -> None:
    def refuse(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
        return None if request.calling_ae_title == "FRIEND" else AssociateRJ(1, 1, 3)

    async with printer(policy=refuse) as (server, films):
        with pytest.raises(AssociationRejected, match="calling-AE-title-not-recognized"):
            async with PrintClient(server.host, server.port):
                pass
        async with PrintClient(server.host, server.port, calling_ae_title="FRIEND") as client:
            await client.print_images([gray(1)])
    assert len(films) == 1


async def test_an_image_larger_than_allowed_ends_its_association_and_no_other() -> None:
    async with printer(limits=Limits(data_set=100_000)) as (server, films):
        async with PrintClient(server.host, server.port) as other:
            with pytest.raises(AssociationAborted):
                async with PrintClient(server.host, server.port) as client:
                    await client.print_images([gray(1, 400, 400)])
            await other.print_images([gray(1)])
    assert len(films) == 1


# --- printers that are not ours ---


class Odd:
    """A printer with a will of its own: what ``change`` answers goes before what our service would."""

    def __init__(self, change: Callable[[Request], Answer | None]) -> None:
        self.change = change
        self.asked: list[str] = []
        self.printed = 0

    @asynccontextmanager
    async def open(self, association: Association) -> AsyncIterator[Handlers]:  # noqa: ARG002
        service = PrintService()

        async def perform(operation: Operation) -> Response:
            message = operation.message
            self.asked.append(type(message).__name__)
            answer = self.change(message)
            if answer is None:
                meta = BasicGrayscalePrintManagementMeta
                answer = service.handle(meta, message, operation.dataset())
            self.printed += len(answer.films)
            elements = (
                {}
                if answer.AffectedSOPInstanceUID is None
                else {"AffectedSOPInstanceUID": answer.AffectedSOPInstanceUID}
            )
            return operation.reply(answer.Status, dataset=answer.dataset, comment=answer.comment, **elements)

        yield {
            (meta, message): perform
            for meta in (BasicGrayscalePrintManagementMeta, PrinterClass)
            for message in (NCreateRQ, NSetRQ, NGetRQ, NActionRQ, NDeleteRQ)
        }

    @asynccontextmanager
    async def client(self, **options: Any) -> AsyncIterator[PrintClient]:
        contexts = {BasicGrayscalePrintManagementMeta: (ExplicitVRLittleEndian, ImplicitVRLittleEndian)}
        async with serve([Service(contexts, self.open)], port=0) as server:
            async with PrintClient(server.host, server.port, **options) as client:
                yield client


@pytest.mark.parametrize("status", [0x0110, 0x0112, 0x0118, 0x0119, 0x0122, 0x0123, 0x0211])
async def test_a_printer_that_knows_only_n_action_on_the_session(status: int) -> None:
    """And once that is known, the film box is not tried again."""

    def only_session(message: Request) -> Answer | None:
        wrong = isinstance(message, NActionRQ) and message.RequestedSOPClassUID == BasicFilmBox
        return Answer(Status=status) if wrong else None

    odd = Odd(only_session)
    async with odd.client() as client:
        report = await client.print_images([gray(1)] * 3)
    assert (report.films, odd.printed) == (3, 3)
    assert odd.asked.count("NActionRQ") == 4


async def test_a_printer_that_knows_only_the_session_and_deletes_no_film_box_prints_none_twice() -> None:
    def change(message: Request) -> Answer | None:
        wrong = isinstance(message, NActionRQ) and message.RequestedSOPClassUID == BasicFilmBox
        kept = isinstance(message, NDeleteRQ) and message.RequestedSOPClassUID == BasicFilmBox
        return Answer(Status=0x0211) if wrong or kept else None

    odd = Odd(change)
    async with odd.client() as client:
        await client.print_images([gray(1)] * 3)
    assert odd.printed == 3


async def test_a_printer_that_refuses_both_n_actions_is_reported_with_the_first_answer() -> None:
    def change(message: Request) -> Answer | None:
        if not isinstance(message, NActionRQ):
            return None
        return Answer(Status=0x0123 if message.RequestedSOPClassUID == BasicFilmBox else 0x0110)

    odd = Odd(change)
    async with odd.client() as client:
        with pytest.raises(PrintFailed, match="0123H"):
            await client.print_images([gray(1)])


@pytest.mark.parametrize("action", ["film", "session"])
async def test_the_n_action_that_was_chosen_is_the_only_one_tried(action: str) -> None:
    def change(message: Request) -> Answer | None:
        if not isinstance(message, NActionRQ):
            return None
        expected = BasicFilmBox if action == "film" else BasicFilmSession
        assert message.RequestedSOPClassUID == expected
        return Answer(Status=0x0123)

    odd = Odd(change)
    async with odd.client(action=action) as client:
        with pytest.raises(PrintFailed):
            await client.print_images([gray(1)])
    assert odd.asked.count("NActionRQ") == 1


async def test_a_queue_that_is_full_is_not_asked_a_second_time() -> None:
    """Trying the session after C602 could print twice."""
    odd = Odd(lambda message: Answer(Status=0xC602) if isinstance(message, NActionRQ) else None)
    async with odd.client() as client:
        with pytest.raises(PrintFailed, match="C602H"):
            await client.print_images([gray(1)])
    assert odd.asked.count("NActionRQ") == 1


async def test_a_printer_that_makes_no_image_boxes() -> None:
    def change(message: Request) -> Answer | None:
        film = isinstance(message, NCreateRQ) and message.AffectedSOPClassUID == BasicFilmBox
        return Answer() if film else None

    odd = Odd(change)
    async with odd.client() as client:
        with pytest.raises(RemoteProtocolError, match="film 1: the printer returned no image boxes"):
            await client.print_images([gray(1)])


async def test_a_printer_that_never_answers_n_delete() -> None:
    """Kodak: a short wait, then on; the film is printed."""
    from print_mgmt import operations

    odd = Odd(lambda message: None)  # noqa: ARG005
    original = odd.open

    @asynccontextmanager
    async def never(association: Association) -> AsyncIterator[Handlers]:
        async with original(association) as handlers:

            async def mute(operation: Operation) -> Response:  # noqa: ARG001
                await asyncio.Event().wait()
                raise AssertionError

            key: tuple[str, type[Request]] = (BasicGrayscalePrintManagementMeta, NDeleteRQ)
            yield {**handlers, key: mute}

    odd.open = never  # type: ignore[method-assign]  # on purpose
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "_PATIENCE", 0.05)
        async with odd.client(timeouts=Timeouts(release=0.05)) as client:
            report = await client.print_images([gray(1)])
    assert (report.films, odd.printed) == (1, 1)


async def test_an_event_in_the_middle_of_a_print_is_acknowledged() -> None:
    """PS3.4 H.4.6.2: also before the response."""
    statuses = []
    odd = Odd(lambda message: None)  # noqa: ARG005
    original = odd.open

    @asynccontextmanager
    async def with_events(association: Association) -> AsyncIterator[Handlers]:
        async with original(association) as handlers:
            perform = handlers[BasicGrayscalePrintManagementMeta, NSetRQ]

            async def event_first(operation: Operation) -> Response:
                event = await n_event_report(
                    association, operation.context, PrinterClass, "1.2.840.10008.5.1.1.17", 2, Dataset()
                )
                statuses.append((event.Status, event.MessageIDBeingRespondedTo))
                made = perform(operation)
                assert isinstance(made, Awaitable)
                return await made

            key: tuple[str, type[Request]] = (BasicGrayscalePrintManagementMeta, NSetRQ)
            yield {**handlers, key: event_first}

    odd.open = with_events  # type: ignore[method-assign]  # on purpose
    async with odd.client() as client:
        await client.print_images([gray(1)] * 2)
    assert statuses == [(0, 1), (0, 2)]


async def test_a_printer_without_the_context_is_told_by_name() -> None:
    odd = Odd(lambda message: None)  # noqa: ARG005
    with pytest.raises(ContextNotAccepted, match="Basic Color Print Management Meta"):
        async with odd.client(color=True):
            pass
