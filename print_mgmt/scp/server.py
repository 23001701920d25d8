"""`PrintServer`: a listener, a `PrintService` for each association, and the engine that prints."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from threading import Lock
from typing import Self

from dimse.data import DecodeLimits
from dimse.errors import DecodeError, LocalProtocolError, escaped
from dimse.message import NActionRQ, NCreateRQ, NDeleteRQ, NEventReportRQ, NGetRQ, NSetRQ, Request, Response
from dimse.net import (
    VERIFICATION,
    Association,
    Handlers,
    Limits,
    Operation,
    Policy,
    Server,
    Service,
    Timeouts,
    TLSContext,
    Trace,
    accept_anyone,
    serve,
)
from dimse.net.arguments import check_address, check_ae_title, check_callable, check_settings, check_type
from dimse.uids import IMPLEMENTATION_VERSION_NAME, ImplicitVRLittleEndian

from ..config import PrinterConfig
from ..jobs import JobQueue, PrinterState, PrintJob, PrintQueue
from ..model import Printer
from ..service import Answer, MemoryPool, PrintService
from ..sop import ACCEPTED_SYNTAXES, IMAGE_SEQUENCE, TITLES
from ..spool import Spool
from ..status import PLACEMENT, RESOURCE_LIMITATION, SUCCESS, meaning
from .engine import OnFilm, PrintEngine
from .events import Reporter
from .spooled import Route, SpooledPrinting

__all__ = ["Around", "Perform", "PrintServer"]

_log = logging.getLogger("print_mgmt.scp")

# A request of Print Management has less than a hundredth of this; the limits of other services would take too long
_MOST = DecodeLimits(elements=5_000, value=1 << 16, values=1 << 12)
# Requests up to this size are performed on the event loop, in 2 ms; a film of 30 images needs 100 elements
_AT_ONCE = DecodeLimits(elements=256, value=1 << 16, values=1 << 12)
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
Around = Callable[["PrintServer", Operation, Perform], Awaitable[Response]]


class PrintServer:
    """A DICOM printer. ``on_film`` gets each film; if it raises, the job has failed.

    ``on_film`` is an async function, or a plain one such as ``films.append``, which must be quick because it runs on
    the event loop.

    ::

        async with PrintServer(on_film, port=11112, ae_title="PRINTSCP") as server:
            await server.serve_forever()

    ``config`` is the configuration of the printer; ``printer`` is enough to give it a name. ``port`` 0 picks a free
    port. ``tls`` comes from `dimse.net.server_context`. ``queue`` holds the jobs; if it is full, the answer to N-ACTION
    is C601 or C602. With ``each_copy``, ``on_film`` gets each copy of a film, collated; else it gets the film once,
    with the number of copies. Leaving the block stops listening, and prints the accepted jobs.

    With ``spool``, which is open already, jobs are on stable storage before N-ACTION is answered, and ``queue`` is not
    used. ``route`` says where their films go: to ``on_film``, by default. Films that are not printed when the block is
    left stay in the spool.

    ``printer_state`` may be set at any time, and is reported to all clients. ``printed`` and ``failed`` count films.

    ``around`` gets each request of Print Management before the printer, with the function that performs it, and returns
    the response (see `Misbehavior`).
    """

    def __init__(
        self,
        on_film: OnFilm | None,
        host: str = "127.0.0.1",
        port: int = 11112,
        *,
        ae_title: str = "PRINTSCP",
        printer: Printer | None = None,
        config: PrinterConfig | None = None,
        policy: Policy = accept_anyone,
        tls: TLSContext | None = None,
        queue: JobQueue | None = None,
        spool: Spool | None = None,
        route: Route | None = None,
        each_copy: bool = False,
        drain: float = 10.0,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
        trace: Trace | None = None,
        around: Around | None = None,
    ) -> None:
        check_address(host, port, lowest=0)
        check_settings(tls, trace, limits, timeouts)
        check_callable("policy", policy)
        self.host, self.port = host, port
        self.config = _installed(config, printer, check_ae_title(ae_title, "ae_title"))
        self.printer_state = PrinterState()
        total, host_size = self.config.total_memory, self.config.host_memory
        if queue is None:
            queue = PrintQueue(self.config.queue_length, memory=total, host_memory=host_size)
        self.queue: JobQueue = queue
        self._pool = MemoryPool(self.config.MaximumMemoryAllocation, lock=Lock())
        self._memory = MemoryPool(total, host_size=host_size, lock=Lock())
        self._engine = _engine(on_film, self.queue, spool, self.printer_state, route, each_copy=each_copy)
        self._serve = partial(serve, policy=policy, tls=tls, limits=limits, timeouts=timeouts, trace=trace)
        self._drain = drain
        self._around = around
        self._reporters: dict[Association, Reporter] = {}
        self._server: Server | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._server is not None:
            raise LocalProtocolError("the server is open already")
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._finish, asyncio.create_task(self._engine.run()))
            syntaxes = (ImplicitVRLittleEndian,) if self.config.implicit_only else ACCEPTED_SYNTAXES
            contexts = dict.fromkeys(self.config.abstract_syntaxes, syntaxes)
            services = [VERIFICATION, Service(contexts, self._open)]
            self._server = await stack.enter_async_context(self._serve(services, self.host, self.port))
            self.host, self.port = self._server.host, self._server.port
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            await self._stack.aclose()
        finally:
            self._server = None

    async def serve_forever(self) -> None:
        """Wait until the task is canceled, or `close` is called. Raises `LocalProtocolError` outside the block."""
        if self._server is None:
            raise LocalProtocolError("the server is not open: use it in `async with`")
        await self._server.serve_forever()

    async def close(self) -> None:
        """Reject new associations, and abort open ones after ``drain`` seconds."""
        if self._server is not None:
            await self._server.close(drain=self._drain)

    @property
    def associations(self) -> frozenset[Association]:
        """The associations with clients, each until its instances are deleted."""
        return frozenset(self._reporters)

    # --- jobs ---

    @property
    def printed(self) -> int:
        """The number of films that ``on_film`` has accepted."""
        return self._engine.printed

    @property
    def failed(self) -> int:
        """The number of times that ``on_film`` has raised."""
        return self._engine.failed

    def retry(self, job: PrintJob) -> bool:
        """Put a failed job into the queue again, to print its remaining films. Return False if there is no room.

        Raises `LocalProtocolError` for any other job.
        """
        return self._engine.offer(job)

    async def events_sent(self, association: Association) -> None:
        """Wait until the client has answered all events so far, or gets no more."""
        reporter = self._reporters.get(association)
        if reporter is not None:
            await reporter.events_sent()

    async def _finish(self, printing: asyncio.Task[None]) -> None:
        """Print the accepted jobs, then stop. Raises what the queue raised."""
        drained = asyncio.create_task(self._engine.drained())
        try:
            await asyncio.wait((printing, drained), return_when=asyncio.FIRST_COMPLETED)
            if printing.done():
                printing.result()
        finally:
            for task in (printing, drained):
                task.cancel()
            await asyncio.gather(printing, drained, return_exceptions=True)

    # --- one association ---

    @asynccontextmanager
    async def _open(self, association: Association) -> AsyncIterator[Handlers]:
        assert association.associate_rq is not None
        calling = association.associate_rq.calling_ae_title
        jobs = self._engine.jobs()
        service = PrintService(
            self.config,
            self.printer_state,
            jobs,
            calling_ae_title=calling,
            host=association.transport.host,
            abstract_syntaxes={context.abstract_syntax for context in association.contexts.values()},
            pool=self._pool,
            memory=self._memory,
        )

        async def perform(operation: Operation) -> Response:
            message = operation.message
            if isinstance(message, NGetRQ):
                await jobs.look_up(message.RequestedSOPInstanceUID)
            if isinstance(message, NSetRQ) and _is_refused(message, self._engine):
                answer, is_long = Answer(Status=RESOURCE_LIMITATION, comment="the disk of the printer is full"), False
            else:
                answer, is_long = await _answer(service, operation)
            if answer.job is not None and isinstance(message, NActionRQ):
                reporter.follow(answer.job)
                refused = await self._engine.accept(answer.job)
                if refused:
                    answer = service.queue_full(message, refused)
            _log_answer(association, message, answer)
            return await operation.in_thread(_response, operation, answer) if is_long else _response(operation, answer)

        async def handle(operation: Operation) -> Response:
            return await (self._around(self, operation, perform) if self._around else perform(operation))

        async with self._reporting(association) as reporter:
            try:
                yield {(uid, message): handle for uid in self.config.abstract_syntaxes for message in _OPERATIONS}
            finally:
                service.close()

    @asynccontextmanager
    async def _reporting(self, association: Association) -> AsyncIterator[Reporter]:
        """Report events to the client while the block runs."""
        reporter = Reporter(association, self.config.printer.PrinterName, self._engine.confirm)
        reporting = asyncio.create_task(reporter.run())
        self._reporters[association] = reporter
        self.printer_state.listeners.add(reporter.printer)
        try:
            yield reporter
        finally:
            self.printer_state.listeners.discard(reporter.printer)
            del self._reporters[association]
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)


def _engine(
    on_film: OnFilm | None,
    queue: JobQueue,
    spool: Spool | None,
    state: PrinterState,
    route: Route | None,
    *,
    each_copy: bool,
) -> PrintEngine | SpooledPrinting:
    """Return the engine that prints. Raises `EncodeError` for a wrong ``on_film``, which only a spool may replace."""
    if spool is None:
        check_callable("on_film", on_film)
        assert on_film is not None
        return PrintEngine(queue, on_film, each_copy=each_copy)
    if on_film is not None:
        check_callable("on_film", on_film)
    return SpooledPrinting(spool, on_film, state, route=route, each_copy=each_copy)


def _installed(config: PrinterConfig | None, printer: Printer | None, ae_title: str) -> PrinterConfig:
    """Return the configuration without what this installation cannot do. Raises `EncodeError` for a wrong argument."""
    if printer is not None:
        check_type("printer", printer, Printer, "a print_mgmt.Printer")
    if config is None:
        printer = printer or Printer(PrinterName=ae_title, SoftwareVersions=IMPLEMENTATION_VERSION_NAME)
        config = PrinterConfig(printer=printer)
    check_type("config", config, PrinterConfig, "a PrinterConfig, which load_config and preset make")
    installed = config.as_installed()
    if installed is not config:
        _log.warning("no annotation boxes are offered: text needs Pillow (pip install dimse-print[film])")
    return installed


def _is_refused(message: NSetRQ, engine: PrintEngine | SpooledPrinting) -> bool:
    """Return whether an image is refused at once, because its film would be."""
    return message.RequestedSOPClassUID in IMAGE_SEQUENCE and engine.is_full


async def _answer(service: PrintService, operation: Operation) -> tuple[Answer, bool]:
    """Return the answer to a request, and whether the request was so long that it was performed in a thread."""
    abstract_syntax, message = operation.context.abstract_syntax, operation.message
    try:
        dataset = operation.dataset(_AT_ONCE)
        is_long = service.takes_long(message, dataset)
    except DecodeError:  # too large for the event loop, or wrong: the thread finds out
        is_long = True
    if not is_long:
        return service.handle(abstract_syntax, message, dataset), False
    answer = await operation.in_thread(
        lambda: service.handle(abstract_syntax, message, operation.dataset(_MOST)),
    )
    return answer, True


def _log_answer(association: Association, message: Request, answer: Answer) -> None:
    """Log a refused request with its attribute; an image that is too large needs no action of the operator."""
    if answer.Status == SUCCESS and not answer.comment:
        return
    assert association.associate_rq is not None
    level = logging.INFO if answer.Status in PLACEMENT else logging.WARNING
    calling, peer = association.associate_rq.calling_ae_title, association.transport.peer
    uid = str(getattr(message, "RequestedSOPClassUID", None) or getattr(message, "AffectedSOPClassUID", ""))
    what = f"{_OPERATIONS[type(message)]} of {TITLES.get(uid, uid)}"
    status, words = f"{answer.Status:04X}H", meaning(answer.Status)
    comment = f": {answer.comment}" if answer.comment and answer.comment != words else ""
    _log.log(level, "%s: %s: %s: status %s (%s)%s", peer, escaped(calling), escaped(what), status, words, comment)


def _response(operation: Operation, answer: Answer) -> Response:
    elements = {keyword: getattr(answer, keyword) for keyword in _ELEMENTS if getattr(answer, keyword) is not None}
    if not answer.class_uid:
        elements["AffectedSOPClassUID"] = None
    return operation.reply(answer.Status, dataset=answer.dataset, comment=answer.comment, **elements)
