"""The printer as a server: many clients, full queues, and shutdown."""

import asyncio
import sys

import numpy as np
import pytest
from listening import META, Gate, client, printer
from raw import Raw

from dimse.errors import EncodeError, LocalProtocolError
from dimse.message import NCreateRQ
from dimse.net import Policy, all_of, calling_titles, scu
from dimse.uids import (
    BasicAnnotationBox,
    BasicFilmBox,
    ImplicitVRLittleEndian,
    Printer,
    PrinterInstance,
    PrintJob,
)
from dimse.ul import AssociateAC, AssociateRQ, PresentationContextRQ
from print_mgmt import Film, PrintClient, PrintServer, preset
from print_mgmt.jobs import PrintJob as PrintJobOfOurs
from print_mgmt.jobs import PrintQueue
from print_mgmt.scp import Fault, Misbehavior


async def test_clients_get_events_of_their_own_jobs() -> None:
    gate = Gate()
    gate.go_on.set()

    async def prints(server: PrintServer, number: int) -> None:
        async with client(server, META, PrintJob) as one:
            uids = []
            for film in range(3):
                await one.fill_film(FilmSessionLabel=f"{number}.{film}")
                uids.append(await one.print_film())
                await one.delete()
            reported = await one.next_events(9)
        labels = {(uid, information.FilmSessionLabel) for _, uid, _, information in reported}
        assert labels == {(uid, f"{number}.{film}") for film, uid in enumerate(uids)}
        for uid in uids:
            assert [event for _, instance, event, _ in reported if instance == uid] == [1, 2, 3]

    async with printer(gate) as server, asyncio.TaskGroup() as group:
        for number in range(16):
            group.create_task(prints(server, number))
    assert server.printed == 48


async def test_job_end_is_reported_while_closing() -> None:
    gate = Gate()
    async with printer(gate) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        await one.next_events(2)
        closing = asyncio.create_task(server.close())
        gate.go_on.set()
        assert [number for _, _, number, _ in await one.next_events(1)] == [3]
        await one.association.release()
        await closing


async def test_accepted_jobs_are_printed_while_closing() -> None:
    gate = Gate()
    films: list[Film] = []

    async def on_film(film: Film) -> None:
        await gate(film)
        films.append(film)

    async with PrintServer(on_film, port=0, drain=0.01) as server:
        async with client(server, META, PrintJob) as one:
            for _ in range(5):
                await one.fill_film()
                await one.print_film()
                await one.delete()
            await server.close()
            assert films == []
        gate.go_on.set()
    assert [film.number for film in films] == [1, 2, 3, 4, 5]


async def test_full_queue_forgets_no_job() -> None:
    gate = Gate()
    queue = PrintQueue(2)
    async with printer(gate, queue) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        await one.next_events(2)  # it is being printed
        await one.print_film()
        await one.print_film()
        refused = await one.action()
        assert (refused.Status, refused.ErrorComment) == (0xC602, "the print queue is full")
        gate.go_on.set()
        await one.next_events(7)
        assert (await one.action()).Status == 0x0000
    assert server.printed == 4


async def test_each_copy_calls_on_film_for_each_copy() -> None:
    copies: list[int] = []

    async def on_film(film: Film) -> None:
        copies.append(film.copy)
        assert film.copies == 3
        image = film.sheet.cells[0].image
        assert image is not None
        assert np.array_equal(image.pixels, np.zeros((2, 2), np.uint8))

    async with PrintServer(on_film, port=0, each_copy=True) as server, client(server, META) as one:
        await one.fill_film(NumberOfCopies=3)
        await one.print_film()
    assert copies == [1, 2, 3]


async def test_deleted_film_is_printed() -> None:
    """PS3.4 H.4.2.2.4: N-ACTION copies the film, so N-DELETE does not affect it."""
    gate = Gate()
    seen: list[bool] = []

    async def on_film(film: Film) -> None:
        await gate(film)
        seen.append(film.sheet.cells[0].image is not None)

    async with PrintServer(on_film, port=0) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        await one.next_events(2)
        await one.delete()
        gate.go_on.set()
        assert [number for _, _, number, _ in await one.next_events(1)] == [3]
    assert seen == [True]


async def test_hanging_on_film_refuses_films_only() -> None:
    gate = Gate()
    async with printer(gate, PrintQueue(1)) as server:
        for wanted in (0x0000, 0x0000, 0xC602, 0xC602):
            async with client(server, META, PrintJob) as one:
                await one.fill_film()
                assert (await one.action()).Status == wanted
        async with client(server, META, Printer) as one:
            context = one.association.context_for(Printer)
            reported = await scu.n_get(one.association, context, Printer, PrinterInstance)
            assert reported.Status == 0x0000
    assert server.printed == 2


class Broken(PrintQueue):
    """A queue whose `take` raises."""

    def take(self) -> PrintJobOfOurs | None:
        if len(self):
            raise OSError(5, "Input/output error")
        return None


async def test_failing_queue_ends_the_printer() -> None:
    with pytest.raises(OSError, match="Input/output error"):
        async with printer(Gate(), Broken()) as server, client(server, META) as one:
            await one.fill_film()
            assert (await one.action()).Status == 0x0000


# --- the block of a server, and its arguments ---


async def prints_one(server: PrintServer) -> None:
    async with PrintClient(server.host, server.port) as client:
        await client.print_images([np.zeros((2, 2), np.uint8)])


async def test_plain_function_gets_films() -> None:
    films: list[Film] = []
    async with PrintServer(films.append, port=0) as server:
        await prints_one(server)
    assert ([film.number for film in films], server.printed, server.failed) == ([1], 1, 0)


async def test_raising_plain_function_fails_its_film() -> None:
    def on_film(film: Film) -> None:
        raise OSError(28, "No space left on device", str(film))

    async with PrintServer(on_film, port=0) as server:
        await prints_one(server)
    assert (server.printed, server.failed) == (0, 1)


async def test_misbehavior_spoils_a_plain_function() -> None:
    films: list[Film] = []
    bad = Misbehavior([Fault.parse("FILM JAM@FILM#1")])
    async with PrintServer(bad.wrap(films.append), port=0, intercept=bad) as server:
        await prints_one(server)
        await prints_one(server)
    assert ([film.number for film in films], server.failed) == ([2], 1)


async def test_serve_forever_needs_an_open_server() -> None:
    server = PrintServer(print, port=0)
    with pytest.raises(LocalProtocolError, match="the server is not open: use it in `async with`"):
        await server.serve_forever()
    async with server:
        await server.close()
        await server.serve_forever()
    with pytest.raises(LocalProtocolError, match="not open"):
        await server.serve_forever()


async def test_server_that_is_not_open_can_be_closed() -> None:
    server = PrintServer(print, port=0, config=preset("dcmprscp"))
    await server.close()
    assert server.config == preset("dcmprscp")


async def test_open_server_cannot_be_entered() -> None:
    async with PrintServer(print, port=0) as server:
        with pytest.raises(LocalProtocolError, match="the server is already open"):
            await server.__aenter__()
        await prints_one(server)
    assert server.printed == 1


async def test_disconnected_client_does_not_block_flush_events() -> None:
    async with PrintServer(print, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            association = client.association
        await asyncio.wait_for(server.flush_events(association), 10)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("on_film", None, "None is not callable"),
        ("host", 127, "127 is not the name or the address of a host"),
        ("port", 70000, "70000 is not a port, 0 to 65535"),
        ("ae_title", "A" * 17, "an AE title has 1 to 16 characters"),
        ("config", "kodak-8700", "'kodak-8700' is not a PrinterConfig, which load_config and preset make"),
        ("printer", "Printer 1", "'Printer 1' is not a print_mgmt.Printer"),
        ("policy", ["CT01"], "['CT01'] is not callable"),
        ("tls", "printer.pem", "'printer.pem' is not a context from client_context or server_context"),
        ("limits", 5, "5 is not dimse.Limits"),
        ("timeouts", 5, "5 is not dimse.Timeouts"),
    ],
)
def test_error_names_the_wrong_argument(name: str, value: object, words: str) -> None:
    arguments: dict[str, object] = {"on_film": print, name: value}
    with pytest.raises(EncodeError) as caught:
        PrintServer(**arguments)  # type: ignore[arg-type]  # on purpose
    assert (caught.value.path, words in caught.value.what) == (name, True)


async def test_printer_without_pillow_offers_no_annotations(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The film is printed; the context is refused, and the format answered with 0107."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    pages: list[tuple[int, ...]] = []

    async def on_film(film: Film) -> None:
        pages.append((await film.render(20)).pixels.shape)

    async with PrintServer(on_film, port=0) as server:
        async with PrintClient(server.host, server.port) as one:
            accepted = {context.abstract_syntax for context in one.association.contexts.values()}
            assert BasicAnnotationBox not in accepted
            report = await one.print_images(
                [np.zeros((4, 4), np.uint8)], AnnotationDisplayFormatID="LABEL", annotations=["left"]
            )
    assert len(pages) == 1
    assert "0107H" in report.warnings[0]
    assert "needs Pillow" in caplog.text


async def test_undrawable_text_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with PrintServer(ignore, port=0) as server:
        async with PrintClient(server.host, server.port) as one:
            report = await one.print_images(
                [np.zeros((4, 4), np.uint8)], AnnotationDisplayFormatID="LABEL", annotations=["A\U0010fffeB"]
            )
    assert "no font has U+10FFFE: replaced" in report.warnings[0]
    assert "PRINTSCU: N-SET of Basic Annotation Box: status 0116H" in caplog.text
    assert ": TextString no font has U+10FFFE: replaced" in caplog.text


async def raw_n_create(server: PrintServer, title: str) -> None:
    """Create a film box without a session, which is refused, as a client of this calling AE title."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    raw = Raw(reader, writer)
    context = PresentationContextRQ(1, META, (ImplicitVRLittleEndian,))
    raw.send(AssociateRQ(called_ae_title="PRINTSCP", calling_ae_title=title, presentation_contexts=(context,)))
    if isinstance(await raw.receive(), AssociateAC):
        raw.say(NCreateRQ(MessageID=1, AffectedSOPClassUID=BasicFilmBox, AffectedSOPInstanceUID="1.2.3"))
        await raw.hear()
    writer.close()


@pytest.mark.parametrize("policy", [all_of(), calling_titles(["CT01"])], ids=["accepted", "rejected"])
async def test_log_escapes_the_calling_title(policy: Policy, caplog: pytest.LogCaptureFixture) -> None:
    """In the line about a refused request, and about a rejected association."""
    async with PrintServer(ignore, port=0, policy=policy) as server:
        await raw_n_create(server, b"R\xd6NTGEN".decode("ascii", "surrogateescape"))
    lines = [record.getMessage() for record in caplog.records if "NTGEN" in record.getMessage()]
    assert len(lines) == 1
    assert r"R\xd6NTGEN" in lines[0]


async def ignore(film: Film) -> None:
    """Ignore a film."""
