"""The workers of a site, which deliver the films in its spool."""

import asyncio
from pathlib import Path

import pytest
from sites import Shelf, site_config
from spools import job

from print_mgmt.site import SiteDestination
from print_mgmt.site import workers as site_workers
from print_mgmt.site.conditions import Conditions
from print_mgmt.site.workers import Workers
from print_mgmt.spool import EmbeddedSpool, Lease, SpoolError, Target


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
