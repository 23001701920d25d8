"""A link of the relay: the connection of a client, the connection to the target, and the thread that forwards.

The event loop opens and closes the connections; the thread reads and writes.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any, Protocol, TypeVar

from ..errors import RemoteProtocolError, escaped
from ..explain.pcapng import Address
from ..limits import Timeouts
from ..tls import TLSContext, TLSSession
from .addresses import connection_reason, first_reached
from .own_thread import in_own_thread
from .recorder import address_of
from .relay_ends import End, PlainEnd, SecureEnd
from .relay_forwarder import Failure, Forwarder

__all__ = ["Link", "Settings", "Watch"]

_SOON = 0.1  # seconds that the system has to take the unsent bytes when the relay ends

T = TypeVar("T")


class Watch(Protocol):
    """An observer of the bytes of one link. Its methods must return at once, and must not raise."""

    def received(self, by_client: bool, data: bytes) -> None:
        """Take bytes that the client has sent, or the target if not ``by_client``.

        Called in the thread of the link, after an attempt to forward the bytes.
        """

    def closed(self, why: str) -> None:
        """Take note that no more bytes are forwarded; ``why`` is the reason in words.

        Called in the event loop, after all calls of `received`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The target of all links, and how to forward."""

    host: str
    port: int
    watch: Callable[[Address, Address], Watch]
    tls: TLSContext | None
    to_tls: TLSContext | None
    timeouts: Timeouts
    polling: Lock = field(default_factory=Lock)  # held by the thread that polls, see `Forwarder`

    @property
    def target(self) -> str:
        """The host and the port of the target."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def check(self) -> None:
        """Raise `EncodeError` for a TLS context of the wrong side."""
        if self.tls is not None:
            TLSSession(self.tls, None)
        if self.to_tls is not None:
            TLSSession(self.to_tls, self.host)

    def client_end(self, sock: socket.socket, address: Address) -> End:
        """Return the connection of a client as an end of a link."""
        return _end(sock, address, None if self.tls is None else TLSSession(self.tls, None))

    def target_end(self, sock: socket.socket, address: Address) -> End:
        """Return the connection to the target as an end of a link."""
        return _end(sock, address, None if self.to_tls is None else TLSSession(self.to_tls, self.host))


def _end(sock: socket.socket, address: Address, session: TLSSession | None) -> End:
    return PlainEnd(sock, address) if session is None else SecureEnd(sock, address, session)


class Link:
    """The connection of a client and the connection to the target; the bytes of each are forwarded to the other.

    ``warn`` logs a failure.
    """

    def __init__(self, settings: Settings, client: End, warn: Callable[[str], None]) -> None:
        self._settings = settings
        self._log_failure = warn
        self._ends = [client]  # the end of the target is added once it is connected

    @property
    def name(self) -> str:
        """The address and the port of the client."""
        host, port = self._ends[0].address
        return f"{host}:{port}"

    async def run(self) -> None:
        """Connect to the target, and forward until both directions have ended.

        If canceled, end both directions, so that `close` resets both connections.
        """
        try:
            if await self._connect():
                await self._observe()
        except asyncio.CancelledError:
            self._reset()
            raise

    def close(self) -> None:
        """Close both connections, after `run`."""
        for end in self._ends:
            end.close()

    async def _connect(self) -> bool:
        """Connect to the target, and return True; if that fails, log the reason."""
        settings, seconds = self._settings, self._settings.timeouts.connect
        try:
            async with asyncio.timeout(seconds):
                self._ends.append(settings.target_end(*await _connected(settings.host, settings.port, seconds)))
                await self._ends[1].handshake()
                return True
        except TimeoutError:
            why = f"{settings.target} did not answer within {seconds:g} s"
        except OSError as exc:
            why = f"cannot connect to {settings.target}: {connection_reason(exc)}"
        except RemoteProtocolError as exc:
            self._warn(f"{settings.target}: {exc}")
            self._ends[0].close()
            await self._ends[1].linger(settings.timeouts.linger)
            return False
        self._warn(why)
        return False

    async def _observe(self) -> None:
        """Forward with a watch, and tell the watch why the forwarding ended."""
        watch = self._settings.watch(self._ends[0].address, self._ends[1].address)
        why = "the relay ends"
        try:
            why = await self._secure_client() or await self._forward(watch)
        finally:
            watch.closed(why)

    async def _secure_client(self) -> str:
        """Do the TLS handshake with the client, if any. If it fails, log and return the reason; otherwise return ""."""
        timeouts = self._settings.timeouts
        client, target = self._ends
        try:
            async with asyncio.timeout(timeouts.connect):
                await client.handshake()
                return ""
        except TimeoutError:
            why, has_alert = f"the TLS handshake was not complete within {timeouts.connect:g} s", False
        except RemoteProtocolError as exc:
            why, has_alert = str(exc), True
        target.stop(resets=True)
        target.close()
        self._warn(why)
        if has_alert:
            await client.linger(timeouts.linger)
        return f"the client: {why}"

    async def _forward(self, watch: Watch) -> str:
        """Forward both directions, and return why the forwarding ended."""
        client, target = self._ends
        forwarder = Forwarder(
            client,
            target,
            received=watch.received,
            linger=self._settings.timeouts.linger,
            polling=self._settings.polling,
        )
        try:
            running = _started(forwarder.run)
        except RuntimeError as exc:  # the system allows no more threads
            self._reset()
            self._warn(str(exc))
            return str(exc)
        try:
            await asyncio.wait((running,))
        except asyncio.CancelledError:
            await self._stop(forwarder, running)
            raise
        try:
            failure = running.result()
        except Exception:
            self._reset()
            raise
        return "closed by both sides" if failure is None else self._failed(*failure)

    def _failed(self, end: End, error: OSError | RemoteProtocolError) -> str:
        """Reset the connections after the error of one end, and return the error in words."""
        side = "the client" if end is self._ends[0] else "the target"
        if isinstance(error, OSError):
            self._reset()
            return f"reset by {side}: {escaped(str(error))}"
        self._reset(spared=end)  # so that its peer gets the alert
        if end is self._ends[0]:
            self._warn(str(error))
        return f"{side}: {error}"

    def _reset(self, *, spared: End | None = None) -> None:
        """Let `close` reset both connections, but not the one that is ``spared``."""
        for end in self._ends:
            end.stop(resets=end is not spared)

    async def _stop(self, forwarder: Forwarder, running: "asyncio.Future[Failure | None]") -> None:
        """End the thread; the system has a short time to take the unsent bytes."""
        forwarder.stop()
        self._reset()
        try:
            await asyncio.wait((running,), timeout=_SOON)
        finally:  # also if this is canceled
            if not running.done():
                for end in self._ends:
                    end.cut()
                await asyncio.wait((running,))
            running.exception()  # marks the error as retrieved

    def _warn(self, why: str) -> None:
        self._log_failure(f"{self.name}: closed: {escaped(why)}")


def _started(work: Callable[[], T]) -> "asyncio.Future[T]":
    """Do ``work`` in a thread, and return its future. Raises RuntimeError if the system allows no more threads."""
    done: Future[T] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as exc:
            done.set_exception(exc)

    Thread(target=run, name="dimse: relay", daemon=True).start()
    return asyncio.wrap_future(done)


async def _connected(host: str, port: int, seconds: float) -> tuple[socket.socket, Address]:
    """Return a connection and the address of its peer. `first_reached` explains ``seconds`` and the errors."""
    found = await in_own_thread(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    return await first_reached(host, found, _connected_to, seconds)


async def _connected_to(found: tuple[Any, ...]) -> tuple[socket.socket, Address]:
    """Return a connection to an address of `socket.getaddrinfo`, and the address.

    Raises OSError, also if this system lacks the family: a name may have addresses of IPv4 and IPv6.
    """
    family, kind, protocol, _, address = found
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock, address_of(address)
