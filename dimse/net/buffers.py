"""The buffers between a connection and the core: a shared one to read into, and a queue of views to write.

Writing copies nearly nothing. asyncio in Python 3.11 joins buffers that are written together, and copies the part that
the socket does not take immediately. From Python 3.12 on, asyncio hands the buffers to the system as they are, and so
does uvloop. In Python 3.11, `WriteQueue` does so, and leaves a few bytes to asyncio, which then signals when the socket
takes more.

All bytes of one read are processed without a pause. For an image, this takes less than a millisecond. A peer whose
bytes take longer, such as PDVs of one byte, is read in smaller pieces, so that it cannot starve others.
"""

import asyncio
import os
import sys
from collections.abc import Iterable
from socket import socket
from typing import Any, Protocol

from ..ul.wire import Buffer

__all__ = ["SCRATCH", "ReadBuffer", "Stream", "WriteQueue"]

_LEFT_TO_ASYNCIO = 1 << 12  # bytes; asyncio watches the socket while they wait
_MAX_BUFFERS = 512  # buffers in one write; Linux takes up to 1024

SCRATCH = 1 << 20  # the most bytes in one read; most PDUs then lie completely in one read
_TLS_READ = 1 << 17  # the most bytes with TLS: OpenSSL keeps, for each connection, a buffer of its longest read
_FIRST_READ, _MIN_READ = 1 << 16, 1 << 12  # bytes of the first read, and of the smallest


class Stream(Protocol):
    """The methods of `asyncio.Transport` that are used here.

    The transports of uvloop have these methods, but are not subclasses of `asyncio.Transport`.
    """

    def get_extra_info(self, name: str) -> Any: ...
    def get_write_buffer_size(self) -> int: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def write(self, data: Buffer, /) -> None: ...
    def write_eof(self) -> None: ...
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview], /) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


def joins_buffers(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether ``loop`` joins buffers before it writes them, so that `WriteQueue` must write them itself."""
    return sys.version_info < (3, 12) and isinstance(loop, asyncio.SelectorEventLoop) and hasattr(os, "writev")


def forgets_to_pause(loop: asyncio.AbstractEventLoop, version: tuple[int, ...] = sys.version_info[:3]) -> bool:
    """Return whether ``writelines`` does not pause the protocol, as in 3.12.0-3.12.8 and 3.13.0-3.13.1 (gh-127655)."""
    is_affected = (3, 12) <= version < (3, 12, 9) or (3, 13) <= version < (3, 13, 2)
    return is_affected and isinstance(loop, asyncio.SelectorEventLoop)


class WriteQueue:
    """The writing end of ``stream``, whose socket is ``connected``. The protocol is paused while bytes wait here."""

    def __init__(self, stream: Stream, loop: asyncio.AbstractEventLoop, connected: socket) -> None:
        self._stream = stream
        self._writes_itself = joins_buffers(loop)
        self._forgets_to_pause = forgets_to_pause(loop)
        self._rest: list[memoryview] = []  # buffers that wait until the socket takes more
        self._descriptor = -1  # of the socket, while the stream is not closing
        if self._writes_itself:
            self._descriptor = connected.fileno()
            stream.set_write_buffer_limits(0)

    @property
    def size(self) -> int:
        """The number of bytes that wait for the socket."""
        return sum(map(len, self._rest)) + self._stream.get_write_buffer_size()

    def write(self, buffers: list[Buffer]) -> None:
        """Write ``buffers`` in order; `resume` writes the rest that the socket does not take yet.

        Once the stream is closing, write nothing: uvloop would raise an error.
        """
        if self._stream.is_closing():
            return
        if len(buffers) == 1 and not self._rest:
            self._stream.write(buffers[0])
        elif self._writes_itself:
            self._rest += map(memoryview, buffers)
            self._push()
        else:
            self._stream.writelines(buffers)
            if self._forgets_to_pause:
                self._stream.set_write_buffer_limits()  # this pauses the protocol if too much waits

    def resume(self) -> bool:
        """Write the rest, now that the stream takes more. Return whether the protocol may go on writing."""
        if not self._writes_itself:
            return True
        if self._stream.is_closing():
            self._rest.clear()
        self._push()
        return not self._rest and not self._stream.get_write_buffer_size()

    def hand_over(self) -> None:
        """Leave the rest to the stream, which is about to be closed."""
        rest, self._rest = self._rest, []
        if rest:
            self._stream.writelines(rest)

    def _push(self) -> None:
        """Write as much as the socket takes, and then leave a few bytes to the stream, which waits for the socket.

        Do not call this while the stream is closing: its descriptor may already belong to another socket.
        """
        rest = self._rest
        while rest and not self._stream.get_write_buffer_size():
            batch = rest[:_MAX_BUFFERS]
            try:
                count = os.writev(self._descriptor, batch)
            except OSError:  # the socket takes nothing now, or is broken, which the stream will notice
                count = 0
            if count == sum(map(len, batch)):
                del rest[: len(batch)]
            else:
                self._drop(count)
                first = rest[0]
                rest[0] = first[_LEFT_TO_ASYNCIO:]
                self._stream.write(first[:_LEFT_TO_ASYNCIO])
                self._drop(0)
                if self._stream.is_closing():
                    rest.clear()

    def _drop(self, count: int) -> None:
        """Remove the ``count`` bytes that were written, and the buffers that are now empty."""
        rest, place = self._rest, 0
        while place < len(rest) and count >= len(rest[place]):
            count -= len(rest[place])
            place += 1
        if count:
            rest[place] = rest[place][count:]
        del rest[:place]


def _reads_later(loop: asyncio.AbstractEventLoop) -> bool:
    """Return whether ``loop`` asks for a buffer long before it is filled, so that connections cannot share a buffer."""
    proactor = getattr(asyncio, "ProactorEventLoop", None) if sys.platform == "win32" else None
    return proactor is not None and isinstance(loop, proactor)


class ReadBuffer:
    """The memory into which one connection is read: ``buffer``, which is the first part of ``scratch``.

    The associations of a server share a ``scratch`` if the event loop fills a buffer right after asking for it:
    separate buffers of 1 MiB for 500 associations would never be in the processor's cache. Other associations have
    their own ``scratch``, which grows when a read fills it.
    """

    __slots__ = ("_longest", "_owns_scratch", "buffer", "scratch")

    MIN = _MIN_READ  # bytes; the transport does not time a shorter read

    def __init__(self, loop: asyncio.AbstractEventLoop, shared: memoryview | None, *, is_tls: bool) -> None:
        self._owns_scratch = shared is None or _reads_later(loop)
        self.scratch = memoryview(bytearray(_FIRST_READ)) if shared is None or self._owns_scratch else shared
        self.buffer = self.scratch[:_FIRST_READ]
        self._longest = _TLS_READ if is_tls else SCRATCH

    def shrink(self) -> None:
        """Make the next read shorter, because processing the bytes of the latest read took long."""
        self.buffer = self.scratch[: max(len(self.buffer) // 4, _MIN_READ)]

    def widen(self) -> None:
        """Make the next read longer, if possible, because the latest read has filled the buffer."""
        length = len(self.buffer)
        if length < self._longest:
            if self._owns_scratch and length == len(self.scratch):
                self.scratch = memoryview(bytearray(2 * length))
            self.buffer = self.scratch[: 2 * length]
