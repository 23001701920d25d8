"""Spools for tests: a place where a spool is kept, on each engine, and films to put into it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from made_films import print_job

from print_mgmt.jobs import PrintJob
from print_mgmt.spool import EmbeddedSpool, Spool, SpoolLimits, Target

__all__ = ["FOLDER", "PRINTER", "Clock", "EmbeddedPlace", "Place", "job", "opened"]

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
    """Where the films of a spool are kept."""

    name: str
    clock: Clock

    def spool(self, *, limits: SpoolLimits = ..., step: Step = ...) -> Spool:
        """Return a spool for this place, not yet open."""

    def damage(self, film_id: str) -> None:
        """Change one byte of the pixels of a stored film."""

    @property
    def address(self) -> str:
        """What another process needs to open it."""


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

    @property
    def address(self) -> str:
        return str(self.folder)


def opened(address: str, step: Step) -> AbstractAsyncContextManager[Spool]:
    """Return the spool at the address of a place, for another process: with a real clock."""
    return EmbeddedSpool(address, step=step)


def job(*, films: int = 1, copies: int = 1, PrintPriority: str = "MED", nbytes: int = 100) -> PrintJob:
    """Return a job that is in no queue."""
    made = print_job(nbytes, films=films, copies=copies, PrintPriority=PrintPriority)
    made.PrinterName, made.Originator, made.FilmSessionLabel = "LASER", "SCU", "thorax"
    return made
