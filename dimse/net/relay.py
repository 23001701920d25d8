"""A relay between programs, which connects each client to a target and forwards all bytes unchanged.

Nothing is parsed here, so invalid bytes pass as they are. The end of each direction is forwarded, too: a side that has
sent its last byte ends only its own direction, and a reset of one connection resets the other. While one side takes no
bytes, nothing is read from the other side, so the relay holds at most the bytes of one read for each direction.

Either side may use TLS. The relay is then the TLS peer of that side, and its `Watch` sees decrypted bytes.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from ipaddress import ip_address

from ..errors import EncodeError
from ..explain.pcapng import Address
from ..limits import Limits, Timeouts
from ..tls import TLSContext
from .addresses import addresses_of, bound_sockets, listening_failed
from .admission import Admission, within_descriptors
from .arguments import check_address, check_settings, is_host
from .recorder import address_of
from .relay_link import Link, Settings, Watch

__all__ = ["Relay", "Watch", "relay"]

_log = logging.getLogger("dimse.net")

_DESCRIPTORS = 3  # descriptors of a link: two sockets, and the file of a recording
_BACKLOG = 100  # connections that the system holds until they are accepted
_PAUSE = 1.0  # seconds to wait before the next attempt to accept, if the system has no descriptors or no memory


class Relay:
    """A listener at ``host`` and ``port``, and the connections that it forwards. Created by `relay`."""

    def __init__(self, settings: Settings, limits: Limits) -> None:
        self.host = ""
        self.port = 0
        lowered = within_descriptors(replace(limits, connections=limits.connections * _DESCRIPTORS))
        connections = max(lowered.connections // _DESCRIPTORS, 1)
        self.admission = Admission(replace(limits, connections=connections, host_connections=connections))
        self._settings = settings
        self._listeners: list[socket.socket] = []
        self._accepting: set[asyncio.Task[None]] = set()
        self._links: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> None:
        """Start listening.

        Raises OSError if that fails, or `EncodeError` for a TLS context of the wrong side, or if the target is this
        relay.
        """
        self._settings.check()
        try:
            self._listeners = await bound_sockets(host, port)
            try:
                for listener in self._listeners:
                    listener.listen(_BACKLOG)
            except OSError as exc:
                raise listening_failed(exc, host, port) from exc
            self.host, self.port = self._listeners[0].getsockname()[:2]
            if self._settings.port == self.port:
                await self._refuse_itself()
        except BaseException:  # also if this is canceled
            await self.close()
            raise
        self._accepting = {asyncio.create_task(self._accept(listener)) for listener in self._listeners}

    async def _refuse_itself(self) -> None:
        """Raise `EncodeError` if the target, which has our port, is this relay: one client would never end."""
        with suppress(OSError):  # the name of the target may become known later
            targets = await addresses_of(self._settings.host)
            ours = [listener.getsockname()[0] for listener in self._listeners]
            if any(_reaches(target, our) for target in targets for our in ours):
                raise EncodeError(f"the target {self._settings.target} is the address on which the relay listens")

    async def close(self) -> None:
        """Stop listening, and reset all connections."""
        try:
            for tasks in (self._accepting, self._links):
                for task in tasks:
                    task.cancel()
                if tasks:
                    await asyncio.wait(tasks)
        finally:  # also if this is canceled
            for listener in self._listeners:
                listener.close()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, name = await loop.sock_accept(listener)
            except OSError as exc:
                _log.error("cannot accept a connection: %s", exc)
                await asyncio.sleep(_PAUSE)
            else:
                self._admit(sock, address_of(name))

    def _admit(self, sock: socket.socket, address: Address) -> None:
        """Admit a new client, and forward its connection."""
        limit = self.admission.connect(address[0])
        if limit:
            self.admission.record_limit(limit, f"{address[0]}:{address[1]}")
            sock.close()
            return
        warn = partial(self.admission.warn, "a connection failed")
        link = Link(self._settings, self._settings.client_end(sock, address), warn)
        task = asyncio.create_task(link.run())
        self._links.add(task)
        task.add_done_callback(partial(self._gone, link, address[0]))

    def _gone(self, link: Link, host: str, task: "asyncio.Task[None]") -> None:
        link.close()
        self._links.discard(task)
        self.admission.disconnect(host)


def _reaches(target: str, listener: str) -> bool:
    """Return whether a connection to the address ``target`` reaches a listener with the address ``listener``."""
    to, at = ip_address(target), ip_address(listener)
    to = getattr(to, "ipv4_mapped", None) or to
    if to.is_unspecified:  # the system connects to the loopback address of the same family
        to = ip_address("127.0.0.1" if to.version == 4 else "::1")
    return to == at or (at.is_unspecified and to.version == at.version and _is_ours(str(to)))


def _is_ours(address: str) -> bool:
    """Return whether this machine has ``address``."""
    try:
        socket.create_server((address, 0), family=socket.AF_INET6 if ":" in address else socket.AF_INET).close()
    except OSError:
        return False
    return True


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
    used, or a target that is the relay itself.
    """
    check_address(host, port, lowest=0)
    check_address(to_host, to_port)
    for name, value in (("host", host), ("to_host", to_host)):
        if value and not is_host(value):  # "" means all addresses
            raise EncodeError(f"{value!a} is not a valid host name", path=name)
    check_settings(tls, None, limits, timeouts)
    check_settings(to_tls, None, limits, timeouts)
    settings = Settings(host=to_host, port=to_port, watch=watch, tls=tls, to_tls=to_tls, timeouts=timeouts)
    running = Relay(settings, limits)
    await running.start(host, port)
    try:
        yield running
    finally:
        await running.close()
