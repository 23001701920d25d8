"""Connections of the laboratory: TLS, recordings and errors."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from certificates import Authority
from raw import ECHO, HOST

from dimse.errors import ConnectionFailed, RemoteProtocolError
from dimse.explain import associations_in
from dimse.lab import Connection, Lab, Listener, dial
from dimse.net import VERIFICATION, client_context, connect, record, serve, server_context
from dimse.net.scu import c_echo
from dimse.tls import TLSSession

SCRIPT = ("associate", "echo", "expect Status=0000H", "release")


def talk(lab: Lab) -> list[str]:
    lines = [line for command in SCRIPT for line in lab.run(command)]
    return [*lines, *lab.close()]


async def test_lab_talks_to_a_server() -> None:
    async with serve([VERIFICATION], port=0) as server:
        lab = Lab(lambda _: dial(HOST, server.port, seconds=5))
        lines = await asyncio.to_thread(talk, lab)
    assert any("Status: 0000H (Success)" in line for line in lines)


async def test_lab_talks_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    secure = server_context(*authority.issue("server"))
    async with serve([VERIFICATION], port=0, tls=secure) as server:
        lab = Lab(lambda _: dial(HOST, server.port, seconds=5, tls=client_context(authority.ca)))
        lines = await asyncio.to_thread(talk, lab)
    assert any("Status: 0000H (Success)" in line for line in lines)


async def test_certificate_of_a_stranger_is_refused(tmp_path: Path) -> None:
    secure = server_context(*Authority(tmp_path / "a").issue("server"))
    trusted = Authority(tmp_path / "b").ca
    async with serve([VERIFICATION], port=0, tls=secure) as server:
        with pytest.raises(ConnectionFailed, match="the certificate of the peer is not accepted"):
            await asyncio.to_thread(lambda: dial(HOST, server.port, seconds=5, tls=client_context(trusted)))


async def test_recording_has_both_sides(tmp_path: Path) -> None:
    recorder = record(tmp_path / "lab.pcapng")
    async with serve([VERIFICATION], port=0) as server:
        lab = Lab(lambda _: dial(HOST, server.port, seconds=5, recorder=recorder))
        await asyncio.to_thread(talk, lab)
    assert await asyncio.to_thread(recorder.finish)
    (recorded,) = associations_in((tmp_path / "lab.pcapng").read_bytes(), [])
    assert recorded.has_both


async def test_lab_plays_the_server() -> None:
    listener = Listener(HOST, 0, tls=None, recorder=None)
    lab = Lab(listener.accept, is_requestor=False, patience=5)

    def answer() -> list[str]:
        commands = ("connect", "accept", "reply", "release-rp")
        return [line for command in commands for line in lab.run(command)]

    async def ask() -> int:
        async with connect(HOST, listener.address[1], ECHO) as association:
            return (await c_echo(association)).Status

    status, lines = await asyncio.gather(ask(), asyncio.to_thread(answer))
    listener.close()
    assert status == 0
    assert lines[-1] == "= the peer closed the connection"


def test_closed_port_is_a_clear_error() -> None:
    listener = Listener(HOST, 0, tls=None, recorder=None)
    port = listener.address[1]
    listener.close()
    with pytest.raises(ConnectionFailed, match=f"cannot connect to {HOST}:{port}: Connection refused"):
        dial(HOST, port, seconds=5)


def test_taken_port_is_a_clear_error() -> None:
    with closing(Listener(HOST, 0)) as listener:
        port = listener.address[1]
        with pytest.raises(OSError, match=f"cannot listen on {HOST}:{port}: Address already in use$"):
            Listener(HOST, port)


def test_invalid_host_is_a_clear_error() -> None:
    with pytest.raises(ConnectionFailed, match=r"^cannot connect to a\.\.b:104: "):
        dial("a..b", 104, seconds=5)


def test_peer_that_leaves_at_once_is_a_clear_error() -> None:
    with closing(Listener(HOST, 0)) as listener:
        dial(HOST, listener.address[1], seconds=5).close(reset=True)
        with pytest.raises(ConnectionFailed, match="the peer has connected and disconnected again: "):
            listener.accept(5)


def test_reset_reaches_the_peer() -> None:
    listener = Listener(HOST, 0, tls=None, recorder=None)
    near = dial(HOST, listener.address[1], seconds=5)
    far: Connection = listener.accept(5)
    near.close(reset=True)
    listener.close()
    with pytest.raises(ConnectionResetError):
        far.receive(5)
    far.close()


@pytest.mark.parametrize("command", ["connect 0.01", "wait 0.01"])
def test_wait_for_a_peer_ends(command: str) -> None:
    with closing(Listener(HOST, 0)) as listener:
        lab = Lab(listener.accept, is_requestor=False)
        with pytest.raises(ConnectionFailed, match=r"no peer has connected within 0\.01 s"):
            [*lab.run(command)]


def test_listener_takes_an_ipv6_address() -> None:
    with closing(Listener("::1", 0)) as listener:
        assert listener.address[0] == "::1"


@contextmanager
def shaken_hands(tmp_path: Path) -> Iterator[tuple[TLSSession, socket.socket, Future[Connection]]]:
    """Yield the client's session, whose last octets of the handshake are not sent, and the connection to come."""
    authority = Authority(tmp_path)
    with closing(Listener(HOST, 0, tls=server_context(*authority.issue("server")))) as listener:
        near = TLSSession(client_context(authority.ca), HOST)
        sock = socket.create_connection(listener.address)
        with sock, ThreadPoolExecutor(1) as pool:
            accepted = pool.submit(listener.accept, 5)
            while not near.handshake():
                sock.sendall(near.data_to_send())
                near.receive(sock.recv(1 << 16))
            yield near, sock, accepted
            accepted.result().close()


def test_bytes_after_the_handshake_are_read(tmp_path: Path) -> None:
    with shaken_hands(tmp_path) as (near, sock, accepted):
        near.write((b"hello",))
        sock.sendall(near.data_to_send())  # the end of the handshake and the first bytes, in one segment
        assert accepted.result().receive(5) == b"hello"


def test_bytes_before_broken_tls_are_read(tmp_path: Path) -> None:
    with shaken_hands(tmp_path) as (near, sock, accepted):
        near.write((b"last",))
        sock.sendall(near.data_to_send() + bytes(99))
        assert accepted.result().receive(5) == b"last"
        with pytest.raises(RemoteProtocolError):
            accepted.result().receive(5)


def test_peer_that_does_not_read_ends_the_sending() -> None:
    near, far = socket.socketpair()
    with near, far, pytest.raises(TimeoutError, match="the peer has stopped reading"):
        Connection(near, session=None, tap=None).send(bytes(1 << 24), 0.01)


def test_release_collision_takes_two_commands() -> None:
    with closing(Listener(HOST, 0)) as listener:
        client = Lab(lambda _: dial(HOST, listener.address[1], seconds=5), patience=5)
        server = Lab(listener.accept, is_requestor=False, patience=5)
        for lab, command in [(client, "associate &"), (server, "wait"), (server, "accept &"), (client, "wait")]:
            [*lab.run(command)]
        for lab in (client, server):
            [*lab.run("release &")]
        lines = [[*lab.run("wait")][-1] for lab in (client, server)]
        [*client.close(), *server.close()]
    assert "requestor Sta7: Evt12 A-RELEASE-RQ PDU received: AR-8, then Sta9" in lines[0]
    assert "acceptor Sta7: Evt12 A-RELEASE-RQ PDU received: AR-8, then Sta10" in lines[1]
