"""Spools for tests: a place where a spool is kept, on each engine, and films to put into it."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Protocol

from made_films import print_job
from postgres import Postgres

from print_mgmt.jobs import PrintJob
from print_mgmt.spool import EmbeddedSpool, Lease, Spool, SpoolLimits, Target
from print_mgmt.spool.postgres import PostgresSpool

__all__ = [
    "FOLDER",
    "PRINTER",
    "Clock",
    "EmbeddedPlace",
    "Place",
    "PostgresPlace",
    "job",
    "leased",
    "only_film_file",
    "opened",
    "status",
]

PRINTER = Target(destination="printer")
FOLDER = Target(destination="folder", repeatable=True)

Step = Callable[[str], None]


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _no_step(name: str) -> None:
    """Do nothing."""


class Place(Protocol):
    """The place of the films of a spool."""

    name: str
    clock: Clock

    def spool(self, *, limits: SpoolLimits = ..., step: Step = ...) -> Spool:
        """Return a spool for this place, not yet open."""

    def damage(self, film_id: str) -> None:
        """Change one byte of the pixels of a stored film."""

    def sql(self, statement: str) -> None:
        """Run a statement on the index, like an edit by hand."""

    @property
    def address(self) -> str:
        """The address by which another process opens it."""


class EmbeddedPlace:
    """A folder."""

    name = "embedded"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()

    def spool(self, *, limits: SpoolLimits = SpoolLimits(), step: Step = _no_step) -> EmbeddedSpool:  # noqa: B008
        return EmbeddedSpool(self.folder, limits=limits, clock=self.clock, step=step)

    def damage(self, film_id: str) -> None:
        (path,) = (path for path in self.folder.rglob(f"{film_id}.*.dcm"))
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)

    def sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.folder / "index.sqlite")) as index, index:
            index.execute(statement)

    @property
    def address(self) -> str:
        return str(self.folder)


class PostgresPlace:
    """A new database on a server."""

    name = "postgres"

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self.clock = Clock()
        self._dsn = server.database()

    def spool(self, *, limits: SpoolLimits = SpoolLimits(), step: Step = _no_step) -> PostgresSpool:  # noqa: B008
        return PostgresSpool(self._dsn, limits=limits, clock=self.clock, step=step)

    def damage(self, film_id: str) -> None:
        self.server.sql(
            self._dsn,
            "UPDATE chunk SET data = set_byte(data, length(data) / 2, get_byte(data, length(data) / 2) # 1) "
            f"WHERE number = 0 AND film = '{film_id}'",
        )

    def sql(self, statement: str) -> None:
        self.server.sql(self._dsn, statement)

    @property
    def address(self) -> str:
        return self._dsn


def opened(address: str, step: Step) -> AbstractAsyncContextManager[Spool]:
    """Return the spool at the address of a place, for another process: with a real clock. Few images stay in memory."""
    limits = SpoolLimits(in_memory=1 << 18)
    if address.startswith("postgresql:"):
        return PostgresSpool(address, limits=limits, step=step)
    return EmbeddedSpool(address, limits=limits, step=step)


def job(*, films: int = 1, copies: int = 1, PrintPriority: str = "MED", nbytes: int = 100) -> PrintJob:
    """Return a job that is in no queue."""
    made = print_job(nbytes, films=films, copies=copies, PrintPriority=PrintPriority)
    made.PrinterName, made.Originator, made.FilmSessionLabel = "LASER", "SCU", "thorax"
    return made


async def leased(spool: Spool, destination: str = "printer") -> Lease:
    """Lease the next film for a destination, which must be due."""
    lease = await spool.lease(destination, 60)
    assert lease is not None
    return lease


async def status(spool: Spool, uid: str) -> tuple[str, str]:
    """Return the Execution Status of a job, and its info."""
    found = await spool.find(uid)
    assert found is not None
    return found.ExecutionStatus, found.ExecutionStatusInfo


def only_film_file(place: EmbeddedPlace) -> Path:
    """Return the file of the only film that still waits or prints."""
    (path,) = (place.folder / "films").glob("[!.]*")
    return path
