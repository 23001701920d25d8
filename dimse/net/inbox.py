"""The requests that the peer has invoked and this side has not answered.

They are performed in the order in which they came, and no more of them at once than the window allows; what comes
beyond that waits. A C-CANCEL finds its request by Message ID, be it under way or not yet begun.
"""

import asyncio

from ..errors import DimseError
from ..message import Request
from ..ul import Context
from .backlog import Backlog
from .responses import CANCELLABLE

__all__ = ["Inbox", "Received"]


class Received:
    """A request of the peer, on its way from the wire to its last response."""

    __slots__ = ("cancelled", "context", "fault", "is_duplicate", "message")

    def __init__(self, context: Context, message: Request, fault: str, *, is_duplicate: bool) -> None:
        self.context = context
        self.message = message
        self.fault = fault  # what is wrong with its Command Set, nothing as a rule
        self.is_duplicate = is_duplicate  # whether its Message ID is that of another one under way
        self.cancelled = asyncio.Event() if isinstance(message, CANCELLABLE) else None


class Inbox:
    """Requests received, for the one who calls `take`."""

    def __init__(self, backlog: Backlog) -> None:
        self.window = 1  # how many may be performed at once
        self._backlog = backlog
        self._waiting: list[Received] = []  # one or two; an empty deque takes as much as all the rest here
        self._unanswered: dict[int, Received] = {}
        self._performing = 0
        self._arrival: asyncio.Future[None] | None = None
        self._is_released = False
        self._error: DimseError | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a request is performed, or waits for it."""
        return self._performing > 0 or bool(self._waiting)

    def put(self, context: Context, message: Request, fault: str = "") -> None:
        """A request came. Raises `LimitExceeded` where there are too many."""
        self._backlog.put(message)
        received = Received(context, message, fault, is_duplicate=message.MessageID in self._unanswered)
        self._unanswered.setdefault(message.MessageID, received)
        self._waiting.append(received)
        self._wake()

    def cancel(self, message_id: int) -> bool:
        """C-CANCEL came; whether there is something to cancel."""
        received = self._unanswered.get(message_id)
        if received is None or received.cancelled is None:
            return False
        received.cancelled.set()
        return True

    async def take(self) -> Received | None:
        """The next request to perform; None when the peer asked for release and there is no other."""
        while not self._waiting or self._performing >= self.window:
            if self._error is not None:
                raise self._error
            if self._is_released and not self._waiting:
                return None
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        received = self._waiting.pop(0)
        self._backlog.take(received.message)
        self._performing += 1
        return received

    def answering(self, received: Received) -> None:
        """The last response is about to be sent: from now on the peer may use the Message ID again."""
        if self._unanswered.get(received.message.MessageID) is received:
            del self._unanswered[received.message.MessageID]

    def done(self, received: Received) -> None:
        """A request has been dealt with."""
        self.answering(received)
        self._performing -= 1
        self._wake()

    def release(self) -> None:
        """The peer asked for release: nothing more comes."""
        self._is_released = True
        self._wake()

    def fail(self, error: DimseError) -> None:
        """The association has ended: what waits is not performed any more, and what can be cancelled is."""
        self._error = error
        while self._waiting:
            self._backlog.take(self._waiting.pop(0).message)
        for received in self._unanswered.values():
            if received.cancelled is not None:
                received.cancelled.set()
        self._wake()

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
