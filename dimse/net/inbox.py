"""The requests that the peer has invoked and this side has not answered.

They are performed in the order in which they came, and no more of them at once than the window allows; what comes
beyond that waits. A C-CANCEL finds its request by Message ID, be it under way or not yet begun.
"""

import asyncio
from collections.abc import Callable

from ..errors import DimseError
from ..message import Request
from ..ul import Context
from .backlog import Backlog
from .responses import CANCELLABLE

__all__ = ["Inbox", "Received"]


class Received:
    """A request of the peer, on its way from the wire to its last response."""

    __slots__ = ("cancelled", "context", "fault", "held", "is_duplicate", "message")

    def __init__(self, context: Context, message: Request, fault: str, held: int, *, is_duplicate: bool) -> None:
        self.context = context
        self.message = message
        self.fault = fault  # what is wrong with its Command Set, nothing as a rule
        self.held = held  # bytes of memory that are to be released
        self.is_duplicate = is_duplicate  # whether its Message ID is that of another one under way
        self.cancelled = asyncio.Event() if isinstance(message, CANCELLABLE) else None


class Inbox:
    """Requests received, for the one who calls `begin`."""

    def __init__(self, backlog: Backlog, release: Callable[[int], None]) -> None:
        self.window = 1  # how many may be performed at once
        self.is_due = False  # whether something came since the last `go_on`
        self._backlog = backlog
        self._release = release  # memory of a request that is done
        self._waiting: list[Received] = []  # one or two; an empty deque takes as much as all the rest here
        self._counted = 0  # so many of them stand in the backlog, the first ones
        self._unanswered: dict[int, Received] = {}
        self._performing = 0
        self._perform: Callable[[Received], None] | None = None
        self._on_released: Callable[[], None] | None = None
        self._is_starting = False  # what waits
        self._is_released = False
        self._is_over = False
        self._error: DimseError | None = None
        self._waiter: asyncio.Future[None] | None = None  # for the end

    @property
    def is_busy(self) -> bool:
        """Whether a request is performed, or waits for it."""
        return self._performing > 0 or bool(self._waiting)

    def begin(self, perform: Callable[[Received], None], on_released: Callable[[], None]) -> None:
        """Call ``perform`` with each request when its turn comes; it calls `done` some time.

        ``on_released`` is called when the peer has asked for release and all that it asked for before is done.
        """
        self._perform = perform
        self._on_released = on_released
        self.go_on()

    async def ended(self) -> None:
        """Wait until nothing is performed any more, and nothing comes: the peer has released the association.

        Raises what the association ended with otherwise.
        """
        if not self._is_over:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._error is not None:
            raise self._error

    def put(self, context: Context, message: Request, fault: str = "", held: int = 0) -> None:
        """A request came; its turn comes with `go_on`, which is due."""
        self.is_due = True
        received = Received(context, message, fault, held, is_duplicate=message.MessageID in self._unanswered)
        self._unanswered.setdefault(message.MessageID, received)
        self._waiting.append(received)

    def go_on(self) -> None:
        """Start what waits for its turn; where nothing does and nothing comes, that is the end.

        Raises `LimitExceeded` where more waits than may.
        """
        if self._is_starting:  # one that is done as soon as it is started
            return
        self.is_due = False
        self._is_starting = True
        try:
            while self._waiting and self._performing < self.window and self._perform is not None:
                self._performing += 1
                self._perform(self._next())
        finally:
            self._is_starting = False
        if self._waiting:
            self._count()
        elif not self._performing and (self._is_released or self._error is not None):
            self._finish()

    def _next(self) -> Received:
        received = self._waiting.pop(0)
        if self._counted:
            self._counted -= 1
            self._backlog.take(received.message)
        return received

    def _count(self) -> None:
        """Let the backlog know of what goes on waiting."""
        for received in self._waiting[self._counted :]:
            self._counted += 1
            self._backlog.put(received.message)

    def cancel(self, message_id: int) -> bool:
        """C-CANCEL came; whether there is something to cancel."""
        received = self._unanswered.get(message_id)
        if received is None or received.cancelled is None:
            return False
        received.cancelled.set()
        return True

    def answering(self, received: Received) -> None:
        """The last response is about to be sent: from now on the peer may use the Message ID again."""
        if self._unanswered.get(received.message.MessageID) is received:
            del self._unanswered[received.message.MessageID]

    def done(self, received: Received) -> None:
        """A request has been dealt with."""
        self.answering(received)
        self._performing -= 1
        if received.held:
            self._release(received.held)
        self.go_on()

    def release(self) -> None:
        """The peer asked for release: nothing more comes. To `go_on` is due."""
        self._is_released = self.is_due = True

    def fail(self, error: DimseError) -> None:
        """The association has ended: what waits is not performed any more, and what can be cancelled is."""
        if self._is_over:
            return
        self._error = error
        while self._waiting:
            self._next()
        for received in self._unanswered.values():
            if received.cancelled is not None:
                received.cancelled.set()
        self.go_on()

    def _finish(self) -> None:
        if self._is_over or self._perform is None:
            return
        self._is_over = True
        if self._error is None and self._on_released is not None:
            self._on_released()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
