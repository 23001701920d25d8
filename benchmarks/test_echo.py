r"""C-ECHO: round trips on one association, and whole associations with one C-ECHO each.

Milliseconds are per round trip, or per association (connect, associate, echo, release, close). Beside ours on both
ends:

- *pynetdicom* on both ends.
- *echoscu to storescp*, DCMTK with TCP_NODELAY=1: the time of 500 round trips minus the time of one.
- *storescp* for associations, with our client: DCMTK has no client that makes several. One process, no fork.
- *canned answers* for associations, with our client: the least that a server takes in asyncio (`benchmarks.canned`).
- *asyncio* beside ours on uvloop, both ends; and both contests with DCMTK again, with ours on uvloop.
- *stock DCMTK*, with Nagle's algorithm, its default, on one end and ours on the other, beside DCMTK on both.

PDU sizes do not matter here: each message fits into one PDU.

The time: both ends in one process take 43 microseconds for a round trip; 30 of them are asyncio and the kernel (the
same bytes between two tasks). Two processes on one core take 80, because the branch prediction for one does not help
the other, which has Python at another address; with fixed addresses (`setarch -R`) they take 53. On two cores they take
85: waking each other takes 20 each way, and each end takes 20 from there to its answer. Only fewer steps of Python
between a PDU that arrives and the answer to it shorten all of this: both ends take 3,500 instructions of byte code, 800
of them in asyncio, which uvloop does in C. An association with one C-ECHO takes 28,000, more than a third of them in
asyncio. The steps of the server that our client waits for are A-ASSOCIATE-RQ to A-ASSOCIATE-AC (60 microseconds,
storescp 25), the C-ECHO (110, storescp 95) and A-RELEASE-RQ to A-RELEASE-RP (85, storescp 45), wake-ups included. A
server on asyncio that sends bytes prepared beforehand takes 25, 75 and 45.
"""

from concurrent.futures import Executor
from pathlib import Path

import pytest

from benchmarks import canned, dcmtk, own, pnd
from benchmarks.duels import Duel
from benchmarks.processes import in_process, require_package, require_programs, server
from dimse.net import Limits

ECHO, ASSOCIATION = "C-ECHO", "Association with C-ECHO"
LOOPS = ("asyncio", "uvloop")
ECHOES, ECHOES_PYNETDICOM = 500, 50
ECHOES_STOCK = 10  # between two stock programs an echo takes 90 ms
ASSOCIATIONS, ASSOCIATIONS_PYNETDICOM = 100, 10
MAX_PDU = Limits().max_pdu


def test_echo_pynetdicom(duel: Duel, own_worker: Executor, peer_worker: Executor) -> None:
    require_package("pynetdicom")
    with server(own.serve, MAX_PDU) as port, server(pnd.serve, pnd.DEFAULT_MAX_PDU) as peer_port:
        duel(
            ECHO,
            "pynetdicom",
            in_process(own_worker, own.echo, port, ECHOES),
            in_process(peer_worker, pnd.echo, peer_port, ECHOES_PYNETDICOM),
        )


@pytest.mark.parametrize("loop", LOOPS)
def test_echo_dcmtk(duel: Duel, own_worker: Executor, peer_worker: Executor, tmp_path: Path, loop: str) -> None:
    require_package(loop)
    require_programs("echoscu", "storescp")
    with server(own.serve, MAX_PDU, loop) as port, dcmtk.verifier(tmp_path) as peer_port:
        duel(
            f"{ECHO}, on {loop}",
            "echoscu to storescp",
            in_process(own_worker, own.echo, port, ECHOES, loop),
            in_process(peer_worker, dcmtk.echo, peer_port, ECHOES),
        )


def test_echo_uvloop(duel: Duel, own_worker: Executor, peer_worker: Executor) -> None:
    require_package("uvloop")
    with server(own.serve, MAX_PDU, "uvloop") as port, server(own.serve, MAX_PDU) as peer_port:
        duel(
            f"{ECHO}, on uvloop",
            "ours, on asyncio",
            in_process(own_worker, own.echo, port, ECHOES, "uvloop"),
            in_process(peer_worker, own.echo, peer_port, ECHOES),
        )


def test_echo_to_stock_dcmtk(duel: Duel, own_worker: Executor, tmp_path: Path) -> None:
    require_programs("echoscu", "storescp")
    with dcmtk.verifier(tmp_path, dcmtk.STOCK) as peer_port:
        duel(
            f"{ECHO} of our client to stock storescp",
            "stock echoscu to stock storescp",
            in_process(own_worker, own.echo, peer_port, ECHOES_STOCK),
            lambda: dcmtk.echo(peer_port, ECHOES_STOCK, dcmtk.STOCK),
        )


def test_echo_of_stock_dcmtk(duel: Duel, tmp_path: Path) -> None:
    require_programs("echoscu", "storescp")
    with server(own.serve, MAX_PDU) as port, dcmtk.verifier(tmp_path, dcmtk.STOCK) as peer_port:
        duel(
            f"{ECHO} of stock echoscu to our server",
            "stock echoscu to stock storescp",
            lambda: dcmtk.echo(port, ECHOES_STOCK, dcmtk.STOCK),
            lambda: dcmtk.echo(peer_port, ECHOES_STOCK, dcmtk.STOCK),
        )


def test_association_pynetdicom(duel: Duel, own_worker: Executor, peer_worker: Executor) -> None:
    require_package("pynetdicom")
    with server(own.serve, MAX_PDU) as port, server(pnd.serve, pnd.DEFAULT_MAX_PDU) as peer_port:
        duel(
            ASSOCIATION,
            "pynetdicom",
            in_process(own_worker, own.associate, port, ASSOCIATIONS),
            in_process(peer_worker, pnd.associate, peer_port, ASSOCIATIONS_PYNETDICOM),
        )


@pytest.mark.parametrize("loop", LOOPS)
def test_association_dcmtk(duel: Duel, own_worker: Executor, tmp_path: Path, loop: str) -> None:
    require_package(loop)
    require_programs("storescp")
    with server(own.serve, MAX_PDU, loop) as port, dcmtk.verifier(tmp_path) as peer_port:
        duel(
            f"{ASSOCIATION}, on {loop}",
            "storescp, with our client",
            in_process(own_worker, own.associate, port, ASSOCIATIONS, loop),
            in_process(own_worker, own.associate, peer_port, ASSOCIATIONS, loop),
        )


def test_association_canned(duel: Duel, own_worker: Executor) -> None:
    with server(own.serve, MAX_PDU) as port, server(canned.serve, MAX_PDU) as peer_port:
        duel(
            ASSOCIATION,
            "canned answers, with our client",
            in_process(own_worker, own.associate, port, ASSOCIATIONS),
            in_process(own_worker, own.associate, peer_port, ASSOCIATIONS),
        )


def test_canned_dcmtk(duel: Duel, own_worker: Executor, tmp_path: Path) -> None:
    require_programs("storescp")
    with server(canned.serve, MAX_PDU) as port, dcmtk.verifier(tmp_path) as peer_port:
        duel(
            f"{ASSOCIATION}, answers canned in asyncio",
            "storescp, with our client",
            in_process(own_worker, own.associate, port, ASSOCIATIONS),
            in_process(own_worker, own.associate, peer_port, ASSOCIATIONS),
        )
