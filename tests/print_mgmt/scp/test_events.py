"""N-EVENT-REPORT from the printer, PS3.4 H.4.5 and H.4.6."""

import asyncio

import pytest
from listening import META, SYNTAXES, Client, Gate, client, printer

from dimse.data import Dataset
from dimse.errors import AssociationAborted, EncodeError
from dimse.message import NActionRSP, NEventReportRQ, Response
from dimse.net import Handlers, Operation, Timeouts, connect, scu
from dimse.uids import (
    BasicColorPrintManagementMeta,
    Printer,
    PrinterInstance,
    PrintJob,
)
from print_mgmt.jobs import JobFailed, PrintQueue
from print_mgmt.scp import events

pytestmark = pytest.mark.skips_waits

# --- Print Job ---


async def test_job_is_reported_to_its_client_only() -> None:
    gate = Gate()
    async with printer(gate) as server, client(server, META, PrintJob) as one, client(server, META, PrintJob) as two:
        await one.fill_film(FilmSessionLabel="Knee")
        uid = await one.print_film()
        reported = await one.next_events(2)
        gate.go_on.set()
        reported += await one.next_events(1)
        assert two.heard.empty()
    assert {(context, instance) for context, instance, _, _ in reported} == {(PrintJob, uid)}
    assert [(number, information) for _, _, number, information in reported] == [
        (number, Dataset(ExecutionStatusInfo=info, FilmSessionLabel="Knee", PrinterName="FILM1"))
        for number, info in ((1, "QUEUED"), (2, "NORMAL"), (3, "NORMAL"))
    ]


async def test_failure_is_reported_with_its_reason() -> None:
    gate = Gate()
    gate.failure = JobFailed("FILM JAM")
    gate.go_on.set()
    async with printer(gate) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        *_, (_, _, number, information) = await one.next_events(3)
    assert (number, information.ExecutionStatusInfo) == (4, "FILM JAM")


async def test_client_without_print_job_gets_no_job_events() -> None:
    gate = Gate()
    gate.go_on.set()
    async with printer(gate) as server, client(server, META) as one:
        await one.fill_film()
        assert await one.print_film() == ""
    assert one.heard.empty()
    assert server.printed == 1


async def test_job_exists_until_its_end_is_confirmed() -> None:
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
        await one.next_events(3)
        statuses = [(await asking.job(uid)).Status for asking in (one, two)]
    assert statuses == [0x0112, 0x0112], "no such SOP Instance"


async def test_retried_job_is_reported_again() -> None:
    gate = Gate()
    gate.failure = JobFailed("SUPPLY EMPTY")
    gate.go_on.set()
    queue = PrintQueue()
    async with printer(gate, queue) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        uid = await one.print_film()
        numbers = [number for _, _, number, _ in await one.next_events(3)]
        gate.failure = None
        (job,) = queue.failed
        assert job.SOPInstanceUID == uid
        assert server.retry(job)
        numbers += [number for _, _, number, _ in await one.next_events(3)]
    assert numbers == [1, 2, 4, 1, 2, 3]


async def test_job_events_follow_the_response() -> None:
    """The response to N-ACTION names the job, so it is sent before the first event of the job."""
    gate = Gate()
    gate.go_on.set()
    async with printer(gate) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        one.received.clear()
        for _ in range(3):
            await one.print_film()
            await one.next_events(3)
    assert one.received == [NActionRSP, NEventReportRQ, NEventReportRQ, NEventReportRQ] * 3


async def test_client_may_be_idle_until_its_job_ends() -> None:
    """PS3.4 H.4.5: an SCU keeps the association open to receive the end of a job."""
    gate = Gate()
    async with printer(gate, timeouts=Timeouts(idle=0.3)) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        async with client(server, META) as other:
            await other.association.closed()  # for longer than the idle timeout
        assert one.association.is_open
        gate.go_on.set()
        assert [number for _, _, number, _ in await one.next_events(3)] == [1, 2, 3]
        await one.association.closed()
        with pytest.raises(AssociationAborted, match="source 0"):  # but not after the end of the job
            await one.delete()


async def test_client_may_be_idle_while_its_job_is_retried() -> None:
    gate, queue = Gate(), PrintQueue()
    gate.failure = JobFailed("SUPPLY EMPTY")
    gate.go_on.set()
    async with printer(gate, queue) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        await one.next_events(3)
        (association,) = server.associations
        await server.flush_events(association)
        waits = [association.awaits_events]
        gate.failure = None
        gate.go_on.clear()
        assert server.retry(queue.failed[0])
        await one.next_events(2)
        waits.append(association.awaits_events)
        gate.go_on.set()
        await one.next_events(1)
        await server.flush_events(association)
        waits.append(association.awaits_events)
    assert waits == [False, True, False]


async def test_refused_job_does_not_end_the_idle_timeout() -> None:
    gate = Gate()
    async with printer(gate, PrintQueue(1)) as server, client(server, META) as other:
        await other.fill_film()
        await other.print_film()  # is printed at once
        await other.print_film()  # waits in the queue
        async with client(server, META, PrintJob) as one:
            await one.fill_film()
            assert (await one.action()).Status == 0xC602
            assert [association.awaits_events for association in server.associations] == [False, False]


async def test_label_is_sent_in_a_fitting_character_set() -> None:
    gate = Gate()
    gate.go_on.set()
    async with printer(gate) as server, client(server, META, PrintJob) as one:
        await one.fill_film(FilmSessionLabel="Kn\u00fc", SpecificCharacterSet="ISO_IR 100")
        await one.print_film()
        *_, (_, _, number, information) = await one.next_events(3)
    assert (number, information.FilmSessionLabel) == (3, "Kn\u00fc")


# --- Printer ---


async def test_printer_state_is_reported_to_all() -> None:
    async with printer(Gate()) as server, client(server, META) as one, client(server, Printer) as two:
        async with client(server, META, Printer) as three, client(server, PrintJob) as four:
            server.printer_state.set("WARNING", "SUPPLY LOW")
            server.printer_state.set("FAILURE", "SUPPLY EMPTY")
            server.printer_state.set("NORMAL")
            reported = [await listening.next_events(3) for listening in (one, two, three)]
            assert four.heard.empty()
    assert [{context for context, *_ in heard} for heard in reported] == [{META}, {Printer}, {Printer}]
    for heard in reported:
        assert [(instance, number, information) for _, instance, number, information in heard] == [
            (PrinterInstance, 2, Dataset(PrinterStatusInfo="SUPPLY LOW", PrinterName="FILM1")),
            (PrinterInstance, 3, Dataset(PrinterStatusInfo="SUPPLY EMPTY", PrinterName="FILM1")),
            (PrinterInstance, 1, Dataset()),
        ]


async def test_event_during_a_print_does_no_harm() -> None:
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
        reported = await one.next_events(len(terms))
    assert [information.PrinterStatusInfo for _, _, _, information in reported] == list(terms)
    assert server.printed == 3


async def test_unknown_state_is_not_reported() -> None:
    async with printer(Gate()) as server, client(server, Printer) as one:
        with pytest.raises(EncodeError, match="PrinterStatusInfo"):
            server.printer_state.set("WARNING", "ON FIRE")
        server.printer_state.set("WARNING", "COVER OPEN")
        ((_, _, _, information),) = await one.next_events(1)
    assert information.PrinterStatusInfo == "COVER OPEN"


# --- clients that do not answer ---


async def test_client_that_ignores_events_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
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
            for each in server.associations:
                await server.flush_events(each)
            await deaf.print_film()
            assert not any(each.awaits_events for each in server.associations), "it may not be idle forever"
    assert server.printed == 11
    assert len(asked) == 1, "a client that leaves an event unanswered gets no more"


async def test_client_that_answers_too_slowly_gets_no_more_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the events of all its films would wait, as long as it answers one now and then."""
    monkeypatch.setattr(events, "MAX_WAITING", 4)
    gate, answering, asked = Gate(), asyncio.Event(), list[int]()
    gate.go_on.set()

    async def late(operation: Operation[NEventReportRQ]) -> Response:
        asked.append(operation.message.EventTypeID)
        await answering.wait()
        return operation.reply()

    async with printer(gate) as server:
        handlers: Handlers = {(PrintJob, NEventReportRQ): late}
        contexts = dict.fromkeys((META, PrintJob), SYNTAXES)
        async with connect(server.host, server.port, contexts, handlers=handlers) as association:
            slow = Client(association, asyncio.Queue(), [])
            await slow.fill_film()
            for _ in range(4):
                await slow.print_film()
            (each,) = server.associations
            await server.flush_events(each)
            assert not each.awaits_events
            answering.set()
            await slow.print_film()
    assert (server.printed, asked) == (5, [1])


async def test_done_job_has_no_listeners() -> None:
    """An association may print any number of films."""
    gate, queue = Gate(), PrintQueue()
    gate.go_on.set()
    async with printer(gate, queue=queue) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        uid = await one.print_film()
        job = queue.find(uid)
        assert job is not None
        await one.next_events(3)
        assert (job.ExecutionStatus, job.listeners) == ("DONE", set())


async def test_disconnected_client_gets_no_events(caplog: pytest.LogCaptureFixture) -> None:
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
