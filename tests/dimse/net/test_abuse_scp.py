"""Wrong answers of a server end the requestor with an error that names them, and leave nothing behind."""

import asyncio
import dataclasses
import struct

import pytest
from pair import EXAMPLE, IMPLICIT_LE
from raw import ECHO, HOST, Raw, raw_server, until

from dimse.errors import AssociationAborted, ConnectionFailed, ContextNotAccepted, DimseError
from dimse.limits import Timeouts
from dimse.message import CEchoRSP, NEventReportRQ, Response
from dimse.net import Handlers, Operation, connect
from dimse.net.scu import c_echo
from dimse.uids import Verification
from dimse.ul import (
    PDU,
    PDV,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    MaximumLength,
    PDataTF,
    PresentationContextAC,
    ReleaseRP,
    ReleaseRQ,
    encode_pdu,
)

pytestmark = pytest.mark.skips_waits

QUICK = Timeouts(connect=5, dimse=5, pdu=5, release=0.1, linger=0.05, artim=0.1)


def answer(*contexts: PresentationContextAC, **changes: object) -> AssociateAC:
    example = EXAMPLE[AssociateAC]
    assert isinstance(example, AssociateAC)
    changes |= {"presentation_contexts": contexts} if contexts else {}
    return dataclasses.replace(example, **changes)  # type: ignore[arg-type]  # fields of it


async def visit(port: int, *, timeouts: Timeouts = QUICK, handlers: Handlers | None = None) -> Response:
    """Send one C-ECHO."""
    async with connect(HOST, port, ECHO, handlers=handlers or {}, timeouts=timeouts) as association:
        return await c_echo(association)


async def test_endless_associate_ac_ends_at_the_timeout() -> None:
    """It trickles within its declared length, so only the connect timeout ends it."""
    seen: list[PDU | None] = []

    async def endless(raw: Raw) -> None:
        await raw.receive()
        ended = asyncio.create_task(raw.receive())
        raw.writer.write(struct.pack(">BxI", 2, 1 << 20))
        while not ended.done():
            raw.writer.write(b"\0")
            await asyncio.wait({ended}, timeout=0.01)
        seen.append(ended.result())

    async with raw_server(endless) as port:
        with pytest.raises(ConnectionFailed, match=r"did not answer within 0\.2 s"):
            await visit(port, timeouts=dataclasses.replace(QUICK, connect=0.2))
        await until(lambda: seen)
    assert seen == [Abort(0, 0)]


async def test_too_long_associate_ac_is_aborted() -> None:
    async def huge(raw: Raw) -> None:
        await raw.receive()
        raw.writer.write(struct.pack(">BxI", 2, 300 << 20) + bytes(1 << 16))
        await raw.receive()

    async with raw_server(huge) as port:
        with pytest.raises(AssociationAborted, match="314572800 exceeds the limit associate_pdu"):
            await visit(port)


@pytest.mark.parametrize(
    "contexts",
    [
        (PresentationContextAC(3, 0, IMPLICIT_LE),),
        (PresentationContextAC(1, 0, "1.2.840.10008.1.2.2"),),
        (PresentationContextAC(1, 0, ""),),
        (PresentationContextAC(1, 99, IMPLICIT_LE),),
    ],
    ids=["not asked for", "another syntax", "no syntax", "no such result"],
)
async def test_unproposed_contexts_are_not_used(contexts: tuple[PresentationContextAC, ...]) -> None:
    async def wrong(raw: Raw) -> None:
        await raw.accept(answer(*contexts))
        assert await raw.receive() == ReleaseRQ()
        raw.send(ReleaseRP())

    async with raw_server(wrong) as port:
        with pytest.raises(ContextNotAccepted):
            await visit(port)


async def test_repeated_context_in_associate_ac_is_invalid() -> None:
    """PS3.8 §9.3.3.2; Evt19 in Sta5: AA-8."""
    seen: list[PDU | None] = []

    async def twice(raw: Raw) -> None:
        await raw.accept(answer(PresentationContextAC(1, 0, IMPLICIT_LE), PresentationContextAC(1, 3, IMPLICIT_LE)))
        seen.append(await raw.receive())

    async with raw_server(twice) as port:
        with pytest.raises(AssociationAborted, match="Presentation-context-ID: 1 is used twice"):
            await visit(port)
    assert seen == [Abort(2, 6)]


@pytest.mark.parametrize("kind", [AssociateRQ, PDataTF, ReleaseRQ, ReleaseRP])
async def test_other_pdu_than_associate_ac_is_aborted(kind: type[PDU]) -> None:
    """AA-8 in Sta5: unexpected-PDU."""
    seen: list[PDU | None] = []

    async def other(raw: Raw) -> None:
        await raw.receive()
        raw.send(EXAMPLE[kind])
        seen.append(await raw.receive())

    async with raw_server(other) as port:
        with pytest.raises(AssociationAborted, match="unexpected-PDU"):
            await visit(port)
    assert seen == [Abort(2, 2)]


async def test_unknown_rejection_codes_are_reported() -> None:
    """Some printers send source 2 or 3, reason 56."""

    async def reject(raw: Raw) -> None:
        await raw.receive()
        raw.send(AssociateRJ(9, 3, 56))

    async with raw_server(reject) as port:
        with pytest.raises(DimseError, match=r"result 9 \(reserved\), .* reason 56 \(reserved\)"):
            await visit(port)


@pytest.mark.parametrize("length", [1, 7])
async def test_peer_without_room_for_fragments_is_refused(length: int) -> None:
    async def narrow(raw: Raw) -> None:
        await raw.accept(answer(user_information=(MaximumLength(length),)))
        assert await raw.receive() == Abort(0, 0)

    async with raw_server(narrow) as port:
        with pytest.raises(DimseError, match=f"Maximum-length-received {length} leaves no room"):
            await visit(port)


async def test_many_unexpected_responses_are_ignored() -> None:

    async def confused(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        for number in range(2, 2000):
            raw.say(CEchoRSP(MessageIDBeingRespondedTo=number, Status=0x0110))
        raw.say(CEchoRSP(MessageIDBeingRespondedTo=1, Status=0, AffectedSOPClassUID=Verification))
        await raw.receive()
        raw.send(ReleaseRP())

    async with raw_server(confused) as port:
        assert (await visit(port)).Status == 0


async def test_response_arrives_in_a_flood_of_events() -> None:
    answered: list[int] = []

    async def acknowledge(operation: Operation) -> Response:
        answered.append(operation.message.MessageID)
        return operation.reply()

    async def flood(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        for number in range(500):
            event = NEventReportRQ(
                MessageID=number, AffectedSOPClassUID="1.2", AffectedSOPInstanceUID="1.3", EventTypeID=1
            )
            raw.say(event)
        raw.say(CEchoRSP(MessageIDBeingRespondedTo=1, Status=0))
        while await raw.receive() != ReleaseRQ():
            pass
        raw.send(ReleaseRP())

    async with raw_server(flood) as port:
        response = await visit(port, handlers={(Verification, NEventReportRQ): acknowledge})
    assert response.Status == 0
    assert answered == list(range(len(answered)))


async def test_endless_pending_ends_at_the_timeout() -> None:
    async def pending(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        ended = asyncio.create_task(raw.receive())
        while not ended.done():
            raw.say(CEchoRSP(MessageIDBeingRespondedTo=1, Status=0xFF00))
            await asyncio.wait({ended}, timeout=0.01)

    async with raw_server(pending) as port:
        with pytest.raises(DimseError, match=r"no response to CEchoRQ within 0\.2 s"):
            await visit(port, timeouts=dataclasses.replace(QUICK, dimse=0.2))


async def test_endless_response_is_aborted() -> None:
    async def endless(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        for _ in range(40):
            raw.send(PDataTF((PDV(1, bytes(2000), True, False),)))
        await raw.receive()

    async with raw_server(endless) as port:
        with pytest.raises(AssociationAborted, match="exceeds the limit command_set"):
            await visit(port)


async def test_incomplete_response_ends_at_the_timeout() -> None:
    async def half(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        response = CEchoRSP(MessageIDBeingRespondedTo=1, Status=0)
        raw.say(response)
        raw.writer.write(b"\x04\0\0\0\1\0")
        await raw.receive()

    async with raw_server(half) as port:
        assert (await visit(port)).Status == 0  # complete PDUs count


@pytest.mark.parametrize("said", [b"", b"".join(encode_pdu(ReleaseRQ())) * 3, b"\xff" * 100])
async def test_unanswered_release_ends_without_an_error(said: bytes) -> None:
    """All operations are complete, so there is no error."""

    async def mute(raw: Raw) -> None:
        await raw.accept()
        await raw.hear()
        raw.say(CEchoRSP(MessageIDBeingRespondedTo=1, Status=0))
        assert await raw.receive() == ReleaseRQ()
        raw.writer.write(said)
        while await raw.receive() is not None:
            pass

    before = len(asyncio.all_tasks())
    async with raw_server(mute) as port:
        assert (await visit(port)).Status == 0
    await until(lambda: len(asyncio.all_tasks()) <= before)
