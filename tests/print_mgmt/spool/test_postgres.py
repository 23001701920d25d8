"""The spool in PostgreSQL, while its server is stopped, killed and started again."""

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest
from postgres import Postgres
from spools import FOLDER, PRINTER, PostgresPlace, job, leased

from print_mgmt.spool import CorruptFilm, Done, FilmState, Hold, SpoolError, postgres_link
from print_mgmt.spool.postgres import PostgresSpool
from print_mgmt.spool.postgres_link import PostgresLink


@pytest.fixture
def place(postgres: Postgres) -> PostgresPlace:
    return PostgresPlace(postgres)


def with_option(place: PostgresPlace, name: str, value: str) -> str:
    """Return the address with another default for the connections to the database."""
    return place.address.replace("options=", "options=" + quote(f"-c{name}={value.replace(' ', chr(92) + ' ')} "))


async def test_unreachable_server_is_named() -> None:
    with pytest.raises(SpoolError, match=r"^the spool database cannot be opened: No such file"):
        await PostgresSpool("postgresql://nobody@/films?host=/nowhere").__aenter__()


async def test_canceled_opening_can_be_repeated(place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancel(_: object) -> None:
        raise asyncio.CancelledError

    spool = place.spool()
    with monkeypatch.context() as patched:
        patched.setattr(postgres_link, "create_tables", cancel)
        with pytest.raises(asyncio.CancelledError):
            await spool.__aenter__()
    async with spool:
        assert await spool.list() == ()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_stopped_server_refuses_films_until_it_is_back(
    place: PostgresPlace, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with place.spool() as spool:
        (before,) = await spool.accept(job(), [PRINTER])
        place.server.stop(mode)
        try:
            with pytest.raises(SpoolError):
                await spool.accept(job(), [PRINTER])
        finally:
            place.server.start()
        (after,) = await spool.accept(job(), [PRINTER])
        assert [film.id for film in await spool.list()] == [before, after]
        assert await spool.verify() == (2, ())
    assert "unknown whether it was stored" not in caplog.text


async def test_stopped_server_logs_no_traceback(place: PostgresPlace, caplog: pytest.LogCaptureFixture) -> None:
    async with place.spool() as spool:
        place.server.stop("fast")
        try:
            for _ in range(2):
                with pytest.raises(SpoolError):
                    await spool.list()
        finally:
            place.server.start()
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("step", ["write", "commit"])
async def test_killed_server_leaves_no_incomplete_job(place: PostgresPlace, step: str) -> None:
    def kill(name: str) -> None:
        if name == step and armed:
            armed.clear()
            place.server.stop("immediate")
            place.server.start()

    armed: list[bool] = []
    async with place.spool(step=kill) as spool:
        armed.append(True)
        with pytest.raises(SpoolError):
            await spool.accept(job(films=2, nbytes=5000), [PRINTER])
        assert await spool.list() == ()
        assert await spool.accept(job(), [PRINTER])


async def test_job_committed_before_the_connection_broke_is_accepted(place: PostgresPlace) -> None:
    def kill(name: str) -> None:
        if name == "committed" and armed:
            armed.clear()
            raise ConnectionResetError("the answer to COMMIT is lost")

    armed: list[bool] = [True]
    async with place.spool(step=kill) as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        assert (await spool.show(film)).state is FilmState.QUEUED


@pytest.fixture
def frozen(place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Return a function that stops all processes of the server until the end of the test; waits are short."""
    monkeypatch.setattr(postgres_link, "_ANSWER", 0.5)
    monkeypatch.setattr(postgres_link, "_CLOSE", 0.1)
    yield place.server.freeze
    place.server.thaw()


async def test_silent_server_is_an_error_until_it_answers(place: PostgresPlace, frozen: Callable[[], None]) -> None:
    async with place.spool() as spool:
        frozen()
        with pytest.raises(SpoolError, match=r"^the spool database has failed: it does not answer$"):
            await spool.list()
        place.server.thaw()
        await spool.accept(job(), [PRINTER])
        assert len(await spool.list()) == 1


async def test_spool_of_a_silent_server_closes(place: PostgresPlace, frozen: Callable[[], None]) -> None:
    spool = place.spool()
    await spool.__aenter__()
    frozen()
    async with asyncio.timeout(60):
        await spool.__aexit__()


async def test_lease_survives_a_restart_of_the_server(place: PostgresPlace) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        place.server.stop("immediate")
        place.server.start()
        assert (await spool.report(lease, Done())).state is FilmState.DONE


async def test_notices_arrive_after_a_restart_of_the_server(place: PostgresPlace) -> None:
    async with place.spool() as spool, place.spool() as other:
        place.server.stop("fast")
        place.server.start()
        waiting = asyncio.create_task(spool.lease("printer", 60, wait=60))
        (film,) = await other.accept(job(), [PRINTER])
        lease = await waiting
        assert lease is not None
        assert lease.film.id == film


async def test_many_spools_create_the_tables_at_once(place: PostgresPlace) -> None:
    async with AsyncExitStack() as stack:
        await asyncio.gather(*(stack.enter_async_context(place.spool()) for _ in range(8)))


async def test_tables_without_a_version_are_those_of_version_1(place: PostgresPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
    place.sql("DROP TABLE spool_version")
    async with place.spool() as spool:
        assert [one.id for one in await spool.list()] == [film]


@pytest.mark.parametrize("change", ["UPDATE spool_version SET number = 2", "DELETE FROM spool_version"])
async def test_tables_of_an_unknown_version_are_refused(place: PostgresPlace, change: str) -> None:
    async with place.spool():
        pass
    place.sql(change)
    with pytest.raises(SpoolError, match=r"the index has version \S+, but this program knows only version 1: "):
        await place.spool().__aenter__()


async def test_opening_waits_for_no_transaction(place: PostgresPlace) -> None:
    """Another process may be writing to any table."""
    async with place.spool():
        writer = await asyncpg.connect(place.address)
        async with writer.transaction():
            await writer.execute("LOCK TABLE job, film, delivery, chunk IN ROW EXCLUSIVE MODE")
            async with asyncio.timeout(60), place.spool() as opened:
                assert await opened.list() == ()
        await writer.close()


async def test_stopped_transaction_loses_its_locks(place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is stopped in the middle of a transaction blocks the others only until the server ends it."""
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        monkeypatch.setitem(postgres_link._SETTINGS, "idle_in_transaction_session_timeout", "50")
        async with postgres_link.PostgresLink(place.address, None, lambda _: None) as stopped:
            with pytest.raises(SpoolError, match="database has failed"):
                async with stopped.transaction() as db:
                    await db.fetch("SELECT id FROM film FOR UPDATE")
                    (film,) = await spool.list()
                    assert (await spool.change(film.id, Hold())).state is FilmState.HELD
                    await db.fetch("SELECT 1")


# A commit that inserts a job waits for the lock 4711
SLOW_COMMIT = """
SELECT pg_advisory_lock(4711);
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON job DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait()"""


async def test_job_whose_commit_is_under_way_is_accepted(place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection breaks while the server performs the commit. A refused job would be printed, and printed again."""
    used: list[Any] = []
    begin = PostgresLink._begin

    async def recorded(link: PostgresLink, stack: AsyncExitStack) -> Any:
        used.append(await begin(link, stack))
        return used[-1]

    monkeypatch.setattr(PostgresLink, "_begin", recorded)
    async with place.spool() as spool:
        gate = await asyncpg.connect(place.address)
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await gate.execute(SLOW_COMMIT)
        accepting = asyncio.create_task(spool.accept(job(), [PRINTER]))
        while not await gate.fetchval(waiting):
            pass
        used[-1].terminate()
        while await gate.fetchval(waiting) < 2 and not accepting.done():
            pass
        await gate.close()  # the server goes on with the commit
        (film,) = await accepting
        assert (await spool.show(film)).state is FilmState.QUEUED


async def test_commits_wait_for_the_disk_of_the_server(place: PostgresPlace) -> None:
    """The default of the database has no effect."""
    address = with_option(place, "synchronous_commit", "off")
    async with postgres_link.PostgresLink(address, None, lambda _: None) as link, link.transaction() as db:
        assert await db.fetchval("SHOW synchronous_commit") == "on"


@pytest.mark.parametrize("isolation", ["serializable", "repeatable read"])
async def test_isolation_of_the_database_changes_nothing(place: PostgresPlace, isolation: str) -> None:
    """No transaction fails because another one was committed before it."""
    async with PostgresSpool(with_option(place, "default_transaction_isolation", isolation)) as spool:
        films = await asyncio.gather(*(spool.accept(job(), [PRINTER]) for _ in range(8)))
        leases = await asyncio.gather(*(spool.lease("printer", 60) for _ in range(8)))
        assert {lease.film.id for lease in leases if lease is not None} == {film for (film,) in films}


async def test_film_of_many_rows_is_read_back(place: PostgresPlace) -> None:
    async with place.spool() as spool:
        made = job(nbytes=60_000)
        (film,) = await spool.accept(made, [PRINTER])
        image = (await spool.film(film)).sheet.cells[0].image
        assert image is not None
        assert image.pixels.shape == (1, 60_000)


async def test_lost_row_is_a_damaged_film(place: PostgresPlace) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        place.server.sql(place.address, "DELETE FROM chunk")
        assert await spool.verify() == (0, (film,))


# --- leases of other instances ---


async def test_opening_spares_the_lease_of_a_newcomer(place: PostgresPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, films = PostgresLink.living_owners, list[str]()

    async def living_owners(link: PostgresLink) -> list[str]:
        monkeypatch.setattr(PostgresLink, "living_owners", plain)
        living = await plain(link)
        newcomer = await stack.enter_async_context(place.spool())
        films.extend(await newcomer.accept(job(), [PRINTER]))
        await leased(newcomer)
        return living

    async with AsyncExitStack() as stack:
        monkeypatch.setattr(PostgresLink, "living_owners", living_owners)
        async with place.spool() as spool:
            assert (await spool.show(films[0])).state is FilmState.DELIVERING


async def test_opening_spares_a_film_that_is_leased_again(
    place: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = PostgresLink.living_owners

    async def living_owners(link: PostgresLink) -> list[str]:
        monkeypatch.setattr(PostgresLink, "living_owners", plain)
        await leased(
            await stack.enter_async_context(place.spool()), FOLDER.destination
        )  # the lease of the first instance has ended
        return await plain(link)

    async with place.spool() as first:
        (film,) = await first.accept(job(), [FOLDER])
        await leased(first, FOLDER.destination)
    async with AsyncExitStack() as stack:
        monkeypatch.setattr(PostgresLink, "living_owners", living_owners)
        async with place.spool() as spool:
            assert (await spool.show(film)).state is FilmState.DELIVERING


# --- statements that fail ---

FAIL = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER fail BEFORE {event} ON {table} EXECUTE FUNCTION fail()"""


class Failing:
    """A statement that fails in the block, as on a full disk."""

    def __init__(self, place: PostgresPlace, event: str, table: str) -> None:
        self.place, self.event, self.table = place, event, table

    def __enter__(self) -> None:
        self.place.server.sql(self.place.address, FAIL.format(event=self.event, table=self.table))

    def __exit__(self, *exc_info: object) -> None:
        self.place.server.sql(self.place.address, "DROP FUNCTION fail CASCADE")


async def test_read_only_database_refuses_films(place: PostgresPlace) -> None:
    """A replica is read-only, for example."""
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
    async with PostgresSpool(with_option(place, "default_transaction_read_only", "on")) as spool:
        with pytest.raises(SpoolError, match="read-only"):
            await spool.accept(job(), [PRINTER])
        assert [one.id for one in await spool.list()] == [film]


async def test_removed_tables_refuse_films(place: PostgresPlace) -> None:
    async with place.spool() as spool:
        place.server.sql(place.address, "DROP TABLE chunk")
        for _ in range(2):
            with pytest.raises(SpoolError, match="chunk"):
                await spool.accept(job(), [PRINTER])
        assert await spool.list() == ()


async def test_full_disk_refuses_films_until_there_is_room(place: PostgresPlace, small_disk: Path) -> None:
    server, data = place.server, small_disk / "data"
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(data, "postgres")
    server.sql(place.address, f"CREATE TABLESPACE small LOCATION '{data}'")
    try:
        async with PostgresSpool(with_option(place, "default_tablespace", "small")) as spool:
            accepted: list[str] = []
            filling = small_disk / "filling"
            filling.write_bytes(bytes(18 << 20))
            with pytest.raises(SpoolError, match="No space left"):
                while True:
                    accepted += await spool.accept(job(films=20, nbytes=60_000), [PRINTER])
            assert await spool.verify() == (len(accepted), ())
            filling.unlink()
            accepted += await spool.accept(job(films=20, nbytes=60_000), [PRINTER])
            assert [film.id for film in await spool.list()] == accepted
    finally:
        server.sql(place.address, "DROP TABLE chunk, quarantine, delivery, film, job, spool_version")
        server.sql(place.address, "DROP TABLESPACE small")


@pytest.mark.parametrize("table", ["job", "film", "delivery", "chunk"])
async def test_failing_insert_refuses_only_that_job(place: PostgresPlace, table: str) -> None:
    async with place.spool() as spool:
        (before,) = await spool.accept(job(), [PRINTER])
        with Failing(place, "INSERT", table), pytest.raises(SpoolError, match="no space left"):
            await spool.accept(job(films=2), [PRINTER])
        (after,) = await spool.accept(job(), [PRINTER])
        assert [film.id for film in await spool.list()] == [before, after]
        assert await spool.verify() == (2, ())


@pytest.mark.parametrize("table", ["job", "film", "delivery"])
async def test_failing_update_leaves_the_film_queued(place: PostgresPlace, table: str) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        with Failing(place, "UPDATE", table), pytest.raises(SpoolError, match="no space left"):
            await spool.lease("printer", 60)
        assert (await spool.show(film)).state is FilmState.QUEUED


@pytest.mark.parametrize("table", ["job", "film", "delivery"])
async def test_failed_report_can_be_repeated(place: PostgresPlace, table: str) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        with Failing(place, "UPDATE", table), pytest.raises(SpoolError, match="no space left"):
            await spool.report(lease, Done())
        assert (await spool.report(lease, Done())).state is FilmState.DONE


# --- a server that dies ---


class Death:
    """A server that is killed, and started again, when the spool gets to a step."""

    def __init__(self, place: PostgresPlace) -> None:
        self.place = place
        self.step = ""

    def __call__(self, name: str) -> None:
        if name == self.step:
            self.step = ""
            self.place.server.stop("immediate")
            self.place.server.start()


async def test_server_killed_during_a_lease_leaves_the_film_queued(place: PostgresPlace) -> None:
    death = Death(place)
    async with place.spool(step=death) as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        await spool.show(film)
        death.step = "commit"
        with pytest.raises(SpoolError):
            await spool.lease("printer", 60)
        assert (await spool.show(film)).state is FilmState.QUEUED
        lease = await spool.lease("printer", 60)
        assert lease is not None
        assert (await spool.report(lease, Done())).state is FilmState.DONE


async def test_server_killed_during_a_report_keeps_the_lease(place: PostgresPlace) -> None:
    death = Death(place)
    async with place.spool(step=death) as spool:
        await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        death.step = "commit"
        with pytest.raises(SpoolError):
            await spool.report(lease, Done())
        assert (await spool.report(lease, Done())).state is FilmState.DONE


async def test_film_is_delivered_though_its_notice_was_lost(place: PostgresPlace) -> None:
    death = Death(place)
    async with place.spool() as waiting_spool, place.spool(step=death) as spool:
        waiting = asyncio.create_task(waiting_for_a_film(waiting_spool))
        death.step = "committed"
        (film,) = await spool.accept(job(), [PRINTER])
        assert await waiting == film


async def waiting_for_a_film(spool: PostgresSpool) -> str:
    """Return the film that a worker gets; the worker tries again after errors."""
    while True:
        try:
            lease = await spool.lease("printer", 60, wait=60)
        except SpoolError:
            await asyncio.sleep(0.05)
            continue
        assert lease is not None
        return lease.film.id


# --- damaged rows ---


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE chunk SET data = set_byte(data, 700, get_byte(data, 700) # 1)",
        "UPDATE chunk SET data = substr(data, 1, 500)",
        "UPDATE chunk SET data = ''",
        "UPDATE film SET checksum = repeat('0', 64)",
    ],
    ids=["byte", "short", "empty", "checksum"],
)
async def test_damaged_rows_are_put_into_quarantine(
    place: PostgresPlace, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    async with place.spool() as spool:
        (film,) = await spool.accept(job(), [PRINTER])
        place.server.sql(place.address, damage)
        with pytest.raises(CorruptFilm):
            await spool.film(film)
        assert f"film {film} is damaged" in caplog.text
        (other,) = await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        assert lease.film.id == other
        assert (await spool.show(film)).state is FilmState.FAILED
        check = f"SELECT 1 / count(*) FROM quarantine WHERE film = '{film}'"  # fails if the quarantine is empty
        await spool.purge(count=0)
        place.server.sql(place.address, check)
