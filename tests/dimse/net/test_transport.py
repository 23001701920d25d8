"""Reading goes on while bytes of one peer keep arriving, and changes no result."""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from raw import ECHO, PRINT, SYNTAXES, service

from dimse.data import Dataset
from dimse.errors import AssociationAborted
from dimse.message import NSetRQ, Response
from dimse.net import VERIFICATION, Operation, connect, serve, transport
from dimse.net.scu import c_echo, n_set
from dimse.uids import BasicFilmSession

LARGE = Dataset(Rows=1, PixelData=bytes(12_000_000))  # more than the kernel takes at once

ReadV = Callable[[int, Sequence[Any]], int]

pytestmark = pytest.mark.skipif(not hasattr(os, "readv"), reason="there is no os.readv")


async def reply(operation: Operation) -> Response:
    assert operation.dataset() == LARGE
    return operation.reply()


async def status_of_a_large_one(port: int) -> int:
    async with connect("127.0.0.1", port, {PRINT: SYNTAXES}) as association:
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
        assert await status_of_a_large_one(server.port) == 0
    assert sum(reads) > 1 << 20


async def test_reading_on_ends_after_its_time(reads: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_READ_ON", 0.0)
    async with serve([service(reply, NSetRQ)], port=0) as server:
        assert await status_of_a_large_one(server.port) == 0
    assert reads == []


def nothing_yet(fd: int, buffers: Sequence[Any]) -> int:  # noqa: ARG001
    raise BlockingIOError


def nothing_more(fd: int, buffers: Sequence[Any]) -> int:  # noqa: ARG001
    return 0


@pytest.mark.parametrize("readv", [nothing_yet, nothing_more])
async def test_loop_continues_if_nothing_is_there(readv: ReadV, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "readv", readv)
    async with serve([service(reply, NSetRQ)], port=0) as server:
        assert await status_of_a_large_one(server.port) == 0


async def test_broken_connection_ends_its_association_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(fd: int, buffers: Sequence[Any]) -> int:  # noqa: ARG001
        raise ConnectionResetError(104, "Connection reset by peer")

    caplog.set_level("INFO", "dimse")
    async with serve([VERIFICATION, service(reply, NSetRQ)], port=0) as server:
        async with asyncio.timeout(10), connect("127.0.0.1", server.port, ECHO) as other:
            with monkeypatch.context() as patch, pytest.raises(AssociationAborted):
                patch.setattr(os, "readv", broken)
                await status_of_a_large_one(server.port)
            assert (await c_echo(other)).Status == 0
    assert "the transport connection broke: " in caplog.text
