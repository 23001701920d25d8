"""A server is killed under load, again and again: each acknowledged film is in the folder, once.

``make soak`` kills it 200 times, and 20 times while it runs programs.
"""

import asyncio
import json
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from listening import META, Client
from served import site_serving

from dimse.errors import DimseError
from dimse.net import connect
from dimse.uids import ExplicitVRLittleEndian, PrintJob
from print_mgmt.spool import OPEN, FilmState, open_spool

KILLS = int(os.environ.get("DIMSE_KILLS", "2"))
CLIENTS, FILMS = 8, 12
SITE = """
[spool]
at = "{spool}"
[printers.one]
ae_title = "FILM1"
[printers.two]
ae_title = "FILM2"
default = true
[destinations.files]
type = "folder"
path = "films"
formats = ["json"]
dpi = 15
"""
COUNT = """
[destinations.count]
type = "command"
command = ["/bin/sh", "-c", 'grep job "$0" >> {counted}', "{json}"]
formats = ["json"]
dpi = 15
"""


@pytest.fixture
def file(address: str, tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE.replace("{spool}", address))
    return path


@pytest.fixture
def counting_file(file: Path) -> Path:
    file.write_text(file.read_text() + COUNT.replace("{counted}", str(file.parent / "counted")))
    return file


async def print_films(port: int, called: str, accepted: list[str], enough: asyncio.Event) -> None:
    """Print until the printer is gone, and record each job that it acknowledged."""
    contexts = dict.fromkeys((META, PrintJob), (ExplicitVRLittleEndian,))
    try:
        async with connect("127.0.0.1", port, contexts, called_ae_title=called) as association:
            one = Client(association, asyncio.Queue(), [])
            while True:
                await one.fill_film()
                accepted.append(await one.print_film())
                if len(accepted) >= FILMS:
                    enough.set()
                await one.delete()
    except (DimseError, OSError):
        return


async def killed_under_load(file: Path) -> list[str]:
    """Kill a server while clients print; return the jobs that it acknowledged."""
    accepted: list[str] = []
    enough = asyncio.Event()
    with site_serving(file) as (address, process):
        port = int(address.rpartition(":")[2])
        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(print_films(port, f"FILM{number % 2 + 1}", accepted, enough))
            await enough.wait()
            await asyncio.sleep(random.random() / 5)
            process.kill()
    return accepted


async def finished(file: Path, address: str) -> None:
    """Run the server until all films have ended."""
    with site_serving(file) as (_, process):
        async with asyncio.timeout(120 + 60 * KILLS), open_spool(address) as spool:
            revision = (await spool.news()).revision
            while await spool.list(states=OPEN - {FilmState.HELD}, limit=1):
                revision = (await spool.news(revision, wait=0.2)).revision
        process.terminate()
        process.communicate(timeout=60)


@contextmanager
def checked(file: Path, accepted: list[str]) -> Iterator[None]:
    yield
    written = Counter(json.loads(path.read_text())["job"] for path in (file.parent / "films").glob("*.json"))
    assert set(accepted) <= set(written)
    assert set(written.values()) == {1}
    assert not [path for path in (file.parent / "films").iterdir() if path.name.startswith(".film")]


async def test_killed_server_loses_and_repeats_no_film(file: Path, address: str) -> None:
    accepted: list[str] = []
    with checked(file, accepted):
        for _ in range(KILLS):
            accepted += await killed_under_load(file)
        await finished(file, address)


async def test_killed_server_runs_no_program_twice(counting_file: Path, address: str) -> None:
    """A program does not recognize a film, so each delivery that may have run is indeterminate."""
    accepted: list[str] = []
    for _ in range(max(KILLS // 10, 1)):
        accepted += await killed_under_load(counting_file)
    await finished(counting_file, address)
    folder = counting_file.parent
    ran = Counter(re.findall(r'"job": "([0-9.]+)"', await asyncio.to_thread((folder / "counted").read_text)))
    assert set(ran.values()) == {1}
    async with open_spool(address) as spool:
        films = {film.job: film for film in await spool.list()}
    assert set(accepted) <= set(films)
    for uid, film in films.items():
        state = next(one.state for one in film.deliveries if one.destination == "count")
        assert state in (FilmState.DONE, FilmState.INDETERMINATE)
        assert uid in ran or state is FilmState.INDETERMINATE
