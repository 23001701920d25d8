"""`PrintServer`: a listener, a printer, and the engine that prints."""

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
from ..jobs import JobQueue, PrinterState, PrintJob, PrintQueue
from ..model import Printer
from ..spool import Spool
from .engine import OnFilm, PrintEngine
from .printer import Perform, PrinterService
from .spooled import Route, SpooledPrinting

__all__ = ["Around", "PrintServer"]

_log = logging.getLogger("print_mgmt.scp")

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
        config = _installed(config, printer, check_ae_title(ae_title, "ae_title"))
        state = PrinterState()
        if queue is None:
            queue = PrintQueue(config.queue_length, memory=config.total_memory, host_memory=config.host_memory)
        self.queue: JobQueue = queue
        self._engine = _engine(on_film, self.queue, spool, state, route, each_copy=each_copy)
        self._printer = PrinterService(config, self._engine, state, around=partial(around, self) if around else None)
        self._serve = partial(serve, policy=policy, tls=tls, limits=limits, timeouts=timeouts, trace=trace)
        self._drain = drain
        self._server: Server | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._server is not None:
            raise LocalProtocolError("the server is open already")
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._finish, asyncio.create_task(self._engine.run()))
            services = [VERIFICATION, Service(self._printer.contexts, self._printer.open)]
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
        return self._printer.associations

    @property
    def printer_state(self) -> PrinterState:
        """The state of the printer, which may be set."""
        return self._printer.printer_state

    @property
    def config(self) -> PrinterConfig:
        """The configuration of the printer, as far as this installation can do it."""
        return self._printer.config

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
        await self._printer.events_sent(association)

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
