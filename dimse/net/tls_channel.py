"""TLS between a connection and its `Transport`: the handshake and its timeout, alerts, and the end of the session.

The core learns of a connection when the handshake is complete. A failed handshake ends only its own connection. A peer
without TLS never gets an answer in plain text.

Encrypted bytes are processed in pieces of few records, because OpenSSL goes on until it finds application data: a read
may have thousands of records that only change the keys, and processing these takes half a second.
"""

from collections.abc import Callable, Iterable
from time import monotonic

from ..errors import RemoteProtocolError
from ..limits import Timeouts
from ..tls import TLSSession
from ..ul.wire import Buffer
from .buffers import ReadBuffer, Stream
from .flow_control import SHARE, FlowControl
from .timers import Timer, Timers

__all__ = ["TLSChannel"]

_MAX_RECORDS = 64  # records of a piece; a change of keys takes 0.05 ms
_HEADER = 5  # bytes of the header of a record, of which the last two are the length of the rest
_NOTHING = memoryview(b"")
_CLOSED_IN_HANDSHAKE = "the connection closed during the TLS handshake; perhaps the peer does not speak TLS"


class TLSChannel:
    """A TLS session on a connection.

    ``on_established`` is called after the handshake; ``receive`` is called with decrypted bytes, which lie in
    ``buffer``; ``on_ended`` is called when the peer has closed the session.
    """

    def __init__(
        self,
        session: TLSSession,
        flow: FlowControl,
        timers: Timers,
        timeouts: Timeouts,
        buffer: ReadBuffer,
        *,
        on_established: Callable[[], None],
        receive: Callable[[memoryview], None],
        on_ended: Callable[[], None],
    ) -> None:
        self.session = session
        self.failure = ""  # why the handshake or the session with this peer failed
        self._flow = flow
        self._timers = timers
        self._timeouts = timeouts
        self._buffer = buffer
        self._on_established = on_established
        self._receive = receive
        self._on_ended = on_ended
        self._stream: Stream | None = None
        self._timer: Timer | None = None  # runs during the handshake, and after a failure
        self._rest = b""  # encrypted bytes that wait for their turn, or for the rest of a header
        self._awaited = 0  # the number of bytes up to the next header

    @property
    def lacks_tls(self) -> bool:
        """Whether the connection lacks TLS: the handshake is under way, or TLS has failed."""
        return self._timer is not None

    def start(self, stream: Stream) -> None:
        """Start the handshake on a new connection."""
        self._stream = stream
        self._timer = self._timers.set(self._timeouts.connect, self._on_overdue)
        self.decrypt(b"")  # a client sends first

    def decrypt(self, data: bytes | memoryview) -> None:
        """Process encrypted bytes of the peer, and bytes that were kept while the association could take none."""
        if self.failure:  # the connection is still open only so that our alert reaches the peer
            return
        if self._rest:
            data = self._rest + data
        start, until = 0, monotonic() + SHARE
        try:
            while True:
                end = self._piece_end(data, start)
                self._process(data[start:end])
                is_last, start = end == start, end
                if is_last or start == len(data) or self._flow.has_postponed or monotonic() > until:
                    break
        except RemoteProtocolError as exc:
            self._fail(exc)
            return
        self._rest = bytes(data[start:])
        if len(self._rest) >= _HEADER and not self._flow.has_postponed:
            self._flow.postpone(_NOTHING)
        self._flush()
        if self.session.is_ended:
            self._end()

    def _end(self) -> None:
        """Report the end of the session once all bytes before it are processed.

        While this side makes the peer wait, the report waits, too. A connection without TLS behaves in the same way:
        while its peer must wait, nothing is read from it, so its end is not noticed either.
        """
        if self._flow.is_held_beyond_turn and not self._flow.has_postponed:
            self._flow.postpone(_NOTHING)
        if not self._flow.has_postponed:
            self._on_ended()

    def _process(self, data: bytes | memoryview) -> None:
        """Decrypt a piece, and pass on the plain bytes. Raises `RemoteProtocolError`."""
        session, buffer = self.session, self._buffer
        session.receive(data)
        if self._timer is not None and session.handshake():
            self._timer.cancel()
            self._timer = None
            self._on_established()
        while session.is_established and not self._flow.has_postponed and (count := session.read_into(buffer.scratch)):
            self._receive(buffer.scratch[:count])

    def _piece_end(self, data: bytes | memoryview, start: int) -> int:
        """Return the end of the piece of ``data`` that begins at ``start``; it ends before an incomplete header."""
        at, size = start + self._awaited, len(data)
        for _ in range(_MAX_RECORDS):
            if at + _HEADER > size:
                break
            at += _HEADER + (data[at + 3] << 8 | data[at + 4])
        end = min(at, size)
        self._awaited = at - end
        return end

    def write(self, buffers: Iterable[Buffer]) -> None:
        """Encrypt and write ``buffers``; without effect after a failure."""
        if self.failure:
            return
        try:
            self.session.write(buffers)
        except RemoteProtocolError as exc:
            self._fail(exc)
        else:
            self._flush()

    def close(self) -> None:
        """End the session; without effect after a failure."""
        if not self.failure:
            self.session.close()
            self._flush()

    def lost(self) -> None:
        """Take note that the connection has closed; a handshake that is under way has failed."""
        if self._timer is not None:
            self._timer.cancel()
            self.failure = self.failure or _CLOSED_IN_HANDSHAKE

    def _flush(self) -> None:
        """Write the bytes that the session has for the peer."""
        assert self._stream is not None
        data = self.session.data_to_send()
        if data and not self._stream.is_closing():
            self._stream.write(data)

    def _fail(self, error: RemoteProtocolError) -> None:
        """End the connection in such a way that the peer still reads the alert."""
        assert self._stream is not None
        self.failure = str(error)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timers.set(self._timeouts.linger, self._stream.abort)
        self._flush()
        if not self._stream.is_closing():
            self._stream.write_eof()

    def _on_overdue(self) -> None:
        assert self._stream is not None
        self.failure = f"the TLS handshake was not complete within {self._timeouts.connect:g} s"
        self._stream.abort()
