"""The acceptor: `serve` listens, decides who may associate, and runs the services asked for.

A `Service` is what an acceptor offers: abstract syntaxes, and a context manager that is entered
when an association begins and left when it ends in whatever way, so that what belongs to an
association cannot outlive it. Its handlers are found by presentation context and message class
(see `dispatch`); printing is one user of this, `VERIFICATION` the smallest.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext

from ..errors import DimseError
from ..limits import Limits, Timeouts
from ..ul import AssociateAC, AssociateRJ, AssociateRQ, UpperLayer, answer
from .admission import Admission
from .association import Association
from .client import user_information
from .dispatch import Handler, Handlers, perform_requests
from .secure import Secure
from .tls import Certificate
from .trace import Trace
from .transport import SCRATCH, Transport, shares_scratch

__all__ = ["Caller", "Policy", "Server", "Service", "accept_anyone", "serve"]

_log = logging.getLogger("dimse.net")

_DICOM_APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
_CONTEXT_NAME_NOT_SUPPORTED = AssociateRJ(1, 1, 2)
_LOCAL_LIMIT_EXCEEDED = AssociateRJ(2, 3, 2)


@dataclass(frozen=True, slots=True)
class Service:
    """What an acceptor offers.

    ``contexts`` has the transfer syntaxes of each abstract syntax, the best one first;
    ``open`` makes the handlers of one association.
    """

    contexts: Mapping[str, Sequence[str]]
    open: Callable[[Association], AbstractAsyncContextManager[Handlers]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who connected: HOST:PORT, and the certificate that was shown, None without TLS or without one."""

    address: str
    certificate: Certificate | None = None


Policy = Callable[[AssociateRQ, Caller], AssociateRJ | None]  # the refusal, None to accept


def accept_anyone(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
    """The policy that asks for no name."""
    return None


class Server:
    """A listener and its associations. Made by `serve`."""

    def __init__(
        self,
        services: Sequence[Service],
        policy: Policy,
        limits: Limits,
        timeouts: Timeouts,
        tls: SSLContext | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.host = ""
        self.port = 0
        self.associations: set[Association] = set()
        self._services = services
        self._supported = {
            abstract: syntaxes for service in services for abstract, syntaxes in service.contexts.items()
        }
        self.admission = Admission(limits)
        self._policy = policy
        self._limits = limits
        self._timeouts = timeouts
        self._tls = tls
        self._trace = trace
        self._scratch: memoryview | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._watches: dict[Association, asyncio.TimerHandle] = {}
        self._listener: asyncio.Server | None = None
        self._stopped = asyncio.Event()

    async def serve_forever(self) -> None:
        """Wait until the server is closed, or the task cancelled."""
        await self._stopped.wait()

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError where that cannot be done."""
        self._secure()  # raises for a context that is none of a server
        loop = asyncio.get_running_loop()
        if shares_scratch(loop):
            self._scratch = memoryview(bytearray(SCRATCH))
        self._listener = await loop.create_server(self._connection, host, port, backlog=1024)
        address = self._listener.sockets[0].getsockname()
        self.host, self.port = address[0], address[1]

    async def close(self, *, drain: float = 0.0) -> None:
        """Refuse what is new, let what runs go on for ``drain`` seconds, and abort the rest."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        if self._tasks and drain > 0:
            await asyncio.wait(self._tasks, timeout=drain)
        for association in self.associations:
            association.abort()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(association.closed() for association in self.associations))
        self._stopped.set()

    # --- one connection ---

    def _connection(self) -> Transport:
        association = Association(
            UpperLayer.acceptor(limits=self._limits),
            self._limits,
            self._timeouts,
            on_connect=self._on_connect,
            on_associate=self._on_associate,
            on_gone=self._gone,
            scratch=self._scratch,
            secure=self._secure(),
            trace=self._trace,
        )
        self.associations.add(association)
        return association.transport

    def _secure(self) -> Secure | None:
        return None if self._tls is None else Secure(self._tls, None)

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
        request = association.associate_rq
        assert request is not None
        transport = association.transport
        refusal = self._refusal(request, transport)
        if refusal is not None:
            association.reject(refusal)
            return
        association.accept(
            AssociateAC(
                called_ae_title=request.called_ae_title,
                calling_ae_title=request.calling_ae_title,
                reserved=request.reserved,
                presentation_contexts=answer(request.presentation_contexts, self._supported),
                user_information=user_information(self._limits),
            )
        )
        task = asyncio.get_running_loop().create_task(self._run(association))
        self._tasks.add(task)
        task.add_done_callback(lambda ended: self._ended(ended, transport.host))

    def _ended(self, task: asyncio.Task[None], host: str) -> None:
        self._tasks.discard(task)
        self.admission.dissociate(host)

    def _refusal(self, request: AssociateRQ, transport: Transport) -> AssociateRJ | None:
        if request.application_context_name != _DICOM_APPLICATION_CONTEXT:
            return _CONTEXT_NAME_NOT_SUPPORTED
        refusal = self._policy(request, Caller(transport.peer, transport.certificate))
        if refusal is not None:
            return refusal
        limit = self.admission.associate(transport.host)
        if limit:
            self.admission.hit(limit, transport.peer)
            return _LOCAL_LIMIT_EXCEEDED
        return None

    async def _run(self, association: Association) -> None:
        _log.info("%r begins", association)
        self._watch(association)
        try:
            async with AsyncExitStack() as stack:
                handlers: dict[tuple[str, type], Handler] = {}
                for service in self._services:
                    handlers |= await stack.enter_async_context(service.open(association))
                await perform_requests(association, handlers)
        except DimseError as exc:
            _log.info("%r ends: %s", association, exc)
        except Exception:
            _log.exception("%r: a service failed", association)
        else:
            _log.info("%r ends: released", association)
        finally:
            self._watches.pop(association).cancel()
            association.abort()

    def _watch(self, association: Association) -> None:
        """Abort an association whose peer asks for nothing any more; look again when it might."""
        left = self._timeouts.idle - association.idle_for()
        if left <= 0:
            association.abort(f"nothing came for {self._timeouts.idle:g} s", limit="idle")
        loop = asyncio.get_running_loop()
        self._watches[association] = loop.call_later(max(left, min(1.0, self._timeouts.idle)), self._watch, association)


@asynccontextmanager
async def serve(
    services: Sequence[Service],
    host: str = "127.0.0.1",
    port: int = 11112,
    *,
    policy: Policy = accept_anyone,
    tls: SSLContext | None = None,
    trace: Trace | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
) -> AsyncIterator[Server]:
    """A server that listens at ``host`` and ``port`` (0: a free one) for as long as the block runs.

    ``tls`` is what `server_context` makes: every connection then begins with a handshake, and one that fails
    ends its connection and nothing else. ``policy`` is asked for each association, with the caller's certificate.
    ``trace`` is called with a `Record` of each PDU, message and state of each association.

    Raises OSError where that cannot be done. All associations have ended when the block is left.
    """
    server = Server(services, policy, limits, timeouts, tls, trace)
    await server.start(host, port)
    try:
        yield server
    finally:
        await server.close()
