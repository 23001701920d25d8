"""Many moments, one timer: each rings in its turn, a cleared one never, and a timeout is one of asyncio's."""

import asyncio

import pytest

from dimse.net.alarms import Alarms


def timers() -> list[asyncio.TimerHandle]:
    """Those of the running loop that are not cancelled."""
    scheduled: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
    return [timer for timer in scheduled if not timer.cancelled()]


async def test_alarms_ring_in_the_order_of_their_time() -> None:
    rung: list[str] = []
    done = asyncio.Event()
    alarms = Alarms()
    alarms.set(0.03, done.set)
    alarms.set(0.02, lambda: rung.append("second"))
    alarms.set(0.01, lambda: rung.append("first"))
    assert len(timers()) == 1
    await done.wait()
    assert rung == ["first", "second"]
    assert timers() == []


async def test_a_cleared_alarm_does_not_ring() -> None:
    rung: list[str] = []
    done = asyncio.Event()
    alarms = Alarms()
    key = alarms.set(0.01, lambda: rung.append("cleared"))
    alarms.set(0.02, done.set)
    alarms.clear(key)
    alarms.clear(key)
    await done.wait()
    assert rung == []


async def test_an_alarm_may_set_and_clear_others() -> None:
    rung: list[str] = []
    done = asyncio.Event()
    alarms = Alarms()

    def ring() -> None:
        rung.append("it")
        alarms.clear(other)
        alarms.set(0.0, done.set)

    alarms.set(0.01, ring)
    other = alarms.set(0.0, lambda: rung.append("other"))
    alarms._set[other] = (alarms._set[1][0], alarms._set[other][1])  # at the very same time
    await done.wait()
    assert rung == ["it"]


async def test_an_alarm_that_sets_a_later_one_holds_up_none_between() -> None:
    rung: list[str] = []
    done = asyncio.Event()
    alarms = Alarms()

    def ring() -> None:
        alarms.set(10.0, lambda: rung.append("later"))

    alarms.set(0.0, ring)
    alarms.set(0.01, done.set)
    async with asyncio.timeout(5):
        await done.wait()
    assert rung == []


async def test_what_is_closed_leaves_no_timer_behind_its_last_alarm() -> None:
    alarms = Alarms()
    first, second = alarms.set(10, lambda: None), alarms.set(20, lambda: None)
    alarms.clear(first)
    alarms.close()
    assert len(timers()) == 1
    alarms.clear(second)
    assert timers() == []


async def test_closing_what_has_no_alarms_ends_its_timer_at_once() -> None:
    alarms = Alarms()
    alarms.clear(alarms.set(10, lambda: None))
    assert len(timers()) == 1  # it sleeps on, for the next one
    alarms.close()
    assert timers() == []


async def test_a_timeout_raises_what_asyncio_raises() -> None:
    with pytest.raises(TimeoutError):
        with Alarms().timeout(0.01):
            await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_block_in_time_is_left_alone() -> None:
    alarms = Alarms()
    with alarms.timeout(10):
        await asyncio.sleep(0)
    alarms.close()
    assert timers() == []


async def test_a_cancellation_from_outside_stays_one() -> None:
    async def work() -> None:
        with Alarms().timeout(10):
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_timeouts_nest() -> None:
    alarms = Alarms()
    with pytest.raises(TimeoutError):
        with alarms.timeout(0.01):
            with alarms.timeout(10):
                await asyncio.Event().wait()
