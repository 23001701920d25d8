"""`PrintServer` combines a listener, a printer, and the engine that prints."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Self

from dimse.errors import LocalProtocolError
from dimse.message import Response
from dimse.net import (
    VERIFICATION,
    Association,
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
from dimse.uids import IMPLEMENTATION_VERSION_NAME

from ..config import PrinterConfig
from ..config.printer import WITHOUT_TEXT
from ..jobs import JobQueue, PrinterState, PrintJob, PrintQueue
from ..model import Printer
from ..spool import Spool
from .engine import OnFilm, PrintEngine
from .printer import Perform, PrinterService
from .spooled import Route, SpooledPrinting

__all__ = ["Intercept", "PrintServer"]

_log = logging.getLogger("print_mgmt.scp")

Intercept = Callable[["PrintServer", Operation, Perform], Awaitable[Response]]


class PrintServer:
    """A DICOM printer. ``on_film`` gets each film; if it raises, the job ends in FAILURE.

    ``on_film`` is an async function, or a plain function such as ``films.append``, which must return quickly because it
    runs on the event loop.

    ::

        async with PrintServer(on_film, port=11112, ae_title="PRINTSCP") as server:
            await server.serve_forever()

    ``config`` is the configuration of the printer. Without it, ``printer`` gives the name and other attributes of the
    printer, and everything else has its default.

    With ``port`` 0, the system chooses a free port. ``policy`` decides who may associate, and with which called AE
    title (`dimse.net.policy`); ``ae_title`` is only the default Printer Name. ``tls`` comes from
    `dimse.net.server_context`, and ``trace`` gets the records of `dimse.net.Trace`. ``drain`` is the time in seconds
    for which `close` waits for associations. Raises `EncodeError` for an argument that cannot be used; entering the
    block raises OSError if the server cannot listen.

    ``queue`` holds the jobs; if it is full, N-ACTION is answered with C601 or C602. With ``each_copy``, ``on_film``
    gets each copy of a film in the order of the job; otherwise, it gets each film once, with the number of copies. At
    the end of the block, the server stops listening, aborts open associations, and prints the accepted jobs.

    With ``spool``, which must be open, jobs are on stable storage before N-ACTION is answered, and ``queue`` is not
    used. ``route`` returns the destinations of the films of a job; by default, they go to ``on_film``. If ``on_film``
    is None, this server delivers no films itself. At the end of the block, films that wait to be printed stay in the
    spool.

    ``printer_state`` may be set at any time; changes are reported to all clients. ``printed`` and ``failed`` count the
    calls of ``on_film``.

    Each request of Print Management is passed to ``intercept``, with the function that performs the request;
    ``intercept`` returns the response (see `Misbehavior`).
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
        intercept: Intercept | None = None,
    ) -> None:
        check_address(host, port, lowest=0)
        check_settings(tls, trace, limits, timeouts)
        check_callable("policy", policy)
        self.host, self.port = host, port
        config = _installed(config, printer, check_ae_title(ae_title, "ae_title"))
        state = PrinterState()
        if queue is None:
            queue = PrintQueue(config.queue_length, memory=config.total_memory, host_memory=config.host_memory)
        self.queue: JobQueue = queue
        self._engine = _engine(on_film, self.queue, spool, state, route, each_copy=each_copy)
        self._printer = PrinterService(
            config, self._engine, state, intercept=partial(intercept, self) if intercept else None
        )
        self._serve = partial(serve, policy=policy, tls=tls, limits=limits, timeouts=timeouts, trace=trace)
        self._disk = None if spool is None else spool.incoming
        self._drain = drain
        self._server: Server | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._server is not None:
            raise LocalProtocolError("the server is already open")
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._finish, asyncio.create_task(self._engine.run()))
            services = [VERIFICATION, Service(self._printer.contexts, self._printer.open)]
            self._server = await stack.enter_async_context(self._serve(services, self.host, self.port, disk=self._disk))
            self.host, self.port = self._server.host, self._server.port
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            await self._stack.aclose()
        finally:
            self._server = None

    async def serve_forever(self) -> None:
        """Wait until this task is canceled or `close` is called. Raises `LocalProtocolError` outside the block."""
        if self._server is None:
            raise LocalProtocolError("the server is not open: use it in `async with`")
        await self._server.serve_forever()

    async def close(self) -> None:
        """Reject new associations, and abort open ones after ``drain`` seconds."""
        if self._server is not None:
            await self._server.close(drain=self._drain)

    @property
    def associations(self) -> frozenset[Association]:
        """The open associations, and those that have ended but still have instances."""
        return self._printer.associations

    @property
    def printer_state(self) -> PrinterState:
        """The status of the printer; call its ``set`` to change the status."""
        return self._printer.printer_state

    @property
    def config(self) -> PrinterConfig:
        """The configuration of the printer, without the features that this installation lacks."""
        return self._printer.config

    # --- jobs ---

    @property
    def printed(self) -> int:
        """The number of times that ``on_film`` has succeeded."""
        return self._engine.printed

    @property
    def failed(self) -> int:
        """The number of times that ``on_film`` has raised."""
        return self._engine.failed

    def retry(self, job: PrintJob) -> bool:
        """Put a failed job into the queue again, to print its remaining films.

        Return False if the queue refuses the job or the printer has stopped. Raises `LocalProtocolError` for a job that
        waits, is being printed, or is DONE, and for a job in a spool.
        """
        return self._engine.offer(job)

    async def flush_events(self, association: Association) -> None:
        """Wait until the client has answered all events so far, or gets no more events."""
        await self._printer.flush_events(association)

    async def _finish(self, printing: asyncio.Task[None]) -> None:
        """Wait until the engine has no more work, then stop it. Raises the exception that the queue raised, if any."""
        draining = asyncio.create_task(self._engine.drain())
        try:
            await asyncio.wait((printing, draining), return_when=asyncio.FIRST_COMPLETED)
            if printing.done():
                printing.result()
        finally:
            for task in (printing, draining):
                task.cancel()
            await asyncio.gather(printing, draining, return_exceptions=True)


def _engine(
    on_film: OnFilm | None,
    queue: JobQueue,
    spool: Spool | None,
    state: PrinterState,
    route: Route | None,
    *,
    each_copy: bool,
) -> PrintEngine | SpooledPrinting:
    """Return the engine that prints. Raises `EncodeError` for a wrong ``on_film``; it may be None only with a spool."""
    if spool is None:
        check_callable("on_film", on_film)
        assert on_film is not None
        return PrintEngine(queue, on_film, each_copy=each_copy)
    if on_film is not None:
        check_callable("on_film", on_film)
    return SpooledPrinting(spool, on_film, state, route=route, each_copy=each_copy)


def _installed(config: PrinterConfig | None, printer: Printer | None, ae_title: str) -> PrinterConfig:
    """Return the configuration without the features that this installation lacks. Raises `EncodeError`."""
    if printer is not None:
        check_type("printer", printer, Printer, "a print_mgmt.Printer")
    if config is None:
        printer = printer or Printer(PrinterName=ae_title, SoftwareVersions=IMPLEMENTATION_VERSION_NAME)
        config = PrinterConfig(printer=printer)
    check_type("config", config, PrinterConfig, "a PrinterConfig, which load_config and preset make")
    installed = config.as_installed()
    if installed is not config:
        _log.warning(WITHOUT_TEXT)
    return installed
