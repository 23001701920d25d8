"""The acceptor: `serve` listens, decides who may associate, and runs the services asked for.

A `Service` is what an acceptor offers: abstract syntaxes, and a context manager that is entered
when an association begins and left when it ends in whatever way, so that what belongs to an
association cannot outlive it. Its handlers are found by presentation context and message class
(see `dispatch`); printing is one user of this, `VERIFICATION` the smallest.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from inspect import isawaitable

from ..errors import REJECT_REASONS, DimseError, EncodeError
from ..limits import Limits, Timeouts
from ..tls import TLSContext, TLSSession
from ..ul import (
    AssociateCache,
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    UpperLayer,
)
from .accepting import NO_REASON, Acceptor
from .admission import Admission
from .arguments import check_address, check_callable, check_settings, check_type
from .association import Association
from .descriptors import within_descriptors
from .dispatch import Handler, Handlers, Performer
from .fairness import Turns
from .memory_budget import MemoryBudget
from .policy import Caller, Decision, Policy, accept_anyone
from .trace import Trace
from .transport import Transport
from .workers import Workers

__all__ = ["Server", "Service", "serve"]

_log = logging.getLogger("dimse.net")

_ACCEPTED_AT_ONCE = 16  # connections in one iteration of the event loop, which asyncio takes from the backlog
_QUEUED = 1024  # connections that the system keeps until they are accepted
_LOCAL_LIMIT_EXCEEDED = AssociateRJ(2, 3, 2)

SYNCHRONOUS = AsynchronousOperationsWindow(1, 1)


@dataclass(frozen=True, slots=True)
class Service:
    """What an acceptor offers.

    ``contexts`` has the transfer syntaxes of each abstract syntax, the best one first;
    ``open`` makes the handlers of one association. ``as_scu`` are the abstract syntaxes of which it
    can be the SCU, too, where the peer proposes that (PS3.7 D.3.3.4): those that a C-GET sends.
    """

    contexts: Mapping[str, Sequence[str]]
    open: Callable[[Association], AbstractAsyncContextManager[Handlers]]
    as_scu: Collection[str] = ()


class Server:
    """A listener and its associations. Made by `serve`."""

    def __init__(
        self,
        services: Sequence[Service],
        policy: Policy,
        limits: Limits,
        timeouts: Timeouts,
        *,
        tls: TLSContext | None = None,
        trace: Trace | None = None,
        window: AsynchronousOperationsWindow = SYNCHRONOUS,
        plain_passcodes: bool = False,
    ) -> None:
        self.host = ""
        self.port = 0
        self.associations: set[Association] = set()
        connections = within_descriptors(limits)
        if connections is not limits:
            _log.warning("connections is %d here: RLIMIT_NOFILE allows no more", connections.connections)
        self.admission = Admission(connections)
        self._services = services
        self._acceptor = Acceptor(
            policy=policy,
            supported={uid: syntaxes for service in services for uid, syntaxes in service.contexts.items()},
            as_scu=frozenset(uid for service in services for uid in service.as_scu),
            window=window,
            plain_passcodes=plain_passcodes,
            limits=limits,
            seconds=timeouts.artim,
        )
        self._limits = limits
        self._timeouts = timeouts
        self._tls = tls
        self._trace = trace
        self._associate_cache = AssociateCache()
        self._turns = Turns()
        self._workers = Workers()
        self._budget = MemoryBudget(limits, timeouts.stall)
        self._tasks: set[asyncio.Task[None]] = set()
        self._watches: dict[Association, int] = {}  # the alarm of each
        self._listener: asyncio.Server | None = None
        self._is_closing = False
        self._stopped = asyncio.Event()

    async def serve_forever(self) -> None:
        """Wait until the server is closed, or the task cancelled."""
        await self._stopped.wait()

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError where that cannot be done."""
        self._secure()  # raises for a context that is none of a server
        loop = asyncio.get_running_loop()
        try:
            listener = await loop.create_server(
                self._connection, host, port, backlog=_ACCEPTED_AT_ONCE, start_serving=False
            )
        except ValueError as exc:  # asyncio's, of a text that no host can have for a name
            raise EncodeError(f"{host!a} is not the name of a host: {exc}", path="host") from exc
        except socket.gaierror as exc:  # which does not say whose name it is
            raise socket.gaierror(exc.errno, f"cannot listen on {host}: {exc.strerror}") from exc
        try:
            await listener.start_serving()
            for listening in listener.sockets:
                with listening.dup() as same:
                    same.listen(_QUEUED)
        except BaseException:  # cancelled: asyncio would leave it open
            listener.close()
            raise
        self._listener = listener
        address = listener.sockets[0].getsockname()
        self.host, self.port = address[0], address[1]

    async def close(self, *, drain: float = 0.0) -> None:
        """Let associations go on for ``drain`` seconds, refuse new ones (local-limit-exceeded), and abort the rest."""
        self._is_closing = True
        try:
            if self._tasks and drain > 0:
                await asyncio.wait(self._tasks, timeout=drain)
        finally:
            await self._stop()

    async def _stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for association in self.associations:
            association.abort()
            if association.associate_rq is None:
                association.transport.close()  # there is nothing to abort
        for task in self._tasks:
            task.cancel()
        try:
            if self._tasks:
                await asyncio.wait(self._tasks)
            await asyncio.gather(*(association.closed() for association in self.associations))
        finally:
            self._stopped.set()

    # --- one connection ---

    def _connection(self) -> Transport:
        association = Association(
            UpperLayer.acceptor(limits=self._limits, cache=self._associate_cache),
            self._limits,
            self._timeouts,
            on_connect=self._on_connect,
            on_associate=self._on_associate,
            on_gone=self._gone,
            secure=self._secure(),
            trace=self._trace,
            turns=self._turns,
            workers=self._workers,
            budget=self._budget,
        )
        self.associations.add(association)
        return association.transport

    def _secure(self) -> TLSSession | None:
        return None if self._tls is None else TLSSession(self._tls, None)

    def _on_connect(self, association: Association) -> bool:
        limit = self.admission.connect(association.transport.host)
        if limit:
            self.admission.hit(limit, association.transport.peer)
        return not limit

    def _gone(self, association: Association) -> None:
        self.associations.discard(association)
        if association.transport.is_refused:
            return
        self.admission.disconnect(association.transport.host)
        if association.limit:
            self.admission.hit(association.limit, association.transport.peer, association.cause)
        if association.transport.tls_failure:
            _log.warning("%s: %s", association.transport.peer, association.transport.tls_failure)

    def _on_associate(self, association: Association) -> None:
        request, transport = association.associate_rq, association.transport
        assert request is not None
        caller = Caller(transport.peer, transport.certificate, self._tls is not None)
        decision = self._acceptor.decide(request, caller)
        if isawaitable(decision):
            self._start(association, self._run_later(association, decision))
        elif self._answer(association, request, decision):
            self._start(association, self._run(association))

    def _answer(self, association: Association, request: AssociateRQ, decision: Decision) -> bool:
        """Answer A-ASSOCIATE-RQ; whether there is an association now."""
        transport = association.transport
        if isinstance(decision, AssociateRJ):
            return self._refuse(association, request, decision)
        limit = "" if self._is_closing else self.admission.associate(transport.host)
        if limit:
            self.admission.hit(limit, transport.peer)
        if limit or self._is_closing:
            return self._refuse(association, request, _LOCAL_LIMIT_EXCEEDED)
        try:
            association.accept(self._acceptor.answer(request, decision))
        except EncodeError:
            _log.exception("%s: what the policy says cannot be written", transport.peer)
            self.admission.dissociate(transport.host)
            return self._refuse(association, request, NO_REASON)
        return True

    def _refuse(self, association: Association, request: AssociateRQ, answer: AssociateRJ) -> bool:
        reason = REJECT_REASONS.get((answer.source, answer.reason), "reserved")
        calling, called = request.calling_ae_title, request.called_ae_title
        _log.warning("%s: %s, who calls %s, is refused: %s", association.transport.peer, calling, called, reason)
        association.reject(answer)
        return False

    # --- one association ---

    def _start(self, association: Association, running: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(running)
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, association))

    def _ended(self, task: asyncio.Task[None], association: Association) -> None:
        self._tasks.discard(task)
        if association.associate_ac is not None:
            self.admission.dissociate(association.transport.host)

    async def _run_later(self, association: Association, deciding: Awaitable[Decision]) -> None:
        decision, request = await deciding, association.associate_rq
        assert request is not None
        if association.is_undecided and self._answer(association, request, decision):
            await self._run(association)

    async def _run(self, association: Association) -> None:
        _log.info("%r begins", association)
        self._watch(association)
        try:
            async with AsyncExitStack() as stack:
                handlers: dict[tuple[str, type], Handler] = {}
                for service in self._services:
                    handlers |= await stack.enter_async_context(service.open(association))
                performer = Performer(association, handlers)
                try:
                    await association.inbox.ended()
                finally:
                    association.abort()  # without effect on one that has ended; nothing else begins in the others
                    await performer.close()
        except DimseError as exc:
            _log.info("%r ends: %s", association, exc)
        except Exception:
            _log.exception("%r: a service failed", association)
        else:
            _log.info("%r ends: released", association)
        finally:
            association.alarms.clear(self._watches.pop(association))
            association.abort()

    def _watch(self, association: Association) -> None:
        """Abort an association whose peer asks for nothing any more; look again when it might."""
        left = self._timeouts.idle - association.idle_for()
        if left <= 0:
            association.abort(f"nothing came for {self._timeouts.idle:g} s", limit="idle")
        again = max(left, min(1.0, self._timeouts.idle))
        self._watches[association] = association.alarms.set(again, lambda: self._watch(association))


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
    trace: Trace | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
) -> AsyncIterator[Server]:
    """A server that listens at ``host`` and ``port`` (0: a free one) for as long as the block runs.

    ``tls`` is what `server_context` makes: every connection then begins with a handshake, and one that fails
    ends its connection and nothing else. ``policy`` is asked for each association (see `dimse.net.policy`).
    ``window`` is how many operations this side invokes and performs at once where a peer asks for that. A user
    identity with a passcode is refused without TLS, unless ``plain_passcodes``.
    ``trace`` is called with a `Record` of each PDU, message and state of each association.

    Raises OSError where that cannot be done, and `EncodeError` for an argument that cannot be used. All associations
    have ended when the block is left.
    """
    check_address(host, port, lowest=0)
    check_settings(tls, trace, limits, timeouts)
    check_callable("policy", policy)
    check_type("services", services, Sequence, "a list of dimse.Service")
    for service in services:
        check_type("services", service, Service, "a dimse.Service")
    server = Server(
        services, policy, limits, timeouts, tls=tls, trace=trace, window=window, plain_passcodes=plain_passcodes
    )
    await server.start(host, port)
    try:
        yield server
    finally:
        await server.close()
