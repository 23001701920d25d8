"""A link of the relay: the connection of a client, the connection to the target, and a thread for each direction.

A thread waits for bytes, shows them to the `Watch`, and sends them. So the system makes a sender wait for a slow
receiver, and a C-ECHO takes as long as through a bare pair of sockets; an event loop takes 15 % longer, because it
needs one more system call and a callback for each message. The event loop opens and closes links, and reads nothing.

The watch comes before the sending, so it sees a request before the response. Afterwards, it would need a lock, and its
work would delay the program that the sending wakes: a C-ECHO then takes 9 us more of 120 us.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Protocol

from ..errors import RemoteProtocolError, escaped
from ..explain.pcapng import Address
from ..limits import Timeouts
from ..tls import TLSContext, TLSSession
from .client import connection_reason
from .recorder import address_of
from .relay_ends import End, PlainEnd, SecureEnd

__all__ = ["Link", "Settings", "Watch"]

_log = logging.getLogger("dimse.net")

# Bytes in one read. The memory for a short read costs 3 us less, so a long read only follows a read that was full.
_SHORT_READ, _LONG_READ = 1 << 16, 1 << 18
_SOON = 0.1  # seconds for the threads to end when the relay ends


class Watch(Protocol):
    """An observer of the bytes of one link. Its methods return at once, and raise nothing."""

    def received(self, by_client: bool, data: bytes) -> None:
        """Take bytes that the client has sent, or the target if not ``by_client``.

        Called in the thread that forwards this direction, just before the bytes are sent, so each microsecond here
        delays them. Calls for both directions may overlap, but the call for a request has always returned when the call
        for its answer begins.
        """

    def closed(self, why: str) -> None:
        """Take note that both sides are closed; ``why`` is the reason in words.

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


class _Broken(Exception):
    """The failure of one connection, which ends the link. ``has_alert``: its peer got an alert of TLS."""

    def __init__(self, why: str, *, is_client: bool = False, has_alert: bool = False) -> None:
        super().__init__(why)
        self.is_client = is_client  # whether it is the connection of the client
        self.has_alert = has_alert


class Link:
    """The connection of a client and the connection to the target; the bytes of each are forwarded to the other."""

    def __init__(self, settings: Settings, client: End) -> None:
        self._settings = settings
        self._ends = [client]  # and the target, once it is connected
        self._is_stopping = False  # whether the threads must end

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
            for end in self._ends:
                end.stop(resets=True)
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
                self._ends.append(settings.target_end(*await _connected(settings.host, settings.port)))
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
        """Forward with a watch, and tell the watch why that ended."""
        watch = self._settings.watch(self._ends[0].address, self._ends[1].address)
        why = "the relay ends"
        try:
            why = await self._greet() or await self._forward(watch)
        finally:
            watch.closed(why)

    async def _greet(self) -> str:
        """Do the TLS handshake with the client. If that fails, return and log the reason."""
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
        """Forward both directions, and return why that ended."""
        client, target = self._ends
        threads: list[asyncio.Future[None]] = []
        try:
            threads.append(_started(partial(self._forward_all, client, target, watch)))
            threads.append(_started(partial(self._forward_all, target, client, watch)))
            await asyncio.wait(threads, return_when=asyncio.FIRST_EXCEPTION)
        except asyncio.CancelledError:
            await self._stop(threads, _SOON)
            raise
        except RuntimeError as exc:  # the system allows no more threads
            await self._stop(threads, _SOON)
            self._warn(str(exc))
            return str(exc)
        errors = [error for one in threads if one.done() and (error := one.exception())]
        return await self._failed(threads, errors[0]) if errors else "closed by both sides"

    async def _failed(self, threads: Sequence["asyncio.Future[None]"], error: BaseException) -> str:
        """End the link after an error, and return the error in words."""
        if not isinstance(error, _Broken):
            await self._stop(threads, _SOON)
            raise error
        client, target = self._ends
        side, end = ("the client", client) if error.is_client else ("the target", target)
        await self._stop(threads, self._settings.timeouts.linger, spared=end if error.has_alert else None)
        if not error.has_alert:
            return f"reset by {side}: {escaped(str(error))}"
        if error.is_client:
            self._warn(str(error))
        return f"{side}: {error}"

    async def _stop(
        self, threads: Sequence["asyncio.Future[None]"], seconds: float, *, spared: End | None = None
    ) -> None:
        """End the threads; give them ``seconds`` for the bytes that wait to be sent.

        Both connections will be reset, but not the one that is ``spared``.
        """
        self._is_stopping = True
        for end in self._ends:
            end.stop(resets=end is not spared)
        waiting = {*threads}
        try:
            if threads:
                _, waiting = await asyncio.wait(threads, timeout=seconds)
        finally:  # also if this is canceled
            if waiting:
                for end in self._ends:
                    end.cut()
                await asyncio.wait(waiting)
            for one in threads:
                one.exception()  # marks the error as retrieved

    def _warn(self, why: str) -> None:
        _log.warning("%s: closed: %s", self.name, escaped(why))

    # --- in the threads ---

    def _forward_all(self, source: End, sink: End, watch: Watch) -> None:
        """Forward bytes from ``source`` until it ends, and then end the bytes of ``sink``, too. Raises `_Broken`."""
        by_client, size = source is self._ends[0], _SHORT_READ
        read, write, received = source.read, sink.write, watch.received
        note_read, note_answer = source.short_reads.add, sink.short_reads.answer
        while not self._is_stopping:
            try:
                data = read(size)
                if not data:
                    source.check_end()
            except (OSError, RemoteProtocolError) as exc:
                raise self._broken(source, exc) from exc
            try:
                if data:
                    received(by_client, data)
                    note_answer()
                    note_read(len(data), source.socket)
                    write(data)
                    size = _SHORT_READ if len(data) < _SHORT_READ else _LONG_READ
                    continue
                if not self._is_stopping:
                    sink.finish()
                return
            except (OSError, RemoteProtocolError) as exc:
                raise self._broken(sink, exc) from exc

    def _broken(self, end: End, error: OSError | RemoteProtocolError) -> _Broken:
        is_client, has_alert = end is self._ends[0], isinstance(error, RemoteProtocolError)
        return _Broken(str(error), is_client=is_client, has_alert=has_alert)


def _started(work: Callable[[], None]) -> "asyncio.Future[None]":
    """Do ``work`` in a thread, and return its future. Raises RuntimeError if the system allows no more threads."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as exc:
            done.set_exception(exc)
        else:
            done.set_result(None)

    Thread(target=run, name="dimse: relay", daemon=True).start()
    return asyncio.wrap_future(done)


async def _connected(host: str, port: int) -> tuple[socket.socket, Address]:
    """Return a connection and the address of its peer. Raises OSError, of the first address that failed."""
    loop = asyncio.get_running_loop()
    failed: OSError | None = None
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, address)
        except OSError as exc:
            sock.close()
            failed = failed or exc
        except BaseException:
            sock.close()
            raise
        else:
            return sock, address_of(address)
    raise failed or OSError(f"{host} has no address")
