"""The tables of the spool in PostgreSQL, and the operations on their rows inside a transaction."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from typing import Any, NamedTuple, TypeAlias

from ..jobs import PrintJob
from .film_file import split_pieces
from .job_status import execution_status, print_priority
from .records import DamagedRow, Delivery, FilmRecord, NoSuchFilm, check_film_id
from .rows import (
    DELIVERY,
    FILM,
    JOB,
    RANKS,
    VERSION,
    Report,
    check_state,
    check_version,
    delivery_of,
    film_of,
    job_values,
)
from .states import ENDED, FilmState

__all__ = [
    "CHUNK_COLUMNS",
    "Connection",
    "FilmBytes",
    "quarantine",
    "create_tables",
    "film_record",
    "film_bytes",
    "insert_film",
    "insert_job",
    "lock_job",
    "next_delivery",
    "quoted",
    "save",
    "stored_records",
]

CHUNK_COLUMNS = ("film", "number", "data")  # the columns of the table chunk
_CHUNK_SIZE = 1 << 20  # bytes of a film in one row of the table chunk

_CREATION = 0x21310000  # key of the advisory lock that is held while the tables are created

Connection: TypeAlias = Any  # a connection of asyncpg, which has no type hints

_TYPES = {
    **dict.fromkeys(("number", "copies", "copy", "place", "attempts"), "integer"),
    **dict.fromkeys(("size", "fence"), "bigint"),
    **dict.fromkeys(("accepted", "ended", "due", "expires"), "double precision"),
    **dict.fromkeys(("repeatable", "collated", "confirmed"), "boolean"),
    "abandoned": "integer DEFAULT 0",  # older programs, which share the version of the tables, do not know it
}


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}" {_TYPES.get(name, "text")} NOT NULL' for name in names)


def quoted(names: Sequence[str], table: str = "") -> str:
    """Return a list of column names for SQL; ``table`` is a prefix such as ``film.``."""
    return ", ".join(f'{table}"{name}"' for name in names)


def placeholders(count: int, first: int = 1) -> str:
    """Return a list of parameters for SQL, such as ``$1, $2``."""
    return ", ".join(f"${number}" for number in range(first, first + count))


_SCHEMA = f"""
CREATE TABLE job (
    row bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, films integer NOT NULL, changed xid8 NOT NULL,
    {_columns(JOB)}, UNIQUE ("SOPInstanceUID"));
CREATE INDEX job_changed ON job (changed);
CREATE TABLE film (job bigint NOT NULL REFERENCES job, {_columns(FILM)}, PRIMARY KEY (id));
CREATE INDEX film_job ON film (job, number);
CREATE INDEX film_state ON film (state, ended);
CREATE TABLE delivery (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, film text NOT NULL REFERENCES film ON DELETE CASCADE,
    job bigint NOT NULL, urgency integer NOT NULL, {_columns(DELIVERY[1:])});
CREATE INDEX delivery_next ON delivery (destination, state, urgency, job, place);
CREATE INDEX delivery_film ON delivery (film);
CREATE INDEX delivery_leased ON delivery (expires) WHERE state = 'delivering';
CREATE TABLE chunk (
    film text NOT NULL REFERENCES film ON DELETE CASCADE, number integer NOT NULL, data bytea NOT NULL,
    PRIMARY KEY (film, number));
ALTER TABLE chunk ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE TABLE quarantine (
    film text NOT NULL, number integer NOT NULL, data bytea NOT NULL, since timestamptz NOT NULL DEFAULT now());
CREATE SEQUENCE fence;
CREATE TABLE spool_version (number integer NOT NULL);
INSERT INTO spool_version VALUES ({VERSION});
"""  # EXTERNAL: pixels are not compressed, because that would take longer than writing them


_HAS_ABANDONED = """
SELECT 1 FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = 'delivery' AND column_name = 'abandoned'"""


async def create_tables(db: Connection) -> None:
    """Create the tables, unless they exist. Raises `SpoolError` for tables of another version.

    The caller must have begun a transaction: the lock against other processes lasts until the transaction ends.

    Of existing tables, only one is changed, and only if it lacks a column. Even CREATE INDEX IF NOT EXISTS locks its
    table and waits for transactions of other processes; as these lock tables in another order, a deadlock would be
    possible if a transaction changed two tables.
    """
    await db.execute("SELECT pg_advisory_xact_lock($1)", _CREATION)
    if not await _exists(db, "fence"):
        await db.execute(_SCHEMA)
        return
    if await _exists(db, "spool_version"):  # tables without it have version 1
        check_version("the index", await db.fetchval("SELECT max(number) FROM spool_version"))
    if await db.fetchval(_HAS_ABANDONED) is None:
        await db.execute(f"ALTER TABLE delivery ADD COLUMN {_columns(['abandoned'])}")


async def _exists(db: Connection, name: str) -> bool:
    """Return whether the current schema has a table or a sequence of this name."""
    found = await db.fetchval("SELECT to_regclass(quote_ident(current_schema()) || '.' || $1)", name)
    return found is not None


async def stored_records(
    db: Connection,
    where: str,
    *values: object,
    limit: int | None = None,
    lock: bool = False,
    checked: bool = False,
    skipped: Report | None = None,
) -> list[FilmRecord]:
    """Return the films that meet the SQL condition ``where``, with their deliveries, the oldest first.

    ``skipped`` gets the id and the error of each film with a damaged row; without it, `DamagedRow` is raised.
    ``lock`` locks the films. With ``lock`` or ``checked``, a film whose state contradicts its deliveries counts as
    damaged, too; ``checked`` needs a transaction that sees films and deliveries as they were at one moment.
    """
    columns = quoted(FILM, "film.")
    rows = await db.fetch(
        f'SELECT job."SOPInstanceUID", {columns} FROM film JOIN job ON job.row = film.job '
        f"WHERE {where} ORDER BY film.job, film.number LIMIT {'ALL' if limit is None else int(limit)}"
        f"{' FOR UPDATE OF film' if lock else ''}",
        *values,
    )
    ids = [row["id"] for row in rows]
    found = await db.fetch(f"SELECT film, {quoted(DELIVERY)} FROM delivery WHERE film = ANY($1) ORDER BY id", ids)
    deliveries: dict[str, list[Any]] = {film_id: [] for film_id in ids}
    for film_id, *row in found:
        deliveries[film_id].append(row)
    films = []
    for film_id, (job, *row) in zip(ids, rows, strict=True):
        try:
            film = film_of(job, row, tuple(map(delivery_of, deliveries[film_id])))
            if lock or checked:
                check_state(film)
        except DamagedRow as exc:
            if skipped is None:
                raise
            skipped(film_id, exc)
        else:
            films.append(film)
    return films


async def film_record(db: Connection, film_id: str, *, lock: bool = False) -> FilmRecord:
    """Return a film with its deliveries; ``lock`` locks its row. Raises `NoSuchFilm`, and `DamagedRow`."""
    check_film_id(film_id)
    films = await stored_records(db, "film.id = $1", film_id, lock=lock)
    if not films:
        raise NoSuchFilm(f"there is no film {film_id!a}")
    return films[0]


async def next_delivery(db: Connection, destination: str, now: float, without: Sequence[str]) -> tuple[str, int] | None:
    """Lock the film of the next delivery to a destination; return the ids of the film and of the delivery.

    Films that another transaction has locked, and the films ``without``, are skipped. Return None if no delivery is due
    at the time ``now``. The film may have changed just before it was locked: read it again.
    """
    row = await db.fetchrow(
        "SELECT one.id, one.film FROM delivery one JOIN film ON film.id = one.film "
        "WHERE one.destination = $1 AND one.state = $2 AND one.due <= $3 AND one.film <> ALL($4) "
        "ORDER BY one.urgency, one.job, one.place LIMIT 1 FOR UPDATE OF film SKIP LOCKED",
        destination,
        FilmState.QUEUED,
        now,
        without,
    )
    return None if row is None else (row["film"], row["id"])


async def save(db: Connection, before: FilmRecord, after: FilmRecord) -> FilmRecord:
    """Replace the stored film ``before``, whose row must be locked, by ``after``, and return the film.

    Update the status and the priority of its job, too. Raises `DamagedRow` if the row of another film of the job is
    damaged.
    """
    if after.state in ENDED and before.state not in ENDED:
        after = replace(after, ended=time.time())
    columns = quoted(("row", "films", "PrintPriority", "ExecutionStatus", "ExecutionStatusInfo"))
    row = await db.fetchrow(f'SELECT {columns} FROM job WHERE "SOPInstanceUID" = $1 FOR UPDATE', after.job)
    await db.execute(
        'UPDATE film SET state = $1, ended = $2, printer = $3, "PrintPriority" = $4 WHERE id = $5',
        after.state,
        after.ended,
        after.printer,
        after.PrintPriority,
        after.id,
    )
    removed = {delivery.id: delivery for delivery in before.deliveries}
    for delivery in after.deliveries:
        if not delivery.id:
            await insert_deliveries(db, after, row["row"], [delivery])
        elif removed.pop(delivery.id) != delivery:
            sets = ", ".join(f'"{name}" = ${number}' for number, name in enumerate(DELIVERY[1:], 2))
            await db.execute(f"UPDATE delivery SET {sets} WHERE id = $1", *astuple(delivery))
    if removed:
        await db.execute("DELETE FROM delivery WHERE id = ANY($1)", list(removed))
    if after.PrintPriority != before.PrintPriority:
        await db.execute("UPDATE delivery SET urgency = $1 WHERE film = $2", RANKS[after.PrintPriority], after.id)
    films = [after] if row["films"] == 1 else await stored_records(db, "film.job = $1", row["row"])
    await _update_job(db, row, films)
    await db.execute("NOTIFY print_mgmt_spool")
    has_new = any(not delivery.id for delivery in after.deliveries)
    return await film_record(db, after.id) if has_new else after


async def _update_job(db: Connection, row: Any, films: Sequence[FilmRecord]) -> None:
    """Derive the status and the priority of a job, given its row, from its films."""
    priority, status = print_priority(films, row["PrintPriority"]), execution_status(films, row["ExecutionStatus"])
    if priority != row["PrintPriority"]:
        await db.execute('UPDATE job SET "PrintPriority" = $1 WHERE row = $2', priority, row["row"])
    if tuple(status) != (row["ExecutionStatus"], row["ExecutionStatusInfo"]):
        await db.execute(
            'UPDATE job SET "ExecutionStatus" = $1, "ExecutionStatusInfo" = $2, confirmed = false, '
            "changed = pg_current_xact_id() WHERE row = $3",
            *status,
            row["row"],
        )


async def insert_deliveries(db: Connection, film: FilmRecord, job_row: int, deliveries: Sequence[Delivery]) -> None:
    """Insert deliveries of a film; ``job_row`` is the number of the row of its job."""
    names = ("film", "job", "urgency", *DELIVERY[1:])
    urgency = RANKS.get(film.PrintPriority, 1)
    rows = [(film.id, job_row, urgency, *astuple(delivery)[1:]) for delivery in deliveries]
    await db.executemany(f"INSERT INTO delivery ({quoted(names)}) VALUES ({placeholders(len(names))})", rows)


async def insert_job(db: Connection, job: PrintJob, films: int) -> int:
    """Insert a job, and return the number of its row. Until the transaction ends, it holds the lock `lock_job`."""
    names = ("films", *JOB)
    row: int = await db.fetchval(
        f"INSERT INTO job (changed, {quoted(names)}) "
        f"VALUES (pg_current_xact_id(), {placeholders(len(names))}) "
        'RETURNING row, pg_advisory_xact_lock(hashtextextended("SOPInstanceUID", 0))',
        films,
        *job_values(job),
    )
    return row


async def lock_job(db: Connection, SOPInstanceUID: str) -> None:
    """Wait until no transaction that inserts this job is under way, and lock the job until this transaction ends."""
    await db.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", SOPInstanceUID)


async def insert_film(db: Connection, film: FilmRecord, job_row: int) -> None:
    """Insert a film with its deliveries, without its bytes."""
    await db.execute(
        f"INSERT INTO film (job, {quoted(FILM)}) VALUES ({placeholders(len(FILM) + 1)})",
        job_row,
        *(getattr(film, name) for name in FILM),
    )
    await insert_deliveries(db, film, job_row, film.deliveries)


async def quarantine(db: Connection, film_id: str) -> None:
    """Put the bytes of a damaged film into quarantine, where no purge removes them."""
    await db.execute(
        "WITH gone AS (DELETE FROM chunk WHERE film = $1 RETURNING film, number, data) "
        "INSERT INTO quarantine (film, number, data) SELECT film, number, data FROM gone",
        film_id,
    )


class FilmBytes(NamedTuple):
    """The bytes of a film, given in pieces."""

    pieces: Sequence[bytes | memoryview]
    size: int
    checksum: str

    def rows(self, film_id: str) -> Iterator[tuple[str, int, bytes]]:
        """Yield the rows of the table ``chunk``, each with the next `_CHUNK_SIZE` bytes.

        The last row has fewer bytes, or none.
        """
        number, buffer = 0, bytearray()
        for part in split_pieces(self.pieces, _CHUNK_SIZE):
            left = part
            while left:
                more = left[: _CHUNK_SIZE - len(buffer)]
                buffer += more
                left = left[len(more) :]
                if len(buffer) == _CHUNK_SIZE:
                    yield film_id, number, bytes(buffer)
                    number += 1
                    buffer.clear()
        yield film_id, number, bytes(buffer)


def film_bytes(pieces: Sequence[bytes | memoryview]) -> FilmBytes:
    """Return the content of a film with its size and checksum."""
    digest, size = hashlib.sha256(), 0
    for part in split_pieces(pieces, _CHUNK_SIZE):
        digest.update(part)
        size += len(part)
    return FilmBytes(pieces, size, digest.hexdigest())
