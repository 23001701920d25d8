"""The reader of bytes that arrive while the event loop is at work on the same connection.

The event loop reads once in each iteration. If that read fills the buffer, more bytes have probably arrived, and are
read immediately: they are still in the cache of the processor, and bytes of other peers wait in the kernel anyway.

A server also reads as soon as it has accepted a connection, because the A-ASSOCIATE-RQ of a peer nearby has arrived by
then. The peer then waits 60 microseconds for A-ASSOCIATE-AC instead of 85, and an association with one C-ECHO takes 4 %
less time (fifth percentiles of alternating runs).
"""

import asyncio
import os
import sys
from collections.abc import Callable
from socket import socket
from time import monotonic

from .buffers import ReadBuffer, Stream
from .flow_control import FlowControl

__all__ = ["EagerReader"]

_READ_ON = 0.002  # seconds for which reading from one peer goes on while its bytes arrive
_LONG = 0.005  # seconds of processing; after more than this, the next read is smaller

# The bytes of the first read may have to wait for their turn, and then reading must pause. Before Python 3.11.4,
# asyncio ignored a pause that came before the end of ``connection_made`` (gh-103607). In these versions, the event loop
# does the first read.
_CAN_PAUSE_FIRST_READ = sys.version_info >= (3, 11, 4)


class EagerReader:
    """A reader of one connection beside the event loop.

    ``take`` is called with the bytes of each read, which are in ``buffer``. ``on_broken`` is called with the error of a
    broken connection: the system reports it only once, so the event loop does not see it. An ordinary end of the
    connection is left to the event loop.
    """

    __slots__ = ("_buffer", "_can_read", "_descriptor", "_flow", "_on_broken", "_seconds", "_stream", "_take")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        buffer: ReadBuffer,
        flow: FlowControl,
        take: Callable[[memoryview], None],
        on_broken: Callable[[OSError], None],
    ) -> None:
        self._can_read = isinstance(loop, asyncio.SelectorEventLoop) and hasattr(os, "readv")
        self._buffer = buffer
        self._flow = flow
        self._take = take
        self._on_broken = on_broken
        self._stream: Stream | None = None
        self._descriptor = -1  # the socket's; valid only while the stream is not closing
        self._seconds = 0.0  # processing time that ``flow`` has not counted yet

    def start(self, stream: Stream, connected: socket) -> None:
        """Take the new connection to read from, and its socket."""
        self._stream = stream
        if self._can_read:
            self._descriptor = connected.fileno()

    def close(self) -> None:
        """Drop the stream and the functions of the connection, which is lost."""
        self._stream = None
        self._take, self._on_broken = _ignore, _ignore

    def read_first(self) -> None:
        """Read what has arrived before the event loop watches the connection."""
        if self._can_read and _CAN_PAUSE_FIRST_READ:
            self._read()
            if self._seconds:
                self._count()

    def read_on(self, nbytes: int) -> None:
        """Process ``nbytes`` bytes that the event loop has read. Read on if they fill the buffer."""
        is_full = nbytes == len(self._buffer.buffer)
        if self._process(nbytes) and is_full and self._can_read:
            until = monotonic() + _READ_ON
            while monotonic() < until and self._read():
                pass
        self._count()

    def _read(self) -> bool:
        """Read once, and process the bytes. Return whether to go on."""
        stream = self._stream
        if stream is None or self._flow.hold_reasons or stream.is_closing():
            return False
        try:
            count = os.readv(self._descriptor, [self._buffer.buffer])
        except BlockingIOError:
            return False
        except OSError as exc:
            self._on_broken(exc)
            return False
        self._flow.received += count
        return count > 0 and self._process(count)

    def _process(self, nbytes: int) -> bool:
        """Process the bytes of a read. Return whether processing was fast enough."""
        start = monotonic()
        self._take(self._buffer.scratch[:nbytes])  # `buffer` is the first part of `scratch`
        seconds = monotonic() - start
        self._seconds += seconds
        if seconds > _LONG:
            self._buffer.shrink()
            return False
        if nbytes == len(self._buffer.buffer):
            self._buffer.widen()
        return True

    def _count(self) -> None:
        """Let ``flow`` count the time of processing."""
        self._flow.use(self._seconds, monotonic())
        self._seconds = 0.0


def _ignore(_: object) -> None:
    """Do nothing: the connection is lost."""
