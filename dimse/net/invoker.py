"""The operations of this side that still wait for an answer of the peer.

A response finds its request by Message ID, in whatever order responses arrive. Several responses may answer one
request; all but the final response are Pending (PS3.7 Annex C.2).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import inf
from typing import Any, Generic, Self, TypeVar

from ..errors import DimseError, LimitExceeded, LocalProtocolError, RemoteProtocolError, ResponseTimeout, copy_of
from ..message import RESPONSES, CCancelRQ, CFindRQ, CGetRQ, CMoveRQ, Message, Request, Response, is_pending
from ..ul import Context
from .flow_control import Backlog
from .timers import Timer, Timers
from .waiter import Waiter, Window

__all__ = ["CANCELLABLE", "Invoker", "Responses", "Send"]

CANCELLABLE = (CFindRQ, CGetRQ, CMoveRQ)  # PS3.7 §9.3.2.3, §9.3.3.3 and §9.3.4.3

_LAST_ID = 0xFFFF  # the greatest Message ID, a US; 0 is not used
_ADDED = 1 << 16  # bytes that a response may add if it returns the Data of its request

Send = Callable[[Context, Message], Awaitable[None] | None]  # None: the message has been sent
R = TypeVar("R", bound=Response)
R_co = TypeVar("R_co", bound=Response, covariant=True)


class Responses(Generic[R_co]):
    """The responses to one operation, as an async iterator over the Pending responses and the final response."""

    __slots__ = (
        *("context", "due", "is_done", "is_late", "request", "unread"),
        *("_backlog", "_error", "_expected", "_handed", "_patience", "_send", "_timer", "_waiter", "_wake"),
    )

    def __init__(
        self,
        context: Context,
        request: Request,
        expected: type[R_co],
        patience: float,
        backlog: Backlog,
        timer: Timer,
        send: Send,
        wake: Callable[[Waiter], None],
    ) -> None:
        self.context = context
        self.request = request
        self.is_done = False  # whether the final response has arrived
        self.is_late = False  # whether the latest wait for a response has ended in `ResponseTimeout`
        self.unread: list[R_co] = []  # responses that arrived while no coroutine waited; nearly always empty
        self.due = inf  # when the awaited response is late, on the clock of the event loop
        self._expected = expected
        self._patience = patience
        self._backlog = backlog
        self._timer = timer
        self._send = send
        self._wake = wake
        self._handed: R_co | None = None  # the response for the coroutine that waits
        self._error: DimseError | None = None
        self._waiter: Waiter | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R_co:
        if self.is_done and not self.unread:
            raise StopAsyncIteration
        return await self.take()

    def final(self) -> Coroutine[Any, Any, R_co]:
        """Return the final response, and ignore the Pending responses before it.

        Raises `LocalProtocolError` if `final` or the iteration has returned the final response.
        A Pending response of C-FIND, C-GET or C-MOVE restarts the time to wait; any other Pending response does not.
        """
        return self.take(must_be_final=True, restarts=isinstance(self.request, CANCELLABLE))

    async def cancel(self) -> None:
        """Send C-CANCEL. There is still a final response, with status FE00H if the peer has canceled the operation.

        Do nothing if the final response has arrived.
        Raises `LocalProtocolError` for an operation without C-CANCEL.
        """
        if not isinstance(self.request, CANCELLABLE):
            name = type(self.request).__name__
            raise LocalProtocolError(f"{name} has no C-CANCEL; only C-FIND, C-GET and C-MOVE have one (PS3.7 §9.3)")
        if not self.is_done:
            sending = self._send(self.context, CCancelRQ(MessageIDBeingRespondedTo=self.request.MessageID))
            if sending is not None:
                await sending

    # --- methods for the invoker ---

    def arrive(self, response: Response) -> None:
        """Take a response of the peer.

        Raises `RemoteProtocolError` if it belongs to another service, and `LimitExceeded` if too many bytes wait.
        """
        if not isinstance(response, self._expected):
            name, asked = type(response).__name__, type(self.request).__name__
            raise RemoteProtocolError(f"{name} as the response to {asked} (PS3.7 §9.3, §10.3)")
        self.is_done = not is_pending(response.Status)
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.is_done:
            self.unread.append(response)
            self._backlog.put(response)
        else:  # a coroutine takes the response at once
            self._handed = response
            self._wake(waiter)

    def fail(self, error: DimseError) -> None:
        """Raise ``error`` where a response is awaited, now or later."""
        self._error = error
        if self._waiter is not None and not self._waiter.is_done:
            self._waiter.fail(copy_of(error))

    def restart(self, now: float) -> None:
        """Let the awaited response have its full time again, from ``now`` on the clock of the event loop."""
        self.due = now + self._patience

    def expire(self) -> None:
        """Raise `ResponseTimeout` where the response is awaited; a later response can still be awaited."""
        if self._waiter is not None and not self._waiter.is_done:
            name = type(self.request).__name__
            self.is_late = True
            self._waiter.fail(ResponseTimeout(f"no response to {name} within {self._patience:g} s"))

    def drop(self) -> None:
        """Drop the unread responses."""
        while self.unread:
            self._take_unread()

    async def finish(self) -> None:
        """Cancel the operation if possible, wait for its end, and drop all responses."""
        self.drop()
        if self._error is not None or self.is_done:
            return
        if isinstance(self.request, CANCELLABLE):
            await self.cancel()
        await self.take(must_be_final=True)

    async def take(self, *, must_be_final: bool = False, restarts: bool = False) -> R_co:
        """Return the next response. Raises `ResponseTimeout` if it does not arrive in time.

        With ``must_be_final``, skip the Pending responses; with ``restarts``, each of these restarts the time.
        """
        timer, backlog = self._timer, self._backlog
        loop = timer.loop
        self.due = loop.time() + self._patience
        self.is_late = False
        try:
            while True:
                if self.unread:
                    response = self._take_unread()
                else:
                    if self._error is not None:
                        raise copy_of(self._error)
                    if self.is_done:
                        raise LocalProtocolError("the final response was returned before; no other one follows it")
                    if self.due < timer.due or not timer.is_running:
                        timer.start(self.due)
                    backlog.awaited += 1
                    if backlog.is_full:
                        backlog.regulate()
                    self._waiter = Waiter(loop)
                    try:
                        await self._waiter
                    except asyncio.CancelledError:
                        self._keep_handed()
                        raise
                    finally:
                        self._waiter = None
                        backlog.awaited -= 1
                        if backlog.is_full:
                            backlog.regulate()
                    assert self._handed is not None
                    response, self._handed = self._handed, None
                if not must_be_final or (self.is_done and not self.unread):
                    return response
                if restarts:
                    self.due = loop.time() + self._patience
        finally:
            self.due = inf

    def _keep_handed(self) -> None:
        """Count as the first unread one a response that arrived for a coroutine just before its cancellation."""
        if self._handed is not None:
            response, self._handed = self._handed, None
            self.unread.insert(0, response)
            with suppress(LimitExceeded):  # the next message that arrives raises it
                self._backlog.put(response)

    def _take_unread(self) -> R_co:
        response = self.unread.pop(0)
        self._backlog.take(response)
        return response


def _refuse(error: DimseError, _context: Context, _request: Request) -> None:
    raise copy_of(error)


def _do_nothing() -> None:
    """Do nothing: an association that has ended cannot be aborted."""


class Invoker:
    """The invoker of operations on an association.

    ``seconds`` is the time for a response. ``check`` raises an error if an operation cannot begin; ``send`` and
    ``abort`` are methods of the association. ``wake`` wakes the task that waits for a response, once the response has
    arrived.
    """

    def __init__(
        self,
        backlog: Backlog,
        timers: Timers,
        seconds: float,
        *,
        check: Callable[[Context, Request], None],
        send: Send,
        abort: Callable[[], None],
        wake: Callable[[Waiter], None] = Waiter.wake_soon,
    ) -> None:
        self._backlog = backlog
        self._seconds = seconds
        # Fires when the earliest response is late, or earlier; `_expire` then starts it for the responses that are left
        self._timer = Timer(timers, 0.0, self._expire)
        self._check = check
        self._send = send
        self._abort = abort
        self._wake = wake
        self._window = Window(1)  # one operation, unless another window is negotiated, PS3.7 D.3.3.3
        self._last_message_id = 0
        self._outstanding: dict[int, Responses[Response]] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether an operation waits for a response."""
        return bool(self._outstanding)

    def widen(self, operations: int) -> None:
        """Allow ``operations`` operations to be outstanding at the same time."""
        self._window = Window(operations)

    def next_message_id(self) -> int:
        """Return a Message ID that no outstanding operation has."""
        message_id = self._last_message_id % _LAST_ID + 1
        while message_id in self._outstanding:
            message_id = message_id % _LAST_ID + 1
        self._last_message_id = message_id
        return message_id

    async def request(self, context: Context, message: Request, patience: float | None) -> Response:
        """See `Association.request`."""
        window = self._window
        if not window.enter():
            await window.wait()
        try:
            responses, sending = self._begin(context, message, RESPONSES[type(message)], patience)
            try:
                if sending is not None:
                    await sending
                return await responses.take(must_be_final=True, restarts=isinstance(message, CANCELLABLE))
            except ResponseTimeout:
                if patience is None:
                    self._abort()
                raise
            except asyncio.CancelledError:
                self._abort()
                raise
            finally:
                self._end(responses)
        finally:
            window.leave()

    @asynccontextmanager
    async def invoke(self, context: Context, message: Request, expected: type[R]) -> AsyncIterator[Responses[R]]:
        """See `Association.invoke`."""
        window = self._window
        if not window.enter():
            await window.wait()
        try:
            responses, sending = self._begin(context, message, expected, None)
            try:
                if sending is not None:
                    await sending
                try:
                    yield responses
                except Exception as exc:
                    if not (responses.is_late and isinstance(exc, ResponseTimeout)):  # it is awaited only once
                        await responses.finish()
                    raise
                await responses.finish()
            except ResponseTimeout:
                if responses.is_late:  # else another operation is late, perhaps of another association
                    self._abort()
                raise
            except asyncio.CancelledError:
                self._abort()
                raise
            finally:
                self._end(responses)
        finally:
            window.leave()

    def arrive(self, response: Response) -> bool:
        """Take a response of the peer. Return whether a request waits for it. Raises as `Responses.arrive` does."""
        responses = self._outstanding.get(response.MessageIDBeingRespondedTo)
        if responses is None or responses.is_done:
            return False
        responses.arrive(response)
        return True

    def max_echoed(self, message: Message) -> int:
        """Return how many bytes of Data ``message`` may have if it returns the Data of its request; 0 if it cannot.

        PS3.7 §10.1.3 lets an N-SET response return what was set, and some printers return the image.
        """
        if not isinstance(message, Response):
            return 0
        responses = self._outstanding.get(message.MessageIDBeingRespondedTo)
        data = None if responses is None else responses.request.Data
        parts = (data,) if isinstance(data, bytes | bytearray | memoryview) else data or ()
        size = sum(memoryview(part).nbytes for part in parts)
        return size + _ADDED if size else 0

    def fail(self, error: DimseError) -> None:
        """Fail all operations, because no response can arrive any more."""
        for responses in self._outstanding.values():
            responses.fail(error)

    def close(self, error: DimseError) -> None:
        """Fail all operations, and raise ``error`` for each operation from now on: the association has ended."""
        self.fail(error)
        self._timer.close()
        self._check, self._abort = partial(_refuse, error), _do_nothing

    def _begin(
        self, context: Context, request: Request, expected: type[R], patience: float | None
    ) -> tuple[Responses[R], Awaitable[None] | None]:
        """Send ``request`` and expect responses to it.

        Return them, and what the caller must await to send the rest, or None if nothing is left to send.
        """
        self._check(context, request)
        if request.MessageID in self._outstanding:
            raise LocalProtocolError(f"an outstanding operation has Message ID {request.MessageID} (PS3.7 §9.1, §10.1)")
        sending = self._send(context, request)
        seconds = self._seconds if patience is None else patience
        responses = Responses(context, request, expected, seconds, self._backlog, self._timer, self._send, self._wake)
        self._outstanding[request.MessageID] = responses
        return responses, sending

    def _end(self, responses: Responses[Response]) -> None:
        """Expect no further responses; a late response belongs to no request."""
        del self._outstanding[responses.request.MessageID]
        if responses.unread:
            responses.drop()

    def _expire(self) -> None:
        """Fail the operations whose responses are late, and start the timer for the others.

        While this side reads nothing, responses may have arrived unread; they get their full time again.
        """
        now = self._timer.loop.time()
        is_reading = not self._backlog.makes_the_peer_wait
        for responses in self._outstanding.values():
            if responses.due <= now and not is_reading:
                responses.restart(now)
            if responses.due <= now:  # also after a restart with a time of 0
                responses.expire()
        due = min((responses.due for responses in self._outstanding.values() if responses.due > now), default=inf)
        if due < inf:
            self._timer.start(due)
