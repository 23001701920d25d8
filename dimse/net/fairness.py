"""A fair share of the event loop for each association, and of everything else that all of a server wait for.

A peer whose bytes take long to deal with gets its turn beside the others: one such piece of work is done in each
iteration of the loop, and each host has its turn before a host has its next. So an echo waits for one piece at most,
however many associations keep the loop busy.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["RoundRobin", "Turns"]

T = TypeVar("T")

_LATELY = 0.1  # seconds


class RoundRobin(Generic[T]):
    """What waits, by host: the hosts take turns, and of one host the first comes first."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[str, deque[T]] = {}  # the host whose turn is next stands first

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def put(self, host: str, thing: T) -> None:
        """Let ``thing`` wait for the turn of ``host``."""
        if host in self._waiting:
            self._waiting[host].append(thing)
        else:
            self._waiting[host] = deque((thing,))

    def take(self) -> T:
        """What is next; there must be something."""
        host = next(iter(self._waiting))
        things = self._waiting.pop(host)
        thing = things.popleft()
        if things:
            self._waiting[host] = things
        return thing


class Turns:
    """Pieces of work on one event loop, one in each of its iterations."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: RoundRobin[Callable[[], None]] = RoundRobin()
        self._is_due = False
        self._last: object = None  # who has used up its share last, and when
        self._last_at = 0.0

    def are_wanted(self, who: object) -> bool:
        """Whether others than ``who``, whose share is used up, keep the loop busy, too."""
        now = self._loop.time()
        is_wanted = bool(self._waiting) or (self._last is not who and now - self._last_at < _LATELY)
        self._last, self._last_at = who, now
        return is_wanted

    def wait(self, host: str, go_on: Callable[[], None]) -> None:
        """Call ``go_on`` when the turn of ``host`` comes."""
        self._waiting.put(host, go_on)
        self._schedule()

    async def come(self, host: str) -> None:
        """Return when the turn of ``host`` comes."""
        waiter = self._loop.create_future()
        self.wait(host, lambda: None if waiter.done() else waiter.set_result(None))
        await waiter

    def _schedule(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        self._is_due = False
        go_on = self._waiting.take()
        if self._waiting:
            self._schedule()
        go_on()
