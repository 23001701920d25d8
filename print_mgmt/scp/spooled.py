"""Printing through a spool: the films of accepted jobs reach ``on_film`` one after the other."""

import asyncio
import logging
from collections.abc import Callable
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

__all__ = ["ON_FILM", "Route", "Routing", "SpooledPrinting", "job_of"]

_log = logging.getLogger("print_mgmt.scp")

ON_FILM = "on_film"  # the name of the destination
_LEASE = 60.0  # seconds; it is renewed while a film is printed
_RENEWED = 20.0
_WAIT = 1.0  # seconds for news or films, and until the room on the disk is looked at again
_PAUSE = 1.0  # seconds after an error of the spool
_LOW = ("WARNING", "CHECK PRINTER")
_FULL = ("WARNING", "PRINT BUFF FULL")


class Routing(NamedTuple):
    """Where the films of a job go; ``hold`` is the reason to hold them, if any."""

    targets: tuple[Target, ...]
    hold: str = ""


Route = Callable[[PrintJob], Routing]


class SpooledPrinting(SpooledIntake):
    """Accepts jobs into ``spool``, and prints with ``on_film``, if there is one, what is routed to it.

    ``state`` is the printer's, which warns of a disk that is nearly full. ``printed`` and ``failed`` count the films.
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

        async def take(job: PrintJob) -> None:
            targets, hold = own if route is None else route(job)
            await spool.accept(job, targets, hold=hold)

        super().__init__(spool, take)
        self.printed = 0
        self.failed = 0
        self._on_film = on_film
        self._state = state
        self._is_stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    def offer(self, job: PrintJob) -> bool:
        """Raise `LocalProtocolError`: the spool has the films of a job, and its operator tries them again."""
        raise LocalProtocolError(f"{job!r} is in the spool: try its films again there")

    async def run(self) -> None:
        """Print films and report what happens to jobs, until canceled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._report())
            if self._on_film is not None:
                group.create_task(self._print())

    async def drained(self) -> None:
        """Wait until the film that is being printed is done. The others stay in the spool."""
        self._is_stopping = True
        await self._idle.wait()

    # --- events ---

    async def _report(self) -> None:
        """Tell clients what has changed in the spool, and watch the room on its disk."""
        revision: int | None = None
        while True:
            try:
                revision, jobs = await self._spool.news(revision, wait=_WAIT)
                self._watch_room()
            except SpoolError as exc:
                _log.error("no news from the spool: %s", escaped(str(exc)))
                await asyncio.sleep(_PAUSE)
                continue
            self.tell(jobs)

    def _watch_room(self) -> None:
        room, now = self._spool.room, (self._state.PrinterStatus, self._state.PrinterStatusInfo)
        wanted = _FULL if room.is_full else _LOW if room.is_low else (NORMAL, NORMAL)
        if now in (_FULL, _LOW, (NORMAL, NORMAL)):  # any other state is not about the disk
            self._state.set(*wanted)

    # --- films ---

    async def _print(self) -> None:
        while not self._is_stopping:
            try:
                lease = await self._spool.lease(ON_FILM, _LEASE, wait=_WAIT)
                if lease is not None:
                    await self._deliver(lease)
            except SpoolError as exc:
                _log.error("the spool: %s", escaped(str(exc)))
                await asyncio.sleep(0 if isinstance(exc, StaleLease) else _PAUSE)

    async def _deliver(self, lease: Lease) -> None:
        self._idle.clear()
        renewing = asyncio.create_task(self._renew(lease))
        try:
            if self._is_stopping:
                outcome: Outcome = Later(reason="the printer is stopping")
            else:
                outcome = await self._expose(lease)
            await self._spool.settle(lease, outcome)
        except asyncio.CancelledError:
            await self._spool.settle(lease, Doubtful(reason="the printer was stopped"))
            raise
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            self._idle.set()

    async def _renew(self, lease: Lease) -> None:
        while True:
            await asyncio.sleep(_RENEWED)
            lease = await self._spool.renew(lease, _LEASE)

    async def _expose(self, lease: Lease) -> Outcome:
        """Print a film, and return what became of it."""
        assert self._on_film is not None
        try:
            copy = await self._spool.film(lease.film.id)
        except CorruptFilm:  # its deliveries have failed
            raise
        except SpoolError as exc:  # nothing was printed, so this is no doubt
            return Later(delay=_PAUSE, reason=str(exc))
        exposure = Exposure(copy, lease.film.number, max(lease.delivery.copy, 1))
        film = Film(self.printed + self.failed + 1, job_of(lease.film), exposure)
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
