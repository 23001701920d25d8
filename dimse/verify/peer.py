"""The peer under test, as a case sees it: connections, associations, and a probe.

Preparation is everything before the step that is judged, and waits much longer for each answer. It raises `Unprepared`
if the peer does not cooperate: the case is then INCONCLUSIVE, or UNIMPLEMENTED if the peer may refuse.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ..message import CEchoRQ
from ..net.addresses import connection_reason, reach
from ..uids import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    Verification,
)
from ..ul import (
    Abort,
    AssociateRQ,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextRQ,
    UserItem,
)
from .allowance import Allowance
from .case import Decided, Flags, Unprepared
from .observation import (
    ALIVE,
    DEAD,
    RELEASED,
    RULE_KEPT,
    SUCCESS,
    Aborted,
    Accepted,
    Answered,
    Asked,
    Broken,
    Closed,
    Observation,
    Probed,
    Rejected,
    Released,
    Seen,
    Silent,
    matches,
)
from .result import Assertion, Options
from .shared import Shared
from .tls_material import TLSFiles
from .trace import CaseTrace
from .verdict import Close, Column, Level, Verdict
from .wire import Wire

__all__ = ["PREPARATION", "Contexts", "Peer", "Target", "Watch"]

PREPARATION = 30.0  # seconds to wait for an answer that is not judged
_PAUSE = 0.5  # seconds between two probes
_ANSWERS = 10  # a probe may take the time limit of this many answers, besides the time for the connection
_GOODBYE = 1.0  # seconds for the peer to end the connection after our FIN
OUR_MAXIMUM_LENGTH = 16384  # octets of a P-DATA-TF that the tester offers to receive

Contexts = Mapping[int, tuple[str, Iterable[str]]]  # by context id: the abstract syntax, and the transfer syntaxes
ECHO: Contexts = {1: (Verification, (ImplicitVRLittleEndian,))}
BOTH_SYNTAXES = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The address of the peer, and the time limits for it in seconds."""

    host: str
    port: int
    called: str = "ANY-SCP"  # the AE title of the peer
    calling: str = "VERIFYSCU"  # the AE title of the tester
    tls: ssl.SSLContext | None = None
    files: TLSFiles = field(default_factory=TLSFiles)  # for the cases of TLS
    timeout: float = 3.0  # for one answer
    artim: float = 60.0  # the longest ARTIM that a peer may have
    slow_patience: float = 120.0  # the longest wait of a slow case
    preparation: float = PREPARATION  # for one answer before the step that is judged
    revival: float = 30.0  # for the peer to come back after a case has damaged it

    @property
    def address(self) -> str:
        """The host and the port, as in `AE@HOST:PORT`."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def settings(self) -> dict[str, object]:
        """Return the settings that a report lists among its options."""
        return {
            "calling": self.calling,
            "tls": self.tls is not None,
            "client_certificate": self.files.certificate is not None,
            "timeout_s": self.timeout,
            "artim_s": self.artim,
            "slow_patience_s": self.slow_patience,
        }


class Watch:
    """An observer of the traffic of a run. This class ignores the traffic; its subclass `Invariants` judges it."""

    def connected(self, case_id: str) -> tuple[Callable[[bytes], None], Callable[[bytes], None]]:  # noqa: ARG002
        """Return two listeners for one connection: one for octets of the tester, one for PDUs of the peer."""
        return (lambda _octets: None), (lambda _pdu: None)


class _Paused(asyncio.Protocol):
    """The first protocol of a connection: it reads nothing, so the first octets of the peer wait for the `Wire`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()


@dataclass(slots=True)
class Peer:
    """The peer under test, for one sub-case.

    ``random`` is seeded by the run, the case and the sub-case, so that runs with the same seed send the same octets.
    ``measured`` collects figures by name, each with its unit, and ``assertions`` the log of the case; ``level`` is the
    level of the sub-case. ``shared`` is the same for all cases of the run. ``wires`` are the connections of the
    sub-case, and ``allowance`` bounds what the peer may send on them.
    """

    target: Target
    trace: CaseTrace
    random: random.Random
    case_id: str
    flags: Flags = Flags.NONE
    watch: Watch = field(default_factory=Watch)
    measured: dict[str, tuple[float, str]] = field(default_factory=dict)
    assertions: list[Assertion] = field(default_factory=list)
    level: Level = Level.MUST
    options: Options = field(default_factory=Options)
    shared: Shared = field(default_factory=Shared)
    wires: list[Wire] = field(default_factory=list)
    allowance: Allowance = field(default_factory=Allowance)

    @property
    def timeout(self) -> float:
        """The time to wait for one answer, in seconds."""
        return self.target.timeout

    def log(self, due: str, seen: str, column: Column) -> None:
        """Add an assertion to the log of the case; ``column`` says how the case judges what was ``seen``."""
        self.assertions.append(Assertion.now(self.trace, self.level, due, seen, column))

    def require(self, is_kept: bool, rule: str, seen: str) -> None:
        """Log whether a rule that must be kept is kept. If not, log what was ``seen``, and raise `Decided`."""
        self.log(rule, str(RULE_KEPT) if is_kept else seen, Column.PASSES if is_kept else Column.FAILS)
        if not is_kept:
            raise Decided(Broken(seen))

    def prefer(self, is_kept: bool, rule: str, seen: str) -> bool:
        """Return and log whether a rule that should be kept is kept. If it is broken, the log has what was ``seen``."""
        self.log(rule, str(RULE_KEPT) if is_kept else seen, Column.PASSES if is_kept else Column.NONSTRICT)
        return is_kept

    # --- connections ---

    async def connect(self, *, tls: ssl.SSLContext | None = None, plain: bool = False) -> Wire:
        """Return a new connection on which no PDU has been sent. Raises `Unprepared` if it cannot be opened.

        ``tls`` replaces the TLS context of the target; with ``plain``, there is no TLS.
        """
        context = None if plain else (tls or self.target.tls)
        wire, transport = await self._open(" with TLS" if context else "")
        if context is None:
            transport.set_protocol(wire)
            wire.connection_made(transport)
            transport.resume_reading()
        elif reason := await self._start_tls(wire, transport, context):
            raise Unprepared(f"no connection: {reason}")
        self.wires.append(wire)
        return wire

    async def secure(self, context: ssl.SSLContext) -> Wire | str:
        """Return a new connection after a TLS handshake, or how the handshake failed.

        Raises `Unprepared` if there is no connection at all.
        """
        wire, transport = await self._open(" with TLS, as this case varies it")
        if reason := await self._start_tls(wire, transport, context):
            return reason
        self.wires.append(wire)
        return wire

    async def _open(self, how: str) -> tuple[Wire, asyncio.Transport]:
        """Return a new connection that is not read yet, and the wire for it."""
        number = self.trace.new_connection()
        sent, received = self.watch.connected(self.case_id)
        wire = Wire(number, self.trace, self.timeout, received, sent, self.allowance)
        host, port = self.target.host, self.target.port
        self.trace.note(number, f"connect to {host}:{port}{how}")
        try:
            async with asyncio.timeout(self.target.preparation):
                transport, _ = await reach(_Paused, host, port, self.target.preparation)
        except (OSError, TimeoutError) as exc:
            reason = f"no connection to {self.target.address}: {connection_reason(exc) or 'timeout'}"
            self.trace.note(number, reason)
            raise Unprepared(reason) from exc
        return wire, transport

    async def _start_tls(self, wire: Wire, transport: asyncio.Transport, context: ssl.SSLContext) -> str:
        """Do the TLS handshake; return how it failed, or "" if it succeeded."""
        try:
            async with asyncio.timeout(self.target.preparation):
                await wire.start_tls(transport, context, self.target.host)
        except (OSError, TimeoutError) as exc:
            reason = str(exc) or f"{type(exc).__name__} in the handshake"
            self.trace.note(wire.number, reason)
            return reason
        return ""

    def request(self, contexts: Contexts = ECHO, **fields: Any) -> AssociateRQ:
        """Return an A-ASSOCIATE-RQ with the titles of the target; ``fields`` replace fields of the `AssociateRQ`."""
        request = AssociateRQ(
            called_ae_title=self.target.called,
            calling_ae_title=self.target.calling,
            presentation_contexts=tuple(
                PresentationContextRQ(number, abstract, tuple(syntaxes))
                for number, (abstract, syntaxes) in contexts.items()
            ),
            user_information=self.user_information(),
        )
        return replace(request, **fields)

    def user_information(self, max_length: int = OUR_MAXIMUM_LENGTH) -> tuple[UserItem, ...]:
        """Return the user information items of the tester."""
        return (
            MaximumLength(max_length),
            ImplementationClassUID(IMPLEMENTATION_CLASS_UID),
            ImplementationVersionName(IMPLEMENTATION_VERSION_NAME),
        )

    async def ask(self, contexts: Contexts = ECHO, *, octets: bytes | None = None, **fields: Any) -> tuple[Wire, Seen]:
        """Send an A-ASSOCIATE-RQ, or ``octets`` in its place; return the connection and whatever the peer answers.

        Raises `Unprepared` if there is no connection.
        """
        wire = await self._request_association(contexts, octets, fields)
        return wire, await wire.next()

    async def _request_association(self, contexts: Contexts, octets: bytes | None, fields: Mapping[str, Any]) -> Wire:
        wire = await self.connect()
        request = self.request(contexts, **fields)
        wire.set_proposal(request)
        wire.send(request if octets is None else octets)
        return wire

    async def associate(self, contexts: Contexts = ECHO, *, octets: bytes | None = None, **fields: Any) -> Wire:
        """Return a connection with an association. Raises `Unprepared` if the peer does not accept the association."""
        wire = await self._request_association(contexts, octets, fields)
        answer = await wire.next(self.target.preparation)
        if not isinstance(answer, Accepted):
            raise Unprepared(f"the association was not accepted: {answer}")
        return wire

    async def associate_all(self, contexts: Contexts = ECHO, **fields: Any) -> Wire:
        """Return a connection with an association on which the peer has accepted each context.

        Raises `Unprepared`, with UNIMPLEMENTED if the peer refuses a context.
        """
        wire = await self.associate(contexts, **fields)
        for number, (abstract, _) in contexts.items():
            if number not in wire.contexts:
                raise Unprepared(f"the peer refuses context {number}, {abstract}", Verdict.UNIMPLEMENTED)
        return wire

    async def echo(self, wire: Wire, context_id: int = 1, message_id: int | None = None) -> Seen:
        """Send a C-ECHO-RQ; return the answer."""
        self.say_echo(wire, context_id, message_id)
        return await wire.response()

    def say_echo(self, wire: Wire, context_id: int = 1, message_id: int | None = None) -> None:
        """Send a C-ECHO-RQ."""
        number = wire.next_message_id() if message_id is None else message_id
        wire.say(CEchoRQ(MessageID=number, AffectedSOPClassUID=Verification), context_id)

    # --- afterwards ---

    async def probe(self, seconds: float | None = None) -> Probed:
        """Return whether a new association works: ``alive``, ``dead``, or ``RJ`` (rejected).

        Until it works, the probe is repeated for ``seconds``, by default `Target.revival`, so that a slow peer does not
        count as dead.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + (self.target.revival if seconds is None else seconds)
        while True:
            state = await self._probe_once()
            if state == ALIVE or loop.time() >= end:
                return state
            await asyncio.sleep(min(_PAUSE, max(end - loop.time(), 0)))

    async def _probe_once(self) -> Probed:
        wires, self.wires = self.wires, []
        allowance, self.allowance = self.allowance, Allowance()
        try:
            async with asyncio.timeout(self.target.preparation + _ANSWERS * self.timeout):
                wire, answer = await self.ask()
                match answer:
                    case Accepted():
                        heard = await self.echo(wire) if 1 in wire.contexts else SUCCESS
                        ended = await wire.release()
                        is_alive = isinstance(heard, Answered) and matches(RELEASED, (ended,))
                        return ALIVE if is_alive else DEAD
                    case Rejected():
                        return Probed("RJ")
            return DEAD
        except (Unprepared, TimeoutError):
            return DEAD
        finally:
            await self.dismiss()
            self.wires, self.allowance = wires, allowance

    async def finish(self, wanted: Close) -> Observation:
        """End the association of the last connection as the case expects; return how it ended.

        Return () without a connection, or if the case expects no particular end. Return `Silent` at once for an open
        connection on which there is nothing to release, and which the peer need not close.
        """
        if not self.wires or wanted is Close.NONE:
            return ()
        wire = self.wires[-1]
        ending = [seen for seen in wire.events if isinstance(seen, Released | Rejected | Aborted)]
        if ending:
            return (ending[-1],)
        if not wire.is_open:
            return (next((seen for seen in reversed(wire.events) if isinstance(seen, Closed)), Closed()),)
        if wire.is_associated and wanted in (Close.RELEASE, Close.EITHER):
            return (await self._release(wire),)
        return (await wire.next() if wanted is Close.PEER else Silent(),)

    async def _release(self, wire: Wire) -> Seen:
        seen = await wire.release()
        for _ in range(8):  # late responses, and events after them, may come before the A-RELEASE-RP
            if not isinstance(seen, Answered | Asked):
                break
            seen = await wire.next()
        return seen

    async def dismiss(self) -> None:
        """Abort open associations, and close all connections after giving the peer a moment to close its side."""
        for wire in self.wires:
            if wire.is_associated:
                wire.send(Abort(0, 0))
        for wire in self.wires:
            wire.end_connection()
        for wire in self.wires:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(_GOODBYE, self.timeout)):
                    while wire.is_open:
                        await wire.next(min(_GOODBYE, self.timeout))
            wire.close()
        self.wires.clear()

    def random_uid(self) -> str:
        """Return a new UID for this case; the same seed gives the same UIDs."""
        return f"2.25.{self.random.getrandbits(100)}"
