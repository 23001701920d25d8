"""The minimum of an N-SET in asyncio: P-DATA-TF PDUs through a socket into new memory.

No association, no messages, no checks: a sender writes headers and views of the image, a sink copies each
payload to its final place and answers the last one with a byte. This is the part of the network and asyncio in an
N-SET; the rest is ours.
"""

import asyncio
from multiprocessing.connection import Connection
from statistics import median
from struct import Struct
from time import perf_counter

import numpy as np

from benchmarks.images import large_image
from benchmarks.processes import HOST

__all__ = ["send", "serve"]

_HEADER = Struct(">BxIIBB")  # PDU and PDV header: type, length, item length, context id, control
_P_DATA, _LAST = 4, 2
_PDV_OVERHEAD = 6
_SCRATCH = _BATCH = 1 << 18  # bytes in one read, and in one write


class Sink(asyncio.BufferedProtocol):
    """Gathers messages of ``length`` bytes, one after the other."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._scratch = memoryview(bytearray(_SCRATCH))
        self._held = 0  # bytes of an incomplete header at the start of the scratch
        self._start()

    def _start(self) -> None:
        self._message = np.empty(self._length, np.uint8).data
        self._position = self._left = self._control = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._scratch[self._held :]

    def buffer_updated(self, nbytes: int) -> None:
        scratch, at, end = self._scratch, 0, self._held + nbytes
        while at < end:
            if not self._left:
                if end - at < _HEADER.size:
                    break
                _, _, length, _, self._control = _HEADER.unpack_from(scratch, at)
                self._left = length - 2
                at += _HEADER.size
            count = min(self._left, end - at)
            self._message[self._position : self._position + count] = scratch[at : at + count]
            self._position += count
            self._left -= count
            at += count
            if self._control == _LAST and not self._left:
                self._transport.write(b"!")
                self._start()
        self._held = end - at
        scratch[: self._held] = scratch[at:end]


class Source(asyncio.Protocol):
    """Sends messages, and waits for a byte as the answer to each."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        self._answer.set_result(None)

    async def send(self, message: memoryview, max_pdu: int) -> None:
        """Send a message in PDUs of ``max_pdu`` bytes, and wait for the answer."""
        self._answer: asyncio.Future[None] = self._loop.create_future()
        size = max_pdu - _PDV_OVERHEAD
        batch: list[bytes | memoryview] = []
        waiting = 0
        for start in range(0, len(message), size):
            payload = message[start : start + size]
            last = _LAST if start + size >= len(message) else 0
            batch += _HEADER.pack(_P_DATA, len(payload) + 6, len(payload) + 2, 1, last), payload
            waiting += len(payload)
            if waiting >= _BATCH or last:
                self.transport.writelines(batch)
                batch, waiting = [], 0
                await self._writable.wait()
        await self._answer


def serve(ready: Connection, mebibytes: int) -> None:
    """Receive messages of the size of the image."""
    asyncio.run(_serve(ready, large_image(mebibytes).nbytes))


async def _serve(ready: Connection, length: int) -> None:
    listener = await asyncio.get_running_loop().create_server(lambda: Sink(length), HOST, 0)
    ready.send(listener.sockets[0].getsockname()[1])
    await listener.serve_forever()


def send(port: int, max_pdu: int, mebibytes: int, times: int) -> float:
    """Return the median of messages of one image, after a warm-up message."""
    return asyncio.run(_send(port, max_pdu, mebibytes, times))


async def _send(port: int, max_pdu: int, mebibytes: int, times: int) -> float:
    message = large_image(mebibytes).data.cast("B")
    _, source = await asyncio.get_running_loop().create_connection(Source, HOST, port)
    seconds = []
    for _ in range(times + 1):
        start = perf_counter()
        await source.send(message, max_pdu)
        seconds.append(perf_counter() - start)
    source.transport.close()
    return median(seconds[1:])
