"""Bounds: the least that a C-ECHO, an association and a film of one image take in Python, beside ours and pydcm.

In a bound, a client sends stored bytes (`benchmarks.replay`) to a server with stored answers (`benchmarks.canned`),
both on asyncio, on uvloop or on blocking sockets. The bytes are those of our client. A client in Python that does more
takes more time. Films go to our printer, which runs on asyncio, because pydcm has none.

DCMTK has no client that makes several associations, so only servers are compared with it, all with our client.

All take turns in many short rounds, because the least time of each tells more than the median while other work runs.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks import canned, dcmtk, own, pydcm, replay
from benchmarks.conftest import Contest
from benchmarks.duels import Contestant
from benchmarks.processes import in_process, require_package, require_programs, server
from benchmarks.test_pydcm import ASSOCIATION, ECHO, FILM, MAX_PDU, PEER

ECHOES, ASSOCIATIONS, FILMS = 60, 8, 4  # in one turn
LOOPS = ("asyncio", "uvloop")


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    """Yield the ports of ours on each loop, and of the servers with stored answers."""
    require_package("uvloop")
    serving = {replay.BLOCKING: server(canned.serve_blocking, MAX_PDU)}
    for loop in LOOPS:
        serving |= {f"ours, {loop}": server(own.serve, MAX_PDU, loop), loop: server(canned.serve, MAX_PDU, loop)}
    with ExitStack() as stack:
        yield {name: stack.enter_context(each) for name, each in serving.items()}


@pytest.fixture
def pydcm_port() -> Iterator[int]:
    """Yield the port of pydcm's server."""
    require_package(PEER)
    with server(pydcm.serve) as port:
        yield port


def on_each_loop(
    worker: Executor,
    ports: dict[str, int],
    ours: Callable[[int, int, str], float],
    stored: Callable[[int, int, str], float],
    count: int,
) -> dict[str, Contestant]:
    """Return our client on each loop, and the clients that send stored bytes."""
    contestants = {}
    for loop in LOOPS:
        name = f"ours, {loop}"
        contestants[name] = in_process(worker, ours, ports[name], count, loop)
    for kind in (*LOOPS, replay.BLOCKING):
        contestants[f"stored bytes, {kind}"] = in_process(worker, stored, ports[kind], count, kind)
    return contestants


def test_echo(
    contest: Contest, own_worker: Executor, peer_worker: Executor, pydcm_port: int, ports: dict[str, int]
) -> None:
    theirs = in_process(peer_worker, pydcm.echo, pydcm_port, ECHOES)
    contest(ECHO, {PEER: theirs} | on_each_loop(own_worker, ports, own.echo, replay.echo, ECHOES), PEER)


def test_association(
    contest: Contest, own_worker: Executor, peer_worker: Executor, pydcm_port: int, ports: dict[str, int]
) -> None:
    theirs = in_process(peer_worker, pydcm.associate, pydcm_port, ASSOCIATIONS)
    own_clients = on_each_loop(own_worker, ports, own.associate, replay.associate, ASSOCIATIONS)
    contest(ASSOCIATION, {PEER: theirs} | own_clients, PEER)


def test_film(contest: Contest, own_worker: Executor, peer_worker: Executor) -> None:
    require_package(PEER)
    with server(own.serve_films) as port:
        contestants = {
            PEER: in_process(peer_worker, pydcm.films, port, FILMS),
            "ours, asyncio": in_process(own_worker, own.films_in_turn, port, FILMS),
        }
        for kind in (*LOOPS, replay.BLOCKING):
            contestants[f"stored bytes, {kind}"] = in_process(own_worker, replay.films, port, FILMS, kind)
        contest(FILM, contestants, PEER)


@pytest.mark.parametrize(
    ("subject", "work", "times"), [(ECHO, own.echo, ECHOES), (ASSOCIATION, own.associate, ASSOCIATIONS)]
)
def test_server_beside_dcmtk(
    contest: Contest,
    own_worker: Executor,
    ports: dict[str, int],
    tmp_path: Path,
    subject: str,
    work: Callable[[int, int], float],
    times: int,
) -> None:
    require_programs("storescp")
    with dcmtk.verifier(tmp_path) as port:
        contestants = {
            "storescp": in_process(own_worker, work, port, times),
            "ours, asyncio": in_process(own_worker, work, ports["ours, asyncio"], times),
        }
        for kind in (*LOOPS, replay.BLOCKING):
            contestants[f"stored answers, {kind}"] = in_process(own_worker, work, ports[kind], times)
        contest(f"{subject} of our client", contestants, "storescp")
