"""Recordings of real SCUs, whole and damaged: our printer answers, and stays up."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dimse.net import Timeouts, connect
from dimse.net.scu import c_echo
from dimse.uids import ImplicitVRLittleEndian, Verification
from dimse.ul import AssociateAC, PDUStream, decode_pdu
from print_mgmt import Film, PrintServer

pytestmark = pytest.mark.skips_waits

CAPTURES = Path(__file__).parents[1] / "vectors" / "captures"
SENT = {path.name.removesuffix(".c2s.bin"): path.read_bytes() for path in sorted(CAPTURES.glob("*.c2s.bin"))}
DAMAGED = 12  # variants of each recording


@asynccontextmanager
async def printer(caplog: pytest.LogCaptureFixture, *, artim: float) -> AsyncIterator[PrintServer]:
    """Run a printer, and check at the end that it is alive, has no leftovers, and has logged no unexpected error."""

    async def on_film(film: Film) -> None:
        await film.render(dpi=20)

    async with PrintServer(on_film, port=0, timeouts=Timeouts(artim=artim)) as server:
        yield server
        async with connect(server.host, server.port, {Verification: [ImplicitVRLittleEndian]}) as association:
            assert (await c_echo(association)).Status == 0
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


async def replay(server: PrintServer, first: bytes, rest: bytes) -> bytes:
    """Send the association request, wait for the answer, send the rest; return all received bytes."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    answer = b""
    try:
        writer.write(first)
        answer = await reader.read(1 << 16)
        writer.write(rest)
        writer.write_eof()
        answer += await reader.read()
    except ConnectionError:  # the printer closed while we were still writing
        return answer
    finally:
        writer.close()
    return answer


def turns(wire: bytes) -> tuple[bytes, bytes]:
    """Split a stream after the first PDU, where a requestor waits."""
    end = 6 + int.from_bytes(wire[2:6], "big")
    return wire[:end], wire[end:]


@pytest.mark.parametrize("name", SENT)
async def test_recording_is_answered(name: str, caplog: pytest.LogCaptureFixture) -> None:
    async with printer(caplog, artim=5) as server:
        answer = await replay(server, *turns(SENT[name]))
    pdus = [decode_pdu(bytes(whole)) for whole in PDUStream().feed(answer)]
    refused = name.startswith(("raw-", "reject-", "dcmtk-termscu", "store-", "pnd-dcmprscp-abort"))
    assert refused or isinstance(pdus[0], AssociateAC)


@pytest.mark.parametrize("name", SENT)
async def test_damaged_recording_does_no_harm(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes are flipped, cut out and repeated. The seed is the name, so that failures can be repeated."""
    chance = random.Random(name)
    async with printer(caplog, artim=0.05) as server:
        for _ in range(DAMAGED):
            wire = bytearray(SENT[name])
            for _ in range(chance.randint(1, 4)):
                at = chance.randrange(len(wire))
                match chance.randrange(3):
                    case 0:
                        wire[at] = chance.randrange(256)
                    case 1:
                        del wire[at : at + chance.randint(1, 20)]
                    case _:
                        wire[at:at] = wire[at : at + chance.randint(1, 200)]
            at_once = chance.randrange(4) == 0
            answer = await replay(server, *((bytes(wire), b"") if at_once else turns(bytes(wire))))
            for whole in PDUStream().feed(answer):
                decode_pdu(bytes(whole))
