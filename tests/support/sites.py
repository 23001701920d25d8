"""Sites for tests: printers, and destinations that remember films."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dimse.data import Dataset
from print_mgmt import Film, PrintClient, PrinterConfig
from print_mgmt.destinations import Condition, Receipt
from print_mgmt.jobs import PrinterState
from print_mgmt.model import Printer
from print_mgmt.site import ListenConfig, Route, Site, SiteConfig, SiteDestination, SitePrinter, SpoolConfig
from print_mgmt.spool import FilmRecord

__all__ = ["IMAGE", "Shelf", "delivered", "printed", "site_config", "site_printer", "until"]

IMAGE = np.zeros((2, 2), np.uint8)


@dataclass(eq=False)
class Shelf:
    """A destination that keeps films. ``fail`` gets each film, and may raise; ``gate`` lets films pass."""

    fail: Callable[[Film], None] = field(default=lambda _: None)
    gate: asyncio.Event | None = None
    repeatable: bool = False
    condition: Condition = field(default_factory=Condition)
    films: list[Film] = field(default_factory=list)
    identified: list[Dataset] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def deliver(self, film: Film, identified: Dataset) -> Receipt:
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        self.fail(film)
        self.films.append(film)
        self.identified.append(identified)
        return Receipt()

    async def check(self) -> Condition:
        return self.condition


def site_printer(ae_title: str, *, config: PrinterConfig | None = None, **more: Any) -> SitePrinter:
    """Return a printer of a site with its AE title as its name."""
    named = replace(config or PrinterConfig(), printer=Printer(PrinterName=ae_title))
    return SitePrinter(ae_title=ae_title, config=named, **more)


def site_config(
    folder: Path, *printers: SitePrinter, shelves: Mapping[str, Shelf] | None = None, **more: Any
) -> SiteConfig:
    """Return a site on any free port, with its spool in ``folder``; without routes each film goes to all shelves."""
    destinations = {name: SiteDestination(destination=shelf) for name, shelf in (shelves or {}).items()}
    fields: dict[str, Any] = {
        "printers": {printer.ae_title: printer for printer in printers or (site_printer("FILM1", default=True),)},
        "destinations": destinations,
        "routes": (Route(name="all", to=tuple(destinations)),) if destinations else (),
        "spool": SpoolConfig(at=str(folder)),
        "listen": ListenConfig(port=0),
    }
    return SiteConfig(**fields | more)


async def printed(site: Site, called: str = "FILM1", *, images: int = 1, calling: str = "CT01", **more: Any) -> None:
    """Print images on a printer of the site, one on each film."""
    client = PrintClient(site.host, site.port, called_ae_title=called, calling_ae_title=calling)
    async with client:
        await client.print_images([IMAGE] * images, ImageDisplayFormat=r"STANDARD\1,1", **more)


async def delivered(site: Site, wanted: Callable[[tuple[FilmRecord, ...]], bool]) -> tuple[FilmRecord, ...]:
    """Return the films in the spool as soon as they have the wanted states."""
    async with asyncio.timeout(60):
        revision = (await site.spool.news()).revision
        while not wanted(films := await site.spool.list()):
            revision = (await site.spool.news(revision, wait=0.02)).revision
        return films


async def until(state: PrinterState, *terms: str) -> None:
    """Wait until a printer has a Printer Status, and its info if that is given."""
    reached = asyncio.Event()

    def look(_: PrinterState) -> None:
        if (state.PrinterStatus, state.PrinterStatusInfo)[: len(terms)] == terms:
            reached.set()

    state.listeners.add(look)
    look(state)
    async with asyncio.timeout(60):
        await reached.wait()
    state.listeners.discard(look)
