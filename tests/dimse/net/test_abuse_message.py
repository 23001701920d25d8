"""Wrong PDVs and messages of a peer, PS3.8 Annex E and PS3.7 §6.3, do not affect others."""

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

pytestmark = pytest.mark.skips_waits

ECHO = CEchoRQ(MessageID=1, AffectedSOPClassUID=Verification)
SET = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=b"")
USER_ABORT = Abort(0, 0)


def print_request() -> AssociateRQ:
    example = EXAMPLE[AssociateRQ]
    assert isinstance(example, AssociateRQ)
    return dataclasses.replace(example, presentation_contexts=(PresentationContextRQ(1, PRINT, SYNTAXES),))


def pdv(data: bytes, *, command: bool = True, last: bool = True, context_id: int = 1) -> PDataTF:
    return PDataTF((PDV(context_id, data, command, last),))


async def status(raw: Raw) -> int:
    """Return the status of the next response."""
    _, message = await raw.hear()
    assert isinstance(message, Response)
    return message.Status


# --- PDVs ---


@pytest.mark.parametrize("length", [0, 1, 7, 0x7FFFFFFF, 0xFFFFFFFF])
async def test_pdv_beyond_its_pdu_is_aborted(length: int) -> None:
    """PS3.8 Table 9-23: an invalid PDU in Sta6, AA-8."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.writer.write(struct.pack(">BxIIBB", 4, 8, length, 1, 3) + b"\0\0")
        assert await raw.receive() == Abort(2, 6)


@pytest.mark.parametrize("context_id", [0, 2, 3, 255])
async def test_pdv_of_an_unaccepted_context_is_aborted(context_id: int) -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(pdv(encode_command(ECHO), context_id=context_id))
        assert await raw.receive() == USER_ABORT


async def test_million_tiny_pdvs_are_aborted() -> None:
    """The limit of fragments ends them, and the bystander is answered in between."""
    one = struct.pack(">IBB", 3, 1, 0) + b"\0"
    wire = struct.pack(">BxI", 4, 18_000 * len(one)) + one * 18_000
    timeouts = Timeouts()
    async with under_attack(limits=Limits(fragments=100_000), timeouts=timeouts) as server, attacker(server) as raw:
        await raw.associate(print_request())
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
async def test_endless_command_set_is_aborted(data: bytes, hit: str) -> None:
    async with under_attack(limits=Limits(fragments=500)) as server, attacker(server) as raw:
        await raw.associate()
        for _ in range(600):
            raw.send(pdv(data, last=False))
        assert await raw.receive() == USER_ABORT
    assert server.admission.hits == {hit: 1}


async def test_endless_data_set_is_aborted() -> None:
    async with under_attack(limits=Limits(data_set=1 << 20)) as server, attacker(server) as raw:
        await raw.associate(print_request())
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
async def test_pdvs_in_wrong_order_are_aborted(pdus: list[PDataTF]) -> None:
    """PS3.7 §6.3, PS3.8 Annex E.1."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate(print_request())
        raw.send(*pdus)
        answer = await raw.receive()
        while isinstance(answer, PDataTF):  # the response to the complete message
            answer = await raw.receive()
        assert answer == USER_ABORT


async def test_missing_data_set_is_aborted() -> None:
    """Only the timeout of the message can end it."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate(print_request())
        raw.send(pdv(encode_command(SET)))
        assert await raw.receive() == USER_ABORT
    assert server.admission.hits == {"message": 1}


# --- Command Sets ---


def command(*elements: tuple[int, bytes], group_length: int | None = None) -> bytes:
    """Return a Command Set of elements of group 0000."""
    body = b"".join(struct.pack("<HHI", 0, number, len(value)) + value for number, value in elements)
    length = len(body) if group_length is None else group_length
    return struct.pack("<HHII", 0, 0, 4, length) + body


UID = Verification.encode() + b"\0"
FIELDS = ((0x0002, UID), (0x0100, b"\x30\0"), (0x0110, b"\1\0"), (0x0800, b"\1\1"))


@pytest.mark.parametrize("group_length", [0, 1, 0xFFFFFFFF])
async def test_wrong_group_length_is_ignored(group_length: int) -> None:
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
async def test_invalid_command_set_is_aborted(wire: bytes) -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(pdv(wire))
        assert await raw.receive() == USER_ABORT


async def test_invalid_uid_is_a_mistyped_argument() -> None:
    """PS3.7 Annex C: 0212H, mistyped argument."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(pdv(command((0x0002, b"\xff\xfe"), *FIELDS[1:])))
        assert await status(raw) == 0x0212


@pytest.mark.parametrize("field", [0x0000, 0x0031, 0x7FFF, 0xFFFF])
async def test_unknown_command_field_is_aborted(field: int) -> None:
    """PS3.7 Table E.1-1, with the retired ones."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(pdv(command((0x0002, UID), (0x0100, struct.pack("<H", field)), (0x0110, b"\1\0"), (0x0800, b"\1\1"))))
        assert await raw.receive() == USER_ABORT


async def test_missing_operation_is_unrecognized() -> None:
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
async def test_unexpected_responses_are_ignored(message: Message) -> None:
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.say(message)
        raw.send(echo())
        assert await status(raw) == 0


async def test_message_id_in_use_is_a_duplicate() -> None:
    """PS3.7 Annex C: 0210H, duplicate invocation; the first one is performed."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        raw.send(echo(1), echo(1))
        assert [await status(raw), await status(raw)] == [0, 0x0210]


async def test_requests_beyond_the_window_are_not_read() -> None:
    """PS3.7 D.3.3.3: one at a time, unless another window was negotiated."""
    async with under_attack() as server, attacker(server) as raw:
        await raw.associate()
        for number in range(1, 2001):
            raw.send(echo(number))
        answers = [(await raw.hear())[1] for _ in range(2000)]
        raw.send(ReleaseRQ())
        assert await raw.receive() == ReleaseRP()
    numbers = [answer.MessageIDBeingRespondedTo for answer in answers if isinstance(answer, CEchoRSP)]
    assert numbers == list(range(1, 2001))
