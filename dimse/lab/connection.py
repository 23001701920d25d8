"""A transport connection of the laboratory: a blocking socket, plain or with TLS, whose bytes may be recorded."""

import select
import socket
import time
from contextlib import ExitStack

from ..errors import ConnectionFailed, RemoteProtocolError
from ..explain.pcapng import Address
from ..net import Recorder
from ..net.recorder import Tap, address_of
from ..tls import TLSContext, TLSSession

__all__ = ["Connection", "Listener", "dial"]

_CHUNK = 1 << 16  # bytes to read at once
_HANDSHAKE = 10.0  # seconds for the TLS handshake of a peer that has connected


class Connection:
    """A connection to the peer. All waits have a bound in seconds."""

    def __init__(self, sock: socket.socket, *, session: TLSSession | None, tap: Tap | None) -> None:
        self._socket = sock
        self._session = session
        self._tap = tap
        self._has_ended = False

    def send(self, data: bytes, seconds: float) -> None:
        """Write ``data``. Raises OSError if the peer has gone, or does not read within ``seconds``."""
        if self._tap is not None:
            self._tap.sent((data,))
        if self._session is not None:
            self._session.write((data,))
            data = self._session.data_to_send()
        self._write(data, seconds)

    def receive(self, seconds: float) -> bytes | None:
        """Return the next bytes of the peer: ``b""`` at the end of the connection, None if nothing came in time.

        Raises OSError for a connection that was reset, and `RemoteProtocolError` for broken TLS.
        """
        end = time.monotonic() + seconds
        while not self._has_ended:
            data = self._read(max(0.0, end - time.monotonic()))
            if data is None:
                return None
            data = self._decrypted(data)
            if data:
                if self._tap is not None:
                    self._tap.received(data)
                return data
        return b""

    def close(self, *, reset: bool = False) -> None:
        """Close the connection, with a TCP reset if asked for."""
        if reset:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        elif self._session is not None and not self._has_ended:
            self._session.close()
            self._write(self._session.data_to_send(), 1.0)
        self._socket.close()
        if self._tap is not None:
            self._tap.closed()
            self._tap = None

    def secure(self, seconds: float) -> None:
        """Complete the TLS handshake. Raises `RemoteProtocolError` and OSError."""
        assert self._session is not None
        end = time.monotonic() + seconds
        is_done = False
        while not is_done:
            try:
                is_done = self._session.handshake()
            finally:
                self._write(self._session.data_to_send(), seconds)
            if not is_done:
                data = self._read(max(0.0, end - time.monotonic()))
                if not data:
                    raise TimeoutError("the TLS handshake was not completed" + ("" if data is None else ": it ended"))
                self._session.receive(data)

    def _write(self, data: bytes, seconds: float) -> None:
        self._socket.settimeout(seconds)
        self._socket.sendall(data)

    def _read(self, seconds: float) -> bytes | None:
        readable, _, _ = select.select([self._socket], [], [], seconds)
        return self._socket.recv(_CHUNK) if readable else None

    def _decrypted(self, data: bytes) -> bytes:
        """Return the plain bytes in what was read, and note the end of the connection."""
        self._has_ended = not data
        if self._session is None:
            return data
        self._session.receive(data)
        buffer, plain = memoryview(bytearray(_CHUNK)), bytearray()
        while count := self._session.read_into(buffer):
            plain += buffer[:count]
        self._has_ended = self._has_ended or self._session.is_ended
        return bytes(plain)


def dial(
    host: str,
    port: int,
    *,
    seconds: float,
    tls: TLSContext | None = None,
    recorder: Recorder | None = None,
) -> Connection:
    """Return a new connection to a peer. Raises `ConnectionFailed`."""
    try:
        sock = socket.create_connection((host, port), seconds)
    except OSError as exc:
        raise ConnectionFailed(f"cannot connect to {host}:{port}: {exc.strerror or exc}") from exc
    return _connection(sock, is_client=True, name=host, seconds=seconds, tls=tls, recorder=recorder)


class Listener:
    """A socket that waits for one peer after the other. ``address`` is where it listens."""

    def __init__(
        self, host: str, port: int, *, tls: TLSContext | None = None, recorder: Recorder | None = None
    ) -> None:
        self._socket = socket.create_server((host, port))
        self._tls, self._recorder = tls, recorder

    @property
    def address(self) -> Address:
        return address_of(self._socket.getsockname())

    def accept(self) -> Connection:
        """Wait for the next peer, however long it takes. Raises `ConnectionFailed` if TLS fails."""
        sock, _ = self._socket.accept()
        tls, recorder = self._tls, self._recorder
        return _connection(sock, is_client=False, name=None, seconds=_HANDSHAKE, tls=tls, recorder=recorder)

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def _connection(
    sock: socket.socket,
    *,
    is_client: bool,
    name: str | None,
    seconds: float,
    tls: TLSContext | None,
    recorder: Recorder | None,
) -> Connection:
    with ExitStack() as stack:
        stack.callback(sock.close)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = None if tls is None else TLSSession(tls, name)
        local, peer = address_of(sock.getsockname()), address_of(sock.getpeername())
        tap = None
        if recorder is not None:
            tap = recorder.tap(local, peer, is_client=is_client, is_secure=tls is not None)
        connection = Connection(sock, session=session, tap=tap)
        if session is not None:
            try:
                connection.secure(seconds)
            except (OSError, RemoteProtocolError) as exc:
                connection.close(reset=True)
                raise ConnectionFailed(f"{peer[0]}:{peer[1]}: {exc}") from exc
        stack.pop_all()
    return connection
