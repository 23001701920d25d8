"""A bound on how long something may take that begins and ends thousands of times a second.

Arming a timer each time would cost more than what it watches. So one timer runs on, looks when it fires whether
what is under way has been so for too long, and sleeps again.
"""

import asyncio
from collections.abc import Callable

__all__ = ["Deadline"]


class Deadline:
    """Calls ``expired`` when ``seconds`` have passed between a `begin` and its `end`."""

    __slots__ = ("_expired", "_loop", "_seconds", "_since", "_timer")

    def __init__(self, seconds: float, expired: Callable[[], None]) -> None:
        self._seconds = seconds
        self._expired = expired
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, *, again: bool = False) -> None:
        """It begins, unless it is under way; ``again``: what was under way ended, and the next has begun."""
        if self._since is not None and not again:
            return
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def end(self) -> None:
        """It ended in time."""
        self._since = None

    def cancel(self) -> None:
        """Watch no more."""
        self._since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return
        left = self._since + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._since = None
            self._expired()
