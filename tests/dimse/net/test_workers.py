"""Work in threads: few at once, and hosts take turns."""

import asyncio
import threading

import pytest
from raw import until

from dimse.net import workers as workers_module
from dimse.net.workers import Workers


async def test_a_function_runs_in_another_thread() -> None:
    assert await Workers().run("a", threading.get_ident) != threading.get_ident()


async def test_what_a_function_raises_is_raised() -> None:
    workers = Workers()
    with pytest.raises(ZeroDivisionError):
        await workers.run("a", lambda: 1 // 0)
    assert await workers.run("a", int, "7") == 7


async def test_two_work_at_once() -> None:
    workers, began, go_on = Workers(), list[str](), threading.Event()

    def work(name: str) -> None:
        began.append(name)
        go_on.wait(10)

    running = [asyncio.create_task(workers.run("a", work, name)) for name in ("a1", "a2", "a3")]
    await until(lambda: len(began) == 2)
    go_on.set()
    await asyncio.gather(*running)
    assert (sorted(began[:2]), began[2]) == (["a1", "a2"], "a3")


async def test_hosts_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers_module, "_MOST", 1)  # so that each begins when the one before has ended
    workers, began = Workers(), list[str]()
    await asyncio.gather(*(workers.run(name[0], began.append, name) for name in ("a1", "a2", "a3", "a4", "b1")))
    assert began == ["a1", "a2", "b1", "a3", "a4"]


async def test_work_that_is_cancelled_comes_to_its_end_first() -> None:
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


async def test_work_that_is_cancelled_while_it_waits_leaves_its_place() -> None:
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
