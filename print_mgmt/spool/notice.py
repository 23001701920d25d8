"""A notice that wakes all tasks of one event loop that wait for it."""

import asyncio
from contextlib import suppress

__all__ = ["Notice"]


class Notice:
    """A counter of changes, and an event for the tasks that wait for the next change."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Event()

    def give(self) -> None:
        """Count a change, and wake all waiting tasks."""
        self.count += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seen: int, seconds: float) -> None:
        """Wait until the count is no longer ``seen``, for at most ``seconds``."""
        if self.count == seen and seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
