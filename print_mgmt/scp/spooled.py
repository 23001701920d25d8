"""Prints from a spool: ``on_film`` gets the films of accepted jobs one after the other."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from inspect import isawaitable
from typing import NamedTuple

from dimse.errors import DimseError, LocalProtocolError, escaped

from ..jobs import Exposure, PrinterState, PrintJob
from ..spool import (
    CorruptFilm,
    Done,
    Doubtful,
    Failed,
    FilmRecord,
    Later,
    Lease,
    Outcome,
    Spool,
    SpoolError,
    StaleLease,
    Target,
)
from ..status import NORMAL
from .engine import Film, OnFilm, failure_term
from .intake import SpooledIntake

__all__ = ["ON_FILM", "Route", "Routing", "SpooledPrinting", "job_of", "report_outcome"]

_log = logging.getLogger("print_mgmt.scp")

ON_FILM = "on_film"  # the name of the destination
_LEASE = 60.0  # seconds of a lease; after that, another process may take over the film of a process that hangs
_RENEWED = 20.0  # seconds between two renewals of the lease while a film is being printed
_WAIT = 1.0  # seconds to wait for news or films, and between two checks of the free disk space
_PAUSE = 1.0  # seconds to wait after an error of the spool
_ATTEMPTS = 5  # attempts to report an outcome to the spool
_LOW = ("WARNING", "CHECK PRINTER")
_FULL = ("WARNING", "PRINT BUFF FULL")


class Routing(NamedTuple):
    """The destinations of the films of a job; ``hold`` is the reason to hold the films, if any."""

    targets: tuple[Target, ...]
    hold: str = ""


Route = Callable[[PrintJob], Routing]


class SpooledPrinting(SpooledIntake):
    """An engine that accepts jobs into ``spool``, and prints the films routed to ``on_film``. None prints no films.

    ``state`` is the status of the printer, which becomes WARNING when the disk is nearly full or full, and NORMAL when
    there is room again. ``route`` and ``each_copy`` are as in `PrintServer`. ``printed`` counts the calls of
    ``on_film`` that succeeded, ``failed`` the calls that raised.
    """

    def __init__(
        self,
        spool: Spool,
        on_film: OnFilm | None,
        state: PrinterState,
        *,
        route: Route | None = None,
        each_copy: bool = False,
    ) -> None:
        own = Routing((Target(destination=ON_FILM, each_copy=each_copy),))

        async def store(job: PrintJob) -> None:
            targets, hold = own if route is None else route(job)
            await spool.accept(job, targets, hold=hold)

        super().__init__(spool, store)
        self.printed = 0
        self.failed = 0
        self._on_film = on_film
        self._state = state
        self._is_stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    def offer(self, job: PrintJob) -> bool:
        """Raise `LocalProtocolError`: films in a spool are retried by an operation of the spool."""
        raise LocalProtocolError(f"{job!r} is in the spool: retry its films there")

    async def run(self) -> None:
        """Print films and report changes of jobs, until canceled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._report())
            if self._on_film is not None:
                group.create_task(self._print())

    async def drain(self) -> None:
        """Begin no further film, and wait until the current film is done; the other films stay in the spool."""
        self._is_stopping = True
        await self._idle.wait()

    # --- events ---

    async def _report(self) -> None:
        """Report changes of jobs in the spool to clients, and watch the free space of the disk."""
        revision: int | None = None
        while True:
            try:
                revision, jobs = await self._spool.news(revision, wait=_WAIT)
                self._watch_room()
            except SpoolError as exc:
                _log.error("the spool cannot be asked for changes of jobs: %s", escaped(str(exc)))
                revision = revision or 0  # with None, the next try would miss the jobs accepted meanwhile
                await asyncio.sleep(_PAUSE)
                continue
            self.report(jobs)

    def _watch_room(self) -> None:
        room, current = self._spool.room, (self._state.PrinterStatus, self._state.PrinterStatusInfo)
        wanted = _FULL if room.is_full else _LOW if room.is_low else (NORMAL, NORMAL)
        if current in (_FULL, _LOW, (NORMAL, NORMAL)):  # any other state comes from other code
            self._state.set(*wanted)

    # --- films ---

    async def _print(self) -> None:
        while not self._is_stopping:
            try:
                lease = await self._spool.lease(ON_FILM, _LEASE, wait=_WAIT)
                if lease is not None:
                    await self._deliver(lease)
            except CorruptFilm as exc:  # the deliveries of this film have failed; other films need not wait
                _log.error("%s", escaped(str(exc)))
            except SpoolError as exc:
                _log.error("the spool failed: %s", escaped(str(exc)))
                await asyncio.sleep(_PAUSE)

    async def _deliver(self, lease: Lease) -> None:
        self._idle.clear()
        renewing = asyncio.create_task(self._renew(lease))
        # The outcome if the printer is stopping, or if this task is canceled before `on_film` begins
        outcome: Outcome = Later(reason="the printer is stopping")
        try:
            if not self._is_stopping:
                film = await self._film(lease)
                # The outcome if this task is canceled while `on_film` prints, or if there is no film
                outcome = Doubtful(reason="the printer was stopped") if isinstance(film, Film) else film
                if isinstance(film, Film):
                    outcome = await self._expose(film)
            await report_outcome(self._spool, lease, outcome)
        except asyncio.CancelledError:
            with suppress(SpoolError):  # the outcome may be recorded already; if not, the lease ends by itself
                await self._spool.report(lease, outcome)
            raise
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            self._idle.set()

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(_RENEWED)
            try:
                lease = await self._spool.renew(lease, _LEASE)
            except StaleLease:
                return
            except SpoolError as exc:
                _log.error("a lease cannot be renewed: %s", escaped(str(exc)))

    async def _film(self, lease: Lease) -> Film | Later:
        """Return the film for ``on_film``, or an outcome if the film cannot be read now."""
        try:
            copy = await self._spool.film(lease.film.id)
        except CorruptFilm:  # the spool has recorded that the deliveries of this film have failed
            raise
        except SpoolError as exc:  # nothing was printed, so the film can be tried again
            return Later(delay=_PAUSE, reason=str(exc))
        exposure = Exposure(copy, lease.film.number, max(lease.delivery.copy, 1))
        return Film(self.printed + self.failed + 1, job_of(lease.film), exposure)

    async def _expose(self, film: Film) -> Outcome:
        """Print a film, and return the outcome."""
        assert self._on_film is not None
        try:
            printing = self._on_film(film)
            if isawaitable(printing):
                await printing
        except (Exception, asyncio.CancelledError) as exc:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self.failed += 1
            foreseen = isinstance(exc, DimseError | OSError)
            _log.error("%r failed: %s", film, exc, exc_info=not foreseen)
            return Failed(info=failure_term(exc), reason=str(exc))
        self.printed += 1
        return Done()


async def report_outcome(spool: Spool, lease: Lease, outcome: Outcome) -> None:
    """Report the outcome of a delivery to the spool; after an error of the spool, try again a few times.

    Errors are only logged. Without a report, the lease ends by itself.
    """
    for _ in range(_ATTEMPTS):
        try:
            await spool.report(lease, outcome)
        except StaleLease as exc:
            _log.warning("a late outcome is refused: %s", escaped(str(exc)))
        except SpoolError as exc:
            _log.error("the spool failed: %s", escaped(str(exc)))
            await asyncio.sleep(_PAUSE)
            continue
        return


def job_of(film: FilmRecord) -> PrintJob:
    """Return the Print Job of a film, without its films."""
    accepted = datetime.fromtimestamp(film.accepted)
    return PrintJob(
        films=(),
        copies=film.copies,
        SOPInstanceUID=film.job,
        PrintPriority=film.PrintPriority,
        Originator=film.Originator,
        host=film.host,
        PrinterName=film.printer,
        FilmSessionLabel=film.FilmSessionLabel,
        CreationDate=accepted.strftime("%Y%m%d"),
        CreationTime=accepted.strftime("%H%M%S"),
        ExecutionStatus="PRINTING",
        ExecutionStatusInfo=NORMAL,
    )
