"""The intake of a printer with a spool: stores the accepted jobs, and reports their status to clients.

The status of a Print Job comes from the spool, so it survives a restart, and is the same for all processes that share
the spool.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from dimse.errors import LocalProtocolError, escaped

from ..jobs import PrintJob
from ..spool import Spool, SpoolError
from ..status import QUEUED

__all__ = ["SpooledIntake", "SpooledJobs", "Store"]

_log = logging.getLogger("print_mgmt.scp")

Store = Callable[[PrintJob], Awaitable[object]]


class SpooledJobs:
    """The jobs of a spool, for N-GET on one association. `look_up` must be awaited before each `find`.

    With ``PrinterName``, jobs of other printers are not found.
    """

    def __init__(self, spool: Spool, PrinterName: str | None = None) -> None:
        self._spool = spool
        self._printer_name = PrinterName
        self._found: PrintJob | None = None

    async def look_up(self, SOPInstanceUID: str) -> None:
        """Look up a job for the next `find`."""
        try:
            self._found = await self._spool.find(SOPInstanceUID)
        except SpoolError as exc:
            self._found = None
            _log.error("Print Job %s cannot be looked up: %s", escaped(SOPInstanceUID), escaped(str(exc)))

    def find(self, SOPInstanceUID: str) -> PrintJob | None:
        """Return the job that was looked up, or None if there is no such instance."""
        job, self._found = self._found, None
        if job is None or job.SOPInstanceUID != SOPInstanceUID:
            return None
        return job if self._printer_name in (None, job.PrinterName) else None


class SpooledIntake:
    """The intake of the jobs of a printer: ``store`` puts a job into ``spool``, or raises `SpoolError`.

    With ``PrinterName``, clients find only the jobs of that printer.
    """

    def __init__(self, spool: Spool, store: Store, PrinterName: str | None = None) -> None:
        self._spool = spool
        self._store = store
        self._printer_name = PrinterName
        self._followed: dict[str, PrintJob] = {}  # the jobs of clients that want events
        self._early: dict[str, PrintJob | None] = {}  # news of jobs whose N-ACTION has not been answered yet

    @property
    def is_full(self) -> bool:
        """Whether films are refused now. Their images may then be refused, too."""
        return self._spool.room.is_full

    async def accept(self, job: PrintJob) -> str:
        """Store a job in the spool. Return the reason if the job is refused, otherwise an empty string.

        If canceled after the job was stored, return as if it was not canceled.
        """
        uid = job.SOPInstanceUID
        self._early[uid] = None
        try:
            await self._store(job)
        except SpoolError as exc:
            _log.error("a job was refused: %s", escaped(str(exc)))
            return "the spool cannot store the film now"
        except asyncio.CancelledError:
            if not await self._is_stored(uid):
                raise
            # the job will be printed, so the client must not hear of a failure and print the films again
        finally:
            early = self._early.pop(uid)
        job.films = ()
        job.unprinted.clear()
        job.become("PENDING", QUEUED)
        if job.listeners:
            self._followed[uid] = job
            job.follow(early or job)
        return ""

    async def _is_stored(self, uid: str) -> bool:
        """Return whether a job is in the spool; False if the spool fails or is closed."""
        with suppress(SpoolError, LocalProtocolError):
            return await self._spool.find(uid) is not None
        return False

    def jobs(self) -> SpooledJobs:
        """Return the jobs for N-GET on one association."""
        return SpooledJobs(self._spool, self._printer_name)

    async def confirm(self, job: PrintJob) -> None:
        """Record that the client knows of the end of a job."""
        with suppress(SpoolError):  # after an error, N-GET finds the job for longer than it should
            await self._spool.confirm(job.SOPInstanceUID)

    def report(self, jobs: Iterable[PrintJob]) -> None:
        """Pass the status of changed jobs in the spool to the listeners of these jobs."""
        for job in jobs:
            uid = job.SOPInstanceUID
            if uid in self._early:
                self._early[uid] = job
            elif uid in self._followed:
                self._followed[uid].follow(job)
        for uid in [uid for uid, job in self._followed.items() if job.ExecutionStatus == "DONE" or not job.listeners]:
            del self._followed[uid]  # a DONE job stays DONE; if a job has no listeners, its association has ended
