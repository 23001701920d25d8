"""Finds damaged rows of the index in PostgreSQL, and rebuilds them from the bytes of the films.

The database checks types and references, so only values can be damaged. Each film is repaired in its own transaction.
"""

import hashlib
from collections.abc import Sequence

from dimse.errors import escaped

from ..jobs import PrintJob
from .job_status import execution_status, print_priority
from .postgres_tables import Connection, insert_deliveries, quarantine, quoted, stored_records
from .protocol import DamagedFilm, Survey
from .rebuild import as_doubtful, record_in
from .records import CHECKSUM, CorruptFilm, DamagedRow, FilmRecord
from .rows import FILM, JOB, job_of, job_values

__all__ = ["repair_film", "survey"]

_STATUS = ("ExecutionStatus", "ExecutionStatusInfo")
_ROW = "SELECT job, checksum FROM film WHERE id = $1 FOR UPDATE"
_CONFIRMED = 'SELECT confirmed FROM job WHERE row = $1 AND "ExecutionStatus" = $2 AND "ExecutionStatusInfo" = $3'
_READ = "SELECT data FROM chunk WHERE film = $1 ORDER BY number"


async def survey(db: Connection) -> Survey:
    """Return all films, intact or damaged; a film whose job has a damaged row counts as damaged.

    This must be the first query in the transaction of ``db``, because it sets the isolation level.
    """
    found: dict[str, str] = {}

    def report(film_id: object, damage: DamagedRow) -> None:
        found.setdefault(str(film_id), escaped(str(damage)))

    await db.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    films = await stored_records(db, "true", checked=True, skipped=report)
    for number, *row in await db.fetch(f"SELECT row, {quoted(JOB)} FROM job"):
        try:
            job_of(row)
        except DamagedRow as exc:
            for (film_id,) in await db.fetch("SELECT id FROM film WHERE job = $1", number):
                report(film_id, exc)
    damaged = tuple(DamagedFilm(*one) for one in sorted(found.items()))
    return Survey(tuple(film for film in films if film.id not in found), damaged)


async def repair_film(db: Connection, film_id: str) -> bool:
    """Rebuild the rows of a film and of its job from the bytes of the film; return whether the film is in the spool.

    If these bytes are damaged, too, put them into quarantine, and remove the row of the film. The job then gets its
    status from its other films; if it has none, its row is removed, too.
    """
    row = await db.fetchrow(_ROW, film_id)
    if row is None:  # it was removed in the meantime
        return False
    number, checksum = row
    try:
        job, _, record = await _read_record(db, film_id, checksum)
    except CorruptFilm:
        await quarantine(db, film_id)
        await db.execute("DELETE FROM film WHERE id = $1", film_id)
        await db.execute("DELETE FROM job WHERE row = $1 AND NOT EXISTS (SELECT 1 FROM film WHERE job = $1)", number)
        if films := await stored_records(db, "film.job = $1", number, skipped=_ignore):
            status = execution_status(films)
            known = await _is_confirmed(db, number, status)
            await _update_job(db, number, (*_STATUS, "confirmed"), (*status, known))
        return False
    if not await stored_records(db, "film.id = $1", film_id, lock=True, skipped=_ignore):
        await _replace_film(db, number, as_doubtful(record))  # the film may have been delivered already
    films = await stored_records(db, "film.job = $1", number, skipped=_ignore)
    job.ExecutionStatus, job.ExecutionStatusInfo = status = execution_status(films)
    job.PrintPriority = print_priority(films, job.PrintPriority)
    job.confirmed = await _is_confirmed(db, number, status)
    await _update_job(db, number, JOB, job_values(job))
    return True


async def _read_record(db: Connection, film_id: str, checksum: str) -> tuple[PrintJob, int, FilmRecord]:
    """Return the job, the number of its films, and the record of a film, from the bytes of the film.

    Raises `CorruptFilm`, also if ``checksum`` has the form of a checksum, but is not the one of these bytes.
    """
    data = bytearray()
    async for row in db.cursor(_READ, film_id, prefetch=4):
        data += row["data"]
    found = hashlib.sha256(data).hexdigest()
    if CHECKSUM.fullmatch(checksum) and found != checksum:
        raise CorruptFilm(f"film {film_id}: the checksum of its bytes differs from the accepted film's")
    return record_in(memoryview(data).toreadonly(), film_id, found)


async def _is_confirmed(db: Connection, number: int, status: Sequence[str]) -> bool:
    """Return whether the client has confirmed the end of a job with the status that the job has now."""
    return await db.fetchval(_CONFIRMED, number, *status) is True


async def _update_job(db: Connection, number: int, columns: Sequence[str], values: Sequence[object]) -> None:
    sets = ", ".join(f'"{name}" = ${place}' for place, name in enumerate(columns, 1))
    await db.execute(
        f"UPDATE job SET {sets}, changed = pg_current_xact_id() WHERE row = ${len(columns) + 1}", *values, number
    )


async def _replace_film(db: Connection, number: int, film: FilmRecord) -> None:
    await db.execute("DELETE FROM delivery WHERE film = $1", film.id)
    sets = ", ".join(f'"{name}" = ${place}' for place, name in enumerate(FILM, 1))
    await db.execute(
        f"UPDATE film SET {sets} WHERE id = ${len(FILM) + 1}", *(getattr(film, name) for name in FILM), film.id
    )
    await insert_deliveries(db, film, number, film.deliveries)


def _ignore(_film_id: object, _damage: DamagedRow) -> None:
    """Leave a damaged row out."""
