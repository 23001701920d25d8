"""A transport connection of the laboratory: a blocking socket, plain or with TLS, whose bytes may be recorded."""

import select
import socket
import time
from contextlib import ExitStack, suppress

from ..errors import ConnectionFailed, RemoteProtocolError
from ..explain.pcapng import Address
from ..net import Recorder
from ..net.addresses import listening_failed
from ..net.recorder import Tap, address_of
from ..tls import TLSContext, TLSSession

__all__ = ["Connection", "Listener", "dial", "words_of"]

_CHUNK = 1 << 14  # bytes to read at a time: even if all PDUs in them are short, they are explained in about a second
_PIECE = 1 << 18  # bytes in one write
_MIN_RATE = 1 << 20  # bytes per second that a peer must read, so that sending comes to an end
_CLOSE_NOTIFY = 1.0  # seconds to write the close_notify of TLS
_HANDSHAKE = 10.0  # seconds for the TLS handshake of a peer that has connected


class Connection:
    """A connection to the peer. All waits have a bound in seconds."""

    def __init__(self, sock: socket.socket, *, session: TLSSession | None, tap: Tap | None) -> None:
        self._socket = sock
        self._session = session
        self._tap = tap
        self._has_ended = False

    def send(self, data: bytes, seconds: float) -> None:
        """Write ``data``.

        Raises OSError if the peer has gone, reads nothing for ``seconds``, or reads too slowly, and
        `RemoteProtocolError` for broken TLS.
        """
        if self._tap is not None:
            self._tap.sent((data,))
            self._tap.keep()
        if self._session is not None:
            self._session.write((data,))
            data = self._session.data_to_send()
        self._write(data, seconds)

    def receive(self, seconds: float) -> bytes | None:
        """Return the next bytes of the peer: ``b""`` at the end of the connection, None if nothing came in time.

        Raises OSError for a connection that was reset, and `RemoteProtocolError` for broken TLS.
        """
        end = time.monotonic() + seconds
        data = self._decrypted()  # bytes that came together with the end of the handshake
        while not data and not self._has_ended:
            read = self._read(max(0.0, end - time.monotonic()))
            if read is None:
                return None
            self._has_ended = not read
            if self._session is None:
                data = read
            else:
                self._session.receive(read)
                data = self._decrypted()
        if data and self._tap is not None:
            self._tap.received(data)
            self._tap.keep()
        return data

    def close(self, *, reset: bool = False) -> None:
        """Close the connection, with a TCP reset if ``reset``. A peer that is gone or does not read causes no error."""
        with suppress(OSError, RemoteProtocolError), self._socket:
            if reset:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            elif self._session is not None and not self._has_ended:
                self._session.close()
                self._write(self._session.data_to_send(), _CLOSE_NOTIFY)
        if self._tap is not None:
            self._tap.closed()
            self._tap = None

    def secure(self, seconds: float) -> None:
        """Complete the TLS handshake within ``seconds``. Raises `RemoteProtocolError` or OSError if that fails."""
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
                    why = "in time" if data is None else "before the connection ended"
                    raise TimeoutError(f"the TLS handshake was not completed {why}")
                self._session.receive(data)

    def _write(self, data: bytes, seconds: float) -> None:
        end = time.monotonic() + seconds + len(data) / _MIN_RATE
        view = memoryview(data)
        while view:
            self._socket.settimeout(max(0.001, min(seconds, end - time.monotonic())))
            try:
                view = view[self._socket.send(view[:_PIECE]) :]
            except TimeoutError:
                raise TimeoutError("the peer has stopped reading") from None
            if view and time.monotonic() >= end:
                raise TimeoutError("the peer reads too slowly")

    def _read(self, seconds: float) -> bytes | None:
        readable, _, _ = select.select([self._socket], [], [], seconds)
        return self._socket.recv(_CHUNK) if readable else None

    def _decrypted(self) -> bytes:
        """Return the plain bytes that TLS still holds, and note the end of TLS."""
        if self._session is None or not self._session.is_established:
            return b""
        buffer, plain = memoryview(bytearray(_CHUNK)), bytearray()
        try:
            while count := self._session.read_into(buffer):
                plain += buffer[:count]
        except RemoteProtocolError:
            if not plain:  # otherwise the next call raises the error, after the bytes that came before it
                raise
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
    """Return a new connection to a peer. Raises `ConnectionFailed`.

    Connecting may take ``seconds`` for each address of the host; after that, the TLS handshake may take ``seconds``.
    """
    try:
        sock = socket.create_connection((host, port), seconds)
    except (OSError, UnicodeError) as exc:  # UnicodeError: the text cannot be the name of a host
        raise ConnectionFailed(f"cannot connect to {host}:{port}: {words_of(exc)}") from exc
    return _connection(sock, is_client=True, name=host, seconds=seconds, tls=tls, recorder=recorder)


class Listener:
    """A socket that waits for one peer after another. Raises OSError if the address cannot be used."""

    def __init__(
        self, host: str, port: int, *, tls: TLSContext | None = None, recorder: Recorder | None = None
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._socket = socket.create_server((host, port), family=family)
        except OSError as exc:
            raise listening_failed(exc, host, port) from exc
        self._tls, self._recorder = tls, recorder

    @property
    def address(self) -> Address:
        """The address and the port of the socket."""
        return address_of(self._socket.getsockname())

    def accept(self, seconds: float) -> Connection:
        """Wait for the next peer; its TLS handshake, if any, may take 10 s more.

        Raises `ConnectionFailed` if no peer connects within ``seconds``, if the peer has already disconnected again, or
        if TLS fails, and OSError if the system cannot accept a connection.
        """
        self._socket.settimeout(seconds)
        try:
            sock, _ = self._socket.accept()
        except TimeoutError:
            raise ConnectionFailed(f"no peer has connected within {seconds:g} s") from None
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
        session = None if tls is None else TLSSession(tls, name)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            local, peer = address_of(sock.getsockname()), address_of(sock.getpeername())
        except OSError as exc:
            raise ConnectionFailed(f"the peer has connected and disconnected again: {words_of(exc)}") from exc
        tap = None
        if recorder is not None:
            tap = recorder.tap(local, peer, is_client=is_client, is_secure=tls is not None)
        connection = Connection(sock, session=session, tap=tap)
        if session is not None:
            try:
                connection.secure(seconds)
            except (OSError, RemoteProtocolError) as exc:
                connection.close(reset=True)
                raise ConnectionFailed(f"{peer[0]}:{peer[1]}: {words_of(exc)}") from exc
        stack.pop_all()
    return connection


def words_of(error: Exception) -> str:
    """Return an error of a connection in words, without the error number of the system."""
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
