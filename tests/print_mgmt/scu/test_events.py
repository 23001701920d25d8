"""Print jobs for their SCU, PS3.4 H.4.5: by events, or by N-GET without events."""

import asyncio
import logging
from dataclasses import replace

import pytest
from printers import Odd, gray, printer

from dimse.data import Dataset, Element, tag_of
from dimse.errors import ContextNotAccepted
from dimse.message import NActionRQ, NEventReportRQ, NGetRQ, NSetRQ, Request
from dimse.net import Association, Operation
from dimse.net.scu import n_event_report
from dimse.uids import BasicGrayscalePrintManagementMeta, PrinterInstance, PrintJob
from dimse.uids import Printer as PrinterClass
from print_mgmt import Film, JobFailed, PrintClient, PrintFailed, PrintServer
from print_mgmt.model import reference
from print_mgmt.scu import events
from print_mgmt.service import Answer

JOB = "1.2.3.4"


def with_job(message: Request) -> Answer | None:
    """Answer N-ACTION with a job, PS3.4 H.4.2.2.4."""
    if not isinstance(message, NActionRQ):
        return None
    dataset = Dataset()
    dataset.ReferencedPrintJobSequencePullStoredPrint = [reference(PrintJob, JOB)]
    return Answer(dataset=dataset)


def odd_jobs(*statuses: str) -> Odd:
    """A printer without events, whose job takes these statuses in turn."""
    left = list(statuses)

    def change(message: Request) -> Answer | None:
        if isinstance(message, NGetRQ):
            dataset = Dataset(ExecutionStatusInfo="NORMAL")
            dataset.add(Element(tag_of("ExecutionStatus"), "CS", left.pop(0).encode()))
            return Answer(dataset=dataset)
        return with_job(message)

    return Odd(change, contexts=(BasicGrayscalePrintManagementMeta, PrintJob))


async def test_job_follows_its_events() -> None:
    async with printer() as (server, _):
        async with PrintClient(server.host, server.port) as client:
            (job,) = (await client.print_images([gray(1)])).jobs
            told = [event.name async for event in job.events()]
    assert told[-2:] == ["Printing", "Done"]
    assert (job.ExecutionStatus, job.has_ended) == ("DONE", True)


async def test_failed_job_has_a_reason() -> None:
    async def jams(_: Film) -> None:
        raise JobFailed("FILM JAM")

    async with PrintServer(jams, port=0) as server:
        async with PrintClient(server.host, server.port) as client:
            (job,) = (await client.print_images([gray(1)])).jobs
            assert await job.wait() == "FAILURE"
    assert job.ExecutionStatusInfo == "FILM JAM"


async def test_silent_printer_is_polled() -> None:
    odd = odd_jobs("PENDING", "PRINTING", "PRINTING", "DONE")
    async with odd.client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        told = [(event.EventTypeID, str(event)) async for event in job.events(poll=0.001)]
    assert told == [(1, "Pending, NORMAL"), (2, "Printing, NORMAL"), (3, "Done, NORMAL")]
    assert odd.asked.count("NGetRQ") == 4


async def test_status_in_small_letters_ends_the_wait() -> None:
    async with odd_jobs("printing", "done").client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        assert await job.wait(poll=0.001) == "DONE"


async def test_unknown_status_is_shown_as_the_printer_wrote_it() -> None:
    async with odd_jobs("SPOOLING", "DONE").client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        told = [str(event) async for event in job.events(poll=0.001)]
    assert told == ["SPOOLING, NORMAL", "Done, NORMAL"]


async def test_response_without_a_job_uid_ends_the_wait() -> None:
    async with Odd().client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        assert (job.SOPInstanceUID, await job.wait()) == ("", "")


async def test_missing_context_for_print_job_ends_the_wait() -> None:
    async with Odd().client() as client:
        with pytest.raises(ContextNotAccepted):
            await client.job(JOB).refresh()
        assert await client.job(JOB).wait(poll=0.001) == ""


async def test_unknown_job_ends_the_wait() -> None:
    async with printer() as (server, _), PrintClient(server.host, server.port) as client:
        with pytest.raises(PrintFailed, match="0112H"):
            await client.job(JOB).refresh()
        assert await client.job(JOB).wait(poll=0.001) == ""


async def test_job_without_a_status_ends_the_wait() -> None:
    async with odd_jobs("PENDING", "").client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        assert [str(event) async for event in job.events(poll=0.001)] == ["Pending, NORMAL"]


async def test_event_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with printer() as (server, _), PrintClient(server.host, server.port) as client:
            (job,) = (await client.print_images([gray(1)])).jobs
            await job.wait()
    assert f"event of {job.SOPInstanceUID}: Done, NORMAL" in caplog.messages


async def test_ended_association_ends_the_wait() -> None:
    odd = odd_jobs("PENDING")
    async with odd.client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        client.association.abort()
        assert await job.wait(poll=0.001) == ""


async def test_job_ignores_events_of_others() -> None:
    async def others(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NSetRQ):
            for uid, number in (("1.9", 4), (JOB, 3)):
                await n_event_report(association, operation.context, PrintJob, uid, number, Dataset())

    async with Odd(with_job, before=others).client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        assert await job.wait() == "DONE"  # it came before the response to N-ACTION


async def test_unknown_event_leaves_the_status_of_a_job() -> None:
    async def report(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NSetRQ):
            for number in (99, 3):
                await n_event_report(association, operation.context, PrintJob, JOB, number, Dataset())

    async with Odd(with_job, before=report).client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        told = [(event.name, job.ExecutionStatus) async for event in job.events()]
    assert told == [("99", ""), ("Done", "DONE")]


async def test_long_data_of_an_event_is_not_kept() -> None:
    """A printer may send a Data Set of 16 MiB with each of the 1000 events that are kept."""
    told = [Dataset(ExecutionStatusInfo="NORMAL", PixelData=bytes(length)) for length in (100, 1 << 20)]

    async def report(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NSetRQ):
            for number, information in enumerate(told, 1):
                await n_event_report(association, operation.context, PrintJob, JOB, number, information)

    async with Odd(with_job, before=report).client() as client:
        await client.print_images([gray(1)])
        kept = [(event.EventTypeID, len(event.information)) for event in client.events.of(JOB)]
    assert kept == [(1, 2), (2, 0)]


async def test_many_elements_of_an_event_are_not_kept() -> None:
    """A flood of events of 1500 elements took 350 MB, and the event loop for more than a second at a time."""
    many = Dataset(ExecutionStatusInfo="NORMAL")
    for number in range(100):
        many.add(Element(0x2201_1000 + number, "LO", "x"))

    async def report(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NSetRQ):
            await n_event_report(association, operation.context, PrintJob, JOB, 2, many)

    async with Odd(with_job, before=report).client() as client:
        await client.print_images([gray(1)])
        (event,) = client.events.of(JOB)
    assert (event.name, len(event.information)) == ("Printing", 0)


class Busy(events.Events):
    """Events of a printer that reports a warning again and again, but never its job."""

    async def wait(self, number: int, seconds: float) -> None:  # noqa: ARG002
        assert self.count < 1000
        self.count += 1
        await asyncio.sleep(0)


async def test_job_of_a_busy_printer_is_polled() -> None:
    async with odd_jobs("DONE").client() as client:
        (job,) = (await client.print_images([gray(1)])).jobs
        assert await replace(job, _events=Busy()).wait(poll=0) == "DONE"


async def test_event_flood_is_acknowledged_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_MAX_EVENTS", 10)
    statuses: list[int] = []

    async def flood(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NSetRQ):
            for number in range(300):
                information = Dataset(PrinterStatusInfo=f"SUPPLY LOW {number}")
                event = await n_event_report(
                    association, operation.context, PrinterClass, PrinterInstance, 2, information
                )
                statuses.append(event.Status)

    odd = Odd(before=flood)
    async with odd.client() as client:
        assert (await client.print_images([gray(1)])).films == 1
        assert client.events.count == 300
        kept = [str(event) for event in client.events.of(PrinterInstance)]
    assert kept == [f"Warning, SUPPLY LOW {number}" for number in range(290, 300)]
    assert statuses == [0] * 300


async def test_unknown_event_is_kept_by_its_number() -> None:
    """An event of unknown type, with an unreadable Data Set, is answered."""
    statuses: list[int] = []

    async def odd_event(association: Association, operation: Operation) -> None:
        if isinstance(operation.message, NSetRQ):
            event = NEventReportRQ(
                MessageID=association.next_message_id(),
                AffectedSOPClassUID=PrinterClass,
                AffectedSOPInstanceUID=PrinterInstance,
                EventTypeID=99,
                Data=b"garbage",
            )
            statuses.append((await association.request(operation.context, event)).Status)

    async with Odd(before=odd_event).client() as client:
        await client.print_images([gray(1)])
        assert [str(event) for event in client.events.of(PrinterInstance)] == ["99"]
    assert statuses == [0]


async def test_wait_ends_with_the_next_event() -> None:
    odd = Odd()
    async with odd.client() as client:
        waiting = asyncio.create_task(client.events.wait(0, 30))
        await asyncio.sleep(0)

        async def event(association: Association, operation: Operation) -> None:
            await n_event_report(association, operation.context, PrinterClass, PrinterInstance, 1, Dataset())

        odd.before = event
        await client.printer()
        await waiting
        assert client.events.count == 1
