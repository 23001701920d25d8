"""The operations that this side has invoked and the peer has not finished.

A response finds its request by Message ID, whatever the order in which responses come.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from ..errors import DimseError, LocalProtocolError, ResponseTimeout
from ..message import RESPONSES, Message, Request, Response
from ..ul import Context
from .alarms import Alarms
from .backlog import Backlog
from .responses import Responses, Send

__all__ = ["Invoker"]

_MOST_IDS = 0xFFFF  # a Message ID is a US, and not 0
_BESIDE = 1 << 16  # bytes of what a peer adds to what it echoes

R = TypeVar("R", bound=Response)


class Invoker:
    """The outstanding operations of one side of an association, which sends, checks and aborts for it.

    ``check`` raises where an operation cannot begin. ``seconds`` are those for a response.
    """

    def __init__(
        self,
        backlog: Backlog,
        alarms: Alarms,
        seconds: float,
        *,
        check: Callable[[Context, Request], None],
        send: Send,
        abort: Callable[[], None],
    ) -> None:
        self._backlog = backlog
        self._alarms = alarms
        self._seconds = seconds
        self._check = check
        self._send = send
        self._abort = abort
        self._window = asyncio.Semaphore(1)  # where no other window was negotiated, PS3.7 D.3.3.3
        self._last_message_id = 0
        self._outstanding: dict[int, Responses[Response]] = {}

    def widen(self, operations: int) -> None:
        """Let so many operations be outstanding at once."""
        self._window = asyncio.Semaphore(operations)

    def next_message_id(self) -> int:
        """A Message ID that no outstanding operation has."""
        message_id = self._last_message_id % _MOST_IDS + 1
        while message_id in self._outstanding:
            message_id = message_id % _MOST_IDS + 1
        self._last_message_id = message_id
        return message_id

    async def request(self, context: Context, message: Request, patience: float | None) -> Response:
        """See `Association.request`."""
        async with self._window:
            responses = self._begin(context, message, RESPONSES[type(message)], patience)
            try:
                await self._send(context, message)
                return await responses.final()
            except ResponseTimeout:
                if patience is None:
                    self._abort()
                raise
            except asyncio.CancelledError:
                self._abort()
                raise
            finally:
                self._end(responses)

    @asynccontextmanager
    async def invoke(self, context: Context, message: Request, expected: type[R]) -> AsyncIterator[Responses[R]]:
        """See `Association.invoke`."""
        async with self._window:
            responses = self._begin(context, message, expected, None)
            try:
                await self._send(context, message)
                try:
                    yield responses
                except Exception:
                    await responses.finish()
                    raise
                await responses.finish()
            except (ResponseTimeout, asyncio.CancelledError):
                self._abort()
                raise
            finally:
                self._end(responses)

    def arrive(self, response: Response) -> bool:
        """Take a response of the peer; whether somebody has asked for it."""
        responses = self._outstanding.get(response.MessageIDBeingRespondedTo)
        if responses is None or responses.is_done:
            return False
        responses.arrive(response)
        return True

    def echoed(self, message: Message) -> int:
        """The most bytes that the Data of a response has which echoes that of its request, 0 for any other message.

        PS3.7 §10.1.3 lets an N-SET response return what was set, and there are printers that return the image.
        """
        if not isinstance(message, Response):
            return 0
        responses = self._outstanding.get(message.MessageIDBeingRespondedTo)
        data = None if responses is None else responses.request.Data
        parts = (data,) if isinstance(data, bytes | bytearray | memoryview) else data or ()
        size = sum(memoryview(part).nbytes for part in parts)
        return size + _BESIDE if size else 0

    def fail(self, error: DimseError) -> None:
        """Nothing more can come to any operation."""
        for responses in self._outstanding.values():
            responses.fail(error)

    def _begin(self, context: Context, request: Request, expected: type[R], patience: float | None) -> Responses[R]:
        self._check(context, request)
        if request.MessageID in self._outstanding:
            raise LocalProtocolError(f"Message ID {request.MessageID} is that of an outstanding operation (PS3.7 §9.1)")
        seconds = self._seconds if patience is None else patience
        responses = Responses(context, request, expected, seconds, self._backlog, self._alarms, self._send)
        self._outstanding[request.MessageID] = responses
        return responses

    def _end(self, responses: Responses[Response]) -> None:
        """Expect no more of them: late ones are nobody's."""
        del self._outstanding[responses.request.MessageID]
        responses.drop()
