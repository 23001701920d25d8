"""Events of a printer and its print jobs, as an SCU receives them (PS3.4 H.4.5 and H.4.6).

Events may arrive before, between or after responses, and some printers send none. `Job.wait` waits for events, and
sends N-GET if none arrives.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from dimse.data import Dataset, DecodeLimits
from dimse.errors import DimseError, escaped
from dimse.message import NEventReportRQ, Response, length_of
from dimse.net import Operation
from dimse.uids import PrintJob as PrintJobClass

from ..sop import EVENTS
from ..typed import term, text
from .operations import Operations

__all__ = ["Event", "Events", "Job"]

_log = logging.getLogger("print_mgmt.scu")

_MAX_EVENTS = 1000  # only the latest events are kept, because a printer may send any number
_MAX_INFORMATION = 1 << 14  # bytes; a longer Data Set of an event is ignored, and PS3.4 H.4.5 needs fewer than 300
_LIMITS = DecodeLimits(elements=100)  # of a Data Set that is kept; those of PS3.4 H.4.5 have at most 10
_ENDS: tuple[str, ...] = ("DONE", "FAILURE")
_NUMBERS = {name.upper(): number for number, name in EVENTS[PrintJobClass].items()}


@dataclass(frozen=True, slots=True)
class Event:
    """An N-EVENT-REPORT, or a new status of a job that N-GET has returned (see `Job.events`).

    ``name`` is the event's name in PS3.4, such as "Warning" for a printer or "Done" for a job. ``EventTypeID`` is 0 for
    a status that PS3.4 does not name. ``information`` is empty if the Data Set is missing or cannot be used.
    """

    SOPClassUID: str
    SOPInstanceUID: str
    EventTypeID: int
    information: Dataset

    @property
    def name(self) -> str:
        """The name of the event in PS3.4 Tables H.4-14 and H.4-16, or its number."""
        return EVENTS.get(self.SOPClassUID, {}).get(self.EventTypeID, str(self.EventTypeID))

    def __str__(self) -> str:
        name = self.name if self.EventTypeID else text(self.information, "ExecutionStatus") or self.name
        words = text(self.information, "ExecutionStatusInfo") or text(self.information, "PrinterStatusInfo")
        return f"{name}, {words}" if words else name


class Events:
    """The latest events of a printer, and a way to wait for the next one."""

    def __init__(self) -> None:
        self.count = 0
        self._latest: deque[tuple[int, Event]] = deque(maxlen=_MAX_EVENTS)
        self._next: asyncio.Event | None = None  # set by the next event, if a task waits for it

    def report(self, operation: Operation[NEventReportRQ]) -> Response:
        """Handle N-EVENT-REPORT: keep the event, and return the response."""
        message = operation.message
        information = _information(operation)
        event = Event(message.AffectedSOPClassUID, message.AffectedSOPInstanceUID, message.EventTypeID, information)
        if _log.isEnabledFor(logging.INFO):
            _log.info("event of %s: %s", escaped(event.SOPInstanceUID), escaped(str(event)))
        self.count += 1
        self._latest.append((self.count, event))
        if self._next is not None:
            self._next.set()
            self._next = None
        return operation.reply(EventTypeID=message.EventTypeID)

    def of(self, SOPInstanceUID: str) -> list[Event]:
        """Return the events of the printer or of a job, among the latest 1000 events."""
        return [event for _, event in self.since(0, SOPInstanceUID)]

    def since(self, number: int, SOPInstanceUID: str) -> list[tuple[int, Event]]:
        """Return the events of an instance after event ``number``, each with its number."""
        return [(n, event) for n, event in self._latest if n > number and event.SOPInstanceUID == SOPInstanceUID]

    async def wait(self, number: int, seconds: float) -> None:
        """Wait until there have been more than ``number`` events, for at most ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                while self.count <= number:
                    self._next = self._next or asyncio.Event()
                    await self._next.wait()
        except TimeoutError:
            return


def _information(operation: Operation[NEventReportRQ]) -> Dataset:
    """Return the Data Set of an event, or an empty Data Set if it is missing, too long, or cannot be decoded."""
    number, length = operation.message.EventTypeID, length_of(operation.message.Data)
    if length > _MAX_INFORMATION:
        _log.info("the Data Set of event %d is ignored: it has %d bytes", number, length)
        return Dataset()
    try:
        return operation.dataset(_LIMITS) or Dataset()
    except DimseError as exc:
        _log.info("the Data Set of event %d cannot be decoded: %s", number, exc)
        return Dataset()


@dataclass(slots=True, eq=False)
class Job:
    """A print job on the printer: PS3.3 C.13.8.

    ``SOPInstanceUID`` is empty if the response to N-ACTION names no job; the status then stays unknown.
    ``ExecutionStatus`` is PENDING, PRINTING, DONE or FAILURE, or empty while it is unknown.
    """

    SOPInstanceUID: str
    _operations: Operations
    _events: Events
    ExecutionStatus: str = ""
    ExecutionStatusInfo: str = ""
    _heard: int = field(default=0, repr=False)  # the number of the last event that `events` yielded

    @property
    def has_ended(self) -> bool:
        """Whether the job is DONE or FAILURE."""
        return self.ExecutionStatus in _ENDS

    async def refresh(self) -> Dataset:
        """Query the attributes of the job (N-GET), and return them.

        Raises `PrintFailed`, `DecodeError`, and `ContextNotAccepted` if the printer does not support the Print Job SOP
        Class.
        """
        attributes = await self._operations.get("the print job", PrintJobClass, self.SOPInstanceUID)
        self.ExecutionStatus = term(attributes, "ExecutionStatus") or self.ExecutionStatus
        self.ExecutionStatusInfo = text(attributes, "ExecutionStatusInfo") or self.ExecutionStatusInfo
        return attributes

    async def events(self, *, poll: float = 5.0) -> AsyncIterator[Event]:
        """Yield the events of the job until it is DONE or FAILURE.

        After ``poll`` seconds without an event of the job, the job is queried, and a new status is yielded as an event.
        The iteration also ends if the query fails, as after the end of the association, or if it returns no status and
        none is known. A job without a UID has no events.
        """
        now = asyncio.get_running_loop().time
        due = now() + poll  # the time to query the job, unless an event of the job arrives earlier
        while self.SOPInstanceUID and not self.has_ended:
            count = self._events.count
            for number, event in self._events.since(self._heard, self.SOPInstanceUID):
                self._heard = number
                self._note(event)
                yield event
                if event.name.upper() in _ENDS:
                    return
                due = now() + poll
            await self._events.wait(count, due - now())
            if now() >= due and not self._events.since(self._heard, self.SOPInstanceUID):
                known = self.ExecutionStatus
                try:
                    attributes = await self.refresh()
                except DimseError as exc:
                    _log.info("%s", exc)
                    return
                if not self.ExecutionStatus:
                    return
                if self.ExecutionStatus != known:
                    yield Event(PrintJobClass, self.SOPInstanceUID, _NUMBERS.get(self.ExecutionStatus, 0), attributes)
                due = now() + poll

    async def wait(self, *, poll: float = 5.0) -> str:
        """Wait for the end of the job; return DONE or FAILURE. ``poll`` is as in `events`.

        If the printer does not report the end, return the last known Execution Status, which may be empty.
        """
        async for _ in self.events(poll=poll):
            pass
        return self.ExecutionStatus

    def _note(self, event: Event) -> None:
        if event.name.upper() in _NUMBERS:  # an event of an unknown type has no status
            self.ExecutionStatus = event.name.upper()
        self.ExecutionStatusInfo = text(event.information, "ExecutionStatusInfo") or self.ExecutionStatusInfo
