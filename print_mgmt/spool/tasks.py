"""The completion and the end of background tasks, in the spool and in the site above it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from dimse.errors import DimseError, escaped

__all__ = ["Completion", "cancel_tasks"]

_log = logging.getLogger("print_mgmt.spool")

T = TypeVar("T")
_TIME_TO_COMPLETE = 10.0  # seconds that `Completion.close` waits before it cancels work


class Completion:
    """A runner that completes its work even if the caller is canceled, once or several times."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return the result of ``work``.

        If canceled, raise CancelledError once ``work`` has ended; if canceled again, raise it at once, and let the work
        go on until `close`.
        """
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)  # no caller gets the failure
            await asyncio.wait((task,))
            raise
        finally:
            del task  # otherwise its error would be in a cycle with this frame

    async def run_or_undo(self, work: Coroutine[Any, Any, T], undo: Callable[[T], Coroutine[Any, Any, object]]) -> T:
        """Return the result of ``work``. If canceled, pass the result to ``undo``, and then raise CancelledError."""
        task = asyncio.create_task(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await self.run(_undo(task, undo))
            raise
        finally:
            del task

    async def close(self) -> None:
        """Wait until all work has ended, also work that begins meanwhile.

        Cancel work that takes too long; if the caller is canceled, cancel all work.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + _TIME_TO_COMPLETE
        try:
            while (running := [task for task in self._tasks if not task.done()]) and (left := end - clock()) > 0:
                await asyncio.wait(running, timeout=left)
        finally:
            await cancel_tasks(*self._tasks)


def _log_failure(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        _log_error("a change whose caller was canceled has failed", error)


def _log_error(words: str, error: BaseException) -> None:
    """Log an error that no caller gets, with a traceback if the error is unforeseen."""
    trace = None if isinstance(error, DimseError) else error
    _log.error("%s: %s", words, escaped(str(error)), exc_info=trace)


async def _undo(task: asyncio.Task[T], undo: Callable[[T], Coroutine[Any, Any, object]]) -> None:
    try:
        result = await task
    except Exception as exc:  # there is nothing to undo
        _log_error("a canceled change has failed", exc)
        return
    try:
        await undo(result)
    except Exception as exc:
        _log_error("a canceled change of the spool was not undone", exc)


async def cancel_tasks(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks, and wait until they have ended. Their results and exceptions are ignored."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
