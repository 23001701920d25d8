"""The intake of a site: films of one job that have different destinations."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from made_films import film_copy
from sites import Shelf, site_config
from spools import job

from dimse.data import Dataset
from print_mgmt import Film
from print_mgmt.jobs import PrintJob
from print_mgmt.site import Identification, Route, SiteConfig
from print_mgmt.site.identify import Findings, identity
from print_mgmt.site.intake import Intake, route_received
from print_mgmt.spool import EmbeddedSpool, Target


def two_routes(folder: Path) -> SiteConfig:
    """Return a site that sends small films to one destination, and the others to another."""
    routes = Route(name="small", FilmSizeID=("8INX10IN",), to=("a",)), Route(name="others", to=("b",))
    return site_config(folder, shelves={"a": Shelf(), "b": Shelf()}, routes=routes)


def two_films() -> PrintJob:
    """Return a job of a small film and a large one."""
    mixed, film = job(), film_copy()
    mixed.films = tuple(replace(film, sheet=replace(film.sheet, FilmSizeID=size)) for size in ("8INX10IN", "14INX17IN"))
    return mixed


@pytest.mark.parametrize("turns", range(4))
async def test_films_get_their_destinations_though_the_client_is_gone(turns: int, tmp_path: Path) -> None:
    """Otherwise the films, which are accepted, would wait for the next start or reload."""
    config, mixed = two_routes(tmp_path), two_films()
    async with EmbeddedSpool(tmp_path) as spool:
        revision = (await spool.news()).revision
        storing = asyncio.create_task(Intake(spool, lambda: config, "FILM1").store(mixed))
        assert (await spool.news(revision, wait=60)).jobs
        for _ in range(turns):
            await asyncio.sleep(0)
        storing.cancel()
        await asyncio.wait({storing})
        assert [[one.destination for one in film.deliveries] for film in await spool.list()] == [["a"], ["b"]]


async def test_reload_during_the_intake_is_not_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    config = two_routes(tmp_path)

    class ReloadedSpool(EmbeddedSpool):
        async def accept(self, job: PrintJob, targets: Sequence[Target] = (), *, hold: str = "") -> tuple[str, ...]:
            accepted = await super().accept(job, targets, hold=hold)
            await route_received(self, config)  # as a reload does
            return accepted

    async with ReloadedSpool(tmp_path) as spool:
        mixed = two_films()
        mixed.PrinterName = config.printers["FILM1"].PrinterName
        await Intake(spool, lambda: config, "FILM1").store(mixed)
        assert [[one.destination for one in film.deliveries] for film in await spool.list()] == [["a"], ["b"]]
    assert caplog.messages == []


async def test_films_of_a_job_share_the_time_of_their_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity, "_JOB_SECONDS", 0.01)
    monkeypatch.setattr(identity, "_SOURCE_SECONDS", 0.01)
    asked = []

    class Silent:
        async def find(self, film: Film, known: Dataset) -> Findings:  # noqa: ARG002
            asked.append(film)
            await asyncio.Event().wait()
            raise AssertionError

    identification = Identification(sources={"worklist": Silent()})
    config = site_config(tmp_path, shelves={"a": Shelf()}, identification=identification)
    async with EmbeddedSpool(tmp_path) as spool:
        await Intake(spool, lambda: config, "FILM1").store(job(films=3))
        assert await spool.count() == 3
    assert len(asked) == 1


async def test_close_waits_for_the_destinations(tmp_path: Path) -> None:
    """A caller that is canceled twice does not wait for them."""
    config = two_routes(tmp_path)
    async with EmbeddedSpool(tmp_path) as spool:
        intake, revision = Intake(spool, lambda: config, "FILM1"), (await spool.news()).revision
        storing = asyncio.create_task(intake.store(two_films()))
        assert (await spool.news(revision, wait=60)).jobs
        for _ in range(2):
            storing.cancel()
            await asyncio.sleep(0)
        await asyncio.wait({storing})
        await intake.close()
        assert [[one.destination for one in film.deliveries] for film in await spool.list()] == [["a"], ["b"]]
