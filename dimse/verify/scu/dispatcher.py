"""The dispatcher: it listens, and hands each connection to a visit that waits for it.

If the tester runs a command, only one visit waits. Otherwise, the port or the called AE title of a connection selects
the case. A connection with any other title goes to the visit that has waited longest.
"""

import asyncio
import ssl
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from ...errors import DimseError
from ...net.addresses import start_servers
from ...ul import AssociateRJ, AssociateRQ, decode_pdu, encode_pdu
from ..peer import Watch
from ..trace import CaseTrace
from ..wire import Wire
from .client_hello import is_whole
from .visit import Visit

__all__ = ["Dispatcher", "Waiting"]

_HEADER = 6
_MAX_PROPOSAL = 1 << 20  # octets of an A-ASSOCIATE-RQ that are read before the visit is known
_MAX_CONNECTIONS = 1000  # of one visit; further ones are aborted
_ASSOCIATE_RQ = 0x01
_TRY_AGAIN = AssociateRJ(2, 1, 1)  # rejected-transient, by the service-user, no reason given
_MAX_HELLO = 1 << 16  # octets of a ClientHello


@dataclass(slots=True)
class Waiting:
    """A visit that waits for connections; a port or a called AE title selects it by ``case_id``."""

    case_id: str
    visit: Visit
    trace: CaseTrace
    connections: int = 0  # of this visit, including those that only choose its case

    def takes_connection(self) -> bool:
        """Count a connection, and return whether the visit takes it; any further one is aborted."""
        self.connections += 1
        return self.connections <= _MAX_CONNECTIONS


@dataclass(slots=True)
class Dispatcher:
    """A dispatcher on ``host`` that listens on ``port`` (0 is any free one), or on each port of ``by_port``.

    ``by_port`` has the case id of each port. With ``by_title``, the called AE title may name a case. A called AE title
    comes after the TLS handshake, too late for a case that varies the handshake. So the association that names such a
    case is rejected, and the next connections are for the case, which is ``armed`` until its visit is over. ``tls`` is
    for visits without a context of their own; None means plain connections.
    """

    host: str
    port: int
    watch: Watch
    by_port: Mapping[int, str] = field(default_factory=dict)
    by_title: bool = False
    tls: ssl.SSLContext | None = None
    waiting: dict[str, Waiting] = field(default_factory=dict)  # by case id, the visit that has waited longest first
    tasks: set[asyncio.Task[None]] = field(default_factory=set)  # one for each connection
    servers: list[asyncio.Server] = field(default_factory=list)
    armed: Waiting | None = None

    async def open(self) -> None:
        """Begin to listen. Raises `OSError` if a port cannot be opened, and ValueError if ``host`` contains NUL."""
        for port in self.by_port or (self.port,):
            reader = partial(_TitleReader, self, self.by_port.get(port, ""))
            self.servers += await start_servers(reader, self.host, port)
        if not self.by_port:
            self.port = self.servers[0].sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, and cancel the tasks that answer connections."""
        for server in self.servers:
            server.close()
        for task in tuple(self.tasks):
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks)

    def choose(self, case_id: str) -> Waiting | None:
        """Return the visit that waits for a case; if there is none, the visit that has waited longest.

        Return None if no visit waits. With ``by_port``, return None also if none waits for this case.
        """
        return self.waiting.get(case_id) or (
            None if case_id and self.by_port else next(iter(self.waiting.values()), None)
        )

    def admit(self, waiting: Waiting, transport: asyncio.Transport, octets: bytes) -> None:
        """Give a connection to a visit, with the octets already read; with TLS, do the handshake first."""
        visit = waiting.visit
        if not waiting.takes_connection():
            transport.abort()
            return
        if visit.reads_hello:
            _HelloReader(waiting, transport).connection_made(transport)
            return
        context = visit.tls or (None if self.by_title else self.tls)  # with titles, `_TitleReader` did the handshake
        watch = self.watch if visit.is_judged else Watch()
        sent, received = watch.connected(waiting.case_id)

        def heard(pdu: bytes) -> None:
            received(pdu)
            if visit.on_pdu is not None:
                visit.on_pdu(visit, wire, pdu)

        waiting.trace.connections += 1
        wire = Wire(waiting.trace.connections, waiting.trace, visit.patience, heard, sent, visit.allowance)
        visit.wires.append(wire)
        visit.open += 1
        if context is None:
            transport.set_protocol(wire)
            wire.connection_made(transport)
        else:
            transport.pause_reading()
        waiting.trace.note(wire.number, f"connection from {_address(transport.get_extra_info('peername'))}")
        self.start(_serve(waiting, wire, transport, context))
        if octets:
            wire.data_received(octets)

    def armed_case(self) -> Waiting | None:
        """Return the armed visit if it still waits."""
        armed = self.armed
        return armed if armed is not None and self.waiting.get(armed.case_id) is armed else None

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Start a task that ends with the dispatcher."""
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def _serve(waiting: Waiting, wire: Wire, transport: asyncio.Transport, context: ssl.SSLContext | None) -> None:
    visit = waiting.visit
    try:
        if context is not None and not await _shake_hands(waiting, wire, transport, context):
            return
        await visit.serve(wire)
    except Exception as exc:
        waiting.trace.note(wire.number, f"the tester failed: {exc!r}")
        visit.failure = exc
        wire.close()


async def _shake_hands(waiting: Waiting, wire: Wire, transport: asyncio.Transport, context: ssl.SSLContext) -> bool:
    """Do the TLS handshake, and return whether it succeeded. A failure is recorded in the visit and its trace."""
    visit = waiting.visit
    try:
        async with asyncio.timeout(visit.patience):
            await wire.start_tls(transport, context, None, is_server=True)
        return True
    except (OSError, TimeoutError) as exc:
        reason = str(exc) or f"{type(exc).__name__} in the handshake"
        waiting.trace.note(wire.number, reason)
        visit.refusals.append(reason)
        visit.open -= 1
        visit.changed.set()
        return False


class _HelloReader(asyncio.Protocol):
    """The protocol of a connection from which only the ClientHello is read, within the patience of the visit."""

    def __init__(self, waiting: Waiting, transport: asyncio.Transport) -> None:
        self._visit, self._trace, self._transport = waiting.visit, waiting.trace, transport
        self._number = self._trace.new_connection()
        self._octets = b""
        self._timer = asyncio.get_running_loop().call_later(self._visit.patience, self._give_up)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.set_protocol(self)
        self._visit.open += 1
        self._trace.note(self._number, f"connection from {_address(transport.get_extra_info('peername'))}")

    def data_received(self, data: bytes) -> None:
        self._trace.octets(self._number, "<", data)
        self._octets += data
        if is_whole(self._octets) or len(self._octets) > _MAX_HELLO:
            self._visit.hello = self._visit.hello or self._octets
            self._timer.cancel()
            self._transport.close()

    def _give_up(self) -> None:
        self._visit.hung = True
        self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._timer.cancel()
        self._visit.open -= 1
        self._visit.changed.set()


def _address(address: object) -> str:
    return ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address)


class _TitleReader(asyncio.Protocol):
    """The first protocol of a connection. If the called AE title selects the case, it reads the A-ASSOCIATE-RQ."""

    def __init__(self, dispatcher: Dispatcher, case_id: str) -> None:
        self._dispatcher, self._case_id = dispatcher, case_id
        self._transport: asyncio.Transport | None = None
        self._octets = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        armed = self._dispatcher.armed_case()
        if armed is not None:
            self._dispatcher.admit(armed, transport, b"")
        elif not self._dispatcher.by_title:
            self._admit(self._case_id, b"")
        elif self._dispatcher.tls is not None:
            self._transport = None  # until `start_tls` has returned: the first octets may arrive earlier
            transport.pause_reading()
            self._dispatcher.start(self._secure(transport, self._dispatcher.tls))

    async def _secure(self, transport: asyncio.Transport, context: ssl.SSLContext) -> None:
        """Do the TLS handshake, after which the A-ASSOCIATE-RQ can be read."""
        with suppress(OSError):  # a peer whose handshake fails gets an alert from OpenSSL, and selects no case
            self._transport = await asyncio.get_running_loop().start_tls(transport, self, context, server_side=True)
            self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        self._octets += data
        if self._transport is not None and self._has_read_enough():
            self._admit(self._called(), self._octets)

    def eof_received(self) -> None:
        if self._octets and self._transport is not None:
            self._admit("", self._octets)

    def _has_read_enough(self) -> bool:
        """Return whether the A-ASSOCIATE-RQ is complete, or too long to wait for, or the octets are not one."""
        head = self._octets[:_HEADER]
        if len(head) < _HEADER:
            return head[:1] not in (b"", bytes((_ASSOCIATE_RQ,)))
        length = int.from_bytes(head[2:], "big")
        return head[0] != _ASSOCIATE_RQ or length > _MAX_PROPOSAL or len(self._octets) >= _HEADER + length

    def _called(self) -> str:
        length = _HEADER + int.from_bytes(self._octets[2:_HEADER], "big")
        with suppress(DimseError):
            pdu = decode_pdu(self._octets[:length])
            return pdu.called_ae_title if isinstance(pdu, AssociateRQ) else ""
        return ""

    def _admit(self, case_id: str, octets: bytes) -> None:
        assert self._transport is not None
        waiting = self._dispatcher.choose(case_id)
        if waiting is None:
            self._transport.abort()
        elif not self._dispatcher.by_title or (waiting.visit.tls is None and not waiting.visit.reads_hello):
            self._dispatcher.admit(waiting, self._transport, octets)
        elif not waiting.takes_connection():
            self._transport.abort()
        else:
            self._dispatcher.armed = waiting
            waiting.trace.note(0, "an association has chosen this case; it was rejected, and the next one counts")
            self._transport.writelines(encode_pdu(_TRY_AGAIN))
            self._transport.close()
