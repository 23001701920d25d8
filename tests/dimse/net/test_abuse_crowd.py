"""Crowds of peers that connect, say little and stay: all end in their time, and a bystander's echoes are answered."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import pairwise

import pytest
from abuse import attacker, under_attack
from pair import EXAMPLE
from raw import Raw, echo, service, until

from dimse.limits import Limits, Timeouts
from dimse.message import NActionRQ, Response
from dimse.net import Operation, serve
from dimse.ul import PDU, Abort, AssociateAC, AssociateRJ, AssociateRQ, PDataTF, ReleaseRP, ReleaseRQ, encode_pdu

pytestmark = pytest.mark.skips_waits

CROWD = 150
LIMITS = Limits(connections=60, host_connections=40)
Stay = Callable[[Raw], Awaitable[None]]
KINDS = (AssociateRQ, AssociateAC, AssociateRJ, PDataTF, ReleaseRQ, ReleaseRP, Abort)


async def stay_in_sta2(raw: Raw) -> None:
    """Say nothing."""
    await raw.reader.read(0)


async def stay_in_sta6(raw: Raw) -> None:
    await raw.associate()


async def stay_in_sta13(raw: Raw) -> None:
    """Break the protocol, and do not close the connection after the A-ABORT."""
    raw.writer.write(b"\xff")
    assert isinstance(await raw.receive(), Abort)


async def stay_after_release(raw: Raw) -> None:
    await raw.associate()
    raw.send(ReleaseRQ())
    assert await raw.receive() == ReleaseRP()


STATES = pytest.mark.parametrize("stay", [stay_in_sta2, stay_in_sta6, stay_in_sta13, stay_after_release])


@STATES
async def test_incomplete_pdu_of_each_kind_ends_in_time(stay: Stay) -> None:
    """It is cut off after its type, within its header, or before its last byte."""
    async with under_attack() as server, AsyncExitStack() as stack:
        raws = []
        for kind in KINDS:
            wire = b"".join(encode_pdu(EXAMPLE[kind]))
            for length in (1, 5, len(wire) - 1):
                raw = await stack.enter_async_context(attacker(server))
                await stay(raw)
                raw.writer.write(wire[:length])
                raws.append(raw)
        ends = await asyncio.gather(*map(the_end, raws))
        assert all(ends)
        assert server.resources.budget.total == 0


async def the_end(raw: Raw) -> bool:
    """Read to the end of the connection."""
    while await raw.receive() is not None:
        pass
    return True


@pytest.mark.parametrize("said", [b"", b"\1"], ids=["nothing", "one byte"])
async def test_flood_of_connections_is_closed_unread(said: bytes) -> None:
    async with under_attack(limits=LIMITS, timeouts=Timeouts(artim=60)) as server, AsyncExitStack() as stack:
        for _ in range(CROWD):
            raw = await stack.enter_async_context(attacker(server))
            raw.writer.write(said)
        await until(lambda: server.admission.hits["host_connections"] == CROWD + 1 - 40)  # 1 is the bystander
        await until(lambda: len(server.associations) == 40)


@pytest.mark.parametrize("stay", [stay_in_sta13, stay_after_release])
async def test_requests_after_the_end_are_not_answered(stay: Stay) -> None:
    requests: list[PDU] = [echo(number) for number in range(1, 50)]
    async with under_attack() as server, AsyncExitStack() as stack:
        raws = [await stack.enter_async_context(attacker(server)) for _ in range(20)]
        for raw in raws:
            await stay(raw)
            raw.send(*requests)
        answers = await asyncio.gather(*(raw.receive() for raw in raws))
        assert set(answers) == {None}
        await until(lambda: len(server.associations) == 1)


async def test_peers_that_stay_after_a_rejection_are_closed() -> None:
    limits, timeouts = Limits(host_associations=1), Timeouts(artim=0.3)
    async with under_attack(limits=limits, timeouts=timeouts) as server, AsyncExitStack() as stack:
        raws = [await stack.enter_async_context(attacker(server)) for _ in range(20)]
        for raw in raws:
            raw.send(EXAMPLE[AssociateRQ])
            assert isinstance(await raw.receive(), AssociateRJ)
        await until(lambda: len(server.associations) == 1)


async def test_few_associations_begin_or_end_in_one_iteration() -> None:
    """Iterations of the event loop stay short although a crowd associates at once, and leaves at once."""
    ended: list[str] = []
    wire = b"".join(encode_pdu(EXAMPLE[AssociateRQ]))
    async with serve([service(answer, NActionRQ, ended=ended)], port=0) as server:
        crowd = [socket.create_connection((server.host, server.port)) for _ in range(100)]
        await until(lambda: len(server.associations) == len(crowd))
        for one in crowd:
            one.sendall(wire)
        begun = await counts(lambda: sum(one.associate_ac is not None for one in server.associations), len(crowd))
        assert max(begun) <= 33  # 16 before the callback that begins an iteration, 16 after it, and a turn
        for one in crowd:
            one.close()
        assert max(await counts(lambda: len(ended), len(crowd))) <= 33


async def answer(operation: Operation) -> Response:
    return operation.reply()


async def counts(done: Callable[[], int], total: int) -> list[int]:
    """Return how much was done in each iteration of the event loop, until ``total`` is done."""
    seen = [done()]
    while seen[-1] < total:
        await asyncio.sleep(0)
        seen.append(done())
    return [later - earlier for earlier, later in pairwise(seen)]
