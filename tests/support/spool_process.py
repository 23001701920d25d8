"""A process with a spool that is killed: run by tests, never imported by them.

``ADDRESS OUT MODE [STEP NUMBER]``. It appends a line to the file OUT for each event. With a STEP
it kills itself, as ``kill -9`` does, when it gets there for the NUMBER-th time.

- ``load``: accepts films as several clients do at once, and prints them; it writes a line to stdout after the first;
- ``serve``: is a printer with the spool; it writes its port to stdout.
"""

import asyncio
import os
import signal
import sys
from contextlib import AbstractAsyncContextManager

from spools import FOLDER, PRINTER, job, opened

from print_mgmt import Film, PrintServer
from print_mgmt.spool import Done, Spool

CLIENTS = 8
JOBS = 3  # of each client


class Process:
    """One process. ``say`` writes a line to the file that the test reads."""

    def __init__(self, address: str, out: str, step: str, number: int) -> None:
        self._file = os.open(out, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._deadly, self._left = step, number
        self._address = address
        self._has_begun = False

    def say(self, *words: object) -> None:
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())

    def step(self, name: str) -> None:
        if name == self._deadly:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)

    def spool(self) -> AbstractAsyncContextManager[Spool]:
        return opened(self._address, self.step)

    async def load(self) -> None:
        async with self.spool() as spool, asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._accept(spool))
            for destination in ("printer", "folder"):
                group.create_task(self._deliver(spool, destination))

    async def _accept(self, spool: Spool) -> None:
        for _ in range(JOBS):
            for film in await spool.accept(job(films=2), [PRINTER, FOLDER]):
                self.say("accepted", film)
            if not self._has_begun:
                self._has_begun = True
                os.write(1, b"begun\n")

    async def _deliver(self, spool: Spool, destination: str) -> None:
        while True:
            lease = await spool.lease(destination, 60, wait=1)
            if lease is not None:
                await spool.film(lease.film.id)
                self.say(destination, lease.film.id)
                await spool.report(lease, Done())

    async def serve(self) -> None:
        async def on_film(film: Film) -> None:
            self.say("on_film", film.job.SOPInstanceUID)

        async with self.spool() as spool, PrintServer(on_film, port=0, spool=spool) as server:
            os.write(1, f"{server.port}\n".encode())
            await server.serve_forever()


def main(address: str, out: str, mode: str, step: str = "", number: str = "0") -> None:
    process = Process(address, out, step, int(number))
    asyncio.run({"load": process.load, "serve": process.serve}[mode]())


if __name__ == "__main__":
    main(*sys.argv[1:])
