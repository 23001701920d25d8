"""What the threads of the relay have read, until the event loop hands it over to the lines and the recordings.

Handing over takes longer than noting, and delays the threads, with which it shares Python's lock. So it waits until the
programs on both sides pause, or until there is much to hand over, and it goes on in small steps.
"""

import asyncio
import ctypes
import sys
from collections import deque
from collections.abc import Callable
from threading import Lock
from time import sleep, time_ns

__all__ = ["Inbox", "Receiver", "keep_freed_memory"]

_LULL = 0.02  # seconds without bytes after which bytes are handed over
_LATEST = 0.25  # seconds after which bytes are handed over though the programs still talk
_ENOUGH = 1 << 25  # bytes after which the same happens
_MAX_BYTES = 1 << 26  # bytes at which the threads wait
_WAIT = 0.001  # seconds until a thread looks whether it must still wait
_OVERHEAD = 200  # bytes of memory that a note takes besides its data
_STEP = 64  # notes to hand over before the threads have a turn

_KEPT = 1 << 27  # bytes of freed memory that the process keeps
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # options of mallopt, in malloc.h of glibc

Receiver = Callable[[bool, bytes, int], None]  # gets the side, the bytes, and when they were read, in nanoseconds


class Inbox:
    """Notes of what was read, in this order. All methods but `note` are for the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._notes: deque[tuple[Receiver, bool, bytes, int]] = deque()
        self._nbytes = 0  # bytes in the notes
        self._counting = Lock()  # for their number
        self._is_watched = False  # whether the event loop waits for a pause
        self._is_urgent = False  # whether the event loop was told that there are enough bytes
        self._timer: asyncio.TimerHandle | None = None

    def note(self, receiver: Receiver, by_client: bool, data: bytes) -> None:
        """Hand over ``data`` to ``receiver`` later. Called in any thread; waits only if too many bytes are noted."""
        self._notes.append((receiver, by_client, data, time_ns()))
        with self._counting:
            self._nbytes += len(data) + _OVERHEAD
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_soon_threadsafe(self._watch)
        if self._nbytes > _ENOUGH:
            self._hurry()

    def hand_over(self) -> None:
        """Hand over everything."""
        self._is_watched = self._is_urgent = False  # before the notes are taken, so that none is forgotten
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._take(len(self._notes))

    def _hurry(self) -> None:
        if not self._is_urgent:
            self._is_urgent = True
            self._loop.call_soon_threadsafe(self._step)
        while self._nbytes > _MAX_BYTES:
            sleep(_WAIT)

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(_LULL, self._look, len(self._notes), self._loop.time() + _LATEST)

    def _look(self, count: int, end: float) -> None:
        """Hand over if nothing was noted since there were ``count`` notes, or after ``end``."""
        now = len(self._notes)
        if now == count or self._loop.time() > end:
            self._step()
        else:
            self._timer = self._loop.call_later(_LULL, self._look, now, end)

    def _step(self) -> None:
        """Hand over everything in steps, between which the event loop makes a system call, so that threads can run."""
        if len(self._notes) > _STEP:
            self._take(_STEP)
            self._loop.call_soon(self._step)
        else:
            self.hand_over()

    def _take(self, count: int) -> None:
        nbytes = count * _OVERHEAD
        for _ in range(count):
            receiver, by_client, data, when = self._notes.popleft()
            receiver(by_client, data, when)
            nbytes += len(data)
        with self._counting:
            self._nbytes -= nbytes


def keep_freed_memory() -> None:
    """Let this process use freed memory again, on Linux with glibc, instead of returning it to the system.

    The memory of noted bytes is freed in large pieces. New memory costs more time than the bytes: an image of 8 MiB
    takes 10 ms with it, and 6.6 ms without.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        for option, value in ((_M_TRIM_THRESHOLD, _KEPT), (_M_MMAP_THRESHOLD, _KEPT), (_M_ARENA_MAX, 1)):
            library.mallopt(option, value)
