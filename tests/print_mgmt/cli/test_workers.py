"""Several processes deliver the films of one spool; one is stopped, one is killed, or several work at once.

In ``make soak``, leases end after their real time.
"""

import asyncio
import os
import re
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
from listening import META, client_at
from postgres import Postgres
from served import site_serving, working

from dimse.uids import PrintJob
from print_mgmt.spool import OPEN, FilmRecord, FilmState, open_spool

IS_SOAK = "DIMSE_KILLS" in os.environ
SITE = """
[spool]
at = "{spool}"
[printers.one]
ae_title = "PRINTSCP"
default = true
[destinations.program]
type = "command"
command = ["/bin/sh", "-c", '''{script}''', "{json}"]
formats = ["json"]
dpi = 15
repeatable = {repeatable}
"""
COUNT = 'grep job "$0" >> {folder}/counted'
BLOCK_ONCE = COUNT + "; [ $(wc -l < {folder}/counted) -gt 1 ] || read line < {folder}/gate"


class Place:
    """The spool of a site, and its file."""

    def __init__(self, folder: Path, server: Postgres | None) -> None:
        self.folder = folder
        self.file = folder / "site.toml"
        self._server = server
        self.address = str(folder / "spool") if server is None else server.database()

    def configure(self, script: str, *, repeatable: bool = False) -> None:
        text = SITE.replace("{spool}", self.address).replace("{script}", script).replace("{folder}", str(self.folder))
        self.file.write_text(text.replace("{repeatable}", str(repeatable).lower()))

    def end_leases(self) -> None:
        """End all leases now, as if their time were over."""
        statement = "UPDATE delivery SET expires = 0"
        if self._server is not None:
            self._server.sql(self.address, statement)
            return
        with closing(sqlite3.connect(self.folder / "spool" / "index.sqlite")) as db, db:
            db.execute(statement)

    @contextmanager
    def no_transaction(self) -> Iterator[None]:
        """Keep all processes from changing the embedded index: a stopped process would keep its lock."""
        if self._server is not None:
            yield
            return
        with closing(sqlite3.connect(self.folder / "spool" / "index.sqlite", isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.execute("ROLLBACK")

    def ran(self) -> Counter[str]:
        """Count how often the program ran for each job."""
        return Counter(re.findall(r'"job": "([0-9.]+)"', (self.folder / "counted").read_text()))

    async def ended(self) -> tuple[FilmRecord, ...]:
        """Return all films, as soon as their deliveries have ended."""
        async with asyncio.timeout(200), open_spool(self.address) as spool:
            revision = (await spool.news()).revision
            while await spool.list(states=OPEN, limit=1):
                revision = (await spool.news(revision, wait=0.2)).revision
            return await spool.list()


@pytest.fixture(params=["embedded", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    server: Postgres | None = request.getfixturevalue("postgres") if request.param == "postgres" else None
    return Place(tmp_path, server)


@pytest.fixture
def processes() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


async def print_films(address: str, count: int = 1) -> list[str]:
    """Print from one client; return the jobs, which were all accepted."""
    host, _, port = address.rpartition(":")
    async with client_at(host, int(port), META, PrintJob) as one:
        jobs = []
        for _ in range(count):
            await one.fill_film()
            jobs.append(await one.print_film())
            await one.delete()
        return jobs


@pytest.mark.parametrize("repeatable", [True, False])
async def test_stopped_worker_loses_its_lease(place: Place, processes: ExitStack, *, repeatable: bool) -> None:
    """Another worker delivers the film if that is harmless, and the first one cannot renew its lease or report."""
    place.configure(BLOCK_ONCE, repeatable=repeatable)
    gate = place.folder / "gate"
    os.mkfifo(gate)
    address, _ = processes.enter_context(site_serving(place.file, "--no-delivery"))
    first = processes.enter_context(working(place.file))
    (job,) = await print_films(address)
    opened = await asyncio.to_thread(os.open, gate, os.O_WRONLY)  # waits until the program runs
    with place.no_transaction():
        first.send_signal(signal.SIGSTOP)
    if not IS_SOAK:
        await asyncio.to_thread(place.end_leases)
    processes.enter_context(working(place.file))
    (film,) = await place.ended()
    assert film.state is (FilmState.DONE if repeatable else FilmState.INDETERMINATE)
    os.write(opened, b"\n")
    os.close(opened)
    first.send_signal(signal.SIGCONT)
    assert "lease 1 for 'program' has ended" in await asyncio.to_thread(first.stderr.readline)
    assert await place.ended() == (film,)
    assert place.ran() == {job: 2 if repeatable else 1}


async def test_two_workers_deliver_each_film_once(place: Place, processes: ExitStack) -> None:
    place.configure(COUNT)
    address, _ = processes.enter_context(site_serving(place.file, "--no-delivery"))
    for _ in range(2):
        processes.enter_context(working(place.file))
    jobs = await print_films(address, 12)
    assert {film.state for film in await place.ended()} == {FilmState.DONE}
    assert place.ran() == dict.fromkeys(jobs, 1)


async def test_server_delivers_the_films_of_a_killed_one(place: Place, processes: ExitStack) -> None:
    """Two servers, each with a port of its own, have one spool."""
    place.configure(COUNT)
    (one, killed), (other, _) = (processes.enter_context(site_serving(place.file)) for _ in range(2))
    jobs = [job for found in await asyncio.gather(print_films(one, 4), print_films(other, 4)) for job in found]
    killed.kill()
    if not IS_SOAK:
        await asyncio.to_thread(place.end_leases)
    jobs += await print_films(other, 2)
    assert {film.job for film in await place.ended()} == set(jobs)
    ran = place.ran()
    assert set(ran.values()) == {1}
    assert {film.state for film in await place.ended() if film.job not in ran} <= {FilmState.INDETERMINATE}


async def test_job_is_known_to_all_servers(place: Place, processes: ExitStack) -> None:
    """The job is known even after the server that accepted it was killed."""
    place.configure(COUNT)
    one, killed = processes.enter_context(site_serving(place.file, "--no-delivery"))
    other, _ = processes.enter_context(site_serving(place.file, "--no-delivery"))
    (job,) = await print_films(one)
    killed.kill()
    host, _, port = other.rpartition(":")
    async with client_at(host, int(port), META, PrintJob) as client:
        assert (await client.job(job)).Status == 0
