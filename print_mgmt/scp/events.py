"""What a printer tells its clients unasked: N-EVENT-REPORT for Print Job and Printer, PS3.4 H.4.5 and H.4.6.

Each association has a `Reporter`, which sends one event at a time, in the order in which they happened, beside the
requests of the client. A client that leaves an event unanswered is told no more, and is served all the same.
"""

import asyncio
import logging
from collections import deque
from typing import NamedTuple
from weakref import WeakSet

from dimse.data import Dataset
from dimse.errors import ContextNotAccepted, DimseError, ResponseTimeout
from dimse.net import Association
from dimse.net.scu import n_event_report
from dimse.uids import Printer, PrinterInstance
from dimse.uids import PrintJob as PrintJobClass
from dimse.ul import Context

from ..jobs import PrinterState, PrintJob
from ..sop import META_CLASSES

__all__ = ["Reporter"]

_log = logging.getLogger("print_mgmt.scp")

PATIENCE = 10.0  # seconds for the answer to an event


class _Event(NamedTuple):
    context: Context
    sop_class: str
    sop_instance: str
    number: int
    information: Dataset
    ends: PrintJob | None = None  # the job that is gone once the client has confirmed this


class Reporter:
    """Tells the client of one association of its jobs, and of the printer, as far as it has contexts for that."""

    def __init__(self, association: Association, PrinterName: str) -> None:
        self._association = association
        self._printer_name = PrinterName
        self._for_printer = _context(association, Printer, *META_CLASSES)  # Printer is a member of both
        self._for_jobs = _context(association, PrintJobClass)
        self._events: deque[_Event] = deque()
        self._followed: WeakSet[PrintJob] = WeakSet()
        self._arrived = asyncio.Event()
        self._told = asyncio.Event()
        self._told.set()
        self._gone = False

    def follow(self, job: PrintJob) -> None:
        """Tell of ``job``, which this client has made, from now on: it may be silent until then."""
        if self._for_jobs is not None:
            self._followed.add(job)
            job.listeners.add(self._job)
            self._association.awaits_news = True

    def printer(self, state: PrinterState) -> None:
        """The printer has changed."""
        if self._for_printer is not None:
            information = state.event_information(self._printer_name)
            self._put(_Event(self._for_printer, Printer, PrinterInstance, state.EventTypeID, information))

    async def told(self) -> None:
        """Wait until the client has answered all events so far, or is told no more."""
        await self._told.wait()

    async def run(self) -> None:
        """Send events until the association ends, or the client does not answer."""
        try:
            while True:
                await self._arrived.wait()
                while self._events:
                    await self._send(self._events.popleft())
                self._arrived.clear()
                self._told.set()
        except DimseError as exc:
            level = logging.WARNING if isinstance(exc, ResponseTimeout) else logging.DEBUG
            _log.log(level, "%r is told no more: %s", self._association, exc)
        finally:
            self._gone = True
            self._association.awaits_news = False
            self._events.clear()
            self._told.set()
            for job in self._followed:
                job.listeners.discard(self._job)

    def _job(self, job: PrintJob) -> None:
        assert self._for_jobs is not None
        uid, information = job.SOPInstanceUID, job.event_information()
        ends = job if job.has_ended else None
        self._put(_Event(self._for_jobs, PrintJobClass, uid, job.EventTypeID, information, ends))

    def _put(self, event: _Event) -> None:
        if not self._gone:
            self._events.append(event)
            self._told.clear()
            self._arrived.set()

    async def _send(self, event: _Event) -> None:
        await n_event_report(
            self._association,
            event.context,
            event.sop_class,
            event.sop_instance,
            event.number,
            event.information,
            patience=PATIENCE,
        )
        if event.ends is not None and event.ends.has_ended:  # it may be tried again by now
            event.ends.confirmed = True
            self._association.awaits_news = not all(job.has_ended for job in self._followed)


def _context(association: Association, *abstract_syntaxes: str) -> Context | None:
    try:
        return association.context_for(*abstract_syntaxes)
    except ContextNotAccepted:
        return None
