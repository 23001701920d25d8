"""The server: it listens, decides who may associate, and runs services.

A `Service` is a set of abstract syntaxes and a context manager. The context manager is entered when an association
begins and left when the association ends, in whatever way, so nothing that belongs to an association outlives it. The
context manager yields the handlers by abstract syntax and message class (see `Performer`). `VERIFICATION` is the
smallest service.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from ..errors import REJECT_REASONS, DimseError, EncodeError, escaped
from ..limits import Limits, Timeouts
from ..message import Request
from ..tls import TLSContext, TLSSession
from ..ul import (
    AssociateAC,
    AssociateCache,
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    UpperLayer,
)
from .acceptor import NO_REASON, Acceptor
from .addresses import start_servers
from .admission import Admission, within_descriptors
from .arguments import check_address, check_callable, check_settings, check_texts, check_type
from .association import Association
from .disk import Disk
from .performer import Handler, Handlers, Performer
from .policy import DECISIONS, Acceptance, Caller, Decision, Policy, accept_anyone
from .recorder import Recorder
from .resources import Resources
from .timers import Timer
from .trace import Trace
from .transport import Transport

__all__ = ["Server", "Service", "serve"]

_log = logging.getLogger("dimse.net")

# Connections in one iteration of the event loop; asyncio derives this number from the backlog. With a larger number,
# asyncio looks for another connection after each one, which takes 10 of the 80 us from a connection to its first read.
_ACCEPTED_AT_ONCE = 1
_MAX_QUEUED = 1024  # connections that wait in the queue of the system

# Seconds to wait before the listener is closed. Connections that asyncio has just accepted get their transports during
# this wait, because a timer fires after the other events of its iteration. Without it, asyncio would forget them.
_MOMENT = 1e-12
_LOCAL_LIMIT_EXCEEDED = AssociateRJ(2, 3, 2)

SYNCHRONOUS = AsynchronousOperationsWindow(1, 1)


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a server.

    ``contexts`` maps each abstract syntax to its transfer syntaxes, the best first. ``open`` is called with each
    association, and returns a context manager that yields its handlers. If all associations have the same handlers,
    ``open`` may be these handlers instead. ``as_scu`` are the abstract syntaxes of which the server can also be the SCU
    if the peer proposes that role (PS3.7 D.3.3.4), such as the storage SOP Classes of instances that a C-GET sends.
    """

    contexts: Mapping[str, Sequence[str]]
    open: Callable[[Association], AbstractAsyncContextManager[Handlers]] | Handlers
    as_scu: Collection[str] = ()


class Server:
    """A listener at ``host`` and ``port``, and its associations. Created by `serve`.

    ``associations`` also has the connections on which no association has begun.
    """

    def __init__(
        self,
        services: Sequence[Service],
        acceptor: Acceptor,
        limits: Limits,
        timeouts: Timeouts,
        *,
        tls: TLSContext | None = None,
        trace: Trace | None = None,
        reuse_port: bool = False,
        disk: Disk | None = None,
    ) -> None:
        self.host = ""
        self.port = 0
        self.associations: set[Association] = set()
        disk = disk if trace is None else None  # a trace needs whole messages in memory
        connections = within_descriptors(limits, 0 if disk is None else disk.max_files)
        if connections is not limits:
            _log.warning("connections is %d here: RLIMIT_NOFILE allows no more", connections.connections)
        self.admission = Admission(connections)
        self._services = services
        self._handlers = _shared_handlers(services)
        self._acceptor = acceptor
        self._limits = limits
        self._timeouts = timeouts
        self._tls = tls
        self._trace = trace
        self._reuse_port = reuse_port
        self._associate_cache = AssociateCache()
        self.resources = Resources.of_server(limits, timeouts, disk)
        self._running: dict[Association, asyncio.Task[None]] = {}
        self._idle_timers: dict[Association, Timer] = {}
        self._listeners: list[asyncio.Server] = []
        self._is_closing = False
        self._is_stopping = False
        self._stopped = asyncio.Event()

    async def serve_forever(self) -> None:
        """Wait until the server is closed, or the task is canceled."""
        await self._stopped.wait()

    async def start(self, host: str, port: int) -> None:
        """Start listening. Raises OSError if that fails, `EncodeError` for an unusable host or TLS context."""
        self._new_tls_session()  # raises an error for a TLS context that is not for servers
        try:
            self._listeners = await start_servers(
                self._new_transport, host, port, backlog=_ACCEPTED_AT_ONCE, reuse_port=self._reuse_port
            )
        except ValueError as exc:  # a text that cannot be a host name
            raise EncodeError(f"{host!a} is not a valid host name: {exc}", path="host") from exc
        sockets = [sock for listener in self._listeners for sock in listener.sockets]
        for sock in sockets:  # asyncio has made the queue as short as the backlog
            with sock.dup() as same:
                same.listen(_MAX_QUEUED)
        self.host, self.port = sockets[0].getsockname()[:2]

    async def close(self, *, drain: float = 0.0) -> None:
        """Stop the server.

        New associations are rejected (local-limit-exceeded). Open associations may last ``drain`` seconds more, and are
        then aborted.
        """
        self._is_closing = True
        try:
            if self._running and drain > 0:
                await asyncio.wait(self._running.values(), timeout=drain)
        finally:
            await self._stop()

    async def _stop(self) -> None:
        self._is_stopping = True
        try:
            await asyncio.sleep(_MOMENT)
        finally:
            await self._end_all()

    async def _end_all(self) -> None:
        """Stop listening, and end all associations."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for association in self.associations:
            association.abort()
            if association.associate_rq is None:
                association.transport.close()  # without an association, there is no A-ABORT
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        try:
            if tasks:
                await asyncio.wait(tasks)
            for association in list(self._running):  # its task was canceled before it began
                self._end(association)
            await asyncio.gather(*(association.closed() for association in self.associations))
            if isinstance(self._trace, Recorder):
                await self._trace.written()
        finally:
            self._stopped.set()

    # --- one connection ---

    def _new_transport(self) -> Transport:
        association = Association(
            UpperLayer.acceptor(limits=self._limits, cache=self._associate_cache),
            self._limits,
            self._timeouts,
            on_connect=self._on_connect,
            on_associate=self._on_associate,
            on_gone=self._on_gone,
            secure=self._new_tls_session(),
            trace=self._trace,
            resources=self.resources,
        )
        self.associations.add(association)
        return association.transport

    def _new_tls_session(self) -> TLSSession | None:
        return None if self._tls is None else TLSSession(self._tls, None)

    def _on_connect(self, association: Association) -> bool:
        if self._is_stopping:  # asyncio accepted the connection before the listener was closed
            return False
        limit = self.admission.connect(association.transport.host)
        if limit:
            self.admission.record_limit(limit, association.transport.peer)
        return not limit

    def _on_gone(self, association: Association) -> None:
        self.associations.discard(association)
        if association.transport.is_refused:
            return
        self.admission.disconnect(association.transport.host)
        if association.limit:
            self.admission.record_limit(association.limit, association.transport.peer, association.cause)
        if association.transport.tls_failure:
            self.admission.warn("TLS failed", f"{association.transport.peer}: {association.transport.tls_failure}")

    def _on_associate(self, association: Association) -> None:
        request, transport = association.associate_rq, association.transport
        assert request is not None
        caller = Caller(transport.peer, transport.certificate, self._tls is not None)
        decision = self._acceptor.decide(request, caller)
        if not isinstance(decision, DECISIONS):
            self._start(association, self._decide_and_run(association, decision))
        elif self._answer(association, request, decision):
            self._start(association, self._run(association))

    def _answer(self, association: Association, request: AssociateRQ, decision: Decision) -> bool:
        """Answer A-ASSOCIATE-RQ. Return whether the association is established."""
        transport = association.transport
        if isinstance(decision, AssociateRJ):
            self._reject(association, request, decision)
            return False
        limit = "" if self._is_closing else self.admission.associate(transport.host)
        if limit:
            self.admission.record_limit(limit, transport.peer)
        if limit or self._is_closing:
            self._reject(association, request, _LOCAL_LIMIT_EXCEEDED)
            return False
        try:
            association.accept(self._acceptance(request, decision))
        except EncodeError:
            _log.exception("%s: the user items of the policy cannot be written", transport.peer)
            self.admission.dissociate(transport.host)
            self._reject(association, request, NO_REASON)
            return False
        return True

    def _acceptance(self, request: AssociateRQ, decision: Acceptance | None) -> AssociateAC:
        if decision is None:  # so the answer depends on the request alone
            return self._associate_cache.answer(request, self._acceptor.answer)
        return self._acceptor.answer(request, decision)

    def _reject(self, association: Association, request: AssociateRQ, answer: AssociateRJ) -> None:
        reason = REJECT_REASONS.get((answer.source, answer.reason), "reserved")
        calling, called = request.calling_ae_title, request.called_ae_title
        peer = association.transport.peer
        text = f"{peer}: rejected {escaped(calling)}, which called {escaped(called)}: {reason}"
        self.admission.warn("an association was rejected", text)
        try:
            association.reject(answer)
        except EncodeError:
            _log.exception("%s: the rejection of the policy cannot be written", peer)
            association.reject(NO_REASON)

    # --- one association ---

    def _start(self, association: Association, running: Coroutine[None, None, None]) -> None:
        self._running[association] = asyncio.get_running_loop().create_task(running)

    def _end(self, association: Association) -> None:
        """Stop counting an association whose task is done or about to be done."""
        if self._running.pop(association, None) is not None and association.associate_ac is not None:
            self.admission.dissociate(association.transport.host)

    async def _decide_and_run(self, association: Association, deciding: Awaitable[Decision]) -> None:
        try:
            decision, request = await deciding, association.associate_rq
            assert request is not None
            if association.is_undecided and self._answer(association, request, decision):
                await self._run(association)
        finally:
            self._end(association)

    async def _run(self, association: Association) -> None:
        _log.info("%r begins", association)
        self._watch_idle(association)
        try:
            if self._handlers is not None:
                await self._perform(association, self._handlers)
            else:
                async with AsyncExitStack() as stack:
                    handlers: dict[tuple[str, type[Request]], Handler] = {}
                    for service in self._services:
                        opens = service.open
                        handlers |= await stack.enter_async_context(opens(association)) if callable(opens) else opens
                    await self._perform(association, handlers)
        except DimseError as exc:
            _log.info("%r ends: %s", association, exc)
        except Exception:
            _log.exception("%r: a service failed", association)
        else:
            _log.info("%r ends: released", association)
        finally:
            self._idle_timers.pop(association).cancel()
            association.abort()
            self._end(association)

    async def _perform(self, association: Association, handlers: Handlers) -> None:
        """Perform the requests of the peer until the association ends."""
        performer = Performer(association, handlers)
        try:
            await association.inbox.ended()
        finally:
            association.abort()  # the association may still be open; no further request begins
            try:
                await self.resources.turns.enter(association.transport.host)  # many may end at once
            finally:
                await performer.close()

    def _watch_idle(self, association: Association) -> None:
        """Abort the association if it has been idle for too long, and set the timer for the next such check."""
        left = self._timeouts.idle - association.idle_for()
        if left <= 0:
            association.abort(f"no PDU arrived for {self._timeouts.idle:g} s", limit="idle")
        again = max(left, min(1.0, self._timeouts.idle))
        self._idle_timers[association] = association.timers.set(again, lambda: self._watch_idle(association))


def _shared_handlers(services: Sequence[Service]) -> Handlers | None:
    """Return the handlers of all associations; None if a service has handlers of its own for each association."""
    handlers: dict[tuple[str, type[Request]], Handler] = {}
    for service in services:
        if callable(service.open):
            return None
        handlers |= service.open
    return handlers


def _acceptor(
    services: Sequence[Service],
    policy: Policy,
    window: AsynchronousOperationsWindow,
    limits: Limits,
    timeouts: Timeouts,
    *,
    plain_passcodes: bool,
) -> Acceptor:
    check_type("services", services, Sequence, "a list of dimse.Service")
    for service in services:
        check_type("services", service, Service, "a dimse.Service")
        for syntaxes in service.contexts.values():
            check_texts("services", syntaxes, "transfer syntax UIDs")
    return Acceptor(
        policy=policy,
        supported={uid: syntaxes for service in services for uid, syntaxes in service.contexts.items()},
        as_scu=frozenset(uid for service in services for uid in service.as_scu),
        window=window,
        plain_passcodes=plain_passcodes,
        limits=limits,
        seconds=timeouts.artim,
    )


@asynccontextmanager
async def serve(
    services: Sequence[Service],
    host: str = "127.0.0.1",
    port: int = 11112,
    *,
    policy: Policy = accept_anyone,
    tls: TLSContext | None = None,
    window: AsynchronousOperationsWindow = SYNCHRONOUS,
    plain_passcodes: bool = False,
    reuse_port: bool = False,
    trace: Trace | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    disk: Disk | None = None,
) -> AsyncIterator[Server]:
    """Run a server that listens at ``host`` and ``port`` (0: any free port), for the time of the block.

    ``tls`` comes from `server_context`; with it, each connection begins with a handshake, whose failure ends only that
    connection. ``policy`` decides on each association (see `dimse.net.policy`). ``window`` bounds the operations that
    this side invokes and performs at once, if a peer proposes a window. A user identity with a passcode is rejected
    without TLS, unless ``plain_passcodes`` is set. With ``reuse_port`` several processes may listen at the same port,
    and share its connections (SO_REUSEPORT). ``trace`` is called with a `Record` of each PDU, message and state. Long
    Data Sets go to ``disk`` while they arrive, unless there is a trace, which needs whole messages in memory.

    Raises OSError if the server cannot listen, or `EncodeError` for an argument that cannot be used. All associations
    have ended when the block has been left.
    """
    check_address(host, port, lowest=0)
    check_settings(tls, trace, limits, timeouts)
    check_callable("policy", policy)
    check_type("window", window, AsynchronousOperationsWindow, "an AsynchronousOperationsWindow")
    acceptor = _acceptor(services, policy, window, limits, timeouts, plain_passcodes=plain_passcodes)
    server = Server(services, acceptor, limits, timeouts, tls=tls, trace=trace, reuse_port=reuse_port, disk=disk)
    await server.start(host, port)
    try:
        yield server
    finally:
        await server.close()
