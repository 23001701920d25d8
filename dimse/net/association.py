"""An association as asyncio code sees it: requests and their answers, release and abort.

Theory of operation. All that the peer sends is handled synchronously, in the turn of the event
loop in which it arrived: PDVs are assembled to messages, a response wakes the coroutine that
waits for it, a request joins a queue for ``receive()``. So a coroutine wakes once a message,
never once a PDU.

There is one outstanding operation each way, as PS3.7 D.3.3.3 has it where no other window was
negotiated: a second ``request()`` waits for the first. A coroutine that is cancelled in the
middle of a message, or while it waits for a response, leaves the peer an A-ABORT, because an
operation cannot be taken back.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from ..data import TransferSyntax, expected_length, syntax_of
from ..errors import (
    AssociationAborted,
    AssociationRejected,
    ContextNotAccepted,
    DecodeError,
    DimseError,
    LimitExceeded,
    LocalProtocolError,
    RemoteProtocolError,
    ResponseTimeout,
)
from ..limits import Limits, Timeouts
from ..message import (
    Assembler,
    CCancelRQ,
    Message,
    Request,
    Response,
    encode_command,
    fragment,
    is_pending,
)
from ..uids import name_of
from ..ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    Context,
    ContextResult,
    PDataTF,
    ReleaseRP,
    ReleaseRQ,
    State,
    UpperLayer,
    accepted,
    maximum_length,
)
from .deadline import Deadline
from .secure import Secure
from .trace import Trace
from .transport import Transport

__all__ = ["Association"]

_log = logging.getLogger("dimse.net")


class Association:
    """One association, of either side. Made by `connect` and by `serve`.

    ``contexts`` has the accepted presentation contexts by id. ``associate_rq`` and
    ``associate_ac`` are the PDUs that made it.
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
        scratch: memoryview | None = None,
        secure: Secure | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.associate_rq: AssociateRQ | None = None
        self.associate_ac: AssociateAC | None = None
        self.contexts: dict[int, Context] = {}
        self.timeouts = timeouts
        loop = asyncio.get_running_loop()
        self.established: asyncio.Future[None] = loop.create_future()
        self.transport = Transport(
            core,
            self._on_pdu,
            self._on_lost,
            self._on_overdue,
            timeouts,
            scratch,
            secure,
            None if on_connect is None else lambda: on_connect(self),
            trace,
        )
        self._core = core
        self._limits = limits
        self._on_associate = on_associate
        self._on_gone = on_gone
        self._loop = loop
        self._assembler = Assembler(self._expected_length, limits)
        self._message = Deadline(timeouts.message, self._on_message_overdue)
        self._syntaxes: dict[int, TransferSyntax] = {}
        self._max_send = 0
        self._last_message_id = 0
        self._sending = asyncio.Lock()
        self._invoking = asyncio.Lock()
        self._responses: dict[int, asyncio.Future[Response]] = {}
        self._requests: deque[tuple[Context, Request]] = deque()
        self._arrival: asyncio.Future[None] | None = None
        self._release_requested = False
        self._performing = False
        self._end: DimseError | None = None
        self._gone = asyncio.Event()  # set when the connection is closed

    def __repr__(self) -> str:
        rq = self.associate_rq
        titles = f"{rq.calling_ae_title!r} to {rq.called_ae_title!r}" if rq else "no request yet"
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

    def context_for(self, *abstract_syntaxes: str) -> Context:
        """The first accepted context for one of ``abstract_syntaxes``, the best one first.

        Raises `ContextNotAccepted`.
        """
        for abstract_syntax in abstract_syntaxes:
            for context in self.contexts.values():
                if context.abstract_syntax == abstract_syntax:
                    return context
        raise ContextNotAccepted("; ".join(map(self._why_not, abstract_syntaxes)))

    def _why_not(self, abstract_syntax: str) -> str:
        assert self.associate_rq is not None
        assert self.associate_ac is not None
        results = {reply.id: reply.result for reply in self.associate_ac.presentation_contexts}
        name = name_of(abstract_syntax)
        for context in self.associate_rq.presentation_contexts:
            if context.abstract_syntax == abstract_syntax:
                why = ContextResult.words(results[context.id]) if context.id in results else "not answered"
                return f"the peer did not accept the presentation context for {name}: {why}"
        return f"no presentation context for {name} was proposed"

    def syntax(self, context: Context) -> TransferSyntax:
        """The transfer syntax in which Data Sets of ``context`` are written."""
        return self._syntaxes[context.id]

    def next_message_id(self) -> int:
        """A Message ID that no outstanding operation has."""
        self._last_message_id = self._last_message_id % 0xFFFF + 1
        return self._last_message_id

    async def request(self, context: Context, message: Request, *, patience: float | None = None) -> Response:
        """Invoke an operation and wait for its response; Pending ones are passed over.

        Raises `ResponseTimeout` after the time allowed, and `AssociationAborted` when the
        association ends first. In both cases, and when cancelled, the association is gone.

        ``patience`` is for an answer that may never come: after so many seconds `ResponseTimeout`
        is raised, and the association goes on.

        Raises `LocalProtocolError` once either side has asked for release: no operation begins then.
        """
        allowed = self.timeouts.dimse if patience is None else patience
        async with self._invoking:
            self._check(State.Sta6)
            future: asyncio.Future[Response] = self._loop.create_future()
            self._responses[message.MessageID] = future
            try:
                await self.send(context, message)
                async with asyncio.timeout(allowed):
                    return await future
            except TimeoutError as exc:
                if patience is None:
                    self.abort()
                name = type(message).__name__
                raise ResponseTimeout(f"no response to {name} within {allowed:g} s") from exc
            except asyncio.CancelledError:
                self.abort()
                raise
            finally:
                del self._responses[message.MessageID]

    async def send(self, context: Context, message: Message) -> None:
        """Send one message. Its Data may be one buffer or several; none is copied whole.

        Raises `LocalProtocolError` when the association is being released: only what the peer waits for
        may still be sent, and only if it was the peer that asked (Sta8, PS3.8 Table 9-10).
        """
        command = encode_command(message)
        async with self._sending:
            self._check(State.Sta6, State.Sta8)
            if self.transport.observe is not None:
                self.transport.observe(">", message)
            try:
                await self.transport.send_data(fragment(context.id, command, message.Data, self._max_send))
            except BaseException:
                self.abort()  # a message cut short cannot be followed by another
                raise

    async def receive(self) -> tuple[Context, Request] | None:
        """The next request of the peer; None when it released the association.

        Calling it says that the previous request has been dealt with. Raises
        `AssociationAborted` when the association ended otherwise.
        """
        self._performing = False
        while not self._requests:
            if self._release_requested:
                self._answer_release()
                return None
            if self._end is not None:
                raise self._end
            self._arrival = self._loop.create_future()
            await self._arrival
        received = self._requests.popleft()
        if len(self._requests) == self._limits.requests - 1:
            self.transport.resume_reading()
        self._performing = True
        return received

    async def release(self) -> None:
        """Release the association, PS3.8 §7.2, and wait until the connection is closed.

        A peer that does not answer is aborted: what was to be done is done by then.
        """
        if self._core.state is not State.Sta6:
            return
        self.transport.send(ReleaseRQ())
        try:
            async with asyncio.timeout(self.timeouts.release):
                await self._gone.wait()
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
        if limit and not self._core.limit:
            self._core.limit, self._core.cause = limit, cause
        self._finish(AssociationAborted(0, 0, cause))
        self.transport.send(Abort(0, 0))

    async def closed(self) -> None:
        """Wait until the connection is closed; after an A-ABORT no longer than ``linger``."""
        if not self.transport.connected or self._gone.is_set():
            return
        try:
            async with asyncio.timeout(self.timeouts.linger):
                await self._gone.wait()
        except TimeoutError:
            self.transport.close()
            await self._gone.wait()

    def idle_for(self) -> float:
        """Seconds since the peer's last whole PDU, 0 while a request of its is performed."""
        if self._performing or self._requests:
            return 0.0
        return self._loop.time() - self.transport.last_pdu

    # --- the acceptor's answer ---

    def accept(self, answer: AssociateAC) -> None:
        """Answer A-ASSOCIATE-RQ with ``answer``."""
        assert self.associate_rq is not None
        self._establish(self.associate_rq, answer, maximum_length(self.associate_rq.user_information))
        self.transport.send(answer)

    def reject(self, answer: AssociateRJ) -> None:
        """Answer A-ASSOCIATE-RQ with ``answer``."""
        self._finish(AssociationRejected(answer.result, answer.source, answer.reason))
        self.transport.send(answer)

    # --- what the core tells ---

    def _on_pdu(self, pdu: PDU) -> None:
        match pdu:
            case PDataTF():
                self._on_data(pdu)
            case AssociateRQ():
                self.associate_rq = pdu
                # What came with it in one read may have ended the association already.
                if self._on_associate is not None and self._core.state is State.Sta3:
                    self._on_associate(self)
            case AssociateAC():
                assert self.associate_rq is not None
                self._establish(self.associate_rq, pdu, maximum_length(pdu.user_information))
                self.established.set_result(None)
            case AssociateRJ():
                self._finish(AssociationRejected(pdu.result, pdu.source, pdu.reason))
            case Abort():
                self._finish(AssociationAborted(pdu.source, pdu.reason, self._core.cause))
            case ReleaseRQ():
                self._on_release_request()
            case ReleaseRP():
                self._on_release_response()

    def _establish(self, request: AssociateRQ, answer: AssociateAC, max_send: int) -> None:
        self.associate_ac = answer
        self.contexts = accepted(request.presentation_contexts, answer.presentation_contexts)
        self._syntaxes = {context.id: syntax_of(context.transfer_syntax) for context in self.contexts.values()}
        self._max_send = max_send

    def _on_data(self, pdu: PDataTF) -> None:
        if self._end is not None:  # it came in one read with what ended the association
            return
        has_completed = False
        try:
            for pdv in pdu.pdvs:
                if pdv.context_id not in self.contexts:
                    raise RemoteProtocolError(f"context {pdv.context_id} was not accepted (PS3.8 §9.3.5.1)")
                completed = self._assembler.add(pdv)
                if completed is not None:
                    has_completed = True
                    self._on_message(self.contexts[completed[0]], completed[1])
        except (DecodeError, RemoteProtocolError) as exc:
            _log.warning("%s: %s", self.transport.peer, exc)
            self.abort(str(exc), limit=exc.limit if isinstance(exc, LimitExceeded) else "")
            return
        if self._assembler.is_midway:
            self._message.begin(again=has_completed)
        else:
            self._message.end()

    def _on_message(self, context: Context, message: Message) -> None:
        if self.transport.observe is not None:
            self.transport.observe("<", message)
        match message:
            case Response():
                future = self._responses.get(message.MessageIDBeingRespondedTo)
                if future is None or future.done():
                    _log.warning("%s: a response that no request waits for", self.transport.peer)
                elif not is_pending(message.Status):
                    future.set_result(message)
            case Request():
                self._requests.append((context, message))
                if len(self._requests) == self._limits.requests:
                    self.transport.pause_reading()
                self._wake()
            case CCancelRQ():
                _log.info("%s: nothing here can be cancelled by C-CANCEL", self.transport.peer)

    def _on_release_request(self) -> None:
        if self._core.state is State.Sta9:  # a collision; the requestor answers first
            self.transport.send(ReleaseRP())
        elif self._core.state is State.Sta8:
            self._release_requested = True
            self._fail_responses(AssociationAborted(0, 0, "the peer released the association"))
            self._wake()

    def _on_release_response(self) -> None:
        if self._core.state is State.Sta12:  # the other half of a collision
            self.transport.send(ReleaseRP())
        self._finish(LocalProtocolError("the association has been released"))

    def _answer_release(self) -> None:
        if self._core.state is State.Sta8:
            self.transport.send(ReleaseRP())
        self._finish(LocalProtocolError("the peer has released the association"))

    def _on_overdue(self) -> None:
        self.abort(f"a PDU was not whole within {self.timeouts.pdu:g} s", limit="pdu")

    def _on_message_overdue(self) -> None:
        self.abort(f"a message was not whole within {self.timeouts.message:g} s", limit="message")

    def _on_lost(self) -> None:
        self._message.cancel()
        self._finish(AssociationAborted(2, 0, self._core.cause or "the transport connection closed"))
        self._gone.set()
        if self._on_gone is not None:
            self._on_gone(self)

    # --- inside ---

    def _expected_length(self, context_id: int, first: memoryview) -> int | None:
        return expected_length(first, self._syntaxes[context_id])

    def _check(self, *states: State) -> None:
        """Raise where messages cannot be sent, before a byte of one is."""
        if self._end is not None:
            raise self._end
        if self._core.state not in states:
            raise LocalProtocolError(f"no message can be sent in {self._core.state.name} ({self._core.state.value})")

    def _wake(self) -> None:
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _fail_responses(self, error: DimseError) -> None:
        for future in self._responses.values():
            if not future.done():
                future.set_exception(error)

    def _finish(self, error: DimseError) -> None:
        """The association is over; the first reason counts."""
        if self._end is not None:
            return
        self._end = error
        self._requests.clear()
        self._fail_responses(error)
        if not self.established.done():
            self.established.set_exception(error)
            self.established.exception()  # marks it as seen: the acceptor never asks
        self._wake()
