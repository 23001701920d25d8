"""The association for asyncio code: operations and their responses, release and abort.

The bytes of a peer are normally processed in the iteration of the event loop in which they arrive. `Transport` passes
the bytes to the core and calls the association with the PDUs; the association asks `Receiver` for the messages in the
PDUs. A response goes to `Invoker`, and the waiting coroutine goes on at the end of that iteration (see `Waiter`); a
request goes to `Inbox`, where it waits until `Performer` performs it. So a coroutine wakes once for each message, never
for each PDU.

One operation may be outstanding in each direction unless another window is negotiated (PS3.7 D.3.3.3): a second
``request()`` waits for the first. An operation cannot be revoked, so a coroutine that is canceled while it sends a
message or waits for a response aborts the association.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from functools import cached_property, partial
from typing import Any, TypeVar

from ..data import TransferSyntax
from ..errors import (
    AssociationAborted,
    AssociationRejected,
    DecodeError,
    DimseError,
    LimitExceeded,
    LocalProtocolError,
    RemoteProtocolError,
    copy_of,
    escaped,
)
from ..limits import Limits, Timeouts
from ..message import (
    CCancelRQ,
    Message,
    Request,
    Response,
)
from ..tls import TLSSession
from ..uids import name_or_uid
from ..ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    Context,
    ReleaseRP,
    ReleaseRQ,
    State,
    UpperLayer,
)
from .agreement import Agreement
from .fairness import Workers
from .flow_control import Backlog
from .inbox import Inbox
from .invoker import Invoker, Responses
from .memory_budget import Account
from .receiver import Receiver
from .resources import Resources
from .sender import CAN_REQUEST, Sender
from .timers import Deadline, Timers
from .trace import Trace
from .transport import Transport
from .waiter import Waiter

__all__ = ["Association"]

_log = logging.getLogger("dimse.net")

R = TypeVar("R", bound=Response)


class Association:
    """One association, of either side. Created by `connect` and by `serve`.

    ``contexts`` are the accepted presentation contexts by id. ``associate_rq`` and ``associate_ac`` are the PDUs that
    established the association; their user information has the rest of the negotiation.
    """

    associate_rq: AssociateRQ | None = None
    associate_ac: AssociateAC | None = None
    awaits_events = False  # whether the peer waits for N-EVENT-REPORT, which exempts it from the idle timeout
    _error: DimseError | None = None  # the error with which the association ended
    _had_stray_response = False  # whether a response without a waiting request has arrived

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
        resources: Resources | None = None,
    ) -> None:
        self.contexts: dict[int, Context] = {}
        self.timeouts = timeouts
        self.timers = timers = Timers()
        self.established = Waiter(timers.loop)
        self._is_closed = asyncio.Event()
        self._core = core
        self._on_associate = on_associate
        self._on_gone = on_gone
        self._resources = resources = resources or Resources.of_client(limits, timeouts)
        self.starts = resources.starts  # the schedule of handlers to start
        admit = None if on_connect is None else partial(on_connect, self)
        pdu_timer = Deadline(timers, timeouts.pdu, self._on_pdu_overdue)
        message_timer = Deadline(timers, timeouts.message, self._on_message_overdue)
        self.transport = Transport(
            core, self._on_pdus, self._on_lost, timers, pdu_timer, timeouts, resources, secure, admit=admit, trace=trace
        )
        flow = self.transport.flow
        flow.timers.append(message_timer)
        backlog = Backlog(limits, flow)
        self.transport.intake.account = self._account = Account(resources.budget, flow, self._on_stalled)
        self.inbox = Inbox(backlog, self._account.release)
        self.sender = Sender(core, self.transport, self._account, resources.writer, self.abort)
        self._invoker = self._new_invoker(backlog)
        shared = resources.memory, resources.long_storage(flow), resources.reader
        self._receiver = Receiver(limits, message_timer, self._invoker.max_echoed, self._account, *shared)
        self.transport.intake.ahead = self._receiver.ahead

    def _new_invoker(self, backlog: Backlog) -> Invoker:
        return Invoker(
            backlog,
            self.timers,
            self.timeouts.dimse,
            check=self._check_request,
            send=self.sender.begin,
            abort=self.abort,
            wake=self.transport.wake,
        )

    def __repr__(self) -> str:
        rq = self.associate_rq
        titles = f"'{escaped(rq.calling_ae_title)}' to '{escaped(rq.called_ae_title)}'" if rq else "no request yet"
        return f"<Association {titles}, peer {self.transport.peer or 'none'}, {self._core.state.name}>"

    # --- methods for the user ---

    @property
    def limit(self) -> str:
        """The name of the field of `Limits` or `Timeouts` that the peer exceeded, or an empty string."""
        return self._core.limit

    @property
    def cause(self) -> str:
        """Why the association ended, if this side knows more than the PDUs state; otherwise an empty string."""
        return self._core.cause

    @property
    def is_open(self) -> bool:
        """Whether the association is established, and neither side has requested its release."""
        return self._core.state is State.Sta6

    @property
    def is_undecided(self) -> bool:
        """Whether the peer waits for an answer to its A-ASSOCIATE-RQ."""
        return self._core.state is State.Sta3

    def context_for(self, *abstract_syntaxes: str) -> Context:
        """Return an accepted context for the first of ``abstract_syntaxes`` that has one.

        Raises `ContextNotAccepted` if there is no such context, and `LocalProtocolError` before the association is
        established.
        """
        return self.agreement.context_for(*abstract_syntaxes)

    def syntax(self, context: Context) -> TransferSyntax:
        """Return the transfer syntax of the Data Sets on ``context``."""
        return self.agreement.syntaxes[context.id]

    @cached_property
    def agreement(self) -> Agreement:
        """The result of the negotiation. Raises `LocalProtocolError` before the association is established."""
        raise LocalProtocolError("there is no association yet")

    @property
    def workers(self) -> Workers:
        """The threads for work that would block the event loop."""
        return self._resources.workers

    def next_message_id(self) -> int:
        """Return a Message ID that no outstanding operation has."""
        return self._invoker.next_message_id()

    def request(
        self, context: Context, message: Request, *, patience: float | None = None
    ) -> Coroutine[Any, Any, Response]:
        """Invoke an operation and return its final response.

        ``context`` is an accepted context (see `context_for`), and ``message.MessageID`` is free (`next_message_id`).
        ``patience`` is a number of seconds, for a response that may never arrive: after that time, `ResponseTimeout` is
        raised, and the association goes on.

        Without ``patience``, `ResponseTimeout` is raised after ``Timeouts.dimse`` seconds, and the association is
        aborted. Raises `AssociationAborted` if the association ends before the response. If the association has ended
        in one of these ways, or by a cancellation, do not change the buffers of Data until `closed` has returned.

        Raises `LocalProtocolError` if either side has requested release, if this side lacks the role for the operation
        (PS3.7 D.3.3.4), or if the Message ID is in use; `EncodeError` for a message that cannot be encoded; and
        `RemoteProtocolError` if the peer accepts no P-DATA-TF that is long enough for a fragment.
        """
        return self._invoker.request(context, message, patience)

    def invoke(
        self, context: Context, message: Request, expected: type[R]
    ) -> AbstractAsyncContextManager[Responses[R]]:
        """Invoke an operation that may have several responses, each an instance of ``expected``.

        At the end of the block, an unfinished operation is canceled by C-CANCEL, if the service defines it, and its
        final response is awaited. Raises the errors of `request`.
        """
        return self._invoker.invoke(context, message, expected)

    def send(self, context: Context, message: Message) -> Coroutine[Any, Any, None]:
        """Send one message. Its Data may be one buffer or several, and is not copied.

        The event loop may hold the buffers of Data longer than this call lasts, even if the call fails or is canceled.
        Do not change them before the peer has answered or the association has ended (`closed`).

        Raises `LocalProtocolError` if this side has requested release. If the peer has requested release (Sta8, PS3.8
        Table 9-10), responses may still be sent. Raises `EncodeError` for a message that cannot be encoded,
        `RemoteProtocolError` if the peer accepts no P-DATA-TF that is long enough for a fragment, and
        `AssociationAborted`.
        """
        return self.sender.send(context, message)

    async def release(self) -> None:
        """Release the association, PS3.8 §7.2, if `is_open`, and wait until the connection is closed.

        If the peer does not answer within ``Timeouts.release``, abort the association, and return before the connection
        is closed (see `closed`). This loses nothing if all operations are complete.
        """
        if self._core.state is not State.Sta6:
            return
        self.transport.send(ReleaseRQ())
        try:
            with self.timers.timeout(self.timeouts.release):
                await self._is_closed.wait()
        except TimeoutError:
            _log.warning("%s: no A-RELEASE-RP within %g s", self.transport.peer, self.timeouts.release)
            self.abort()
        except asyncio.CancelledError:
            self.abort()
            raise

    def abort(self, cause: str = "by this side", *, limit: str = "") -> None:
        """Abort the association, PS3.8 §7.3, also during its negotiation.

        Do nothing if no association has been requested, or if it has ended.

        ``limit`` is the name of the field of `Limits` or `Timeouts` that the peer exceeded.
        """
        if self._core.state in (State.Sta1, State.Sta2, State.Sta13):
            return
        if limit:
            self._core.fail(cause, limit)
        self._finish(AssociationAborted(0, 0, cause))
        self.transport.send(Abort(0, 0))

    async def closed(self) -> None:
        """Wait until the connection is closed, and until its recording, if any, has everything.

        After ``Timeouts.linger`` seconds, this side closes the connection.
        """
        if self.transport.was_connected and not self._is_closed.is_set():
            await self._disconnected()
        await self.transport.recorded()

    async def _disconnected(self) -> None:
        try:
            with self.timers.timeout(self.timeouts.linger):
                await self._is_closed.wait()
        except TimeoutError:
            self.transport.close()
            await self._is_closed.wait()
        except asyncio.CancelledError:
            self.transport.close()
            raise

    def idle_for(self) -> float:
        """Return the seconds since the peer's latest complete PDU; 0 while the peer waits for this side."""
        if self.inbox.is_busy or self.awaits_events or self.transport.flow.hold_reasons:
            return 0.0
        return self.timers.loop.time() - self.transport.intake.last_pdu

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

    # --- actions of the peer ---

    def _on_pdus(self, pdus: Sequence[PDU]) -> bool:
        """Process the PDUs of one read, or of a piece of it. Return whether the rest of a message is awaited."""
        try:
            for received in self._receiver.receive(pdus):
                if isinstance(received, tuple):
                    self._process(*received)
                else:
                    self._on_control(received)
            if self.inbox.has_startable:  # after all messages of the read, because a C-CANCEL may be among them
                self.inbox.start_next()
        except (DecodeError, RemoteProtocolError) as exc:
            _log.warning("%s: %s", self.transport.peer, exc)
            self.abort(str(exc), limit=exc.limit if isinstance(exc, LimitExceeded) else "")
        return self._receiver.is_midway

    def _on_control(self, pdu: PDU) -> None:
        match pdu:
            case AssociateRQ():
                self.associate_rq = pdu
                self._account.count_request(self.transport.flow.received)
                # Further PDUs in the same read may already have ended the association.
                if self._on_associate is not None and self.is_undecided:
                    self._on_associate(self)
            case AssociateAC():
                assert self.associate_rq is not None
                self._establish(self.associate_rq, pdu)
                self.established.finish()
                self.transport.wake(self.established)
            case ReleaseRQ():
                self._on_release_request()
            case ReleaseRP():
                self._on_release_response()
            case AssociateRJ():
                self._finish(AssociationRejected(pdu.result, pdu.source, pdu.reason))
            case Abort():
                self._finish(AssociationAborted(pdu.source, pdu.reason, self._core.cause))

    def _establish(self, request: AssociateRQ, answer: AssociateAC) -> None:
        agreement = Agreement(request, answer, is_requestor=self._core.is_requestor)
        self.associate_ac, self.contexts = answer, agreement.contexts
        self.agreement = self._receiver.agreement = agreement
        self.sender.establish(agreement.max_send)
        self._invoker.widen(agreement.invoked)
        self.inbox.window = agreement.performed

    def _process(self, context: Context, message: Message, fault: str) -> None:
        if self.transport.observe is not None:
            self.transport.observe("<", message)
        held = self._account.complete() if self._account.receiving else 0
        match message:
            case Response():
                if held:
                    self._account.release(held)
                if not self._invoker.arrive(message):
                    # A flood of such responses takes only one line of the usual log.
                    level = logging.DEBUG if self._had_stray_response else logging.WARNING
                    _log.log(level, "%s: a response that no request waits for: %s", self.transport.peer, message)
                    self._had_stray_response = True
            case Request():
                self.inbox.put(context, message, fault, held)
            case CCancelRQ():
                if not self.inbox.cancel(message.MessageIDBeingRespondedTo):
                    _log.info("%s: no request to cancel: %s", self.transport.peer, message)

    def _on_release_request(self) -> None:
        if self._core.state is State.Sta9:  # in a release collision, the requestor answers first
            self.transport.send(ReleaseRP())
        elif self._core.state is State.Sta8:
            if self._invoker.is_waiting:
                self._invoker.fail(AssociationAborted(0, 0, "the peer released the association"))
            self.inbox.release()

    def _on_release_response(self) -> None:
        if self._core.state is State.Sta12:  # the acceptor's answer in a release collision
            self.transport.send(ReleaseRP())
        self._finish(LocalProtocolError("the association has been released"))

    def answer_release(self) -> None:
        """Answer the peer's A-RELEASE-RQ, PS3.8 §7.2, after all requests of the peer have been answered."""
        if self._core.state is State.Sta8:
            self.transport.send(ReleaseRP())
        self._finish(LocalProtocolError("the peer has released the association"))

    def _on_pdu_overdue(self) -> None:
        self.abort(f"a PDU was not complete within {self.timeouts.pdu:g} s", limit="pdu")

    def _on_message_overdue(self) -> None:
        self.abort(f"a message was not complete within {self.timeouts.message:g} s", limit="message")

    def _on_stalled(self) -> None:
        cause = f"the rest of a message did not arrive for {self.timeouts.stall:g} s"
        self.abort(cause, limit="stall")
        if self._core.state is State.Sta2:  # there is no association to abort
            self._core.fail(cause, "stall")
            self.transport.close()

    def _on_lost(self) -> None:
        self._account.close()
        self.timers.close()
        if self._error is None:
            self._finish(AssociationAborted(2, 0, self._core.cause or "the transport connection closed"))
        self._is_closed.set()
        if self._on_gone is not None:
            self._on_gone(self)

    # --- inside ---

    def _check_request(self, context: Context, message: Request) -> None:
        if self._core.state is not State.Sta6 or self._error is not None:
            self.sender.check(CAN_REQUEST)  # which raises the error
        if not self.agreement.may_invoke(context, message):
            name = name_or_uid(context.abstract_syntax)
            raise LocalProtocolError(f"no role for {type(message).__name__} was agreed for {name} (PS3.7 D.3.3.4)")

    def _finish(self, error: DimseError) -> None:
        """End the association with ``error``, unless it has already ended."""
        if self._error is not None:
            return
        self._error = error
        self._receiver.cancel()
        self._account.release(self._account.complete())
        self.sender.fail(error)
        self._invoker.close(error)
        self.inbox.fail(error)
        if not self.established.is_done:
            self.established.fail(copy_of(error))
