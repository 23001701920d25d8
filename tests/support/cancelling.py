"""Cancellation of a coroutine at each of its suspensions, and checks for leftovers."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from raw import until

T = TypeVar("T")


class CancelledAt(Awaitable[T]):
    """An awaitable that cancels its task at suspension ``number`` of ``coroutine``, from 1."""

    def __init__(self, number: int, coroutine: Coroutine[Any, Any, T]) -> None:
        self.suspensions = 0
        self._number = number
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, None, T]:
        error: BaseException | None = None
        while True:
            try:
                awaited = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
            except StopIteration as stop:
                result: T = stop.value
                return result
            error = None
            self.suspensions += 1
            if self.suspensions == self._number:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                yield awaited
            except BaseException as exc:
                error = exc


async def at_every_suspension(make: Callable[[], Coroutine[Any, Any, object]]) -> AsyncIterator[int]:
    """Run a coroutine of ``make`` again and again, each time canceled one suspension later, until a run completes.

    Yield the number of the suspension after each run. No run may swallow the cancellation.
    """
    for number in count(1):
        cancelled = CancelledAt(number, make())

        async def run(awaitable: CancelledAt[object] = cancelled) -> None:
            await awaitable

        task = asyncio.create_task(run())
        await asyncio.wait({task})
        if cancelled.suspensions < number:
            task.result()
            return
        assert task.cancelled(), f"suspension {number}: the cancellation was swallowed"
        yield number


def descriptors() -> int:
    """Return the number of open files and sockets of this process."""
    gc.collect()
    return len(list(Path("/dev/fd").iterdir()))


def other_tasks() -> set[asyncio.Task[Any]]:
    """Return the tasks of the event loop except the current one."""
    return asyncio.all_tasks() - {asyncio.current_task()}


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Check that the block leaves no tasks, files or sockets behind."""
    tasks, files = len(asyncio.all_tasks()), descriptors()
    yield
    await until(lambda: len(asyncio.all_tasks()) <= tasks)
    await until(lambda: descriptors() <= files)
