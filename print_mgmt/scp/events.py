"""Events of a printer: N-EVENT-REPORT for Print Job and Printer (PS3.4 H.4.5 and H.4.6).

Each association has a `Reporter`, which sends one event after the other while requests of the client are served. A
client that does not answer an event, or answers so slowly that too many events wait, gets no more events, but its
requests are still served.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
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

PATIENCE = 10.0  # seconds to wait for the response to an event
MAX_WAITING = 1000  # events that wait for their turn; the jobs of a full session cause fewer than 200


class _Event(NamedTuple):
    """An event to send: the arguments of N-EVENT-REPORT."""

    context: Context
    sop_class: str
    sop_instance: str
    number: int
    information: Dataset
    ends: PrintJob | None = None  # the job that ends with this event; the client's response confirms the end


Confirm = Callable[[PrintJob], Awaitable[None]]


class Reporter:
    """A reporter of job and printer events to the client of one association, if it negotiated those SOP Classes.

    ``confirm`` is called with each job whose end the client has acknowledged.
    """

    def __init__(self, association: Association, PrinterName: str, confirm: Confirm) -> None:
        self._association = association
        self._confirm = confirm
        self._printer_name = PrinterName
        self._for_printer = _context(association, Printer, *META_CLASSES)  # both contain Printer
        self._for_jobs = _context(association, PrintJobClass)
        self._events: deque[_Event] = deque()
        self._followed: WeakSet[PrintJob] = WeakSet()
        self._arrived = asyncio.Event()
        self._all_sent = asyncio.Event()
        self._all_sent.set()
        self._has_stopped = False

    def follow(self, job: PrintJob) -> None:
        """Report each step of ``job``, which belongs to this client, if the client negotiated the Print Job SOP Class.

        Until the job ends, or is refused (`unfollow`), and while it is retried, the association has no idle timeout.
        """
        if self._for_jobs is not None and not self._has_stopped:
            self._followed.add(job)
            job.listeners.add(self._report_job)
            self._association.awaits_events = True

    def unfollow(self, job: PrintJob) -> None:
        """Stop reporting ``job``, because the printer has refused it."""
        job.listeners.discard(self._report_job)
        self._followed.discard(job)
        self._await_events_if_needed()

    def report_printer(self, state: PrinterState) -> None:
        """Report the status of the printer, if the client negotiated the Printer SOP Class."""
        if self._for_printer is not None:
            information = state.event_information(self._printer_name)
            self._put(_Event(self._for_printer, Printer, PrinterInstance, state.EventTypeID, information))

    async def flush_events(self) -> None:
        """Wait until the client has answered all events so far, or until it gets no more events."""
        await self._all_sent.wait()

    async def run(self) -> None:
        """Send events until the association ends or the client does not answer an event."""
        try:
            while True:
                await self._arrived.wait()
                while self._events:
                    await self._send(self._events.popleft())
                self._arrived.clear()
                self._all_sent.set()
        except DimseError as exc:
            level = logging.WARNING if isinstance(exc, ResponseTimeout) else logging.DEBUG
            _log.log(level, "%r gets no more events: %s", self._association, exc)
        finally:
            self._stop()

    def _stop(self) -> None:
        """Report nothing more, and forget the events that wait."""
        self._has_stopped = True
        self._association.awaits_events = False
        self._events.clear()
        self._all_sent.set()
        for job in self._followed:
            job.listeners.discard(self._report_job)
        self._followed.clear()

    def _report_job(self, job: PrintJob) -> None:
        assert self._for_jobs is not None
        uid, information = job.SOPInstanceUID, job.event_information()
        ends = job if job.has_ended else None
        if ends is None and not self._has_stopped:  # a new job, or a failed job that is retried
            self._association.awaits_events = True
        self._put(_Event(self._for_jobs, PrintJobClass, uid, job.EventTypeID, information, ends))
        if job.ExecutionStatus == "DONE":  # no step follows, and a long association may print any number of jobs
            job.listeners.discard(self._report_job)
            self._followed.discard(job)

    def _put(self, event: _Event) -> None:
        if self._has_stopped:
            return
        if len(self._events) >= MAX_WAITING:
            _log.warning("%r gets no more events: %d wait for its answers", self._association, len(self._events))
            self._stop()
            return
        self._events.append(event)
        self._all_sent.clear()
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
        if event.ends is not None and event.ends.has_ended:  # unless the job has been retried meanwhile
            await self._confirm(event.ends)
            self._await_events_if_needed()

    def _await_events_if_needed(self) -> None:
        self._association.awaits_events = any(not job.has_ended for job in self._followed)


def _context(association: Association, *abstract_syntaxes: str) -> Context | None:
    try:
        return association.context_for(*abstract_syntaxes)
    except ContextNotAccepted:
        return None
