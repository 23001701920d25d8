"""The embedded spool: a folder with a file for each film, and a SQLite index. It needs no server.

A film is accepted in two steps. First its file and the file's name are forced to the disk, at the same time. Then the
job is added to the index. The index is not forced to the disk, because the files contain everything that it needs.
After a power failure, the next start adds the jobs that the index lost (`recovery`). A lease forces the index to the
disk.

Leases and delays are measured on the monotonic clock of the machine, so setting the wall clock back has no effect.
Several processes may have the folder open at the same time. Each holds a lock on a file in ``alive/``; when another
process starts, it ends the leases of processes that were killed. The first process that finds the index damaged
rebuilds it, unless another process has the spool open.
"""

import asyncio
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from dimse.errors import DimseError, LocalProtocolError, escaped
from dimse.files import clear_drafts, lock_file, new_draft
from dimse.net.thread_pool import ThreadPool

from ..jobs import PrintJob
from ..model import FilmCopy
from .acceptance import film_records, job_key, set_creation, stored_pieces
from .changes import Action, Later, Outcome, apply_action, apply_outcome, fail_lost_film, films_to_purge
from .committer import Committer
from .doubt import Ended, log_abandoned
from .film_file import read_film
from .film_folder import WRITERS, FilmFile, FilmFolder, Step, incoming_disk, no_step, remove_drafts
from .index import Index
from .leases import end_expired, grant, load_media, next_due, prolong, record_outcome
from .looks import Looks
from .notice import Notice
from .protocol import News, Repaired, Room, Survey, Verified
from .rebuild import open_or_rebuild
from .records import (
    CorruptFilm,
    FilmRecord,
    Lease,
    NoSuchFilm,
    SpoolError,
    SpoolFull,
    SpoolLimits,
    Target,
    latest_lease,
    reason_of,
    storable,
)
from .recovery import recover
from .repair import repair, survey
from .reserve import Reserve
from .states import REMOVABLE, FilmState
from .tasks import Completion
from .totals import Totals

__all__ = ["EmbeddedSpool"]

_log = logging.getLogger("print_mgmt.spool")
T = TypeVar("T")

_POLL = 0.25  # seconds between two checks for changes by other processes
_PURGE_BATCH = 100  # films that are removed in one transaction, with one fsync of the folder ``films``
_ROOM_AGE = 1.0  # seconds after which the free space of the disk is measured again


class EmbeddedSpool:
    """A `Spool` in a folder, open inside ``async with``.

    ``clock`` returns seconds that never decrease while this machine runs. ``step`` is called at named steps; tests use
    it to fail there.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        limits: SpoolLimits = SpoolLimits(),  # noqa: B008  # frozen
        clock: Callable[[], float] = time.monotonic,
        step: Step = no_step,
    ) -> None:
        self.folder = Path(folder)
        self.limits = limits
        self._clock = clock
        self._step = step
        self._files = FilmFolder(self.folder, step, in_memory=limits.in_memory)
        self._alive = self.folder / "alive"
        self._reserve = Reserve(self.folder / "reserve")
        self.incoming = incoming_disk(self.folder / "incoming", limits, step)
        self._owner = ""
        self._writers: ThreadPool | None = None
        self._stack = ExitStack()
        self._committer: Committer[list[Ended]] | None = None
        self._index: Index | None = None
        self._looks: Looks | None = None
        self._counts: Looks | None = None  # with a thread of its own, because a look at a long list takes seconds
        self._notice = Notice()
        self._completion = Completion()
        self._room: tuple[float, Room] | None = None
        self._totals = Totals(self._count)

    async def __aenter__(self) -> Self:
        if self._committer is not None:
            raise LocalProtocolError("the spool is already open")
        try:
            await self._completion.run(asyncio.to_thread(self._reserve.attempt, self._open))
            await self._execute(self._recover)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            await self._completion.close()
        finally:
            committer, self._committer = self._committer, None
            await self._completion.run(asyncio.to_thread(self._close, committer))

    def _close(self, committer: Committer[list[Ended]] | None) -> None:
        if committer is not None:
            committer.close()
        self._stack.close()

    def _open(self) -> None:
        try:
            with ExitStack() as stack, ExitStack() as opening:
                self._files.open(stack)
                stack.enter_context(self.incoming)
                lock_file(self.folder / "opening.lock", opening)
                self._writers = stack.enter_context(ThreadPool(WRITERS, "spool writer"))
                self._alive.mkdir(mode=0o700, exist_ok=True)
                path = self.folder / "index.sqlite"
                connection = open_or_rebuild(path, self._files, lambda: bool(self._living_owners()))
                stack.callback(connection.close)
                self._index = index = Index(connection)
                self._looks = stack.enter_context(Looks(path, index.damage))
                self._counts = stack.enter_context(Looks(path, index.damage))
                self._owner = new_draft(self._alive / "spool", stack)[0].name
                self._stack = stack.pop_all()
        except (OSError, sqlite3.Error) as exc:
            raise SpoolError(f"the spool {escaped(str(self.folder))} cannot be opened: {reason_of(exc)}") from exc
        self._reserve.fill(self._files.free() - self.limits.least)
        self._committer = Committer(connection, lambda: end_expired(index, self._clock()), log_abandoned, self._step)

    def _living_owners(self) -> set[str]:
        """Return the owners whose processes have the spool open: each holds a lock on a draft in ``alive/``.

        These drafts are only for the locks. `clear_drafts` removes those of processes that have ended.
        """
        clear_drafts(self._alive)
        return {path.name for path in self._alive.iterdir()}

    def _recover(self) -> None:
        recover(self._rows, self._files, self._living_owners(), self._clock())

    # --- helpers ---

    @property
    def _rows(self) -> Index:
        if self._index is None:
            raise LocalProtocolError("the spool is not open: use it in `async with`")
        return self._index

    def _submit(self, run: Callable[[], T]) -> "Future[T]":
        """Run a function in a thread of the spool, because the threads of asyncio may all be busy with rendering."""
        if self._writers is None:
            raise LocalProtocolError("the spool is not open: use it in `async with`")
        return self._writers.submit(run)

    async def _execute(self, run: Callable[[], T]) -> T:
        """Run a function on the index; if the disk is full, release the reserve, and try again. Raises `SpoolError`."""
        try:
            return await self._commit(run)
        except SpoolError as exc:
            if not self._reserve.release_for(exc):
                raise
        self._room = None
        return await self._commit(run)

    async def _commit(self, run: Callable[[], T], *, forced: bool = True) -> T:
        if self._committer is None:
            raise LocalProtocolError("the spool is not open: use it in `async with`")
        try:
            return await self._committer.execute(run, forced=forced)
        except (OSError, sqlite3.Error) as exc:
            raise SpoolError(f"the index of the spool cannot be used: {reason_of(exc)}") from exc

    async def _look(self, look: Callable[[Index], T]) -> T:
        """End the expired leases; then look at the index, while others may change it. Raises `SpoolError`."""
        await self._execute(self._rows.revision)
        assert self._looks is not None
        return await self._looks.run(look)

    async def _count(self) -> tuple[int, int]:
        assert self._counts is not None
        return await self._counts.run(Index.totals)

    async def _save(self, run: Callable[[], FilmRecord]) -> FilmRecord:
        """Change a film, and move its file if necessary. Cancellation waits: the change may have been committed."""
        return await self._completion.run(self._change_and_move(run))

    async def _change_and_move(self, run: Callable[[], FilmRecord]) -> FilmRecord:
        film = await self._execute(run)
        self._files.move(film.id, film.checksum, ended=film.state in REMOVABLE)
        self._notice.give()
        return film

    # --- intake ---

    async def accept(self, job: PrintJob, targets: Sequence[Target] = (), *, hold: str = "") -> tuple[str, ...]:
        """Store a job; see `Intake.accept`."""
        size = sum(film.nbytes for film in job.films)
        if self._committer is not None:
            await self._totals.refresh()
        room = self.room
        if room.is_full or room.free - self._totals.accepting - size < self.limits.least:
            found = f"the disk of the spool has {room.free} free bytes; the job needs {size}"
            raise SpoolFull(f"no room: {found}, and {self.limits.least} and the reserve must stay free")
        with self._totals.accept(len(job.films), size, self.limits):
            # If the association ends meanwhile, either all films are stored, or none
            return await self._completion.run(self._accept(job, targets, hold))

    async def _accept(self, job: PrintJob, targets: Sequence[Target], hold: str) -> tuple[str, ...]:
        set_creation(job)
        records = film_records(job, job_key(), targets, hold)
        writing = (self._write(film, job, record) for film, record in zip(job.films, records, strict=True))
        results = await asyncio.gather(*writing, return_exceptions=True)
        written = [result for result in results if isinstance(result, FilmFile)]
        errors = [result for result in results if isinstance(result, BaseException)]
        del results
        try:
            if errors:
                raise errors.pop(0)  # a kept error would be in a cycle with this frame, which has the films
            pairs = zip(records, written, strict=True)
            stored = tuple(replace(record, size=file.size, checksum=file.checksum) for record, file in pairs)
            self._step("named")
            await self._commit(partial(self._rows.add, job, stored), forced=False)
        except Exception as exc:
            await asyncio.wrap_future(self._submit(partial(self._files.remove_written, written)))
            if isinstance(exc, SpoolError) or not isinstance(exc, OSError | DimseError):
                raise
            raise SpoolError(f"the films cannot be stored: {reason_of(exc)}") from exc
        self._step("accepted")
        self._submit(partial(remove_drafts, written))  # no caller waits for this
        self._totals.add(len(stored), sum(film.size for film in stored))
        self._notice.give()
        return tuple(film.id for film in stored)

    async def _write(self, film: FilmCopy, job: PrintJob, record: FilmRecord) -> FilmFile:
        submit = self._submit  # the future is in no variable: it would be in a cycle with its error and this frame
        return await asyncio.wrap_future(submit(lambda: self._files.write(record.id, stored_pieces(film, job, record))))

    async def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return a Print Job without its films, or None; see `Intake.find`."""
        return await self._execute(partial(self._rows.find, storable(SOPInstanceUID)))

    async def confirm(self, SOPInstanceUID: str) -> None:
        """Record that the client knows of the end of a job, unless the job has been retried meanwhile."""
        await self._execute(partial(self._rows.confirm, storable(SOPInstanceUID)))

    async def news(self, after: int | None = None, *, wait: float = 0.0) -> News:
        """Return the jobs whose status has changed; see `Intake.news`."""
        if after is None:
            return News(await self._execute(self._rows.revision), ())
        deadline = self._clock() + wait
        while True:
            seen = self._notice.count
            revision, jobs = await self._execute(partial(self._rows.news, after))
            left = deadline - self._clock()
            if jobs or left <= 0:
                return News(revision, jobs)
            await self._notice.wait(seen, min(left, _POLL))

    @property
    def room(self) -> Room:
        """The room for more films."""
        now = self._clock()
        if self._room is None or not 0 <= now - self._room[0] < _ROOM_AGE:
            free = self._files.free()
            is_full = free < self.limits.least or not self._reserve.fill(free - self.limits.least)
            self._room = now, Room(free, is_full or free < self.limits.low, is_full)
        return self._room[1]

    # --- deliveries ---

    async def lease(
        self, destination: str, seconds: float, *, wait: float = 0.0, at_once: int | None = None
    ) -> Lease | None:
        """Lease the next film for a destination; see `Deliveries.lease`."""
        deadline = self._clock() + wait
        while True:
            seen = self._notice.count
            leasing = self._execute(partial(self._lease, destination, seconds, at_once))
            film, due = await self._completion.run_or_undo(leasing, self._requeue)
            if film is not None:
                self._step("leased")
                return latest_lease(film)
            now = self._clock()
            if now >= deadline:
                return None
            wake_at = min(deadline, now + _POLL, deadline if due is None else due)
            await self._notice.wait(seen, wake_at - now)

    async def _requeue(self, leased: tuple[FilmRecord | None, float | None]) -> None:
        """Put the leased film, if any, back into the queue, because its worker was canceled meanwhile."""
        film, _ = leased
        if film is not None:
            await self.report(latest_lease(film), Later(reason="its worker has stopped"))

    def _lease(self, destination: str, seconds: float, at_once: int | None) -> tuple[FilmRecord | None, float | None]:
        now = self._clock()
        film = grant(self._rows, destination, now, now + seconds, self._owner, at_once)
        return film, None if film is not None else next_due(self._rows, destination, now)

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        """Prolong a lease; see `Deliveries.renew`."""

        def run() -> Lease:
            now = self._clock()
            film = self._rows.film(lease.film.id)
            apply_outcome(film, lease.delivery, Later(), now)  # only to raise StaleLease if the lease has ended
            delivery = replace(lease.delivery, expires=now + seconds)
            prolong(self._rows, delivery)
            return replace(lease, delivery=delivery)

        return await self._execute(run)

    async def report(self, lease: Lease, outcome: Outcome) -> FilmRecord:
        """Record the outcome of a delivery; see `Deliveries.report`."""

        def run() -> FilmRecord:
            return record_outcome(self._rows, lease.film.id, lease.delivery, outcome, self._clock())

        self._step("report")
        film = await self._save(run)
        self._step("reported")
        return film

    async def film(self, film_id: str) -> FilmCopy:
        """Return a stored film; see `Deliveries.film`."""
        record = await self.show(film_id)
        try:
            return (await asyncio.to_thread(lambda: read_film(self._files.read(film_id, record.checksum))))[0]
        except CorruptFilm as exc:
            await self._quarantine(record, exc)
            raise
        except OSError as exc:
            raise SpoolError(f"film {film_id} cannot be read: {reason_of(exc)}") from exc

    async def _quarantine(self, record: FilmRecord, exc: CorruptFilm) -> None:
        await asyncio.to_thread(self._files.move_to_quarantine, record.id, record.checksum)

        def run() -> FilmRecord:
            film = self._rows.film(record.id)
            return self._rows.save(film, fail_lost_film(film, str(exc)))

        await self._execute(run)
        self._notice.give()

    async def media_loaded(self, destination: str) -> int:
        """Requeue the films that wait for media of a destination; see `Deliveries.media_loaded`."""
        count = await self._execute(partial(load_media, self._rows, destination))
        self._notice.give()
        return count

    # --- operations ---

    async def list(
        self, *, states: Collection[FilmState] = (), printer: str = "", limit: int | None = None
    ) -> tuple[FilmRecord, ...]:
        """Return films by state and printer; see `Operations.list`."""
        return tuple(await self._look(lambda index: index.select(states, printer, limit)))

    async def count(self, *, states: Collection[FilmState] = (), printer: str = "") -> int:
        """Return the number of films by state and printer; see `Operations.count`."""
        return await self._execute(partial(self._rows.count, states, printer))

    async def survey(self) -> Survey:
        """Return the intact and the damaged films; see `Operations.survey`."""
        return await self._look(partial(survey, files=self._files))

    async def show(self, film_id: str) -> FilmRecord:
        """Return the record of a film; see `Operations.show`."""
        return await self._execute(partial(self._rows.film, film_id))

    async def change(self, film_id: str, action: Action) -> FilmRecord:
        """Apply the action of an operator to a film; see `Operations.change`."""

        def run() -> FilmRecord:
            film = self._rows.film(film_id)
            job = self._rows.job_row(film)
            return self._rows.save(film, apply_action(film, action, films=job.films, collated=job.collated))

        return await self._save(run)

    # --- upkeep ---

    async def purge(
        self, *, age: float | None = None, count: int | None = None, size: int | None = None
    ) -> tuple[str, ...]:
        """Remove films that are done or canceled; see `Upkeep.purge`."""
        films, totals = await self.list(states=REMOVABLE), await self._totals.count()
        chosen = films_to_purge(films, totals, time.time(), age=age, count=count, size=size)
        removed: tuple[str, ...] = ()
        for start in range(0, len(chosen), _PURGE_BATCH):
            removed += await self._execute(partial(self._remove_films, chosen[start : start + _PURGE_BATCH]))
        await self._totals.count()
        return removed

    def _remove_films(self, film_ids: Sequence[str]) -> tuple[str, ...]:
        """Remove the given films that are still done or canceled, and return their ids."""
        removable = self._rows.remove_ended(film_ids)
        self._files.remove((film.id, film.checksum) for film in removable)
        return tuple(film.id for film in removable)

    async def repair(self) -> Repaired:
        """Rebuild damaged rows; see `Upkeep.repair`."""
        repaired = await self._execute(partial(repair, self._rows, self._files))
        self._notice.give()
        return repaired

    async def verify(self) -> Verified:
        """Read all films; see `Upkeep.verify`. Unreadable files count as damaged, too, but stay where they are."""
        intact, damaged = 0, [film.id for film in (await self.survey()).damaged]
        for film_id, checksum, state in await self._look(Index.files):
            if film_id in damaged:
                continue
            try:
                await asyncio.to_thread(read_film, await asyncio.to_thread(self._files.read, film_id, checksum))
            except CorruptFilm as exc:
                with suppress(NoSuchFilm):  # it was removed in the meantime
                    if state is not FilmState.FAILED:
                        await self._quarantine(await self.show(film_id), exc)
                    damaged.append(film_id)
            except OSError as exc:
                _log.error("film %s cannot be read: %s", film_id, reason_of(exc))
                damaged.append(film_id)
            else:
                intact += 1
        return Verified(intact, tuple(damaged))
