"""The simplest program between two others: a pair of sockets, with a thread for each direction or in asyncio."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from benchmarks.processes import HOST

__all__ = ["serve", "serve_in_asyncio"]

_READ = 1 << 18  # bytes


def serve(ready: Connection, port: int) -> None:
    """Forward each connection to ``port``."""
    with socket.create_server((HOST, 0)) as listener:
        ready.send(listener.getsockname()[1])
        while True:
            client, _ = listener.accept()
            target = socket.create_connection((HOST, port))
            for one, other in ((client, target), (target, client)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                Thread(target=_forward, args=(one, other), daemon=True).start()


def _forward(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):  # the connection was reset
        while data := one.recv(_READ):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


def serve_in_asyncio(ready: Connection, port: int) -> None:
    """Forward each connection to ``port``, without a thread."""
    asyncio.run(_serve_in_asyncio(ready, port))


async def _serve_in_asyncio(ready: Connection, port: int) -> None:
    loop = asyncio.get_running_loop()

    async def connect(client: _End) -> None:
        _, target = await loop.create_connection(_End, HOST, port)
        client.join(target)

    listener = await loop.create_server(lambda: _End(connect), HOST, 0)
    ready.send(listener.sockets[0].getsockname()[1])
    await listener.serve_forever()


class _End(asyncio.Protocol):
    """One end of a pair; writes to the other end what it receives."""

    def __init__(self, connect: Callable[["_End"], Coroutine[Any, Any, None]] | None = None) -> None:
        self._connect = connect

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transport = transport
        if self._connect is not None:
            transport.pause_reading()
            self._task = asyncio.ensure_future(self._connect(self))

    def join(self, target: "_End") -> None:
        """Forward in both directions from now on."""
        self._write, target._write = target.transport.write, self.transport.write
        self._close, target._close = target.transport.close, self.transport.close
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._write(data)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self._close()
