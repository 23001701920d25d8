"""The intake of a site: films of one job that have different destinations."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from made_films import film_copy
from sites import Shelf, site_config
from spools import job

from print_mgmt.site import Route
from print_mgmt.site.intake import Intake
from print_mgmt.spool import EmbeddedSpool


@pytest.mark.parametrize("turns", range(4))
async def test_films_get_their_destinations_though_the_client_is_gone(turns: int, tmp_path: Path) -> None:
    """Otherwise the films, which are accepted, would wait for the next start or reload."""
    routes = Route(name="small", FilmSizeID=("8INX10IN",), to=("a",)), Route(name="others", to=("b",))
    config = site_config(tmp_path, shelves={"a": Shelf(), "b": Shelf()}, routes=routes)
    mixed, film = job(), film_copy()
    mixed.films = tuple(replace(film, sheet=replace(film.sheet, FilmSizeID=size)) for size in ("8INX10IN", "14INX17IN"))
    async with EmbeddedSpool(tmp_path) as spool:
        revision = (await spool.news()).revision
        storing = asyncio.create_task(Intake(spool, lambda: config, "FILM1").store(mixed))
        assert (await spool.news(revision, wait=60)).jobs
        for _ in range(turns):
            await asyncio.sleep(0)
        storing.cancel()
        await asyncio.wait({storing})
        assert [[one.destination for one in film.deliveries] for film in await spool.list()] == [["a"], ["b"]]
