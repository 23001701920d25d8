"""Host names and addresses: the addresses of a name, the first of them that can be reached, and words for errors."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from ipaddress import ip_address
from typing import Any, TypeVar

from .own_thread import in_own_thread

__all__ = ["addresses_of", "connection_reason", "first_reached", "listening_failed", "reach"]

A = TypeVar("A")
T = TypeVar("T")
Protocol = TypeVar("Protocol", bound=asyncio.BaseProtocol)


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
