"""Our client and our printer, with a network between them that flips, drops and cuts bytes.

The client prints or raises one of its own errors, and the printer serves the next client.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import numpy as np
import pytest

from dimse.errors import DimseError
from dimse.net import Timeouts
from print_mgmt import Film, PrintClient, PrintServer

pytestmark = pytest.mark.skips_waits

QUICK = Timeouts(connect=1, dimse=0.2, release=0.1, write=0.3, linger=0.05, artim=0.05, idle=1)
PRINTS = 24  # for each seed


class BadWire:
    """A proxy in front of ``server`` that damages bytes at random."""

    def __init__(self, server: PrintServer, chance: random.Random) -> None:
        self.server = server
        self.chance = chance
        self.connections: set[asyncio.Task[None]] = set()

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with closing(writer):
            far_reader, far_writer = await asyncio.open_connection(self.server.host, self.server.port)
            async with closing(far_writer):
                await asyncio.gather(self.carry(reader, far_writer), self.carry(far_reader, writer))

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, RuntimeError):  # either side may have closed the connection
            while data := await reader.read(1 << 16):
                writer.write(self.damaged(data) if self.chance.random() < 0.1 else data)
                await writer.drain()
            writer.write_eof()

    def damaged(self, data: bytes) -> bytes:
        wire = bytearray(data)
        for _ in range(self.chance.randint(1, 3)):
            at = self.chance.randrange(len(wire))
            match self.chance.randrange(3):
                case 0:
                    wire[at] = self.chance.randrange(256)
                case 1:
                    wire[at] ^= 1 << self.chance.randrange(8)
                case _ if len(wire) > 4:
                    del wire[at : at + self.chance.randint(1, 4)]
        return bytes(wire)


@asynccontextmanager
async def closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def bad_wire(server: PrintServer, chance: random.Random) -> AsyncIterator[int]:
    wire = BadWire(server, chance)
    listener = await asyncio.start_server(wire.connected, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for connection in wire.connections:
            connection.cancel()
        await asyncio.gather(*wire.connections, return_exceptions=True)


@pytest.mark.parametrize("seed", range(2))
async def test_bad_wire_prints_or_raises(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(seed)
    outcomes: Counter[str] = Counter()

    async def on_film(film: Film) -> None:
        await film.render(dpi=15)

    async def prints(port: int) -> None:
        image = np.zeros((chance.randint(1, 40), chance.randint(1, 40)), np.uint8)
        try:
            async with PrintClient("127.0.0.1", port, timeouts=QUICK) as client:
                await client.printer()
                await client.print_images([image] * 3, ImageDisplayFormat=r"STANDARD\1,2")
            outcomes["printed"] += 1
        except DimseError as exc:
            outcomes[type(exc).__name__] += 1

    async with PrintServer(on_film, port=0, timeouts=QUICK) as server:
        async with bad_wire(server, chance) as port:
            for _ in range(PRINTS // 8):
                await asyncio.gather(*(prints(port) for _ in range(8)))
        async with PrintClient(server.host, server.port) as client:
            assert (await client.printer()).PrinterStatus == "NORMAL"
    assert sum(outcomes.values()) == PRINTS
    assert len(outcomes) > 1, "the wire was not bad enough"
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
