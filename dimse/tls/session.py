"""TLS without I/O: encrypted bytes in, plain bytes out, and the reverse.

`TLSSession` is one end of a connection. The transport reads, writes and waits, as it does for the core. Behind the
session, an `Engine` runs OpenSSL between two buffers: `StandardEngine` with Python's `ssl`, and the engine of the
modified profile with pyOpenSSL (see `b13`). The TLS of asyncio is not used. It ends a failed handshake without the
alert that tells the peer the reason, and hides the failure from a server. It also copies outgoing data more often, and
lets a peer delay the end of a connection.

A mistake of the peer raises `RemoteProtocolError` with a readable text; `data_to_send` then returns the alert for the
peer.
"""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from typing import Protocol

from ..errors import EncodeError, RemoteProtocolError, copy_of
from ..ul.wire import Buffer
from .certificates import Certificate, certificate_of

__all__ = [
    "Engine",
    "EngineContext",
    "StandardEngine",
    "TLSContext",
    "TLSSession",
    "failure_text",
    "is_tls",
    "rejection_text",
    "wrong_side_error",
]

_ALERT, _HANDSHAKE = 0x15, 0x16  # ContentType, RFC 8446 §5.1; no PDU has these types
_PROTOCOL_VERSION = bytes((_ALERT, 3, 3, 0, 2, 2, 70))  # the fatal alert protocol_version, RFC 8446 §6


class Engine(Protocol):
    """OpenSSL between two buffers, for one end of a connection.

    `handshake`, `read` and `write` raise `RemoteProtocolError` for a mistake of the peer.
    """

    def receive(self, data: Buffer) -> None:
        """Take bytes from the peer; they are copied."""

    def data_to_send(self) -> bytes:
        """Return the bytes to write to the peer since the previous call."""

    def handshake(self) -> bool:
        """Continue the handshake; return whether it is done."""

    def read(self, buffer: memoryview) -> int | None:
        """Read plain bytes into ``buffer``. Return their number; 0 after close_notify; None if more input is needed."""

    def write(self, data: bytes) -> None:
        """Take plain bytes for the peer."""

    def close(self) -> None:
        """Send close_notify, RFC 8446 §6.1, without waiting for the peer's."""

    @property
    def certificate(self) -> Certificate | None:
        """The peer's certificate, once the handshake is done; None if the peer did not show one."""

    @property
    def agreed(self) -> str:
        """The version and the cipher suite, once the handshake is done."""


class EngineContext(Protocol):
    """A factory of engines with the same settings, used in place of an `ssl.SSLContext`."""

    check_hostname: bool

    def engine(self, server_hostname: str | None) -> Engine:
        """Return an engine; ``server_hostname`` is the host to which a client connects, None for a server.

        Raises `EncodeError` for a context of the other side and for a malformed host name.
        """


TLSContext = ssl.SSLContext | EngineContext


class StandardEngine:
    """An `Engine` on Python's `ssl`."""

    def __init__(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        try:
            self._ssl = context.wrap_bio(
                self._incoming, self._outgoing, server_side=server_hostname is None, server_hostname=server_hostname
            )
        except ssl.SSLError as exc:
            raise wrong_side_error(server_hostname) from exc
        except ValueError as exc:
            raise EncodeError(f"{server_hostname!r} is not a valid host name", path="host") from exc

    @property
    def certificate(self) -> Certificate | None:
        return certificate_of(self._ssl)

    @property
    def agreed(self) -> str:
        suite = self._ssl.cipher()
        return f"{self._ssl.version()}, {suite[0] if suite else 'no suite'}"

    def receive(self, data: Buffer) -> None:
        self._incoming.write(data)

    def data_to_send(self) -> bytes:
        return self._outgoing.read()

    def handshake(self) -> bool:
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as exc:
            raise RemoteProtocolError(_error_text(exc)) from exc
        return True

    def read(self, buffer: memoryview) -> int | None:
        try:
            count: int = self._ssl.read(len(buffer), buffer)  # type: ignore[assignment]  # typeshed says bytes
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return 0
        except ssl.SSLError as exc:
            raise RemoteProtocolError(_error_text(exc)) from exc
        return count

    def write(self, data: bytes) -> None:
        try:
            self._ssl.write(data)
        except ssl.SSLError as exc:
            raise RemoteProtocolError(_error_text(exc)) from exc

    def close(self) -> None:
        with suppress(ssl.SSLError):  # close_notify of the peer is still missing, or the handshake was not completed
            self._ssl.unwrap()


def wrong_side_error(server_hostname: str | None) -> EncodeError:
    """Return the error for a server's context that a client uses, or the reverse."""
    return EncodeError(f"not a context for {'serve' if server_hostname is None else 'connect'}", path="tls")


def rejection_text(reason: str) -> str:
    """Return the text for a certificate that failed verification."""
    return f"the certificate of the peer is not accepted: {reason}"


def failure_text(reason: str) -> str:
    """Return the text for an OpenSSL error such as "tlsv1 alert unknown ca", an alert of the peer."""
    _, alert, words = reason.partition(" alert ")
    return f"the peer refused TLS: {words}" if alert else f"TLS failed: {reason}"


def _error_text(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return rejection_text(error.verify_message.rstrip("."))
    return failure_text((error.reason or str(error)).replace("_", " ").lower())


# --- one end of a connection ---


def is_tls(first: int) -> bool:
    """Return whether a connection that starts with this byte uses TLS."""
    return first in (_ALERT, _HANDSHAKE)


class TLSSession:
    """One end of a TLS connection.

    ``server_hostname`` is the host to which a client connects, None for a server. Raises `EncodeError` for a context of
    the other side and for a malformed host name.
    """

    def __init__(self, context: TLSContext, server_hostname: str | None) -> None:
        self.is_established = False
        self.is_ended = False  # whether the peer has sent close_notify
        self._engine: Engine = (
            StandardEngine(context, server_hostname)
            if isinstance(context, ssl.SSLContext)
            else context.engine(server_hostname)
        )
        self._first_byte: int | None = None
        self._alert = b""
        self._failure: RemoteProtocolError | None = None

    @property
    def certificate(self) -> Certificate | None:
        """The peer's certificate; None before the handshake is done, or if the peer did not show one."""
        return self._engine.certificate if self.is_established else None

    @property
    def agreed(self) -> str:
        """Version and cipher suite, such as "TLSv1.3, TLS_AES_256_GCM_SHA384"; "" before the handshake is done."""
        return self._engine.agreed if self.is_established else ""

    def data_to_send(self) -> bytes:
        """Return the bytes to write to the peer since the previous call."""
        if not self._alert:
            return self._engine.data_to_send()
        data, self._alert = self._engine.data_to_send() or self._alert, b""
        return data

    def receive(self, data: Buffer) -> None:
        """Take bytes from the peer; they are copied."""
        if not data:
            return
        if self._first_byte is None:
            self._first_byte = data[0]
        self._engine.receive(data)

    def handshake(self) -> bool:
        """Continue the handshake; return whether it is done."""
        try:
            self.is_established = self._engine.handshake()
        except RemoteProtocolError as exc:
            if self._first_byte is not None and not is_tls(self._first_byte):
                self._alert = _PROTOCOL_VERSION  # OpenSSL may not send an alert to such a peer
                raise RemoteProtocolError("the peer does not speak TLS") from exc
            raise
        return self.is_established

    def read_into(self, buffer: memoryview) -> int:
        """Read plain bytes from the peer into ``buffer`` and return their number. Call it until it returns 0.

        0 means that more input is needed or, if `is_ended`, that nothing follows. Bytes before a mistake of the peer
        are returned; the next call raises the error.
        """
        if self._failure is not None:
            raise copy_of(self._failure)
        filled = 0
        try:
            while not self.is_ended and filled < len(buffer):
                count = self._engine.read(buffer[filled:])
                if count is None:
                    break
                self.is_ended = not count
                filled += count
        except RemoteProtocolError as exc:
            self._failure = copy_of(exc)
            if not filled:
                raise
        return filled

    def write(self, chunks: Iterable[Buffer]) -> None:
        """Take plain bytes for the peer. They are joined, because each write creates a record of its own."""
        self._engine.write(b"".join(chunks))

    def close(self) -> None:
        """Send close_notify, RFC 8446 §6.1, without waiting for the peer's."""
        self._engine.close()
