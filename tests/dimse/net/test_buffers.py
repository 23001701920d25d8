"""Written bytes arrive complete and in order, however few the socket takes at once."""

import asyncio
import os
import random
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from dimse.net import buffers
from dimse.net.buffers import WriteQueue

JOINS_BUFFERS = buffers.joins_buffers
BUFFER = 1 << 14  # of the sockets: little, so that they fill


class Writer(asyncio.Protocol):
    """A protocol that writes through a `WriteQueue`."""

    def __init__(self) -> None:
        self.paused = False
        self.lost: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.queue = WriteQueue(transport, asyncio.get_running_loop(), transport.get_extra_info("socket"))

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = not self.queue.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


class UvloopWriter(Writer):
    """A writer on a transport that is not a subclass of `asyncio.Transport`."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.queue = WriteQueue(transport, asyncio.get_running_loop(), transport.get_extra_info("socket"))


@asynccontextmanager
async def connection() -> AsyncIterator[tuple[Writer, asyncio.StreamReader, asyncio.StreamWriter]]:
    near, far = socket.socketpair()
    for end in (near, far):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    _, writer = await asyncio.get_running_loop().create_connection(Writer, sock=near)
    reader, peer = await asyncio.open_connection(sock=far, limit=BUFFER)
    try:
        yield writer, reader, peer
    finally:
        if not writer.lost.done():
            writer.transport.abort()
            await writer.lost
        peer.close()
        with suppress(OSError):
            await peer.wait_closed()


@pytest.fixture(params=[True, False], ids=["gathering", "joined by the loop"], autouse=True)
def _ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "joins_buffers", lambda loop: request.param)  # noqa: ARG005


@pytest.mark.parametrize("seed", range(20))
async def test_bytes_arrive_in_order(seed: int) -> None:
    chance = random.Random(seed)
    wanted = b""
    async with connection() as (writer, reader, _):
        for _ in range(chance.randint(1, 8)):
            sizes = [chance.choice((0, 1, 12, 4096, 10_000, 200_000)) for _ in range(chance.choice((1, 2, 5, 1200)))]
            buffers = [chance.randbytes(min(size, 500 if len(sizes) > 5 else size)) for size in sizes]
            wanted += b"".join(buffers)
            writer.queue.write([*buffers])
            if chance.random() < 0.5:
                read = await reader.readexactly(min(len(wanted), chance.randint(0, 100_000)))
                assert wanted.startswith(read)
                wanted = wanted[len(read) :]
        assert await reader.readexactly(len(wanted)) == wanted
        writer.queue.write([b"end"])
        assert await reader.readexactly(3) == b"end"
        assert not writer.paused


async def test_protocol_pauses_while_bytes_wait() -> None:
    async with connection() as (writer, reader, _):
        writer.queue.write([b"a" * 300_000, b"b" * 300_000])
        assert writer.paused
        assert await reader.readexactly(600_000) == b"a" * 300_000 + b"b" * 300_000
        writer.queue.write([b"c", b"d"])
        assert await reader.readexactly(2) == b"cd"
        assert not writer.paused


async def test_waiting_bytes_are_written_before_the_close() -> None:
    async with connection() as (writer, reader, _):
        writer.queue.write([b"a" * 300_000, b"b" * 300_000])
        writer.queue.hand_over()
        writer.transport.close()
        assert await reader.read(-1) == b"a" * 300_000 + b"b" * 300_000


async def test_nothing_is_written_to_a_closing_stream() -> None:
    async with connection() as (writer, reader, _):
        writer.transport.abort()
        writer.queue.write([b"a", b"b"])  # its descriptor may belong to another socket
        assert await reader.read(-1) == b""


def test_nothing_is_written_to_a_closed_stream_of_uvloop() -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed: pip install uvloop")

    async def main() -> None:
        near, far = socket.socketpair()
        _, writer = await asyncio.get_running_loop().create_connection(UvloopWriter, sock=near)
        writer.transport.abort()
        await writer.lost
        writer.queue.write([b"a"])  # uvloop raises an error for a write to this stream
        far.close()

    uvloop.run(main())


async def test_stream_notices_a_lost_peer() -> None:
    async with connection() as (writer, _, peer):
        writer.queue.write([b"a" * 300_000, b"b" * 300_000])
        peer.transport.abort()
        assert isinstance(await writer.lost, ConnectionError)


@pytest.mark.parametrize(
    ("version", "is_affected"),
    [
        ((3, 11, 9), False),
        ((3, 12, 0), True),
        ((3, 12, 8), True),
        ((3, 12, 9), False),
        ((3, 13, 0), True),
        ((3, 13, 1), True),
        ((3, 13, 2), False),
        ((3, 14, 0), False),
    ],
)
async def test_writelines_forgets_to_pause_in_some_versions(version: tuple[int, ...], is_affected: bool) -> None:
    assert buffers.forgets_to_pause(asyncio.get_running_loop(), version) == is_affected


async def test_protocol_pauses_if_writelines_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """``writelines`` of such a version is simulated by adding to the buffer of the transport."""
    monkeypatch.setattr(buffers, "joins_buffers", lambda loop: False)  # noqa: ARG005
    monkeypatch.setattr(buffers, "forgets_to_pause", lambda loop: True)  # noqa: ARG005
    async with connection() as (writer, reader, _):
        with monkeypatch.context() as patch:
            patch.setattr("asyncio.transports._FlowControlMixin._maybe_pause_protocol", lambda transport: None)  # noqa: ARG005
            writer.transport.write(b"a" * 600_000)
        was_paused = writer.paused
        writer.queue.write([b"b", b"b"])
        assert (was_paused, writer.paused) == (False, True)
        assert await reader.readexactly(600_002) == b"a" * 600_000 + b"bb"


async def test_newer_loops_join_the_buffers_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 12))
    assert not JOINS_BUFFERS(asyncio.get_running_loop())
    monkeypatch.setattr("sys.version_info", (3, 11))
    assert JOINS_BUFFERS(asyncio.get_running_loop()) == (hasattr(os, "writev") and sys.platform != "win32")
