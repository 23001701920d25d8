"""What is written to a connection, without a copy of it.

The asyncio of Python 3.11 joins buffers that are to be written together, and copies what the socket does not take at
once. From 3.12 on it hands them to the system as they are; so does uvloop, and so does :class:`Outgoing` where neither
is there. Then asyncio has no more than a few bytes at a time, which tell when the socket takes more.
"""

import asyncio
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol

from ..ul.wire import Buffer

__all__ = ["Outgoing", "Stream"]

_FEW = 1 << 12  # bytes that asyncio gets to wait with
_MOST_BUFFERS = 512  # at once; Linux takes 1024


class Stream(Protocol):
    """What is used of `asyncio.Transport`: uvloop's transports are none, but can do the same."""

    def get_extra_info(self, name: str) -> Any: ...
    def get_write_buffer_size(self) -> int: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def write(self, data: Buffer, /) -> None: ...
    def write_eof(self) -> None: ...
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview], /) -> None: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def is_reading(self) -> bool: ...
    def is_closing(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


def gathers(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether buffers have to be handed to the system here, because the loop would join them."""
    return sys.version_info < (3, 12) and isinstance(loop, asyncio.SelectorEventLoop) and hasattr(os, "writev")


def forgets_to_pause(loop: asyncio.AbstractEventLoop, version: tuple[int, ...] = sys.version_info[:3]) -> bool:
    """Whether ``writelines`` does not pause the protocol: 3.12.0 to 3.12.8, 3.13.0 and 3.13.1 (CPython gh-127655)."""
    is_affected = (3, 12) <= version < (3, 12, 9) or (3, 13) <= version < (3, 13, 2)
    return is_affected and isinstance(loop, asyncio.SelectorEventLoop)


class Outgoing:
    """The writing end of ``stream``. Its protocol is told to pause while there is anything that waits."""

    def __init__(self, stream: Stream, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self._gathers = gathers(loop)
        self._forgets_to_pause = forgets_to_pause(loop)
        self._rest: list[memoryview] = []  # what the socket does not take yet
        if self._gathers:
            stream.set_write_buffer_limits(0)

    def write(self, buffers: list[Buffer]) -> None:
        """Write ``buffers``, one after the other; what cannot be written yet is written by `go_on`."""
        if len(buffers) == 1 and not self._rest:
            self._stream.write(buffers[0])
        elif self._gathers:
            self._rest += map(memoryview, buffers)
            self._push()
        else:
            self._stream.writelines(buffers)
            if self._forgets_to_pause:
                self._stream.set_write_buffer_limits()  # asyncio pauses the protocol here, if too much waits

    def go_on(self) -> bool:
        """Write what waits, now that the stream takes more; whether more can be written without waiting."""
        if not self._gathers:
            return True
        self._push()
        return not self._rest and not self._stream.get_write_buffer_size()

    def hand_over(self) -> None:
        """Leave what waits to the stream, which is about to be closed."""
        rest, self._rest = self._rest, []
        if rest:
            self._stream.writelines(rest)

    def _push(self) -> None:
        """Give the socket what it takes, and then the stream a few bytes that it has to wait with."""
        while self._rest and not self._stream.get_write_buffer_size():
            if self._stream.is_closing():  # the socket's number may be another's by now
                self._rest.clear()
            elif not self._wrote_all():
                first = self._rest[0]
                self._rest[0] = first[_FEW:]
                self._stream.write(first[:_FEW])
                self._drop(0)

    def _wrote_all(self) -> bool:
        """Write what the socket takes at once; whether that was all that it was given."""
        batch = self._rest[:_MOST_BUFFERS]
        count = 0
        with suppress(OSError):  # it takes nothing now, or it is broken: the stream will see which
            count = os.writev(self._stream.get_extra_info("socket").fileno(), batch)
        is_all = count == sum(map(len, batch))
        self._drop(count)
        return is_all

    def _drop(self, count: int) -> None:
        """Forget ``count`` bytes, which are out, and buffers that are empty by now."""
        rest, place = self._rest, 0
        while place < len(rest) and count >= len(rest[place]):
            count -= len(rest[place])
            place += 1
        if count:
            rest[place] = rest[place][count:]
        del rest[:place]
