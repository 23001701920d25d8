"""One connection to the peer: it sends any octets, and returns the peer's events.

A `Wire` never judges. It records each octet in the trace, splits the octets of the peer into PDUs, and assembles
messages. Every wait has a time limit. If a peer sends more than its `Allowance`, the connection is aborted.
"""

import asyncio
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress

from ..data import Dataset, decode, syntax_of
from ..errors import DimseError
from ..explain.command import message_name
from ..message import Assembler, Message, NEventReportRQ, NEventReportRSP, Response, encode_command, fragment
from ..ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    PDataTF,
    PDUStream,
    ReleaseRP,
    ReleaseRQ,
    accepted,
    decode_pdu,
    encode_pdu,
    maximum_length,
)
from .allowance import MAX_PDVS, Allowance, has_too_many_pdvs
from .case import Unprepared
from .observation import Answered, Asked, Closed, Garbled, Observation, Seen, Silent, seen_as
from .trace import CaseTrace

__all__ = ["Wire"]

_MAX_ASSOCIATE = 1 << 20  # octets of an A-ASSOCIATE-RQ or -AC: 128 contexts with 12 syntaxes in each take a tenth
_MAX_UNTIL_END = 16  # events that `Wire.until_end` returns
_MAX_EVENTS = 100  # N-EVENT-REPORT-RQs that are confirmed while one response is awaited, or ignored in a release
_HEADER, _P_DATA = 6, 0x04  # octets of the header of a PDU and of a PDV; the type of a P-DATA-TF
_DEFAULT_LENGTH = 0x4000  # octets of a P-DATA-TF to a peer without a Maximum Length
_MAX_UNSENT = 1 << 20  # octets: while more are unsent, `Wire.send_all` waits for the peer to read
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for 0 seconds

TakeOctets = Callable[[bytes], None]


class Wire(asyncio.Protocol):
    """A connection. ``timeout`` is the time in seconds to wait for each answer, unless a call gives another time.

    ``received`` is called with each whole PDU of the peer, except a P-DATA-TF with too many PDVs. ``sent`` is called
    with all octets that the tester sends.
    """

    def __init__(
        self,
        number: int,
        trace: CaseTrace,
        timeout: float,
        received: TakeOctets,
        sent: TakeOctets,
        allowance: Allowance | None = None,
    ) -> None:
        self.number = number
        self.timeout = timeout
        self.answer: AssociateAC | None = None
        self.proposal: AssociateRQ | None = None  # the peer's, if the peer is the requestor
        self.proposal_octets = b""  # the same PDU in octets, header included
        self.last_p_data = b""  # the last P-DATA-TF of the peer in octets
        self.answer_octets = b""  # the A-ASSOCIATE-AC of the peer, header included
        self.contexts: dict[int, tuple[str, str]] = {}  # accepted contexts by id: abstract and transfer syntax
        self.max_length = 0  # the peer's Maximum Length; 0: no limit
        self.longest_p_data = 0  # PDU-length of the peer's longest P-DATA-TF
        self.secured = ""  # the version and the suite of TLS; "" without TLS
        self.events: list[Seen] = []  # everything that `next` has returned, in order
        self._trace = trace
        self._received, self._sent = received, sent
        self._transport: asyncio.Transport | None = None
        self._allowance = Allowance() if allowance is None else allowance
        self._stream = PDUStream(0, _MAX_ASSOCIATE)
        self._waiting: deque[Seen | PDU] = deque()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._end: Closed | None = None
        self._is_garbled = False
        self._is_over = False  # whether the peer has rejected, aborted, or answered a release
        self._is_shut = False  # whether the tester sends nothing more
        self._is_cut = False  # whether the tester has closed or reset the connection
        self._request: AssociateRQ | None = None
        self._assembler = Assembler(lambda *_: None)
        self._message_id = 0
        self._last_context = 1

    # --- callbacks of asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(_MAX_UNSENT)
        with suppress(OSError, AttributeError):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def start_tls(
        self, transport: asyncio.Transport, context: ssl.SSLContext, host: str | None, *, is_server: bool = False
    ) -> None:
        """Do the TLS handshake on a connection from which nothing was read, then start to read.

        ``host`` is the name to check in the peer's certificate. Raises OSError; `ssl.SSLError` is one.
        """
        loop = asyncio.get_running_loop()
        secure = await loop.start_tls(transport, self, context, server_side=is_server, server_hostname=host)
        if secure is None:
            raise ConnectionError("the connection ended in the TLS handshake")
        tls = secure.get_extra_info("ssl_object")
        suite = tls.cipher()
        self.secured = f"{tls.version()}, {suite[0] if suite else 'no suite'}"
        self._trace.note(self.number, self.secured)
        self.connection_made(secure)

    def data_received(self, data: bytes) -> None:
        self._trace.octets(self.number, "<", data)
        if excess := self._allowance.take(octets=len(data)):
            self._cut_off(excess)
        if self._is_garbled:
            return
        try:
            for whole in self._stream.feed(data):
                if excess := self._allowance.take(pdus=1):
                    self._cut_off(excess)
                    return
                self._take(bytes(whole))
        except DimseError as exc:
            self._is_garbled = True
            self._add(Garbled(str(exc)))

    def eof_received(self) -> bool:
        self._note_end("FIN")
        return self._transport is not None and self._transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: Exception | None) -> None:
        self._note_end("FIN" if exc is None else "reset" if isinstance(exc, ConnectionError) else str(exc))
        self._writable.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _note_end(self, how: str) -> None:
        if self._end is None:
            self._end = Closed(how)
            what = "we closed the connection" if self._is_cut else f"the peer ended the connection: {how}"
            self._trace.note(self.number, what)
            self._news.set()

    def _cut_off(self, why: str) -> None:
        """Abort the connection of a peer that has sent too much."""
        self._is_garbled = True
        self._add(Garbled(why))
        self.close()

    def _take(self, whole: bytes) -> None:
        if whole[0] == _P_DATA:
            self.last_p_data = whole
            self.longest_p_data = max(self.longest_p_data, len(whole) - _HEADER)
            if has_too_many_pdvs(whole):
                self._add(Garbled(f"a P-DATA-TF with more than {MAX_PDVS} PDVs"))
                return
        self._received(whole)
        try:
            pdu = decode_pdu(whole)
        except DimseError as exc:
            self._add(Garbled(str(exc)))
            return
        match pdu:
            case AssociateAC():
                self.answer_octets = whole
                self._learn(pdu)
            case AssociateRQ() if self.proposal is None:
                self.proposal, self.proposal_octets = pdu, whole
            case Abort() | AssociateRJ() | ReleaseRP():
                self._is_over = True
        self._waiting.append(pdu)
        self._news.set()

    def _add(self, seen: Seen) -> None:
        self._waiting.append(seen)
        self._news.set()

    def _learn(self, answer: AssociateAC) -> None:
        self.answer = answer
        self.max_length = maximum_length(answer.user_information)
        if self._request is not None:
            self.contexts = _contexts(self._request, answer)

    # --- sending ---

    @property
    def is_open(self) -> bool:
        """Whether the peer still keeps the connection open."""
        return self._end is None

    @property
    def is_associated(self) -> bool:
        """Whether an association is open: accepted, and ended neither by the peer nor by our FIN or reset."""
        return self.is_open and self.answer is not None and not (self._is_over or self._is_shut or self._is_cut)

    def send(self, data: bytes | PDU) -> None:
        """Send octets or a PDU. After the end of the connection they are lost, as they would be on a network."""
        if isinstance(data, AssociateRQ):
            self._request = data
        octets = data if isinstance(data, bytes) else b"".join(encode_pdu(data))
        self._trace.octets(self.number, ">", octets)
        self._sent(octets)
        if self._transport is not None and not (self._is_shut or self._transport.is_closing()):
            self._transport.write(octets)

    def accept(self, answer: AssociateAC, octets: bytes | None = None) -> None:
        """Send an A-ASSOCIATE-AC, or ``octets`` in its place. Messages may follow on the contexts of ``answer``."""
        assert self.proposal is not None
        self.answer = answer
        self.contexts = _contexts(self.proposal, answer)
        self.max_length = maximum_length(self.proposal.user_information)
        self.send(answer if octets is None else octets)

    def say(
        self, message: Message, context_id: int = 1, *, piece_size: int | None = None, max_length: int | None = None
    ) -> None:
        """Send a message in P-DATA-TFs of at most ``max_length`` octets, by default the peer's Maximum Length.

        ``piece_size`` is the size of a fragment in octets, in place of ``max_length``.
        """
        longest = (self.max_length or _DEFAULT_LENGTH) if max_length is None else max_length
        longest = longest if piece_size is None else piece_size + _HEADER
        for pdu in fragment(context_id, encode_command(message), message.Data, longest):
            self.send(pdu)

    def next_message_id(self) -> int:
        """Return the next Message ID, counted from 1 on this connection."""
        self._message_id += 1
        return self._message_id

    async def send_all(self, pieces: Iterable[bytes], seconds: float) -> bool:
        """Send pieces as fast as the peer reads; return whether all were sent within ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                for piece in pieces:
                    if not self.is_open:
                        return False
                    self.send(piece)
                    await asyncio.sleep(0)
                    await self._writable.wait()
        except TimeoutError:
            self._trace.note(self.number, f"the peer does not read: gave up after {seconds:g} s")
            return False
        return self.is_open

    def shut_down(self) -> None:
        """Stop sending, but go on reading: send FIN, except over TLS, where asyncio cannot close only one direction."""
        if self._transport is not None and not (self._is_shut or self._transport.is_closing()):
            self._is_shut = True
            if self._transport.can_write_eof():
                self._trace.note(self.number, "we send FIN")
                with suppress(OSError):
                    self._transport.write_eof()

    def end_connection(self) -> None:
        """Send FIN; over TLS, send close_notify, and read nothing more."""
        if self.secured and self._transport is not None:
            self._is_shut = True
            self._transport.close()
        else:
            self.shut_down()

    def half_close(self) -> None:
        """Send FIN, for a case that judges the reaction of the peer.

        Raises `Unprepared` over TLS, where FIN cannot be sent alone.
        """
        if self._transport is not None and not self._transport.can_write_eof():
            raise Unprepared("the tester cannot send FIN alone over TLS")
        self.shut_down()

    def reset(self) -> None:
        """End the connection with a reset."""
        self._trace.note(self.number, "we reset the connection")
        self._is_cut = True
        if self._transport is not None:
            with suppress(OSError, AttributeError):
                self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()

    def close(self) -> None:
        """Close the connection at once; octets that were not yet sent are lost."""
        self._is_cut = True
        if self._transport is not None:
            self._transport.abort()

    # --- receiving ---

    async def next(self, seconds: float | None = None) -> Seen:
        """Return the next event of the peer: a PDU, a whole message, `Garbled` octets, `Closed` or `Silent`."""
        patience = self.timeout if seconds is None else seconds
        try:
            async with asyncio.timeout(patience):
                while True:
                    while self._waiting:
                        seen = self._observed(self._waiting.popleft())
                        if seen is not None:
                            return self._record(seen)
                    if self._end is not None:
                        return self._record(self._end)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            self._trace.note(self.number, f"nothing within {patience:g} s")
            return self._record(Silent(patience))

    async def is_quiet(self, seconds: float) -> bool:
        """Return whether the peer does nothing for ``seconds``; `next` still returns whatever the peer does."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._waiting and self._end is None:
                    self._news.clear()
                    await self._news.wait()
                return False
        return True

    async def response(self, seconds: float | None = None) -> Seen:
        """Return the next response, or any other event that comes instead. Answer all N-EVENT-REPORT-RQs before it.

        After `_MAX_EVENTS` answers, return the next event, whatever it is.
        """
        for _ in range(_MAX_EVENTS):
            seen = await self.next(seconds)
            if not (isinstance(seen, Asked) and isinstance(seen.message, NEventReportRQ)):
                return seen
            self.confirm(seen.message)
        return await self.next(seconds)

    def confirm(self, event: NEventReportRQ, status: int = 0x0000, message_id: int | None = None) -> None:
        """Answer ``event`` on the context of the last message."""
        self.say(_confirmation(event, status, message_id), self._last_context)

    async def until_end(self, seconds: float | None = None) -> Observation:
        """Return the next events of the peer, up to the end of the connection or a silence; at most 16 events."""
        found: list[Seen] = []
        while len(found) < _MAX_UNTIL_END:
            found.append(await self.next(seconds))
            if not found[-1].is_pdu:
                break
        return tuple(found)

    async def rest(self, first: Seen, *, is_last: bool = False) -> Observation:
        """Return ``first`` and the PDUs that follow it, without the end of the connection.

        With ``is_last``, send FIN first, so that a peer that waits for the tester ends the connection at once.
        """
        if not first.is_pdu:
            return (first,)
        if is_last:
            self.shut_down()
        return (first, *(seen for seen in await self.until_end() if seen.is_pdu))

    async def release(self, seconds: float | None = None) -> Seen:
        """Send an A-RELEASE-RQ; return the answer.

        Ignore the N-EVENT-REPORT-RQs that come before: a peer may still send them, but no answer may be sent any more.
        """
        self.send(ReleaseRQ())
        for _ in range(_MAX_EVENTS):
            seen = await self.next(seconds)
            if not (isinstance(seen, Asked) and isinstance(seen.message, NEventReportRQ)):
                return seen
        return await self.next(seconds)

    def set_proposal(self, request: AssociateRQ) -> None:
        """Use ``request`` as the tester's proposal, for a case that sends other octets in its place."""
        self._request = request

    def _record(self, seen: Seen) -> Seen:
        self.events.append(seen)
        return seen

    def _observed(self, what: Seen | PDU) -> Seen | None:
        if isinstance(what, Seen):
            return what
        return self._assembled(what) if isinstance(what, PDataTF) else seen_as(what)

    def _assembled(self, pdu: PDataTF) -> Seen | None:
        """Add the fragments of a P-DATA-TF; return the first message that they complete. Others wait for `next`."""
        found: list[Seen] = []
        for pdv in pdu.pdvs:
            try:
                whole = self._assembler.add(pdv)
            except DimseError as exc:
                self._is_garbled = True
                found.append(Garbled(str(exc)))
                break
            if whole is not None:
                found.append(self._observed_message(*whole))
        self._waiting.extendleft(reversed(found[1:]))
        return found[0] if found else None

    def _observed_message(self, context_id: int, message: Message) -> Seen:
        self._last_context = context_id
        if isinstance(message, Response):
            return Answered(message.Status, context_id, message, self._data(context_id, message))
        return Asked(message_name(type(message)), message, context_id)

    def _data(self, context_id: int, message: Message) -> Dataset | None:
        if message.Data is None or context_id not in self.contexts:
            return None
        assert isinstance(message.Data, bytes | bytearray | memoryview)
        with suppress(DimseError):  # an invariant reports it
            return decode(bytes(message.Data), syntax_of(self.contexts[context_id][1]))
        return None


def _contexts(request: AssociateRQ, answer: AssociateAC) -> dict[int, tuple[str, str]]:
    """Return the abstract and the transfer syntax of each accepted context, by id."""
    agreed = accepted(request.presentation_contexts, answer.presentation_contexts)
    return {each.id: (each.abstract_syntax, each.transfer_syntax) for each in agreed.values()}


def _confirmation(event: NEventReportRQ, status: int, message_id: int | None) -> NEventReportRSP:
    return NEventReportRSP(
        MessageIDBeingRespondedTo=event.MessageID if message_id is None else message_id,
        Status=status,
        AffectedSOPClassUID=event.AffectedSOPClassUID,
        AffectedSOPInstanceUID=event.AffectedSOPInstanceUID,
        EventTypeID=event.EventTypeID,
    )
