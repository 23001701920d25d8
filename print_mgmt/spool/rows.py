"""Jobs, films and deliveries as rows of a database: the names of the columns, and conversions to and from records.

A database may be damaged, or edited by hand, and SQLite stores any type in any column. So each value is checked when a
row is read.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from dimse.errors import EncodeError, LocalProtocolError, escaped, shown

from ..jobs import PrintJob
from ..status import check_execution_status_info
from .records import (
    CHECKSUM,
    FILM_ID,
    MAX_COPIES,
    MAX_SIZE,
    MAX_TIME,
    DamagedRow,
    Delivery,
    FilmRecord,
    NoSuchFilm,
    SpoolError,
)
from .states import WITHOUT_DELIVERIES, FilmState, film_state

__all__ = [
    "DAMAGE",
    "DELIVERY",
    "FILM",
    "JOB",
    "MAX_NUMBER",
    "RANKS",
    "VERSION",
    "DamageLog",
    "Report",
    "check_state",
    "check_version",
    "decoded",
    "delivery_of",
    "file_of",
    "film_of",
    "intact_jobs",
    "job_of",
    "job_values",
    "number_of",
    "whole_film_of",
    "whole_job_of",
]

_log = logging.getLogger("print_mgmt.spool")

VERSION = 1  # the version of the tables, also of tables without a recorded version

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
MAX_NUMBER = 1 << 53  # above any size or counter, and far below the limit of a database: no counter reaches it


# If a change to a film raises one of these, a row is damaged. `LocalProtocolError`: the film's state contradicts its
# deliveries.
DAMAGE = (DamagedRow, NoSuchFilm, LocalProtocolError)


Report = Callable[[object, DamagedRow], object]  # gets the id of a film with a damaged row, and the damage


class DamageLog:
    """The log of films that are skipped because a row is damaged. Each damage is logged once."""

    def __init__(self) -> None:
        self._logged: set[str] = set()

    def report(self, film_id: object, damage: Exception) -> None:
        """Log the damage that was found when a film was to be changed, unless it was logged before."""
        self._log(f"film {shown(film_id)} is skipped until the index is repaired: {escaped(str(damage))}")

    def report_row(self, damage: Exception) -> None:
        """Log the damage of the row of a job or a counter, unless it was logged before."""
        self._log(escaped(str(damage)))

    def _log(self, line: str) -> None:
        if line not in self._logged:
            self._logged.add(line)
            _log.error("%s", line)


class _Kind(NamedTuple):
    """A kind of values, described by ``what``: ``read`` returns a value for a record, or raises ValueError."""

    what: str
    read: Callable[[Any], Any]


class _Column(NamedTuple):
    """A column of a table."""

    name: str
    kind: _Kind


def _text_kind(what: str, pattern: "re.Pattern[str] | None" = None) -> _Kind:
    """Return the kind of texts that match ``pattern``; without a pattern, of all texts."""

    def read(value: Any) -> str:
        if type(value) is not str or (pattern is not None and not pattern.fullmatch(value)):
            raise ValueError
        value.encode()  # raises UnicodeEncodeError, a ValueError, for a lone surrogate: see `decoded`
        return value

    return _Kind(what, read)


def _number_kind(limit: int) -> _Kind:
    """Return the kind of whole numbers from 0 to ``limit``."""

    def read(value: Any) -> int:
        if type(value) is not int or not 0 <= value <= limit:
            raise ValueError
        return value

    return _Kind(f"a whole number from 0 to {limit}", read)


def _read_flag(value: Any) -> bool:
    if not isinstance(value, int) or value not in (0, 1):
        raise ValueError
    return bool(value)


def _time_kind(limit: int) -> _Kind:
    """Return the kind of times from 0 to ``limit`` seconds."""

    def read(value: Any) -> float:
        if type(value) not in (int, float) or not 0 <= value <= limit:  # NaN is not in the range either
            raise ValueError
        return float(value)

    return _Kind(f"a time from 0 to {limit} seconds", read)


_BY_TYPE: dict[Any, _Kind] = {
    str: _text_kind("a text"),
    int: _number_kind(MAX_NUMBER),
    float: _time_kind(MAX_NUMBER),
    bool: _Kind("0 or 1", _read_flag),
    FilmState: _Kind(f"one of the states {', '.join(FilmState)}", FilmState),
}
_COPIES = {"copies": _number_kind(MAX_COPIES)}
_FILM_KINDS = {
    "id": _text_kind("the id of a film", FILM_ID),
    "checksum": _text_kind("a SHA-256 in hexadecimal digits", CHECKSUM),
    **dict.fromkeys(("accepted", "ended"), _time_kind(MAX_TIME)),
    "size": _number_kind(MAX_SIZE),
    **_COPIES,
}


def _columns_of(kind: type, names: Iterable[str], special: dict[str, _Kind]) -> tuple[_Column, ...]:
    """Return columns with the names and types of fields of the dataclass ``kind``, except for ``special`` ones."""
    types = {one.name: one.type for one in fields(kind)}
    return tuple(_Column(name, special.get(name) or _BY_TYPE[types[name]]) for name in names)


_DELIVERY = _columns_of(Delivery, DELIVERY, _COPIES)
_FILM = _columns_of(FilmRecord, FILM, _FILM_KINDS)
_FILE = _columns_of(FilmRecord, ("id", "checksum", "state"), _FILM_KINDS)
_JOB = _columns_of(PrintJob, JOB, _COPIES)


def _read_row(table: str, columns: Sequence[_Column], row: Sequence[Any]) -> dict[str, Any]:
    """Return the values of a row by name; the first column identifies the row. Raises `DamagedRow`."""
    values = {}
    for (name, kind), value in zip(columns, row, strict=True):
        try:
            values[name] = kind.read(value)
        except ValueError as exc:
            why = f"{name} is {shown(value)}, not {kind.what}"
            raise DamagedRow(f"the index is damaged: {table} {shown(row[0])}: {why}") from exc
    return values


def check_version(what: str, version: object) -> None:
    """Raise `SpoolError` if the tables of ``what``, an index, have another version than `VERSION`."""
    if version != VERSION:
        raise SpoolError(
            f"{what} has version {shown(version)}, but this program knows only version {VERSION}: use the program that"
            " made it, or a newer one"
        )


def delivery_of(row: Sequence[Any]) -> Delivery:
    """Return the delivery from a row that has the columns ``DELIVERY``. Raises `DamagedRow`."""
    return Delivery(**_read_row("delivery", _DELIVERY, row))


def film_of(job: str, row: Sequence[Any], deliveries: tuple[Delivery, ...]) -> FilmRecord:
    """Return the film from a row that has the columns ``FILM``; ``job`` is the SOP Instance UID of its Print Job.

    Raises `DamagedRow`.
    """
    values = _read_row("film", _FILM, row)
    if type(job) is not str:
        raise DamagedRow(f"the index is damaged: film {shown(row[0])}: its job is missing, or has no SOP Instance UID")
    if values["id"].partition(".")[2] != str(values["number"]):
        raise DamagedRow(f"the index is damaged: film {shown(row[0])}: number is {values['number']}, not as in the id")
    return FilmRecord(job=job, deliveries=deliveries, **values)


def check_state(film: FilmRecord) -> None:
    """Raise `DamagedRow` if the state of a film is not the one that follows from its deliveries."""
    wanted = (film_state({one.state for one in film.deliveries}),) if film.deliveries else WITHOUT_DELIVERIES
    if film.state not in wanted:
        words = f"it is {film.state}, but its deliveries make it {' or '.join(wanted)}"
        raise DamagedRow(f"the index is damaged: film {film.id}: {words}")


def decoded(text: bytes) -> str:
    """Return a text of SQLite, which may have any bytes. Those that are not UTF-8 become lone surrogates."""
    return text.decode("utf-8", "surrogateescape")


def file_of(row: Sequence[Any]) -> tuple[str, str, FilmState]:
    """Return the id, the checksum and the state of a film from a row with these columns. Raises `DamagedRow`."""
    values = _read_row("film", _FILE, row)
    return values["id"], values["checksum"], values["state"]


def job_of(row: Sequence[Any]) -> PrintJob:
    """Return the job, without its films, from a row that has the columns ``JOB``. Raises `DamagedRow`."""
    values = _read_row("job", _JOB, row)
    try:
        check_execution_status_info(values["ExecutionStatus"], values["ExecutionStatusInfo"])
    except EncodeError as exc:
        raise DamagedRow(f"the index is damaged: job {shown(row[0])}: {exc}") from exc
    return PrintJob(films=(), **values)


def intact_jobs(rows: Iterable[Sequence[Any]], damage: DamageLog) -> Iterator[PrintJob]:
    """Yield the jobs from rows that have the columns ``JOB``. A damaged row is logged and left out."""
    for row in rows:
        try:
            yield job_of(row)
        except DamagedRow as exc:
            damage.report_row(exc)


def number_of(what: str, value: object) -> float:
    """Return a number from the database, such as a counter or a sum. Raises `DamagedRow` for any other value."""
    if not isinstance(value, int | float) or not 0 <= value <= MAX_NUMBER:
        raise DamagedRow(f"the index is damaged: {what} is {shown(value)}, not a number from 0 to {MAX_NUMBER}")
    return value


def whole_film_of(film: Sequence[Any], rows: Sequence[Sequence[Any]]) -> FilmRecord:
    """Return a film from its row and the rows of its deliveries.

    The row of the film begins with the number of its job's row and the SOP Instance UID of the job; the row of a
    delivery begins with the number of its job's row and its own id. In a LEFT JOIN, a film without deliveries has one
    row with the id None. Raises `DamagedRow`.
    """
    found = [row for row in rows if row[1] is not None]
    made = film_of(film[1], film[2:], tuple(delivery_of(row[1:]) for row in found))
    for job, delivery_id, *_ in found:
        if job != film[0]:
            raise DamagedRow(f"the index is damaged: delivery {delivery_id}: job is {shown(job)}, not {film[0]}")
    check_state(made)
    return made


def whole_job_of(row: Sequence[Any]) -> tuple[int, PrintJob]:
    """Return the revision and the job from a row with the number of films, the revision and ``JOB``.

    Raises `DamagedRow`.
    """
    films, revision, *values = row
    job = job_of(values)
    for name, value in (("films", films), ("revision", revision)):
        if type(value) is not int:
            raise DamagedRow(
                f"the index is damaged: job {shown(values[0])}: {name} is {shown(value)}, not a whole number"
            )
        number_of(f"job {shown(values[0])}: {name}", value)
    return revision, job


def job_values(job: PrintJob) -> list[Any]:
    """Return the values of the columns ``JOB`` for a job."""
    return [getattr(job, name) for name in JOB]
