"""A clock that tests advance, in place of the event loop's own."""

import asyncio

import pytest

__all__ = ["Clock"]


class Clock:
    """The stopped clock of the running loop. Time passes only when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time()
        monkeypatch.setattr(loop, "time", lambda: self.now)

    async def pass_time(self, seconds: float) -> None:
        """Let ``seconds`` pass at once, and let the loop run the calls that are due."""
        self.now += seconds
        for _ in range(5):
            await asyncio.sleep(0)
