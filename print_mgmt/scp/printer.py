"""One logical printer: its configuration, its status, and a `PrintService` for each association with it.

A `PrintServer` has one such printer; a site has several printers on one port.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Protocol

from dimse.data import DecodeLimits
from dimse.errors import DecodeError, Finding, escaped
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NEventReportRQ, NGetRQ, NSetRQ, Request, Response
from dimse.net import Association, Handlers, Operation, SynchronousHandler
from dimse.uids import ImplicitVRLittleEndian
from dimse.uids import PrintJob as PrintJobClass

from ..config import PrinterConfig
from ..jobs import JobFinder, PrinterState, PrintJob
from ..service import Answer, MemoryPool, PrintService
from ..sop import ACCEPTED_SYNTAXES, IMAGE_SEQUENCE, TITLES
from ..status import EMPTY_SESSION, NOT_COLLATED, PLACEMENT, RESOURCE_LIMITATION, SUCCESS, meaning
from .events import Reporter

__all__ = ["Engine", "Finder", "Intercept", "Perform", "PrinterService"]

_log = logging.getLogger("print_mgmt.scp")

# The limits of a request. Real requests are far smaller; decoding up to the default limits would take too long
_LIMITS = DecodeLimits(elements=5_000, value=1 << 16, values=1 << 12)
# Requests within these limits take at most 2 ms on the event loop; each request of our client has far fewer elements
_SHORT_LIMITS = DecodeLimits(elements=256, value=1 << 16, values=1 << 12)
_OPERATIONS = {
    NCreateRQ: "N-CREATE",
    NSetRQ: "N-SET",
    NGetRQ: "N-GET",
    NActionRQ: "N-ACTION",
    NDeleteRQ: "N-DELETE",
    NEventReportRQ: "N-EVENT-REPORT",
}
_ELEMENTS = ("AffectedSOPInstanceUID", "AttributeIdentifierList", "ActionTypeID", "EventTypeID")

Perform = Callable[[Operation], Awaitable[Response]]
Intercept = Callable[[Operation, Perform], Awaitable[Response]]


class Finder(JobFinder, Protocol):
    """The jobs for N-GET on one association."""

    async def look_up(self, SOPInstanceUID: str) -> None:
        """Look up a job for the next `find`."""


class Engine(Protocol):
    """The interface to which a printer passes its jobs."""

    @property
    def is_full(self) -> bool:
        """Whether films are refused now. Their images may then be refused, too."""

    async def accept(self, job: PrintJob) -> str:
        """Accept a new job. Return the reason if the job is refused, otherwise an empty string.

        ``collated`` of an accepted job becomes False if its copies are not made in the collated order.
        """

    async def confirm(self, job: PrintJob) -> None:
        """Record that the client knows of the end of a job."""

    def jobs(self) -> Finder:
        """Return the jobs for N-GET on one association."""


class PrinterService:
    """A printer that serves many associations. ``engine`` gets its jobs, and ``state`` is its status.

    ``config`` may be replaced; the new configuration applies to associations that begin afterwards, except for its
    limits of memory, which never change. If ``intercept`` is given, it gets each request with the function that
    performs the request, and returns the response.
    """

    def __init__(
        self, config: PrinterConfig, engine: Engine, state: PrinterState, *, intercept: Intercept | None = None
    ) -> None:
        self.config = config
        self.printer_state = state
        self._engine = engine
        self.intercept = intercept
        self._pool = MemoryPool(config.MaximumMemoryAllocation, lock=Lock())
        self._memory = MemoryPool(config.total_memory, host_size=config.host_memory, lock=Lock())
        self._reporters: dict[Association, Reporter] = {}

    @property
    def contexts(self) -> dict[str, Sequence[str]]:
        """The transfer syntaxes that the printer accepts, by abstract syntax."""
        syntaxes = (ImplicitVRLittleEndian,) if self.config.implicit_only else ACCEPTED_SYNTAXES
        return dict.fromkeys(self.config.abstract_syntaxes, syntaxes)

    @property
    def associations(self) -> frozenset[Association]:
        """The open associations, and those that have ended but still have instances."""
        return frozenset(self._reporters)

    async def flush_events(self, association: Association) -> None:
        """Wait until the client has answered all events so far, or gets no more events."""
        reporter = self._reporters.get(association)
        if reporter is not None:
            await reporter.flush_events()

    @asynccontextmanager
    async def open(self, association: Association) -> AsyncIterator[Handlers]:
        """Serve an association while the block runs; yield its handlers."""
        assert association.associate_rq is not None
        calling = association.associate_rq.calling_ae_title
        jobs, config = self._engine.jobs(), self.config
        service = PrintService(
            config,
            self.printer_state,
            jobs,
            calling_ae_title=calling,
            host=association.transport.host,
            abstract_syntaxes={context.abstract_syntax for context in association.contexts.values()},
            pool=self._pool,
            memory=self._memory,
        )

        reporter = Reporter(association, config.printer.PrinterName, self._engine.confirm)
        session = _Session(association, service, jobs, reporter, self._engine, self.intercept)
        handler = SynchronousHandler(session.perform_short, otherwise=session.handle)
        reporting = asyncio.create_task(reporter.run())
        self._reporters[association] = reporter
        self.printer_state.listeners.add(reporter.report_printer)
        try:
            yield {(uid, message): handler for uid in config.abstract_syntaxes for message in _OPERATIONS}
        finally:
            service.close()
            self.printer_state.listeners.discard(reporter.report_printer)
            del self._reporters[association]
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Session:
    """One association with the printer; its methods perform the requests of the client."""

    association: Association
    service: PrintService
    jobs: Finder
    reporter: Reporter
    engine: Engine
    intercept: Intercept | None

    async def handle(self, operation: Operation) -> Response:
        """Perform a request, through ``intercept`` if it is given."""
        return await (self.intercept(operation, self._perform) if self.intercept else self._perform(operation))

    def perform_short(self, operation: Operation) -> Response | None:
        """Perform a request now. Return None if it takes long, must wait, or is for ``intercept``."""
        if self.intercept is not None or _needs_engine(operation.message, self.engine):
            return None
        answer = _short_answer(self.service, operation)
        if answer is None:
            return None
        if answer.Status != SUCCESS or answer.comment:
            _log_answer(self.association, operation.message, answer)
        return _response(operation, answer)

    async def _perform(self, operation: Operation) -> Response:
        message = operation.message
        if isinstance(message, NGetRQ):
            await self.jobs.look_up(message.RequestedSOPInstanceUID)
        if isinstance(message, NSetRQ) and _is_refused(message, self.engine):
            answer, is_long = Answer(Status=RESOURCE_LIMITATION, comment="the spool has no room for more films"), False
        else:
            answer, is_long = await _answer(self.service, operation)
        if answer.job is not None and isinstance(message, NActionRQ):
            answer = await self._accept(message, answer, answer.job)
        if answer.Status != SUCCESS or answer.comment:
            _log_answer(self.association, message, answer)
        return await operation.in_thread(_response, operation, answer) if is_long else _response(operation, answer)

    async def _accept(self, message: NActionRQ, answer: Answer, job: PrintJob) -> Answer:
        """Pass the job of an N-ACTION to the engine.

        Return ``answer``, or another one if the job is refused, or if the engine does not collate it.
        """
        self.reporter.follow(job)
        collated = job.collated
        try:
            refused = await self.engine.accept(job)
        except BaseException:  # the caller answers with a failure, also if this took too long and was canceled
            self.reporter.unfollow(job)
            self.service.queue_full(message)
            raise
        if not refused:
            is_claimed = collated and not job.collated and answer.Status != EMPTY_SESSION
            return replace(answer, Status=NOT_COLLATED, comment=meaning(NOT_COLLATED)) if is_claimed else answer
        self.reporter.unfollow(job)
        return self.service.queue_full(message, refused)


def _is_refused(message: NSetRQ, engine: Engine) -> bool:
    """Return whether an image is refused at once because its film would be refused."""
    return message.RequestedSOPClassUID in IMAGE_SEQUENCE and engine.is_full


def _needs_engine(message: Request, engine: Engine) -> bool:
    """Return whether a request needs the engine: it stores or looks up a job, or, if it is full, refuses an image."""
    match message:
        case NActionRQ():
            return True
        case NGetRQ():
            return message.RequestedSOPClassUID == PrintJobClass
        case NSetRQ():
            return _is_refused(message, engine)
        case _:
            return False


def _short_answer(service: PrintService, operation: Operation) -> Answer | None:
    """Return the answer to a request, or None if it takes long or its Data Set cannot be decoded within the limits."""
    trailing: list[Finding] = []
    try:
        dataset = operation.dataset(_SHORT_LIMITS, trailing)
        if service.takes_long(operation.message, dataset):
            return None
    except DecodeError:  # too large for the event loop, or invalid: performing it in a thread shows which
        return None
    if trailing:
        _log_trailing(operation, trailing)
    return service.handle(operation.context.abstract_syntax, operation.message, dataset)


async def _answer(service: PrintService, operation: Operation) -> tuple[Answer, bool]:
    """Return the answer to a request, and whether the request took so long that it was performed in a thread."""
    answer = _short_answer(service, operation)
    if answer is not None:
        return answer, False
    return await operation.in_thread(_long_answer, service, operation), True


def _long_answer(service: PrintService, operation: Operation) -> Answer:
    trailing: list[Finding] = []
    dataset = operation.dataset(_LIMITS, trailing)
    _log_trailing(operation, trailing)
    return service.handle(operation.context.abstract_syntax, operation.message, dataset)


def _log_trailing(operation: Operation, findings: list[Finding]) -> None:
    """Log that bytes after the last element of a request are ignored."""
    for finding in findings:
        _log.warning("%s: ignored: %s", _in_words(operation.association, operation.message), finding)


def _log_answer(association: Association, message: Request, answer: Answer) -> None:
    """Log an answer that has a status other than Success, or a comment.

    Statuses about the placement of images need no operator, so their level is INFO.
    """
    level = logging.INFO if answer.Status in PLACEMENT else logging.WARNING
    status, words = f"{answer.Status:04X}H", meaning(answer.Status)
    comment = f": {answer.comment}" if answer.comment and answer.comment != words else ""
    _log.log(level, "%s: status %s (%s)%s", _in_words(association, message), status, words, comment)


def _in_words(association: Association, message: Request) -> str:
    """Return a request in words: the client, the operation and the SOP Class."""
    assert association.associate_rq is not None
    calling, peer = association.associate_rq.calling_ae_title, association.transport.peer
    uid = str(getattr(message, "RequestedSOPClassUID", None) or getattr(message, "AffectedSOPClassUID", ""))
    what = f"{_OPERATIONS[type(message)]} of {TITLES.get(uid, uid)}"
    return f"{peer}: {escaped(calling)}: {escaped(what)}"


def _response(operation: Operation, answer: Answer) -> Response:
    elements = {}
    for keyword in _ELEMENTS:
        value = getattr(answer, keyword)
        if value is not None:
            elements[keyword] = value
    if not answer.names_sop_class:
        elements["AffectedSOPClassUID"] = None
    return operation.reply(answer.Status, dataset=answer.dataset, comment=answer.comment, **elements)
