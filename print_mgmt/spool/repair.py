"""Finds damaged rows of the index of the embedded spool, and rebuilds them from the film files.

Only jobs with a damaged row change. Their films with intact rows stay as they are. The rows of their other films are
rebuilt from the files, as in `rebuild`: a film is done if its file is in ``ended``, and is otherwise queued only where
a second delivery is harmless. A damaged row of a film that has no file, or a damaged one, is removed. A job with a file
that cannot be read now, because of its permissions or the disk, stays as it is.
"""

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from dimse.errors import escaped, shown

from ..jobs import PrintJob
from .film_folder import FilmFolder, NotAFile
from .index import Index
from .job_status import execution_status, print_priority
from .protocol import DamagedFilm, Repaired, Survey
from .rebuild import as_done, as_doubtful, stored_record
from .records import FILM_ID, CorruptFilm, DamagedRow, FilmRecord, job_key_of, reason_of
from .rows import JOB, MAX_NUMBER, whole_job_of

__all__ = ["repair", "survey"]

_log = logging.getLogger("print_mgmt.spool")
_KEY = 16  # characters with which the ids of all films of a job begin
_File = tuple[str, str, bool]  # id and checksum of a film, and whether its file is in ``ended``


def survey(index: Index, files: FilmFolder) -> Survey:
    """Return the intact and the damaged films; a film whose job has a damaged row counts as damaged."""
    found: dict[str, str] = {}

    def report(film_id: object, damage: object) -> None:
        found.setdefault(_name(film_id), escaped(str(damage)))

    checksums = {**dict(files.film_files(files.ended)), **dict(files.film_files(files.films))}
    films = index.films("1", skipped=report)
    for film_id in _strangers(films):
        report(film_id, f"the index is damaged: film {film_id}: job is the number of another job")
    for film in films:
        if checksums.get(film.id, film.checksum) != film.checksum:
            report(film.id, f"the index is damaged: film {film.id}: checksum is not the one in the name of its file")
    latest = index.revision()
    for number, *row in index.db.execute(f"SELECT number, films, revision, {', '.join(JOB)} FROM job").fetchall():
        try:
            revision, _ = whole_job_of(row)
            if revision > latest:
                raise DamagedRow(
                    f"the index is damaged: job {shown(row[2])}: revision is {revision}, after the latest, {latest}"
                )
        except DamagedRow as exc:
            for (film_id,) in index.db.execute("SELECT id FROM film WHERE job = ?", (number,)).fetchall():
                report(film_id, exc)
    for delivery, lost in _orphans(index, "id, film"):
        report(lost, f"the index is damaged: delivery {delivery}: its film is missing")
    damaged = tuple(DamagedFilm(*one) for one in sorted(found.items()))
    return Survey(tuple(film for film in films if film.id not in found), damaged)


def _strangers(films: Iterable[FilmRecord]) -> Iterator[str]:
    """Yield the ids of the films whose rows name the job of other films.

    The ids of the films of a job begin with the same key. If the films that name a job have several keys, the keys of
    the films with deliveries are right, because the deliveries name the job, too.
    """
    jobs: dict[str, list[FilmRecord]] = {}
    for film in films:
        jobs.setdefault(film.job, []).append(film)
    for members in jobs.values():
        keys = {job_key_of(film.id) for film in members}
        proven = {job_key_of(film.id) for film in members if film.deliveries} if len(keys) > 1 else keys
        yield from (film.id for film in members if job_key_of(film.id) not in proven)


def _name(film_id: object) -> str:
    """Return the id of a film as text, even if a damaged row has another value in its place."""
    return film_id if isinstance(film_id, str) and _is_id(film_id) else shown(film_id)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and FILM_ID.fullmatch(value) is not None


def _orphans(index: Index, columns: str) -> list[tuple[object, ...]]:
    """Return columns of the deliveries without a film."""
    where = "film NOT IN (SELECT id FROM film)"
    return index.db.execute(f"SELECT {columns} FROM delivery WHERE {where}").fetchall()


def repair(index: Index, files: FilmFolder) -> Repaired:
    """Repair all jobs with damaged rows, except for those with a file that cannot be read, which is logged."""
    damaged = {film.id for film in survey(index, files).damaged}
    keys = {job_key_of(film_id) for film_id in damaged if _is_id(film_id)} | _lost_keys(index, files)
    for (job,) in _orphans(index, "job"):
        films = index.db.execute("SELECT id FROM film WHERE job = ?", (job,)).fetchall()
        keys |= {job_key_of(film_id) for (film_id,) in films if _is_id(film_id)}
    found: dict[str, list[_File]] = {key: [] for key in keys}
    for folder in (files.films, files.ended):
        for film_id, checksum in files.film_files(folder):
            if job_key_of(film_id) in found:
                found[job_key_of(film_id)].append((film_id, checksum, folder == files.ended))
    before = index.ids()
    repaired: set[str] = set()
    unreadable: set[str] = set()  # keys of jobs
    for key in sorted(found):
        try:
            repaired.update(_repair_job(index, files, key, found[key], damaged))
        except OSError as exc:
            _log.error("a film cannot be read, and the rows of its job are not repaired: %s", reason_of(exc))
            unreadable.add(key)
    _remove_leftovers(index, unreadable)
    after = index.ids()
    # Also the films whose own rows were intact, but which counted as damaged because of another row of their job
    repaired |= {one for one in damaged.intersection(after) if job_key_of(one) not in unreadable}
    restored = sorted(repaired)
    removed = tuple(sorted(map(_name, before - after)))
    if restored or removed:
        _log.warning("the index was repaired; films restored: %d, removed: %d", len(restored), len(removed))
    return Repaired(tuple(restored), removed)


def _lost_keys(index: Index, files: FilmFolder) -> set[str]:
    """Return the keys of the jobs in the index that have a film with a file, but without a row."""
    keys, present = set(), files.ids()
    for film_id, checksum in files.unindexed_films(index.ids):
        try:
            job, _, _ = stored_record(files, film_id, checksum)
        except CorruptFilm:
            continue
        except OSError as exc:
            _log.error("film %s cannot be read: %s", film_id, reason_of(exc))
            continue
        if index.lacks_films(job.SOPInstanceUID, present):
            keys.add(job_key_of(film_id))
    return keys


def _repair_job(
    index: Index, files: FilmFolder, key: str, found: Iterable[_File], damaged: Collection[str]
) -> list[str]:
    """Rebuild the rows of a job; return the ids of the films whose rows come from their files.

    Raises OSError if a file cannot be read; the rows are then unchanged.
    """
    where, values = "substr(film.id, 1, ?) = ?", (_KEY + 1, f"{key}.")
    films = {film.id: film for film in index.films(where, values, skipped=_ignore)}
    job, restored = None, []
    for film_id, checksum, has_ended in found:
        try:
            job, _, record = stored_record(files, film_id, checksum)
        except (CorruptFilm, NotAFile):
            files.move_to_quarantine(film_id, checksum)
            continue
        if film_id not in films or films[film_id].checksum != checksum:
            films[film_id] = as_done(record) if has_ended else as_doubtful(record)
            restored.append(film_id)
    numbers = [number for (number,) in index.db.execute(f"SELECT DISTINCT job FROM film WHERE {where}", values)]
    if job is None:  # no film of the job can be printed any more
        gone = [row[0] for row in index.db.execute(f"SELECT id FROM film WHERE {where}", values) if row[0] in damaged]
        for film_id in gone:
            index.remove(film_id)
        return []
    job.ExecutionStatus, job.ExecutionStatusInfo = execution_status(films.values())
    job.PrintPriority = print_priority(films.values(), job.PrintPriority)
    job.confirmed = _is_confirmed(index, job)
    numbers += [number for (number,) in index.db.execute("SELECT number FROM job WHERE SOPInstanceUID = ?", _uid(job))]
    index.db.execute("DELETE FROM delivery WHERE substr(film, 1, ?) = ?", values)
    index.db.execute("DELETE FROM film WHERE substr(id, 1, ?) = ?", values)
    index.db.execute("DELETE FROM job WHERE SOPInstanceUID = ?", _uid(job))
    for number in numbers:
        index.db.execute("DELETE FROM job WHERE number = ? AND number NOT IN (SELECT job FROM film)", (number,))
    kept = (replace(film, job=job.SOPInstanceUID) for film in films.values())
    index.add(job, sorted(kept, key=lambda film: film.number), number=_free_number(index, numbers))
    return restored


def _ignore(_film_id: object, _damage: DamagedRow) -> None:
    """Leave a damaged row out."""


def _uid(job: PrintJob) -> tuple[str]:
    return (job.SOPInstanceUID,)


def _is_confirmed(index: Index, job: PrintJob) -> bool:
    """Return whether the client has confirmed the end of a job with the status that the job has now."""
    where = "SOPInstanceUID = ? AND ExecutionStatus = ? AND ExecutionStatusInfo = ?"
    values = (job.SOPInstanceUID, job.ExecutionStatus, job.ExecutionStatusInfo)
    row = index.db.execute(f"SELECT confirmed FROM job WHERE {where}", values).fetchone()
    return row is not None and row[0] == 1


def _free_number(index: Index, numbers: Iterable[object]) -> int | None:
    """Return the first of ``numbers`` that no job uses: with it, the repaired job keeps its place in the queue."""
    for number in numbers:
        if isinstance(number, int) and 0 < number < MAX_NUMBER:
            taken = "SELECT 1 FROM job WHERE number = ? UNION SELECT 1 FROM film WHERE job = ?"
            if index.db.execute(taken, (number, number)).fetchone() is None:
                return number
    return None


def _remove_leftovers(index: Index, kept: Collection[str]) -> None:
    """Remove films with an invalid id, films without a job, deliveries without a film, and jobs without films.

    The films without a job whose ids begin with one of the keys ``kept`` stay.
    """
    for film_id in index.ids():
        if not _is_id(film_id):
            index.remove(film_id)
    lost = index.db.execute("SELECT id FROM film WHERE job NOT IN (SELECT number FROM job)").fetchall()
    gone = [(film_id,) for (film_id,) in lost if job_key_of(film_id) not in kept]
    index.db.executemany("DELETE FROM film WHERE id = ?", gone)
    index.db.execute("DELETE FROM delivery WHERE film NOT IN (SELECT id FROM film)")
    index.db.execute("DELETE FROM job WHERE number NOT IN (SELECT job FROM film)")
