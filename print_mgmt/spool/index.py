"""The index of the embedded spool: a SQLite database with a row for each job, film and delivery.

All methods block, and must be called by one thread, inside a transaction that the caller commits. Several processes may
open the same index. Methods for one film or job raise `DamagedRow` if it has a damaged row. Unless they say
otherwise, methods for several films or jobs skip the damaged ones, and log each once; `repair` restores them.
"""

import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import astuple, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from dimse.errors import escaped

from ..jobs import PrintJob
from .counters import Counters
from .job_status import execution_status, print_priority
from .records import MAX_SIZE, DamagedRow, Delivery, FilmRecord, NoSuchFilm, check_film_id, job_key_of, storable
from .rows import (
    DAMAGE,
    DELIVERY,
    FILM,
    JOB,
    MAX_NUMBER,
    RANKS,
    VERSION,
    DamageLog,
    Report,
    check_version,
    decoded,
    file_of,
    job_values,
    whole_film_of,
    whole_job_of,
)
from .states import ENDED, REMOVABLE, FilmState

__all__ = ["TABLES", "Index", "JobRow", "connect", "placeholders", "open_index"]

_BUSY = 30.0  # seconds to wait for a lock that another process holds
_PAGES = 1000  # pages of the write-ahead log (4 MiB) after which SQLite copies them into the database

TABLES = {"job", "film", "delivery", "counter"}
_FILM = ", ".join(f"film.{name}" for name in FILM)
_FILM_COLUMNS = len(FILM) + 2  # with the number and the SOP Instance UID of the job

# A column that older programs, which share the version of the tables, do not know
_ABANDONED = "abandoned NOT NULL DEFAULT 0"
_DELIVERY = (f"{name} NOT NULL" for name in DELIVERY if name not in ("id", "abandoned"))

_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, films INTEGER NOT NULL, revision INTEGER NOT NULL,
    {", ".join(f"{name} NOT NULL" for name in JOB)}, UNIQUE (SOPInstanceUID));
CREATE INDEX IF NOT EXISTS job_revision ON job (revision);
CREATE TABLE IF NOT EXISTS film (
    job INTEGER NOT NULL REFERENCES job, {", ".join(f"{name} NOT NULL" for name in FILM)}, PRIMARY KEY (id))
    WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS film_job ON film (job, number);
CREATE INDEX IF NOT EXISTS film_state ON film (state, ended);
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, film TEXT NOT NULL REFERENCES film, job INTEGER NOT NULL,
    urgency INTEGER NOT NULL, {", ".join(_DELIVERY)}, {_ABANDONED});
CREATE INDEX IF NOT EXISTS delivery_next ON delivery (destination, state, urgency, job, place);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (destination, state, due);
CREATE INDEX IF NOT EXISTS delivery_film ON delivery (film);
CREATE INDEX IF NOT EXISTS delivery_leased ON delivery (state, expires);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counter VALUES ('fence', 0), ('revision', 0), ('clock', 0);
"""


class JobRow(NamedTuple):
    """The values of a job that a change needs: the number of its row, the number of its films, the order of copies."""

    number: int
    films: int
    collated: bool


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to an index. Any thread may use it, but only one at a time. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None, check_same_thread=False)
    connection.text_factory = decoded
    return connection


def open_index(path: Path) -> sqlite3.Connection:
    """Open an index, and create missing tables.

    Raises sqlite3.Error, which is sqlite3.DatabaseError for a damaged file, and `SpoolError` for an unknown version.
    """
    connection = connect(path)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_PAGES}")
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        check_version(f"the index {escaped(str(path))}", version or VERSION)
        connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
        if "abandoned" not in {row[1] for row in connection.execute("PRAGMA table_info(delivery)")}:
            connection.execute(f"ALTER TABLE delivery ADD COLUMN {_ABANDONED}")
        if not version:  # a new index, or one from before versions were recorded
            connection.execute(f"PRAGMA user_version={VERSION}")
    except BaseException:
        connection.close()
        raise
    return connection


class Index:
    """The rows of a spool, in the database of ``connection``. Damage is logged in ``damage``, or a log of its own."""

    def __init__(self, connection: sqlite3.Connection, damage: DamageLog | None = None) -> None:
        self.db = connection
        self.damage = damage or DamageLog()
        self.counters = Counters(connection, self.damage)

    # --- jobs ---

    def add(self, job: PrintJob, films: Iterable[FilmRecord], *, number: int | None = None) -> None:
        """Insert a job with its films and their deliveries. Raises sqlite3.IntegrityError if the job exists already.

        ``number`` places the job among the others; by default, the job is the last.
        """
        made = tuple(films)
        values = job_values(job)
        cursor = self.db.execute(
            f"INSERT INTO job (number, films, revision, {', '.join(JOB)}) VALUES ({placeholders(len(JOB) + 3)})",
            (number or self._new_number("job", "number"), len(made), self.counters.next("revision"), *values),
        )
        for film in made:
            self._insert(film, cursor.lastrowid or 0)

    def _new_number(self, table: str, column: str) -> int:
        """Return a new number for a row. SQLite cannot choose one if a damaged row has the greatest possible number."""
        where = f"{column} BETWEEN 0 AND {MAX_NUMBER - 1}"
        (greatest,) = self.db.execute(f"SELECT max({column}) FROM {table} WHERE {where}").fetchone()
        return (greatest or 0) + 1

    def _insert(self, film: FilmRecord, job: int) -> None:
        self.db.execute(
            f"INSERT INTO film (job, {', '.join(FILM)}) VALUES ({placeholders(len(FILM) + 1)})",
            (job, *(getattr(film, name) for name in FILM)),
        )
        for delivery in film.deliveries:
            self._insert_delivery(film, job, delivery)

    def _insert_delivery(self, film: FilmRecord, job: int, delivery: Delivery) -> None:
        names = ("film", "job", "urgency", *DELIVERY)
        number, *values = astuple(delivery)
        number = number or self._new_number("delivery", "id")
        self.db.execute(
            f"INSERT INTO delivery ({', '.join(names)}) VALUES ({placeholders(len(names))})",
            (film.id, job, RANKS.get(film.PrintPriority, 1), number, *values),
        )

    def add_unreadable(self, film_id: str, checksum: str) -> None:
        """Insert a damaged row, without a job, for a film whose file cannot be read."""
        number = int(film_id.partition(".")[2])
        self._insert(FilmRecord(id=film_id, job="", number=number, printer="", checksum=checksum), 0)

    def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return a job without its films, or None if it does not exist or its end was confirmed."""
        rows = self._jobs("SOPInstanceUID = ? AND NOT confirmed", (SOPInstanceUID,))
        return next((whole_job_of(row)[1] for row in rows), None)

    def has_job(self, SOPInstanceUID: str) -> bool:
        """Return whether a job exists, even if its end was confirmed."""
        return bool(self._jobs("SOPInstanceUID = ?", (SOPInstanceUID,)))

    def lacks_films(self, SOPInstanceUID: str, present: Collection[str]) -> bool:
        """Return whether a job is in the index, but a film of it is missing there or in ``present``."""
        rows = self.db.execute(
            "SELECT job.films, film.id FROM job LEFT JOIN film ON film.job = job.number WHERE SOPInstanceUID = ?",
            (SOPInstanceUID,),
        ).fetchall()
        count = sum(film_id in present for _, film_id in rows)
        return bool(rows) and not (isinstance(rows[0][0], int) and 0 < rows[0][0] <= count)

    def confirm(self, SOPInstanceUID: str) -> None:
        """Record that the client knows of the end of a job, unless the job has been retried meanwhile."""
        ended = "ExecutionStatus IN ('DONE', 'FAILURE')"
        self.db.execute(f"UPDATE job SET confirmed = 1 WHERE SOPInstanceUID = ? AND {ended}", (SOPInstanceUID,))

    def news(self, after: int) -> tuple[int, tuple[PrintJob, ...]]:
        """Return a revision, and the jobs that have changed after the revision ``after``.

        The revision is the greatest one of these jobs, or ``after`` if there are none. A damaged job is skipped.
        """
        found = []
        for row in self._jobs("revision > ? AND revision <= ? ORDER BY revision", (after, self.revision())):
            try:
                found.append(whole_job_of(row))
            except DamagedRow as exc:
                self.damage.report_row(exc)
        return max((revision for revision, _ in found), default=after), tuple(job for _, job in found)

    def revision(self) -> int:
        """Return the current revision."""
        return self.counters.get("revision")

    def _jobs(self, where: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        return self.db.execute(f"SELECT films, revision, {', '.join(JOB)} FROM job WHERE {where}", values).fetchall()

    # --- films ---

    def film(self, film_id: object) -> FilmRecord:
        """Return a film with its deliveries. Raises `NoSuchFilm`."""
        check_film_id(film_id)
        for film in self.films("film.id = ?", (film_id,)):
            return film
        raise NoSuchFilm(f"there is no film {film_id!a}")

    def films(
        self, where: str, values: Collection[object] = (), *, limit: int = -1, skipped: Report | None = None
    ) -> list[FilmRecord]:
        """Return the films that meet the SQL condition ``where``, with their deliveries, the oldest first.

        ``limit`` is the greatest number of films to return; with -1, there is no limit. ``skipped`` gets the id and the
        error of each film with a damaged row; without it, `DamagedRow` is raised.
        """
        deliveries = ", ".join(f"delivery.{name}" for name in DELIVERY)
        rows = self.db.execute(
            f"SELECT selected.*, delivery.job, {deliveries} FROM "
            f"(SELECT film.job, job.SOPInstanceUID, {_FILM} FROM film LEFT JOIN job ON job.number = film.job "
            f"WHERE {where} ORDER BY film.job, film.number LIMIT ?) selected "
            "LEFT JOIN delivery ON delivery.film = selected.id ORDER BY selected.job, selected.number, delivery.id",
            (*values, limit),
        )
        made = []
        for film, group in groupby(rows, itemgetter(slice(_FILM_COLUMNS))):
            try:
                made.append(whole_film_of(film, [row[_FILM_COLUMNS:] for row in group]))
            except DamagedRow as exc:
                if skipped is None:
                    raise
                skipped(film[2], exc)
        return made

    def select(self, states: Collection[FilmState], printer: str, limit: int | None) -> list[FilmRecord]:
        """Return at most ``limit`` films in one of ``states`` and of ``printer``; see `Operations.list`."""
        where, values = _selection(states, printer)
        return self.films(where, values, limit=-1 if limit is None else limit, skipped=self.damage.report)

    def count(self, states: Collection[FilmState], printer: str) -> int:
        """Return the number of films in one of ``states`` and of ``printer``; see `Operations.count`."""
        where, values = _selection(states, printer)
        ((count,),) = self.db.execute(f"SELECT count(*) FROM film WHERE {where}", values)
        return int(count)

    def ids(self) -> set[str]:
        """Return the ids of all films."""
        return {film_id for (film_id,) in self.db.execute("SELECT id FROM film")}

    def files(self) -> list[tuple[str, str, FilmState]]:
        """Return the id, checksum and state of each film without a damaged row."""
        found = []
        for row in self.db.execute("SELECT id, checksum, state FROM film"):
            try:
                found.append(file_of(row))
            except DamagedRow as exc:
                self.damage.report(row[0], exc)
        return found

    def job_row(self, film: FilmRecord) -> JobRow:
        """Return the `JobRow` of a film."""
        number, *row = self.db.execute(
            f"SELECT number, films, revision, {', '.join(JOB)} FROM job WHERE SOPInstanceUID = ?", (film.job,)
        ).fetchone()
        _, job = whole_job_of(row)
        return JobRow(number, row[0], job.collated)

    def save(self, before: FilmRecord, after: FilmRecord) -> FilmRecord:
        """Replace the stored film ``before`` by ``after``, and update the status of its job. Return the stored film."""
        if after.state in ENDED and before.state not in ENDED:
            after = replace(after, ended=time.time())
        job = self.job_row(after).number
        self.db.execute(
            "UPDATE film SET state = ?, ended = ?, printer = ?, PrintPriority = ? WHERE id = ?",
            (after.state, after.ended, after.printer, after.PrintPriority, after.id),
        )
        removed = {delivery.id: delivery for delivery in before.deliveries}
        for delivery in after.deliveries:
            if not delivery.id:
                self._insert_delivery(after, job, delivery)
            elif removed.pop(delivery.id) != delivery:
                sets = ", ".join(f"{name} = ?" for name in DELIVERY)
                self.db.execute(f"UPDATE delivery SET {sets} WHERE id = ?", (*astuple(delivery), delivery.id))
        self.db.executemany("DELETE FROM delivery WHERE id = ?", [(gone,) for gone in removed])
        if after.PrintPriority != before.PrintPriority:
            self.db.execute("UPDATE delivery SET urgency = ? WHERE film = ?", (RANKS[after.PrintPriority], after.id))
        self._update_job(job, job_key_of(after.id))
        return self.film(after.id)

    def _update_job(self, number: int, key: str) -> None:
        """Derive the status and the priority of a job from its films; a changed status gets a new revision.

        The ids of the job's films begin with ``key``; a film with another id that names this job has a damaged row.
        """
        columns = "PrintPriority, ExecutionStatus, ExecutionStatusInfo"
        rank, *before = self.db.execute(f"SELECT {columns} FROM job WHERE number = ?", (number,)).fetchone()
        films = self.films("film.job = ? AND substr(film.id, 1, ?) = ?", (number, len(key), key))
        priority, status = print_priority(films, rank), execution_status(films, before[0])
        if priority != rank:
            self.db.execute("UPDATE job SET PrintPriority = ? WHERE number = ?", (priority, number))
        if [*status] == before:
            return
        self.db.execute(
            "UPDATE job SET ExecutionStatus = ?, ExecutionStatusInfo = ?, confirmed = 0, revision = ? WHERE number = ?",
            (*status, self.counters.next("revision"), number),
        )

    def remove_ended(self, film_ids: Sequence[str]) -> list[FilmRecord]:
        """Remove the given films that are still done or canceled, and return them."""
        films = self.films(f"film.id IN ({placeholders(len(film_ids))})", film_ids, skipped=self.damage.report)
        removable = [film for film in films if film.state in REMOVABLE]
        for film in removable:
            self.remove(film.id)
        return removable

    def remove(self, film_id: str) -> None:
        """Remove a film, and its job if no other film of the job is left."""
        job = self.db.execute("SELECT job FROM film WHERE id = ?", (film_id,)).fetchone()
        self.db.execute("DELETE FROM delivery WHERE film = ?", (film_id,))
        self.db.execute("DELETE FROM film WHERE id = ?", (film_id,))
        self.db.execute("DELETE FROM job WHERE number = ? AND number NOT IN (SELECT job FROM film)", job)

    def totals(self) -> tuple[int, int]:
        """Return the number of films, and the total size of their files in bytes, without impossible sizes."""
        size = f"CASE WHEN typeof(size) = 'integer' AND size BETWEEN 0 AND {MAX_SIZE} THEN size ELSE 0 END"
        count, total = self.db.execute(f"SELECT count(*), total({size}) FROM film").fetchone()
        return int(count), int(total)

    def change_intact(self, film_id: object, change: Callable[[FilmRecord], FilmRecord]) -> FilmRecord | None:
        """Change a film, and return it.

        If a row of the film or of its job is damaged, log that, change nothing, and return None.
        """
        self.db.execute("SAVEPOINT change")
        try:
            film = self.film(film_id)
            changed = self.save(film, change(film))
        except DAMAGE as exc:
            self.db.execute("ROLLBACK TO change")
            self.damage.report(film_id, exc)
            changed = None
        self.db.execute("RELEASE change")
        return changed


def placeholders(count: int) -> str:
    """Return a list of ``count`` parameters for SQL, such as ``?, ?``."""
    return ", ".join("?" * count)


def _selection(states: Collection[FilmState], printer: str) -> tuple[str, list[object]]:
    """Return the condition, and its values, for films in one of ``states`` and of ``printer``."""
    where = f"film.state IN ({placeholders(len(states))})" if states else "1"
    return (f"{where} AND film.printer = ?", [*states, storable(printer)]) if printer else (where, [*states])
