"""A relay between programs, which connects each client to a target and forwards all bytes unchanged.

Nothing is parsed here, so invalid bytes pass as they are. The ends pass, too: a side that has sent its last byte ends
only its own direction, and a reset of one connection resets the other. While one end takes no bytes, the other end is
not read from, so a connection never holds more than one read and the buffer of asyncio.

Either side may use TLS. The relay is then the TLS peer of that side, and its `Watch` sees decrypted bytes.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ..errors import RemoteProtocolError, escaped
from ..explain.pcapng import Address
from ..limits import Limits, Timeouts
from ..tls import TLSContext, TLSSession
from .admission import Admission, within_descriptors
from .arguments import check_address, check_settings
from .buffers import Stream
from .client import connection_reason
from .short_reads import ShortReads

__all__ = ["Relay", "Watch", "relay"]

_log = logging.getLogger("dimse.net")

_DESCRIPTORS = 3  # descriptors of a link: two sockets, and the file of a recording
_PLAIN = 1 << 17  # bytes to decrypt at once
_RESET = struct.pack("ii", 1, 0)  # the SO_LINGER value with which closing a socket resets the connection


class Watch(Protocol):
    """An observer of the bytes of one link, after they were forwarded. Its methods return soon, and raise nothing."""

    def received(self, by_client: bool, data: bytes) -> None:
        """Take bytes that the client has sent, or the target if not ``by_client``."""

    def closed(self, why: str) -> None:
        """Take note that both sides are closed; ``why`` is the reason in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    host: str
    port: int
    watch: Callable[[Address, Address], Watch]
    tls: TLSContext | None
    to_tls: TLSContext | None
    timeouts: Timeouts

    @property
    def target(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Relay:
    """A listener and the connections that it forwards. Created by `relay`."""

    def __init__(self, settings: _Settings, limits: Limits) -> None:
        self.host = ""
        self.port = 0
        fair = within_descriptors(replace(limits, connections=limits.connections * _DESCRIPTORS))
        connections = max(fair.connections // _DESCRIPTORS, 1)
        self.admission = Admission(replace(limits, connections=connections, host_connections=connections))
        self._settings = settings
        self._links: set[_Link] = set()
        self._joining: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None
        self._changed = asyncio.Event()  # set when a link is gone

    async def start(self, host: str, port: int) -> None:
        """Start listening. Raises OSError if that fails, or `EncodeError` for a TLS context of the wrong side."""
        self._link()
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: self._link().client, host, port)
        self.host, self.port = self._listener.sockets[0].getsockname()[:2]

    async def close(self) -> None:
        """Stop listening, and reset all connections."""
        if self._listener is not None:
            self._listener.close()
        for task in self._joining:
            task.cancel()
        for link in [*self._links]:
            link.fail("the relay ends")
        if self._joining:
            await asyncio.wait(self._joining)
        while self._links:
            await self._changed.wait()
            self._changed.clear()

    def _link(self) -> "_Link":
        return _Link(self._settings, self._connected, self._gone)

    def _connected(self, link: "_Link") -> None:
        """Admit a new client, and connect it to the target."""
        limit = self.admission.connect(link.client.address[0])
        if limit:
            self.admission.record_limit(limit, link.client.name)
            link.client.abort()
            return
        link.is_admitted = True
        self._links.add(link)
        task = asyncio.get_running_loop().create_task(link.join())
        self._joining.add(task)
        task.add_done_callback(self._joining.discard)

    def _gone(self, link: "_Link") -> None:
        if link.is_admitted:
            self._links.discard(link)
            self._changed.set()
            self.admission.disconnect(link.client.address[0])


class _Link:
    """Two connections; the bytes of each are forwarded to the other."""

    def __init__(
        self, settings: _Settings, on_client: Callable[["_Link"], None], on_gone: Callable[["_Link"], None]
    ) -> None:
        tls, to_tls = settings.tls, settings.to_tls
        self.timeouts = settings.timeouts
        self.client = _End(self, None if tls is None else TLSSession(tls, None))
        self.server = _End(self, None if to_tls is None else TLSSession(to_tls, settings.host))
        self.client.other, self.server.other = self.server, self.client
        self.watch: Watch | None = None
        self.is_admitted = False
        self._settings = settings
        self._on_client = on_client
        self._on_gone = on_gone
        self._why = ""

    async def join(self) -> None:
        """Connect to the target; if that fails, close the client."""
        settings, seconds = self._settings, self.timeouts.connect
        why = ""
        try:
            async with asyncio.timeout(seconds):
                loop = asyncio.get_running_loop()
                await loop.create_connection(lambda: self.server, settings.host, settings.port)
                await self.server.is_ready
        except TimeoutError:
            why = f"{settings.target} did not answer within {seconds:g} s"
        except OSError as exc:
            why = f"cannot connect to {settings.target}: {connection_reason(exc)}"
        except RemoteProtocolError as exc:
            why = f"{settings.target}: {exc}"
        if why:
            _log.warning("%s: closed: %s", self.client.name, escaped(why))
            self.server.abort()
            self.client.close()
        elif self.client.is_lost:
            self.server.abort()
        else:
            self.watch = settings.watch(self.client.address, self.server.address)
            self.client.start()

    def connected(self, end: "_End") -> None:
        if end is self.client:
            self._on_client(self)
        else:
            end.start()

    def side(self, end: "_End") -> str:
        """Return the name of an end, for messages."""
        return "the client" if end is self.client else "the target"

    def fail(self, why: str) -> None:
        """Reset both connections, unless they are closed or closing."""
        if not (self.client.has_ended and self.server.has_ended):
            self._why = self._why or why
        for end in (self.client, self.server):
            end.reset()

    def lost(self, end: "_End", why: str) -> None:
        """Take note that a connection is gone; ``why`` is empty if the connection ended normally."""
        other = end.other
        if not (end.has_ended and other.has_ended):
            self._why = self._why or why
            other.reset()
        if self.client.is_lost and (self.server.is_lost or not self.server.is_connected):
            self._on_gone(self)
            if self.watch is not None:
                self.watch.closed(self._why or "closed by both sides")


class _End(asyncio.Protocol):
    """One of the two connections of a link. Nothing is forwarded before `start`."""

    other: "_End"

    def __init__(self, link: _Link, session: TLSSession | None) -> None:
        self.link = link
        self.address: Address = ("", 0)
        self.is_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()  # done after the handshake
        self.has_ended = False  # whether the peer has sent its last byte
        self.is_lost = False
        self._session = session
        self._plain = memoryview(bytearray(_PLAIN if session is not None else 0))
        self._stream: Stream | None = None
        self._socket: socket.socket | None = None
        self._is_started = False
        self._early: list[bytes] = []  # what was read before `start`; b"" stands for the end
        self._is_full = False  # whether the socket takes no bytes at present
        self._short_reads = ShortReads()
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        """The address and the port of the peer."""
        return f"{self.address[0]}:{self.address[1]}"

    @property
    def is_connected(self) -> bool:
        """Whether there is, or was, a connection."""
        return self._stream is not None

    # --- methods for asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream: Any = transport  # unchecked, because a transport of uvloop is no `asyncio.Transport`
        self._stream = stream
        self._socket = transport.get_extra_info("socket")
        peer = transport.get_extra_info("peername")
        self.address = (str(peer[0]), int(peer[1])) if isinstance(peer, tuple) else ("", 0)
        stream.pause_reading()
        self.link.connected(self)

    def data_received(self, data: bytes) -> None:
        if not self._is_started:
            self._early.append(data)
            self.pause()  # uvloop ignores a pause before the end of `connection_made`, as does asyncio before 3.11.4
            return
        if self._session is None:
            self._forward(data)
        else:
            self._decrypt(data)
        if self._socket is not None and not self.is_lost:
            self._short_reads.add(len(data), self._socket)

    def eof_received(self) -> bool:
        if self._is_started:
            self._end()
        else:
            self._early.append(b"")
        return True  # the other direction may go on

    def pause_writing(self) -> None:
        self._is_full = True
        self.other.pause()

    def resume_writing(self) -> None:
        self._is_full = False
        self.other.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if self._deadline is not None:
            self._deadline.cancel()
        why = "" if exc is None else f"reset by {self.link.side(self)}: {escaped(str(exc))}"
        if not self.is_ready.done():
            self.is_ready.set_exception(RemoteProtocolError(why or "the connection closed during the TLS handshake"))
            self.is_ready.exception()  # marks the error as retrieved, because there may be no waiting task
        self.link.lost(self, why)

    # --- methods for the link and the other end ---

    def start(self) -> None:
        """Forward what the peer sends; with TLS, also start the handshake."""
        self._is_started = True
        if self._session is None:
            self.is_ready.set_result(None)
        else:
            self._deadline = asyncio.get_running_loop().call_later(self.link.timeouts.connect, self._on_overdue)
            self._decrypt(b"")  # a client sends first
        early, self._early = self._early, []
        for data in early:
            if data:
                self.data_received(data)
            else:
                self.eof_received()
        self.resume()

    def pause(self) -> None:
        """Stop reading for the time being."""
        if self._stream is not None and not self._stream.is_closing():
            self._stream.pause_reading()

    def resume(self) -> None:
        """Resume reading if the other end takes bytes."""
        if self._stream is not None and not self._stream.is_closing() and not self.other._is_full:
            self._stream.resume_reading()

    def write(self, data: bytes) -> None:
        """Send bytes that the other end has received."""
        self._short_reads.answer()
        if self._stream is None or self._stream.is_closing():
            return
        if self._session is None:
            self._stream.write(data)
            return
        try:
            self._session.write((data,))
        except RemoteProtocolError as exc:
            self._fail(exc)
        else:
            self._flush()

    def finish(self) -> None:
        """End this direction, since the other end has sent its last byte."""
        if self._stream is None or self._stream.is_closing():
            return
        if self._session is None:
            self._stream.write_eof()
        else:
            self._session.close()
            self._flush()

    def close(self) -> None:
        """Close the connection after the bytes that wait to be sent."""
        if self._stream is not None:
            self._stream.close()

    def abort(self) -> None:
        """Close the connection now."""
        if self._stream is not None:
            self._stream.abort()

    def reset(self) -> None:
        """Reset the connection, after the bytes that wait to be sent if the peer takes them soon."""
        if self._stream is None or self._stream.is_closing() or self._socket is None:
            return
        with suppress(OSError):  # the connection is broken, which asyncio will report
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close_soon()

    # --- inside ---

    def _close_soon(self) -> None:
        """Close the connection after the bytes that wait to be sent, but do not wait long for the peer."""
        self.close()
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(self.link.timeouts.linger, self.abort)

    def _forward(self, data: bytes) -> None:
        self.other.write(data)
        if self.link.watch is not None:
            self.link.watch.received(self is self.link.client, data)

    def _decrypt(self, data: bytes) -> None:
        session = self._session
        assert session is not None
        try:
            session.receive(data)
            if not session.is_established and session.handshake():
                assert self._deadline is not None
                self._deadline.cancel()
                self.is_ready.set_result(None)
            while session.is_established and (count := session.read_into(self._plain)):
                self._forward(bytes(self._plain[:count]))
        except RemoteProtocolError as exc:
            self._fail(exc)
            return
        self._flush()
        if session.is_ended:
            self._end()

    def _flush(self) -> None:
        """Write the bytes that the session has for the peer."""
        assert self._session is not None
        data = self._session.data_to_send()
        if data and self._stream is not None and not self._stream.is_closing():
            self._stream.write(data)

    def _end(self) -> None:
        """Forward the end of the peer's bytes; close both connections if the other side has already ended."""
        if self.has_ended:
            return
        self.has_ended = True
        self.other.finish()
        if self.other.has_ended:
            self.other.close()
            self.close()

    def _fail(self, error: RemoteProtocolError) -> None:
        """End a connection whose TLS has failed, in such a way that the peer still reads the alert."""
        self._flush()
        self._close_soon()
        if not self.is_ready.done():
            self.is_ready.set_exception(error)
            self.is_ready.exception()  # marks the error as retrieved, because there may be no waiting task
        if self is self.link.client:
            _log.warning("%s: closed: %s", self.name, escaped(str(error)))
        self.link.fail(f"{self.link.side(self)}: {error}")

    def _on_overdue(self) -> None:
        self._fail(RemoteProtocolError(f"the TLS handshake was not complete within {self.link.timeouts.connect:g} s"))


@asynccontextmanager
async def relay(
    host: str,
    port: int,
    to_host: str,
    to_port: int,
    *,
    watch: Callable[[Address, Address], Watch],
    tls: TLSContext | None = None,
    to_tls: TLSContext | None = None,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
) -> AsyncIterator[Relay]:
    """Run a relay from ``host`` and ``port`` (0: any free port) to a target, for the time of the block.

    ``watch`` is called with the addresses of client and target once both are connected, and returns the observer of
    their bytes. ``tls`` comes from `server_context`, and ``to_tls`` from `client_context`. If the target cannot be
    reached, the connection of the client is closed, with a line in the log. Of ``limits``, only ``connections`` bounds
    the relay: the number of clients, or fewer if the system allows too few descriptors. Of ``timeouts``, ``connect``
    and ``linger`` are used. Raises OSError if the relay cannot listen, or `EncodeError` for an argument that cannot be
    used.
    """
    check_address(host, port, lowest=0)
    check_address(to_host, to_port)
    check_settings(tls, None, limits, timeouts)
    check_settings(to_tls, None, limits, timeouts)
    settings = _Settings(host=to_host, port=to_port, watch=watch, tls=tls, to_tls=to_tls, timeouts=timeouts)
    running = Relay(settings, limits)
    await running.start(host, port)
    try:
        yield running
    finally:
        await running.close()
