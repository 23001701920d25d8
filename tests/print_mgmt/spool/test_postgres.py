"""The spool in PostgreSQL, while its server is stopped, killed and started again."""

import asyncio

import pytest
from postgres import Postgres
from spools import PRINTER, PostgresPlace, job

from print_mgmt.spool import Done, FilmState, SpoolError
from print_mgmt.spool.postgres import PostgresSpool


@pytest.fixture
def place(postgres: Postgres) -> PostgresPlace:
    return PostgresPlace(postgres)


async def test_unreachable_server_is_named() -> None:
    with pytest.raises(SpoolError, match="cannot be opened"):
        await PostgresSpool("postgresql://nobody@/films?host=/nowhere").__aenter__()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_stopped_server_refuses_films_until_it_is_back(place: PostgresPlace, mode: str) -> None:
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


@pytest.mark.parametrize("step", ["write", "commit"])
async def test_server_killed_during_an_accept_leaves_nothing_half(place: PostgresPlace, step: str) -> None:
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


async def test_lease_survives_a_restart_of_the_server(place: PostgresPlace) -> None:
    async with place.spool() as spool:
        await spool.accept(job(), [PRINTER])
        lease = await spool.lease("printer", 60)
        assert lease is not None
        place.server.stop("immediate")
        place.server.start()
        assert (await spool.settle(lease, Done())).state is FilmState.DONE


async def test_notices_arrive_after_a_restart_of_the_server(place: PostgresPlace) -> None:
    async with place.spool() as spool, place.spool() as other:
        place.server.stop("fast")
        place.server.start()
        waiting = asyncio.create_task(spool.lease("printer", 60, wait=60))
        (film,) = await other.accept(job(), [PRINTER])
        lease = await waiting
        assert lease is not None
        assert lease.film.id == film


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
