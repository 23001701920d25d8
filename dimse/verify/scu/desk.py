"""The desk: it listens, and hands each connection to a visit that waits for it.

If the tester runs a command, only one visit waits. Otherwise the port determines the case, or else the called AE title
does. A connection with any other title goes to the visit that has waited longest.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from ...errors import DimseError
from ...ul import AssociateRQ, decode_pdu
from ..peer import Watch
from ..trace import Trace
from ..wire import Wire
from .visit import Visit

__all__ = ["Desk", "Waiting"]

_HEADER = 6
_MOST_PROPOSAL = 1 << 20  # octets of an A-ASSOCIATE-RQ that are read before the visit is known
_ASSOCIATE_RQ = 0x01


@dataclass(slots=True)
class Waiting:
    """A visit that waits for connections; ``case_id`` is the called AE title that selects it."""

    case_id: str
    visit: Visit
    trace: Trace


@dataclass(slots=True)
class Desk:
    """A desk on ``host`` that listens on ``port`` (0 is any free one), or on each port of ``by_port``.

    ``by_port`` has the case id of each port. With ``by_title``, the called AE title may name a case.
    """

    host: str
    port: int
    watch: Watch
    by_port: Mapping[int, str] = field(default_factory=dict)
    by_title: bool = False
    waiting: dict[str, Waiting] = field(default_factory=dict)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    servers: list[asyncio.Server] = field(default_factory=list)

    async def open(self) -> None:
        """Begin to listen. Raises `OSError` if a port cannot be opened."""
        loop = asyncio.get_running_loop()
        for port in self.by_port or (self.port,):
            case_id = self.by_port.get(port, "")
            self.servers.append(await loop.create_server(lambda c=case_id: _Porter(self, c), self.host, port))  # type: ignore[misc]  # a default binds the loop variable
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
        """Return the visit that waits for a case; if there is none, the first visit, or None with ``by_port``."""
        return self.waiting.get(case_id) or (
            None if case_id and self.by_port else next(iter(self.waiting.values()), None)
        )

    def admit(self, waiting: Waiting, transport: asyncio.Transport, octets: bytes) -> None:
        """Give a connection to a visit, with the octets already read from it."""
        visit = waiting.visit
        watch = self.watch if visit.is_judged else Watch()
        sent, received = watch.connected(waiting.case_id)

        def heard(pdu: bytes) -> None:
            received(pdu)
            if visit.on_pdu is not None:
                visit.on_pdu(visit, wire, pdu)

        waiting.trace.connections += 1
        wire = Wire(waiting.trace.connections, waiting.trace, visit.patience, heard, sent)
        visit.wires.append(wire)
        visit.open += 1
        transport.set_protocol(wire)
        wire.connection_made(transport)
        waiting.trace.note(wire.number, f"connection from {_text(transport.get_extra_info('peername'))}")
        task = asyncio.ensure_future(_served(visit, wire, waiting))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if octets:
            wire.data_received(octets)


async def _served(visit: Visit, wire: Wire, waiting: Waiting) -> None:
    try:
        await visit.serve(wire)
    except Exception as exc:
        waiting.trace.note(wire.number, f"the tester failed: {exc!r}")
        visit.failure = exc
        wire.close()


def _text(address: object) -> str:
    return ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address)


class _Porter(asyncio.Protocol):
    """The first protocol of a connection. If the called AE title selects the case, it reads the A-ASSOCIATE-RQ."""

    def __init__(self, desk: Desk, case_id: str) -> None:
        self._desk, self._case_id = desk, case_id
        self._transport: asyncio.Transport | None = None
        self._octets = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._desk.by_title:
            self._admit(self._case_id, b"")

    def data_received(self, data: bytes) -> None:
        self._octets += data
        if self._is_whole():
            self._admit(self._called(), self._octets)

    def eof_received(self) -> None:
        if self._octets:
            self._admit("", self._octets)

    def _is_whole(self) -> bool:
        head = self._octets[:_HEADER]
        if len(head) < _HEADER:
            return head[:1] not in (b"", bytes((_ASSOCIATE_RQ,)))
        length = int.from_bytes(head[2:], "big")
        return head[0] != _ASSOCIATE_RQ or length > _MOST_PROPOSAL or len(self._octets) >= _HEADER + length

    def _called(self) -> str:
        length = _HEADER + int.from_bytes(self._octets[2:_HEADER], "big")
        with suppress(DimseError):
            pdu = decode_pdu(self._octets[:length])
            return pdu.called_ae_title if isinstance(pdu, AssociateRQ) else ""
        return ""

    def _admit(self, case_id: str, octets: bytes) -> None:
        assert self._transport is not None
        waiting = self._desk.choose(case_id)
        if waiting is None:
            self._transport.abort()
        else:
            self._desk.admit(waiting, self._transport, octets)
