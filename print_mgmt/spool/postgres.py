"""The spool of several machines: films and index in a PostgreSQL database. It needs asyncpg (extra ``postgres``).

A film is rows of 1 MiB, written with COPY in the transaction that inserts its job; its commit is the acceptance. The
row of a film guards its deliveries: whoever changes them locks it, and a worker that looks for a film skips the locked
ones. Who changes the database notifies all others.

A job carries the transaction that changed it last. News are those of all transactions that have ended since, so nobody
misses a change that was made earlier and committed later.

Each spool holds an advisory lock as long as it is connected; so the leases of a process that was killed end at the next
start of another.
"""

import asyncio
import hashlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import astuple, replace
from datetime import datetime
from typing import Any, NamedTuple, Self, TypeAlias

import asyncpg

from dimse.errors import DimseError, LocalProtocolError, escaped

from ..jobs import PrintJob
from ..model import FilmCopy
from .acceptance import film_records, job_key, stored_pieces
from .changes import Action, Later, Outcome, changed, expired, leased, lost, media_loaded, settled
from .film_file import read_film
from .film_folder import Step, no_step
from .job_status import execution_status
from .notice import Notice
from .protocol import News, Room, Verified
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
)
from .rows import DELIVERY, FILM, JOB, RANKS, delivery_of, film_of, job_of, job_values
from .states import ENDED, FilmState

__all__ = ["PostgresSpool"]

_log = logging.getLogger("print_mgmt.spool")

_CHUNK = 1 << 20  # bytes of a row
_CONNECTIONS = 8
_POLL = 1.0  # seconds: how soon a change is seen whose notice was lost
_TRIES = 5  # to ask whether a job was stored, after the connection broke during its commit
_PAUSE = 0.5  # seconds between them, and before the next attempt to listen
_ALIVE = 0x2131  # the class of the advisory locks
_SCHEMA_LOCK = 0x21310000
_CHANNEL = "print_mgmt_spool"
_FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)

_TYPES = {
    **dict.fromkeys(("number", "copies", "copy", "place", "attempts"), "integer"),
    **dict.fromkeys(("size", "fence"), "bigint"),
    **dict.fromkeys(("accepted", "ended", "due", "expires"), "double precision"),
    **dict.fromkeys(("repeatable", "collated", "confirmed"), "boolean"),
}


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}" {_TYPES.get(name, "text")} NOT NULL' for name in names)


def _quoted(names: Sequence[str], table: str = "") -> str:
    return ", ".join(f'{table}"{name}"' for name in names)


def _marks(count: int, first: int = 1) -> str:
    return ", ".join(f"${number}" for number in range(first, first + count))


_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS job (
    row bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, films integer NOT NULL, changed xid8 NOT NULL,
    {_columns(JOB)}, UNIQUE ("SOPInstanceUID"));
CREATE INDEX IF NOT EXISTS job_changed ON job (changed);
CREATE TABLE IF NOT EXISTS film (job bigint NOT NULL REFERENCES job, {_columns(FILM)}, PRIMARY KEY (id));
CREATE INDEX IF NOT EXISTS film_job ON film (job, number);
CREATE INDEX IF NOT EXISTS film_state ON film (state, ended);
CREATE TABLE IF NOT EXISTS delivery (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, film text NOT NULL REFERENCES film ON DELETE CASCADE,
    job bigint NOT NULL, urgency integer NOT NULL, {_columns(DELIVERY[1:])});
CREATE INDEX IF NOT EXISTS delivery_next ON delivery (destination, state, urgency, job, place);
CREATE INDEX IF NOT EXISTS delivery_film ON delivery (film);
CREATE INDEX IF NOT EXISTS delivery_leased ON delivery (expires) WHERE state = 'delivering';
CREATE TABLE IF NOT EXISTS chunk (
    film text NOT NULL REFERENCES film ON DELETE CASCADE, number integer NOT NULL, data bytea NOT NULL,
    PRIMARY KEY (film, number));
ALTER TABLE chunk ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE SEQUENCE IF NOT EXISTS fence;
"""  # EXTERNAL: pixels are not compressed, which would take longer than the disk

Connection: TypeAlias = Any  # asyncpg's, which have no types


class PostgresSpool:
    """A `Spool` in a database, such as ``postgresql://user@host/films``.

    ``clock`` returns seconds for leases and delays; by default the database's clock does. ``step`` is called at named
    steps; tests use it to fail there.
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
        self._dsn = dsn
        self._clock = clock
        self._step = step
        self._owner = str(int.from_bytes(os.urandom(4)) >> 1)
        self._pool: asyncpg.Pool[Any] | None = None
        self._stack = AsyncExitStack()
        self._listens = asyncio.Event()
        self._notice = Notice()
        self._totals = (0, 0)

    async def __aenter__(self) -> Self:
        if self._pool is not None:
            raise LocalProtocolError("the spool is open already")
        try:
            async with AsyncExitStack() as stack:
                pool = asyncpg.create_pool(self._dsn, min_size=1, max_size=_CONNECTIONS)
                self._pool = await stack.enter_async_context(pool)
                async with self._transaction() as db:
                    await db.execute("SELECT pg_advisory_xact_lock($1)", _SCHEMA_LOCK)
                    await db.execute(_SCHEMA)
                listening = asyncio.create_task(self._listen())
                stack.push_async_callback(_stop, listening)
                await self._listens.wait()
                await self._recover()
                self._stack = stack.pop_all()
        except (*_FAILURES, SpoolError) as exc:
            self._pool = None
            raise SpoolError(f"the spool cannot be opened: {exc}") from exc
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()
        self._pool = None

    async def _listen(self) -> None:
        """Hold the advisory lock of this spool, and pass on the notices of others; connect again if necessary."""
        while True:
            with suppress(*_FAILURES):
                connection = await asyncpg.connect(self._dsn)
                try:
                    await connection.execute("SELECT pg_advisory_lock($1, $2)", _ALIVE, int(self._owner))
                    await connection.add_listener(_CHANNEL, lambda *_: self._notice.give())
                    self._listens.set()
                    ended = asyncio.Event()
                    connection.add_termination_listener(lambda _, ended=ended: ended.set())
                    self._notice.give()
                    await ended.wait()
                    _log.warning("the connection to the database of the spool has ended")
                finally:
                    connection.terminate()
            await asyncio.sleep(_PAUSE)

    async def _recover(self) -> None:
        """End the leases of processes that no longer live."""
        async with self._transaction() as db:
            rows = await db.fetch(
                "SELECT objid::text FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                _ALIVE,
            )
            alive = [owner for (owner,) in rows]
            ended = await db.fetch(
                "SELECT film, id FROM delivery WHERE state = $1 AND owner <> ALL($2)", FilmState.DELIVERING, alive
            )
        for film_id, delivery in ended:
            await self._expire(film_id, delivery, "its worker was killed")
        await self._count()

    # --- helpers ---

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        """Run a transaction. Raises `SpoolError` if the database fails."""
        if self._pool is None:
            raise LocalProtocolError("the spool is not open: use it in `async with`")
        try:
            async with self._pool.acquire() as db, db.transaction():
                yield db
                self._step("commit")
        except _FAILURES as exc:
            raise SpoolError(f"the database of the spool has failed: {exc}") from exc

    async def _now(self, db: Connection) -> float:
        """Return the time on the clock of leases and delays."""
        if self._clock is not None:
            return self._clock()
        return float(await db.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8"))

    async def _films(self, db: Connection, where: str, *values: object, limit: int | None = None) -> list[FilmRecord]:
        """Return the films of a condition with their deliveries, the oldest first."""
        columns = _quoted(FILM, "film.")
        rows = await db.fetch(
            f'SELECT job."SOPInstanceUID", {columns} FROM film JOIN job ON job.row = film.job '
            f"WHERE {where} ORDER BY film.job, film.number LIMIT {'ALL' if limit is None else int(limit)}",
            *values,
        )
        ids = [row["id"] for row in rows]
        found = await db.fetch(f"SELECT film, {_quoted(DELIVERY)} FROM delivery WHERE film = ANY($1) ORDER BY id", ids)
        deliveries: dict[str, list[Any]] = {film_id: [] for film_id in ids}
        for film_id, *row in found:
            deliveries[film_id].append(delivery_of(row))
        return [film_of(job, row, tuple(deliveries[row[FILM.index("id")]])) for job, *row in rows]

    async def _film(self, db: Connection, film_id: str) -> FilmRecord:
        films = await self._films(db, "film.id = $1", film_id)
        if not films:
            raise NoSuchFilm(f"there is no film {film_id!a}")
        return films[0]

    async def _change(self, film_id: str, change: Callable[[FilmRecord, int, bool], FilmRecord]) -> FilmRecord:
        """Change a film in a transaction of its own; ``change`` gets the film, the films of its job, and collated."""
        async with self._transaction() as db:
            await db.execute("SELECT id FROM film WHERE id = $1 FOR UPDATE", film_id)
            film = await self._film(db, film_id)
            row = await db.fetchrow('SELECT films, collated FROM job WHERE "SOPInstanceUID" = $1', film.job)
            return await self._save(db, film, change(film, row["films"], row["collated"]))

    async def _save(self, db: Connection, before: FilmRecord, after: FilmRecord) -> FilmRecord:
        """Store a changed film, whose row is locked; the status of its job follows."""
        if after.state in ENDED and before.state not in ENDED:
            after = replace(after, ended=time.time())
        row = await db.fetchrow(
            'SELECT row, "ExecutionStatus", "ExecutionStatusInfo" FROM job WHERE "SOPInstanceUID" = $1 FOR UPDATE',
            after.job,
        )
        await db.execute(
            'UPDATE film SET state = $1, ended = $2, printer = $3, "PrintPriority" = $4 WHERE id = $5',
            after.state,
            after.ended,
            after.printer,
            after.PrintPriority,
            after.id,
        )
        kept = {delivery.id: delivery for delivery in before.deliveries}
        for delivery in after.deliveries:
            if not delivery.id:
                await self._insert_deliveries(db, after, row["row"], [delivery])
            elif kept.pop(delivery.id) != delivery:
                sets = ", ".join(f'"{name}" = ${number}' for number, name in enumerate(DELIVERY[1:], 2))
                await db.execute(f"UPDATE delivery SET {sets} WHERE id = $1", *astuple(delivery))
        await db.execute("DELETE FROM delivery WHERE id = ANY($1)", list(kept))
        if after.PrintPriority != before.PrintPriority:
            await db.execute("UPDATE delivery SET urgency = $1 WHERE film = $2", RANKS[after.PrintPriority], after.id)
        status = execution_status(await self._films(db, "film.job = $1", row["row"]), row["ExecutionStatus"])
        if tuple(status) != (row["ExecutionStatus"], row["ExecutionStatusInfo"]):
            await db.execute(
                'UPDATE job SET "ExecutionStatus" = $1, "ExecutionStatusInfo" = $2, confirmed = false, '
                "changed = pg_current_xact_id() WHERE row = $3",
                *status,
                row["row"],
            )
        await db.execute("SELECT pg_notify($1, '')", _CHANNEL)
        return await self._film(db, after.id)

    async def _insert_deliveries(self, db: Connection, film: FilmRecord, job: int, deliveries: Sequence[Any]) -> None:
        names = ("film", "job", "urgency", *DELIVERY[1:])
        rows = [(film.id, job, RANKS.get(film.PrintPriority, 1), *astuple(one)[1:]) for one in deliveries]
        await db.executemany(f"INSERT INTO delivery ({_quoted(names)}) VALUES ({_marks(len(names))})", rows)

    async def _end_leases(self) -> None:
        """End the leases that have run out."""
        async with self._transaction() as db:
            now = await self._now(db)
            rows = await db.fetch(
                "SELECT film, id FROM delivery WHERE state = $1 AND expires <= $2", FilmState.DELIVERING, now
            )
        for film_id, delivery in rows:
            await self._expire(film_id, delivery, "the lease of its worker has ended", now)

    async def _expire(self, film_id: str, delivery: int, why: str, now: float | None = None) -> None:
        """End a lease, unless somebody else just did, or prolonged it."""

        def end(film: FilmRecord, *_: object) -> FilmRecord:
            current = next((one for one in film.deliveries if one.id == delivery), None)
            if (
                current is None
                or current.state is not FilmState.DELIVERING
                or (now is not None and current.expires > now)
            ):
                return film
            return expired(film, delivery, why)

        await self._change(film_id, end)

    # --- intake ---

    async def accept(self, job: PrintJob, targets: Sequence[Target] = (), *, hold: str = "") -> tuple[str, ...]:
        """Store a job, as `Intake.accept` says."""
        await self._count()
        size = sum(film.nbytes for film in job.films)
        if self._totals[0] + len(job.films) > self.limits.films or self.room.free - size < self.limits.least:
            raise SpoolFull(f"the spool has {self._totals[0]} films of {self._totals[1]} bytes")
        if not job.CreationDate:
            now = datetime.now()
            job.CreationDate, job.CreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
        records = film_records(job, job_key(), targets, hold)
        try:
            files = [
                await asyncio.to_thread(_chunks, film, job, record)
                for film, record in zip(job.films, records, strict=True)
            ]
        except DimseError as exc:
            raise SpoolError(f"the films cannot be stored: {exc}") from exc
        try:
            await self._insert(job, records, files)
        except SpoolError:
            if not await self._has(job, records):
                raise
        self._step("accepted")
        self._notice.give()
        return tuple(record.id for record in records)

    async def _insert(self, job: PrintJob, records: Sequence[FilmRecord], files: Sequence["_File"]) -> None:
        async with self._transaction() as db:
            for record, file in zip(records, files, strict=True):
                record = replace(record, size=file.size, checksum=file.checksum)
                if record.number == 1:
                    names = ("films", *JOB)
                    row = await db.fetchval(
                        f"INSERT INTO job (changed, {_quoted(names)}) "
                        f"VALUES (pg_current_xact_id(), {_marks(len(names))}) RETURNING row",
                        len(records),
                        *job_values(job),
                    )
                await db.execute(
                    f"INSERT INTO film (job, {_quoted(FILM)}) VALUES ({_marks(len(FILM) + 1)})",
                    row,
                    *(getattr(record, name) for name in FILM),
                )
                await self._insert_deliveries(db, record, row, record.deliveries)
                self._step("write")
                rows = [(record.id, number, data) for number, data in enumerate(file.chunks)]
                await db.copy_records_to_table("chunk", records=rows, columns=("film", "number", "data"))
            await db.execute("SELECT pg_notify($1, '')", _CHANNEL)
        self._step("committed")

    async def _has(self, job: PrintJob, records: Sequence[FilmRecord]) -> bool:
        """Return whether a job was stored although its commit has failed: the connection may have broken after it."""
        for _ in range(_TRIES):
            try:
                async with self._transaction() as db:
                    return await db.fetchval("SELECT 1 FROM film WHERE id = $1", records[0].id) is not None
            except SpoolError:
                await asyncio.sleep(_PAUSE)
        _log.error("nobody knows whether Print Job %s was stored: it is refused", escaped(job.SOPInstanceUID))
        return False

    async def _count(self) -> None:
        async with self._transaction() as db:
            self._totals = tuple(await db.fetchrow("SELECT count(*), coalesce(sum(size), 0)::bigint FROM film"))

    async def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return a Print Job without its films."""
        await self._end_leases()
        async with self._transaction() as db:
            row = await db.fetchrow(
                f'SELECT {_quoted(JOB)} FROM job WHERE "SOPInstanceUID" = $1 AND NOT confirmed', SOPInstanceUID
            )
        return None if row is None else job_of(row)

    async def confirm(self, SOPInstanceUID: str) -> None:
        """Note that the client knows the end of a job."""
        async with self._transaction() as db:
            await db.execute('UPDATE job SET confirmed = true WHERE "SOPInstanceUID" = $1', SOPInstanceUID)

    async def news(self, after: int | None = None, *, wait: float = 0.0) -> News:
        """Return the jobs whose status changed."""
        deadline = time.monotonic() + wait
        while True:
            seen = self._notice.count
            await self._end_leases()
            async with self._transaction() as db:
                upto = int(await db.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
                rows = await db.fetch(
                    f"SELECT {_quoted(JOB)} FROM job WHERE changed >= $1::text::xid8 AND changed < $2::text::xid8 "
                    "ORDER BY changed",
                    str(upto if after is None else after),
                    str(upto),
                )
            left = deadline - time.monotonic()
            if rows or left <= 0 or after is None:
                return News(upto, tuple(map(job_of, rows)))
            await self._notice.wait(seen, min(left, _POLL))

    @property
    def room(self) -> Room:
        """The room for more films: of the limit of bytes, because the disk is that of the database."""
        free = max(self.limits.size - self._totals[1], 0)
        return Room(free, free < self.limits.low, free < self.limits.least)

    # --- deliveries ---

    async def lease(
        self, destination: str, seconds: float, *, wait: float = 0.0, at_once: int | None = None
    ) -> Lease | None:
        """Lease the next film for a destination."""
        deadline = time.monotonic() + wait
        while True:
            seen = self._notice.count
            await self._end_leases()
            film = await self._leased(destination, seconds, at_once)
            if film is not None:
                self._step("leased")
                return latest_lease(film)
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            await self._notice.wait(seen, min(left, _POLL))

    async def _leased(self, destination: str, seconds: float, at_once: int | None) -> FilmRecord | None:
        """Lease a film; if the worker is canceled meanwhile, give it back."""
        leasing = asyncio.ensure_future(self._lease(destination, seconds, at_once))
        try:
            return await asyncio.shield(leasing)
        except asyncio.CancelledError:
            film = await leasing
            if film is not None:
                await self.settle(latest_lease(film), Later(reason="its worker has stopped"))
            raise

    async def _lease(self, destination: str, seconds: float, at_once: int | None) -> FilmRecord | None:
        async with self._transaction() as db:
            now = await self._now(db)
            if at_once is not None:
                await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", destination)
                count = await db.fetchval(
                    "SELECT count(*) FROM delivery WHERE destination = $1 AND state = $2",
                    destination,
                    FilmState.DELIVERING,
                )
                if count >= at_once:
                    return None
            while True:
                row = await db.fetchrow(
                    "SELECT one.id, one.film FROM delivery one JOIN film ON film.id = one.film "
                    "WHERE one.destination = $1 AND one.state = $2 AND one.due <= $3 "
                    "ORDER BY one.urgency, one.job, one.place LIMIT 1 FOR UPDATE OF film SKIP LOCKED",
                    destination,
                    FilmState.QUEUED,
                    now,
                )
                if row is None:
                    return None
                film = await self._film(db, row["film"])  # it may have changed until it was locked
                delivery = next((one for one in film.deliveries if one.id == row["id"]), None)
                if delivery is not None and delivery.state is FilmState.QUEUED and delivery.due <= now:
                    break
            fence = await db.fetchval("SELECT nextval('fence')")
            after = leased(film, delivery.id, fence=fence, owner=self._owner, expires=now + seconds)
            return await self._save(db, film, after)

    async def renew(self, lease: Lease, seconds: float) -> Lease:
        """Prolong a lease."""
        await self._end_leases()
        async with self._transaction() as db:
            await db.execute("SELECT id FROM film WHERE id = $1 FOR UPDATE", lease.film.id)
            now = await self._now(db)
            settled(await self._film(db, lease.film.id), lease.delivery, Later(), now)  # raises StaleLease
            delivery = replace(lease.delivery, expires=now + seconds)
            await db.execute("UPDATE delivery SET expires = $1 WHERE id = $2", delivery.expires, delivery.id)
        return replace(lease, delivery=delivery)

    async def settle(self, lease: Lease, outcome: Outcome) -> FilmRecord:
        """Say what became of a delivery."""
        self._step("settle")
        await self._end_leases()
        async with self._transaction() as db:
            now = await self._now(db)
        film = await self._change(lease.film.id, lambda film, *_: settled(film, lease.delivery, outcome, now))
        self._step("settled")
        self._notice.give()
        return film

    async def film(self, film_id: str) -> FilmCopy:
        """Return a stored film."""
        record = await self.show(film_id)
        try:
            return await self._read(film_id, record.checksum)
        except CorruptFilm as exc:
            await self._condemn(film_id, exc)
            raise

    async def _read(self, film_id: str, checksum: str) -> FilmCopy:
        async with self._transaction() as db:
            rows = await db.fetch("SELECT data FROM chunk WHERE film = $1 ORDER BY number", film_id)
        data = b"".join(row["data"] for row in rows)
        if (await asyncio.to_thread(hashlib.sha256, data)).hexdigest() != checksum:
            raise CorruptFilm(f"film {film_id}: its bytes do not have the checksum of the film that was accepted")
        return (await asyncio.to_thread(read_film, data))[0]

    async def _condemn(self, film_id: str, exc: CorruptFilm) -> None:
        _log.error("film %s is damaged: %s", film_id, escaped(str(exc)))
        await self._change(film_id, lambda film, *_: lost(film, str(exc)))
        self._notice.give()

    async def media_loaded(self, destination: str) -> int:
        """Queue the films again that wait for media of a destination."""
        async with self._transaction() as db:
            rows = await db.fetch(
                "SELECT DISTINCT film FROM delivery WHERE destination = $1 AND state = $2",
                destination,
                FilmState.WAITING,
            )
        for (film_id,) in rows:
            await self._change(film_id, lambda film, *_: media_loaded(film, destination))
        self._notice.give()
        return len(rows)

    # --- operations ---

    async def list(
        self, *, states: Collection[FilmState] = (), printer: str = "", limit: int | None = None
    ) -> tuple[FilmRecord, ...]:
        """Return the films in some states and of a printer."""
        await self._end_leases()
        async with self._transaction() as db:
            where = "(cardinality($1::text[]) = 0 OR film.state = ANY($1)) AND ($2 = '' OR film.printer = $2)"
            return tuple(await self._films(db, where, [str(state) for state in states], printer, limit=limit))

    async def show(self, film_id: str) -> FilmRecord:
        """Return a film."""
        await self._end_leases()
        async with self._transaction() as db:
            return await self._film(db, film_id)

    async def change(self, film_id: str, action: Action) -> FilmRecord:
        """Do what an operator wants with a film."""
        await self._end_leases()
        film = await self._change(
            film_id, lambda film, films, collated: changed(film, action, films=films, collated=collated)
        )
        self._notice.give()
        return film

    # --- upkeep ---

    async def purge(
        self, *, age: float | None = None, count: int | None = None, size: int | None = None
    ) -> tuple[str, ...]:
        """Remove films that have ended."""
        films = sorted(await self.list(states=ENDED), key=lambda film: film.ended)
        await self._count()
        total, used = self._totals
        removed = []
        for film in films:
            is_old = age is not None and time.time() - film.ended > age
            if not (is_old or (count is not None and total > count) or (size is not None and used > size)):
                continue
            if await self._forget(film.id):
                total, used = total - 1, used - film.size
                removed.append(film.id)
        self._totals = total, used
        return tuple(removed)

    async def _forget(self, film_id: str) -> bool:
        """Remove a film that has still ended, and its job with its last film."""
        async with self._transaction() as db:
            row = await db.fetchrow(
                "SELECT job FROM film WHERE id = $1 AND state = ANY($2) FOR UPDATE",
                film_id,
                [str(state) for state in ENDED],
            )
            if row is None:
                return False
            await db.execute("SELECT row FROM job WHERE row = $1 FOR UPDATE", row["job"])
            await db.execute("DELETE FROM film WHERE id = $1", film_id)
            await db.execute(
                "DELETE FROM job WHERE row = $1 AND NOT EXISTS (SELECT 1 FROM film WHERE job = $1)", row["job"]
            )
            return True

    async def verify(self) -> Verified:
        """Read all films; the deliveries of damaged ones fail."""
        right, damaged = 0, []
        async with self._transaction() as db:
            rows = await db.fetch("SELECT id, checksum, state FROM film ORDER BY job, number")
        for film_id, checksum, state in rows:
            try:
                await self._read(film_id, checksum)
            except CorruptFilm as exc:
                if state != FilmState.FAILED:
                    await self._condemn(film_id, exc)
                damaged.append(film_id)
            else:
                right += 1
        return Verified(right, tuple(damaged))


class _File(NamedTuple):
    """The bytes of a film in rows."""

    chunks: list[bytes]
    size: int
    checksum: str


def _chunks(film: FilmCopy, job: PrintJob, record: FilmRecord) -> _File:
    digest, chunks, buffer = hashlib.sha256(), [], bytearray()
    for piece in stored_pieces(film, job, record):
        view = memoryview(piece).cast("B")
        digest.update(view)
        while len(view):
            part = view[: _CHUNK - len(buffer)]
            buffer += part
            view = view[len(part) :]
            if len(buffer) == _CHUNK:
                chunks.append(bytes(buffer))
                buffer.clear()
    chunks.append(bytes(buffer))
    return _File(chunks, sum(map(len, chunks)), digest.hexdigest())


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
