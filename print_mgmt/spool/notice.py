"""A notice that wakes everybody who waits for it, on one event loop."""

import asyncio
from contextlib import suppress

__all__ = ["Notice"]


class Notice:
    """A counter of changes, and those who wait for the next one."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Event()

    def give(self) -> None:
        """Wake everybody who waits."""
        self.count += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait(self, seen: int, seconds: float) -> None:
        """Wait for a notice after the count ``seen``, some seconds at most."""
        if self.count == seen and seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
