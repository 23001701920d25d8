"""A print server as a contestant: `print-mgmt serve` with a spool and a folder, in one process or in several."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from subprocess import DEVNULL, PIPE, Popen
from time import perf_counter, sleep

import numpy as np

from benchmarks.processes import HOST
from benchmarks.spools import film_job
from print_mgmt import PrintClient
from print_mgmt.spool import EmbeddedSpool, Target

__all__ = ["fill", "latency", "site_file", "started"]

_SITE = """
[listen]
port = 0
[spool]
at = "spool"
[printers.one]
ae_title = "PRINTSCP"
default = true
[destinations.files]
type = "folder"
path = "films"
formats = ["png"]
dpi = 150
[[routes]]
to = ["files"]
hold = {hold}
"""
_BATCH = 100
_POLL = 0.0005  # seconds


def site_file(folder: Path, *, hold: bool = False) -> Path:
    """Write the file of a site with one printer and one folder; with ``hold`` nothing is delivered."""
    path = folder / "site.toml"
    path.write_text(_SITE.replace("{hold}", str(hold).lower()))
    return path


@contextmanager
def started(file: Path, *options: str) -> Iterator[tuple[int, float]]:
    """Run `print-mgmt serve`; yield its port, and the seconds until it listened."""
    argv = [sys.executable, "-m", "print_mgmt", "serve", "--config", str(file), *options]
    begin = perf_counter()
    with Popen(argv, stdout=PIPE, stderr=DEVNULL, text=True, env=os.environ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield int(line.rpartition(":")[2]), perf_counter() - begin
        finally:
            process.terminate()
            process.wait()


def fill(file: Path, films: int) -> None:
    """Put films into the spool of a site, for a destination that it does not have."""

    async def run() -> None:
        async with EmbeddedSpool(file.parent / "spool") as spool:
            for _ in range(0, films, _BATCH):
                target = Target(destination="nobody")
                await asyncio.gather(*(spool.accept(film_job(1), [target]) for _ in range(_BATCH)))

    asyncio.run(run())


def latency(file: Path, port: int, films: int) -> float:
    """Return the median of the seconds from the response to N-ACTION to the file of a film in the folder."""
    folder = file.parent / "films"

    async def run() -> list[float]:
        found = []
        async with PrintClient(HOST, port) as client:
            for number in range(films):
                await client.print_images([np.zeros((512, 512), np.uint8)], FilmSizeID="8INX10IN")
                begin = perf_counter()
                _wait_for_films(folder, number + 1)
                found.append(perf_counter() - begin)
        return found

    return median(asyncio.run(run()))


def _wait_for_films(folder: Path, films: int) -> None:
    """Wait until a folder has so many films."""
    while len(list(folder.glob("*.png"))) < films:
        sleep(_POLL)
