"""Damaged rows of the index: no other job is affected, no film is lost, and an operator can repair them."""

import asyncio
import sqlite3
import tempfile
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres import Postgres
from spools import FOLDER, PRINTER, EmbeddedPlace, Place, PostgresPlace, job, leased

from print_mgmt.spool import Assign, Done, Failed, FilmState, Prioritize, Spool, SpoolError
from print_mgmt.spool.rows import DELIVERY, FILM, JOB

COLUMNS = [
    *(("job", name) for name in ("number", "films", "revision", *JOB)),
    *(("film", name) for name in ("job", *FILM)),
    *(("delivery", name) for name in ("film", "job", "urgency", *DELIVERY)),
]
VALUES = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.integers(-2, 10),
    st.floats(allow_nan=False),
    st.text(max_size=20).filter(lambda text: text.isprintable()),
    st.sampled_from([*FilmState, "0123456789abcdef.1", "1ngsr4ffmp7pd8em.2", "f" * 64, "DONE", "", "HIGH"]),
    st.binary(max_size=8),
)


async def make_spool(place: Place) -> dict[str, Any]:
    """Make a spool with a job in each of some states. Return the ids of the damaged job's film, and of the others."""
    async with place.spool() as spool:
        (done,) = await spool.accept(job(), [PRINTER])
        await spool.report(await leased(spool), Done())
        queued = await spool.accept(job(films=2), [PRINTER, FOLDER])
        (received,) = await spool.accept(job())
        (last,) = await spool.accept(job(), [PRINTER])
    return {"done": done, "queued": queued[0], "received": received, "last": last}


@cache
def template() -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the ids of a spool, and its files by their names."""
    with tempfile.TemporaryDirectory() as name:
        made = asyncio.run(make_spool(EmbeddedPlace(Path(name))))
        kept = ("films", "ended")
        files = [path for path in Path(name).rglob("*") if path.is_file() and path.parent.name in kept]
        files += list(Path(name).glob("index.sqlite*"))
        return made, {str(path.relative_to(name)): path.read_bytes() for path in files}


def copy(folder: Path) -> dict[str, Any]:
    made, files = template()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return made


def damage(folder: Path, film_id: str, table: str, column: str, value: object) -> None:
    """Set a column of the first row of a film, unless SQLite refuses the value."""
    row = {
        "film": "id = ?",
        "delivery": "rowid = (SELECT min(rowid) FROM delivery WHERE film = ?)",
        "job": "number = (SELECT job FROM film WHERE id = ?)",
    }[table]
    with closing(sqlite3.connect(folder / "index.sqlite", isolation_level=None)) as index, suppress(sqlite3.Error):
        index.execute(f"UPDATE {table} SET {column} = ? WHERE {row}", (value, film_id))


async def states(spool: Spool) -> dict[str, FilmState]:
    return {film.id: film.state for film in await spool.list()}


def stored(folder: Path) -> set[str]:
    return {path.name for name in ("films", "ended") for path in (folder / name).glob("[!.]*.dcm")}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(place=st.sampled_from(COLUMNS), value=VALUES, victim=st.sampled_from(["done", "queued", "received"]))
def test_damaged_value_affects_only_its_job(place: tuple[str, str], value: object, victim: str) -> None:
    template()
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(check_damage(Path(name), place, value, victim))


async def check_damage(folder: Path, column: tuple[str, str], value: object, victim: str) -> None:
    made = copy(folder)
    before = stored(folder)
    damage(folder, made[victim], *column, value)
    await check_repair(EmbeddedPlace(folder), made, victim)
    assert {one.split(".")[0] for one in before} <= {one.split(".")[0] for one in stored(folder)}


async def check_repair(place: Place, made: dict[str, Any], victim: str) -> None:
    """Check that damage of ``victim`` affects no other job, and that repair restores it."""
    others = [made[name] for name in ("done", "queued", "received", "last") if name != victim]
    async with place.spool() as spool:
        found = await states(spool)
        assert all(film_id in found for film_id in others)
        assert not {film.id for film in (await spool.survey()).damaged}.intersection(others)
        await spool.news(0)
        await spool.verify()
        await spool.purge(age=1e9)
        accepted = await spool.accept(job(), [PRINTER])
        await spool.repair()
        assert (await spool.survey()).damaged == ()
        found = await states(spool)
        assert {made[victim], *others, *accepted} <= found.keys()
        assert (await spool.verify()).damaged == ()
        leases = [lease.film.id for _ in range(9) if (lease := await spool.lease("printer", 60)) is not None]
        assert {made["last"], *accepted} <= set(leases)
        if victim == "done":
            assert made["done"] not in leases


POSTGRES_COLUMNS = [
    *(("job", name) for name in ("films", *JOB)),
    # A wrong checksum cannot be told from wrong bytes, so `verify` puts such a film into quarantine
    *(("film", name) for name in ("job", *FILM) if name != "checksum"),
    *(("delivery", name) for name in ("film", "job", "urgency", *DELIVERY)),
]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8)
@given(column=st.sampled_from(POSTGRES_COLUMNS), value=VALUES, victim=st.sampled_from(["done", "queued", "received"]))
def test_damaged_value_in_postgres_affects_only_its_job(
    postgres: Postgres, column: tuple[str, str], value: object, victim: str
) -> None:
    async def check() -> None:
        place = PostgresPlace(postgres)
        made = await make_spool(place)
        await damage_postgres(place, made[victim], *column, value)
        await check_repair(place, made, victim)

    asyncio.run(check())


async def damage_postgres(place: PostgresPlace, film_id: str, table: str, column: str, value: object) -> None:
    """Set a column of the first row of a film, unless PostgreSQL refuses the value."""
    asyncpg = pytest.importorskip("asyncpg")
    row = {
        "film": f"id = '{film_id}'",
        "delivery": f"id = (SELECT min(id) FROM delivery WHERE film = '{film_id}')",
        "job": f"row = (SELECT job FROM film WHERE id = '{film_id}')",
    }[table]
    literal = str(value).replace("'", "''")
    db = await asyncpg.connect(place.address)
    with suppress(asyncpg.PostgresError):
        await db.execute(f"UPDATE {table} SET \"{column}\" = '{literal}' WHERE {row}")
    await db.close()


# --- both engines ---


@pytest.fixture
async def damaged(place: Place, spool: Spool) -> tuple[str, str]:
    """Return a film with a damaged row, and an intact one of another job."""
    (lost,) = await spool.accept(job(PrintPriority="HIGH"), [PRINTER])
    (intact,) = await spool.accept(job(), [PRINTER])
    place.sql(f"UPDATE film SET state = 'lost' WHERE id = '{lost}'")
    return lost, intact


async def test_list_leaves_damaged_films_out(spool: Spool, damaged: tuple[str, str]) -> None:
    lost, intact = damaged
    assert [film.id for film in await spool.list()] == [intact]
    (found,) = (await spool.survey()).damaged
    assert found.id == lost
    assert "state is 'lost', not one of the states" in found.reason


async def test_survey_keeps_damaged_films_apart(spool: Spool, damaged: tuple[str, str]) -> None:
    found = await spool.survey()
    assert ([film.id for film in found.films], [film.id for film in found.damaged]) == ([damaged[1]], [damaged[0]])


async def test_survey_counts_films_of_a_damaged_job_as_damaged(place: Place, spool: Spool) -> None:
    films = await spool.accept(job(films=2), [PRINTER])
    place.sql("UPDATE job SET copies = -1")
    found = await spool.survey()
    assert (found.films, [film.id for film in found.damaged]) == ((), [*films])


async def test_show_names_the_damage(spool: Spool, damaged: tuple[str, str]) -> None:
    with pytest.raises(SpoolError, match=r"the index is damaged: film .*: state is 'lost'"):
        await spool.show(damaged[0])


async def test_verify_counts_damaged_rows(spool: Spool, damaged: tuple[str, str]) -> None:
    assert await spool.verify() == (1, (damaged[0],))


async def test_repaired_film_is_printed_only_if_asked(spool: Spool, damaged: tuple[str, str]) -> None:
    assert await spool.repair() == ((damaged[0],), ())
    assert (await spool.survey()).damaged == ()
    assert (await spool.show(damaged[0])).state is FilmState.INDETERMINATE
    assert (await leased(spool)).film.id == damaged[1]


async def test_repaired_film_that_was_routed_later_is_not_routed_again(place: Place, spool: Spool) -> None:
    (film,) = await spool.accept(job())
    await spool.change(film, Assign((PRINTER,)))
    await spool.report(await leased(spool), Done())
    place.sql("UPDATE film SET size = -1")
    assert await spool.repair() == ((film,), ())
    assert (await spool.survey()).damaged == ()
    assert (await spool.show(film)).state in (FilmState.DONE, FilmState.INDETERMINATE)


@pytest.mark.parametrize(
    ("damage", "is_known"), [("UPDATE job SET copies = -1", True), ("UPDATE film SET size = -1", False)]
)
async def test_client_is_told_if_a_repair_changes_the_end_of_a_job(
    place: Place, spool: Spool, damage: str, *, is_known: bool
) -> None:
    failed = job()
    await spool.accept(failed, [PRINTER])
    await spool.report(await leased(spool), Failed())
    await spool.confirm(failed.SOPInstanceUID)
    place.sql(damage)
    await spool.repair()
    assert (await spool.find(failed.SOPInstanceUID) is None) == is_known


async def test_client_is_told_if_a_lost_film_changes_the_end_of_a_job(place: Place, spool: Spool) -> None:
    made = job(films=2)
    _, lost = await spool.accept(made, [PRINTER])
    await spool.report(await leased(spool), Done())
    await spool.report(await leased(spool), Failed())
    await spool.confirm(made.SOPInstanceUID)
    place.sql(f"UPDATE film SET state = 'lost' WHERE id = '{lost}'")
    place.damage(lost)
    assert await spool.repair() == ((), (lost,))
    found = await spool.find(made.SOPInstanceUID)
    assert found is not None
    assert found.ExecutionStatus == "DONE"


async def test_repair_queues_a_repeatable_delivery(place: Place, spool: Spool) -> None:
    (film,) = await spool.accept(job(), [FOLDER])
    place.sql("UPDATE delivery SET attempts = -1")
    await spool.repair()
    assert (await leased(spool, "folder")).film.id == film


async def test_repair_of_a_job_keeps_its_films(place: Place, spool: Spool) -> None:
    films = await spool.accept(job(films=2), [PRINTER])
    place.sql("UPDATE job SET copies = -1")
    assert [film.id for film in (await spool.survey()).damaged] == [*films]
    assert await spool.repair() == (films, ())
    assert [film.state for film in await spool.list()] == [FilmState.QUEUED] * 2


async def test_repaired_job_has_the_priority_of_its_films(place: Place, spool: Spool) -> None:
    made = job()
    (film,) = await spool.accept(made, [PRINTER])
    await spool.change(film, Prioritize("HIGH"))
    place.sql("UPDATE job SET copies = -1")
    await spool.repair()
    found = await spool.find(made.SOPInstanceUID)
    assert found is not None
    assert found.PrintPriority == "HIGH"


async def test_repair_removes_a_film_without_bytes(place: Place, spool: Spool, damaged: tuple[str, str]) -> None:
    place.damage(damaged[0])
    assert await spool.repair() == ((), (damaged[0],))
    assert [film.id for film in await spool.list()] == [damaged[1]]


async def test_job_ends_when_its_last_open_film_is_removed(place: Place, spool: Spool) -> None:
    done, lost = await spool.accept(job(films=2), [PRINTER])
    await spool.report(await leased(spool), Done())
    place.sql(f"UPDATE film SET state = 'lost' WHERE id = '{lost}'")
    place.damage(lost)
    assert await spool.repair() == ((), (lost,))
    assert [film.id for film in await spool.list()] == [done]
    assert [change.ExecutionStatus for change in (await spool.news(0)).jobs] == ["DONE"]


@pytest.mark.parametrize("state", ["done", "canceled"])
async def test_purge_keeps_a_film_that_only_seems_to_have_ended(place: Place, spool: Spool, state: str) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    place.sql(f"UPDATE film SET state = '{state}'")
    assert await spool.purge(count=0) == ()
    assert [one.id for one in (await spool.survey()).damaged] == [film]


async def test_repair_without_damage_changes_nothing(spool: Spool) -> None:
    (film,) = await spool.accept(job(), [PRINTER])
    before = await spool.show(film)
    assert await spool.repair() == ((), ())
    assert await spool.show(film) == before


# --- the embedded engine ---


@pytest.mark.parametrize("counter", ["fence", "revision", "clock"])
@pytest.mark.parametrize("value", ["'lost'", "x'00'", "-1", "9e999"])
async def test_damaged_counter_is_restored(tmp_path: Path, counter: str, value: str) -> None:
    place = EmbeddedPlace(tmp_path / "spool")
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER, FOLDER])
        first = await leased(spool)
    place.sql(f"UPDATE counter SET value = {value} WHERE name = '{counter}'")
    async with place.spool() as spool:
        assert (await leased(spool, "folder")).fence > first.fence
        assert (await spool.news()).revision > 0


@pytest.mark.parametrize("statement", ["DELETE FROM job", "UPDATE delivery SET film = '0123456789abcdef.1'"])
async def test_dangling_reference_is_repaired(tmp_path: Path, statement: str) -> None:
    place = EmbeddedPlace(tmp_path / "spool")
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [FOLDER])
    place.sql(statement)
    async with place.spool() as spool:
        assert await spool.list() == ()
        assert (await spool.repair()).restored == (film,)
        assert (await leased(spool, "folder")).film.id == film


async def test_text_that_is_not_utf_8_is_damage(tmp_path: Path) -> None:
    place = EmbeddedPlace(tmp_path / "spool")
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        place.sql("UPDATE film SET printer = CAST(x'ff41' AS TEXT)")
        assert await spool.list() == ()
        (found,) = (await spool.survey()).damaged
        assert found.id == film


async def test_film_without_its_row_stays_on_the_disk(tmp_path: Path) -> None:
    place = EmbeddedPlace(tmp_path / "spool")
    async with place.spool() as spool:
        films = await spool.accept(job(films=2), [PRINTER])
    place.sql(f"DELETE FROM delivery WHERE film = '{films[1]}'")
    place.sql(f"DELETE FROM film WHERE id = '{films[1]}'")
    async with place.spool() as spool:
        assert await spool.repair() == ((films[1],), ())
        assert await states(spool) == {films[0]: FilmState.QUEUED, films[1]: FilmState.INDETERMINATE}
