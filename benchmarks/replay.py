"""The least time of a client in Python: it sends what our client sent once, in asyncio or on a blocking socket.

Before the clock starts, our client has one association with the server, and its PDUs are recorded. A replay sends them
again. It does not look at a reply except to count its PDUs, and to find the UID of the image box, which the printer
chooses. It has no codec, no state machine, no timers and no checks.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Generator, Iterable
from functools import partial
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks import own
from benchmarks.processes import HOST
from dimse.net import Record, Trace
from dimse.ul import PDU, encode_pdu

__all__ = ["BLOCKING", "associate", "echo", "films"]

BLOCKING = "blocking sockets"  # instead of the name of an event loop

_READ = 1 << 16  # bytes
_HEADER = 6  # bytes of a PDU up to its length, which follows
_UID = re.compile(rb"2\.25\.\d+\0?")
_UID_SIZE = 44  # bytes, of nearly all UIDs under 2.25


class _Request(NamedTuple):
    """A request as it was recorded: its first PDU, the others, and the reply with the number of its PDUs."""

    head: bytes
    tail: bytes
    reply: bytes
    pdus: int


_Script = Generator[_Request, bytes, None]  # yields the requests of an association, and gets the reply to each


def echo(port: int, times: int, loop: str) -> float:
    """Return the mean of C-ECHOs on one association."""
    associating, echoing, releasing = _record(port, own.verify)
    seconds = 0.0

    def script() -> _Script:
        nonlocal seconds
        yield associating
        yield echoing
        start = perf_counter()
        for _ in range(times):
            yield echoing
        seconds = perf_counter() - start
        yield releasing

    _play(port, [script()], loop)
    return seconds / times


def associate(port: int, times: int, loop: str) -> float:
    """Return the mean of associations with one C-ECHO each, one after the other."""
    requests = _record(port, own.verify)

    return _play(port, [_script(requests) for _ in range(times)], loop) / times


def films(port: int, times: int, loop: str) -> float:
    """Return the mean of films of one image, each on its own association."""
    box = b""
    while len(box) < _UID_SIZE:  # a longer UID of another film must fit in its place
        associating, session, film_box, image_box, *others = _record(port, own.print_film)
        (box,) = _UID.findall(image_box.head)
    place = _UID.findall(film_box.reply).index(box)
    before, after = image_box.head.split(box)

    def script() -> _Script:
        yield associating
        yield session
        reply = yield film_box
        uid = _UID.findall(reply)[place].ljust(_UID_SIZE, b"\0")
        yield image_box._replace(head=before + uid + after)
        yield from _script(others)

    return _play(port, [script() for _ in range(times)], loop) / times


def _script(requests: Iterable[_Request]) -> _Script:
    for request in requests:
        _reply = yield request


def _record(port: int, work: Callable[[int, Trace], Awaitable[None]]) -> list[_Request]:
    """Let our client do ``work``, and return its requests with their replies."""
    exchanges: list[tuple[list[bytes], list[bytes]]] = []

    def keep(record: Record) -> None:
        if not isinstance(record.what, PDU):
            return
        if record.direction == ">" and (not exchanges or exchanges[-1][1]):
            exchanges.append(([], []))
        sent, received = exchanges[-1]
        (sent if record.direction == ">" else received).append(b"".join(encode_pdu(record.what)))

    async def run() -> None:
        await work(port, keep)

    asyncio.run(run())
    return [_Request(sent[0], b"".join(sent[1:]), b"".join(received), len(received)) for sent, received in exchanges]


def _play(port: int, scripts: Iterable[_Script], loop: str) -> float:
    """Return the seconds of associations, one after the other."""
    if loop != BLOCKING:
        return own.run(loop, _play_on_loop(port, scripts))
    start = perf_counter()
    for script in scripts:
        _play_on_socket(port, script)
    return perf_counter() - start


def _play_on_socket(port: int, script: _Script) -> None:
    with socket.socket() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect((HOST, port))
        request: _Request | None = next(script)
        while request is not None:
            connection.sendall(request.head)
            if request.tail:
                connection.sendall(request.tail)
            reply = b""
            while _count(reply) < request.pdus:
                data = connection.recv(_READ)
                if not data:
                    raise _closed_by_server()
                reply += data
            request = _after(script, reply)


async def _play_on_loop(port: int, scripts: Iterable[_Script]) -> float:
    loop = asyncio.get_running_loop()
    start = perf_counter()
    for script in scripts:
        _, replay = await loop.create_connection(partial(_Replay, script, loop.create_future()), HOST, port)
        await replay.ended
    return perf_counter() - start


class _Replay(asyncio.Protocol):
    """Sends each request of a script when it has the reply to the one before, then closes."""

    def __init__(self, script: _Script, ended: asyncio.Future[None]) -> None:
        self._script = script
        self.ended = ended
        self._reply = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream: Any = transport  # a transport of uvloop is no `asyncio.Transport`
        self._transport = stream
        self._send(next(self._script))

    def _send(self, request: _Request) -> None:
        self._count = request.pdus
        if request.tail:
            self._transport.writelines((request.head, request.tail))
        else:
            self._transport.write(request.head)

    def data_received(self, data: bytes) -> None:
        self._reply += data
        if _count(self._reply) < self._count:
            return
        request, self._reply = _after(self._script, self._reply), b""
        if request is None:
            self._transport.close()
            self.ended.set_result(None)
        else:
            self._send(request)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or _closed_by_server())


def _closed_by_server() -> ConnectionError:
    return ConnectionAbortedError("the server closed the connection")


def _after(script: _Script, reply: bytes) -> _Request | None:
    """Return the request that follows ``reply``, or None at the end."""
    try:
        return script.send(reply)
    except StopIteration:
        return None


def _count(reply: bytes) -> int:
    """Return the number of PDUs that are complete."""
    count, end = 0, _HEADER
    while (end := end + int.from_bytes(reply[end - 4 : end])) <= len(reply):
        count, end = count + 1, end + _HEADER
    return count
