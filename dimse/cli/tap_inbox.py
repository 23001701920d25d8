"""The inbox of the tap: bytes that the threads of the relay have read, to be printed as lines and to be recorded.

A thread only adds a note with its bytes to the inbox; the event loop hands the bytes over later. Handing over takes
longer than noting, and delays the threads, with which the event loop shares the GIL. So the event loop waits until the
programs on both sides pause, or until many bytes have been noted, and then hands the bytes over in small steps.
"""

import asyncio
import ctypes
import sys
from collections import deque
from collections.abc import Callable
from threading import Condition, Lock
from time import time_ns
from typing import Any

__all__ = ["Inbox", "Receiver", "keep_freed_memory"]

_LULL = 0.02  # seconds without new bytes after which the notes are handed over
_LATEST = 0.25  # seconds after which the notes are handed over even if no pause comes
_ENOUGH = 1 << 25  # bytes in the notes; beyond that, the event loop does not wait for a pause
_MAX_BYTES = 1 << 26  # bytes in the notes; beyond that, the threads wait
_SHORT = 1 << 11  # bytes of the longest short note; only the number of short notes is bounded, not their bytes
_MANY = 4 << 13  # entries, four for each note; beyond that, no pause is awaited; beyond twice that, the threads wait
_STEP = 64  # notes to hand over before the threads have a turn

_KEPT = 1 << 27  # bytes of freed memory that the process keeps
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # options of mallopt, in malloc.h of glibc

Receiver = Callable[[bool, bytes, int], None]  # arguments: True if the client sent the bytes; the bytes; the time in ns


class Inbox:
    """Notes of the bytes that were read, in the order of the reads. All methods but `note` are for the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        # The receiver, side, bytes and time of each note are four entries. If each note were a tuple, the garbage
        # collector would search the tuples, which takes as long as the noting.
        self._notes: deque[Any] = deque()
        self._nbytes = 0  # bytes in the notes, short ones not counted
        self._counting = Lock()  # for `_nbytes`
        self._has_room = Condition(self._counting)  # notified when notes were handed over
        self._is_watched = False  # whether the event loop waits for a pause
        self._is_urgent = False  # whether the event loop was told that there are enough bytes
        self._timer: asyncio.TimerHandle | None = None

    def note(self, receiver: Receiver, by_client: bool, data: bytes) -> None:
        """Hand over ``data`` to ``receiver`` later.

        Any thread may call this. It waits only while there are too many notes, or too many bytes in them.
        """
        notes, size = self._notes, len(data)
        notes.extend((receiver, by_client, data, time_ns()))
        if size > _SHORT or len(notes) > _MANY or not self._is_watched:
            self._regulate(size)

    def hand_over(self) -> None:
        """Hand over everything.

        Raises the error of a receiver. The event loop then hands over the notes after it.
        """
        self._is_watched = self._is_urgent = False  # before the notes are taken, so that none is forgotten
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            self._take(len(self._notes) // 4)
        except BaseException:
            if self._notes:
                self._loop.call_soon(self._step)
            raise

    def _regulate(self, size: int) -> None:
        """After ``size`` bytes were noted, wake the event loop if needed, and wait while it is far behind."""
        if size > _SHORT:
            with self._counting:
                self._nbytes += size
        if not self._is_watched:
            self._is_watched = True
            self._loop.call_soon_threadsafe(self._watch)
        if (self._nbytes > _ENOUGH or len(self._notes) > _MANY) and not self._is_urgent:
            self._is_urgent = True
            self._loop.call_soon_threadsafe(self._step)
        if self._is_full():
            with self._has_room:
                self._has_room.wait_for(lambda: not self._is_full())

    def _is_full(self) -> bool:
        return self._nbytes > _MAX_BYTES or len(self._notes) > 2 * _MANY

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(_LULL, self._look, len(self._notes), self._loop.time() + _LATEST)

    def _look(self, count: int, end: float) -> None:
        """Hand over if there are still ``count`` entries, or if ``end`` has passed; otherwise, look again later."""
        now = len(self._notes)
        if now == count or self._loop.time() > end:
            self._step()
        else:
            self._timer = self._loop.call_later(_LULL, self._look, now, end)

    def _step(self) -> None:
        """Hand over everything in steps, between which the event loop makes a system call, so that threads can run."""
        if len(self._notes) > 4 * _STEP:
            self._loop.call_soon(self._step)  # first, so that the steps go on even if a receiver fails
            self._take(_STEP)
        else:
            self.hand_over()

    def _take(self, count: int) -> None:
        nbytes, take = 0, self._notes.popleft
        try:
            for _ in range(count):
                receiver, by_client, data, when = take(), take(), take(), take()
                nbytes += len(data) if len(data) > _SHORT else 0
                receiver(by_client, data, when)
        finally:  # also if a receiver fails: otherwise, the threads would wait forever
            with self._counting:
                self._nbytes -= nbytes
                self._has_room.notify_all()


def keep_freed_memory() -> None:
    """On Linux with glibc, let this process keep freed memory and use it again, instead of returning it to the system.

    The memory of noted bytes is freed in large pieces. An image of 8 MiB takes 10 ms if its bytes need new memory, and
    6.6 ms if they get memory that the process has kept.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        for option, value in ((_M_TRIM_THRESHOLD, _KEPT), (_M_MMAP_THRESHOLD, _KEPT), (_M_ARENA_MAX, 1)):
            library.mallopt(option, value)
