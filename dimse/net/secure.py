"""TLS without I/O: bytes of the peer in, plain bytes out, and the other way round.

asyncio has TLS of its own. It ends a failed handshake without the alert that would tell the peer why, hides it
from a server, copies what is sent more often, and lets a peer delay the end of a connection; so here
OpenSSL stands between two buffers, as the core does between two lists, and the transport remains the only
one that reads, writes and waits.
"""

import ssl
from collections.abc import Iterable
from contextlib import suppress

from ..errors import EncodeError, RemoteProtocolError
from ..ul.wire import Buffer
from .tls import Certificate, certificate_of

__all__ = ["Secure", "is_tls"]

_ALERT, _HANDSHAKE = 0x15, 0x16  # ContentType, RFC 8446 §5.1; no PDU has these types
_PROTOCOL_VERSION = bytes((_ALERT, 3, 3, 0, 2, 2, 70))  # a fatal alert, ibid. §6


def is_tls(first: int) -> bool:
    """Whether the first byte of a connection is one of TLS."""
    return first in (_ALERT, _HANDSHAKE)


class Secure:
    """One end of a TLS connection. ``server_hostname`` is whom a client calls, None for a server.

    What the peer does wrong raises `RemoteProtocolError`, whose words say what it was; there is an alert for the
    peer in `data_to_send` then.
    """

    def __init__(self, context: ssl.SSLContext, server_hostname: str | None) -> None:
        self.is_established = False
        self.is_ended = False  # the peer has said that nothing more comes
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._first: int | None = None
        self._failure: RemoteProtocolError | None = None
        try:
            self._ssl = context.wrap_bio(
                self._incoming, self._outgoing, server_side=server_hostname is None, server_hostname=server_hostname
            )
        except ssl.SSLError as exc:
            role = "serve" if server_hostname is None else "connect"
            raise EncodeError(f"not a context to {role} with", path="tls") from exc
        except ValueError as exc:
            raise EncodeError(f"{server_hostname!r} is not the name of a host", path="host") from exc

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the peer, once the handshake is done."""
        return certificate_of(self._ssl) if self.is_established else None

    def data_to_send(self) -> bytes:
        """What is to be written to the peer since the last call."""
        return self._outgoing.read()

    def receive(self, data: Buffer) -> None:
        """Take bytes of the peer; they are copied."""
        if self._first is None and data:
            self._first = data[0]
        self._incoming.write(data)

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as exc:
            if self._first is not None and not is_tls(self._first):
                if not self._outgoing.pending:  # OpenSSL says nothing to such a peer
                    self._outgoing.write(_PROTOCOL_VERSION)
                raise RemoteProtocolError("the peer does not speak TLS") from exc
            raise RemoteProtocolError(_words(exc)) from exc
        self.is_established = True
        return True

    def read_into(self, buffer: memoryview) -> int:
        """Fill ``buffer`` with plain bytes of the peer; how many there were. It is to be called until 0."""
        if self._failure is not None:
            raise self._failure
        filled = 0
        try:
            while not self.is_ended and filled < len(buffer):
                rest = buffer[filled:]
                count: int = self._ssl.read(len(rest), rest)  # type: ignore[assignment]  # typeshed says bytes
                self.is_ended = not count
                filled += count
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.is_ended = True
        except ssl.SSLError as exc:
            self._failure = RemoteProtocolError(_words(exc))
            if not filled:
                raise self._failure from exc
        return filled

    def write(self, chunks: Iterable[Buffer]) -> None:
        """Take plain bytes for the peer. Joined, because each write makes a record of its own."""
        try:
            self._ssl.write(b"".join(chunks))
        except ssl.SSLError as exc:
            raise RemoteProtocolError(_words(exc)) from exc

    def close(self) -> None:
        """Say that nothing more comes: close_notify, RFC 8446 §6.1. The peer's is not waited for."""
        with suppress(ssl.SSLError):  # it waits for the peer's, or there is no connection to be closed
            self._ssl.unwrap()


def _words(error: ssl.SSLError) -> str:
    """What OpenSSL says, for a person."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of the peer is not accepted: {error.verify_message.rstrip('.')}"
    reason = error.reason or str(error)
    _, alert, said = reason.partition("_ALERT_")
    words = (said if alert else reason).replace("_", " ").lower()
    return f"the peer refused TLS: {words}" if alert else f"TLS failed: {words}"
