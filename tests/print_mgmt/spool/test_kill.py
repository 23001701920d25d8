"""A process is killed at each step: no accepted film is lost, and no film is printed twice.

``DIMSE_KILLS=200`` sets the number of kills at random moments.
"""

import asyncio
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from forked import Copy, copied
from listening import META, Client
from spools import Place

from dimse.errors import DimseError
from dimse.net import connect
from dimse.uids import ExplicitVRLittleEndian, PrintJob
from print_mgmt.spool import Done, FilmState, Spool

CLIENTS, FILMS = 8, 40
KILLS = int(os.environ.get("DIMSE_KILLS", "5"))
# By step: the number of the call in which to die, after some films were accepted
EMBEDDED = dict.fromkeys(("draft created", "write", "fsync", "name", "named"), 20) | dict.fromkeys(
    ("folder sync", "commit", "committed", "accepted", "leased", "report", "reported"), 3
)
POSTGRES = {"write": 20, "commit": 50} | dict.fromkeys(("committed", "accepted", "leased", "report", "reported"), 2)
STEPS = [("embedded", *step) for step in EMBEDDED.items()] + [("postgres", *step) for step in POSTGRES.items()]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.touch()
    return path


async def line_of(running: Copy) -> str:
    """Return a line that the process writes to stdout."""
    line = await asyncio.to_thread(running.stdout.readline)
    assert line, "the process has ended"
    return line


def lines(out: Path, *kinds: str) -> list[str]:
    """Return the second word of each line of these kinds; a line that was cut off does not count."""
    found = (line.split() for line in out.read_text().split("\n")[:-1])
    return [words[1] for words in found if words[0] in kinds]


async def check_nothing_is_lost(spool: Spool, accepted: list[str]) -> None:
    films = {film.id for film in await spool.list()}
    assert set(accepted) <= films
    right, damaged = await spool.verify()
    assert (right, damaged) == (len(films), ())


async def check_nothing_is_printed_twice(spool: Spool, printed: list[str], stored: list[str]) -> None:
    """Once no delivery is left, each film was printed once, or is marked because it may have been printed."""
    assert max(Counter(printed).values(), default=0) <= 1
    for film in await spool.list():
        states = {one.destination: one.state for one in film.deliveries}
        assert states["folder"] is FilmState.DONE
        assert film.id in stored
        assert states["printer"] in (FilmState.DONE, FilmState.INDETERMINATE)
        assert film.id in printed or states["printer"] is FilmState.INDETERMINATE


async def check(place: Place, out: Path) -> None:
    """Check the spool after a kill, and again once no delivery is left."""
    place.clock.now = 1e12  # later than any lease
    async with place.spool() as spool:
        await check_nothing_is_lost(spool, lines(out, "accepted"))
        printed = {name: lines(out, name) for name in ("printer", "folder")}
        for name, films in printed.items():
            while (lease := await spool.lease(name, 60)) is not None:
                films.append(lease.film.id)
                await spool.report(lease, Done())
        await check_nothing_is_printed_twice(spool, printed["printer"], printed["folder"])


@pytest.mark.parametrize(("place", "step", "number"), STEPS, indirect=["place"])
async def test_kill_at_a_step_loses_and_repeats_nothing(place: Place, out: Path, step: str, number: int) -> None:
    with copied("spool_process", place.address, out, "load", step, number) as loading:
        assert loading.wait() == -9
    await check(place, out)


@pytest.mark.parametrize("place", ["embedded"], indirect=True)
@pytest.mark.parametrize(("first", "then"), [("named", "accept again"), ("write", "removed")])
async def test_kill_during_recovery_loses_nothing(place: Place, out: Path, first: str, then: str) -> None:
    for step, number in ((first, 20), (then, 1)):
        if step == "removed":  # this step needs a film to remove, from a job that was never completely accepted
            (Path(place.address) / "films" / f"{'f' * 16}.1.{'0' * 64}.dcm").touch()
        with copied("spool_process", place.address, out, "load", step, number) as loading:
            assert loading.wait() == -9
    await check(place, out)


async def test_kills_at_any_moment_lose_and_repeat_nothing(place: Place, out: Path) -> None:
    for _ in range(KILLS):
        with copied("spool_process", place.address, out, "load") as loading:
            await line_of(loading)
            await asyncio.sleep(random.random() / 10)
            loading.kill()
    await check(place, out)


async def print_films(port: int, accepted: list[str], enough: asyncio.Event) -> None:
    """Print until the printer is gone."""
    contexts = dict.fromkeys((META, PrintJob), (ExplicitVRLittleEndian,))
    try:
        async with connect("127.0.0.1", port, contexts) as association:
            one = Client(association, asyncio.Queue(), [])
            while True:
                await one.fill_film()
                accepted.append(await one.print_film())
                if len(accepted) == FILMS:
                    enough.set()
                await one.delete()
    except (DimseError, OSError):
        return


async def test_killed_printer_keeps_accepted_films(place: Place, out: Path) -> None:
    """Eight clients print over the network, and each records the films that were accepted."""
    accepted: list[str] = []
    enough = asyncio.Event()
    with copied("spool_process", place.address, out, "serve") as serving:
        port = int(await line_of(serving))
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(print_films(port, accepted, enough))
            await enough.wait()
            serving.kill()
    async with place.spool() as spool:
        films = await spool.list()
        assert set(accepted) <= {film.job for film in films}
        printed = lines(out, "on_film")
        assert max(Counter(printed).values(), default=0) <= 1
        for film in films:
            assert film.state in (FilmState.DONE, FilmState.QUEUED, FilmState.INDETERMINATE)
            assert film.job in printed or film.state is not FilmState.DONE
            assert film.job not in printed or film.state is not FilmState.QUEUED
