"""What the peer has sent and nobody here has taken yet: when to read no more, and when that is too much.

A peer that does not wait for its turn is left unread, so that it waits in its own memory. Not so while somebody here
waits for a response of it, because the response may stand behind what has not been taken: then reading goes on, up to
as many bytes as one Data Set may have.
"""

from collections.abc import Callable

from ..errors import LimitExceeded
from ..limits import Limits
from ..message import Message, Request

__all__ = ["Backlog"]

_RESPONSES = 64  # Pending ones of a C-FIND that nobody reads: beyond that the peer is not read, either
_COST = 1024  # bytes that a message without Data counts for


class Backlog:
    """Counts messages that came and were not taken. ``pause`` and ``resume`` reading are called as that changes."""

    def __init__(self, limits: Limits, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        self._limits = limits
        self._pause = pause
        self._resume = resume
        self._requests = 0
        self._responses = 0
        self._bytes = 0
        self._awaited = 0  # responses that somebody waits for
        self._is_full = False
        self._is_paused = False

    def put(self, message: Message) -> None:
        """A message came. Raises `LimitExceeded` where that is more than can be kept."""
        self._count(message, 1)
        if self._bytes > self._limits.data_set + _COST:
            raise LimitExceeded("data_set", f"{self._bytes}", self._limits.data_set, path="messages not taken")
        self._regulate()

    def take(self, message: Message) -> None:
        """A message was taken."""
        self._count(message, -1)
        self._regulate()

    def wait(self, responses: int) -> None:
        """So many more (1), or fewer (-1), responses are waited for."""
        self._awaited += responses
        if self._is_full:
            self._regulate()

    def _count(self, message: Message, sign: int) -> None:
        self._bytes += sign * (_COST + (len(message.Data) if message.Data is not None else 0))
        if isinstance(message, Request):
            self._requests += sign
        else:
            self._responses += sign

    def _regulate(self) -> None:
        self._is_full = self._requests >= self._limits.requests or self._responses >= _RESPONSES
        should_pause = self._is_full and not self._awaited
        if should_pause != self._is_paused:
            self._is_paused = should_pause
            (self._pause if should_pause else self._resume)()
