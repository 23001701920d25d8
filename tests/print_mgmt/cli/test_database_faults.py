"""A running site, with workers of its own, while its PostgreSQL server is stopped, restarted and killed.

Each fault happens while a statement of the site waits at a known step. ``make soak`` tries 200 of them.
"""

import asyncio
import json
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from listening import META, client_at
from postgres import Postgres
from served import site_serving, working

from dimse.errors import DimseError
from dimse.uids import PrintJob
from print_mgmt.spool import OPEN, FilmState, open_spool

if not hasattr(os, "pidfd_open"):
    pytest.skip("only Linux tells the children of a process", allow_module_level=True)

SITE = """
[spool]
at = "{spool}"
[printers.one]
ae_title = "PRINTSCP"
default = true
[destinations.files]
type = "folder"
path = "films"
formats = ["json"]
dpi = 15
[destinations.count]
type = "command"
command = ["/bin/sh", "-c", 'grep job "$0" >> {counted}', "{json}"]
formats = ["json"]
dpi = 15
"""
GATE = 4711  # the advisory lock that a statement waits for
WAIT = f"""
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$;
CREATE {{kind}} FOR EACH ROW {{when}} EXECUTE FUNCTION wait()"""
WAITING = "SELECT pid FROM pg_locks WHERE objid = $1 AND NOT granted"
STEPS = {
    "copy": WAIT.format(kind="TRIGGER wait BEFORE INSERT ON chunk", when=""),
    "commit": WAIT.format(kind="CONSTRAINT TRIGGER wait AFTER INSERT ON job DEFERRABLE INITIALLY DEFERRED", when=""),
    "lease": WAIT.format(kind="TRIGGER wait BEFORE UPDATE ON delivery", when="WHEN (NEW.state = 'delivering')"),
    "result": WAIT.format(kind="TRIGGER wait BEFORE UPDATE ON delivery", when="WHEN (NEW.state = 'done')"),
}
DEATHS = ("fast", "immediate", "backend", "postmaster")
KILLS = int(os.environ.get("DIMSE_KILLS", "0"))
SOME = [
    ("copy", "postmaster"),
    ("commit", "backend"),
    ("lease", "immediate"),
    ("result", "fast"),
    ("notify", "backend"),
]
ALL = [(step, death) for step in (*STEPS, "notify") for death in DEATHS]


class Running:
    """A site whose printer and workers are two processes."""

    def __init__(self, server: Postgres, folder: Path) -> None:
        self.server = server
        self.address = server.database()
        self.folder = folder
        self.file = folder / "site.toml"
        text = SITE.replace("{spool}", self.address).replace("{counted}", str(folder / "counted"))
        self.file.write_text(text)
        self.port = 0
        self.accepted: list[str] = []
        self.stopped: list[int] = []  # processes of the server that are stopped

    async def print_film(self) -> bool:
        """Print a film; return whether it was accepted."""
        async with client_at("127.0.0.1", self.port, META, PrintJob) as one:
            await one.fill_film()
            try:
                self.accepted.append(await one.print_film())
            except (AssertionError, DimseError):
                return False
        return True

    async def print_until_accepted(self) -> None:
        """Print a film as soon as the printer accepts one."""
        async with asyncio.timeout(60):
            while not await self.print_film():
                pass

    @asynccontextmanager
    async def waiting(self, step: str) -> AsyncIterator[int]:
        """Print a film whose processing waits at a step; yield the server's process that waits."""
        await asyncio.to_thread(self.server.sql, self.address, STEPS[step])
        gate = await asyncpg.connect(self.address)
        try:
            await gate.execute("SELECT pg_advisory_lock($1)", GATE)
            printing = asyncio.create_task(self.print_film())
            async with asyncio.timeout(60):
                while (pid := await gate.fetchval(WAITING, GATE)) is None:
                    await gate.execute("SELECT pg_sleep(0.01)")
            yield pid
            await printing
        finally:
            gate.terminate()
            await asyncio.to_thread(self.server.sql, self.address, "DROP FUNCTION wait CASCADE")

    @asynccontextmanager
    async def without_its_notice(self) -> AsyncIterator[int]:
        """Print a film whose notice does not reach the site; yield the server's process that should pass it on."""
        gate = await asyncpg.connect(self.address)
        listeners = await gate.fetch("SELECT pid FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        gate.terminate()
        self.stopped = [pid for (pid,) in listeners]
        try:
            for pid in self.stopped:
                os.kill(pid, signal.SIGSTOP)
            await self.print_film()
            yield self.stopped[0]
        finally:
            self._go_on()

    async def kill_and_restart(self, death: str, pid: int) -> None:
        """Stop or kill the database, and start it again."""
        match death:
            case "backend":
                os.kill(pid, signal.SIGKILL)
                self._go_on()
                await asyncio.to_thread(self.server.wait)
            case "postmaster":
                self._go_on()
                await asyncio.to_thread(self.server.kill)
                await asyncio.to_thread(self.server.start)
            case mode:
                self._go_on()
                await asyncio.to_thread(self.server.stop, mode)
                await asyncio.to_thread(self.server.start)

    def _go_on(self) -> None:
        for pid in self.stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def check(self) -> None:
        """Check that all accepted films are printed, and none of them twice, once all deliveries have ended."""
        async with asyncio.timeout(120), open_spool(self.address) as spool:
            revision = (await spool.news()).revision
            while await spool.list(states=OPEN - {FilmState.HELD}, limit=1):
                revision = (await spool.news(revision, wait=0.2)).revision
            films = {film.job: film for film in await spool.list()}
        ran, written = await asyncio.to_thread(self._printed)
        assert set(self.accepted) <= set(films)
        assert set(films) == set(written)
        assert set(written.values()) == set(ran.values()) == {1}
        for uid, film in films.items():
            state = next(one.state for one in film.deliveries if one.destination == "count")
            assert state in (FilmState.DONE, FilmState.INDETERMINATE)
            assert uid in ran or state is FilmState.INDETERMINATE

    def _printed(self) -> tuple[Counter[str], Counter[str]]:
        """Count the jobs for which the program ran, and those that the folder has."""
        ran = re.findall(r'"job": "([0-9.]+)"', (self.folder / "counted").read_text())
        return Counter(ran), Counter(json.loads(path.read_text())["job"] for path in self.folder.glob("films/*.json"))


@pytest.fixture(scope="module")
def site(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(postgres, tmp_path_factory.mktemp("site"))
    with site_serving(running.file, "--no-delivery") as (address, _), working(running.file):
        running.port = int(address.rpartition(":")[2])
        yield running


@pytest.mark.parametrize(("step", "death"), ALL * (KILLS // len(ALL)) or SOME)
async def test_dying_database_loses_and_repeats_no_film(site: Running, step: str, death: str) -> None:
    async with site.without_its_notice() if step == "notify" else site.waiting(step) as pid:
        await site.kill_and_restart(death, pid)
    await site.print_until_accepted()
    await site.check()
