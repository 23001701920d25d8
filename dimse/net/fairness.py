"""Fair shares of the event loop and of the threads, for all associations of a server.

Bytes that take long to process are processed in pieces: each iteration of the event loop processes one piece, and the
hosts take turns. So a C-ECHO waits for one piece at most, however many associations keep the event loop busy.

Work that would block the event loop is done in threads. A thread that computes in Python takes the GIL from the
event loop again and again, so only two threads work at the same time, however many associations need a thread.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import copy_context
from functools import partial
from typing import Generic, ParamSpec, TypeVar
from weakref import ref

from .thread_pool import ThreadPool

__all__ = ["RoundRobin", "Slots", "Starts", "Turns", "Workers"]

P = ParamSpec("P")
T = TypeVar("T")

_RECENT = 0.1  # seconds for which a peer that used up its share counts as busy
_MAX_STARTS = 16  # handlers that start, and associations that begin or end, in one iteration of the event loop
_RESET_AT = 8  # the eighth start schedules a callback that resets the count of starts; fewer starts need no callback
_MAX_THREADS = 2  # threads that work at the same time


class RoundRobin(Generic[T]):
    """A queue with one line per host. The hosts take turns; each line is first in, first out."""

    __slots__ = ("_lines",)

    def __init__(self) -> None:
        self._lines: dict[str, deque[T]] = {}  # the host with the next turn is the first key

    def __bool__(self) -> bool:
        return bool(self._lines)

    def put(self, host: str, item: T) -> None:
        """Put ``item`` at the end of the line of ``host``."""
        if host in self._lines:
            self._lines[host].append(item)
        else:
            self._lines[host] = deque((item,))

    def take(self) -> T:
        """Remove and return the next item; the queue must not be empty."""
        host = next(iter(self._lines))
        line = self._lines.pop(host)
        item = line.popleft()
        if line:
            self._lines[host] = line
        return item


class Turns:
    """Turns to work on one event loop: at most one long piece of work and 16 short pieces in an iteration."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._short = 0  # short pieces since the latest `_reset`, which is scheduled as in `Starts`
        self._waiting: RoundRobin[Callable[[], None]] = RoundRobin()
        self._is_scheduled = False
        self._last_busy: ref[object] | None = None  # the latest peer that used up its share, and the time
        self._last_busy_at = 0.0

    def others_are_busy(self, peer: object) -> bool:
        """Return whether other peers keep the loop busy, too; call it when ``peer`` has used up its share."""
        now = self._loop.time()
        last = None if self._last_busy is None else self._last_busy()  # a peer may have ended meanwhile
        is_other = last is not peer and now - self._last_busy_at < _RECENT
        self._last_busy, self._last_busy_at = ref(peer), now
        return is_other or bool(self._waiting)

    def try_enter(self) -> bool:
        """Count a short piece of work and return True; return False if the work must wait for a later iteration."""
        if self._short >= _MAX_STARTS:
            return False
        self._short += 1
        if self._short == _RESET_AT:
            self._loop.call_soon(self._reset)
        return True

    def _reset(self) -> None:
        self._short = 0

    def call_in_turn(self, host: str, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the turn of ``host`` comes."""
        self._waiting.put(host, callback)
        self._schedule()

    async def wait_for_turn(self, host: str) -> None:
        """Wait until the turn of ``host`` comes."""
        waiter = self._loop.create_future()
        self.call_in_turn(host, lambda: None if waiter.done() else waiter.set_result(None))
        await waiter

    async def enter(self, host: str) -> None:
        """Wait until the turn of ``host`` comes, unless this iteration has room for a short piece of work."""
        if not self.try_enter():
            await self.wait_for_turn(host)

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._is_scheduled = False
        callback = self._waiting.take()
        if self._waiting:
            self._schedule()
        callback()


class Starts:
    """A schedule of handlers: few of them start in one iteration, so that a burst of requests does not block the loop.

    A callback resets the count of starts in the next iteration. To save callbacks, it is scheduled only after eight
    starts; until then, the count continues over iterations. `Performer._perform_short` says what this saves.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: RoundRobin[Callable[[], None]] = RoundRobin()
        self._started = 0  # since the last callback
        self._is_scheduled = False

    def start(self, host: str, begin: Callable[[], None]) -> None:
        """Call ``begin`` now, or in a later iteration when the turn of ``host`` comes."""
        if self._started < _MAX_STARTS:
            self._started += 1
            if self._started == _RESET_AT:
                self._schedule()
            begin()
        else:
            self._waiting.put(host, begin)

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._next_iteration)

    def _next_iteration(self) -> None:
        self._started, self._is_scheduled = 0, False
        if self._waiting:
            self._schedule()
        while self._waiting and self._started < _MAX_STARTS:
            self._started += 1
            self._waiting.take()()


class Slots:
    """Places for long work, of which ``count`` may be taken at once. The hosts take turns to get one."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: RoundRobin[asyncio.Future[None]] = RoundRobin()

    @asynccontextmanager
    async def of(self, host: str) -> AsyncIterator[None]:
        """Take a place when the turn of ``host`` comes, for the time of the block."""
        await self.enter(host)
        try:
            yield
        finally:
            self.leave()

    async def enter(self, host: str) -> None:
        """Take a place when the turn of ``host`` comes; call `leave` afterwards."""
        if self._free:
            self._free -= 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.put(host, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # a place has been assigned
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back."""
        while self._waiting:
            waiter = self._waiting.take()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1


class Workers:
    """The threads of one server or client, beside those of asyncio, which may all be busy with other work."""

    def __init__(self) -> None:
        self._slots = Slots(_MAX_THREADS)
        self._threads: ThreadPool | None = None  # started when they are needed

    async def run(self, host: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` in a thread when the turn of ``host`` comes, and return its result.

        A function that has begun runs to its end even if this coroutine is canceled; the cancellation waits until the
        function has ended, but a second cancellation does not.

        Raises RuntimeError if the system allows no thread; the function is then never called.
        """
        await self._slots.enter(host)
        if self._threads is None:
            self._threads = ThreadPool(_MAX_THREADS, "dimse work")
        work = partial(copy_context().run, partial(function, *args, **kwargs))
        try:
            working = asyncio.get_running_loop().run_in_executor(self._threads, work)
        except RuntimeError:  # the system allows no thread
            self._slots.leave()
            raise
        working.add_done_callback(lambda _: self._slots.leave())
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            # take the exception of the function, because asyncio logs an exception that nobody takes
            working.add_done_callback(lambda done: done.cancelled() or done.exception())
            await asyncio.wait([working])  # because the caller then drops the data on which the function works
            raise
        finally:
            del working  # otherwise its error would be in a cycle with this frame
