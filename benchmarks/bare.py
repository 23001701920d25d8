"""The least that stands between two programs: a pair of sockets, and a thread for each direction."""

import socket
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Thread

from benchmarks.processes import HOST

__all__ = ["serve"]

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
