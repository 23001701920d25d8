"""Reading goes on while bytes of one peer keep arriving, and begins as its connection is accepted."""

import asyncio
import os
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from pair import EXAMPLE
from raw import ECHO, PRINT, SYNTAXES, proposal, service, until

from dimse.data import Dataset
from dimse.errors import AssociationAborted
from dimse.message import NSetRQ, Response
from dimse.net import VERIFICATION, Operation, connect, eager_reader, serve
from dimse.net.flow_control import FlowControl
from dimse.net.scu import c_echo, n_set
from dimse.uids import BasicFilmSession, Verification
from dimse.ul import PDU, AssociateAC, AssociateRQ, PDUStream, PresentationContextRQ, decode_pdu, encode_pdu

LARGE = Dataset(Rows=1, PixelData=bytes(12_000_000))  # more than the kernel takes at once

ReadV = Callable[[int, Sequence[Any]], int]

pytestmark = pytest.mark.skipif(not hasattr(os, "readv"), reason="there is no os.readv")


async def reply(operation: Operation) -> Response:
    assert operation.dataset() == LARGE
    return operation.reply()


async def status_of_a_large_request(port: int, on_associated: Callable[[], object] = lambda: None) -> int:
    async with connect("127.0.0.1", port, {PRINT: SYNTAXES}) as association:
        on_associated()
        response = await n_set(association, association.context_for(PRINT), BasicFilmSession, "1.2", LARGE)
        return response.Status


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of bytes that each further read returned."""
    counts: list[int] = []
    readv = os.readv

    def counted(fd: int, buffers: Sequence[Any]) -> int:
        counts.append(readv(fd, buffers))
        return counts[-1]

    monkeypatch.setattr(os, "readv", counted)
    return counts


async def test_arrived_bytes_are_read_in_the_same_iteration(reads: list[int]) -> None:
    async with serve([service(reply, NSetRQ)], port=0) as server:
        assert await status_of_a_large_request(server.port) == 0
    assert sum(reads) > 1 << 20


@pytest.mark.skipif(sys.version_info < (3, 11, 4), reason="asyncio cannot pause a new connection")
async def test_request_is_read_as_its_connection_is_accepted(reads: list[int]) -> None:
    request = b"".join(encode_pdu(EXAMPLE[AssociateRQ]))
    async with serve([VERIFICATION], port=0) as server, asyncio.timeout(10):
        with socket.create_connection((server.host, server.port)) as peer:
            peer.sendall(request)
            peer.setblocking(False)
            answer = await asyncio.get_running_loop().sock_recv(peer, 1 << 16)
        assert isinstance(decode_pdu(answer), AssociateAC)
        assert reads == [len(request)]


@pytest.mark.skipif(sys.version_info < (3, 11, 4), reason="asyncio cannot pause a new connection")
async def test_slow_first_read_uses_the_share_of_its_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[float] = []
    monkeypatch.setattr(eager_reader, "_LONG", 0.0)
    monkeypatch.setattr(FlowControl, "use", lambda _flow, seconds, _now: used.append(seconds))
    async with serve([VERIFICATION], port=0) as server, asyncio.timeout(10):
        with socket.create_connection((server.host, server.port)) as peer:
            peer.sendall(b"".join(encode_pdu(EXAMPLE[AssociateRQ])))
            peer.setblocking(False)
            await asyncio.get_running_loop().sock_recv(peer, 1 << 16)
            assert len(used) == 1


async def test_long_request_is_read_in_order() -> None:
    syntaxes = tuple(f"1.2.3.{number}" for number in range(60))
    contexts = tuple(PresentationContextRQ(number, Verification, syntaxes) for number in range(1, 256, 2))
    request = b"".join(encode_pdu(replace(proposal(), presentation_contexts=contexts)))
    assert len(request) > 1 << 16  # more than one read, and the first one waits for its turn
    async with serve([VERIFICATION], port=0) as server, asyncio.timeout(10):
        with socket.create_connection((server.host, server.port)) as peer:
            peer.sendall(request)
            peer.setblocking(False)
            stream, answers = PDUStream(), list[PDU]()
            while not answers:
                data = await asyncio.get_running_loop().sock_recv(peer, 1 << 16)
                answers += [decode_pdu(bytes(whole)) for whole in stream.feed(data)]
    assert isinstance(answers[0], AssociateAC)


async def test_connection_that_is_reset_at_once_ends() -> None:
    async with serve([VERIFICATION], port=0) as server:
        with socket.create_connection((server.host, server.port)) as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not a FIN
        async with connect(server.host, server.port, ECHO) as association:
            assert (await c_echo(association)).Status == 0
        await until(lambda: not server.associations)


async def test_reading_on_ends_after_its_time(reads: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eager_reader, "_READ_ON", 0.0)
    async with serve([service(reply, NSetRQ)], port=0) as server:
        assert await status_of_a_large_request(server.port) == 0
    assert sum(reads) < 1 << 10  # at most the A-ASSOCIATE-RQ


def nothing_yet(fd: int, buffers: Sequence[Any]) -> int:  # noqa: ARG001
    raise BlockingIOError


def nothing_more(fd: int, buffers: Sequence[Any]) -> int:  # noqa: ARG001
    return 0


@pytest.mark.parametrize("readv", [nothing_yet, nothing_more])
async def test_loop_continues_if_nothing_is_there(readv: ReadV, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "readv", readv)
    async with serve([service(reply, NSetRQ)], port=0) as server:
        assert await status_of_a_large_request(server.port) == 0


async def test_broken_connection_ends_its_association_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(fd: int, buffers: Sequence[Any]) -> int:  # noqa: ARG001
        raise ConnectionResetError(104, "Connection reset by peer")

    caplog.set_level("INFO", "dimse")
    async with serve([VERIFICATION, service(reply, NSetRQ)], port=0) as server:
        async with asyncio.timeout(10), connect("127.0.0.1", server.port, ECHO) as other:
            with monkeypatch.context() as patch, pytest.raises(AssociationAborted):
                await status_of_a_large_request(server.port, lambda: patch.setattr(os, "readv", broken))
            assert (await c_echo(other)).Status == 0
    assert "the transport connection broke: " in caplog.text
