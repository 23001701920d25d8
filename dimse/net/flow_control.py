"""When a peer is read, and when what it sends is left to wait in the kernel.

There may be several reasons not to read at once; reading goes on when the last of them is gone. A peer that has used up
its share of the event loop waits for its turn beside the others, and so do the bytes that were read and not yet dealt
with. For all other reasons this side makes the peer wait, and the peer is not late meanwhile.
"""

import asyncio
from collections.abc import Callable

from .deadline import Deadline
from .fairness import Turns

__all__ = ["BACKLOG", "MEMORY", "SHARE", "TURN", "FlowControl"]

# Why what a peer sends is not read for now; plain numbers, because a Flag is Python code, run for each request
TURN, BACKLOG, MEMORY = 1, 2, 4  # its share of the event loop is used up; its requests wait; there is no room

SHARE = 0.005  # seconds of the loop
_REGAINED = 0.1  # of each second that passes


class FlowControl:
    """Pauses and resumes the reading of one connection; ``receive`` takes bytes whose turn has come."""

    def __init__(
        self,
        turns: Turns,
        pause: Callable[[], None],
        resume: Callable[[], None],
        receive: Callable[[memoryview], None],
    ) -> None:
        self.host = ""
        self.received = 0  # bytes
        self.is_turn = False  # whether this is the turn that was waited for
        self.holds = 0  # the reasons not to read
        self.deadlines: list[Deadline] = []  # of the peer
        self._loop = asyncio.get_running_loop()
        self._turns = turns
        self._pause = pause
        self._resume = resume
        self._receive = receive
        self._left: memoryview | None = None  # what was read, and is not yet dealt with
        self._used, self._used_at = 0.0, 0.0  # seconds of the share, and when that was so

    @property
    def has_left(self) -> bool:
        """Whether there are bytes that were read and not yet dealt with."""
        return self._left is not None

    def hold(self, why: int) -> None:
        """Read nothing for now."""
        if not self.holds:
            self._pause()
        self.holds |= why
        if why != TURN:
            for deadline in self.deadlines:
                deadline.hold()

    def let_go(self, why: int) -> None:
        """Read on, unless there is another reason not to."""
        if not self.holds & why:
            return
        self.holds &= ~why
        if not self.holds & ~TURN:
            for deadline in self.deadlines:
                deadline.let_go()
        if self.holds:
            return
        if self._left is not None:
            self.wait_for_turn()
        else:
            self._resume()

    def leave(self, data: memoryview) -> None:
        """Deal with ``data`` later; until then nothing is read."""
        self._left = data if data.readonly else memoryview(bytes(data))  # the scratch buffer is used again
        if self.holds & ~TURN:
            self.holds &= ~TURN
        else:
            self.wait_for_turn()

    def use(self, seconds: float, now: float) -> None:
        """Count ``seconds`` of the event loop. A peer whose share is used up waits for its turn if others want one."""
        self._used = max(0.0, self._used - (now - self._used_at) * _REGAINED) + seconds
        self._used_at = now
        if self._used > SHARE:
            self._used = 0.0
            if not self.holds and self._turns.are_wanted(self):
                self.wait_for_turn()

    def wait_for_turn(self) -> None:
        """Read nothing until the turn comes."""
        self.hold(TURN)
        self._turns.wait(self.host, self._take_turn)

    def _take_turn(self) -> None:
        """Deal with what was left, or a piece of it; then read on."""
        self.holds &= ~TURN
        if self.holds:
            return
        left, self._left = self._left, None
        if left is not None:
            self.holds, self.is_turn = TURN, True  # nothing is read meanwhile
            try:
                self._receive(left)
            finally:
                self.is_turn = False
            if self.has_left:
                return
            self.holds &= ~TURN
        if not self.holds:
            self._resume()
