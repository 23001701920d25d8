"""One visit of the SCU under test: everything that the SCU does in one run, and the tester's answers.

A script is a table ``{(operation, nth): reaction}``. Each request gets the right answer of the plain acceptor, unless
the table has a reaction for it. The case judges the behavior of the SCU after the first reaction.

The name of an operation is its message and SOP Class, as in ``N-CREATE Film Box``. A key may also be the beginning of
a name, such as ``N-CREATE``, or ``*`` for any request. ``A-ASSOCIATE`` and ``A-RELEASE`` are operations of the upper
layer. ``nth`` counts the operations that match the key in the whole visit, from 1; 0 stands for each of them.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random

from ...data import Dataset
from ...explain.command import message_name
from ...message import NEventReportRQ, Request, Response
from ...uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from ...ul import (
    Abort,
    AssociateAC,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    ReleaseRP,
    answer,
)
from ..allowance import Allowance
from ..case import Unprepared
from ..observation import Aborted, Asked, Closed, Garbled, ReleaseAsked, Seen, Silent
from ..peer import OUR_MAXIMUM_LENGTH
from ..wire import Wire
from .program import Ended
from .service import MakeService, Service, class_name, respond

__all__ = ["ASSOCIATE", "RELEASE", "Exchange", "Reaction", "Table", "Visit"]

ASSOCIATE, RELEASE = "A-ASSOCIATE", "A-RELEASE"
_END_WAIT = 2.0  # seconds for the peer to end a connection after our FIN
_MAX_EVENTS = 20_000  # events that the tester reads on one connection
_MAX_OCTETS = 1 << 30  # on all connections of a visit: a plain scenario may print many films


@dataclass(slots=True)
class Exchange:
    """A request of the SCU, and the right answer to it.

    The right answer is ``pdu`` for an A-ASSOCIATE-RQ, ``response`` with the Data Set ``data`` for a message, and an
    A-RELEASE-RP otherwise. ``sent`` is the Data Set that a reaction has sent in place of ``data``, and ``status`` is
    the status of the response that was sent.
    """

    visit: "Visit"
    wire: Wire
    asked: Seen
    context_id: int = 0
    request: Request | None = None
    response: Response | None = None
    data: Dataset | None = None
    pdu: AssociateAC | None = None
    sent: Dataset | None = None
    status: int | None = None

    @property
    def name(self) -> str:
        """The name of the operation, such as ``N-CREATE Film Box``; "" for a request of the upper layer."""
        return "" if self.request is None else _name_of(self.request)

    @property
    def abstract_syntax(self) -> str:
        """The abstract syntax of the request's context; "" if the context was not accepted."""
        return self.wire.contexts.get(self.context_id, ("", ""))[0]

    def proceed(self, **changes: object) -> None:
        """Send the right answer; ``changes`` replace fields of the response or of the A-ASSOCIATE-AC."""
        if self.pdu is not None:
            self.wire.accept(replace(self.pdu, **changes))  # type: ignore[arg-type]  # fields of the PDU
        elif self.response is not None:
            answer = replace(self.response, **changes)  # type: ignore[arg-type]  # fields of the response
            self.status = answer.Status
            self.wire.say(answer, self.context_id)
        else:
            self.wire.send(ReleaseRP())


Reaction = Callable[[Exchange], Awaitable[None]]
Table = Mapping[tuple[str, int], Reaction]
OnPDU = Callable[["Visit", Wire, bytes], None]


@dataclass(slots=True)
class Visit:
    """One visit.

    ``operations`` has the names of the SCU's requests, without A-ASSOCIATE and A-RELEASE, in the order of their
    arrival. The name of a request says so if its context was not accepted.

    ``patience`` is the time in seconds to wait for the next event of the SCU on a connection.
    """

    table: Table
    service: MakeService
    random: Random
    patience: float
    wires: list[Wire] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)  # one for each message of the SCU that has an answer
    first_reaction: tuple[Wire, int] | None = None  # its connection, and the number of events there until then
    exchanges_at_reaction: int = 0  # the number of exchanges up to the first reaction, its own included
    hung: bool = False  # whether the SCU was silent for ``patience`` on a connection
    is_endless: bool = False  # whether the SCU went on for longer than a visit may take
    ended: Ended | None = None  # the end of the program, if the tester started one
    is_running: bool = False  # whether the program did not end, although its connections had ended
    on_pdu: OnPDU | None = None
    is_judged: bool = True  # whether the invariants judge the traffic
    max_length: int = OUR_MAXIMUM_LENGTH
    tls: ssl.SSLContext | None = None  # in place of the tester's usual context
    reads_hello: bool = False  # whether to read only the ClientHello, and then close the connection
    hello: bytes = b""  # the first octets of the SCU, if ``reads_hello``
    refusals: list[str] = field(default_factory=list)  # how TLS handshakes failed
    failure: Exception | None = None  # an error of the tester itself, or why the visit cannot be judged
    open: int = 0  # the number of open connections
    changed: asyncio.Event = field(default_factory=asyncio.Event)  # set after each event of the SCU
    allowance: Allowance = field(default_factory=lambda: Allowance(_MAX_OCTETS))
    # For each answer that the SCU did not await: its connection, and the number of events on it before
    early: list[tuple[Wire, int]] = field(default_factory=list)
    times: list[tuple[str, float, float]] = field(default_factory=list)  # operation, time of request, time of answer
    _counts: Counter[str] = field(default_factory=Counter)
    services: dict[int, Service] = field(default_factory=dict)  # by the number of the connection

    # --- connections ---

    async def serve(self, wire: Wire) -> None:
        """Answer one connection until it ends."""
        try:
            await self._serve(wire)
        finally:
            self.open -= 1
            self.changed.set()

    async def _serve(self, wire: Wire) -> None:
        while len(wire.events) < _MAX_EVENTS:
            seen = await wire.next(self.patience)
            self.changed.set()
            match seen:
                case Asked() | ReleaseAsked():
                    await self._answer(wire, seen)
                case Aborted():
                    wire.shut_down()
                    await self._read_to_end(wire)
                    return
                case Garbled():
                    wire.send(Abort(2, 1))
                    wire.shut_down()
                    await self._read_to_end(wire)
                    return
                case Closed():
                    wire.shut_down()
                    wire.close()
                    return
                case Silent():
                    self.hung = True
                    return
        self.failure = Unprepared(f"the SCU went on after {_MAX_EVENTS} events on one connection")
        wire.close()

    async def _read_to_end(self, wire: Wire) -> None:
        """Read until the peer ends the connection, then close it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + min(_END_WAIT, self.patience)
        while wire.is_open and (left := end - loop.time()) > 0:
            await wire.next(left)
        wire.close()

    async def _answer(self, wire: Wire, seen: Seen) -> None:
        exchange = self._exchange(wire, seen)
        if exchange is None:
            wire.send(Abort(2, 2))
            return
        asked = asyncio.get_running_loop().time()
        name = self._name(exchange)
        if exchange.request is not None:
            self.operations.append(name)
            self.exchanges.append(exchange)
        reaction = self._reaction(name)
        if reaction is None:
            exchange.proceed()
        else:
            if self.first_reaction is None:
                self.first_reaction, self.exchanges_at_reaction = (wire, len(wire.events)), len(self.exchanges)
            await reaction(exchange)
        self.times.append((name, asked, asyncio.get_running_loop().time()))

    def _exchange(self, wire: Wire, seen: Seen) -> Exchange | None:
        """Return a request with its right answer, or None if there is no right answer."""
        service = self.services.setdefault(wire.number, self.service(self.random))
        if isinstance(seen, ReleaseAsked):
            return Exchange(self, wire, seen)
        assert isinstance(seen, Asked)
        if seen.message is None:
            if wire.answer is not None or wire.proposal is None:
                return None
            return Exchange(self, wire, seen, pdu=self.acceptance(wire, service))
        request = seen.message
        if not isinstance(request, Request) or isinstance(request, NEventReportRQ):
            return None
        context = wire.contexts.get(seen.context_id or 0)
        if context is None:
            self.operations.append(f"{_name_of(request)} on context {seen.context_id}, which is not accepted")
            return None
        response, data = respond(service, context, request)
        return Exchange(self, wire, seen, seen.context_id or 0, request, response, data)

    def acceptance(self, wire: Wire, service: Service) -> AssociateAC:
        """Return the right A-ASSOCIATE-AC."""
        request = wire.proposal
        assert request is not None
        return AssociateAC(
            called_ae_title=request.called_ae_title,
            calling_ae_title=request.calling_ae_title,
            title_octets=request.title_octets,
            reserved=request.reserved,
            presentation_contexts=answer(request.presentation_contexts, service.supported),
            user_information=(
                MaximumLength(self.max_length),
                ImplementationClassUID(IMPLEMENTATION_CLASS_UID),
                ImplementationVersionName(IMPLEMENTATION_VERSION_NAME),
            ),
        )

    # --- the table ---

    def _name(self, exchange: Exchange) -> str:
        if exchange.request is not None:
            return _name_of(exchange.request)
        return ASSOCIATE if exchange.pdu is not None else RELEASE

    def _reaction(self, name: str) -> Reaction | None:
        is_request = name not in (ASSOCIATE, RELEASE)
        keys = [key for key, _ in self.table if key == name or (is_request and (key == "*" or name.startswith(key)))]
        found = None
        for key in dict.fromkeys(keys):
            self._counts[key] += 1
            found = found or self.table.get((key, self._counts[key])) or self.table.get((key, 0))
        return found

    # --- afterwards ---

    @property
    def main(self) -> Wire | None:
        """The connection of the first reaction; without a reaction, the last connection."""
        return self.first_reaction[0] if self.first_reaction else self.wires[-1] if self.wires else None

    def after(self) -> list[Seen]:
        """Return the events of the SCU after the first reaction, on the same connection."""
        if self.first_reaction is None:
            return []
        wire, number = self.first_reaction
        return wire.events[number:]


def _name_of(request: Request) -> str:
    sop_class = getattr(request, "AffectedSOPClassUID", None) or getattr(request, "RequestedSOPClassUID", None)
    return f"{message_name(type(request)).removesuffix('-RQ')} {class_name(sop_class)}"
