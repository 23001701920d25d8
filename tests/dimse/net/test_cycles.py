"""Memory, descriptors and tasks are as before after thousands of short connections.

``DIMSE_CYCLES=10000`` sets their number.
"""

import asyncio
import gc
import logging
import os
import socket
import struct
import sys
import weakref
from collections.abc import Awaitable, Callable

import pytest
from cancelling import nothing_left, other_tasks
from cycles import cycles_left
from pair import EXAMPLE
from raw import ECHO, echo, until

from dimse.errors import AssociationAborted, ConnectionFailed
from dimse.net import VERIFICATION, Server, connect, serve
from dimse.net.scu import c_echo
from dimse.ul import AssociateRQ, encode_pdu

CYCLES = int(os.environ.get("DIMSE_CYCLES", "200"))
ROUNDS = 5  # Python itself keeps about 300 blocks for reuse, in the first rounds; a leak grows in each round
AT_ONCE = 20
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


async def echo_and_release(server: Server) -> None:
    async with connect(server.host, server.port, ECHO) as association:
        assert (await c_echo(association)).Status == 0


def resetting(sent: bytes, *, answered: bool) -> Callable[[Server], Awaitable[None]]:
    """Return a peer that sends ``data``, may wait for an answer, and resets the connection."""

    async def cycle(server: Server) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as peer:
            peer.setblocking(False)
            await loop.sock_connect(peer, (server.host, server.port))
            await loop.sock_sendall(peer, sent)
            if answered:
                assert await loop.sock_recv(peer, 65536)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    return cycle


REQUEST = b"".join(encode_pdu(EXAMPLE[AssociateRQ]))
KINDS: dict[str, Callable[[Server], Awaitable[None]]] = {
    "echo and release": echo_and_release,
    "reset at once": resetting(b"", answered=False),
    "reset in the middle of a PDU": resetting(REQUEST[:50], answered=False),
    "reset when accepted": resetting(REQUEST, answered=True),
    "reset without waiting": resetting(REQUEST + b"".join(encode_pdu(echo())), answered=False),
}


async def run(cycle: Callable[[Server], Awaitable[None]], server: Server, times: int) -> int:
    """Return the blocks of memory in use after so many cycles, several at a time."""
    for _ in range(0, times, AT_ONCE):
        await asyncio.gather(*(cycle(server) for _ in range(AT_ONCE)))
    await until(lambda: server.admission.is_empty and not other_tasks())
    for _ in range(5):  # iterations of the loop in which the last connections are closed
        await asyncio.sleep(0)
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.parametrize("kind", KINDS)
async def test_short_connections_leave_nothing(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "dimse")  # otherwise its records would grow
    async with serve([VERIFICATION], port=0) as server, nothing_left():
        blocks = [await run(KINDS[kind], server, 200)]
        while len(blocks) < 2 or (len(blocks) <= ROUNDS and blocks[-1] - blocks[-2] >= CYCLES / 2):
            blocks.append(await run(KINDS[kind], server, CYCLES))
        assert blocks[-1] - blocks[-2] < CYCLES / 2, f"blocks after {CYCLES} cycles each: {blocks}"
        assert server.admission.is_empty


async def test_ended_associations_are_freed_without_the_collector() -> None:
    """Collecting the objects of an association took a tenth of its time."""
    gc.collect()
    gc.disable()
    try:
        async with serve([VERIFICATION], port=0) as server:
            async with connect(server.host, server.port, ECHO) as association:
                await c_echo(association)
                both = (association, *server.associations)
                ended = [weakref.ref(part) for each in both for part in (each, each.transport)]
            del association, both
        assert [each() for each in ended] == [None] * 4
    finally:
        gc.enable()


async def test_request_on_an_ended_association_leaves_no_cycle() -> None:
    with cycles_left() as left:
        async with serve([VERIFICATION], port=0) as server:
            async with connect(server.host, server.port, ECHO) as association:
                association.abort()
                for _ in range(2):
                    with pytest.raises(AssociationAborted):
                        await c_echo(association)
            del association
    assert left == set()


async def test_refused_connection_leaves_no_cycle() -> None:
    with cycles_left() as left:
        with pytest.raises(ConnectionFailed):
            async with connect("127.0.0.1", 1, ECHO):
                pass
        await asyncio.sleep(0)  # the loop drops the task that has connected
    assert left == set()
