"""A spool for several machines: films and index in a PostgreSQL database. It needs asyncpg (extra ``postgres``).

The bytes of a film are stored in rows of 1 MiB, which COPY writes in the transaction that inserts the job; the commit
accepts the job. The row of a film is the lock for its deliveries: a process locks that row before it changes a
delivery, and a worker that looks for a film skips locked rows. A new job, and each change of a film's state, notifies
all processes; they see other changes, such as repairs, within `_POLL` seconds.

The row of a job has the number of the transaction that changed it last. `PostgresSpool.news` returns the changes of all
transactions that have ended since the last call, so a change that begins early but is committed late is not missed.

Each spool instance holds an advisory lock as long as it is connected. A starting instance ends the leases of instances
that no longer hold their lock.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Self

from dimse.errors import DimseError, LocalProtocolError, escaped

from ..jobs import PrintJob
from ..model import FilmCopy
from .acceptance import film_records, job_key, set_creation, stored_pieces
from .changes import (
    Action,
    Later,
    Outcome,
    apply_action,
    apply_outcome,
    fail_lost_film,
    films_to_purge,
    media_loaded,
)
from .film_file import read_film
from .film_folder import Step, incoming_disk, no_step
from .postgres_leases import PostgresLeases, change_film
from .postgres_link import NotBegun, PostgresLink
from .postgres_repair import repair_film, survey
from .postgres_tables import (
    CHUNK_COLUMNS,
    FilmBytes,
    film_bytes,
    film_record,
    insert_film,
    insert_job,
    lock_job,
    quarantine,
    quoted,
    save,
    stored_records,
)
from .protocol import News, Repaired, Room, Survey, Verified
from .records import (
    CorruptFilm,
    DamagedRow,
    FilmRecord,
    Lease,
    NoSuchFilm,
    SpoolError,
    SpoolLimits,
    Target,
    latest_lease,
    reason_of,
    storable,
)
from .rows import JOB, DamageLog, intact_jobs, job_of
from .states import REMOVABLE, FilmState
from .tasks import Completion
from .totals import Totals

__all__ = ["PostgresSpool"]

_log = logging.getLogger("print_mgmt.spool")

_POLL = 1.0  # seconds after which a change is seen even if its notice was lost
_CHUNKS = "SELECT data FROM chunk WHERE film = $1 ORDER BY number"
_COPY = 900.0  # seconds in which a film must be written
_SELECTION = "(cardinality($1::text[]) = 0 OR film.state = ANY($1)) AND ($2 = '' OR film.printer = $2)"
_PREFETCH = 4  # chunks that are fetched in advance, in addition to the part of the film that has been read
_ATTEMPTS = 5  # attempts to find out whether a job was stored, after the connection broke during its commit
_PAUSE = 0.5  # seconds between two of these attempts


class PostgresSpool:
    """A `Spool` in a database, such as ``postgresql://user@host/films``.

    ``clock`` returns the time in seconds for leases and delays; by default, it is the clock of the database. ``step``
    is called at named steps; tests use it to fail there.
    """

    def __init__(
        self,
        dsn: str,
        *,
        limits: SpoolLimits = SpoolLimits(),  # noqa: B008  # frozen
        clock: Callable[[], float] | None = None,
        step: Step = no_step,
    ) -> None:
        self.limits = limits
        self._step = step
        self._link = PostgresLink(dsn, clock, step)
        self.incoming = incoming_disk(None, limits, step)
        self._totals = Totals(self._count)
        self._completion = Completion()
        self._leases = PostgresLeases(self._link, clock)
        self._damage = DamageLog()

    async def __aenter__(self) -> Self:
        if self._link.is_open:
            raise LocalProtocolError("the spool is already open")
        await self._link.__aenter__()
        try:
            self.incoming.__enter__()
            await self._leases.end_abandoned()
            await self._totals.count()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_exit(self._link)
            stack.push_async_callback(self._completion.close)
            stack.push(self.incoming)

    # --- intake ---

    async def accept(self, job: PrintJob, targets: Sequence[Target] = (), *, hold: str = "") -> tuple[str, ...]:
        """Store a job; see `Intake.accept`."""
        await self._totals.refresh()
        size = sum(film.nbytes for film in job.films)
        with self._totals.accept(len(job.films), size, self.limits, self.limits.least):
            return await self._accept(job, targets, hold)

    async def _accept(self, job: PrintJob, targets: Sequence[Target], hold: str) -> tuple[str, ...]:
        set_creation(job)
        records = film_records(job, job_key(), targets, hold)
        try:
            pairs = zip(job.films, records, strict=True)
            files = [await asyncio.to_thread(_film_rows, film, job, record) for film, record in pairs]
        except DimseError as exc:
            raise SpoolError(f"the films cannot be stored: {exc}") from exc
        try:
            await self._insert(job, records, files)
        except (SpoolError, OSError) as exc:
            if isinstance(exc, NotBegun) or not await self._is_stored(job, records):
                raise SpoolError(f"the films cannot be stored: {reason_of(exc)}") from exc
        self._step("accepted")
        self._totals.add(len(files), sum(file.size for file in files))
        self._link.notice.give()
        return tuple(record.id for record in records)

    async def _insert(self, job: PrintJob, records: Sequence[FilmRecord], files: Sequence[FilmBytes]) -> None:
        async with self._link.transaction() as db:
            row = await insert_job(db, job, len(records))
            for record, file in zip(records, files, strict=True):
                stored = replace(record, size=file.size, checksum=file.checksum)
                await insert_film(db, stored, row)
                self._step("write")
                rows = file.rows(record.id)
                await db.copy_records_to_table("chunk", records=rows, columns=CHUNK_COLUMNS, timeout=_COPY)
            await db.execute("NOTIFY print_mgmt_spool")
        self._step("committed")

    async def _is_stored(self, job: PrintJob, records: Sequence[FilmRecord]) -> bool:
        """Ask the database whether a job was stored, because an error during the commit does not show that.

        The server may still be performing the commit, so this waits for its end. Return False if the database cannot be
        asked.
        """
        for _ in range(_ATTEMPTS):
            try:
                async with self._link.transaction() as db:
                    await lock_job(db, job.SOPInstanceUID)
                    return await db.fetchval("SELECT 1 FROM film WHERE id = $1", records[0].id) is not None
            except SpoolError:
                await asyncio.sleep(_PAUSE)
        _log.error("Print Job %s is refused: it is unknown whether it was stored", escaped(job.SOPInstanceUID))
        return False

    async def _count(self) -> tuple[int, int]:
        async with self._link.transaction() as db:
            films, size = await db.fetchrow("SELECT count(*), coalesce(sum(size), 0)::bigint FROM film")
        return films, size

    async def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return a Print Job without its films, or None; see `Intake.find`."""
        await self._leases.end_expired()
        async with self._link.transaction() as db:
            row = await db.fetchrow(
                f'SELECT {quoted(JOB)} FROM job WHERE "SOPInstanceUID" = $1 AND NOT confirmed', storable(SOPInstanceUID)
            )
        return None if row is None else job_of(row)

    async def confirm(self, SOPInstanceUID: str) -> None:
        """Record that the client knows of the end of a job, unless it was retried meanwhile; see `Intake.confirm`."""
        ended = "\"ExecutionStatus\" IN ('DONE', 'FAILURE')"
        update = f'UPDATE job SET confirmed = true WHERE "SOPInstanceUID" = $1 AND {ended}'
        async with self._link.transaction() as db:
            await db.execute(update, storable(SOPInstanceUID))

    async def news(self, after: int | None = None, *, wait: float = 0.0) -> News:
        """Return the jobs whose status has changed; see `Intake.news`."""
        deadline = time.monotonic() + wait
        while True:
            seen = self._link.notice.count
            await self._leases.end_expired()
            async with self._link.transaction() as db:
                end = int(await db.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
                rows = await db.fetch(
                    f"SELECT {quoted(JOB)} FROM job WHERE changed >= $1::text::xid8 AND changed < $2::text::xid8 "
                    "ORDER BY changed",
                    str(end if after is None else after),
                    str(end),
                )
            left = deadline - time.monotonic()
            if rows or left <= 0 or after is None:
                return News(end, tuple(intact_jobs(rows, self._damage)))
            await self._link.notice.wait(seen, min(left, _POLL))

    @property
    def room(self) -> Room:
        """The room for more films within the limit of bytes; the free space of the database's disk is not known."""
        free = max(self.limits.size - self._totals.size, 0)
        return Room(free, free < self.limits.low, free < self.limits.least)

    # --- deliveries ---

    async def lease(
        self, destination: str, seconds: float, *, wait: float = 0.0, at_once: int | None = None
    ) -> Lease | None:
        """Lease the next film for a destination; see `Deliveries.lease`."""
        deadline = time.monotonic() + wait
        while True:
            seen = self._link.notice.count
            await self._leases.end_expired()
            leasing = self._leases.grant(destination, seconds, at_once)
            film = await self._completion.run_or_undo(leasing, self._requeue)
            if film is not None:
                self._step("leased")
                return latest_lease(film)
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            await self._link.notice.wait(seen, min(left, _POLL))

    async def _requeue(self, leased: FilmRecord | None) -> None:
        """Put the leased film, if any, back into the queue, because its worker was canceled meanwhile."""
        if leased is not None:
            await self.report(latest_lease(leased), Later(reason="its worker has stopped"))

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        """Prolong a lease; see `Deliveries.renew`."""
        await self._leases.end_expired()
        async with self._link.transaction() as db:
            film = await film_record(db, lease.film.id, lock=True)
            now = await self._link.now(db)
            apply_outcome(film, lease.delivery, Later(), now)  # only to raise StaleLease if the lease has ended
            delivery = replace(lease.delivery, expires=now + seconds)
            update = "UPDATE delivery SET expires = $1, repeatable = $2 WHERE id = $3"
            await db.execute(update, delivery.expires, delivery.repeatable, delivery.id)
        return replace(lease, delivery=delivery)

    async def report(self, lease: Lease, outcome: Outcome) -> FilmRecord:
        """Record the outcome of a delivery; see `Deliveries.report`."""
        self._step("report")
        await self._leases.end_expired()
        async with self._link.transaction() as db:
            film = await film_record(db, lease.film.id, lock=True)
            film = await save(db, film, apply_outcome(film, lease.delivery, outcome, await self._link.now(db)))
        self._step("reported")
        self._link.notice.give()
        return film

    async def film(self, film_id: str) -> FilmCopy:
        """Return a stored film; see `Deliveries.film`."""
        record = await self.show(film_id)
        try:
            return await self._read(film_id, record.checksum)
        except CorruptFilm as exc:
            await self._fail_damaged_film(film_id, exc)
            raise

    async def _read(self, film_id: str, checksum: str) -> FilmCopy:
        data = bytearray()
        async with self._link.transaction() as db:
            async for row in db.cursor(_CHUNKS, film_id, prefetch=_PREFETCH):
                data += row["data"]
        if (await asyncio.to_thread(hashlib.sha256, data)).hexdigest() != checksum:
            raise CorruptFilm(f"film {film_id}: the checksum of its bytes differs from the accepted film's")
        return (await asyncio.to_thread(read_film, memoryview(data).toreadonly()))[0]

    async def _fail_damaged_film(self, film_id: str, exc: CorruptFilm) -> None:
        _log.error("film %s is damaged: %s", film_id, escaped(str(exc)))
        await change_film(self._link, film_id, lambda film, *_: fail_lost_film(film, str(exc)))
        async with self._link.transaction() as db:
            await quarantine(db, film_id)
        self._link.notice.give()

    async def media_loaded(self, destination: str) -> int:
        """Requeue the films that wait for media of a destination; see `Deliveries.media_loaded`."""
        async with self._link.transaction() as db:
            rows = await db.fetch(
                "SELECT DISTINCT film FROM delivery WHERE destination = $1 AND state = $2",
                destination,
                FilmState.WAITING,
            )
        requeued = 0
        for (film_id,) in rows:
            requeued += await self._leases.change_intact(film_id, lambda film, *_: media_loaded(film, destination))
        self._link.notice.give()
        return requeued

    # --- operations ---

    async def list(
        self, *, states: Collection[FilmState] = (), printer: str = "", limit: int | None = None
    ) -> tuple[FilmRecord, ...]:
        """Return films by state and printer; see `Operations.list`."""
        await self._leases.end_expired()
        async with self._link.transaction() as db:
            values = [str(state) for state in states], storable(printer)
            return tuple(await stored_records(db, _SELECTION, *values, limit=limit, skipped=self._damage.report))

    async def count(self, *, states: Collection[FilmState] = (), printer: str = "") -> int:
        """Return the number of films by state and printer; see `Operations.count`."""
        await self._leases.end_expired()
        async with self._link.transaction() as db:
            values = [str(state) for state in states], storable(printer)
            return int(await db.fetchval(f"SELECT count(*) FROM film WHERE {_SELECTION}", *values))

    async def survey(self) -> Survey:
        """Return the intact and the damaged films; see `Operations.survey`."""
        await self._leases.end_expired()
        async with self._link.transaction() as db:
            return await survey(db)

    async def show(self, film_id: str) -> FilmRecord:
        """Return the record of a film; see `Operations.show`."""
        await self._leases.end_expired()
        async with self._link.transaction() as db:
            return await film_record(db, film_id)

    async def change(self, film_id: str, action: Action) -> FilmRecord:
        """Apply the action of an operator to a film; see `Operations.change`."""
        await self._leases.end_expired()
        film = await change_film(
            self._link,
            film_id,
            lambda film, films, collated: apply_action(film, action, films=films, collated=collated),
        )
        self._link.notice.give()
        return film

    # --- upkeep ---

    async def purge(
        self, *, age: float | None = None, count: int | None = None, size: int | None = None
    ) -> tuple[str, ...]:
        """Remove films that are done or canceled; see `Upkeep.purge`."""
        films = await self.list(states=REMOVABLE)
        totals = await self._totals.count()
        chosen = films_to_purge(films, totals, time.time(), age=age, count=count, size=size)
        removed = [film_id for film_id in chosen if await self._remove_film(film_id)]
        await self._totals.count()
        return tuple(removed)

    async def _remove_film(self, film_id: str) -> bool:
        """Remove a film, and its job if no other film of the job is left.

        Return False, and remove nothing, if the film is no longer done or canceled.
        """
        async with self._link.transaction() as db:
            try:
                film = await film_record(db, film_id, lock=True)
            except (NoSuchFilm, DamagedRow):
                return False
            if film.state not in REMOVABLE:
                return False
            row = await db.fetchrow("SELECT job FROM film WHERE id = $1", film_id)
            await db.execute("SELECT row FROM job WHERE row = $1 FOR UPDATE", row["job"])
            await db.execute("DELETE FROM film WHERE id = $1", film_id)
            await db.execute(
                "DELETE FROM job WHERE row = $1 AND NOT EXISTS (SELECT 1 FROM film WHERE job = $1)", row["job"]
            )
            return True

    async def repair(self) -> Repaired:
        """Rebuild damaged rows; see `Upkeep.repair`."""
        restored: list[str] = []
        removed: list[str] = []
        for film in (await self.survey()).damaged:
            async with self._link.transaction() as db:
                (restored if await repair_film(db, film.id) else removed).append(film.id)
        self._link.notice.give()
        return Repaired(tuple(restored), tuple(removed))

    async def verify(self) -> Verified:
        """Read all films; see `Upkeep.verify`.

        If the bytes of a film are damaged, they are put into quarantine, unless the film has failed already.
        """
        intact, damaged = 0, [film.id for film in (await self.survey()).damaged]
        async with self._link.transaction() as db:
            rows = await db.fetch("SELECT id, checksum, state FROM film ORDER BY job, number")
        for film_id, checksum, state in rows:
            if film_id in damaged:
                continue
            try:
                await self._read(film_id, checksum)
            except CorruptFilm as exc:
                with suppress(NoSuchFilm):  # it was removed in the meantime
                    if state != FilmState.FAILED:
                        await self._fail_damaged_film(film_id, exc)
                    damaged.append(film_id)
            else:
                intact += 1
        return Verified(intact, tuple(damaged))


def _film_rows(film: FilmCopy, job: PrintJob, record: FilmRecord) -> FilmBytes:
    return film_bytes(stored_pieces(film, job, record))
