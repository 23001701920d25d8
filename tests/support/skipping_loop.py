"""An event loop for peers in one process, without waits: its clock jumps to the next timer.

A test marked ``skips_waits`` runs on it. The clock almost stands while any task has something to do, so no time limit
expires because the machine is busy. Once all tasks wait, the earliest timer is due at once, however long it is. While a
function runs in an executor, or a child process runs, the clock goes on as usual. The loop knows of nothing else that
works outside it, so the peers on its sockets must run on the same loop.
"""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from time import monotonic
from typing import Any, TypeVar, TypeVarTuple, Unpack

__all__ = ["SkippingLoop"]

_T = TypeVar("_T")
_Ts = TypeVarTuple("_Ts")

_STEP = 1e-6  # seconds of a round of the loop, which is above 0 because rates divide by times
_SOON = 0.005  # seconds; the kernel delivers on the loopback interface at once, except for rare delays under load


class _Selector(selectors.DefaultSelector):
    """A selector that waits for the next timer only while a job outside the loop is running."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0  # seconds
        self.has_jobs: Callable[[], bool] = lambda: False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.passed += _STEP
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self.has_jobs():
            start = monotonic()
            ready = super().select(timeout)
            self.passed += monotonic() - start
            return ready
        ready = super().select(min(timeout, _SOON))
        self.passed += 0 if ready else timeout
        return ready


class SkippingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands while something happens, and otherwise jumps to the next timer."""

    def __init__(self) -> None:
        self._waits = _Selector()
        self._jobs: set[asyncio.Future[Any]] = set()
        self._children: list[asyncio.SubprocessTransport] = []
        super().__init__(self._waits)
        self._waits.has_jobs = self._has_jobs

    def time(self) -> float:
        return self._waits.passed

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[_Ts]], _T], *args: *_Ts
    ) -> asyncio.Future[_T]:
        job = super().run_in_executor(executor, func, *args)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    async def subprocess_exec(self, *args: Any, **options: Any) -> Any:
        transport, protocol = await super().subprocess_exec(*args, **options)
        self._children.append(transport)
        return transport, protocol

    async def shutdown_default_executor(self, *_: float | None) -> None:
        """Wait until the threads have ended, without the time limit of Python 3.12, which could expire at once."""
        await super().shutdown_default_executor()

    def _has_jobs(self) -> bool:
        self._children = [child for child in self._children if child.get_returncode() is None]
        return bool(self._jobs or self._children)
