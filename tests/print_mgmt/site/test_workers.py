"""The workers of a site, which deliver the films in its spool."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cancelling import other_tasks
from sites import Shelf, site_config
from spools import job

from print_mgmt.site import SiteDestination
from print_mgmt.site import workers as site_workers
from print_mgmt.site.conditions import Conditions
from print_mgmt.site.workers import Workers
from print_mgmt.spool import EmbeddedSpool, FilmState, Lease, Spool, SpoolError, Target


class WatchedSpool(EmbeddedSpool):
    """A spool that tells when a worker has found no film that is due."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.refused = asyncio.Event()

    async def lease(
        self, destination: str, seconds: float, *, wait: float = 0.0, at_once: int | None = None
    ) -> Lease | None:
        lease = await super().lease(destination, seconds, wait=wait, at_once=at_once)
        if lease is None:
            self.refused.set()
        return lease


async def test_drain_goes_on_after_another_process_used_the_rest_of_at_once(tmp_path: Path) -> None:
    shelf, config = Shelf(gate=asyncio.Event()), site_config(tmp_path)
    assert shelf.gate is not None
    async with WatchedSpool(tmp_path) as spool:
        for _ in range(3):
            await spool.accept(job(), [Target(destination="shelf", repeatable=False)])
        assert await spool.lease("shelf", 60.0) is not None  # by another process
        workers = Workers(spool, lambda: config, Conditions({}))
        workers.apply({"shelf": SiteDestination(destination=shelf, at_once=2)})
        await shelf.begun.wait()
        draining = asyncio.create_task(workers.drain(60.0))
        await spool.refused.wait()
        shelf.gate.set()
        await draining
    assert len(shelf.films) == 2


class FailingSpool(EmbeddedSpool):
    """A spool whose first lease fails."""

    has_failed = False

    async def lease(
        self, destination: str, seconds: float, *, wait: float = 0.0, at_once: int | None = None
    ) -> Lease | None:
        if not self.has_failed:
            self.has_failed = True
            raise SpoolError("the index is away")
        return await super().lease(destination, seconds, wait=wait, at_once=at_once)


async def test_drain_goes_on_after_an_error_of_the_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_workers, "_PAUSE", 0.001)
    shelf, config = Shelf(), site_config(tmp_path)
    async with FailingSpool(tmp_path) as spool:
        await spool.accept(job(), [Target(destination="shelf", repeatable=False)])
        workers = Workers(spool, lambda: config, Conditions({}))
        workers.apply({"shelf": SiteDestination(destination=shelf)})
        await workers.drain(60.0)
    assert len(shelf.films) == 1


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[EmbeddedSpool]:
    """A spool with one film."""
    async with EmbeddedSpool(tmp_path) as spool:
        await spool.accept(job(), [Target(destination="shelf", repeatable=False)])
        yield spool


def workers_of(spool: Spool, folder: Path) -> Workers:
    config = site_config(folder)
    return Workers(spool, lambda: config, Conditions({}))


async def test_close_after_a_canceled_drain_stops_all_workers(tmp_path: Path, spool: EmbeddedSpool) -> None:
    before, shelf, workers = other_tasks(), Shelf(gate=asyncio.Event()), workers_of(spool, tmp_path)
    workers.apply({"shelf": SiteDestination(destination=shelf)})
    await shelf.begun.wait()
    draining = asyncio.create_task(workers.drain(60.0))
    await asyncio.sleep(0)
    draining.cancel()
    await asyncio.wait({draining})
    await workers.close()
    await asyncio.sleep(0)
    assert other_tasks() == before
    (film,) = await spool.list()
    assert film.state is FilmState.INDETERMINATE


@pytest.mark.parametrize("turns", range(8))
async def test_closed_workers_leave_no_film_leased(
    turns: int, tmp_path: Path, spool: EmbeddedSpool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease and its delivery begin in the turns of the event loop before `close`."""
    shelf, workers = Shelf(), workers_of(spool, tmp_path)
    leased = asyncio.Event()
    lease_film = spool.lease

    async def lease(destination: str, seconds: float, **options: Any) -> Lease | None:
        try:
            return await lease_film(destination, seconds, **options)
        finally:
            leased.set()

    monkeypatch.setattr(spool, "lease", lease)
    workers.apply({"shelf": SiteDestination(destination=shelf)})
    await leased.wait()
    for _ in range(turns):
        await asyncio.sleep(0)
    await workers.close()
    (film,) = await spool.list()
    assert film.state in (FilmState.DONE if shelf.films else FilmState.QUEUED, FilmState.INDETERMINATE)
    assert shelf.begun.is_set() or film.state is FilmState.QUEUED


async def test_reload_during_a_drain_starts_no_worker(tmp_path: Path, spool: EmbeddedSpool) -> None:
    shelf, workers = Shelf(), workers_of(spool, tmp_path)
    await workers.drain(60.0)
    workers.apply({"shelf": SiteDestination(destination=shelf)})
    await workers.close()
    assert not shelf.begun.is_set()
    (film,) = await spool.list()
    assert film.deliveries[0].attempts == 0
