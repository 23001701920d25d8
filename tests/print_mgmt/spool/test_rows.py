"""Rows of the database: records come out of sound rows, and one clear error out of damaged ones."""

import math
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing, suppress
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import pytest
from spools import FOLDER, PRINTER, EmbeddedPlace, job

from print_mgmt.jobs import PrintJob
from print_mgmt.spool import Cancel, Delivery, FilmRecord, FilmState, Spool, SpoolError
from print_mgmt.spool.rows import (
    DELIVERY,
    FILM,
    JOB,
    VERSION,
    check_version,
    delivery_of,
    file_of,
    film_of,
    job_of,
    job_values,
    number_of,
)

FILM_ID, CHECKSUM = "1ngsr4ffmp7pd8em.1", "0123456789abcdef" * 4
FILM_RECORD = FilmRecord(id=FILM_ID, job="1.2.3", number=1, printer="LASER", checksum=CHECKSUM, accepted=1.5e9)
DELIVERY_RECORD = Delivery(id=1, destination="printer", expires=3.5)
DAMAGE = (None, b"\0", "lost", "", -1, 1 << 60, -0.5, 1e300, math.inf, math.nan)

ReadRow = Callable[[Sequence[Any]], object]


def film_row() -> list[Any]:
    return [getattr(FILM_RECORD, name) for name in FILM]


def read_film(row: Sequence[Any]) -> FilmRecord:
    return film_of("1.2.3", row, ())


def type_of(record: object, column: str) -> object:
    assert isinstance(record, FilmRecord | Delivery | PrintJob)
    return next(one.type for one in fields(record) if one.name == column)


ROWS: dict[str, tuple[Sequence[str], ReadRow, Sequence[Any]]] = {
    "film": (FILM, read_film, film_row()),
    "delivery": (DELIVERY, delivery_of, astuple(DELIVERY_RECORD)),
    "job": (JOB, job_of, job_values(PrintJob(films=()))),
}
REFERENCES = {"film": ("job",), "delivery": ("film", "job", "urgency"), "job": ("films", "revision")}  # other columns
COLUMNS = [(table, column) for table, (names, _, _) in ROWS.items() for column in names]


def test_film_is_read_back() -> None:
    assert read_film(film_row()) == FILM_RECORD


def test_delivery_is_read_back() -> None:
    assert delivery_of(astuple(DELIVERY_RECORD)) == DELIVERY_RECORD


def test_job_is_read_back() -> None:
    values = job_values(PrintJob(films=(), copies=3))
    assert job_values(job_of(values)) == values


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_damaged_value_is_named_or_has_the_type_of_its_field(table: str, column: str) -> None:
    names, read, row = ROWS[table]
    errors = []
    for damage in DAMAGE:
        damaged = [damage if name == column else value for name, value in zip(names, row, strict=True)]
        try:
            record = read(damaged)
        except SpoolError as exc:
            errors.append(str(exc))
        else:
            assert type(getattr(record, column)) is type_of(record, column)
    assert len(errors) >= 6
    assert all(error.startswith(f"the index is damaged: {table} ") and column in error for error in errors)


@pytest.mark.parametrize("film_id", ["../../etc/passwd", f"{FILM_ID}\0", FILM_ID[1:]])
def test_id_that_no_film_can_have_is_damage(film_id: str) -> None:
    with pytest.raises(SpoolError, match="not the id of a film"):
        file_of((film_id, CHECKSUM, FilmState.DONE))


def test_unknown_execution_status_is_damage() -> None:
    values = job_values(PrintJob(films=()))
    values[JOB.index("ExecutionStatus")] = "LOST"
    with pytest.raises(SpoolError, match="'LOST' is not one of PENDING, PRINTING, DONE, FAILURE"):
        job_of(values)


@pytest.mark.parametrize("value", [None, "5", -1, math.nan, math.inf, 1e300])
def test_number_out_of_range_is_damage(value: object) -> None:
    with pytest.raises(SpoolError, match="the index is damaged: the counter fence is "):
        number_of("the counter fence", value)


@pytest.mark.parametrize("version", [None, 0, VERSION + 1, "one"])
def test_unknown_version_is_an_error(version: object) -> None:
    with pytest.raises(SpoolError, match=f"knows only version {VERSION}"):
        check_version("the index", version)


# --- the whole index ---


async def call_all_methods(spool: Spool, film_id: str, print_job: PrintJob) -> None:
    """Call the methods that read rows. Only `SpoolError` is expected."""
    calls: tuple[Callable[[], Awaitable[object]], ...] = (
        spool.list,
        lambda: spool.show(film_id),
        lambda: spool.lease("folder", 60),
        lambda: spool.find(print_job.SOPInstanceUID),
        lambda: spool.news(0),
        lambda: spool.media_loaded("folder"),
        lambda: spool.change(film_id, Cancel()),
        spool.verify,
        lambda: spool.purge(count=0),
    )
    for call in calls:
        with suppress(SpoolError):
            await call()


@pytest.mark.parametrize("value", ["x'00'", "'lost'", "-9e999"])
@pytest.mark.parametrize("table", ROWS)
async def test_damaged_column_raises_only_errors_of_the_spool(tmp_path: Path, table: str, value: str) -> None:
    place, accepted = EmbeddedPlace(tmp_path / "spool"), job()
    async with place.spool() as spool:
        (film_id,) = await spool.accept(accepted, [PRINTER, FOLDER])
        with closing(sqlite3.connect(place.folder / "index.sqlite", isolation_level=None)) as index:
            for name in ROWS:
                index.execute(f"CREATE TEMP TABLE sound_{name} AS SELECT * FROM {name}")
            for column in (*ROWS[table][0], *REFERENCES[table]):
                if (table, column) == ("delivery", "id"):
                    continue  # SQLite itself accepts only integers
                index.execute(
                    f"UPDATE {table} SET {column} = {value} WHERE {column} = (SELECT max({column}) FROM {table})"
                )
                await call_all_methods(spool, film_id, accepted)
                for name in ROWS:
                    index.execute(f"DELETE FROM {name}")
                    index.execute(f"INSERT INTO {name} SELECT * FROM sound_{name}")


@pytest.mark.parametrize("due", ["'lost'", "x'00'", "-9e999", "9e999"])
async def test_lease_skips_a_damaged_time(tmp_path: Path, due: str) -> None:
    place = EmbeddedPlace(tmp_path / "spool")
    async with place.spool() as spool:
        (damaged,) = await spool.accept(job(), [PRINTER])
        place.sql(f"UPDATE delivery SET due = {due}")
        assert await spool.lease("printer", 60) is None
        (intact,) = await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        assert lease.film.id == intact != damaged
