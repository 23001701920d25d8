"""A handler that answers no request until a test lets it."""

import asyncio

from dimse.message import Response
from dimse.net import Operation

__all__ = ["Latch"]


class Latch:
    """A handler that answers requests on command, the last one first."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.most = 0
        self._running = 0
        self._waiting: list[asyncio.Event] = []

    async def __call__(self, operation: Operation) -> Response:
        self.begun.append(operation.message.MessageID)
        self._running += 1
        self.most = max(self.most, self._running)
        may_go = asyncio.Event()
        self._waiting.append(may_go)
        await may_go.wait()
        self._running -= 1
        return operation.reply()

    def open(self) -> None:
        while self._waiting:
            self._waiting.pop().set()
