"""Peers that hold memory without completing anything: all of it counts, and it is bounded."""

import asyncio
import dataclasses
import struct
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from abuse import attacker, under_attack, waiting, watched
from pair import EXAMPLE
from raw import PRINT, SYNTAXES, Raw, until

from dimse.limits import Limits, Timeouts
from dimse.message import UNCOUNTED, NSetRQ, encode_command
from dimse.net import Server
from dimse.ul import PDV, AssociateAC, AssociateRQ, MaximumLength, PDataTF, PresentationContextRQ, encode_pdu

Tell = Callable[[str, object], None]

MIB = 1 << 20
LIMITS = Limits(host_memory=MIB)
READ = 1 << 16  # bytes that may be read before a peer is held
PEERS = 30
TIMEOUTS = Timeouts(idle=60, artim=60)
SET = NSetRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=b"")


def long_request(contexts: int = 100) -> bytes:
    """Return an A-ASSOCIATE-RQ of up to 512 KiB."""
    syntaxes = (*SYNTAXES, *(f"1.2.840.10008.1.2.{'1.' * 20}{index}" for index in range(63)))
    example = EXAMPLE[AssociateRQ]
    assert isinstance(example, AssociateRQ)
    proposed = tuple(PresentationContextRQ(2 * index + 1, PRINT, syntaxes) for index in range(contexts))
    user_information = (MaximumLength(0),)
    request = dataclasses.replace(example, presentation_contexts=proposed, user_information=user_information)
    return b"".join(encode_pdu(request))


async def begin_a_request(raw: Raw) -> None:
    raw.writer.write(long_request()[:-1])


async def begin_a_pdu(raw: Raw) -> None:
    await raw.associate()
    raw.writer.write(struct.pack(">BxI", 4, 1 << 17) + bytes(100_000))


async def begin_a_message(raw: Raw) -> None:
    await raw.associate()
    raw.send(PDataTF((PDV(1, encode_command(SET), True, True),)))
    for _ in range(40):
        raw.send(PDataTF((PDV(1, bytes(25_000), False, False),)))


def held(server: Server) -> int:
    """Return the bytes of PDUs that are kept."""
    transports = [association.transport for association in server.associations]
    return sum(transport.core.kept + transport.flow.postponed for transport in transports)


@pytest.mark.parametrize("begin", [begin_a_request, begin_a_pdu, begin_a_message])
async def test_incomplete_input_is_bounded_by_host(
    begin: Callable[[Raw], Awaitable[None]], record_property: Tell
) -> None:
    async with under_attack(limits=LIMITS, timeouts=TIMEOUTS) as server, watched(server, record_property):
        budget = server.resources.budget
        async with AsyncExitStack() as stack:
            raws = [await stack.enter_async_context(attacker(server)) for _ in range(PEERS)]
            for raw in raws:
                await begin(raw)
            await until(lambda: waiting(server) >= PEERS // 2)
            assert held(server) <= budget.total + PEERS * UNCOUNTED
            assert budget.total <= MIB + PEERS * 2 * READ + 2 * MIB  # the message that began first continues
        await until(lambda: budget.total == 0)


async def test_long_requests_without_room_wait_for_it(record_property: Tell) -> None:
    """30 requests of half a MiB, which cost one MiB each, have room for one at a time: all are answered."""
    request = long_request()
    async with under_attack(limits=LIMITS, timeouts=TIMEOUTS) as server, watched(server, record_property):

        async def associate() -> None:
            async with attacker(server) as raw:
                raw.writer.write(request)
                assert isinstance(await raw.receive(), AssociateAC)

        await asyncio.gather(*(associate() for _ in range(PEERS)))
        await until(lambda: server.resources.budget.total == 0)
        assert not server.admission.hits


async def test_request_counts_until_its_association_ends(record_property: Tell) -> None:
    request = long_request()
    async with under_attack(timeouts=TIMEOUTS) as server, watched(server, record_property):
        async with attacker(server) as raw:
            raw.writer.write(request)
            assert isinstance(await raw.receive(), AssociateAC)
            assert server.resources.budget.total == 2 * len(request)
        await until(lambda: server.resources.budget.total == 0)


async def test_stalled_request_is_closed_if_others_wait(record_property: Tell) -> None:
    timeouts = Timeouts(idle=60, artim=60, stall=0.01)
    async with under_attack(limits=LIMITS, timeouts=timeouts) as server, watched(server, record_property):
        async with AsyncExitStack() as stack:
            for _ in range(PEERS):
                await begin_a_request(await stack.enter_async_context(attacker(server)))
            await until(lambda: server.admission.hits["stall"] >= PEERS - 2)  # the last two have room
            assert server.resources.budget.total <= MIB
