"""A pool of threads that performs no work which it has refused.

`ThreadPoolExecutor.submit` puts the work in its queue before it starts a thread. If the system allows no more threads,
it raises RuntimeError, but the work remains in the queue: any thread of the pool would perform it later, on data that
the caller has dropped.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeAlias, TypeVar

__all__ = ["ThreadPool"]

P = ParamSpec("P")
T = TypeVar("T")
_Work: TypeAlias = tuple["Future[T]", Callable[[], T]]
_NO_THREAD = "can't start new thread"  # the message of CPython; a closed pool raises RuntimeError, too


class ThreadPool(ThreadPoolExecutor):
    """At most ``count`` threads, which are started when they are needed. Their names begin with ``name``."""

    def __init__(self, count: int, name: str) -> None:
        super().__init__(count, name)
        self._has_threads = False

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Call ``function`` in a thread; if the system allows no more threads, it waits for one of the pool.

        Raises RuntimeError if the pool has no thread, or is closed; the function is then never called.
        """
        done: Future[T] = Future()
        work: list[_Work[T]] = [(done, partial(function, *args, **kwargs))]  # whoever pops it decides on it
        try:
            super().submit(_perform, work)
        except RuntimeError as exc:
            waits = self._has_threads and str(exc) == _NO_THREAD
            if not waits and _withdraw(work):
                raise
        self._has_threads = True
        return done


def _withdraw(work: list[_Work[T]]) -> bool:
    """Return False if a thread, which has just started, performs the work."""
    try:
        work.pop()
    except IndexError:
        return False
    return True


def _perform(work: list[_Work[T]]) -> None:
    """Call the function of ``work``, unless it was withdrawn or canceled, and set its result or exception."""
    try:
        done, function = work.pop()
    except IndexError:
        return
    if not done.set_running_or_notify_cancel():
        return
    try:
        done.set_result(function())
    except BaseException as exc:
        done.set_exception(exc)
        del done  # otherwise it would be in a cycle with the error, whose traceback refers to this frame
