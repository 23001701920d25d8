"""The event loop is shared: hosts take turns, and one piece of long work is done in each iteration."""

import asyncio

from dimse.net.fairness import RoundRobin, Turns


def test_hosts_take_turns() -> None:
    waiting: RoundRobin[str] = RoundRobin()
    for host, thing in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2")):
        waiting.put(host, thing)
    taken = []
    while waiting:
        taken.append(waiting.take())
    assert taken == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_an_iteration_of_the_loop_has_one_turn() -> None:
    turns, done = Turns(), list[int]()
    for number in range(3):
        turns.wait("a", lambda number=number: done.append(number))  # type: ignore[misc]  # a lambda of one call
    seen = []
    for _ in range(4):
        await asyncio.sleep(0)
        seen.append(len(done))
    assert seen == [1, 2, 3, 3]


async def test_a_turn_that_nobody_waits_for_any_more_is_passed_over() -> None:
    turns = Turns()
    waiting = asyncio.create_task(turns.come("a"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    await turns.come("b")


async def test_one_peer_that_keeps_the_loop_busy_is_not_in_the_way_of_itself() -> None:
    turns, busy, other = Turns(), object(), object()
    assert [turns.are_wanted(busy), turns.are_wanted(busy)] == [False, False]
    assert [turns.are_wanted(other), turns.are_wanted(busy)] == [True, True]
