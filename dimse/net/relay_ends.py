"""The two connections of a link of the relay. They block; one thread reads from each, and another writes to it.

A plain connection is a socket. With TLS, both threads of a connection use one `TLSSession`, which a lock protects.
Neither thread waits until the other has read or sent its bytes. A thread that reads may have to answer, for example to
a change of keys; if the other thread is sending at that moment, the other one sends the answer, too.
"""

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from errno import ECONNRESET
from threading import Lock
from typing import Protocol

from ..errors import RemoteProtocolError
from ..explain.pcapng import Address
from ..tls import TLSSession
from .short_reads import ShortReads

__all__ = ["End", "PlainEnd", "SecureEnd"]

_READ = 1 << 14  # bytes to read at a time in a handshake
_PLAIN = 1 << 17  # bytes to decrypt at a time
_RESET = struct.pack("ii", 1, 0)  # the SO_LINGER value with which closing a socket resets the connection


class End(Protocol):
    """One of the two connections of a link."""

    address: Address
    socket: socket.socket
    short_reads: ShortReads

    @property
    def read(self) -> Callable[[int], bytes]:
        """A function that waits for bytes of the peer, and returns at most the given number; b"" after the last one."""

    @property
    def write(self) -> Callable[[bytes], None]:
        """A function that sends bytes, and waits until the system has taken them."""

    async def handshake(self) -> None:
        """Prepare for `read` and `write`. Raises `RemoteProtocolError`, after the peer got an alert."""

    def check_end(self) -> None:
        """Raise OSError if the peer has reset the connection instead of ending its bytes.

        The system reports a reset only once. If the thread that writes has received the report, the thread that reads
        sees an ordinary end.
        """

    def finish(self) -> None:
        """End this direction: the peer gets no more bytes."""

    def stop(self, *, resets: bool) -> None:
        """Wake the thread that reads. With ``resets``, `close` will reset the connection."""

    def cut(self) -> None:
        """Wake the thread that writes."""

    async def linger(self, seconds: float) -> None:
        """After a failed handshake, discard what the peer sends until it ends, for at most ``seconds``.

        If bytes are unread when a connection is closed, the system resets it, and the peer may lose the alert.
        """

    def close(self) -> None:
        """Close the connection. No thread may use it at that time."""


class _Socket:
    """The base of both kinds of ends: the operations on the socket."""

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self.address = address
        self.socket = sock
        self.short_reads = ShortReads()
        self._is_finished = False
        with suppress(OSError):  # the connection is broken, which reading will report
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def check_end(self) -> None:
        if not self._is_finished:  # once both directions have ended, the system does not keep the address either
            try:
                self.socket.getpeername()
            except OSError as exc:
                if not self._is_finished:  # the other thread may have called `finish` in the meantime
                    raise ConnectionResetError(ECONNRESET, os.strerror(ECONNRESET)) from exc

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

    def __init__(self, sock: socket.socket, address: Address) -> None:
        super().__init__(sock, address)
        self.read, self.write = sock.recv, sock.sendall

    async def handshake(self) -> None:
        self.socket.setblocking(True)

    def finish(self) -> None:
        self._is_finished = True
        self.socket.shutdown(socket.SHUT_WR)


class SecureEnd(_Socket):
    """A connection with TLS."""

    def __init__(self, sock: socket.socket, address: Address, session: TLSSession) -> None:
        super().__init__(sock, address)
        self._session = session
        self._using = Lock()  # held while a thread uses the session, and never while it waits for the peer
        self._sending = Lock()  # held while a thread sends what the session has for the peer, so that the order holds
        self._has_output = False  # whether the session may have bytes for the peer
        self._plain = memoryview(bytearray(_PLAIN))

    async def handshake(self) -> None:
        try:
            while not self._session.is_established:
                await self._continue()
        except OSError as exc:
            raise RemoteProtocolError(f"the connection broke during the TLS handshake: {exc.strerror}") from exc
        self.socket.setblocking(True)

    async def _continue(self) -> None:
        """Continue the handshake, and if it is not done, read what it needs next."""
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

    def read(self, size: int) -> bytes:
        data = b""  # at first, the session may have bytes that came with the end of the handshake
        while True:
            try:
                with self._using:
                    self._session.receive(data)
                    self._has_output = True
                    plain = self._decrypt()
            finally:
                self._flush()
            if plain or self._session.is_ended:
                return plain
            data = self.socket.recv(size)
            if not data:
                return b""

    def _decrypt(self) -> bytes:
        """Return all plain bytes of the session; none may be left in it when `TLSSession.close` is called."""
        pieces: list[bytes] = []
        try:
            while count := self._session.read_into(self._plain):
                pieces.append(bytes(self._plain[:count]))
        except RemoteProtocolError:
            if not pieces:
                raise  # if there are pieces, the next call raises the error again
        return b"".join(pieces)

    def check_end(self) -> None:
        if not self._session.is_ended:
            super().check_end()

    def write(self, data: bytes) -> None:
        with self._using:
            self._session.write((data,))
        self._send()

    def finish(self) -> None:
        with self._using:
            self._session.close()
        self._send()

    def _send(self) -> None:
        """Send what the session has for the peer."""
        with self._sending:
            self._send_output()
        self._flush()

    def _flush(self) -> None:
        """Send what the session has for the peer, unless the other thread is sending: then, that one does it."""
        while self._has_output and self._sending.acquire(blocking=False):
            try:
                self._send_output()
            finally:
                self._sending.release()

    def _send_output(self) -> None:
        with self._using:
            self._has_output = False
            data = self._session.data_to_send()
        if data:
            self.socket.sendall(data)
