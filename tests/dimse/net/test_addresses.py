"""Names are looked up without the threads of asyncio; all addresses share one port, and the time to connect."""

import asyncio
import errno
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from peers import free_port

from dimse.net import VERIFICATION, serve
from dimse.net.addresses import addresses_of, bound_sockets, first_reached, reach, start_servers


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


Listening = tuple[str, int]


@contextmanager
def closing(sockets: list[socket.socket]) -> Iterator[list[Listening]]:
    """Yield the address and the port of each socket; close the sockets."""
    with ExitStack() as stack:
        yield [stack.enter_context(sock).getsockname()[:2] for sock in sockets]


def name_stands_for(*addresses: str, patch: pytest.MonkeyPatch) -> None:
    """Let the system return ``addresses`` for the name "here"."""
    look_up = socket.getaddrinfo

    def found(host: str, *rest: Any, **options: Any) -> list[Any]:
        hosts = addresses if host == "here" else (host,)
        return [each for address in hosts for each in look_up(address, *rest, **options)]

    patch.setattr(socket, "getaddrinfo", found)


async def test_all_addresses_of_a_name_share_one_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    name_stands_for("127.0.0.1", "127.0.0.2", "127.0.0.3", patch=monkeypatch)
    with closing(await bound_sockets("here", 0)) as listening:
        assert [address for address, _ in listening] == ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
        assert len({port for _, port in listening}) == 1


async def test_port_that_is_taken_on_another_address_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    name_stands_for("127.0.0.1", "127.0.0.2", patch=monkeypatch)
    tried = list[Listening]()

    class Busy(socket.socket):
        def bind(self, address: Any) -> None:
            tried.append(address)
            if address[0] == "127.0.0.2" and len(tried) < 6:
                raise OSError(errno.EADDRINUSE, "taken")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Busy)
    with closing(await bound_sockets("here", 0)) as listening:
        assert len(listening) == 2
    assert [address for address, _ in tried] == ["127.0.0.1", "127.0.0.2"] * 3


async def test_address_that_this_machine_lacks_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name "localhost" stands for ::1, too, in a container without IPv6."""
    name_stands_for("192.0.2.7", "127.0.0.1", "192.0.2.8", patch=monkeypatch)
    with closing(await bound_sockets("here", 0)) as listening:
        assert [address for address, _ in listening] == ["127.0.0.1"]


async def test_only_address_must_be_one_of_this_machine() -> None:
    with pytest.raises(
        OSError, match=r"^\[Errno 99\] cannot listen on 192\.0\.2\.7:104: Cannot assign requested address$"
    ):
        await bound_sockets("192.0.2.7", 104)


async def test_port_that_is_taken_on_one_address_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.2", port)):
        name_stands_for("127.0.0.1", "127.0.0.2", patch=monkeypatch)
        with pytest.raises(OSError, match=f"cannot listen on here:{port}: Address already in use$"):
            await bound_sockets("here", port)
        with socket.create_server(("127.0.0.1", port)):  # the first socket is closed again
            pass


async def test_servers_listen_on_each_address(monkeypatch: pytest.MonkeyPatch) -> None:
    name_stands_for("127.0.0.1", "127.0.0.2", patch=monkeypatch)
    servers = await start_servers(asyncio.Protocol, "here", 0)
    names = [sock.getsockname() for server in servers for sock in server.sockets]
    for address, port in names:
        transport, _ = await reach(asyncio.Protocol, address, port, 60)
        transport.close()
    for server in servers:
        server.close()
    assert len(names) == 2
