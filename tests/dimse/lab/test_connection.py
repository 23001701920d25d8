"""Connections of the laboratory: TLS, recordings and errors."""

import asyncio
from pathlib import Path

import pytest
from certificates import Authority
from raw import ECHO, HOST

from dimse.errors import ConnectionFailed
from dimse.explain import associations_in
from dimse.lab import Connection, Lab, Listener, dial
from dimse.net import VERIFICATION, client_context, connect, record, serve, server_context
from dimse.net.scu import c_echo

SCRIPT = ("associate", "echo", "expect Status=0000H", "release")


def talk(lab: Lab) -> list[str]:
    lines = [line for command in SCRIPT for line in lab.run(command)]
    return [*lines, *lab.close()]


async def test_lab_talks_to_a_server() -> None:
    async with serve([VERIFICATION], port=0) as server:
        lab = Lab(lambda: dial(HOST, server.port, seconds=5))
        lines = await asyncio.to_thread(talk, lab)
    assert any("Status: 0000H (Success)" in line for line in lines)


async def test_lab_talks_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    secure = server_context(*authority.issue("server"))
    async with serve([VERIFICATION], port=0, tls=secure) as server:
        lab = Lab(lambda: dial(HOST, server.port, seconds=5, tls=client_context(authority.ca)))
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
        lab = Lab(lambda: dial(HOST, server.port, seconds=5, recorder=recorder))
        await asyncio.to_thread(talk, lab)
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


def test_reset_reaches_the_peer() -> None:
    listener = Listener(HOST, 0, tls=None, recorder=None)
    near = dial(HOST, listener.address[1], seconds=5)
    far: Connection = listener.accept()
    near.close(reset=True)
    listener.close()
    with pytest.raises(ConnectionResetError):
        far.receive(5)
    far.close()
