"""TCP keepalive: each connection has it, because a peer without power sends no FIN."""

import socket
from collections.abc import Iterator

import pytest
from raw import HOST

from dimse.net import VERIFICATION, connect, keepalive, serve, transport
from dimse.net.keepalive import keep_alive
from dimse.net.relay_ends import PlainEnd

Address = tuple[str, int]


@pytest.fixture
def sock() -> Iterator[socket.socket]:
    """Yield a connected socket."""
    with socket.create_server((HOST, 0)) as listener, socket.create_connection(listener.getsockname()) as connected:
        yield connected


def is_kept(sock: socket.socket) -> bool:
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0


def test_silent_peer_is_asked(sock: socket.socket) -> None:
    assert not is_kept(sock)
    keep_alive(sock)
    assert is_kept(sock)


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="this system cannot set these times")
def test_lost_peer_is_noticed_after_two_minutes(sock: socket.socket) -> None:
    keep_alive(sock)
    options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
    idle, interval, count = (sock.getsockopt(socket.IPPROTO_TCP, option) for option in options)
    assert idle + interval * count == 120


def test_system_without_times_has_its_own(sock: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keepalive, "_OPTIONS", [(None, 60)])
    keep_alive(sock)
    assert is_kept(sock)


def test_broken_connection_is_no_error(sock: socket.socket) -> None:
    sock.close()
    keep_alive(sock)


def test_relay_keeps_its_connections_alive(sock: socket.socket) -> None:
    PlainEnd(sock, (HOST, 0))
    assert is_kept(sock)


@pytest.mark.all_loops
async def test_both_sides_of_an_association_keep_it_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[Address, Address]] = []

    def keep(sock: socket.socket) -> None:
        keep_alive(sock)
        assert is_kept(sock)
        kept.append((sock.getsockname(), sock.getpeername()))

    monkeypatch.setattr(transport, "keep_alive", keep)
    async with serve([VERIFICATION], port=0) as server:
        async with connect(HOST, server.port, VERIFICATION.contexts):
            pass
    (one, other) = kept
    assert one == other[::-1]
