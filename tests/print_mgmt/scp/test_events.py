"""N-EVENT-REPORT from the printer, PS3.4 H.4.5 and H.4.6: whom it tells what, and when no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from dimse.data import Dataset
from dimse.errors import EncodeError
from dimse.message import Message, NActionRSP, NCreateRSP, NEventReportRQ, Response
from dimse.net import Association, Handlers, Operation, Record, connect, scu
from dimse.uids import (
    BasicColorPrintManagementMeta,
    BasicFilmBox,
    BasicFilmSession,
    BasicGrayscaleImageBox,
    BasicGrayscalePrintManagementMeta,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Printer,
    PrinterInstance,
    PrintJob,
)
from print_mgmt import Film, PrintServer
from print_mgmt.film import PrintImage
from print_mgmt.images.item import to_item
from print_mgmt.jobs import JobFailed, PrintQueue
from print_mgmt.model import reference
from print_mgmt.scp import events
from print_mgmt.typed import items, text

META = BasicGrayscalePrintManagementMeta
SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
IMAGE = to_item(PrintImage(pixels=np.zeros((2, 2), np.uint8), PhotometricInterpretation="MONOCHROME2"))

Told = tuple[str, str, int, Dataset]  # context, SOP Instance, Event Type ID, Event Information


class Client:
    """An SCU that notes what it is told, in `heard`, and answers."""

    def __init__(self, association: Association, heard: "asyncio.Queue[Told]", received: list[type[Message]]) -> None:
        self.association = association
        self.heard = heard
        self.received = received
        self.session = self.film_box = ""

    async def fill_film(self, **session: str) -> None:
        """A film box with an image in it."""
        context, association = self.association.context_for(META), self.association
        made = await scu.n_create(association, context, BasicFilmSession, dataset=Dataset(**session))
        assert isinstance(made, NCreateRSP)
        self.session = made.AffectedSOPInstanceUID or ""
        film_box = Dataset(ImageDisplayFormat=r"STANDARD\1,1")
        film_box.ReferencedFilmSessionSequence = [reference(BasicFilmSession, self.session)]
        made = await scu.n_create(association, context, BasicFilmBox, dataset=film_box)
        assert isinstance(made, NCreateRSP)
        self.film_box = made.AffectedSOPInstanceUID or ""
        (box,) = items(scu.dataset_of(association, context, made), "ReferencedImageBoxSequence")
        uid = text(box, "ReferencedSOPInstanceUID")
        image_box = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[IMAGE])
        assert (await scu.n_set(association, context, BasicGrayscaleImageBox, uid, image_box)).Status == 0

    async def print_film(self) -> str:
        """Print it; the job's SOP Instance UID, which is empty where there is none."""
        context, association = self.association.context_for(META), self.association
        printed = await scu.n_action(association, context, BasicFilmBox, self.film_box, 1)
        assert printed.Status == 0
        jobs = items(scu.dataset_of(association, context, printed), "ReferencedPrintJobSequencePullStoredPrint")
        return text(jobs[0], "ReferencedSOPInstanceUID") if jobs else ""

    async def delete(self) -> None:
        """N-DELETE of the session and all below it."""
        context = self.association.context_for(META)
        await scu.n_delete(self.association, context, BasicFilmSession, self.session)

    async def job(self, uid: str) -> Response:
        """N-GET of the job."""
        return await scu.n_get(self.association, self.association.context_for(PrintJob), PrintJob, uid)

    async def told(self, count: int) -> list[Told]:
        async with asyncio.timeout(30):
            return [await self.heard.get() for _ in range(count)]


@asynccontextmanager
async def client(server: PrintServer, *abstract_syntaxes: str) -> AsyncIterator[Client]:
    heard: asyncio.Queue[Told] = asyncio.Queue()

    async def hear(operation: Operation) -> Response:
        message = operation.message
        assert isinstance(message, NEventReportRQ)
        heard.put_nowait(
            (
                operation.context.abstract_syntax,
                message.AffectedSOPInstanceUID,
                message.EventTypeID,
                operation.dataset() or Dataset(),
            )
        )
        return operation.reply(EventTypeID=message.EventTypeID)

    handlers: Handlers = {(syntax, NEventReportRQ): hear for syntax in (META, Printer, PrintJob)}
    proposed = dict.fromkeys(abstract_syntaxes, SYNTAXES)
    received: list[type[Message]] = []

    def note(record: Record) -> None:
        if record.direction == "<" and isinstance(record.what, Message):
            received.append(type(record.what))

    async with connect(
        server.host, server.port, proposed, calling_ae_title="CT01", handlers=handlers, trace=note
    ) as association:
        yield Client(association, heard, received)


class Gate:
    """An ``on_film`` that waits until it is told to go on, or to fail."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, film: Film) -> None:  # noqa: ARG002
        await self.go_on.wait()
        if self.failure:
            raise self.failure


@asynccontextmanager
async def printer(gate: Gate, queue: PrintQueue | None = None) -> AsyncIterator[PrintServer]:
    async with PrintServer(gate, port=0, ae_title="FILM1", queue=queue) as server:
        try:
            yield server
        finally:
            gate.go_on.set()


# --- Print Job ---


async def test_the_life_of_a_job_is_told_to_who_made_it_and_to_nobody_else() -> None:
    gate = Gate()
    async with printer(gate) as server, client(server, META, PrintJob) as one, client(server, META, PrintJob) as two:
        await one.fill_film(FilmSessionLabel="Knee")
        uid = await one.print_film()
        told = await one.told(2)
        gate.go_on.set()
        told += await one.told(1)
        assert two.heard.empty()
    assert {(context, instance) for context, instance, _, _ in told} == {(PrintJob, uid)}
    assert [(number, information) for _, _, number, information in told] == [
        (number, Dataset(ExecutionStatusInfo=info, FilmSessionLabel="Knee", PrinterName="FILM1"))
        for number, info in ((1, "QUEUED"), (2, "NORMAL"), (3, "NORMAL"))
    ]


async def test_a_failure_is_told_with_its_reason() -> None:
    gate = Gate()
    gate.failure = JobFailed("FILM JAM")
    gate.go_on.set()
    async with printer(gate) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        *_, (_, _, number, information) = await one.told(3)
    assert (number, information.ExecutionStatusInfo) == (4, "FILM JAM")


async def test_a_client_without_a_context_for_jobs_is_told_nothing() -> None:
    gate = Gate()
    gate.go_on.set()
    async with printer(gate) as server, client(server, META) as one:
        await one.fill_film()
        assert await one.print_film() == ""
    assert one.heard.empty()
    assert server.printed == 1


async def test_a_job_is_there_until_its_end_was_confirmed() -> None:
    gate = Gate()
    async with printer(gate) as server, client(server, META, PrintJob) as one, client(server, META, PrintJob) as two:
        await one.fill_film()
        uid = await one.print_film()
        for asking in (one, two):
            response = await asking.job(uid)
            attributes = scu.dataset_of(asking.association, asking.association.context_for(PrintJob), response)
            assert response.Status == 0
            assert (attributes.ExecutionStatus, attributes.Originator) == ("PRINTING", "CT01")
        gate.go_on.set()
        await one.told(3)
        statuses = [(await asking.job(uid)).Status for asking in (one, two)]
    assert statuses == [0x0112, 0x0112], "no such SOP Instance"


async def test_a_job_that_is_tried_again_is_told_of_again() -> None:
    gate = Gate()
    gate.failure = JobFailed("SUPPLY EMPTY")
    gate.go_on.set()
    queue = PrintQueue()
    async with printer(gate, queue) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        uid = await one.print_film()
        numbers = [number for _, _, number, _ in await one.told(3)]
        gate.failure = None
        (job,) = queue.failed
        assert job.SOPInstanceUID == uid
        assert server.retry(job)
        numbers += [number for _, _, number, _ in await one.told(3)]
    assert numbers == [1, 2, 4, 1, 2, 3]


async def test_the_client_hears_of_its_job_only_after_it_knows_it() -> None:
    """The N-ACTION response, which names the job, goes out before the first event of that job."""
    gate = Gate()
    gate.go_on.set()
    async with printer(gate) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        one.received.clear()
        for _ in range(3):
            await one.print_film()
            await one.told(3)
    assert one.received == [NActionRSP, NEventReportRQ, NEventReportRQ, NEventReportRQ] * 3


# --- Printer ---


async def test_the_state_of_the_printer_is_told_to_all_on_a_context_that_fits() -> None:
    async with printer(Gate()) as server, client(server, META) as one, client(server, Printer) as two:
        async with client(server, META, Printer) as three, client(server, PrintJob) as four:
            server.printer_state.set("WARNING", "SUPPLY LOW")
            server.printer_state.set("FAILURE", "SUPPLY EMPTY")
            server.printer_state.set("NORMAL")
            told = [await listening.told(3) for listening in (one, two, three)]
            assert four.heard.empty()
    assert [{context for context, *_ in heard} for heard in told] == [{META}, {Printer}, {Printer}]
    for heard in told:
        assert [(instance, number, information) for _, instance, number, information in heard] == [
            (PrinterInstance, 2, Dataset(PrinterStatusInfo="SUPPLY LOW", PrinterName="FILM1")),
            (PrinterInstance, 3, Dataset(PrinterStatusInfo="SUPPLY EMPTY", PrinterName="FILM1")),
            (PrinterInstance, 1, Dataset()),
        ]


async def test_an_event_in_the_middle_of_a_print_breaks_nothing() -> None:
    gate = Gate()
    gate.go_on.set()
    async with printer(gate) as server, client(server, META, BasicColorPrintManagementMeta) as one:
        terms = ("SUPPLY LOW", "COVER OPEN") * 10

        async def change() -> None:
            for term in terms:
                server.printer_state.set("WARNING", term)
                await asyncio.sleep(0)

        changing = asyncio.create_task(change())
        for _ in range(3):
            await one.fill_film()
            await one.print_film()
            await one.delete()
        await changing
        told = await one.told(len(terms))
    assert [information.PrinterStatusInfo for _, _, _, information in told] == list(terms)
    assert server.printed == 3


async def test_a_state_that_there_is_not_is_refused_and_nobody_is_told() -> None:
    async with printer(Gate()) as server, client(server, Printer) as one:
        with pytest.raises(EncodeError, match="PrinterStatusInfo"):
            server.printer_state.set("WARNING", "ON FIRE")
        server.printer_state.set("WARNING", "COVER OPEN")
        ((_, _, _, information),) = await one.told(1)
    assert information.PrinterStatusInfo == "COVER OPEN"


# --- clients that do not play along ---


async def test_a_client_that_never_answers_events_is_served_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "PATIENCE", 0.01)
    gate = Gate()
    gate.go_on.set()
    asked: list[NEventReportRQ] = []

    async def never(operation: Operation) -> Response:
        assert isinstance(operation.message, NEventReportRQ)
        asked.append(operation.message)
        await asyncio.Event().wait()
        raise AssertionError

    async with printer(gate) as server, client(server, META) as other:
        proposed = dict.fromkeys((META, PrintJob), SYNTAXES)
        handlers: Handlers = {(PrintJob, NEventReportRQ): never}
        async with connect(server.host, server.port, proposed, handlers=handlers) as association:
            deaf = Client(association, asyncio.Queue(), [])
            await deaf.fill_film()
            for _ in range(5):
                uid = await deaf.print_film()
                await other.fill_film()
                await other.print_film()
                await other.delete()
            assert (await deaf.job(uid)).Status == 0, "its end was not confirmed"
    assert server.printed == 10
    assert len(asked) == 1, "who does not answer is told no more"


async def test_events_of_a_client_that_has_gone_are_nobodys(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    async with printer(gate) as server:
        for leaves in ("release", "abort"):
            async with client(server, META, PrintJob) as one:
                await one.fill_film()
                await one.print_film()
                if leaves == "abort":
                    one.association.abort()
        server.printer_state.set("WARNING", "SUPPLY LOW")
        gate.go_on.set()
    assert server.printed == 2
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []
