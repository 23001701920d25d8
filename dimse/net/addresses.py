"""Host names and addresses.

The addresses of a name, sockets bound to all of them, the first of them that can be reached, and words for errors.
"""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import ExitStack
from ipaddress import ip_address
from typing import Any, TypeVar

from .own_thread import in_own_thread

__all__ = [
    "addresses_of",
    "bound_sockets",
    "connection_reason",
    "first_reached",
    "listening_failed",
    "reach",
    "start_servers",
]

A = TypeVar("A")
T = TypeVar("T")
Protocol = TypeVar("Protocol", bound=asyncio.BaseProtocol)

_ALL = ("0.0.0.0", "::")  # all addresses of this machine
_ATTEMPTS = 100  # to find a port that is free on all addresses
_LACKING = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # this machine does not have the address, or no IPv6 at all


async def addresses_of(host: str) -> list[str]:
    """Return the IP addresses of a host, in the order in which to try them.

    Raises OSError if its name is unknown, and ValueError for a text that cannot be a name.
    """
    try:
        ip_address(host)
    except ValueError:
        if "\0" in host:  # the system would look up the part before it
            raise
        found = await in_own_thread(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in found))
    return [host]


async def reach(
    make: Callable[[], Protocol], host: str, port: int, seconds: float
) -> tuple[asyncio.Transport, Protocol]:
    """Connect to the first address of a host that can be reached; return the transport and the protocol of ``make``.

    `first_reached` explains ``seconds``. Raises what it raises, and as `addresses_of`.
    """
    loop = asyncio.get_running_loop()
    addresses = await addresses_of(host)
    return await first_reached(host, addresses, lambda address: loop.create_connection(make, address, port), seconds)


async def first_reached(
    host: str, addresses: Sequence[A], connect: Callable[[A], Coroutine[Any, Any, T]], seconds: float
) -> T:
    """Return the connection to the first address of a host that can be reached.

    Each address has its share of ``seconds``, because some networks drop all packets to addresses of IPv6, or to one of
    the addresses of a name. The caller bounds the time for the last address. Raises OSError of the first address if
    none can be reached.
    """
    clock = asyncio.get_running_loop().time
    due = clock() + seconds
    failures: list[OSError] = []  # `pop` raises the first: a kept error would be in a cycle with this frame
    for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
        try:
            async with asyncio.timeout((due - clock()) / left if left > 1 else None):
                return await connect(address)
        except OSError as exc:
            if not failures:
                failures.append(exc if exc.args else TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))
    raise failures.pop() if failures else OSError(f"{host} has no address")


async def bound_sockets(host: str, port: int, *, reuse_port: bool = False) -> list[socket.socket]:
    """Return a socket for each address of ``host``, or for all addresses of this machine if that is "".

    The sockets are bound to ``port``, or all to the same free port if that is 0. They do not listen yet. With
    ``reuse_port``, other processes may bind the port, too. A name may stand for addresses that this machine lacks, most
    often for one of IPv6: they are left out if there is another one.

    Raises OSError with the address in its text, and ValueError for a text that cannot be a name.
    """
    attempts = 1 if port else _ATTEMPTS
    try:
        addresses = await addresses_of(host) if host else _ALL
        while True:
            attempts -= 1
            try:
                return _bound(addresses, port, reuse_port=reuse_port)
            except OSError as exc:
                if attempts == 0 or exc.errno != errno.EADDRINUSE:
                    raise
    except OSError as exc:
        raise listening_failed(exc, host, port) from exc


async def start_servers(
    make: Callable[[], asyncio.BaseProtocol], host: str, port: int, *, backlog: int = 100, reuse_port: bool = False
) -> list[asyncio.Server]:
    """Return a server for each socket of `bound_sockets`; ``make`` returns the protocol of a new connection.

    A server accepts up to ``backlog`` connections in one iteration of the event loop. Raises as `bound_sockets`.
    """
    loop, servers = asyncio.get_running_loop(), list[asyncio.Server]()
    sockets = await bound_sockets(host, port, reuse_port=reuse_port)
    try:
        for sock in sockets:
            servers.append(await loop.create_server(make, sock=sock, backlog=backlog, start_serving=False))
            await servers[-1].start_serving()
    except BaseException as exc:  # also if this is canceled: asyncio would leave the sockets open
        for server in servers:
            server.close()
        for sock in sockets:
            sock.close()
        if isinstance(exc, OSError):
            raise listening_failed(exc, host, port) from exc
        raise
    return servers


def _bound(addresses: Sequence[str], port: int, *, reuse_port: bool) -> list[socket.socket]:
    """Return a bound socket for each address that this machine has. Raises OSError if it has none."""
    bound: list[socket.socket] = []
    with ExitStack() as if_failed:
        for address, left in zip(addresses, reversed(range(len(addresses))), strict=True):
            try:
                sock = _bound_socket(address, port, reuse_port=reuse_port)
            except OSError as exc:
                if exc.errno not in _LACKING or not (left or bound):
                    raise
            else:
                if_failed.enter_context(sock)
                bound.append(sock)
                port = sock.getsockname()[1]
        if_failed.pop_all()
    return bound


def _bound_socket(address: str, port: int, *, reuse_port: bool) -> socket.socket:
    """Return a socket that does not block, bound to an IP address and a port. Raises OSError."""
    (family, kind, protocol, _, name), *_ = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    with ExitStack() as if_failed:
        sock = if_failed.enter_context(socket.socket(family, kind, protocol))
        sock.setblocking(False)
        if os.name == "posix" and sys.platform != "cygwin":  # elsewhere, two programs could take the same port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(name)
        if_failed.pop_all()
    return sock


def connection_reason(error: OSError) -> str:
    """Return the system's own message for an error: asyncio gives some errors another text."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)


def listening_failed(error: OSError, host: str, port: int) -> OSError:
    """Return ``error`` with the address in its text: "cannot listen on 127.0.0.1:104: Permission denied"."""
    where = f"[{host}]:{port}" if ":" in host else f"{host or '*'}:{port}"
    kind = socket.gaierror if isinstance(error, socket.gaierror) else OSError
    return kind(error.errno, f"cannot listen on {where}: {connection_reason(error)}")
