"""Waiters behave as futures do, and wake their task at once; places of a window are given in order."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.net.waiter import Waiter, Window


async def wait(waiter: Waiter, log: list[str]) -> None:
    try:
        await waiter
    except (RuntimeError, asyncio.CancelledError) as exc:
        log.append(type(exc).__name__)
        raise
    log.append("awake")


async def begin(log: list[str]) -> tuple[Waiter, asyncio.Task[None]]:
    """Return a waiter and the task that awaits it."""
    waiter = Waiter(asyncio.get_running_loop())
    task = asyncio.create_task(wait(waiter, log))
    await asyncio.sleep(0)
    return waiter, task


async def in_a_callback(function: Callable[[], object]) -> None:
    """Call ``function`` in a callback of the event loop, outside of any task."""
    asyncio.get_running_loop().call_soon(function)
    await asyncio.sleep(0)


async def test_task_wakes_within_the_callback() -> None:
    log: list[str] = []
    waiter, task = await begin(log)

    def arrive() -> None:
        waiter.finish()
        waiter.wake()
        log.append("arrived")

    await in_a_callback(arrive)
    assert log == ["awake", "arrived"]
    await task


async def test_task_does_not_wake_within_another_task() -> None:
    log: list[str] = []
    waiter, task = await begin(log)
    waiter.finish()
    waiter.wake()
    assert log == []
    await task
    assert log == ["awake"]


async def test_task_that_comes_late_does_not_wait() -> None:
    waiter = Waiter(asyncio.get_running_loop())
    waiter.finish()
    waiter.wake()
    await waiter


async def test_task_that_comes_late_gets_the_error() -> None:
    waiter = Waiter(asyncio.get_running_loop())
    waiter.fail(RuntimeError("a test"))
    with pytest.raises(RuntimeError, match="a test"):
        await waiter


async def test_canceled_task_wakes() -> None:
    log: list[str] = []
    waiter, task = await begin(log)
    task.cancel("a test")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["CancelledError"]
    assert waiter.is_done


async def test_waiter_that_is_done_cannot_be_canceled() -> None:
    waiter = Waiter(asyncio.get_running_loop())
    waiter.finish()
    assert not waiter.cancel()
    await waiter


async def test_task_wakes_in_its_own_context() -> None:
    seen: list[asyncio.Task[None] | None] = []
    waiter = Waiter(asyncio.get_running_loop())

    async def look() -> None:
        await waiter
        seen.append(asyncio.current_task())

    task = asyncio.create_task(look())
    await asyncio.sleep(0)
    waiter.finish()
    await in_a_callback(waiter.wake)
    assert seen == [task]
    assert asyncio.current_task() is not task


async def outcome(steps: list[str], future: "Waiter | asyncio.Future[None]") -> str:
    """Return how a task ends that awaits ``future`` while ``steps`` happen."""

    async def wait_for_it() -> str:
        try:
            await future
        except RuntimeError:
            return "failed"
        return "finished"

    def finish() -> None:
        if isinstance(future, asyncio.Future):
            if not future.done():
                future.set_result(None)
        elif not future.is_done:
            future.finish()
            future.wake()

    def fail() -> None:
        if isinstance(future, asyncio.Future):
            if not future.done():
                future.set_exception(RuntimeError())
        elif not future.is_done:
            future.fail(RuntimeError())

    task = asyncio.create_task(wait_for_it())
    await asyncio.sleep(0)
    happen: dict[str, Callable[[], object]] = {"finish": finish, "fail": fail, "cancel": task.cancel}
    for step in (*steps, "finish"):
        await in_a_callback(happen[step])
    await asyncio.wait([task])
    return "canceled" if task.cancelled() else task.result()


async def both_outcomes(steps: list[str]) -> tuple[str, str]:
    loop = asyncio.get_running_loop()
    return await outcome(steps, Waiter(loop)), await outcome(steps, loop.create_future())


@given(st.lists(st.sampled_from(["finish", "fail", "cancel"]), max_size=4))
def test_waiter_ends_as_a_future_does(steps: list[str]) -> None:
    waiter, future = asyncio.run(both_outcomes(steps))
    assert waiter == future


async def test_window_gives_places_in_order() -> None:
    window, log = Window(1), list[int]()
    assert window.enter()

    async def enter(number: int) -> None:
        assert not window.enter()
        await window.wait()
        log.append(number)
        window.leave()

    tasks = [asyncio.create_task(enter(number)) for number in range(3)]
    await asyncio.sleep(0)
    window.leave()
    await asyncio.gather(*tasks)
    assert log == [0, 1, 2]
    assert window.enter()


@pytest.mark.parametrize("is_given", [False, True])
async def test_canceled_task_leaves_the_window(is_given: bool) -> None:
    window = Window(1)
    assert window.enter()
    waiting = asyncio.create_task(window.wait())
    await asyncio.sleep(0)
    if is_given:
        window.leave()
    waiting.cancel()
    await asyncio.wait([waiting])
    if not is_given:
        window.leave()
    assert window.enter()
    assert not window.enter()
