"""An association as asyncio code sees it: operations and their responses, release and abort.

Theory of operation. All that the peer sends is handled synchronously, in the turn of the event
loop in which it arrived: PDVs are assembled to messages, a response wakes the coroutine that
waits for it (see `invoking`), a request joins those to be performed (see `inbox`). So a coroutine
wakes once a message, never once a PDU.

There is one outstanding operation each way, as PS3.7 D.3.3.3 has it where no other window was
negotiated: a second ``request()`` waits for the first. A coroutine that is cancelled in the
middle of a message, or while it waits for a response, leaves the peer an A-ABORT, because an
operation cannot be taken back.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, TypeVar

from ..data import TransferSyntax
from ..errors import (
    AssociationAborted,
    AssociationRejected,
    DecodeError,
    DimseError,
    EncodeError,
    LimitExceeded,
    LocalProtocolError,
    RemoteProtocolError,
    escaped,
)
from ..limits import Limits, Timeouts
from ..message import (
    CCancelRQ,
    Message,
    Request,
    Response,
    encode_command,
    fragment,
)
from ..tls import TLSSession
from ..uids import name_of
from ..ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    Context,
    PDataTF,
    ReleaseRP,
    ReleaseRQ,
    State,
    UpperLayer,
)
from .agreement import Agreement
from .alarms import Alarms
from .backlog import Backlog
from .departure import Departure
from .fairness import Turns
from .flow_control import BACKLOG
from .inbox import Inbox
from .invoking import Invoker
from .memory_budget import Account, MemoryBudget
from .receiving import Receiver
from .responses import Responses
from .trace import Trace
from .transport import Transport
from .workers import Workers

__all__ = ["Association"]

_log = logging.getLogger("dimse.net")

R = TypeVar("R", bound=Response)


class Association:
    """One association, of either side. Made by `connect` and by `serve`.

    ``contexts`` has the accepted presentation contexts by id. ``associate_rq`` and
    ``associate_ac`` are the PDUs that made it; what else was negotiated stands in their user
    information. ``inbox`` has the requests of the peer.
    """

    def __init__(
        self,
        core: UpperLayer,
        limits: Limits,
        timeouts: Timeouts,
        *,
        on_connect: Callable[["Association"], bool] | None = None,
        on_associate: Callable[["Association"], None] | None = None,
        on_gone: Callable[["Association"], None] | None = None,
        secure: TLSSession | None = None,
        trace: Trace | None = None,
        turns: Turns | None = None,
        workers: Workers | None = None,
        budget: MemoryBudget | None = None,
    ) -> None:
        self.associate_rq: AssociateRQ | None = None
        self.associate_ac: AssociateAC | None = None
        self.awaits_news = False  # whether the peer may be silent as long as it likes, for an event that will come
        self.contexts: dict[int, Context] = {}
        self.timeouts = timeouts
        self.workers = workers or Workers()
        self.alarms = Alarms()
        loop = asyncio.get_running_loop()
        self.established: asyncio.Future[None] = loop.create_future()
        is_wanted = None if on_connect is None else partial(on_connect, self)
        self.transport = Transport(
            core, self._on_pdus, self._on_lost, self._on_overdue, timeouts, self.alarms, secure, is_wanted, trace, turns
        )
        flow = self.transport.flow
        backlog = Backlog(limits, partial(flow.hold, BACKLOG), partial(flow.let_go, BACKLOG))
        self._account = Account(budget or MemoryBudget(limits, timeouts.stall), flow, self._on_stalled)
        self.inbox = Inbox(backlog, self._account.release)
        self._core = core
        self._on_associate = on_associate
        self._on_gone = on_gone
        self._loop = loop
        self._sending = asyncio.Lock()
        self._invoker = Invoker(
            backlog, self.alarms, timeouts.dimse, check=self._check_request, send=self.send, abort=self.abort
        )
        self._receiver = Receiver(
            limits, timeouts.message, self._on_message_overdue, self._on_message, self._invoker.echoed, self._account
        )
        flow.deadlines.append(self._receiver.deadline)
        self._has_strayed = False  # the peer has sent a response that no request waits for
        self._end: DimseError | None = None
        self._departure = Departure()  # the connection is closed

    def __repr__(self) -> str:
        rq = self.associate_rq
        titles = f"'{escaped(rq.calling_ae_title)}' to '{escaped(rq.called_ae_title)}'" if rq else "no request yet"
        return f"<Association {titles}, peer {self.transport.peer or 'none'}, {self._core.state.name}>"

    # --- what the user calls ---

    @property
    def limit(self) -> str:
        """Which of `Limits` or `Timeouts` the peer went beyond, if it did."""
        return self._core.limit

    @property
    def cause(self) -> str:
        """Why the association ended, where this side knows more than the PDUs say."""
        return self._core.cause

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent."""
        return self._core.state is State.Sta6

    @property
    def is_undecided(self) -> bool:
        """Whether the peer waits for the answer to its A-ASSOCIATE-RQ."""
        return self._core.state is State.Sta3

    def context_for(self, *abstract_syntaxes: str) -> Context:
        """The first accepted context for one of ``abstract_syntaxes``, the best one first.

        Raises `ContextNotAccepted`.
        """
        return self.agreement.context_for(*abstract_syntaxes)

    def syntax(self, context: Context) -> TransferSyntax:
        """The transfer syntax in which Data Sets of ``context`` are written."""
        return self.agreement.syntax(context.id)

    @property
    def agreement(self) -> Agreement:
        """What was negotiated. Raises `LocalProtocolError` before there is an association."""
        agreement = self._receiver.agreement
        if agreement is None:
            raise LocalProtocolError("there is no association yet")
        return agreement

    def next_message_id(self) -> int:
        """A Message ID that no outstanding operation has."""
        return self._invoker.next_message_id()

    def request(
        self, context: Context, message: Request, *, patience: float | None = None
    ) -> Coroutine[Any, Any, Response]:
        """Invoke an operation and wait for its response; Pending ones are passed over.

        Raises `ResponseTimeout` after the time allowed, and `AssociationAborted` when the
        association ends first. In both cases, and when cancelled, the association is gone.

        ``patience`` is for an answer that may never come: after so many seconds `ResponseTimeout`
        is raised, and the association goes on.

        Raises `LocalProtocolError` once either side has asked for release, for no operation begins then,
        and for what belongs to a role that this side has not.
        """
        return self._invoker.request(context, message, patience)

    def invoke(
        self, context: Context, message: Request, expected: type[R]
    ) -> AbstractAsyncContextManager[Responses[R]]:
        """Invoke an operation that may have several responses, of the class ``expected``.

        An operation that is not done at the end of the block is cancelled by C-CANCEL where it has one, and
        waited for. Raises as `request` does.
        """
        return self._invoker.invoke(context, message, expected)

    async def send(self, context: Context, message: Message) -> None:
        """Send one message. Its Data may be one buffer or several; none is copied whole.

        Raises `LocalProtocolError` when the association is being released: only what the peer waits for
        may still be sent, and only if it was the peer that asked (Sta8, PS3.8 Table 9-10).
        """
        if message.Data is None and self.can_send_now:
            self.send_now(context, message)
            return
        command = encode_command(message)
        async with self._sending:
            self._check(State.Sta6, State.Sta8)
            if self.transport.observe is not None:
                self.transport.observe(">", message)
            held = self._account.keep(message.Data)
            try:
                await self.transport.send_data(fragment(context.id, command, message.Data, self.agreement.max_send))
            except EncodeError:  # before the first byte
                raise
            except AssociationAborted as exc:
                if self._end is not None:  # an A-ABORT of the peer says more than the connection that closed after it
                    raise self._end from exc
                self.abort()
                raise
            except BaseException:
                self.abort()  # a message cut short cannot be followed by another
                raise
            finally:
                self._account.release(held)

    @property
    def can_send_now(self) -> bool:
        """Whether nothing has to be waited for to send a short message."""
        return self.transport.takes_more and not self._sending.locked()

    def send_now(self, context: Context, message: Message) -> None:
        """As `send`, of a short message, while `can_send_now`."""
        command = encode_command(message)
        self._check(State.Sta6, State.Sta8)
        if self.transport.observe is not None:
            self.transport.observe(">", message)
        self.transport.send_now(fragment(context.id, command, message.Data, self.agreement.max_send))

    async def release(self) -> None:
        """Release the association, PS3.8 §7.2, and wait until the connection is closed.

        A peer that does not answer is aborted: what was to be done is done by then.
        """
        if self._core.state is not State.Sta6:
            return
        self.transport.send(ReleaseRQ())
        try:
            with self.alarms.timeout(self.timeouts.release):
                await self._departure.wait()
        except TimeoutError:
            _log.warning("%s: no A-RELEASE-RP within %g s", self.transport.peer, self.timeouts.release)
            self.abort()
        except asyncio.CancelledError:
            self.abort()
            raise

    def abort(self, cause: str = "by this side", *, limit: str = "") -> None:
        """Abort the association, PS3.8 §7.3. Without effect when it has ended.

        ``limit`` is the name of the bound in `dimse.limits` that the peer went beyond.
        """
        if self._core.state in (State.Sta1, State.Sta2, State.Sta13):
            return
        if limit:
            self._core.fail(cause, limit)
        self._finish(AssociationAborted(0, 0, cause))
        self.transport.send(Abort(0, 0))

    async def closed(self) -> None:
        """Wait until the connection is closed; after an A-ABORT no longer than ``linger``."""
        if not self.transport.connected or self._departure.has_happened:
            return
        try:
            async with asyncio.timeout(self.timeouts.linger):
                await self._departure.wait()
        except TimeoutError:
            self.transport.close()
            await self._departure.wait()
        except asyncio.CancelledError:
            self.transport.close()
            raise

    def idle_for(self) -> float:
        """Seconds since the peer's last whole PDU, 0 while it waits for this side or awaits news."""
        if self.inbox.is_busy or self.awaits_news or self.transport.flow.holds:
            return 0.0
        return self._loop.time() - self.transport.last_pdu

    # --- the acceptor's answer ---

    def accept(self, answer: AssociateAC) -> None:
        """Answer A-ASSOCIATE-RQ with ``answer``."""
        assert self.associate_rq is not None
        self.transport.send(answer)
        self._establish(self.associate_rq, answer)

    def reject(self, answer: AssociateRJ) -> None:
        """Answer A-ASSOCIATE-RQ with ``answer``."""
        self._finish(AssociationRejected(answer.result, answer.source, answer.reason))
        self.transport.send(answer)

    # --- what the core tells ---

    def _on_pdus(self, pdus: Sequence[PDU]) -> None:
        if self.transport.is_midway and self._end is None:
            pdus = pdus[self._receiver.receive_run(pdus) :]
        for pdu in pdus:
            if not isinstance(pdu, PDataTF):
                self._on_control(pdu)
            elif self._end is None:  # it did not come in one read with what ended the association
                self._on_data(pdu)
        if self.inbox.is_due:  # not before all is known that came with it
            try:
                self.inbox.go_on()
            except LimitExceeded as exc:
                self._abort_for(exc)

    def _on_control(self, pdu: PDU) -> None:
        match pdu:
            case AssociateRQ():
                self.associate_rq = pdu
                # What came with it in one read may have ended the association already.
                if self._on_associate is not None and self.is_undecided:
                    self._on_associate(self)
            case AssociateAC():
                assert self.associate_rq is not None
                self._establish(self.associate_rq, pdu)
                self.established.set_result(None)
            case AssociateRJ():
                self._finish(AssociationRejected(pdu.result, pdu.source, pdu.reason))
            case Abort():
                self._finish(AssociationAborted(pdu.source, pdu.reason, self._core.cause))
            case ReleaseRQ():
                self._on_release_request()
            case ReleaseRP():
                self._on_release_response()

    def _establish(self, request: AssociateRQ, answer: AssociateAC) -> None:
        agreement = Agreement(request, answer, is_requestor=self._core.is_requestor)
        self.associate_ac, self._receiver.agreement, self.contexts = answer, agreement, agreement.contexts
        self._invoker.widen(agreement.invoked)
        self.inbox.window = agreement.performed

    def _on_data(self, pdu: PDataTF) -> None:
        try:
            self.transport.is_midway = self._receiver.receive(pdu)
        except (DecodeError, RemoteProtocolError) as exc:
            self._abort_for(exc)

    def _abort_for(self, error: DecodeError | RemoteProtocolError) -> None:
        """The peer did what cannot be gone on after."""
        _log.warning("%s: %s", self.transport.peer, error)
        self.abort(str(error), limit=error.limit if isinstance(error, LimitExceeded) else "")

    def _on_message(self, context: Context, message: Message, fault: str) -> None:
        if self.transport.observe is not None:
            self.transport.observe("<", message)
        held = self._account.complete() if self._account.receiving else 0
        match message:
            case Response():
                if held:
                    self._account.release(held)
                if not self._invoker.arrive(message):
                    level = logging.DEBUG if self._has_strayed else logging.WARNING  # a flood fills no log
                    _log.log(level, "%s: a response that no request waits for: %s", self.transport.peer, message)
                    self._has_strayed = True
            case Request():
                self.inbox.put(context, message, fault, held)
            case CCancelRQ():
                if not self.inbox.cancel(message.MessageIDBeingRespondedTo):
                    _log.info("%s: nothing to be cancelled: %s", self.transport.peer, message)

    def _on_release_request(self) -> None:
        if self._core.state is State.Sta9:  # a collision; the requestor answers first
            self.transport.send(ReleaseRP())
        elif self._core.state is State.Sta8:
            self._invoker.fail(AssociationAborted(0, 0, "the peer released the association"))
            self.inbox.release()

    def _on_release_response(self) -> None:
        if self._core.state is State.Sta12:  # the other half of a collision
            self.transport.send(ReleaseRP())
        self._finish(LocalProtocolError("the association has been released"))

    def answer_release(self) -> None:
        """Answer A-RELEASE-RQ of the peer, PS3.8 §7.2, when all that it asked for has been done."""
        if self._core.state is State.Sta8:
            self.transport.send(ReleaseRP())
        self._finish(LocalProtocolError("the peer has released the association"))

    def _on_overdue(self) -> None:
        self.abort(f"a PDU was not whole within {self.timeouts.pdu:g} s", limit="pdu")

    def _on_message_overdue(self) -> None:
        self.abort(f"a message was not whole within {self.timeouts.message:g} s", limit="message")

    def _on_stalled(self) -> None:
        self.abort(f"the rest of a message did not come for {self.timeouts.stall:g} s", limit="stall")

    def _on_lost(self) -> None:
        self._account.close()
        self.alarms.close()
        if self._end is None:
            self._finish(AssociationAborted(2, 0, self._core.cause or "the transport connection closed"))
        self._departure.happen()
        if self._on_gone is not None:
            self._on_gone(self)

    # --- inside ---

    def _check_request(self, context: Context, message: Request) -> None:
        self._check(State.Sta6)
        if not self.agreement.may_invoke(context, message):
            name = name_of(context.abstract_syntax)
            raise LocalProtocolError(f"no role for {type(message).__name__} was agreed for {name} (PS3.7 D.3.3.4)")

    def _check(self, *states: State) -> None:
        """Raise where messages cannot be sent, before a byte of one is."""
        if self._end is not None:
            raise self._end
        if self._core.state not in states:
            raise LocalProtocolError(f"no message can be sent in {self._core.state.name} ({self._core.state.value})")

    def _finish(self, error: DimseError) -> None:
        """The association is over; the first reason counts."""
        if self._end is not None:
            return
        self._end = error
        self._receiver.cancel()
        self._account.release(self._account.complete())
        self._invoker.fail(error)
        self.inbox.fail(error)
        if not self.established.done():
            self.established.set_exception(error)
            self.established.exception()  # marks it as seen: the acceptor never asks
