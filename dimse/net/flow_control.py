"""Flow control: when to stop reading from a peer, and when to abort its association.

Several reasons not to read may hold at the same time; reading resumes when none is left. One reason is the turn: a
peer that has used up its share of the event loop waits for its turn, and so do bytes that were read and not processed.
Every other reason also pauses the timers that bound the peer's time, because this side makes the peer wait.

The backlog is one of the other reasons. While too many requests or responses wait, nothing is read from the peer, so
its further messages stay in its own memory. While a response of the peer is awaited, reading goes on, because the
response may be queued behind requests; the backlog may then grow to the size of one Data Set.
"""

from collections.abc import Callable

from ..errors import LimitExceeded
from ..limits import Limits
from ..message import Message, Request, length_of
from .fairness import Turns
from .timers import Timer

__all__ = ["BACKLOG", "DISK", "MEMORY", "RECORDING", "SHARE", "TURN", "Backlog", "FlowControl"]

# Reasons not to read: the share of the event loop is used up; too many messages wait; there is no memory; the disk is
# busy with a Data Set; the disk is busy with the recording. The reasons are plain numbers, because the operators of a
# Flag are Python code that would run for each request.
TURN, BACKLOG, MEMORY, DISK, RECORDING = 1, 2, 4, 8, 16

SHARE = 0.005  # seconds of the event loop that a peer may use before it waits for its turn
_REGAINED = 0.1  # seconds of the share that a peer regains in each second

_RESPONSES = 64  # while this number of responses waits (such as Pending ones), nothing is read from the peer
_OVERHEAD = 1024  # bytes that the backlog counts for a message, in addition to its Data


def _do_nothing() -> None:
    """Do nothing: there is no connection."""


def _drop(_data: memoryview) -> None:
    """Drop bytes: there is no connection."""


class FlowControl:
    """The switch that pauses and resumes reading from one connection. ``receive`` processes bytes in their turn."""

    def __init__(
        self,
        turns: Turns,
        pause: Callable[[], None],
        resume: Callable[[], None],
        receive: Callable[[memoryview], None],
    ) -> None:
        self.host = ""
        self.received = 0  # bytes received so far
        self.is_turn = False  # whether bytes that waited for their turn are being processed
        self.hold_reasons = 0  # the reasons not to read
        self.releases = 0  # how often the peer has ceased to wait for a reason other than its turn
        self.timers: list[Timer] = []  # the timers that bound the time of the peer
        self._turns = turns
        self._pause = pause
        self._resume = resume
        self._receive = receive
        self.postponed = 0  # the number of bytes that were read and not processed
        self._postponed_data: memoryview | None = None  # these bytes
        self._used, self._used_at = 0.0, 0.0  # seconds used of the share, and when they were last counted

    @property
    def has_postponed(self) -> bool:
        """Whether there are bytes that were read and not processed."""
        return self._postponed_data is not None

    @property
    def is_held_beyond_turn(self) -> bool:
        """Whether this side makes the peer wait for a reason other than its turn."""
        return bool(self.hold_reasons & ~TURN)

    def hold(self, reason: int) -> None:
        """Stop reading for ``reason``."""
        if not self.hold_reasons:
            self._pause()
        self.hold_reasons |= reason
        if reason != TURN:
            for timer in self.timers:
                timer.pause()

    def release(self, reason: int) -> None:
        """Drop ``reason``. If none is left, resume reading; postponed bytes wait for their turn before that."""
        if not self.hold_reasons & reason:
            return
        self.hold_reasons &= ~reason
        if not self.hold_reasons & ~TURN:
            self.releases += 1
            for timer in self.timers:
                timer.resume()
        if self.hold_reasons:
            return
        if self._postponed_data is not None:
            self.wait_for_turn()
        else:
            self._resume()

    def close(self) -> None:
        """Forget the transport and the timers, because the connection is lost."""
        for timer in self.timers:
            timer.close()
        self.timers.clear()
        self._pause = self._resume = _do_nothing
        self._receive = _drop

    def postpone(self, data: memoryview) -> None:
        """Process ``data`` later, and read nothing until then."""
        self._postponed_data = data if data.readonly else memoryview(bytes(data))  # the read buffer will be reused
        self.postponed = len(data)
        if self.hold_reasons & ~TURN:
            self.hold_reasons &= ~TURN
        else:
            self.wait_for_turn()

    def use(self, seconds: float, now: float) -> None:
        """Count ``seconds`` of the event loop. A peer that used up its share waits for its turn if others are busy."""
        self._used = max(0.0, self._used - (now - self._used_at) * _REGAINED) + seconds
        self._used_at = now
        if self._used > SHARE:
            self._used = 0.0
            if not self.hold_reasons and self._turns.others_are_busy(self):
                self.wait_for_turn()

    def wait_for_turn(self) -> None:
        """Read nothing until the turn comes."""
        self.hold(TURN)
        self._turns.call_in_turn(self.host, self._take_turn)

    def _take_turn(self) -> None:
        """Process a piece of the postponed bytes, or resume reading if there are none."""
        self.hold_reasons &= ~TURN
        if self.hold_reasons:
            return
        data, self._postponed_data, self.postponed = self._postponed_data, None, 0
        if data is not None:
            self.hold_reasons, self.is_turn = TURN, True  # nothing is read in the meantime
            try:
                self._receive(data)
            finally:
                self.is_turn = False
            if self.has_postponed:
                return
            self.hold_reasons &= ~TURN
        if not self.hold_reasons:
            self._resume()


class Backlog:
    """A count of the messages that were received and not yet taken."""

    def __init__(self, limits: Limits, flow: FlowControl) -> None:
        self._limits = limits
        self._flow = flow
        self._requests = 0
        self._responses = 0
        self._bytes = 0
        self.awaited = 0  # responses for which a coroutine waits; after a change, call `regulate` if `is_full`
        self.is_full = False  # whether so many messages wait that nothing is read unless a response is awaited
        self._is_holding = False

    @property
    def makes_the_peer_wait(self) -> bool:
        """Whether this side reads nothing, so that a response of the peer cannot arrive."""
        return self._flow.is_held_beyond_turn

    def put(self, message: Message) -> None:
        """Count a message that was received. Raises `LimitExceeded` if too many bytes wait."""
        self._count(message, 1)
        if self._bytes > self._limits.data_set + _OVERHEAD:
            raise LimitExceeded("data_set", f"{self._bytes}", self._limits.data_set, path="messages not taken")
        self.regulate()

    def take(self, message: Message) -> None:
        """Stop counting a message that was taken."""
        self._count(message, -1)
        self.regulate()

    def _count(self, message: Message, sign: int) -> None:
        self._bytes += sign * (_OVERHEAD + length_of(message.Data))
        if isinstance(message, Request):
            self._requests += sign
        else:
            self._responses += sign

    def regulate(self) -> None:
        """Stop reading from the peer if too many messages wait and no response is awaited; otherwise resume."""
        self.is_full = self._requests >= self._limits.requests or self._responses >= _RESPONSES
        should_hold = self.is_full and not self.awaited
        if should_hold != self._is_holding:
            self._is_holding = should_hold
            (self._flow.hold if should_hold else self._flow.release)(BACKLOG)
