"""Bounds: the least that a C-ECHO, an association and a film of one image take in Python, beside pydcm and beside ours.

A client sends stored bytes (`benchmarks.replay`) to a server with stored answers (`benchmarks.canned`), both on
asyncio, on uvloop or on blocking sockets. The bytes are those of our client. Films go to our printer, which runs on
asyncio, because pydcm has none. A client in Python that does more takes more time.
"""

from collections.abc import Iterator
from concurrent.futures import Executor

import pytest

from benchmarks import canned, own, pydcm, replay
from benchmarks.duels import Duel
from benchmarks.processes import in_process, require_package, server
from benchmarks.test_pydcm import ASSOCIATION, ASSOCIATIONS, ECHO, ECHOES, FILM, FILMS, MAX_PDU, PEER

BOUND = "stored bytes, "


@pytest.fixture(params=["asyncio", "uvloop", replay.BLOCKING])
def kind(request: pytest.FixtureRequest) -> str:
    """Return the event loop of the bound, or `replay.BLOCKING`."""
    kind: str = request.param
    if kind != replay.BLOCKING:
        require_package(kind)
    return kind


@pytest.fixture
def bound_port(kind: str) -> Iterator[int]:
    """Yield the port of a server with stored answers."""
    serving = server(canned.serve_blocking, MAX_PDU) if kind == replay.BLOCKING else server(canned.serve, MAX_PDU, kind)
    with serving as port:
        yield port


def test_echo_ours(duel: Duel, own_worker: Executor, peer_worker: Executor, kind: str, bound_port: int) -> None:
    with server(own.serve, MAX_PDU) as port:
        ours = in_process(own_worker, own.echo, port, ECHOES)
        duel(ECHO, BOUND + kind, ours, in_process(peer_worker, replay.echo, bound_port, ECHOES, kind))


def test_echo_pydcm(duel: Duel, own_worker: Executor, peer_worker: Executor, kind: str, bound_port: int) -> None:
    require_package(PEER)
    with server(pydcm.serve) as port:
        bound = in_process(own_worker, replay.echo, bound_port, ECHOES, kind)
        duel(f"{ECHO}, {BOUND}{kind}", PEER, bound, in_process(peer_worker, pydcm.echo, port, ECHOES))


def test_association_ours(duel: Duel, own_worker: Executor, peer_worker: Executor, kind: str, bound_port: int) -> None:
    with server(own.serve, MAX_PDU) as port:
        ours = in_process(own_worker, own.associate, port, ASSOCIATIONS)
        bound = in_process(peer_worker, replay.associate, bound_port, ASSOCIATIONS, kind)
        duel(ASSOCIATION, BOUND + kind, ours, bound)


def test_association_pydcm(duel: Duel, own_worker: Executor, peer_worker: Executor, kind: str, bound_port: int) -> None:
    require_package(PEER)
    with server(pydcm.serve) as port:
        bound = in_process(own_worker, replay.associate, bound_port, ASSOCIATIONS, kind)
        theirs = in_process(peer_worker, pydcm.associate, port, ASSOCIATIONS)
        duel(f"{ASSOCIATION}, {BOUND}{kind}", PEER, bound, theirs)


def test_film_ours(duel: Duel, own_worker: Executor, peer_worker: Executor, kind: str) -> None:
    with server(own.serve_films) as port:
        ours = in_process(own_worker, own.films_in_turn, port, FILMS)
        duel(FILM, BOUND + kind, ours, in_process(peer_worker, replay.films, port, FILMS, kind))


def test_film_pydcm(duel: Duel, own_worker: Executor, peer_worker: Executor, kind: str) -> None:
    require_package(PEER)
    with server(own.serve_films) as port:
        bound = in_process(own_worker, replay.films, port, FILMS, kind)
        duel(f"{FILM}, {BOUND}{kind}", PEER, bound, in_process(peer_worker, pydcm.films, port, FILMS))
