"""The memory that peers hold is bounded by host and in total; a message without room waits."""

import asyncio

import pytest

from dimse.limits import Limits
from dimse.net.fairness import Turns
from dimse.net.flow_control import DISK, MEMORY, FlowControl
from dimse.net.memory_budget import Account, MemoryBudget

pytestmark = pytest.mark.skips_waits

MIB = 1 << 20
STALL = 60.0  # seconds
LIMITS = Limits(memory=100, host_memory=50)


def account(budget: MemoryBudget, host: str = "a") -> tuple[Account, list[str]]:
    """Return an account, and a list of what is done to its peer."""
    did: list[str] = []
    flow = FlowControl(Turns(), lambda: did.append("pause"), lambda: did.append("resume"), lambda data: None)  # noqa: ARG005
    flow.host = host
    return Account(budget, flow, lambda: did.append("abort")), did


async def test_message_without_room_waits() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    (first, _), (second, did) = account(budget), account(budget)
    first.grow(40)
    second.grow(20)
    assert did == ["pause"]
    assert second.flow.hold_reasons == MEMORY
    first.release(first.complete())
    assert did == ["pause", "resume"]
    second.close()
    assert budget.total == 0


async def test_first_message_continues() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    (first, did), (second, _) = account(budget), account(budget)
    first.grow(40)
    second.grow(20)
    first.grow(40)
    assert did == []
    second.close()
    first.close()


async def test_host_does_not_wait_for_another() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    (one, _), (two, did) = account(budget, "a"), account(budget, "b")
    one.grow(80)
    two.grow(10)
    assert did == []
    two.grow(20)  # more than the limit of all
    assert did == ["pause"]
    one.close()
    assert did == ["pause", "resume"]
    two.close()


async def test_request_counts_until_it_is_done() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    one, _ = account(budget)
    one.grow(30)
    held = one.complete()
    assert budget.total == 30
    one.release(held)
    assert budget.total == 0


async def test_long_response_counts_while_it_is_sent() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    one, _ = account(budget)
    held = one.count_sent(2 * MIB)
    assert (held, budget.total) == (2 * MIB, 2 * MIB)
    one.release(held)
    assert (one.count_sent(100), one.count_sent(0), budget.total) == (0, 0, 0)


async def test_unprocessed_bytes_are_counted() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    (first, _), (second, did) = account(budget), account(budget)
    first.set_unprocessed(40)
    second.set_unprocessed(20)
    assert (budget.total, did) == (60, ["pause"])
    first.set_unprocessed(0)
    assert (budget.total, did) == (20, ["pause", "resume"])
    second.close()
    assert budget.total == 0


async def test_long_association_request_counts_to_the_end() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    one, _ = account(budget)
    one.count_request(100)  # as most requests
    assert budget.total == 0
    one.count_request(MIB)
    assert budget.total == 2 * MIB
    one.close()
    assert budget.total == 0


async def test_stalled_message_is_aborted_if_others_wait() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    (stalled, did), (second, _) = account(budget), account(budget)
    stalled.grow(40)
    second.grow(20)
    await asyncio.sleep(STALL + 1)
    assert did == ["abort"]
    stalled.close()
    second.close()


async def test_slow_message_is_not_aborted() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    (slow, did), (second, _) = account(budget), account(budget)
    slow.grow(40)
    second.grow(20)
    slow.flow.received += 1 << 14
    await asyncio.sleep(STALL + 1)
    assert did == []
    slow.close()
    second.close()


async def test_message_that_waited_is_not_aborted() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    accounts = [account(budget) for _ in range(3)]
    for one, _ in accounts:
        one.grow(30)
    accounts[0][0].close()
    assert accounts[1][1] == ["pause", "resume"]
    await asyncio.sleep(STALL + 1)
    assert accounts[1][1] == ["pause", "resume"]
    for one, _ in accounts:
        one.close()


async def test_message_held_for_the_disk_is_not_aborted() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    (first, did), (second, _) = account(budget), account(budget)
    first.grow(40)
    second.grow(20)
    first.flow.hold(DISK)
    await asyncio.sleep(STALL - 1)
    first.flow.release(DISK)
    await asyncio.sleep(2)
    assert did == ["pause", "resume"]
    await asyncio.sleep(STALL)
    assert did == ["pause", "resume", "abort"]
    first.close()
    second.close()


async def test_no_message_is_aborted_if_none_waits() -> None:
    budget = MemoryBudget(LIMITS, STALL)
    one, did = account(budget)
    one.grow(40)
    await asyncio.sleep(STALL + 1)
    assert did == []
    one.close()
