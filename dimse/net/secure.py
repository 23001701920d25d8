"""TLS without I/O: bytes of the peer in, plain bytes out, and the other way round.

asyncio has TLS of its own. It ends a failed handshake without the alert that would tell the peer why, hides it
from a server, copies what is sent more often, and lets a peer delay the end of a connection; so here
OpenSSL (see `engine`) stands between two buffers, as the core does between two lists, and the transport remains the
only one that reads, writes and waits.
"""

import ssl
from collections.abc import Iterable

from ..errors import RemoteProtocolError
from ..ul.wire import Buffer
from .certificate import Certificate
from .engine import Engine, StandardEngine, TLSContext

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

    def __init__(self, context: TLSContext, server_hostname: str | None) -> None:
        self.is_established = False
        self.is_ended = False  # the peer has said that nothing more comes
        self._engine: Engine = (
            StandardEngine(context, server_hostname)
            if isinstance(context, ssl.SSLContext)
            else context.engine(server_hostname)
        )
        self._first: int | None = None
        self._alert = b""
        self._failure: RemoteProtocolError | None = None

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the peer, once the handshake is done."""
        return self._engine.certificate if self.is_established else None

    @property
    def agreed(self) -> str:
        """The version of TLS and the cipher suite, such as "TLSv1.3, TLS_AES_256_GCM_SHA384", once they are known."""
        return self._engine.agreed if self.is_established else ""

    def data_to_send(self) -> bytes:
        """What is to be written to the peer since the last call."""
        if not self._alert:
            return self._engine.data_to_send()
        data, self._alert = self._engine.data_to_send() or self._alert, b""
        return data

    def receive(self, data: Buffer) -> None:
        """Take bytes of the peer; they are copied."""
        if not data:
            return
        if self._first is None:
            self._first = data[0]
        self._engine.receive(data)

    def handshake(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self.is_established = self._engine.handshake()
        except RemoteProtocolError as exc:
            if self._first is not None and not is_tls(self._first):
                self._alert = _PROTOCOL_VERSION  # OpenSSL may say nothing to such a peer
                raise RemoteProtocolError("the peer does not speak TLS") from exc
            raise
        return self.is_established

    def read_into(self, buffer: memoryview) -> int:
        """Fill ``buffer`` with plain bytes of the peer; how many there were. It is to be called until 0."""
        if self._failure is not None:
            raise self._failure
        filled = 0
        try:
            while not self.is_ended and filled < len(buffer):
                count = self._engine.read(buffer[filled:])
                if count is None:
                    break
                self.is_ended = not count
                filled += count
        except RemoteProtocolError as exc:
            self._failure = exc
            if not filled:
                raise
        return filled

    def write(self, chunks: Iterable[Buffer]) -> None:
        """Take plain bytes for the peer. Joined, because each write makes a record of its own."""
        self._engine.write(b"".join(chunks))

    def close(self) -> None:
        """Say that nothing more comes: close_notify, RFC 8446 §6.1. The peer's is not waited for."""
        self._engine.close()
