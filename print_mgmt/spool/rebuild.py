"""Rebuilds a damaged or missing index of the embedded spool from the film files.

The files show which films were accepted, for which destinations, and which films have ended; a film that was canceled
counts as done. The files do not show which deliveries of the other films have been made. So these films are queued only
for destinations where a second delivery is harmless. For all other destinations they become indeterminate, unless they
were held when they were accepted; in both cases, an operator decides.

A file that cannot be read now, because of its permissions or the disk, stays where it is. Its film gets a damaged row,
without a job, so that no later start takes it for a new film; `repair` rebuilds the row once the file can be read.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from dimse.errors import escaped
from dimse.files import sync_folder

from ..jobs import PrintJob
from .acceptance import record_of
from .film_file import read_film
from .film_folder import FilmFolder, NotAFile
from .index import TABLES, Index, open_index
from .job_status import execution_status
from .records import CorruptFilm, FilmRecord, SpoolError, reason_of
from .states import FilmState, film_state

__all__ = ["as_done", "as_doubtful", "open_or_rebuild", "record_in", "stored_record"]

_log = logging.getLogger("print_mgmt.spool")
_SUFFIXES = ("", "-wal", "-shm")  # the ends of the names of the files of an index
_DOUBT = "the index of the spool was damaged: the film may have been delivered already"


def open_or_rebuild(path: Path, files: FilmFolder, is_open_elsewhere: Callable[[], bool]) -> sqlite3.Connection:
    """Open the index at ``path``; rebuild it if it is damaged or missing.

    ``is_open_elsewhere`` returns whether another process has the spool open. Raises OSError, sqlite3.Error, and
    `SpoolError` if the index has an unknown version, or is damaged while another process has the spool open.
    """
    try:
        if files.ids() and not _has_tables(path):
            raise sqlite3.DatabaseError("the file is missing, or lacks a table")
        return open_index(path)
    except sqlite3.OperationalError:  # the index is locked, or cannot be read; that is not damage
        raise
    except sqlite3.DatabaseError as exc:
        if is_open_elsewhere():
            raise SpoolError(
                f"the index of the spool {escaped(str(path.parent))} is damaged ({exc}), and another process has it"
                " open: stop all processes with this spool, then start again"
            ) from exc
        return _rebuild(path, files, exc)


def _has_tables(path: Path) -> bool:
    """Return whether an index exists and has all of its tables. Raises sqlite3.DatabaseError for a damaged file.

    If films are stored, an index that lacks a table is damaged: no power failure causes that.
    """
    if not path.exists() or not path.stat().st_size:
        return False
    with closing(sqlite3.connect(path)) as connection:
        found = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return found >= TABLES


def _rebuild(path: Path, files: FilmFolder, why: Exception) -> sqlite3.Connection:
    """Rename a damaged index, and return a connection to a new one. Raises OSError and sqlite3.Error.

    ``why`` is the error that showed the damage. The new index gets its name only when it is complete: after a
    crash, films that an incomplete index lacks would be taken for new ones, and queued.
    """
    draft = path.with_name(f"{path.name}.new")
    for suffix in _SUFFIXES:
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)
    unreadable: list[tuple[str, str]] = []
    jobs = _stored_jobs(files, unreadable)
    with closing(open_index(draft)) as connection:
        _insert_jobs(connection, jobs, unreadable)
        connection.execute("PRAGMA journal_mode=DELETE")  # the index is then one file, without a write-ahead log
    files.step("rebuild")
    aside = path.with_name(f"index.{time.time_ns()}.damaged")
    kept = [suffix for suffix in _SUFFIXES if path.with_name(path.name + suffix).exists()]
    for suffix in kept:  # the index before its log: after a crash, an index alone would look intact, but lack changes
        path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
        files.step("rebuild: aside")
    draft.replace(path)
    sync_folder(path.parent)
    count = sum(len(films) for _, _, films in jobs)
    films_text = f"{count} film{'' if count == 1 else 's'}"
    what = "the damaged index" if "" in kept else "the log of the damaged index"  # a killed rebuild kept the index
    where = f"; {what} is kept as {escaped(str(aside) + kept[0])}" if kept else ""
    _log.error("the index was damaged (%s) and has been rebuilt: %s%s", why, films_text, where)
    return open_index(path)


def _insert_jobs(
    connection: sqlite3.Connection,
    jobs: list[tuple[PrintJob, int, list[FilmRecord]]],
    unreadable: Iterable[tuple[str, str]],
) -> None:
    index = Index(connection)
    connection.execute("BEGIN IMMEDIATE")
    for job, expected, films in jobs:
        checked = _hold_if_incomplete(films, expected)
        job.ExecutionStatus, job.ExecutionStatusInfo = execution_status(checked)
        index.add(job, checked)
    for film_id, checksum in unreadable:
        index.add_unreadable(film_id, checksum)
    connection.execute("COMMIT")


def _stored_jobs(files: FilmFolder, unreadable: list[tuple[str, str]]) -> list[tuple[PrintJob, int, list[FilmRecord]]]:
    """Return the jobs of all film files, the oldest first: the job, the number of its films, and the films found.

    The id and checksum of each film whose file cannot be read are added to ``unreadable``.
    """
    jobs: dict[str, tuple[PrintJob, int, list[FilmRecord]]] = {}
    found = [(True, *one) for one in files.film_files(files.ended)]
    found += [(False, *one) for one in files.film_files(files.films)]
    for has_ended, film_id, checksum in sorted(found, key=lambda one: one[1]):
        try:
            job, expected, record = stored_record(files, film_id, checksum)
        except (CorruptFilm, NotAFile):
            files.move_to_quarantine(film_id, checksum)
            continue
        except OSError as exc:
            _log.error("film %s cannot be read, and needs print-mgmt spool repair: %s", film_id, reason_of(exc))
            unreadable.append((film_id, checksum))
            continue
        _, _, films = jobs.setdefault(job.SOPInstanceUID, (job, expected, []))
        films.append(as_done(record) if has_ended else as_doubtful(record))
    return list(jobs.values())


def stored_record(files: FilmFolder, film_id: str, checksum: str) -> tuple[PrintJob, int, FilmRecord]:
    """Return a film as it was accepted: its job, the number of films of the job, and its record.

    Raises `CorruptFilm` if the file is damaged, and OSError.
    """
    return record_in(files.read(film_id, checksum), film_id, checksum)


def record_in(data: bytes | memoryview, film_id: str, checksum: str) -> tuple[PrintJob, int, FilmRecord]:
    """Return the job, the number of its films, and the record of a film, from its bytes. Raises `CorruptFilm`."""
    film, description = read_film(data)
    try:
        job, records = record_of(film_id, film, description)
        record = next(record for record in records if record.id == film_id)
    except (KeyError, TypeError, ValueError, StopIteration) as exc:
        raise CorruptFilm(f"film {film_id}: its description is damaged") from exc
    return job, len(records), replace(record, size=len(data), checksum=checksum)


def as_done(record: FilmRecord) -> FilmRecord:
    """Return the record of a film whose file is in the folder of ended films: every delivery counts as done."""
    done = tuple(replace(delivery, state=FilmState.DONE, reason="") for delivery in record.deliveries)
    return replace(record, deliveries=done, state=film_state({FilmState.DONE}), ended=time.time())


def as_doubtful(record: FilmRecord) -> FilmRecord:
    """Return the record of a film that may have been delivered: it is queued only where a second delivery is harmless.

    A film that was accepted without destinations may have got destinations later, so it is not routed again.
    """
    if not record.deliveries:
        return replace(record, state=FilmState.INDETERMINATE)
    deliveries = tuple(
        delivery
        if delivery.repeatable or delivery.state is FilmState.HELD
        else replace(delivery, state=FilmState.INDETERMINATE, info="CHECK PRINTER", reason=_DOUBT)
        for delivery in record.deliveries
    )
    return replace(record, deliveries=deliveries, state=film_state({one.state for one in deliveries}))


def _hold_if_incomplete(films: list[FilmRecord], expected: int) -> list[FilmRecord]:
    """Return the films of a job. If films are missing, hold queued deliveries: the job may never have been accepted."""
    if len(films) == expected:
        return films
    held = []
    for film in films:
        if not film.deliveries:
            held.append(film)
            continue
        deliveries = tuple(
            replace(one, state=FilmState.HELD, reason="other films of the job are missing")
            if one.state is FilmState.QUEUED
            else one
            for one in film.deliveries
        )
        held.append(replace(film, deliveries=deliveries, state=film_state({one.state for one in deliveries})))
    return held
