"""The spool as a contestant: films that are accepted durably, a bare disk beside it, and a printer with a spool."""

import asyncio
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from benchmarks.images import large_image
from benchmarks.processes import HOST
from dimse.data import Dataset
from dimse.net import Limits, Timeouts
from print_mgmt import Film, PrintClient, PrintServer
from print_mgmt.film import Cell, PrintImage, Sheet
from print_mgmt.jobs import PrintJob, PrintQueue
from print_mgmt.model import FilmCopy
from print_mgmt.spool import EmbeddedSpool, Spool, Target, open_spool

__all__ = ["Accepting", "Disk", "film_job", "print_large", "serve_films", "start"]

T = TypeVar("T")
_BATCH = 100
_PATIENT = Timeouts(connect=120.0, dimse=600.0)
_LIMITS = Limits(associations=1000, host_associations=1000, connections=1000, host_connections=1000)
_TARGET = Target(destination="printer")


def film_job(nbytes: int) -> PrintJob:
    """Return a job with one film, whose image has about ``nbytes`` bytes."""
    pixels = large_image()[: max(nbytes // 8192, 1)]
    image = PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2", BitsStored=16)
    sheet = Sheet(ImageDisplayFormat="STANDARD\\1,1", cells=(Cell(image=image),))
    return PrintJob(films=(FilmCopy(film_session=Dataset(), film_box=Dataset(), image_boxes=(), sheet=sheet),))


class Accepting:
    """A spool that accepts films of ``nbytes`` from ``clients`` at once, one of each. `close` it."""

    def __init__(self, address: str, nbytes: int, clients: int) -> None:
        self._nbytes, self._clients = nbytes, clients
        self._runner = asyncio.Runner()
        self._spool: Spool = open_spool(address)
        self._run(self._spool.__aenter__())

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def __call__(self) -> float:
        """Return the seconds until all films are accepted."""
        jobs = [film_job(self._nbytes) for _ in range(self._clients)]
        os.sync()

        async def accept() -> float:
            start = perf_counter()
            await asyncio.gather(*(self._spool.accept(job, [_TARGET]) for job in jobs))
            return perf_counter() - start

        return self._run(accept())

    def close(self) -> None:
        self._run(self._spool.__aexit__(None, None, None))
        self._runner.close()


class Disk:
    """A folder to which ``clients`` threads write ``nbytes`` each, and force them to the disk. `close` it.

    With ``named``, each file gets its name afterwards, which is forced to the disk as well: without that a power
    failure may lose the file.
    """

    def __init__(self, folder: Path, nbytes: int, clients: int, *, named: bool = False) -> None:
        folder.mkdir()
        self._folder, self._clients, self._named = folder, clients, named
        self._data = memoryview(large_image()[: max(nbytes // 8192, 1)].tobytes())
        self._threads = ThreadPoolExecutor(clients)
        self._files = 0

    def __call__(self) -> float:
        """Return the seconds until all files are on the disk."""
        self._files += self._clients
        paths = [self._folder / str(self._files - number) for number in range(self._clients)]
        os.sync()
        start = perf_counter()
        list(self._threads.map(self._write, paths))
        return perf_counter() - start

    def _write(self, path: Path) -> None:
        with path.open("xb", buffering=0) as file:
            left = self._data
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        if self._named:
            path.replace(path.with_suffix(".named"))
            descriptor = os.open(self._folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def close(self) -> None:
        self._threads.shutdown()


def start(folder: str, films: int) -> float:
    """Fill a spool with films, and return the seconds that it takes to open it."""

    async def run() -> float:
        async with EmbeddedSpool(folder) as spool:
            for _ in range(0, films, _BATCH):
                await asyncio.gather(*(spool.accept(film_job(1), [_TARGET]) for _ in range(_BATCH)))
        begin = perf_counter()
        async with EmbeddedSpool(folder):
            return perf_counter() - begin

    return asyncio.run(run())


def serve_films(ready: Connection, folder: str | None) -> None:
    """Run a printer that drops its films, with a spool in ``folder``, or with a queue in memory."""
    asyncio.run(_serve_films(ready, folder))


async def _serve_films(ready: Connection, folder: str | None) -> None:
    if folder is None:
        async with PrintServer(_drop, HOST, 0, queue=PrintQueue(1000), limits=_LIMITS) as server:
            ready.send(server.port)
            await server.serve_forever()
    else:
        async with EmbeddedSpool(folder) as spool, PrintServer(_drop, HOST, 0, spool=spool, limits=_LIMITS) as server:
            ready.send(server.port)
            await server.serve_forever()


def print_large(port: int, clients: int, mebibytes: int) -> float:
    """Print a film with an image of ``mebibytes`` from each of ``clients`` at once; return the seconds."""
    return asyncio.run(_print_large(port, clients, mebibytes))


async def _print_large(port: int, clients: int, mebibytes: int) -> float:
    pixels = large_image(mebibytes).view(np.uint8).reshape(-1, 4096)
    image = PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2")

    async def one() -> None:
        async with PrintClient(HOST, port, optional=(), timeouts=_PATIENT) as client, client.film_session() as session:
            async with session.film_box(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="14INX17IN") as box:
                await box.put(1, image, Dataset())
                await box.print()

    start = perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(one())
    return perf_counter() - start


async def _drop(film: Film) -> None:
    """Do nothing."""
