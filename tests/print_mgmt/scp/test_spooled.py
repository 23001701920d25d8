"""A printer with a spool: accepted films are on stable storage, and all processes with the same spool know the jobs."""

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from listening import META, Client, Gate, client
from print_scu import ramp
from spools import EmbeddedPlace, job

from dimse.errors import LocalProtocolError
from dimse.message import NActionRSP, NEventReportRQ
from dimse.net import Timeouts, scu
from dimse.uids import Printer, PrintJob
from print_mgmt import Film, PrintClient, PrintFailed, PrintServer
from print_mgmt.jobs import JobFailed, PrinterState
from print_mgmt.jobs import PrintJob as Job
from print_mgmt.model import FilmCopy
from print_mgmt.scp import Routing, spooled
from print_mgmt.scp.intake import SpooledIntake
from print_mgmt.spool import EmbeddedSpool, FilmRecord, FilmState, Room, Spool, SpoolError, SpoolLimits, Target

FULL = SpoolLimits(low=1 << 60, least=1 << 60)
LOW = SpoolLimits(low=1 << 60, least=1)
ELSEWHERE = Routing((Target(destination="elsewhere"),))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@asynccontextmanager
async def printer(gate: Gate, spool: Spool) -> AsyncIterator[PrintServer]:
    async with PrintServer(gate, port=0, ae_title="FILM1", spool=spool) as server:
        try:
            yield server
        finally:
            gate.go_on.set()


def open_gate(failure: Exception | None = None) -> Gate:
    gate = Gate()
    gate.failure = failure
    gate.go_on.set()
    return gate


async def execution_status(one: Client, uid: str) -> str:
    response = await one.job(uid)
    attributes = scu.dataset_of(one.association, one.association.context_for(PrintJob), response)
    assert isinstance(attributes.ExecutionStatus, str)
    return attributes.ExecutionStatus


async def test_film_reaches_on_film_as_it_was_sent(folder: Path) -> None:
    films: list[Film] = []
    async with (
        EmbeddedSpool(folder) as spool,
        PrintServer(films.append, port=0, spool=spool) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film(FilmSessionLabel="Knee")
        uid = await one.print_film()
        await one.next_events(3)
    (film,) = films
    assert (film.calling_ae_title, film.job.SOPInstanceUID, film.job.FilmSessionLabel) == ("CT01", uid, "Knee")
    assert film.sheet.cells[0].image is not None
    assert (film.number, film.position, film.copy) == (1, 1, 1)


async def test_success_means_stable_storage(folder: Path) -> None:
    async with EmbeddedSpool(folder) as spool, printer(Gate(), spool) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        uid = await one.print_film()
        async with EmbeddedSpool(folder) as other:
            assert [film.job for film in await other.list()] == [uid]


async def test_job_is_reported_at_each_step(folder: Path) -> None:
    async with (
        EmbeddedSpool(folder) as spool,
        printer(open_gate(), spool) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        one.received.clear()
        uid = await one.print_film()
        reported = await one.next_events(3)
    assert one.received == [NActionRSP, NEventReportRQ, NEventReportRQ, NEventReportRQ]
    assert [(instance, number) for _, instance, number, _ in reported] == [(uid, 1), (uid, 2), (uid, 3)]


async def test_failure_is_reported_with_its_reason(folder: Path) -> None:
    gate = open_gate(JobFailed("FILM JAM"))
    async with EmbeddedSpool(folder) as spool, printer(gate, spool) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        *_, (_, _, number, information) = await one.next_events(3)
        assert (number, information.ExecutionStatusInfo) == (4, "FILM JAM")
        assert server.failed == 1
        assert [film.state for film in await spool.list()] == [FilmState.FAILED]


async def test_done_job_is_forgotten_while_its_client_stays(folder: Path) -> None:
    async def store(_job: Job) -> None:
        """Store nothing."""

    async with EmbeddedSpool(folder) as spool:
        intake, accepted = SpooledIntake(spool, store), Job(films=())
        accepted.listeners.add(lambda _: None)
        assert await intake.accept(accepted) == ""
        done = Job(films=(), SOPInstanceUID=accepted.SOPInstanceUID)
        done.become("PRINTING")
        done.become("DONE")
        intake.report([done])
        assert accepted.ExecutionStatus == "DONE"
        kept = weakref.ref(accepted)
        del accepted
        assert kept() is None


async def test_job_is_found_after_a_restart(folder: Path) -> None:
    async with (
        EmbeddedSpool(folder) as spool,
        PrintServer(None, port=0, spool=spool, route=lambda _: ELSEWHERE) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        uid = await one.print_film()
    async with (
        EmbeddedSpool(folder) as spool,
        printer(Gate(), spool) as server,
        client(server, META, PrintJob) as one,
    ):
        assert await execution_status(one, uid) == "PENDING"


async def test_failed_route_does_not_end_the_idle_timeout(folder: Path) -> None:
    def fail(_job: Job) -> Routing:
        raise ValueError

    async with (
        EmbeddedSpool(folder) as spool,
        PrintServer(None, port=0, spool=spool, route=fail) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        assert (await one.action()).Status == 0x0110
        assert [association.awaits_events for association in server.associations] == [False]


async def test_job_of_another_process_is_found(folder: Path) -> None:
    async with (
        EmbeddedSpool(folder) as spool,
        EmbeddedSpool(folder) as other,
        PrintServer(None, port=0, spool=spool, route=lambda _: ELSEWHERE) as server,
        PrintServer(None, port=0, spool=other) as second,
        client(server, META, PrintJob) as one,
        client(second, META, PrintJob) as two,
    ):
        await one.fill_film()
        uid = await one.print_film()
        assert await execution_status(two, uid) == "PENDING"
        assert (await two.job("1.2.3")).Status == 0x0112


async def test_job_that_is_stored_too_late_is_accepted(folder: Path) -> None:
    """N-ACTION is canceled at its time limit while the disk stalls; then the film is stored, and will be printed."""
    loop, stalls, goes_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def stall(step: str) -> None:
        if step == "fsync":
            loop.call_soon_threadsafe(stalls.set)
            goes_on.wait(60)

    async with EmbeddedSpool(folder, step=stall) as spool:
        accepting = asyncio.create_task(SpooledIntake(spool, spool.accept).accept(job()))
        await stalls.wait()
        accepting.cancel()
        await asyncio.sleep(0)
        goes_on.set()
        assert await accepting == ""
        assert len(await spool.list()) == 1


class Hanging(EmbeddedSpool):
    """A spool that never stores a job."""

    async def accept(self, job: Job, targets: Sequence[Target] = (), *, hold: str = "") -> tuple[str, ...]:
        await asyncio.Event().wait()
        return await super().accept(job, targets, hold=hold)


async def test_job_that_is_not_stored_in_time_has_no_events(folder: Path) -> None:
    """Otherwise the idle timeout would never apply to its client, which waits for these events."""
    async with (
        Hanging(folder) as spool,
        PrintServer(None, port=0, spool=spool, timeouts=Timeouts(handler=0.1)) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        assert (await one.action()).Status == 0x0110
        assert [association.awaits_events for association in server.associations] == [False]


async def test_confirmed_job_is_gone(folder: Path) -> None:
    async with (
        EmbeddedSpool(folder) as spool,
        printer(open_gate(), spool) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        uid = await one.print_film()
        await one.next_events(3)
        for association in server.associations:
            await server.flush_events(association)
        assert (await one.job(uid)).Status == 0x0112


async def test_film_that_was_not_printed_stays_in_the_spool(folder: Path) -> None:
    gate = Gate()
    async with EmbeddedSpool(folder) as spool:
        async with printer(gate, spool) as server, client(server, META, PrintJob) as one:
            for _ in range(3):
                await one.fill_film()
                await one.print_film()
                await one.delete()
            await one.next_events(4)
        states = [film.state for film in await spool.list()]
        assert states == [FilmState.DONE, FilmState.QUEUED, FilmState.QUEUED]


async def test_next_printer_prints_the_remaining_films(folder: Path) -> None:
    async with EmbeddedSpool(folder) as spool:
        async with PrintServer(None, port=0, spool=spool) as server, client(server, META) as one:
            await one.fill_film()
            await one.print_film()
        async with printer(open_gate(), spool):
            revision, _ = await spool.news()
            while (await spool.list())[0].state is not FilmState.DONE:
                revision, _ = await spool.news(revision, wait=10)


class Unreadable(EmbeddedSpool):
    """A spool that cannot read a film the first time."""

    times = 1

    async def film(self, film_id: str) -> FilmCopy:
        if self.times:
            self.times -= 1
            raise SpoolError("the disk does not answer")
        return await super().film(film_id)


async def test_film_that_cannot_be_read_now_is_printed_later(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooled, "_PAUSE", 0.05)
    async with (
        Unreadable(folder) as spool,
        printer(open_gate(), spool) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        await one.print_film()
        assert [number for _, _, number, _ in await one.next_events(3)] == [1, 2, 3]


class Flaky(EmbeddedSpool):
    """A spool whose index cannot be used the first time that ``method`` is called; ``calls`` counts its calls."""

    method = ""
    calls = 0

    def _call(self, method: str) -> None:
        if self.method == method:
            self.calls += 1
            if self.calls == 1:
                raise SpoolError("the index is away")

    async def news(self, *arguments: Any, **options: Any) -> Any:
        self._call("news")
        return await super().news(*arguments, **options)

    async def lease(self, *arguments: Any, **options: Any) -> Any:
        self._call("lease")
        return await super().lease(*arguments, **options)

    async def report(self, *arguments: Any, **options: Any) -> Any:
        self._call("report")
        return await super().report(*arguments, **options)


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("news", "the spool cannot be asked for changes of jobs: the index is away"),
        ("lease", "the spool failed: the index is away"),
        ("report", "the spool failed: the index is away"),
    ],
)
async def test_spool_that_fails_is_asked_again(
    method: str, line: str, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spooled, "_PAUSE", 0.1)  # the film is accepted in the meantime
    monkeypatch.setattr(Flaky, "method", method)
    async with (
        Flaky(folder) as spool,
        printer(open_gate(), spool) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        await one.print_film()
        assert [number for _, _, number, _ in await one.next_events(3)] == [1, 2, 3]
    assert caplog.messages.count(line) == 1
    assert spool.calls > 1


@pytest.mark.parametrize("fails", [False, True])
async def test_lease_is_renewed_while_its_film_is_printed(
    fails: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Renewing(EmbeddedSpool):
        async def renew(self, *arguments: Any, **options: Any) -> Any:
            renewed.append(arguments)
            if len(renewed) == 1 and fails:
                raise SpoolError("the index is away")
            if len(renewed) == 2:
                gate.go_on.set()
            return await super().renew(*arguments, **options)

    monkeypatch.setattr(spooled, "_RENEWED", 0.01)
    gate, renewed = Gate(), list[Any]()
    async with Renewing(folder) as spool, printer(gate, spool) as server, client(server, META, PrintJob) as one:
        await one.fill_film()
        await one.print_film()
        assert [number for _, _, number, _ in await one.next_events(3)] == [1, 2, 3]
    assert len(renewed) >= 2


async def test_canceled_printer_leaves_doubt_about_its_film(folder: Path) -> None:
    async def hang(_: Film) -> None:
        begun.set()
        await asyncio.Event().wait()

    async def print_films() -> None:
        async with PrintServer(hang, port=0, spool=spool) as server:
            await server.serve_forever()

    begun = asyncio.Event()
    async with EmbeddedSpool(folder) as spool:
        async with PrintServer(None, port=0, spool=spool) as server, client(server, META) as one:
            await one.fill_film()
            await one.print_film()
        printing = asyncio.create_task(print_films())
        await begun.wait()
        while not printing.done():  # the first cancellation lets the film end, the next ones do not
            printing.cancel()
            await asyncio.wait({printing}, timeout=0.01)
        (film,) = await spool.list()
    assert film.state is FilmState.INDETERMINATE
    assert film.deliveries[0].reason == "the printer was stopped"


async def test_canceled_printer_ends_although_its_spool_fails(folder: Path) -> None:
    class Failing(EmbeddedSpool):
        async def report(self, *_: object) -> FilmRecord:
            raise SpoolError("the index is away")

    async def hang(_: Film) -> None:
        begun.set()
        await asyncio.Event().wait()

    begun = asyncio.Event()
    async with Failing(folder) as spool:
        await spool.accept(job(), [Target(destination=spooled.ON_FILM)])
        running = asyncio.create_task(spooled.SpooledPrinting(spool, hang, PrinterState()).run())
        await begun.wait()
        running.cancel()
        await asyncio.wait({running}, timeout=5)
        assert running.cancelled()


async def stopped_at(spool: EmbeddedSpool, reached: asyncio.Event) -> FilmState:
    """Print the only film in a spool, cancel the printing as soon as it has reached a place, and return the state."""
    await spool.accept(job(), [Target(destination="on_film")])
    printing = asyncio.create_task(spooled.SpooledPrinting(spool, lambda _: None, PrinterState()).run())
    await reached.wait()
    printing.cancel()
    await asyncio.wait({printing}, timeout=60)
    assert printing.cancelled()
    (film,) = await spool.list()
    return film.state


async def test_film_that_was_printed_is_done_though_the_printer_is_canceled(folder: Path) -> None:
    class Slow(EmbeddedSpool):
        async def report(self, *arguments: Any, **options: Any) -> Any:
            film = await super().report(*arguments, **options)
            if not committed.is_set():
                committed.set()
                await asyncio.Event().wait()
            return film

    committed = asyncio.Event()
    async with Slow(folder) as spool:
        assert await stopped_at(spool, committed) is FilmState.DONE


async def test_film_that_was_not_begun_is_queued_if_the_printer_is_canceled(folder: Path) -> None:
    class Slow(EmbeddedSpool):
        async def film(self, film_id: str) -> FilmCopy:
            reading.set()
            await asyncio.Event().wait()
            return await super().film(film_id)

    reading = asyncio.Event()
    async with Slow(folder) as spool:
        assert await stopped_at(spool, reading) is FilmState.QUEUED


async def test_film_of_a_canceled_function_has_failed(folder: Path) -> None:
    async def give_up(_: Film) -> None:
        raise asyncio.CancelledError

    async with (
        EmbeddedSpool(folder) as spool,
        PrintServer(give_up, port=0, spool=spool) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        await one.print_film()
        assert [number for _, _, number, _ in await one.next_events(3)] == [1, 2, 4]
        assert server.failed == 1


async def test_route_may_hold_a_film(folder: Path) -> None:
    async with (
        EmbeddedSpool(folder) as spool,
        PrintServer(None, port=0, spool=spool, route=lambda job: Routing(ELSEWHERE.targets, job.Originator)) as server,
        client(server, META) as one,
    ):
        await one.fill_film()
        await one.print_film()
        (film,) = await spool.list()
    assert (film.state, film.deliveries[0].reason) == (FilmState.HELD, "CT01")


async def test_full_disk_refuses_images(folder: Path) -> None:
    async with (
        EmbeddedSpool(folder, limits=FULL) as spool,
        printer(Gate(), spool) as server,
        PrintClient(server.host, server.port, called_ae_title="FILM1") as printing,
    ):
        with pytest.raises(PrintFailed, match="0213H"):
            await printing.print_images([ramp()])
        assert await spool.list() == ()


class Filling(EmbeddedSpool):
    """A spool whose disk is full only when a film is accepted."""

    @property
    def room(self) -> Room:
        return Room(1 << 40, is_low=False, is_full=False)


async def test_film_is_refused_if_the_disk_fills_up(folder: Path) -> None:
    async with (
        Filling(folder, limits=SpoolLimits(films=0)) as spool,
        printer(Gate(), spool) as server,
        PrintClient(server.host, server.port, called_ae_title="FILM1") as printing,
    ):
        with pytest.raises(PrintFailed, match="C602H"):
            await printing.print_images([ramp()])
        status = await printing.printer()
        assert status.PrinterStatus == "NORMAL"


class Forgetful(EmbeddedSpool):
    """A spool that cannot be asked for jobs."""

    async def find(self, SOPInstanceUID: str) -> Job | None:  # noqa: ARG002
        raise SpoolError("the index is away")


async def test_job_that_cannot_be_looked_up_is_not_found(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with (
        Forgetful(folder) as spool,
        printer(Gate(), spool) as server,
        PrintClient(server.host, server.port, called_ae_title="FILM1") as printing,
    ):
        with pytest.raises(PrintFailed, match="0112H"):
            await printing.job("1.2.3").refresh()
    assert "Print Job 1.2.3 cannot be looked up: the index is away" in caplog.messages


async def test_film_of_a_spool_is_not_offered_again(folder: Path) -> None:
    async with (
        EmbeddedSpool(folder) as spool,
        printer(open_gate(), spool) as server,
        client(server, META, PrintJob) as one,
    ):
        await one.fill_film()
        job = await spool.find(await one.print_film())
        assert job is not None
        with pytest.raises(LocalProtocolError, match="is in the spool: retry its films there"):
            server.retry(job)


@pytest.mark.parametrize(("limits", "info"), [(LOW, "CHECK PRINTER"), (FULL, "PRINT BUFF FULL")])
async def test_printer_warns_of_its_disk(folder: Path, limits: SpoolLimits, info: str) -> None:
    async with (
        EmbeddedSpool(folder, limits=limits) as spool,
        printer(Gate(), spool) as server,
        client(server, META, Printer) as one,
    ):
        if server.printer_state.PrinterStatus == "NORMAL":
            _, _, number, information = (await one.next_events(1))[0]
            assert (number, information.PrinterStatusInfo) == (2, info)
        assert (server.printer_state.PrinterStatus, server.printer_state.PrinterStatusInfo) == ("WARNING", info)


async def test_broken_film_fails_and_the_next_is_printed(folder: Path) -> None:
    films: list[Film] = []
    async with EmbeddedSpool(folder) as spool:
        async with PrintServer(None, port=0, spool=spool) as server, client(server, META) as one:
            for _ in range(2):
                await one.fill_film()
                await one.print_film()
                await one.delete()
        first, second = await spool.list()
        EmbeddedPlace(folder).damage(first.id)
        async with PrintServer(films.append, port=0, spool=spool):
            revision, _ = await spool.news()
            while (await spool.show(second.id)).state is not FilmState.DONE:
                revision, _ = await spool.news(revision, wait=10)
        assert (await spool.show(first.id)).state is FilmState.FAILED
    assert len(films) == 1
    assert films[0].sheet.cells[0].image is not None
    assert np.asarray(films[0].sheet.cells[0].image.pixels).size
