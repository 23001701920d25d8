"""The end of a connection, for everybody who waits for it."""

import asyncio

__all__ = ["Departure"]


class Departure:
    """A future for each who waits: one that is shielded for all of them takes another turn of the loop."""

    __slots__ = ("_waiting", "has_happened")

    def __init__(self) -> None:
        self.has_happened = False
        self._waiting: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Return when it has happened."""
        if not self.has_happened:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def happen(self) -> None:
        """Let all who wait know."""
        self.has_happened = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
