"""Timers fire once, in the order of their time, unless they are canceled or started again before."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest
from clock import Clock

from dimse.net.timers import Deadline, Timer, Timers

Handles = Callable[[], list[asyncio.TimerHandle]]


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
async def timers() -> AsyncIterator[Timers]:
    made = Timers()
    yield made
    made.close()


@pytest.fixture
async def handles(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Handles:
    """Return the timers of the running loop that are neither canceled nor due."""
    loop = asyncio.get_running_loop()
    call_at = loop.call_at
    made: list[asyncio.TimerHandle] = []

    def noted(when: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        made.append(call_at(when, callback))
        return made[-1]

    monkeypatch.setattr(loop, "call_at", noted)
    return lambda: [handle for handle in made if not handle.cancelled() and handle.when() > clock.now]


def noting(fired: list[str], name: str) -> Callable[[], None]:
    """A callback that adds ``name`` to ``fired``."""
    return lambda: fired.append(name)


async def test_timers_fire_in_the_order_of_their_time(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    timers.set(3, noting(fired, "third"))
    timers.set(2, noting(fired, "second"))
    timers.set(1, noting(fired, "first"))
    await clock.pass_time(1)
    assert fired == ["first"]
    await clock.pass_time(2)
    assert fired == ["first", "second", "third"]


async def test_late_loop_fires_timers_in_order(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    timers.set(2, noting(fired, "second"))
    timers.set(1, noting(fired, "first"))
    await clock.pass_time(60)
    assert fired == ["first", "second"]


async def test_many_timers_need_one_timer_of_the_loop(clock: Clock, timers: Timers, handles: Handles) -> None:
    for seconds in (30, 20, 10):
        timers.set(seconds, lambda: None)
    assert len(handles()) == 1
    await clock.pass_time(30)
    assert handles() == []


async def test_canceled_timer_does_not_fire(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    timer = timers.set(1, noting(fired, "canceled"))
    timer.cancel()
    timer.cancel()
    await clock.pass_time(1)
    assert fired == []


async def test_timer_may_cancel_another_that_is_due(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    other = Timer(timers, 1, noting(fired, "other"))
    timers.set(1, other.cancel)
    other.start()
    await clock.pass_time(1)
    assert fired == []


async def test_timer_may_set_another(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    other = Timer(timers, 1, noting(fired, "other"))
    timers.set(1, other.start)
    await clock.pass_time(1)
    assert fired == []
    await clock.pass_time(1)
    assert fired == ["other"]


async def test_error_of_a_timer_stops_no_other(clock: Clock, timers: Timers) -> None:
    fired, errors = list[str](), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context["exception"]))
    error = ValueError("of the first timer")

    def fail() -> None:
        raise error

    timers.set(1, fail)
    timers.set(1, noting(fired, "due"))
    timers.set(2, noting(fired, "later"))
    await clock.pass_time(1)
    assert fired == ["due"]
    await clock.pass_time(1)
    assert fired == ["due", "later"]
    assert errors == [error]


async def test_later_timer_delays_no_earlier_one(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    timers.set(1, Timer(timers, 10, noting(fired, "later")).start)
    timers.set(2, noting(fired, "between"))
    await clock.pass_time(1)
    await clock.pass_time(1)
    assert fired == ["between"]


async def test_started_again_timer_has_all_its_time(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    timer = timers.set(3, noting(fired, "it"))
    await clock.pass_time(2)
    timer.start()
    await clock.pass_time(2)
    assert fired == []
    await clock.pass_time(1)
    assert fired == ["it"]


async def test_fired_timer_is_not_running(clock: Clock, timers: Timers) -> None:
    timer = timers.set(1, lambda: None)
    assert timer.is_running
    await clock.pass_time(1)
    assert not timer.is_running


async def test_unstarted_timer_does_not_fire(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    timer = Timer(timers, 1, noting(fired, "it"))
    await clock.pass_time(2)
    assert fired == []
    timer.start()
    await clock.pass_time(1)
    assert fired == ["it"]


async def test_paused_timer_has_all_its_time_when_resumed(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    timer = timers.set(3, noting(fired, "it"))
    timer.pause()
    await clock.pass_time(10)
    timer.resume()
    await clock.pass_time(2)
    assert fired == []
    await clock.pass_time(1)
    assert fired == ["it"]


async def test_closed_timers_leave_none_after_the_last(handles: Handles) -> None:
    timers = Timers()
    first, second = timers.set(10, lambda: None), timers.set(20, lambda: None)
    first.cancel()
    timers.close()
    assert len(handles()) == 1
    second.cancel()
    assert handles() == []


async def test_close_ends_the_timer_of_the_loop(handles: Handles) -> None:
    timers = Timers()
    timers.set(10, lambda: None).cancel()
    assert len(handles()) == 1  # for the next timer
    timers.close()
    assert handles() == []


# --- timeouts ---


async def cancellations_left(clock: Clock, work: Coroutine[None, None, None]) -> int:
    """Return the number of cancellations of a task that are left after ``work``, during which a second passes."""

    async def run() -> int:
        await work
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    await clock.pass_time(1)
    return await task


async def test_timeout_raises_timeout_error(clock: Clock, timers: Timers) -> None:
    async def wait() -> None:
        with pytest.raises(TimeoutError), timers.timeout(1):
            await asyncio.Event().wait()

    assert await cancellations_left(clock, wait()) == 0


async def test_timeout_ends_with_its_block(clock: Clock, timers: Timers) -> None:
    with timers.timeout(1):
        await asyncio.sleep(0)
    await clock.pass_time(2)


async def test_cancellation_from_outside_stays_one(timers: Timers) -> None:
    async def wait() -> None:
        with timers.timeout(10):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_outer_timeout_ends_the_inner_block(clock: Clock, timers: Timers) -> None:
    async def wait() -> None:
        with timers.timeout(1), timers.timeout(10):
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    await clock.pass_time(1)
    with pytest.raises(TimeoutError):
        await task


@pytest.mark.parametrize("delay", [1, 1.5], ids=["before", "after"])
async def test_cancellation_at_the_moment_of_a_timeout_stays(clock: Clock, timers: Timers, delay: float) -> None:
    async def wait() -> None:
        with timers.timeout(1.25):
            await asyncio.Event().wait()

    noted: list[bool] = []
    task = asyncio.create_task(wait())
    timers.set(delay, lambda: noted.append(task.cancel()))
    await asyncio.sleep(0)
    await clock.pass_time(2)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert noted == [True]


async def test_timeout_with_another_error_leaves_no_cancellation(clock: Clock, timers: Timers) -> None:
    async def wait() -> None:
        with pytest.raises(KeyError), timers.timeout(1):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as exc:
                raise KeyError from exc

    assert await cancellations_left(clock, wait()) == 0


async def test_deadline_fires_after_its_time(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    deadline = Deadline(timers, 10, noting(fired, "late"))
    deadline.begin()
    await clock.pass_time(9)
    assert fired == []
    await clock.pass_time(1)
    assert fired == ["late"]


async def test_ended_deadline_does_not_fire(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    deadline = Deadline(timers, 10, noting(fired, "late"))
    deadline.begin()
    deadline.since = None
    await clock.pass_time(10)
    assert fired == []
    assert not deadline.is_running


async def test_deadline_has_its_full_time_each_time(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    deadline = Deadline(timers, 10, noting(fired, "late"))
    deadline.begin()
    await clock.pass_time(9)
    deadline.since = None
    deadline.begin()
    await clock.pass_time(9)
    assert fired == []
    await clock.pass_time(1)
    assert fired == ["late"]


async def test_paused_deadline_has_its_full_time_again(clock: Clock, timers: Timers) -> None:
    fired: list[str] = []
    deadline = Deadline(timers, 10, noting(fired, "late"))
    deadline.begin()
    deadline.pause()
    await clock.pass_time(20)
    deadline.resume()
    await clock.pass_time(9)
    assert fired == []
    await clock.pass_time(1)
    assert fired == ["late"]
