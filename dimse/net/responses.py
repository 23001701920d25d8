"""The responses to one operation: several may answer one request, all but the last one Pending (PS3.7 Annex C.1.2)."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, Self, TypeVar

from ..errors import DimseError, LocalProtocolError, RemoteProtocolError, ResponseTimeout
from ..message import CCancelRQ, CFindRQ, CGetRQ, CMoveRQ, Message, Request, Response, is_pending
from ..ul import Context
from .alarms import Alarms
from .backlog import Backlog

__all__ = ["CANCELLABLE", "Responses", "Send"]

CANCELLABLE = (CFindRQ, CGetRQ, CMoveRQ)  # PS3.7 §9.3.2.3, §9.3.3.3 and §9.3.4.3

Send = Callable[[Context, Message], Awaitable[None]]
R_co = TypeVar("R_co", bound=Response, covariant=True)


class Responses(Generic[R_co]):
    """The responses to one operation, as an async iterator: the Pending ones as they come, the final one last."""

    __slots__ = (
        *("context", "request", "is_done"),
        *("_alarms", "_backlog", "_counted", "_error", "_expected", "_patience", "_send", "_unread", "_waiter"),
    )

    def __init__(
        self,
        context: Context,
        request: Request,
        expected: type[R_co],
        patience: float,
        backlog: Backlog,
        alarms: Alarms,
        send: Send,
    ) -> None:
        self.context = context
        self.request = request
        self.is_done = False  # whether the final one has come
        self._expected = expected
        self._patience = patience
        self._backlog = backlog
        self._alarms = alarms
        self._send = send
        self._unread: list[R_co] = []  # none or one, as a rule
        self._counted = 0  # so many of them stand in the backlog, the last ones
        self._error: DimseError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R_co:
        if self.is_done and not self._unread:
            raise StopAsyncIteration
        key = self._alarms.set(self._patience, self._expire)
        try:
            return await self._next()
        finally:
            self._alarms.clear(key)

    def final(self) -> Coroutine[Any, Any, R_co]:
        """The last response; the Pending ones before it are passed over.

        They buy time for C-FIND, C-GET and C-MOVE, of which they are a part; not for any other operation.
        """
        return self._final() if isinstance(self.request, CANCELLABLE) else self._last()

    async def _final(self) -> R_co:
        while is_pending((response := await anext(self)).Status):
            pass
        return response

    async def cancel(self) -> None:
        """C-CANCEL: ask the peer to end the operation. There is still a final response, of status FE00H where it did.

        Raises `LocalProtocolError` for an operation that has no C-CANCEL.
        """
        if not isinstance(self.request, CANCELLABLE):
            name = type(self.request).__name__
            raise LocalProtocolError(f"{name} has no C-CANCEL (PS3.7 §9.3.2.3): C-FIND, C-GET and C-MOVE have")
        if not self.is_done:
            await self._send(self.context, CCancelRQ(MessageIDBeingRespondedTo=self.request.MessageID))

    # --- what the association calls ---

    def arrive(self, response: Response) -> None:
        """Take a response of the peer. Raises `RemoteProtocolError` for one that belongs to another service."""
        if not isinstance(response, self._expected):
            name, asked = type(response).__name__, type(self.request).__name__
            raise RemoteProtocolError(f"{name} as the response to {asked} (PS3.7 §6.3.1)")
        self._unread.append(response)
        self.is_done = not is_pending(response.Status)
        if self._waiter is None or self._waiter.done():
            self._counted += 1
            self._backlog.put(response)
        else:  # it is taken at once
            self._waiter.set_result(None)

    def fail(self, error: DimseError) -> None:
        """Nothing more can come."""
        self._error = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def drop(self) -> None:
        """Forget what nobody has read."""
        while self._unread:
            self._take()

    async def finish(self) -> None:
        """See the operation to its end: cancelled if that can be, and without what it still brings."""
        self.drop()
        if self._error is not None or self.is_done:
            return
        if isinstance(self.request, CANCELLABLE):
            await self.cancel()
        await self._last()

    async def _last(self) -> R_co:
        """The last response, all in the time of one."""
        key = self._alarms.set(self._patience, self._expire)
        try:
            while is_pending((response := await self._next()).Status):
                pass
        finally:
            self._alarms.clear(key)
        return response

    async def _next(self) -> R_co:
        if not self._unread:
            if self._error is not None:
                raise self._error
            self._waiter = asyncio.get_running_loop().create_future()
            self._backlog.wait(1)
            try:
                await self._waiter
            finally:
                self._waiter = None
                self._backlog.wait(-1)
        return self._take()

    def _take(self) -> R_co:
        # Those that the backlog does not count came to somebody who waited, and so before the others.
        if len(self._unread) == self._counted:
            self._counted -= 1
            self._backlog.take(self._unread[0])
        return self._unread.pop(0)

    def _expire(self) -> None:
        self.fail(ResponseTimeout(f"no response to {type(self.request).__name__} within {self._patience:g} s"))
