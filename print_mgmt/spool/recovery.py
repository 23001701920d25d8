"""The start of an embedded spool, which repairs the traces of killed processes and power failures.

A film is accepted once its file is on the disk; the rows of the index may get there later (`Committer`). After a power
failure, the rows of the last films may be missing. These films have not been delivered, because a lease is forced to
the disk together with all rows before it. So a job gets its rows again if all its films are on the disk and intact.
Other files without rows belong to jobs that were never accepted.
"""

import logging
from collections.abc import Collection
from functools import partial

from ..jobs import PrintJob
from .changes import fail_lost_film
from .doubt import log_abandoned
from .film_folder import FilmFolder
from .index import Index
from .job_status import execution_status
from .leases import end_those_of_others, restart_clock
from .rebuild import stored_record
from .records import CorruptFilm, FilmRecord, job_key_of, reason_of
from .states import ENDED

__all__ = ["recover"]

_log = logging.getLogger("print_mgmt.spool")

_Job = tuple[PrintJob, int, list[FilmRecord]]  # the job, the number of its films, and those that are intact


def recover(index: Index, files: FilmFolder, owners: Collection[str], now: float) -> None:
    """End the leases of all but the living ``owners``, and make index and files agree.

    ``now`` is the time on the clock of the spool. Films with a damaged row are left to `repair`. Raises OSError.
    """
    index.counters.restore()
    restart_clock(index, now)
    log_abandoned(end_those_of_others(index, owners))
    _accept_unindexed_films(index, files)
    present = files.ids()
    for film_id, checksum, state in index.files():
        if film_id in present or state in ENDED:
            continue
        if not files.path(film_id, checksum).exists():  # another process may have moved it while the folders were read
            _log.error("film %s: its file is missing", film_id)
            index.change_intact(film_id, partial(fail_lost_film, reason="its file is missing"))


def _accept_unindexed_films(index: Index, files: FilmFolder) -> None:
    """Accept the jobs whose films are all on the disk but not in the index; remove films of incomplete jobs."""
    found = files.unindexed_films(index.ids)
    accepted: set[str] = set()
    present = files.ids() if found else set()
    unreadable: set[str] = set()
    lost_rows: set[str] = set()  # films without a row under their id, although their job is in the index
    for job, expected, films in _read_jobs(files, found, unreadable):
        if index.lacks_films(job.SOPInstanceUID, present):
            lost_rows.update(film.id for film in films)
        elif len(films) == expected and not index.has_job(job.SOPInstanceUID):
            files.step("accept again")
            job.ExecutionStatus, job.ExecutionStatusInfo = execution_status(films)
            index.add(job, films)
            accepted.update(film.id for film in films)
    if lost_rows:
        _log.error("the index is damaged: it lacks films %s; see print-mgmt spool repair", ", ".join(sorted(lost_rows)))
    if accepted:
        _log.warning("the index lacked films that are on the disk; accepted now: %d", len(accepted))
    kept = accepted | lost_rows
    unfinished = [
        (film_id, checksum)
        for film_id, checksum in found
        if film_id not in kept and job_key_of(film_id) not in unreadable
    ]
    if unfinished:
        files.remove(unfinished)
        _log.info("films of unfinished jobs, which were never accepted; removed now: %d", len(unfinished))


def _read_jobs(files: FilmFolder, found: Collection[tuple[str, str]], unreadable: set[str]) -> list[_Job]:
    """Return the jobs of films that are given by id and checksum, the oldest first.

    If a film of a job cannot be read, the job's key (`job_key_of`) is added to ``unreadable``: the job stays on the
    disk until a later start can read it whole.
    """
    jobs: dict[str, _Job] = {}
    for film_id, checksum in found:
        try:
            job, expected, record = stored_record(files, film_id, checksum)
        except CorruptFilm:
            continue
        except OSError as exc:
            _log.error("film %s cannot be read and stays for the next start: %s", film_id, reason_of(exc))
            unreadable.add(job_key_of(film_id))
            continue
        jobs.setdefault(job.SOPInstanceUID, (job, expected, []))[2].append(record)
    return list(jobs.values())
