"""The films in a spool and their bytes, for the limits of the spool, which apply to all of its processes together.

Counting 100,000 films takes 25 ms, so a process counts at most once a second for new jobs. In between, it adds the
films that it accepts itself. So several processes together may exceed a limit by the films that they accept within a
second.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from .records import SpoolFull, SpoolLimits

__all__ = ["Totals"]

_COUNT_EVERY = 1.0  # seconds between two counts


class Totals:
    """The totals of a spool: ``films`` and ``size`` (bytes). ``count`` counts the films in the spool, and their bytes.

    ``accepting`` are the bytes of the films that this process is accepting.
    """

    def __init__(self, count: Callable[[], Awaitable[tuple[int, int]]]) -> None:
        self.films = self.size = 0
        self.accepting = 0
        self._accepting_films = 0
        self._added = (0, 0)  # the films, and their bytes, that this process has stored since it opened the spool
        self._count = count
        self._counted: float | None = None
        self._refreshing = asyncio.Lock()

    async def refresh(self) -> None:
        """Count the films of all processes, unless that was done within the last second. Raises `SpoolError`."""
        async with self._refreshing:  # jobs that arrive meanwhile wait for the count, and keep their order
            now = time.monotonic()
            if self._counted is None or now - self._counted >= _COUNT_EVERY:
                await self.count()
                self._counted = now

    async def count(self) -> tuple[int, int]:
        """Count the films of all processes, and return their number and their bytes. Raises `SpoolError`."""
        films, size = self._added
        counted = await self._count()
        # A film that this process has stored meanwhile may be counted twice until the next count, but never be missed
        self.films, self.size = counted[0] + self._added[0] - films, counted[1] + self._added[1] - size
        return counted

    def add(self, films: int, size: int) -> None:
        """Add films that this process has stored."""
        self.films += films
        self.size += size
        self._added = self._added[0] + films, self._added[1] + size

    @contextmanager
    def accept(self, films: int, size: int, limits: SpoolLimits, least: int = 0) -> Iterator[None]:
        """Count films as being accepted while the block runs.

        Raises `SpoolFull` if there would be more than ``limits`` allow, where ``least`` bytes of ``limits.size`` must
        stay free.
        """
        found, used = self.films + self._accepting_films, self.size + self.accepting
        if found + films > limits.films or used + size > limits.size - least:
            raise SpoolFull(
                f"the spool has {found} films, {used} bytes in all; "
                f"its limits are {limits.films} films, {limits.size} bytes"
            )
        self._accepting_films += films
        self.accepting += size
        try:
            yield
        finally:
            self._accepting_films -= films
            self.accepting -= size
