"""A thread that performs all work on a SQLite database, with group commit.

Work that arrives while the disk is busy is performed together, in at most two transactions: one for the work that is
forced to the disk, and one for all other work. Each piece of work has a savepoint: a piece that fails changes nothing
and does not affect the others. No result is returned before the commit.

A piece of work can ask for a forced commit: then its commit is forced to the disk, together with all commits before it.
Any other commit survives the end of the process, but not a power failure.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any, Generic, NamedTuple, TypeVar

__all__ = ["Committer"]

T = TypeVar("T")
P = TypeVar("P")
_MAX_WORKS = 64  # pieces of work that are performed together; more of them would delay the first answer


class _Work(NamedTuple, Generic[T]):
    """A function that works on the database, and its future result.

    ``forced`` says whether the changes of the function must survive a power failure.
    """

    run: Callable[[], T]
    future: "Future[T]"
    forced: bool


class Committer(Generic[P]):
    """A thread that owns ``connection``, and closes it at the end.

    ``prologue`` runs at the start of each transaction, and ``committed`` gets its result after the commit, before the
    results of the work are returned. ``step`` is called at named steps; tests use it to fail there. All three, and the
    work itself, run in the thread. An error after the commit is reported to `threading.excepthook`, and changes no
    result.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        prologue: Callable[[], P],
        committed: Callable[[P], object],
        step: Callable[[str], None],
    ) -> None:
        self._db = connection
        self._prologue = prologue
        self._committed = committed
        self._step = step
        self._works: SimpleQueue[_Work[Any] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)
        self._thread.start()

    async def execute(self, run: Callable[[], T], *, forced: bool = True) -> T:
        """Run a function in a transaction, and return its result after the commit.

        A ``forced`` commit survives a power failure. Raises what the function raises, and sqlite3.Error if the
        transaction fails; in both cases, nothing has changed. If the caller is canceled, the function still
        runs. After `close`, the result never arrives.
        """
        # The future is in no variable: its error and this frame would be in a cycle
        return await asyncio.shield(asyncio.wrap_future(self._submit(run, forced)))

    def _submit(self, run: Callable[[], T], forced: bool) -> "Future[T]":
        future: Future[T] = Future()
        self._works.put(_Work(run, future, forced))
        return future

    def close(self) -> None:
        """Perform the remaining work, and close the database. This method blocks."""
        self._works.put(None)
        self._thread.join()

    def _run(self) -> None:
        is_open = True
        while is_open:
            first = self._works.get()
            works = [first] if first is not None else []
            is_open = first is not None
            while is_open and len(works) < _MAX_WORKS:
                try:
                    work = self._works.get_nowait()
                except Empty:
                    break
                if work is None:
                    is_open = False
                else:
                    works.append(work)
            for forced in (False, True):  # unforced work first, because it need not wait for the disk
                some = [work for work in works if work.forced is forced]
                if some:
                    self._perform(some, forced=forced)
        self._db.close()

    def _perform(self, works: Sequence[_Work[Any]], *, forced: bool) -> None:
        """Perform work in one transaction; set the results after the commit."""
        results: list[tuple[_Work[Any], Any]] = []
        try:
            self._db.execute(f"PRAGMA synchronous={'FULL' if forced else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
            begun = self._prologue()
            for work in works:
                self._execute_one(work, results)
            self._step("commit")
            self._db.execute("COMMIT")
        except BaseException as exc:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            for work in works:
                _fail(work, exc)
            return
        with _reported():
            self._step("committed")
        with _reported():
            self._committed(begun)
        for work, result in results:
            with suppress(InvalidStateError):
                work.future.set_result(result)

    def _execute_one(self, work: _Work[Any], results: list[tuple[_Work[Any], Any]]) -> None:
        self._db.execute("SAVEPOINT work")
        try:
            results.append((work, work.run()))
        except Exception as exc:
            self._db.execute("ROLLBACK TO work")
            _fail(work, exc)
        self._db.execute("RELEASE work")


@contextmanager
def _reported() -> Iterator[None]:
    """Report an error of the block to `threading.excepthook`, and go on: the work has been committed."""
    try:
        yield
    except BaseException as exc:
        threading.excepthook(threading.ExceptHookArgs((type(exc), exc, exc.__traceback__, threading.current_thread())))


def _fail(work: _Work[Any], exc: BaseException) -> None:
    with suppress(InvalidStateError):
        work.future.set_exception(exc)
