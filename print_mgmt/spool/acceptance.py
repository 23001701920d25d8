"""Converts a Print Job into stored films: ids, records and file contents."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ..jobs import PrintJob
from ..model import FilmCopy
from ..typed import text
from .changes import deliveries_of
from .film_file import film_pieces
from .records import MAX_COPIES, MAX_TIME, FilmRecord, SpoolError, Target, storable
from .rows import JOB
from .states import film_state

__all__ = ["film_records", "job_key", "record_of", "set_creation", "stored_pieces"]

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32
_TIME_DIGITS = 7  # digits of a key that hold the Unix time in seconds, until the year 3058
_RANDOM_DIGITS = 9  # digits of a key that hold 45 random bits
_MAX_FILMS = 9999  # films of a job: the number of a film in its id has at most four digits
_TEXTS = ("PrintPriority", "Originator", "host", "PrinterName", "FilmSessionLabel")
# The values of a job that are known at acceptance; all but the last two are texts
_JOB = tuple(name for name in JOB if name not in ("ExecutionStatus", "ExecutionStatusInfo", "confirmed"))


def job_key() -> str:
    """Return a new key for a job, the common start of its film ids. Keys sort by time."""
    seconds, random = int(time.time()), int.from_bytes(os.urandom(6))
    return _base32(seconds, _TIME_DIGITS) + _base32(random, _RANDOM_DIGITS)


def _base32(number: int, digits: int) -> str:
    return "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(digits)))


def set_creation(job: PrintJob) -> None:
    """Set Creation Date and Creation Time of a job to the local time, unless they are set."""
    if not job.CreationDate:
        now = datetime.now()
        job.CreationDate, job.CreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")


def film_records(job: PrintJob, key: str, targets: Sequence[Target], hold: str) -> list[FilmRecord]:
    """Return the records of the films of a job, with their deliveries. ``hold`` is the reason to hold them, if any.

    A text of ``job`` that a database cannot store, such as an AE title with bytes outside ISO 646, is escaped, also in
    ``job`` itself. Raises `SpoolError` for a job with too many films, or a number of copies that is not from 1 to
    `MAX_COPIES`.
    """
    if len(job.films) > _MAX_FILMS or not 1 <= job.copies <= MAX_COPIES:
        raise SpoolError(
            f"a job of {len(job.films)} films in {job.copies} copies; the limits are {_MAX_FILMS} and {MAX_COPIES}"
        )
    now = time.time()
    for name in _TEXTS:
        setattr(job, name, storable(getattr(job, name)))
    records = []
    for number, film in enumerate(job.films, 1):
        deliveries = deliveries_of(
            targets, number=number, films=len(job.films), copies=job.copies, collated=job.collated, hold=hold
        )
        records.append(
            FilmRecord(
                id=f"{key}.{number}",
                job=job.SOPInstanceUID,
                number=number,
                printer=job.PrinterName,
                PrintPriority=job.PrintPriority,
                Originator=job.Originator,
                host=job.host,
                FilmSessionLabel=job.FilmSessionLabel,
                FilmSizeID=film.sheet.FilmSizeID,
                MediumType=storable(text(film.film_session, "MediumType")),
                copies=job.copies,
                accepted=now,
                state=film_state({delivery.state for delivery in deliveries}),
                deliveries=deliveries,
            )
        )
    return records


def stored_pieces(film: FilmCopy, job: PrintJob, record: FilmRecord) -> list[bytes | memoryview]:
    """Return the content of the file of a film, in pieces; it includes the values that `record_of` needs.

    Raises EncodeError.
    """
    description: dict[str, Any] = {name: getattr(job, name) for name in _JOB}
    description |= {
        "films": len(job.films),
        "number": record.number,
        "accepted": record.accepted,
        "hold": next((delivery.reason for delivery in record.deliveries), ""),
        # Each target once, although each copy may have its own delivery
        "targets": [[one.destination, one.repeatable, bool(one.copy)] for one in record.deliveries if one.copy < 2],
    }
    return film_pieces(film, description)


def record_of(film_id: str, film: FilmCopy, description: dict[str, Any]) -> tuple[PrintJob, list[FilmRecord]]:
    """Return the job of a stored film, and the records of all films of that job, as they were at acceptance.

    The job has no films. The records of the other films get the Film Size ID and the Medium Type of ``film``. Raises
    KeyError, TypeError or ValueError for a description that `stored_pieces` did not write.
    """
    values: dict[str, Any] = {name: description[name] for name in _JOB}
    if not all(isinstance(values[name], str) and values[name] == storable(values[name]) for name in _JOB[:-2]):
        raise TypeError("the record of the Print Job has values that are not texts for a database")
    films = _check_whole(description["films"], _MAX_FILMS)
    _check_whole(values["copies"], MAX_COPIES)
    accepted = description["accepted"]
    if type(accepted) not in (int, float) or not 0 <= accepted <= MAX_TIME:
        raise ValueError(f"{accepted!r} is not the time of a film")
    accepted = float(accepted)  # only now: `float` cannot convert an integer of 400 digits
    job = PrintJob(films=(), **values)
    targets = [
        Target(destination=storable(str(name)), repeatable=bool(can), each_copy=bool(each))
        for name, can, each in description["targets"]
    ]
    job.films = (film,) * films
    records = film_records(job, film_id.partition(".")[0], targets, storable(str(description["hold"])))
    job.films = ()
    return job, [replace(record, accepted=accepted) for record in records]


def _check_whole(value: object, limit: int) -> int:
    """Return a whole number from 1 to ``limit``. Raises ValueError for any other value."""
    if type(value) is not int or not 1 <= value <= limit:
        raise ValueError(f"{value!r} is not a whole number from 1 to {limit}")
    return value
