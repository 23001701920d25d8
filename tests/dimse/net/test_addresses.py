"""Names are looked up without the threads of asyncio, and each address has its share of the time."""

import asyncio
import errno
import os
import socket
import threading

import pytest

from dimse.net import VERIFICATION, serve
from dimse.net.addresses import addresses_of, first_reached, reach


async def test_name_is_looked_up_without_a_thread_of_asyncio(go_on: threading.Event) -> None:
    assert set(await addresses_of("localhost")) & {"127.0.0.1", "::1"}
    assert not go_on.is_set()


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "fe80::7%eth0"])
async def test_address_is_not_looked_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "getaddrinfo")
    assert await addresses_of(address) == [address]


async def connected(address: str) -> str:
    """Return the address if it answers."""
    if address == "silent":
        await asyncio.Event().wait()
    if address == "refusing":
        raise OSError(errno.ECONNREFUSED, "refused")
    return address


async def test_silent_address_leaves_time_for_the_next() -> None:
    """Some networks drop all packets to addresses of IPv6."""
    assert await first_reached("peer", ["silent", "silent", "right"], connected, 0.03) == "right"


async def test_only_address_has_all_the_time() -> None:
    """The caller bounds it."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await first_reached("peer", ["silent"], connected, 0)


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (["refusing", "refusing"], "refused"),
        (["silent", "refusing"], os.strerror(errno.ETIMEDOUT)),
        (["refusing", "silent", "refusing"], "refused"),
    ],
)
async def test_error_is_the_one_of_the_first_address(addresses: list[str], words: str) -> None:
    with pytest.raises(OSError, match=f"{words}$"):
        await first_reached("peer", addresses, connected, 0.02)


async def test_unknown_name_is_an_error() -> None:
    with pytest.raises(socket.gaierror):
        await addresses_of("no.such.host.invalid")


async def test_server_and_client_need_no_thread_of_asyncio(go_on: threading.Event) -> None:
    async with serve([VERIFICATION], "localhost", 0) as server:
        transport, _ = await reach(asyncio.Protocol, "localhost", server.port, 60)
        transport.close()
    assert not go_on.is_set()
