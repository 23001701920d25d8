"""Jobs, films and deliveries as rows of a database: the names of the columns, and conversions to and from records."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from dimse.errors import shown

from ..jobs import PrintJob
from .records import Delivery, FilmRecord, SpoolError
from .states import FilmState

__all__ = ["DELIVERY", "FILM", "JOB", "RANKS", "delivery_of", "film_of", "job_of", "job_values", "state_of"]

RANKS = {"HIGH": 0, "MED": 1, "LOW": 2}  # by Print Priority; the lowest rank is delivered first
DELIVERY = tuple(one.name for one in fields(Delivery))
FILM = tuple(one.name for one in fields(FilmRecord) if one.name not in ("job", "deliveries"))
JOB = (
    "SOPInstanceUID",
    "PrintPriority",
    "Originator",
    "host",
    "PrinterName",
    "FilmSessionLabel",
    "CreationDate",
    "CreationTime",
    "ExecutionStatus",
    "ExecutionStatusInfo",
    "copies",
    "collated",
    "confirmed",
)


def state_of(value: str) -> FilmState:
    """Return the state in a row. Raises `SpoolError` for a state that this version does not know."""
    try:
        return FilmState(value)
    except ValueError as exc:
        why = f"the index has a state {shown(value)}: another version of this program may have written it"
        raise SpoolError(why) from exc


def delivery_of(row: Sequence[Any]) -> Delivery:
    """Return the delivery from a row that has the columns ``DELIVERY``. Raises `SpoolError`."""
    values = dict(zip(DELIVERY, row, strict=True))
    states = {name: state_of(values[name]) for name in ("state", "afterwards")}
    return Delivery(**values | states | {"repeatable": bool(values["repeatable"])})


def film_of(job: str, row: Sequence[Any], deliveries: tuple[Delivery, ...]) -> FilmRecord:
    """Return the film from a row that has the columns ``FILM``; ``job`` is the SOP Instance UID of its Print Job."""
    values = dict(zip(FILM, row, strict=True))
    values["state"] = state_of(values["state"])
    return FilmRecord(job=job, deliveries=deliveries, **values)


def job_of(row: Sequence[Any]) -> PrintJob:
    """Return the job, without its films, from a row that has the columns ``JOB``."""
    values = dict(zip(JOB, row, strict=True))
    for flag in ("collated", "confirmed"):
        values[flag] = bool(values[flag])
    return PrintJob(films=(), **values)


def job_values(job: PrintJob) -> list[Any]:
    """Return the values of the columns ``JOB`` for a job."""
    return [getattr(job, name) for name in JOB]
