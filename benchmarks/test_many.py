"""Many associations: 5,000 open ones, 16 senders at once; and the memory of large messages.

Memory is the growth of the resident memory of the server's process on Linux, without the buffers of sockets in the
kernel. If 5,000 associations are in one process, it is the memory of both ends.

Memory also slows 16 senders down: their 640 MiB on each side do not fit into the caches, unlike the 40 MiB of single
messages, and the buffers of 16 sockets do not fit either. The bare socket has the same cost.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from time import time

import pytest

from benchmarks import many, own, raw
from benchmarks.conftest import Figure
from benchmarks.duels import Duel
from benchmarks.processes import Memory, in_process, require_linux, server, watched_server, worker
from dimse.net import Limits

ASSOCIATIONS = 5000
SENDERS = 16
MIB = 1 << 20
MAX_PDU = Limits().max_pdu


@pytest.fixture(scope="module")
def senders() -> Iterator[list[Executor]]:
    """Yield the processes that send at the same time."""
    with ExitStack() as stack:
        yield [stack.enter_context(worker()) for _ in range(SENDERS)]


def test_held_in_one_process(figure: Figure, own_worker: Executor) -> None:
    held = own_worker.submit(many.hold_both_ends, ASSOCIATIONS).result()
    figure(f"{ASSOCIATIONS} associations, both ends in one process", _shown(held))


def test_held_by_a_server(figure: Figure, own_worker: Executor) -> None:
    require_linux()
    with watched_server(own.serve, MAX_PDU) as (port, memory):
        held = own_worker.submit(many.hold, port, memory, ASSOCIATIONS).result()
    each = f"{held.bytes_each / 1024:.1f} KiB each on the server"
    figure(f"{ASSOCIATIONS} associations of a server", f"{_shown(held)}; {each}")


def _shown(held: many.Held) -> str:
    return f"opened in {held.seconds:.2f} s; an echo on another {held.echo * 1e3:.2f} ms at the median"


@pytest.mark.parametrize("mebibytes", [40, 400])
def test_memory_of_a_receiver(figure: Figure, own_worker: Executor, mebibytes: int) -> None:
    require_linux()
    with watched_server(own.serve, MAX_PDU) as (port, memory):
        own_worker.submit(own.echo, port, 1).result()
        before = memory.now
        memory.forget_peak()
        own_worker.submit(own.n_set, port, MAX_PDU, mebibytes, 2).result()
        peak = memory.peak - before
    figure(
        f"Peak memory, receiving N-SETs of {mebibytes} MiB one after the other",
        f"{peak / MIB / mebibytes:.3f} times the image",
    )


def test_memory_of_a_sender(figure: Figure) -> None:
    """The image exists before, so the growth is the memory for sending."""
    require_linux()
    with server(own.serve, MAX_PDU) as port, worker() as sender:
        sender.submit(own.n_set, port, MAX_PDU, 400, 0).result()
        pid = sender.submit(os.getpid).result()
        memory = Memory(pid)
        before = memory.now
        memory.forget_peak()
        sender.submit(own.n_set, port, MAX_PDU, 400, 0).result()
        more = memory.peak - before
    figure("Memory beyond the image, sending an N-SET of 400 MiB", f"{more / MIB:.1f} MiB")


def test_senders_at_once(duel: Duel, own_worker: Executor, senders: list[Executor]) -> None:
    """Our time is one sender for one message; the peer's is 16 senders for one each, per message."""
    with server(own.serve, MAX_PDU) as port:

        def all_at_once() -> float:
            moment = time() + 0.2
            sent = [sender.submit(many.n_set_at, moment, port, MAX_PDU, 40, 2) for sender in senders]
            return max(each.result() for each in sent) / SENDERS

        alone = in_process(own_worker, own.n_set, port, MAX_PDU, 40, 2)
        duel("N-SET of 40 MiB, one sender", f"{SENDERS} at once, by message", alone, all_at_once, nbytes=40 * MIB)


def test_senders_at_once_beside_bare_asyncio(duel: Duel, senders: list[Executor]) -> None:
    """The time per message, ours and the minimum."""
    with server(own.serve, MAX_PDU) as port, server(raw.serve, 40) as bare_port:

        def at_once(send: Callable[[float, int, int, int, int], float], to: int) -> float:
            moment = time() + 0.2
            sent = [sender.submit(send, moment, to, MAX_PDU, 40, 2) for sender in senders]
            return max(each.result() for each in sent) / SENDERS

        duel(
            f"N-SET of 40 MiB, {SENDERS} senders",
            "bare asyncio, as many",
            lambda: at_once(many.n_set_at, port),
            lambda: at_once(many.send_at, bare_port),
            nbytes=40 * MIB,
        )


def test_memory_of_many_messages(figure: Figure, senders: list[Executor]) -> None:
    require_linux()
    with watched_server(own.serve, MAX_PDU) as (port, memory):
        senders[0].submit(own.echo, port, 1).result()
        before = memory.now
        memory.forget_peak()
        moment = time() + 0.5
        for each in [sender.submit(many.n_set_at, moment, port, MAX_PDU, 40, 0) for sender in senders]:
            each.result()
        peak = memory.peak - before
    share = peak / (SENDERS * 40 * MIB)
    figure(f"Peak memory, receiving {SENDERS} N-SETs of 40 MiB at once", f"{share:.3f} times all images")
