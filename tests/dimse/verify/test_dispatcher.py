"""The dispatcher of `dimse verify scu`: which connections a visit gets."""

import asyncio
from contextlib import suppress
from random import Random

import pytest

from dimse.verify.peer import Watch
from dimse.verify.scu import dispatcher
from dimse.verify.scu.dispatcher import Dispatcher, Waiting
from dimse.verify.scu.service import EchoService
from dimse.verify.scu.visit import Visit
from dimse.verify.trace import CaseTrace


@pytest.mark.parametrize("reads_hello", [False, True], ids=["associations", "ClientHellos"])
@pytest.mark.parametrize("is_armed", [False, True], ids=["by port", "by title"])
async def test_visit_takes_a_bounded_number_of_connections(
    monkeypatch: pytest.MonkeyPatch, *, reads_hello: bool, is_armed: bool
) -> None:
    monkeypatch.setattr(dispatcher, "_MAX_CONNECTIONS", 2)
    visit = Visit({}, EchoService, Random(0), 60.0, reads_hello=reads_hello)
    waiting = Waiting("X-1.01", visit, CaseTrace(asyncio.get_running_loop().time))
    listening = Dispatcher("127.0.0.1", 0, Watch(), by_title=is_armed, waiting={"X-1.01": waiting})
    listening.armed = waiting if is_armed else None
    await listening.open()
    async with asyncio.timeout(20):
        peers = [await asyncio.open_connection("127.0.0.1", listening.port) for _ in range(3)]
        with suppress(ConnectionResetError):
            assert await peers[2][0].read() == b""
        assert visit.open == 2
        for _, writer in peers:
            writer.close()
            with suppress(ConnectionResetError):
                await writer.wait_closed()
        while visit.open:
            await visit.changed.wait()
            visit.changed.clear()
    await listening.close()


@pytest.mark.parametrize("sent", [b"", bytes.fromhex("1603010200")], ids=["nothing", "a part"])
async def test_visit_hangs_if_a_connection_brings_no_client_hello(sent: bytes) -> None:
    visit = Visit({}, EchoService, Random(0), 0.01, reads_hello=True)
    waiting = Waiting("X-1.01", visit, CaseTrace(asyncio.get_running_loop().time))
    listening = Dispatcher("127.0.0.1", 0, Watch(), waiting={"X-1.01": waiting})
    await listening.open()
    async with asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", listening.port)
        writer.write(sent)
        await visit.changed.wait()
        assert (visit.hung, visit.open) == (True, 0)
        with suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
    await listening.close()
