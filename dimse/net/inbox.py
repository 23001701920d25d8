"""The requests of the peer that still wait for an answer of this side.

They are performed in order of arrival, and only as many at once as the window allows; further requests wait. A C-CANCEL
finds its request by Message ID, whether the request has begun or waits.
"""

import asyncio
from collections.abc import Callable

from ..errors import DimseError, copy_of
from ..message import Request
from ..ul import Context
from .flow_control import Backlog
from .invoker import CANCELLABLE

__all__ = ["Inbox", "Invocation"]


class Invocation:
    """A request of the peer, from its arrival to its final response."""

    __slots__ = ("cancelled", "context", "fault", "held", "is_duplicate", "message")

    def __init__(self, context: Context, message: Request, fault: str, held: int, *, is_duplicate: bool) -> None:
        self.context = context
        self.message = message
        self.fault = fault  # the fault of the Command Set; nearly always empty
        self.held = held  # bytes of memory to release when the request is done
        self.is_duplicate = is_duplicate  # whether an earlier request with the same Message ID is unanswered
        # Set by C-CANCEL or the end of the association; None if the operation has no C-CANCEL
        self.cancelled = asyncio.Event() if isinstance(message, CANCELLABLE) else None


class Inbox:
    """The requests of one peer. ``release`` is called with the memory of a request that is done, in bytes.

    It is not called for the requests that `fail` drops: the end of the association releases their memory.
    """

    def __init__(self, backlog: Backlog, release: Callable[[int], None]) -> None:
        self.window = 1  # the most requests to perform at once
        self.has_failed = False  # whether the association has ended without a release by the peer
        self.has_startable = False  # whether anything has arrived since the latest `start_next`
        self._backlog = backlog
        self._release = release
        self._waiting: list[Invocation] = []  # few; an empty deque would take as much memory as the rest of an inbox
        self._counted = 0  # how many of the waiting requests the backlog counts, from the first one on
        self._unanswered: dict[int, Invocation] = {}
        self._performing = 0
        self._perform: Callable[[Invocation], None] | None = None
        self._on_released: Callable[[], None] | None = None
        self._is_starting = False
        self._is_released = False
        self._is_over = False
        self._error: DimseError | None = None
        self._waiter: asyncio.Future[None] | None = None  # the future for which `ended` waits

    @property
    def is_busy(self) -> bool:
        """Whether a request is being performed or waits."""
        return self._performing > 0 or bool(self._waiting)

    def begin(self, perform: Callable[[Invocation], None], on_released: Callable[[], None]) -> None:
        """Call ``perform`` with each request when its turn comes; ``perform`` must call `done` at the end.

        ``on_released`` is called when the peer has requested release and all earlier requests are done.
        """
        self._perform = perform
        self._on_released = on_released
        self.start_next()

    async def ended(self) -> None:
        """Wait until all requests are done and no further request can arrive. Only one task may wait.

        Raises the error that ended the association, unless the peer released it.
        """
        if not self._is_over:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._error is not None:
            raise copy_of(self._error)

    def put(self, context: Context, message: Request, fault: str = "", held: int = 0) -> None:
        """Add a request; call `start_next` afterwards."""
        self.has_startable = True
        invocation = Invocation(context, message, fault, held, is_duplicate=message.MessageID in self._unanswered)
        self._unanswered.setdefault(message.MessageID, invocation)
        self._waiting.append(invocation)

    def start_next(self) -> None:
        """Start as many waiting requests as the window allows. Finish if no request is left and none can arrive.

        Raises `LimitExceeded` if the waiting requests have too many bytes.
        """
        if self._is_starting:  # called by a request that is done as soon as it is started
            return
        self.has_startable = False
        self._is_starting = True
        try:
            while self._waiting and self._performing < self.window and self._perform is not None:
                self._performing += 1
                self._perform(self._next())
        finally:
            self._is_starting = False
        if self._waiting:
            self._count()
        elif not self._performing and (self._is_released or self.has_failed):
            self._finish()

    def _next(self) -> Invocation:
        invocation = self._waiting.pop(0)
        if self._counted:
            self._counted -= 1
            self._backlog.take(invocation.message)
        return invocation

    def _count(self) -> None:
        """Let the backlog count the requests that wait."""
        for invocation in self._waiting[self._counted :]:
            self._counted += 1
            self._backlog.put(invocation.message)

    def cancel(self, message_id: int) -> bool:
        """Take a C-CANCEL. Return whether there is a request to cancel."""
        invocation = self._unanswered.get(message_id)
        if invocation is None or invocation.cancelled is None:
            return False
        invocation.cancelled.set()
        return True

    def free_message_id(self, invocation: Invocation) -> None:
        """Free the Message ID, because the final response is about to be sent."""
        if self._unanswered.get(invocation.message.MessageID) is invocation:
            del self._unanswered[invocation.message.MessageID]

    def done(self, invocation: Invocation) -> None:
        """Forget a request that was performed, and start the next request."""
        self.free_message_id(invocation)
        self._performing -= 1
        if invocation.held:
            self._release(invocation.held)
        self.start_next()

    def release(self) -> None:
        """Expect no further requests, because the peer has requested release; call `start_next` afterwards."""
        self._is_released = self.has_startable = True

    def fail(self, error: DimseError) -> None:
        """Drop the requests that wait, and cancel the others if possible, because the association has ended."""
        if self._is_over:
            return
        self._error, self.has_failed = error, True
        while self._waiting:
            self._next()
        for invocation in self._unanswered.values():
            if invocation.cancelled is not None:
                invocation.cancelled.set()
        self.start_next()

    def _finish(self) -> None:
        if self._is_over or self._perform is None:
            return
        self._is_over = True
        on_released, self._perform, self._on_released = self._on_released, None, None
        if self._error is None and on_released is not None:
            on_released()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
