"""C-ECHO and images through ``dimse tap``, beside a bare pair of sockets.

The bare pair is two threads that block, or an event loop of asyncio that only reads and writes.
The relay of the tap alone shows what forwarding costs. The tap also explains each PDU, in a process of its own that
takes time from both ends if there are only two cores, and records all bytes where the name says so. The peer's turn
begins when the tap has explained and recorded everything. Both ends are ours.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from os import environ
from pathlib import Path

import pytest

from benchmarks import bare, own
from benchmarks.duels import Duel
from benchmarks.images import large_image
from benchmarks.processes import HOST, free_port, in_process, program, require_linux, server, until_idle
from dimse.net import Limits

ECHOES, IMAGE, IMAGES = 500, 8, 5  # an image of so many MiB
MAX_PDU = Limits().max_pdu
PEERS = {"bare pair of sockets, threads": bare.serve, "bare pair of sockets, asyncio": bare.serve_in_asyncio}

each_peer = pytest.mark.parametrize("peer", PEERS)


@contextmanager
def tap(target: int, folder: Path, *options: str) -> Iterator[tuple[int, int]]:
    """Run the tap; yield its port and its process ID."""
    require_linux()
    port = free_port()
    command = (sys.executable, "-m", "dimse", "tap", "--listen", str(port), "--to", f"{HOST}:{target}", *options)
    with program(command, port, environment=dict(environ), folder=folder) as pid:
        yield port, pid


@each_peer
def test_echo_through_the_relay(duel: Duel, own_worker: Executor, peer_worker: Executor, peer: str) -> None:
    with server(own.serve, MAX_PDU) as target, server(PEERS[peer], target) as peer_port:
        with server(own.forward, target) as port:
            duel(
                "C-ECHO through the relay of dimse tap",
                peer,
                in_process(own_worker, own.echo, port, ECHOES),
                in_process(peer_worker, own.echo, peer_port, ECHOES),
            )


@each_peer
@pytest.mark.parametrize(
    ("options", "how"),
    [((), ""), (("--pcap", "captures", "--html", "pages"), ", recorded")],
    ids=["plain", "recorded"],
)
def test_echo_through_the_tap(
    duel: Duel,
    own_worker: Executor,
    peer_worker: Executor,
    tmp_path: Path,
    peer: str,
    options: tuple[str, ...],
    how: str,
) -> None:
    with server(own.serve, MAX_PDU) as target, server(PEERS[peer], target) as peer_port:
        with tap(target, tmp_path, *options) as (port, pid):
            duel(
                f"C-ECHO through dimse tap{how}",
                peer,
                until_idle(in_process(own_worker, own.echo, port, ECHOES), pid),
                in_process(peer_worker, own.echo, peer_port, ECHOES),
            )


@each_peer
def test_image_through_the_tap(
    duel: Duel, own_worker: Executor, peer_worker: Executor, tmp_path: Path, peer: str
) -> None:
    with server(own.serve, MAX_PDU) as target, server(PEERS[peer], target) as peer_port:
        with tap(target, tmp_path, "--pcap", "captures") as (port, pid):
            duel(
                f"N-SET of {IMAGE} MiB through dimse tap, recorded",
                peer,
                until_idle(in_process(own_worker, own.n_set, port, MAX_PDU, IMAGE, IMAGES), pid),
                in_process(peer_worker, own.n_set, peer_port, MAX_PDU, IMAGE, IMAGES),
                nbytes=large_image(IMAGE).nbytes,
            )
