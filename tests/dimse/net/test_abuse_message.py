"""What peers do with PDVs and messages: PS3.8 Annex E, PS3.7 §6.3. Nobody else notices."""

import asyncio
import dataclasses
import struct

import pytest
from abuse import attacker, under_attack
from pair import EXAMPLE
from raw import PRINT, SYNTAXES, Raw, echo

from dimse.limits import Limits, Timeouts
from dimse.message import (
    CCancelRQ,
    CEchoRQ,
    CEchoRSP,
    CStoreRQ,
    Message,
    NEventReportRSP,
    NSetRQ,
    Response,
    encode_command,
)
from dimse.uids import Verification
from dimse.ul import PDV, Abort, AssociateRQ, PDataTF, PresentationContextRQ, ReleaseRP, ReleaseRQ

ECHO = CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification)
SET = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=b"")
USER_ABORT = Abort(0, 0)


def prints() -> AssociateRQ:
    example = EXAMPLE[AssociateRQ]
    assert isinstance(example, AssociateRQ)
    return dataclasses.replace(example, presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),))


def pdv(data: bytes, *, command: bool = True, last: bool = True, context_id: int = 1) -> PDataTF:
    return PDataTF((PDV(context_id, data, command, last),))


async def status(raw: Raw) -> int:
    """The status of the next response."""
    _, message = await raw.hear()
    assert isinstance(message, Response)
    return message.Status


# --- PDVs ---


@pytest.mark.parametrize("length", [0, 1, 7, 0x7FFFFFFF, 0xFFFFFFFF])
async def test_21_a_pdv_whose_length_is_not_that_of_its_pdu(length: int) -> None:
    """PS3.8 Table 9-23: an invalid PDU in Sta6, AA-8."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.writer.write(struct.pack(">BxIIBB", 4, 8, length, 1, 3) + b"\0\0")
        assert await raw.receive() == Abort(2, 6)


@pytest.mark.parametrize("context_id", [0, 2, 3, 255])
async def test_21_a_context_that_was_not_accepted(context_id: int) -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(pdv(encode_command(ECHO), context_id=context_id))
        assert await raw.receive() == USER_ABORT


async def test_22_a_million_pdvs_of_one_byte() -> None:
    """They are ended where there are more than any message needs, and the bystander is answered in between."""
    one = struct.pack(">IBB", 3, 1, 0) + b"\0"
    wire = struct.pack(">BxI", 4, 18_000 * len(one)) + one * 18_000
    timeouts = Timeouts()
    async with under_attack(limits=Limits(fragments=100_000), timeouts=timeouts) as server, attacker(server) as raw:
        await raw.associate(prints())
        raw.send(pdv(encode_command(SET)))
        ended = asyncio.create_task(raw.receive())
        for _ in range(1_000_000 // 18_000):
            if ended.done():
                break
            raw.writer.write(wire)
            await asyncio.sleep(0)
        assert await ended in (USER_ABORT, None)
    assert server.admission.hits == {"fragments": 1}


@pytest.mark.parametrize(("data", "hit"), [(bytes(1000), "command_set"), (b"", "fragments")])
async def test_23_a_command_set_that_never_ends(data: bytes, hit: str) -> None:
    async with under_attack(limits=Limits(fragments=500)) as server, attacker(server) as raw:
        await raw.associate()
        for _ in range(600):
            raw.send(pdv(data, last=False))
        assert await raw.receive() == USER_ABORT
    assert server.admission.hits == {hit: 1}


async def test_23_a_data_set_that_never_ends() -> None:
    async with under_attack(limits=Limits(data_set=1 << 20)) as server, attacker(server) as raw:
        await raw.associate(prints())
        raw.send(pdv(encode_command(SET)), *[pdv(bytes(60_000), command=False, last=False)] * 20)
        assert await raw.receive() == USER_ABORT
    assert server.admission.hits == {"data_set": 1}


@pytest.mark.parametrize(
    "pdus",
    [
        [pdv(b"xx", command=False)],
        [pdv(encode_command(SET)), pdv(encode_command(SET))],
        [pdv(encode_command(SET)[:20], last=False), pdv(b"xx", command=False)],
        [pdv(encode_command(ECHO)), pdv(b"xx", command=False)],
        [PDataTF((*pdv(encode_command(SET)).pdvs, PDV(3, b"xx", False, True)))],
    ],
    ids=["data first", "command twice", "data in a command", "data not announced", "another context"],
)
async def test_24_pdvs_that_cannot_follow_each_other(pdus: list[PDataTF]) -> None:
    """PS3.7 §6.3.1, PS3.8 Annex E.1."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate(prints())
        raw.send(*pdus)
        answer = await raw.receive()
        while isinstance(answer, PDataTF):  # the response to what was whole
            answer = await raw.receive()
        assert answer == USER_ABORT


async def test_24_a_data_set_that_was_announced_and_does_not_come() -> None:
    """Idle, as far as anybody can tell: the deadline of the message is what ends it."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate(prints())
        raw.send(pdv(encode_command(SET)))
        assert await raw.receive() == USER_ABORT
    assert server.admission.hits == {"message": 1}


# --- Command Sets ---


def command(*elements: tuple[int, bytes], group_length: int | None = None) -> bytes:
    """A Command Set of elements of group 0000."""
    body = b"".join(struct.pack("<HHI", 0, number, len(value)) + value for number, value in elements)
    length = len(body) if group_length is None else group_length
    return struct.pack("<HHII", 0, 0, 4, length) + body


UID = Verification.encode() + b"\0"
FIELDS = ((0x0002, UID), (0x0100, b"\x30\0"), (0x0110, b"\1\0"), (0x0800, b"\1\1"))


@pytest.mark.parametrize("group_length", [0, 1, 0xFFFFFFFF])
async def test_25_a_group_length_that_is_wrong_does_not_matter(group_length: int) -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        for wire in (command(*FIELDS, group_length=group_length), command(*FIELDS)[12:]):
            raw.send(pdv(wire))
            assert await status(raw) == 0


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\0",
        command(*FIELDS)[:-1],
        command(*FIELDS)[12:] + struct.pack("<HHI", 0, 0x0902, 0xFFFFFFFF),
        struct.pack("<HHI", 8, 0x0005, 0),
        command((0x0002, UID), (0x0110, b"\1\0")),
        command((0x0002, UID), (0x0100, b"\x30"), (0x0110, b"\1\0")),
    ],
    ids=["nothing", "a byte", "cut", "4 GiB", "another group", "no Command Field", "half a field"],
)
async def test_25_a_command_set_that_is_none(wire: bytes) -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(pdv(wire))
        assert await raw.receive() == USER_ABORT


async def test_25_a_uid_that_is_none() -> None:
    """PS3.7 Annex C: 0212H, mistyped argument."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(pdv(command((0x0002, b"\xff\xfe"), *FIELDS[1:])))
        assert await status(raw) == 0x0212


@pytest.mark.parametrize("field", [0x0000, 0x0031, 0x7FFF, 0xFFFF])
async def test_26_a_command_field_that_no_message_has(field: int) -> None:
    """PS3.7 Table E.1-1; retired ones, too."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(pdv(command((0x0002, UID), (0x0100, struct.pack("<H", field)), (0x0110, b"\1\0"), (0x0800, b"\1\1"))))
        assert await raw.receive() == USER_ABORT


async def test_26_an_operation_that_the_service_does_not_have() -> None:
    """PS3.7 Annex C: 0211H, unrecognized operation. The association goes on."""
    store = CStoreRQ(
        MessageID=7, AffectedSOPClassUID=Verification, AffectedSOPInstanceUID="1.3", Data=b"\x08\0\x05\0\0\0\0\0"
    )
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.say(store)
        assert await status(raw) == 0x0211
        raw.send(echo())
        assert await status(raw) == 0


@pytest.mark.parametrize(
    "message",
    [
        CEchoRSP(MessageIDBeingRespondedTo=1, Status=0),
        CEchoRSP(MessageIDBeingRespondedTo=1, Status=0xFF00),
        NEventReportRSP(MessageIDBeingRespondedTo=4711, Status=0x0110),
        CCancelRQ(MessageIDBeingRespondedTo=1),
    ],
    ids=lambda message: f"{type(message).__name__}-{message.MessageIDBeingRespondedTo}",
)
async def test_27_what_nobody_asked_for_is_passed_over(message: Message) -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.say(message)
        raw.send(echo())
        assert await status(raw) == 0


async def test_27_a_message_id_that_is_in_flight() -> None:
    """PS3.7 Annex C: 0210H, duplicate invocation; the first is performed."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(echo(1), echo(1))
        assert [await status(raw), await status(raw)] == [0, 0x0210]


async def test_28_requests_beyond_the_window_wait_in_the_kernel() -> None:
    """PS3.7 D.3.3.3: one at a time, where no other window was negotiated."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        for number in range(1, 2001):
            raw.send(echo(number))
        answers = [(await raw.hear())[1] for _ in range(2000)]
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()
    numbers = [answer.MessageIDBeingRespondedTo for answer in answers if isinstance(answer, CEchoRSP)]
    assert numbers == list(range(1, 2001))
