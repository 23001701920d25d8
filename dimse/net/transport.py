"""The transport of an association: an asyncio protocol around an `UpperLayer`.

Bytes go straight from the socket into a scratch buffer, where the core processes them; only an incomplete PDU and bytes
that must wait are copied. All associations of a server share one scratch buffer (see `ReadBuffer`).

Sending copies no long payload: the core's headers and payloads are written in batches, and between two batches the
transport waits for a peer that reads slowly.

With TLS, a `TLSChannel` stands between the connection and the core.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from time import monotonic
from typing import Any

from ..errors import AssociationAborted
from ..limits import Timeouts
from ..tls import Certificate, TLSSession, is_tls
from ..ul import PDU, PDataTF, UpperLayer
from ..ul.wire import Buffer
from .buffers import ReadBuffer, Stream, WriteQueue
from .busy_poll import BusyPoll
from .eager_reader import EagerReader
from .flow_control import SHARE, FlowControl
from .intake import Intake
from .keepalive import keep_alive
from .recorder import Recorder, Tap, address_of
from .resources import Resources
from .timers import Deadline, Overdue, Timer, Timers
from .tls_channel import TLSChannel
from .trace import Trace, observer
from .waiter import Waiter

__all__ = ["Transport"]

_log = logging.getLogger("dimse.net")

# The most bytes and PDUs in one write; both are bounded, because a PDU may have any length (PS3.8 D.1). An image of
# 1024 x 1024 pixels is one batch, together with its headers. If more follows, shorter batches are faster (40 MiB in
# 8 ms instead of 10).
_FIRST_BATCH, _BATCH, _BATCH_PDUS = (1 << 20) + (1 << 16), 1 << 18, 1 << 8

_MIN_READ = ReadBuffer.MIN
_SHARE_IN_SHORT_READS = 4096  # bytes of short reads that count as one share, because short reads are not timed


class Transport(asyncio.BufferedProtocol):
    """An asyncio protocol that moves bytes between a connection and ``core``, and runs the ARTIM timer of ``core``.

    ``on_pdus`` and ``pdu_timer`` are explained in `Intake`. ``on_lost`` is called once, at the end. ``admit`` returns
    whether a new connection may stay.
    """

    peer = ""  # address and port
    host = ""  # address
    is_refused = False  # whether ``admit`` has refused the connection
    has_heard = False  # whether the peer has sent anything
    is_lost = False
    takes_more = True  # whether bytes can be sent now without waiting for the peer to read
    _unexpected_tls = ""
    _artim: Timer | None = None
    _artim_start: int | None = None  # the generation of the core's ARTIM timer

    def __init__(
        self,
        core: UpperLayer,
        on_pdus: Callable[[Sequence[PDU]], bool],
        on_lost: Callable[[], None],
        timers: Timers,
        pdu_timer: Deadline,
        timeouts: Timeouts,
        resources: Resources,
        secure: TLSSession | None = None,
        *,
        admit: Callable[[], bool] | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.core = core
        self._on_lost = on_lost
        self._timeouts = timeouts
        self._loop = timers.loop
        self._read_buffer = ReadBuffer(self._loop, resources.scratch, is_tls=secure is not None)
        self._turns = resources.turns
        self.flow = FlowControl(self._turns, self._pause, self._resume, self._receive_postponed)
        self.intake = Intake(core, on_pdus, self._follow_core, self._loop, self.flow, self._turns, pdu_timer)
        new_busy_poll = BusyPoll.of_client if core.is_requestor else BusyPoll
        self._busy_poll = new_busy_poll(self._loop, resources.polls)
        self._short_reads = 0  # bytes of short reads since they last counted as a share
        self._woken: list[Waiter] = []  # tasks to wake
        self.wake = self._woken.append  # wakes a task once the bytes that have arrived are processed
        self._transport: Stream | None = None
        self._write_queue: WriteQueue | None = None
        self._timers = timers
        self._admit = admit
        self._writable: asyncio.Future[None] | None = None  # pending until the peer reads again
        self._channel = None if secure is None else self._tls_channel(secure)
        self._recorder = trace if isinstance(trace, Recorder) else None
        take = self._take if self._recorder is None else self._take_and_keep
        self._eager_reader = EagerReader(self._loop, self._read_buffer, self.flow, take, self._break)
        self._tap: Tap | None = None
        watching = trace if self._recorder is None else self._recorder.also
        self.observe = core.observe = observer(lambda: self.peer, self._loop.time, watching)

    # --- methods for asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream: Any = transport  # unchecked, because a check of each method of `Stream` takes longer than a C-ECHO
        self._transport = stream
        connected = stream.get_extra_info("socket")
        self._write_queue = WriteQueue(stream, self._loop, connected)
        self._eager_reader.start(stream, connected)
        address = transport.get_extra_info("peername")
        self.host = str(address[0]) if isinstance(address, tuple) else str(address)
        self.flow.host = self.host
        self.peer = f"{self.host}:{address[1]}" if isinstance(address, tuple) else self.host
        if self._admit is not None and not self._admit():
            self.is_refused = True
            self.close()
            return
        keep_alive(connected)
        if self._channel is None:
            self._connected()
        else:
            self._channel.start(stream)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._read_buffer.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.flow.received += nbytes
        try:
            if nbytes < _MIN_READ:
                self._take(self._read_buffer.scratch[:nbytes])
                self._short_reads += nbytes
                if self._short_reads > _SHARE_IN_SHORT_READS:
                    self._short_reads = 0
                    self.flow.use(SHARE, monotonic())
            else:
                self._eager_reader.read_on(nbytes)
            while self._woken:
                self._woken.pop(0).wake()
        finally:
            if self._tap is not None:
                self._tap.keep(self.flow)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost, self.takes_more = True, False
        if self._channel is not None:
            self._channel.lost()
        self.core.fail(self.tls_failure or (f"the transport connection broke: {exc}" if exc else ""))
        self.core.transport_closed()
        self._follow_core()
        if self._tap is not None:
            self._tap.closed()
        self._write_queue = None  # also drops the bytes that can no longer be written
        self._on_lost()
        self.flow.close()
        self._eager_reader.close()
        self._busy_poll.close()
        self.intake.close()
        self._on_lost, self._admit = lambda: None, None  # the old values refer to the association
        while self._woken:
            self._woken.pop(0).wake()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def pause_writing(self) -> None:
        self.takes_more = False
        if self._writable is None:
            self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._write_queue is not None and not self._write_queue.resume():
            return
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None
        self.takes_more = not self.is_lost

    # --- methods for the association ---

    @property
    def was_connected(self) -> bool:
        """Whether there is, or was, a connection."""
        return self._transport is not None

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the peer; None without a certificate or without TLS."""
        return self._channel.session.certificate if self._channel is not None else None

    @property
    def lacks_tls(self) -> bool:
        """Whether the connection lacks the TLS that it should have: the handshake is under way, or TLS has failed."""
        return self._channel is not None and self._channel.lacks_tls

    @property
    def tls_failure(self) -> str:
        """Why TLS with this peer failed; an empty string if it did not."""
        return self._unexpected_tls if self._channel is None else self._channel.failure

    def send(self, pdu: PDU) -> None:
        """Send a primitive of the local user immediately."""
        self.core.send(pdu)
        self._follow_core()

    def send_short(self, context_id: int, command: Buffer, data: Buffer | None) -> None:
        """Immediately send a message whose Command Set and Data Set, if any, are one fragment each."""
        self._write(self.core.send_short(context_id, command, data))

    def send_now(self, pdus: Iterable[PDataTF]) -> None:
        """Send the P-DATA request primitives of a short message immediately."""
        self.core.send_all(pdus)
        self._write(self.core.data_to_send())

    async def send_data(self, pdus: Iterable[PDataTF]) -> None:
        """Send P-DATA request primitives in batches, and wait for the peer to read between the batches.

        Raises `AssociationAborted` if the connection ends, or if the peer reads nothing, or too slowly, for too long.
        """
        rest, has_more, until = iter(pdus), True, monotonic() + SHARE
        length = _FIRST_BATCH
        allowed = self._timeouts.message
        late = until + allowed
        try:
            while has_more:
                has_more = self.core.send_run(rest, length, _BATCH_PDUS)
                length = _BATCH
                self._write(self.core.data_to_send(), has_more=True)
                if self._writable is not None:
                    await self._drain(late)
                    if monotonic() > late:
                        raise self._cut_off(f"the peer did not read a message within {allowed:g} s", "message")
                elif has_more and monotonic() > until:
                    self._keep_sent()
                    await self._turns.wait_for_turn(self.host)
                    until = monotonic() + SHARE
                if self._tap is not None and self._tap.is_behind:
                    self._keep_sent()
                    late += await self._tap.written()
                if self.is_lost:
                    raise AssociationAborted(2, 0, self.core.cause)
        finally:
            self._keep_sent()

    async def recorded(self) -> None:
        """Wait until the recording has everything so far, if there is one."""
        if self._tap is not None:
            await self._tap.written()

    def close(self) -> None:
        """Close the connection now, and drop the bytes that are not written yet."""
        if self._transport is not None:
            self._transport.abort()

    # --- inside ---

    def _take_and_keep(self, data: memoryview) -> None:
        """Process the bytes of a read, and let the tap copy them, because the next read overwrites them."""
        self._take(data)
        if self._tap is not None:
            self._tap.keep(self.flow)

    def _take(self, data: memoryview) -> None:
        self._busy_poll.received()
        if self._channel is not None:
            self.has_heard = True
            if self._channel.lacks_tls and not self.flow.is_turn:
                self.flow.postpone(data)  # each step of a handshake takes a millisecond, and many may arrive at once
            else:
                self._channel.decrypt(data)
            return
        if not self.has_heard:
            self.has_heard = True
            if is_tls(data[0]):
                self._unexpected_tls = "the peer speaks TLS, but this side does not"
        if self._tap is not None:
            self._tap.received(data)
        self.intake.receive(data)

    def _receive_postponed(self, data: memoryview) -> None:
        if self.is_lost:
            return
        if self._channel is not None and self._channel.lacks_tls:
            self._channel.decrypt(data)
        else:
            if data or self.core.has_rest:
                self.intake.receive(data)
            if self._channel is not None and not self.flow.has_postponed:
                self._channel.decrypt(b"")
        while self._woken:
            self._woken.pop(0).wake()

    def _pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _follow_core(self) -> None:
        """Do what the core requires after an event."""
        if writes := self.core.data_to_send():
            self._write(writes)
        if events := self.core.events():
            self.intake.indicate(events)
        if self.core.artim != self._artim_start:
            self._set_artim()
        if not self.core.transport_wanted:
            self._close()

    def _close(self) -> None:
        """Close the connection after everything that was written has been sent."""
        if self._transport is None or self._write_queue is None:
            return
        self._write_queue.hand_over()
        if self._channel is not None:
            self._channel.close()
        self._transport.close()

    def _write(self, writes: list[Buffer], *, has_more: bool = False) -> None:
        """Write ``writes``. If ``has_more``, the caller calls `_keep_sent` before it waits or returns."""
        if self._write_queue is None or self.is_lost:
            return
        if self._channel is None:
            self._write_queue.write(writes)
        else:
            self._channel.write(writes)
        if not has_more:
            self._busy_poll.sent()
        if self._tap is not None:
            self._tap.sent(writes)
            if not has_more:
                self._tap.keep()

    def _keep_sent(self) -> None:
        """Let the tap copy the bytes that were written, because the caller may change their memory from now on."""
        if self._tap is not None:
            self._tap.keep()

    async def _drain(self, late: float) -> None:
        """Wait until the peer has read most of the bytes that wait. Return at ``late`` if it reads, but too slowly."""
        assert self._writable is not None
        assert self._write_queue is not None
        self._keep_sent()
        writable, left = self._writable, self._write_queue.size
        while not writable.done() and monotonic() <= late:
            try:
                with self._timers.timeout(self._timeouts.write):
                    await asyncio.shield(writable)
            except Overdue as exc:
                before, left = left, 0 if writable.done() else self._write_queue.size
                if left >= before:
                    raise self._cut_off(f"the peer read nothing for {self._timeouts.write:g} s", "write") from exc

    def _break(self, error: OSError) -> None:
        self.core.fail(f"the transport connection broke: {error}")
        self.close()

    def _cut_off(self, cause: str, limit: str) -> AssociationAborted:
        """Close the connection of a peer that does not read. Return the error to raise."""
        self.core.fail(cause, limit)
        self.close()
        return AssociationAborted(2, 0, cause)

    def _connected(self) -> None:
        assert self._transport is not None
        self.intake.start(self._transport.get_extra_info("socket"))
        if self._recorder is not None:
            self._tap = self._recorder.tap(
                address_of(self._transport.get_extra_info("sockname")),
                address_of(self._transport.get_extra_info("peername")),
                is_client=self.core.is_requestor,
                is_secure=self._channel is not None,
            )
        self.core.transport_connected()
        self._follow_core()
        if self._artim is not None:  # it pauses while this side pauses in reading a long A-ASSOCIATE-RQ
            self.flow.timers.append(self._artim)
        if self._channel is None and not self.core.is_requestor:
            self._eager_reader.read_first()

    def _tls_channel(self, session: TLSSession) -> TLSChannel:
        return TLSChannel(
            session,
            self.flow,
            self._timers,
            self._timeouts,
            self._read_buffer,
            on_established=self._secured,
            receive=self._receive_decrypted,
            on_ended=self._close,
        )

    def _receive_decrypted(self, data: memoryview) -> None:
        if self._tap is not None:
            self._tap.received(data)
        self.intake.receive(data)
        if self._tap is not None:
            self._tap.keep(self.flow)

    def _secured(self) -> None:
        assert self._channel is not None
        _log.info("%s: %s", self.peer, self._channel.session.agreed)
        self._connected()

    # --- ARTIM ---

    def _set_artim(self) -> None:
        self._artim_start = self.core.artim
        if self._artim is not None:
            self._artim.cancel()
            self._artim = None
        if self._artim_start is not None:
            self._artim = self._timers.set(self._timeouts.artim, self._artim_expired)

    def _artim_expired(self) -> None:
        self.core.artim_expired()
        self._follow_core()
        self.close()
