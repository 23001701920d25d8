"""Recordings of real printers, whole and damaged: our client prints, or raises one of its own errors."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from dimse.errors import DimseError
from dimse.net import Timeouts
from print_mgmt import PrintClient

pytestmark = pytest.mark.skips_waits

CAPTURES = Path(__file__).parents[1] / "vectors" / "captures"
ANSWERED = {path.name.removesuffix(".s2c.bin"): path.read_bytes() for path in sorted(CAPTURES.glob("*.s2c.bin"))}
QUICK = Timeouts(connect=0.2, dimse=0.04, release=0.02, write=0.1, linger=0.02)


def pdus(wire: bytes) -> list[bytes]:
    """Split a stream at its PDU headers, right or wrong."""
    found = []
    while wire:
        end = min(6 + int.from_bytes(wire[2:6], "big"), len(wire)) if len(wire) >= 6 else len(wire)
        found.append(wire[:end])
        wire = wire[end:]
    return found


@asynccontextmanager
async def parrot(wire: bytes) -> AsyncIterator[int]:
    """Run a printer that answers each request with the next PDU of ``wire``, then closes; yield its port."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in pdus(wire):
                if not await reader.read(1 << 16):
                    break
                writer.write(answer)
                await writer.drain()
        except ConnectionError:
            pass  # the client has closed the connection
        finally:
            writer.close()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


async def print_on(port: int, color: bool) -> None:
    image = np.zeros((8, 8), np.uint8)
    before = len(asyncio.all_tasks())
    try:
        async with PrintClient("127.0.0.1", port, color=color, timeouts=QUICK) as client:
            await client.printer()
            await client.print_images([image] * 2, ImageDisplayFormat=r"STANDARD\1,2")
    except DimseError:
        pass  # the error depends on the damage
    assert len(asyncio.all_tasks()) <= before + 1, "a task was left behind"


@pytest.mark.parametrize("name", ANSWERED)
async def test_any_answer_ends_in_a_print_or_an_error(name: str, caplog: pytest.LogCaptureFixture) -> None:
    chance = random.Random(name)
    wires = [ANSWERED[name]]
    for _ in range(4):
        damaged = bytearray(ANSWERED[name])
        for _ in range(chance.randint(1, 3)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        wires.append(bytes(damaged))
    for wire in wires:
        async with parrot(wire) as port:
            await print_on(port, color="color" in name)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []
