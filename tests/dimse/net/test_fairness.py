"""Hosts take turns on the event loop and in threads."""

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from weakref import ref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raw import until

from dimse.net import fairness
from dimse.net.fairness import RoundRobin, Slots, Starts, Turns, Workers


def test_hosts_take_turns() -> None:
    waiting: RoundRobin[str] = RoundRobin()
    for host, thing in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("b", "b2")):
        waiting.put(host, thing)
    taken = []
    while waiting:
        taken.append(waiting.take())
    assert taken == ["a1", "b1", "c1", "a2", "b2", "a3"]


async def test_iteration_has_one_turn() -> None:
    turns, done = Turns(), list[int]()
    for number in range(3):
        turns.call_in_turn("a", lambda number=number: done.append(number))  # type: ignore[misc]  # a lambda of one call
    seen = []
    for _ in range(4):
        await asyncio.sleep(0)
        seen.append(len(done))
    assert seen == [1, 2, 3, 3]


async def test_canceled_turn_is_skipped() -> None:
    turns = Turns()
    waiting = asyncio.create_task(turns.wait_for_turn("a"))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    await turns.wait_for_turn("b")


class Peer:
    """A peer that keeps the event loop busy."""


async def test_single_busy_peer_needs_no_turn() -> None:
    turns, busy, other = Turns(), Peer(), Peer()
    assert [turns.others_are_busy(busy), turns.others_are_busy(busy)] == [False, False]
    assert [turns.others_are_busy(other), turns.others_are_busy(busy)] == [True, True]


async def test_ended_peer_is_not_kept() -> None:
    turns, busy = Turns(), Peer()
    turns.others_are_busy(busy)
    kept = ref(busy)
    del busy
    assert kept() is None


async def test_iteration_has_room_for_16_short_pieces() -> None:
    turns, rooms = Turns(), list[int]()
    for _ in range(3):
        rooms.append(sum(turns.try_enter() for _ in range(40)))
        await asyncio.sleep(0)
    assert rooms == [16, 16, 16]


async def test_iteration_starts_16_handlers() -> None:
    starts, started = Starts(), list[int]()
    for number in range(40):
        starts.start("a", partial(started.append, number))
    seen = [len(started)]
    for _ in range(3):
        await asyncio.sleep(0)
        seen.append(len(started))
    assert seen == [16, 32, 40, 40]
    assert started == list(range(40))


async def test_hosts_take_turns_to_start_handlers() -> None:
    starts, started = Starts(), list[str]()
    for host in ["a"] * 20 + ["b"]:
        starts.start(host, partial(started.append, host))
    await asyncio.sleep(0)
    assert started[16:18] == ["a", "b"]


async def test_later_iterations_start_at_once() -> None:
    starts, started = Starts(), list[int]()
    for number in range(3):
        starts.start("a", partial(started.append, number))
        assert len(started) == number + 1
        await asyncio.sleep(0)


@given(st.lists(st.integers(0, 40), max_size=6))
def test_few_handlers_start_in_one_iteration(bursts: list[int]) -> None:
    async def count_starts() -> tuple[list[int], int]:
        starts, counts, iteration = Starts(), [0] * 100, 0

        def begin() -> None:
            counts[iteration] += 1

        for number in range(len(counts)):
            iteration = number
            for _ in range(bursts[number] if number < len(bursts) else 0):
                starts.start("a", begin)
            await asyncio.sleep(0)
        return counts, sum(bursts)

    counts, total = asyncio.run(count_starts())
    assert sum(counts) == total
    assert max(counts) <= 32  # 16 before the callback that begins an iteration, and 16 after it


async def test_function_runs_in_another_thread() -> None:
    assert await Workers().run("a", threading.get_ident) != threading.get_ident()


async def test_error_of_a_function_is_raised() -> None:
    workers = Workers()
    with pytest.raises(ZeroDivisionError):
        await workers.run("a", lambda: 1 // 0)
    assert await workers.run("a", int, "7") == 7


async def test_two_threads_work_at_once() -> None:
    workers, began, go_on = Workers(), list[str](), threading.Event()

    def work(name: str) -> None:
        began.append(name)
        go_on.wait(10)

    running = [asyncio.create_task(workers.run("a", work, name)) for name in ("a1", "a2", "a3")]
    await until(lambda: len(began) == 2)
    go_on.set()
    await asyncio.gather(*running)
    assert (sorted(began[:2]), began[2]) == (["a1", "a2"], "a3")


async def test_hosts_take_turns_in_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "_MAX_THREADS", 1)  # so that they run one by one
    workers, began = Workers(), list[str]()
    await asyncio.gather(*(workers.run(name[0], began.append, name) for name in ("a1", "a2", "a3", "a4", "b1")))
    assert began == ["a1", "a2", "b1", "a3", "a4"]


async def test_canceled_work_runs_to_its_end() -> None:
    workers, go_on, done = Workers(), threading.Event(), list[bool]()

    def work() -> None:
        go_on.wait(10)
        done.append(True)

    running = asyncio.create_task(workers.run("a", work))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait({running})
    assert running.cancelled()
    assert done == [True]


async def test_error_of_canceled_work_is_not_logged() -> None:
    workers, go_on, logged = Workers(), threading.Event(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))

    def fail() -> None:
        go_on.wait(10)
        raise ValueError

    running = asyncio.create_task(workers.run("a", fail))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait({running})
    del running
    gc.collect()
    assert logged == []


async def test_canceled_waiter_frees_its_place() -> None:
    workers, go_on = Workers(), threading.Event()
    working = [asyncio.create_task(workers.run("a", go_on.wait, 10)) for _ in range(2)]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(workers.run("a", go_on.wait, 10))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    go_on.set()
    await asyncio.gather(*working)
    assert await asyncio.gather(*(workers.run("b", int, "7") for _ in range(3))) == [7, 7, 7]


async def test_task_canceled_at_its_turn_frees_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fairness, "_MAX_THREADS", 1)
    workers, go_on = Workers(), threading.Event()
    working = asyncio.create_task(workers.run("a", go_on.wait, 10))
    await asyncio.sleep(0)
    waiting = asyncio.create_task(workers.run("a", int, "7"))
    await asyncio.sleep(0)
    take = RoundRobin.take

    def take_and_cancel(self: RoundRobin[object]) -> object:
        asyncio.get_running_loop().call_soon(waiting.cancel)  # runs before the task wakes
        return take(self)

    monkeypatch.setattr(RoundRobin, "take", take_and_cancel)
    go_on.set()
    await asyncio.wait({working, waiting})
    assert waiting.cancelled()
    assert await workers.run("b", int, "8") == 8


async def test_request_does_not_wait_for_other_threads_of_the_program() -> None:
    loop, go_on = asyncio.get_running_loop(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, go_on.wait, 60)
    assert await Workers().run("a", int, "7") == 7
    assert not busy.done()
    go_on.set()
    await busy


async def test_lack_of_threads_frees_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    workers = Workers()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        for _ in range(3):
            with pytest.raises(RuntimeError):
                await workers.run("a", int, "7")
    assert await workers.run("a", int, "7") == 7


async def test_refused_function_is_never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    workers, called = Workers(), list[str]()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError):
            await workers.run("a", called.append, "refused")
    await workers.run("a", called.append, "accepted")
    assert called == ["accepted"]


async def test_function_waits_for_a_thread_if_the_system_allows_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    workers, go_on, has_begun = Workers(), threading.Event(), threading.Event()

    def work() -> None:
        has_begun.set()
        go_on.wait(10)

    working = asyncio.create_task(workers.run("a", work))
    await until(has_begun.is_set)
    monkeypatch.setattr(threading.Thread, "start", fail)
    waiting = asyncio.create_task(workers.run("a", int, "7"))
    await asyncio.sleep(0)
    go_on.set()
    await working
    assert await waiting == 7


async def test_function_sees_the_context_of_its_caller() -> None:
    name = ContextVar("name", default="")
    name.set("a")
    assert await Workers().run("a", name.get) == "a"


async def test_hosts_take_turns_to_get_a_place() -> None:
    slots, order, most = Slots(2), list[str](), 0

    async def work(name: str) -> None:
        nonlocal most
        async with slots.of(name[0]):
            order.append(name)
            most = max(most, len(working))
            working.add(name)
            await asyncio.sleep(0)
            working.discard(name)

    working = set[str]()
    await asyncio.gather(*map(work, ("a1", "a2", "a3", "a4", "a5", "b1")))
    assert order == ["a1", "a2", "a3", "b1", "a4", "a5"]
    assert most == 1  # another one, when one begins


async def test_failed_work_frees_its_place() -> None:
    slots = Slots(1)
    for _ in range(2):
        with pytest.raises(KeyError):
            async with slots.of("a"):
                raise KeyError
