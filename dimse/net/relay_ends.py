"""The ends of a relay's link, which are its connections to the client and to the target.

No end blocks: bytes that the system does not take are kept as ``unsent``. A plain end is a socket. With TLS, a
`TLSSession` stands behind the socket. Reading may then produce bytes for the peer, for example the answer to a change
of keys; these bytes are sent, or kept as ``unsent``, like bytes that are written.
"""

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from typing import Protocol

from ..errors import RemoteProtocolError
from ..explain.pcapng import Address
from ..tls import TLSSession
from .addresses import connection_reason
from .keepalive import keep_alive
from .short_reads import SHORT, ShortReads

__all__ = ["End", "PlainEnd", "SecureEnd"]

_READ = 1 << 14  # bytes to read at a time in a handshake
_PLAIN = 1 << 17  # bytes to decrypt at a time
_RESET = struct.pack("ii", 1, 0)  # the SO_LINGER value with which closing a socket resets the connection

# Bytes in one read. The memory for a short read costs 3 us less, so a long read only follows a read of 64 KiB or more.
_SHORT_READ, _LONG_READ = 1 << 16, 1 << 18


class End(Protocol):
    """One of the two connections of a link.

    The thread of the link calls `read`, `acknowledge`, `write`, `flush`, `finish` and `drop`. `read`, `write`, `flush`
    and `finish` raise OSError if the connection is broken. With TLS, `read` and `write` raise `RemoteProtocolError` for
    a mistake of the peer, which gets an alert.
    """

    address: Address
    socket: socket.socket
    unsent: memoryview  # bytes for the peer that the system has not accepted yet
    is_ended: bool  # whether the peer sends no more bytes
    is_failed: bool  # whether the next `read` raises an error, even if no more bytes arrive

    async def handshake(self) -> None:
        """Do the TLS handshake, if any. Raises `RemoteProtocolError` if it fails, after the peer got an alert."""

    def read(self) -> bytes:
        """Return bytes of the peer; b"" if none have arrived, or if the peer sends no more."""

    def acknowledge(self, nbytes: int) -> None:
        """Acknowledge a read of ``nbytes`` at once if the peer may wait for the acknowledgment."""

    def write(self, data: bytes) -> None:
        """Send ``data`` to the peer after the unsent bytes."""

    def flush(self) -> None:
        """Send as many of the unsent bytes as the system takes."""

    def finish(self) -> None:
        """Tell the peer that no bytes follow the unsent ones."""

    def drop(self) -> None:
        """Drop the unsent bytes, because the connection is broken."""

    def stop(self, *, resets: bool) -> None:
        """Wake the thread if it waits for bytes of the peer. With ``resets``, `close` will reset the connection."""

    def cut(self) -> None:
        """Wake the thread if it waits for the system to take bytes."""

    async def linger(self, seconds: float) -> None:
        """After a failed handshake, discard the bytes of the peer until it sends no more, for at most ``seconds``.

        If bytes are unread when a connection is closed, the system resets it, and the peer may lose the alert.
        """

    def close(self) -> None:
        """Close the connection. No thread may use it at that time."""


class _Socket:
    """The base of both kinds of ends: the operations on the socket."""

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self.address = address
        self.socket = sock
        self._short_reads = ShortReads()
        self.unsent = memoryview(b"")
        self.is_ended = False
        self.is_failed = False
        self._is_finishing = False  # whether to shut down the socket once no bytes are unsent
        self._size = _SHORT_READ
        with suppress(OSError):  # the connection is broken, which reading will report
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_alive(sock)

    def read(self) -> bytes:
        try:
            data = self.socket.recv(self._size)
        except BlockingIOError:
            return b""
        self.is_ended = not data
        self._size = _SHORT_READ if len(data) < _SHORT_READ else _LONG_READ
        return data

    def acknowledge(self, nbytes: int) -> None:
        if nbytes < SHORT:
            self._short_reads.add(self.socket)

    def write(self, data: bytes) -> None:
        self._short_reads.is_answered = True
        if self.unsent:
            self.unsent = memoryview(b"".join((self.unsent, data)))
            return
        try:
            sent = self.socket.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            self.unsent = memoryview(data)[sent:]

    def flush(self) -> None:
        if self.unsent:
            with suppress(BlockingIOError):
                self.unsent = self.unsent[self.socket.send(self.unsent) :]
        if self._is_finishing and not self.unsent:
            self._is_finishing = False
            self.socket.shutdown(socket.SHUT_WR)

    def drop(self) -> None:
        self.unsent, self._is_finishing = memoryview(b""), False

    def stop(self, *, resets: bool) -> None:
        if resets:
            with suppress(OSError):  # the connection is broken
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._wake(socket.SHUT_RD)  # not SHUT_RDWR: the end of the bytes would reach the peer before the reset

    def cut(self) -> None:
        self._wake(socket.SHUT_RDWR)

    async def linger(self, seconds: float) -> None:
        with suppress(OSError):  # the connection is broken, or `seconds` are over
            self.socket.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(seconds):
                while await asyncio.get_running_loop().sock_recv(self.socket, _READ):
                    pass

    def close(self) -> None:
        self.socket.close()

    def _wake(self, how: int) -> None:
        if sys.platform == "win32":  # there, only closing a socket wakes a thread
            self.socket.close()
        else:
            with suppress(OSError):  # the connection is broken, so no thread waits for it
                self.socket.shutdown(how)


class PlainEnd(_Socket):
    """A connection without TLS."""

    async def handshake(self) -> None:
        """Do nothing."""

    def finish(self) -> None:
        self._is_finishing = True
        self.flush()


class SecureEnd(_Socket):
    """A connection with TLS."""

    def __init__(self, sock: socket.socket, address: Address, session: TLSSession) -> None:
        super().__init__(sock, address)
        self._session = session
        self._plain = memoryview(bytearray(_PLAIN))

    async def handshake(self) -> None:
        try:
            while not self._session.is_established:
                await self._continue()
        except OSError as exc:
            why = f"the connection broke during the TLS handshake: {connection_reason(exc)}"
            raise RemoteProtocolError(why) from exc

    async def _continue(self) -> None:
        """Continue the handshake. If it is not complete, read bytes for its next step."""
        loop = asyncio.get_running_loop()
        try:
            is_done = self._session.handshake()
        except RemoteProtocolError:
            with suppress(OSError):  # the connection is broken
                await loop.sock_sendall(self.socket, self._session.data_to_send())  # the alert
            raise
        await loop.sock_sendall(self.socket, self._session.data_to_send())
        if is_done:
            return
        data = await loop.sock_recv(self.socket, _READ)
        if not data:
            raise RemoteProtocolError("the connection closed during the TLS handshake")
        self._session.receive(data)

    def read(self) -> bytes:
        self._session.receive(super().read())
        try:
            plain = self._decrypt()
        except RemoteProtocolError:
            with suppress(OSError):  # the connection is broken, too
                self._send_output()  # the alert
            raise
        self._send_output()
        return plain

    def _decrypt(self) -> bytes:
        """Return all decrypted bytes of the session, because none may be left when `TLSSession.close` is called."""
        pieces: list[bytes] = []
        try:
            while count := self._session.read_into(self._plain):
                pieces.append(bytes(self._plain[:count]))
        except RemoteProtocolError:
            if not pieces:
                raise
            self.is_failed = True  # the next call raises the error again
        self.is_ended = self.is_ended or self._session.is_ended
        return b"".join(pieces)

    def write(self, data: bytes) -> None:
        self._session.write((data,))
        self._send_output()

    def finish(self) -> None:
        self._session.close()
        self._send_output()

    def _send_output(self) -> None:
        """Send the encrypted bytes that the session has for the peer."""
        data = self._session.data_to_send()
        if data:
            super().write(data)
