"""Calls that may never return, each in a thread of its own: to look up a host name, or to use a file on a network disk.

The threads of asyncio are few, and a process waits for them at its end. A name server or a disk that does not answer
would take them all: other work would wait, and the process would not end. A thread of its own delays nobody.
"""

import asyncio
import errno
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from threading import Thread
from typing import Any, ParamSpec, TypeVar

__all__ = ["in_own_thread", "on_own_loop"]

P = ParamSpec("P")
T = TypeVar("T")
_NAME = "dimse: own thread"


class _OwnThreads(Executor):
    """An executor with a new thread for each call. No process waits for these threads at its end."""

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Call ``function`` in a new thread. Raises RuntimeError if the system allows no more threads."""
        done: Future[T] = Future()
        done.set_running_or_notify_cancel()  # so that the thread may set the result after a cancellation
        Thread(target=_run, args=(done, partial(function, *args, **kwargs)), name=_NAME, daemon=True).start()
        return done


def _run(done: "Future[T]", function: Callable[[], T]) -> None:
    try:
        done.set_result(function())
    except BaseException as exc:
        done.set_exception(exc)
        del done  # otherwise it would be in a cycle with the error, whose traceback refers to this frame


def _started(function: Callable[[], T]) -> "asyncio.Future[T]":
    """Call ``function`` in a thread of its own. Raises OSError if the system allows no more threads."""
    try:
        return asyncio.get_running_loop().run_in_executor(_OwnThreads(), function)
    except RuntimeError as exc:
        raise OSError(errno.EAGAIN, str(exc)) from exc


async def in_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``function`` in a thread of its own, and return its result.

    If canceled, do not wait for its end. Raises OSError if the system allows no more threads.
    """
    return await _started(partial(function, *args, **kwargs))


async def on_own_loop(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Call ``work`` and await its coroutine on an event loop of its own, in a thread of its own; return its result.

    What the coroutine reads takes no time of the caller's event loop. If canceled, cancel the coroutine, and do not
    wait for its end. Raises OSError if the system allows no more threads.
    """
    loop = asyncio.new_event_loop()

    def run() -> T:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            return runner.run(work())

    def stop() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    try:
        working = _started(run)
    except OSError:
        loop.close()
        raise
    try:
        return await working
    except asyncio.CancelledError:
        with suppress(RuntimeError):  # it has just ended
            loop.call_soon_threadsafe(stop)
        raise
    finally:
        del working  # otherwise its error would be in a cycle with this frame
