"""What stands behind `Secure`: OpenSSL between two buffers, by way of `ssl` here, of pyOpenSSL in `modified`.

What the peer does wrong raises `RemoteProtocolError`, whose words are for a person; there is an alert for the peer in
`data_to_send` then.
"""

import ssl
from contextlib import suppress
from typing import Protocol

from ..errors import EncodeError, RemoteProtocolError
from ..ul.wire import Buffer
from .certificate import Certificate, certificate_of

__all__ = ["Engine", "EngineContext", "StandardEngine", "TLSContext", "failed", "not_accepted", "wrong_side"]


class Engine(Protocol):
    """One end of a TLS connection."""

    def receive(self, data: Buffer) -> None:
        """Take bytes of the peer; they are copied."""

    def data_to_send(self) -> bytes:
        """What is to be written to the peer since the last call."""

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is done."""

    def read(self, buffer: memoryview) -> int | None:
        """Put plain bytes of the peer into ``buffer``; how many, 0 after its last, None where more is to come."""

    def write(self, data: bytes) -> None:
        """Take plain bytes for the peer."""

    def close(self) -> None:
        """Say that nothing more comes: close_notify, RFC 8446 §6.1. The peer's is not waited for."""

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the peer, once the handshake is done."""

    @property
    def agreed(self) -> str:
        """The version and the cipher suite, once the handshake is done."""


class EngineContext(Protocol):
    """What makes engines, all alike, in the place of an `ssl.SSLContext`."""

    check_hostname: bool

    def engine(self, server_hostname: str | None) -> Engine:
        """One end of a connection; ``server_hostname`` is whom a client calls, None for a server.

        Raises `EncodeError` for a context of the other side, and for what is not the name of a host.
        """


TLSContext = ssl.SSLContext | EngineContext


class StandardEngine:
    """An `Engine` of Python's `ssl`."""

    def __init__(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        try:
            self._ssl = context.wrap_bio(
                self._incoming, self._outgoing, server_side=server_hostname is None, server_hostname=server_hostname
            )
        except ssl.SSLError as exc:
            raise wrong_side(server_hostname) from exc
        except ValueError as exc:
            raise EncodeError(f"{server_hostname!r} is not the name of a host", path="host") from exc

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
            raise RemoteProtocolError(_words(exc)) from exc
        return True

    def read(self, buffer: memoryview) -> int | None:
        try:
            count: int = self._ssl.read(len(buffer), buffer)  # type: ignore[assignment]  # typeshed says bytes
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            return 0
        except ssl.SSLError as exc:
            raise RemoteProtocolError(_words(exc)) from exc
        return count

    def write(self, data: bytes) -> None:
        try:
            self._ssl.write(data)
        except ssl.SSLError as exc:
            raise RemoteProtocolError(_words(exc)) from exc

    def close(self) -> None:
        with suppress(ssl.SSLError):  # it waits for the peer's, or there is no connection to be closed
            self._ssl.unwrap()


def wrong_side(server_hostname: str | None) -> EncodeError:
    """The error for a context of servers that is to connect, or the other way round."""
    return EncodeError(f"not a context to {'serve' if server_hostname is None else 'connect'} with", path="tls")


def not_accepted(reason: str) -> str:
    """What a person is told of a certificate that did not stand the test."""
    return f"the certificate of the peer is not accepted: {reason}"


def failed(reason: str) -> str:
    """What a person is told of an error of OpenSSL, such as "tlsv1 alert unknown ca": an alert is the peer's."""
    _, alert, said = reason.partition(" alert ")
    return f"the peer refused TLS: {said}" if alert else f"TLS failed: {reason}"


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return not_accepted(error.verify_message.rstrip("."))
    return failed((error.reason or str(error)).replace("_", " ").lower())
