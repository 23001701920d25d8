"""A running site: printers behind one port, one spool, and the workers that deliver films from there."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Self

from dimse.errors import LocalProtocolError, escaped
from dimse.message import Response
from dimse.net import (
    VERIFICATION,
    Acceptance,
    Association,
    Caller,
    Decision,
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
    all_of,
    serve,
)
from dimse.net.own_thread import in_own_thread
from dimse.tls import server_context
from dimse.ul import AssociateRJ, AssociateRQ

from ..config.printer import WITHOUT_TEXT
from ..destinations.destination import Traceable
from ..jobs import PrinterState
from ..scp import PrinterService, SpooledIntake
from ..spool import Spool, SpoolError, open_spool
from ..spool.records import reason_of
from ..spool.tasks import cancel_tasks
from .changes import Difference, find_difference
from .conditions import Conditions
from .config import ListenConfig, SiteConfig, SpoolConfig
from .intake import Intake, report_stranded, route_received
from .spools import default_spool
from .toml import load_site, load_site_again
from .workers import Workers

__all__ = ["Intercept", "Site", "listen_context"]

_log = logging.getLogger("print_mgmt.site")

_CALLED_TITLE_NOT_RECOGNIZED = AssociateRJ(1, 1, 7)  # PS3.8 Table 9-21
_WAIT = 1.0  # seconds to wait for changes of jobs, and between two checks of the free disk space
_PAUSE = 1.0  # seconds between an error of the spool and the next attempt
_PURGE_PERIOD = 600.0  # seconds between two clean-ups of the spool
_DAY = 86_400

Intercept = Callable[[PrinterService, Operation, Callable[[Operation], Awaitable[Response]]], Awaitable[Response]]


class Site:
    """A print server.

    ::

        async with Site.load("site.toml") as site:
            await site.serve_forever()

    The called AE title of an association selects the printer. Films are identified and routed, and N-ACTION is answered
    once they are on stable storage. The workers take them from there to their destinations. When the block is left, the
    associations end, and queued films are delivered for at most ``drain`` seconds more; the rest stays in the spool.

    ``spool`` replaces the spool of the configuration; the site opens and closes it. A site with ``accepts=False``
    accepts no associations; its workers deliver films that other processes stored in the spool. A site with
    ``delivers=False`` has no workers.

    ``policy`` decides about each association, in addition to the called AE title. ``tls`` replaces the TLS settings of
    the configuration. With ``reuse_port``, several processes may listen on the same port. ``trace`` is called with the
    events of all associations, also of associations with destinations and sources.

    Each request of Print Management is passed to ``intercept``, with the printer, and with the function that performs
    the request; ``intercept`` returns the response.
    """

    def __init__(
        self,
        config: SiteConfig,
        *,
        spool: Spool | None = None,
        accepts: bool = True,
        delivers: bool = True,
        policy: Policy = accept_anyone,
        tls: TLSContext | None = None,
        limits: Limits = Limits(),  # noqa: B008  # frozen
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
        trace: Trace | None = None,
        intercept: Intercept | None = None,
        reuse_port: bool = False,
        drain: float = 10.0,
    ) -> None:
        self._trace = trace
        self.config = self._traced(_without_unsupported(config))
        self.host, self.port = config.listen.host, config.listen.port
        self.spool = _open_spool(config.spool) if spool is None else spool
        self.states = {name: PrinterState() for name in config.printers}
        self._path: Path | None = None
        self._accepts, self._delivers = accepts, delivers
        self._intercept, self._drain = intercept, drain
        self._serve = partial(
            serve,
            policy=self._select if policy is accept_anyone else all_of(self._select, policy),
            tls=listen_context(config.listen) if tls is None else tls,
            limits=limits,
            timeouts=timeouts,
            trace=trace,
            reuse_port=reuse_port,
        )
        self._intakes: dict[str, SpooledIntake] = {}
        self._printers: dict[str, PrinterService] = {}
        self._conditions = Conditions(self.states)
        self._workers = Workers(self.spool, lambda: self.config, self._conditions)
        self._server: Server | None = None
        self._reloading = asyncio.Lock()
        self._stack = AsyncExitStack()

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the site that a file describes. Raises OSError and `SiteErrors`."""
        site = cls(load_site(path))
        site._path = Path(path)
        return site

    async def __aenter__(self) -> Self:
        if self._intakes:
            raise LocalProtocolError("the site is already open")
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.spool)
            self._make_printers(stack)
            stack.callback(self._intakes.clear)
            stack.push_async_callback(self._workers.close)
            await self._apply()
            housekeeping = asyncio.create_task(self._report_news()), asyncio.create_task(self._purge())
            stack.push_async_callback(cancel_tasks, *housekeeping)
            stack.push_async_callback(self.drain)
            if self._accepts:
                contexts = dict[str, tuple[str, ...]]()
                for printer in self._printers.values():
                    contexts |= {uid: tuple(syntaxes) for uid, syntaxes in printer.contexts.items()}
                services = [VERIFICATION, Service(contexts, self._open)]
                serving = self._serve(services, self.host, self.port, disk=self.spool.incoming)
                self._server = await stack.enter_async_context(serving)
                self.host, self.port = self._server.host, self._server.port
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            await self._stack.aclose()
        finally:
            self._server = None

    async def serve_forever(self) -> None:
        """Wait until the task is canceled or, for a site that accepts associations, `close` is called.

        Raises `LocalProtocolError` outside the block.
        """
        if not self._intakes:
            raise LocalProtocolError("the site is not open: use it in `async with`")
        if self._server is None:
            await asyncio.Event().wait()
        else:
            await self._server.serve_forever()

    async def close(self) -> None:
        """Reject new associations, and abort those that are still open after ``drain`` seconds."""
        if self._server is not None:
            await self._server.close(drain=self._drain)

    async def drain(self) -> None:
        """Deliver the films that are due, for at most ``drain`` seconds; then finish current deliveries, and stop.

        Deliveries that take more than another minute are canceled.
        """
        await self._workers.drain(self._drain)

    # --- configuration ---

    async def reload(self, config: SiteConfig | None = None) -> Difference:
        """Take over another configuration, or read the file again. No association ends.

        Changes of routes, destinations, identification and retention apply at once. So do changes of four settings of a
        printer: media, ``missing_medium``, ``default`` and ``queue_length``. All other differences are listed in
        `Difference.needs_restart`. Concurrent calls run one after the other. Raises OSError, `SiteErrors`, and
        `LocalProtocolError` if the site has no file; then nothing has changed.
        """
        async with self._reloading:
            if config is None:
                if self._path is None:
                    raise LocalProtocolError("the site was not loaded from a file: pass a configuration")
                config = await in_own_thread(load_site_again, self._path)
            found = find_difference(self.config, _without_unsupported(config))
            self.config = self._traced(found.site)
            for name, printer in self._printers.items():
                printer.config = found.site.printers[name].config
            if self._intakes:  # a site that is not open has no workers, and applies the configuration when it opens
                await self._apply()
            return found

    def _traced(self, config: SiteConfig) -> SiteConfig:
        """Return the configuration; with a trace function, its destinations and sources report their events to it."""
        if self._trace is None:
            return config
        destinations, sources = {}, {}
        for name, to in config.destinations.items():
            if isinstance(to.destination, Traceable):
                to = replace(to, destination=to.destination.traced(self._trace))
            destinations[name] = to
        for name, source in config.identification.sources.items():
            sources[name] = source.traced(self._trace) if isinstance(source, Traceable) else source
        identification = replace(config.identification, sources=sources)
        return replace(config, destinations=destinations, identification=identification)

    async def _apply(self) -> None:
        """Apply the configuration to the workers, and to the films that wait for media or have no destination."""
        site = self.config
        self._conditions.set_reachable({name: site.reaches(printer) for name, printer in site.printers.items()})
        if self._delivers:
            self._workers.apply(site.destinations)
        try:
            for name in site.destinations:
                await self.spool.media_loaded(name)
            await route_received(self.spool, site)
            if self._delivers:
                await report_stranded(self.spool, site)
        except SpoolError as exc:
            _log.error("the spool failed: %s", escaped(str(exc)))

    # --- associations ---

    def _make_printers(self, stack: AsyncExitStack) -> None:
        """Make the printer services. Closing ``stack`` completes the work of their intakes."""
        for name, printer in self.config.printers.items():
            routing = Intake(self.spool, lambda: self.config, name)
            stack.push_async_callback(routing.close)
            self._intakes[name] = intake = SpooledIntake(self.spool, routing.store, printer.PrinterName)
            self._printers[name] = service = PrinterService(printer.config, intake, self.states[name])
            if self._intercept is not None:
                service.intercept = partial(self._intercept, service)

    def _select(self, request: AssociateRQ, caller: Caller) -> Decision:  # noqa: ARG002
        """Accept the SOP Classes of the called printer; reject an association if there is no such printer."""
        name = self.config.printer_name(request.called_ae_title)
        if name is None:
            return _CALLED_TITLE_NOT_RECOGNIZED
        return Acceptance(contexts={**VERIFICATION.contexts, **self._printers[name].contexts})

    @asynccontextmanager
    async def _open(self, association: Association) -> AsyncIterator[Handlers]:
        assert association.associate_rq is not None
        name = self.config.printer_name(association.associate_rq.called_ae_title)
        if name is None:  # a reload has just removed the default printer
            yield {}
            return
        async with self._printers[name].open(association) as handlers:
            yield handlers

    # --- housekeeping ---

    async def _report_news(self) -> None:
        """Report changes of jobs in the spool to clients, and watch the free space of its disk."""
        revision: int | None = None
        while True:
            try:
                revision, jobs = await self.spool.news(revision, wait=_WAIT)
                self._conditions.set_room(self.spool.room)
            except SpoolError as exc:
                _log.error("the spool cannot be asked for changes of jobs: %s", escaped(str(exc)))
                revision = revision or 0  # with None, the next try would miss the jobs accepted meanwhile
                await asyncio.sleep(_PAUSE)
                continue
            except Exception:  # a bug; clients must still get reports about later films
                _log.exception("the spool cannot be asked for changes of jobs")
                revision = revision or 0
                await asyncio.sleep(_PAUSE)
                continue
            for intake in self._intakes.values():
                intake.report(jobs)

    async def _purge(self) -> None:
        """Every ten minutes, remove the done and canceled films that exceed the limits of the site (`Keep`)."""
        while True:
            keep = self.config.spool.keep
            try:
                removed = await self.spool.purge(age=keep.days * _DAY, count=keep.films, size=keep.size)
            except (SpoolError, OSError) as exc:
                _log.error("the spool cannot be cleaned up: %s", reason_of(exc))
            except Exception:  # a bug; the next clean-up may succeed
                _log.exception("the spool cannot be cleaned up")
            else:
                if removed:
                    _log.info("old films removed from the spool: %d", len(removed))
            await asyncio.sleep(_PURGE_PERIOD)


def _without_unsupported(config: SiteConfig) -> SiteConfig:
    """Return the configuration; without annotation boxes if Pillow, which draws their text, is not installed."""
    printers = {name: replace(one, config=one.config.as_installed()) for name, one in config.printers.items()}
    if any(one.config is not config.printers[name].config for name, one in printers.items()):
        _log.warning(WITHOUT_TEXT)
    return replace(config, printers=printers)


def _open_spool(config: SpoolConfig) -> Spool:
    return open_spool(config.at or default_spool(), limits=config.limits)


def listen_context(listen: ListenConfig) -> TLSContext | None:
    """Return the TLS context of a site, or None for plain connections. Raises what `server_context` raises."""
    if not listen.certificate:
        return None
    return server_context(listen.certificate, listen.key, ca=listen.ca, profile=listen.profile)
