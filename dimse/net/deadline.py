"""A bound on how long something may take that begins and ends thousands of times a second.

Arming a timer each time would cost more than what it watches. So one timer runs on, looks when it fires whether
what is under way has been so for too long, and sleeps again.
"""

import asyncio
from collections.abc import Callable

__all__ = ["Deadline"]


class Deadline:
    """Calls ``expired`` when ``seconds`` have passed between a `begin` and its `end`."""

    __slots__ = ("_expired", "_is_held", "_loop", "_seconds", "_since", "_timer", "is_running")

    def __init__(self, seconds: float, expired: Callable[[], None]) -> None:
        self._seconds = seconds
        self._expired = expired
        self.is_running = False
        self._is_held = False
        self._loop = asyncio.get_running_loop()
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """It begins now, even if it is under way: then that has ended, and the next begins."""
        self.is_running = True
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def end(self) -> None:
        """It ended in time."""
        self.is_running = False

    def hold(self) -> None:
        """Let no time pass until `let_go`: this side makes the peer wait."""
        self._is_held = True

    def let_go(self) -> None:
        """Let the time pass again; all of it is left."""
        self._is_held = False
        self._since = self._loop.time()

    def cancel(self) -> None:
        """Watch no more."""
        self.is_running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if not self.is_running:
            return
        left = self._seconds if self._is_held else self._since + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self.is_running = False
            self._expired()
