"""The engine of a printer: takes jobs out of the queue and exposes their films, one after the other.

A film that cannot be printed makes its job a FAILURE with the reason in a term of PS3.3 C.13.9.1. The other films of
that job are printed all the same; what was not is kept with the job, which may be tried again.
"""

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from inspect import isawaitable

from dimse.errors import DimseError

from ..film import LayoutError
from ..jobs import Exposure, JobFailed, JobQueue, PrintJob
from .film import Film

__all__ = ["OnFilm", "PrintEngine"]

OnFilm = Callable[[Film], Awaitable[None] | None]  # one that returns no awaitable has printed the film

_log = logging.getLogger("print_mgmt.scp")

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class PrintEngine:
    """Prints the jobs of ``queue``: ``on_film`` gets each film, every copy of it where ``each_copy`` is true.

    ``printed`` and ``failed`` count the films.
    """

    def __init__(self, queue: JobQueue, on_film: OnFilm, *, each_copy: bool = False) -> None:
        self.printed = 0
        self.failed = 0
        self._queue = queue
        self._on_film = on_film
        self._each_copy = each_copy
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._has_stopped = False

    def offer(self, job: PrintJob) -> bool:
        """Put ``job``, new or failed, into the queue. False where there is no room, or nothing is printed any more."""
        if self._has_stopped or not self._queue.offer(job, datetime.now()):
            return False
        self._idle.clear()
        self._work.set()
        return True

    async def run(self) -> None:
        """Print what is in the queue, and what comes into it, until cancelled. Raises what the queue raises."""
        try:
            while True:
                job = self._queue.take()
                if job is not None:
                    await self._print(job)
                else:
                    self._idle.set()
                    self._work.clear()
                    await self._work.wait()
        except Exception:
            _log.exception("the queue failed: nothing is printed any more, and no film is accepted")
            raise
        finally:
            self._has_stopped = True

    async def drained(self) -> None:
        """Wait until all jobs that were accepted have ended."""
        await self._idle.wait()

    async def _print(self, job: PrintJob) -> None:
        left: list[Exposure] = []
        reason = ""
        while job.unprinted:
            exposure = job.unprinted.pop(0)
            if exposure.copy > 1 and not self._each_copy:
                continue
            failure = await self._expose(job, exposure)
            if failure:
                left.append(exposure)
                reason = reason or failure
        job.unprinted = left
        if reason:
            job.become("FAILURE", reason)
        else:
            job.become("DONE")
        self._queue.finish(job)

    async def _expose(self, job: PrintJob, exposure: Exposure) -> str:
        """Print one sheet; the term for what went wrong, none where nothing did."""
        film = Film(self.printed + self.failed + 1, job, exposure)
        try:
            printing = self._on_film(film)
            if isawaitable(printing):
                await printing
        except (Exception, asyncio.CancelledError) as exc:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # we are meant, not something that on_film waited for
                raise
            self.failed += 1
            foreseen = isinstance(exc, DimseError | OSError)
            _log.error("%r failed: %s", film, exc, exc_info=not foreseen)
            return _term(exc)
        self.printed += 1
        return ""


def _term(exc: BaseException) -> str:
    """What Execution Status Info says of ``exc``, PS3.3 C.13.8."""
    match exc:
        case JobFailed():
            return exc.ExecutionStatusInfo
        case LayoutError():
            return "INVALID PAGE DES"
        case MemoryError():
            return "INSUFFIC MEMORY"
        case OSError() if exc.errno in _DISK_FULL:
            return "INSUFFIC MEMORY"
        case OSError():
            return "CHECK PRINTER"
    return "UNKNOWN"
