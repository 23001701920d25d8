"""The wire: it returns everything that a peer sends, in order."""

import asyncio
import random

from twin import HOST, Line, Twin, serving

from dimse.message import CEchoRSP, NEventReportRQ, encode_command
from dimse.uids import Printer, PrinterInstance
from dimse.ul import PDV, PDataTF
from dimse.verify import Close, Peer, Target
from dimse.verify.observation import Answered, Released, Silent
from dimse.verify.trace import CaseTrace


def response(number: int) -> PDV:
    return PDV(1, encode_command(CEchoRSP(MessageIDBeingRespondedTo=number, Status=number)), True, True)


async def heard(*pdvs: PDV) -> list[object]:
    """Return what the wire returns if a peer answers C-ECHO with one P-DATA-TF with these fragments."""

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != 0x04:
            return False
        line.send(PDataTF(pdvs))
        return True

    async with serving(Twin(hears=hears)) as port:
        loop = asyncio.get_running_loop()
        peer = Peer(Target(host=HOST, port=port, timeout=0.1), CaseTrace(loop.time), random.Random(1), "test")
        wire = await peer.associate()
        peer.say_echo(wire)
        found: list[object] = []
        while not found or not isinstance(found[-1], Silent):
            found.append(await wire.next())
        await peer.dismiss()
    return found


async def test_each_message_of_a_pdu_is_returned() -> None:
    found = await heard(response(1), response(2), response(3))
    assert [each.status for each in found if isinstance(each, Answered)] == [1, 2, 3]


async def test_garbled_fragment_follows_the_message_before_it() -> None:
    found = await heard(response(1), PDV(1, b"\1\2\3", True, True))
    assert next(map(str, found)) == "RSP(0001)"
    assert "cannot be read" in str(found[1])


def event_in_release(line: Line, pdu: bytes) -> bool:
    """Answer A-RELEASE-RQ with a late response and an event of a printer, and leave the rest to the twin."""
    if pdu[0] == 0x05:
        event = NEventReportRQ(
            MessageID=7, AffectedSOPClassUID=Printer, AffectedSOPInstanceUID=PrinterInstance, EventTypeID=1
        )
        line.send(PDataTF((response(1),)))
        line.send(PDataTF((PDV(1, encode_command(event), True, True),)))
    return False


async def test_event_before_the_release_response_is_ignored() -> None:
    """PS3.8 Table 9-10: the acceptor may send P-DATA until it answers A-RELEASE-RQ."""
    async with serving(Twin(hears=event_in_release)) as port:
        loop = asyncio.get_running_loop()
        peer = Peer(Target(host=HOST, port=port, timeout=1), CaseTrace(loop.time), random.Random(1), "test")
        await peer.associate()
        assert await peer.finish(Close.RELEASE) == (Released(),)
        await peer.dismiss()


async def test_trace_says_who_closed_the_connection() -> None:
    async with serving(Twin()) as port:
        loop = asyncio.get_running_loop()
        trace = CaseTrace(loop.time)
        peer = Peer(Target(host=HOST, port=port, timeout=1), trace, random.Random(1), "test")
        wire = await peer.connect()
        wire.close()
        await wire.next()
    assert trace.entries[-1].note == "we closed the connection"


async def test_reset_ends_the_association() -> None:
    async with serving(Twin()) as port:
        trace = CaseTrace(asyncio.get_running_loop().time)
        peer = Peer(Target(host=HOST, port=port, timeout=1), trace, random.Random(1), "test")
        wire = await peer.associate()
        wire.reset()
        assert not wire.is_associated
        await peer.dismiss()
