"""The socket's side of an association: an asyncio protocol around an `UpperLayer`.

Bytes come straight from the socket into one scratch buffer, are walked there by the core, and
are never kept. A selector event loop (and uvloop) reads at once into the buffer it asked for, so
one scratch serves all associations of the loop; elsewhere each has its own.

Sending goes the other way without a copy of ours: the core's list of headers and payloads is
written in batches, and a peer that reads slowly is waited for between two of them.

With TLS the core hears of a connection when the handshake is done, and `TLSSession` stands between it and the
scratch buffer. A handshake that fails ends the connection, and nothing else; a peer without TLS is never
spoken to without it.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any

from ..errors import AssociationAborted, RemoteProtocolError
from ..limits import Timeouts
from ..tls import Certificate, TLSSession, is_tls
from ..ul import PDU, PDataTF, State, UpperLayer
from ..ul.wire import Buffer
from .alarms import Alarms
from .deadline import Deadline
from .fairness import Turns
from .flow_control import SHARE, TURN, FlowControl
from .outgoing import Outgoing, Stream
from .reading import Reading
from .trace import Trace, observer

__all__ = ["BATCH", "Transport"]

_log = logging.getLogger("dimse.net")

# Of several that send images at once, each has its turn for as long as bytes keep coming, up to this: those of one that
# goes on sending meanwhile come fresh from the processor's cache, and those that wait in the kernel for theirs do not.
_STAY = 0.002  # seconds
BATCH, _BATCH_PDUS = 1 << 18, 1 << 8  # bytes and PDUs written at once: PS3.8 D.1 has no least length of a PDU

# What is read is taken in pieces of so many PDVs, and the clock is looked at after each.
_PIECE = 128
_SMALL_READS = 4096  # bytes in reads that are too small to be timed count for a whole share: fifty C-ECHOs

# Peers with Nagle's algorithm on (DCMTK and pynetdicom as they are shipped) write a message in
# pieces and then wait for our delayed acknowledgement, 40 ms each time. Linux can be asked to
# acknowledge at once; so it is after each small read that leaves a message incomplete. What is
# complete is answered, and the answer acknowledges it.
_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_SMALL_READ = 2048

_CLOSED_IN_HANDSHAKE = "the connection closed during the TLS handshake; perhaps the peer does not speak TLS"


def _stream(transport: Any) -> Stream:
    """``transport``, taken at its word: to ask it for each method takes longer than all else in an echo."""
    stream: Stream = transport
    return stream


class Transport(asyncio.BufferedProtocol):
    """Moves bytes between a connection and ``core``, and runs its ARTIM timer.

    ``on_pdus`` is called with everything that the core tells its user, synchronously: payloads
    in it are views that are gone when the call returns. ``on_lost`` is called once, at the end;
    ``on_overdue`` when the peer does not finish a PDU that it has begun. ``admit`` says of a new connection
    whether it may stay.
    """

    def __init__(
        self,
        core: UpperLayer,
        on_pdus: Callable[[Sequence[PDU]], None],
        on_lost: Callable[[], None],
        on_overdue: Callable[[], None],
        timeouts: Timeouts,
        alarms: Alarms,
        secure: TLSSession | None = None,
        admit: Callable[[], bool] | None = None,
        trace: Trace | None = None,
        turns: Turns | None = None,
    ) -> None:
        self.core = core
        self.peer = ""  # its address and port
        self.host = ""  # its address
        self.is_refused = False  # ``admit`` has said no
        self.tls_failure = ""  # why there is no TLS, or none any more, with this peer
        self.last_pdu = 0.0  # when the peer's last whole PDU was there, on the loop's clock
        self.heard = False  # whether the peer has sent anything
        self.is_midway = False  # whether the rest of a message is awaited: for the association to say
        self.lost = False
        self._on_pdus = on_pdus
        self._on_lost = on_lost
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._reading = Reading(self._loop, is_tls=secure is not None)
        self._turns = turns or Turns()
        self.flow = FlowControl(self._turns, self._pause, self._resume, self._receive_left)
        self._small_reads = 0  # bytes
        self._can_stay = isinstance(self._loop, asyncio.SelectorEventLoop) and hasattr(os, "readv")
        self._transport: Stream | None = None
        self._outgoing: Outgoing | None = None
        self._socket: socket.socket | None = None
        self._alarms = alarms
        self._artim: int | None = None  # the alarm
        self._artim_start: int | None = None  # as the core counts them
        self._admit = admit
        self._pdu = Deadline(timeouts.pdu, on_overdue)
        self.flow.deadlines.append(self._pdu)
        self._writable: asyncio.Future[None] | None = None  # pending while the peer does not read
        self._secure = secure
        self._tls_timer: asyncio.TimerHandle | None = None  # runs during the handshake, and after a failure
        self.observe = core.observe = observer(lambda: self.peer, self._loop.time, trace)

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = _stream(transport)
        self._outgoing = Outgoing(self._transport, self._loop)
        address = transport.get_extra_info("peername")
        self.host = str(address[0]) if isinstance(address, tuple) else str(address)
        self.flow.host = self.host
        self.peer = f"{self.host}:{address[1]}" if isinstance(address, tuple) else self.host
        if self._admit is not None and not self._admit():
            self.is_refused = True
            self.close()
            return
        if _QUICKACK is not None:
            self._socket = transport.get_extra_info("socket")
        if self._secure is None:
            self._connected()
        else:
            self._tls_timer = self._loop.call_later(self._timeouts.connect, self._handshake_expired)
            self._decrypt(b"")  # a client begins

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._reading.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.flow.received += nbytes
        if nbytes < Reading.LEAST:
            self._take(self._reading.scratch[:nbytes])
            self._small_reads += nbytes
            if self._small_reads > _SMALL_READS:
                self._small_reads = 0
                self.flow.use(SHARE, self._loop.time())
            return
        is_full = nbytes == len(self._reading.buffer)
        if self._take_timed(nbytes) and is_full and self._can_stay:
            self._stay(self._loop.time() + _STAY)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._pdu.cancel()
        if self._tls_timer is not None:
            self._tls_timer.cancel()
            self.tls_failure = self.tls_failure or _CLOSED_IN_HANDSHAKE
        self.core.fail(self.tls_failure or (f"the transport connection broke: {exc}" if exc else ""))
        self.core.transport_closed()
        self._turn()
        self._outgoing = None  # and with it what can be written no more
        self._on_lost()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def pause_writing(self) -> None:
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._outgoing is not None and not self._outgoing.go_on():
            return
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # --- what the association calls ---

    @property
    def connected(self) -> bool:
        """Whether there has been a connection, be it gone by now."""
        return self._transport is not None

    @property
    def certificate(self) -> Certificate | None:
        """The certificate that the peer showed, None where it has none or there is no TLS."""
        return self._secure.certificate if self._secure is not None else None

    @property
    def is_securing(self) -> bool:
        """Whether a TLS handshake goes on, or has failed."""
        return self._tls_timer is not None

    def send(self, pdu: PDU) -> None:
        """A primitive of the local user, written at once."""
        self.core.send(pdu)
        self._turn()

    @property
    def takes_more(self) -> bool:
        """Whether what is sent now goes out, and does not wait for the peer to read."""
        return self._writable is None and not self.lost

    def send_now(self, pdus: Iterable[PDataTF]) -> None:
        """P-DATA request primitives of a short message, written at once."""
        self.core.send_all(pdus)
        self._write(self.core.data_to_send())

    async def send_data(self, pdus: Iterable[PDataTF]) -> None:
        """P-DATA request primitives, written in batches, with the peer's reading awaited."""
        rest, has_more, until = iter(pdus), True, monotonic() + SHARE
        late = until + self._timeouts.message
        while has_more:
            has_more = self.core.send_run(rest, BATCH, _BATCH_PDUS)
            self._write(self.core.data_to_send())
            if self._writable is not None:
                await self._drain()
                if monotonic() > late:
                    raise self._cut_off(
                        f"the peer did not read a message within {self._timeouts.message:g} s", "message"
                    )
            elif has_more and monotonic() > until:
                await self._turns.come(self.host)
                until = monotonic() + SHARE
            if self.lost:
                raise AssociationAborted(2, 0, self.core.cause)

    def close(self) -> None:
        """Close the connection now, whatever is still to be written."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside ---

    def _take_timed(self, nbytes: int) -> bool:
        """Take what was read; whether that was in time."""
        start = self._loop.time()
        self._take(self._reading.scratch[:nbytes])
        now = self._loop.time()
        self.flow.use(now - start, now)
        return self._reading.adapt(nbytes, now - start)

    def _stay(self, until: float) -> None:
        """Go on reading, as long as there is something to be read; what ends the connection is left to the loop."""
        stream = self._transport
        while stream is not None and stream.is_reading() and self._loop.time() < until:
            try:
                count = os.readv(stream.get_extra_info("socket").fileno(), [self._reading.buffer])
            except BlockingIOError:
                return
            except OSError as exc:  # said once, and not again to the loop
                self.core.fail(f"the transport connection broke: {exc}")
                self.close()
                return
            self.flow.received += count
            if not count or not self._take_timed(count):
                return

    def _take(self, data: memoryview) -> None:
        if self._secure is not None:
            self.heard = True
            self._decrypt(data)
            return
        if not self.heard:
            self.heard = True
            if is_tls(data[0]):
                self.tls_failure = "the peer speaks TLS, and this side does not"
        self._receive(data)

    def _receive(self, data: memoryview) -> None:
        if self.core.state is State.Sta2 and len(data) >= Reading.LEAST and not self.flow.is_turn:
            self.flow.leave(data)  # an A-ASSOCIATE-RQ that is long to read; many may come at once
            return
        before, until = self.last_pdu, monotonic() + SHARE
        taken = self.core.receive_data(data, _PIECE)
        self._turn()
        if taken < len(data) or self.core.has_rest:
            self._receive_on(data[taken:], until)
        is_midway = self.core.is_midway
        if not is_midway:
            self._pdu.is_running = False
        elif self.last_pdu != before or not self._pdu.is_running:
            self._pdu.begin()
        if (is_midway or self.is_midway) and len(data) < _SMALL_READ:
            self._acknowledge()

    def _receive_on(self, data: memoryview, until: float) -> None:
        """Take as many pieces of ``data`` as there is time for; the rest waits for its turn."""
        while data or self.core.has_rest:
            if self.flow.holds & ~TURN or monotonic() > until:
                self.flow.leave(data)
                return
            data = data[self.core.receive_data(data, _PIECE) :]
            self._turn()

    def _receive_left(self, data: memoryview) -> None:
        if self.lost:
            return
        self._receive(data)
        if self._secure is not None and not self.flow.has_left:
            self._decrypt(b"")

    def _pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _acknowledge(self) -> None:
        if self._socket is not None and _QUICKACK is not None and not self.lost:
            self._socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _turn(self) -> None:
        """Carry out what the core wants after something has happened to it."""
        if writes := self.core.data_to_send():
            self._write(writes)
        events = self.core.events()
        if events:  # bytes that trickle in and make no PDU are no sign of life
            self.last_pdu = self._loop.time()
            self._on_pdus(events)
        if self.core.artim != self._artim_start:
            self._set_artim()
        if not self.core.transport_wanted:
            self._close()

    def _close(self) -> None:
        """Close the connection once what was written is out."""
        if self._transport is None or self._outgoing is None:
            return
        self._outgoing.hand_over()
        if self._secure is not None and not self.tls_failure:
            self._secure.close()
            self._flush_tls()
        self._transport.close()

    def _write(self, writes: list[Buffer]) -> None:
        if self._outgoing is None or self.lost:
            return
        if self._secure is None:
            self._outgoing.write(writes)
        elif not self.tls_failure:
            try:
                self._secure.write(writes)
            except RemoteProtocolError as exc:
                self._fail_tls(exc)
            else:
                self._flush_tls()

    async def _drain(self) -> None:
        assert self._writable is not None
        try:
            async with asyncio.timeout(self._timeouts.write):
                await asyncio.shield(self._writable)
        except TimeoutError as exc:
            raise self._cut_off(f"the peer read nothing for {self._timeouts.write:g} s", "write") from exc

    def _cut_off(self, cause: str, limit: str) -> AssociationAborted:
        """Close the connection of a peer that does not read; what to raise."""
        self.core.fail(cause, limit)
        self.close()
        return AssociationAborted(2, 0, cause)

    def _connected(self) -> None:
        self.last_pdu = self._loop.time()
        self.core.transport_connected()
        self._turn()

    # --- TLS ---

    def _decrypt(self, data: bytes | memoryview) -> None:
        """Take bytes of the peer through TLS to the core."""
        secure = self._secure
        assert secure is not None
        if self.tls_failure:  # the peer has not seen our alert yet
            return
        try:
            secure.receive(data)
            if self._tls_timer is not None and secure.handshake():
                self._tls_timer.cancel()
                self._tls_timer = None
                _log.info("%s: %s", self.peer, secure.agreed)
                self._connected()
            while (
                secure.is_established and not self.flow.has_left and (count := secure.read_into(self._reading.scratch))
            ):
                self._receive(self._reading.scratch[:count])
        except RemoteProtocolError as exc:
            self._fail_tls(exc)
            return
        self._flush_tls()
        if secure.is_ended:
            self._close()

    def _flush_tls(self) -> None:
        """Write what TLS has for the peer."""
        assert self._secure is not None
        assert self._transport is not None
        data = self._secure.data_to_send()
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def _fail_tls(self, error: RemoteProtocolError) -> None:
        """End the connection, in a way that the peer still reads the alert."""
        assert self._transport is not None
        self.tls_failure = str(error)
        if self._tls_timer is not None:
            self._tls_timer.cancel()
        self._tls_timer = self._loop.call_later(self._timeouts.linger, self.close)
        self._flush_tls()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def _handshake_expired(self) -> None:
        self.tls_failure = f"the TLS handshake was not done within {self._timeouts.connect:g} s"
        self.close()

    # --- ARTIM ---

    def _set_artim(self) -> None:
        self._artim_start = self.core.artim
        if self._artim is not None:
            self._alarms.clear(self._artim)
            self._artim = None
        if self._artim_start is not None:
            self._artim = self._alarms.set(self._timeouts.artim, self._artim_expired)

    def _artim_expired(self) -> None:
        self.core.artim_expired()
        self._turn()
        self.close()
