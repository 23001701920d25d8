"""Beside pydcm, whose engine is compiled C++: C-ECHO, associations, films of one image, and reading a file.

pydcm has wheels for Python 3.12 and newer only. It echoes to its own server, and prints on our printer, because it has
none; each film has its own association, and a layout of six images. A file is read with a look at each of its values.
"""

from concurrent.futures import Executor
from pathlib import Path

import pytest

from benchmarks import own, pydcm
from benchmarks.duels import Duel
from benchmarks.processes import in_process, require_package, server
from dimse.net import Limits

ECHO, ASSOCIATION, FILM = "C-ECHO", "Association with C-ECHO", "A film of one image, to our printer"
ECHOES, ASSOCIATIONS, FILMS, READS = 500, 100, 20, 100
MAX_PDU = Limits().max_pdu
PEER = "pydcm"


@pytest.fixture(autouse=True)
def _installed() -> None:
    require_package(PEER)


def test_echo(duel: Duel, own_worker: Executor, peer_worker: Executor) -> None:
    with server(own.serve, MAX_PDU) as port, server(pydcm.serve) as peer_port:
        ours = in_process(own_worker, own.echo, port, ECHOES)
        duel(ECHO, PEER, ours, in_process(peer_worker, pydcm.echo, peer_port, ECHOES))


def test_association(duel: Duel, own_worker: Executor, peer_worker: Executor) -> None:
    with server(own.serve, MAX_PDU) as port, server(pydcm.serve) as peer_port:
        ours = in_process(own_worker, own.associate, port, ASSOCIATIONS)
        theirs = in_process(peer_worker, pydcm.associate, peer_port, ASSOCIATIONS)
        duel(ASSOCIATION, PEER, ours, theirs)


def test_film(duel: Duel, own_worker: Executor, peer_worker: Executor) -> None:
    with server(own.serve_films) as port:
        ours = in_process(own_worker, own.films_in_turn, port, FILMS)
        theirs = in_process(peer_worker, pydcm.films, port, FILMS)
        duel(FILM, PEER, ours, theirs)


def test_reading(duel: Duel, own_worker: Executor, peer_worker: Executor) -> None:
    path = pytest.importorskip("pydicom.data").get_testdata_file("CT_small.dcm")
    assert Path(path).is_file()
    ours = in_process(own_worker, own.read, path, READS)
    duel("Read a CT slice", PEER, ours, in_process(peer_worker, pydcm.read, path, READS))
