"""Calls that may never return have threads of their own."""

import asyncio
import errno
import gc
import threading

import pytest

from dimse.net.own_thread import in_own_thread, on_own_loop


async def test_call_needs_no_thread_of_asyncio(go_on: threading.Event) -> None:
    assert await in_own_thread(int, "7", base=8) == 7
    assert not go_on.is_set()


async def test_process_waits_for_no_call_at_its_end() -> None:
    assert await in_own_thread(lambda: threading.current_thread().daemon)


async def test_error_of_a_call_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await in_own_thread(lambda: 1 // 0)


async def test_canceled_call_is_not_awaited() -> None:
    logged, may_end, has_ended = list[object](), threading.Event(), threading.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: logged.append(context))

    def fail() -> None:
        may_end.wait(60)
        has_ended.set()
        raise ValueError

    calling = asyncio.create_task(in_own_thread(fail))
    await asyncio.sleep(0)
    calling.cancel()
    await asyncio.wait({calling})
    assert not has_ended.is_set()
    may_end.set()
    await in_own_thread(has_ended.wait, 60)
    gc.collect()
    assert logged == []


async def test_lack_of_threads_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    for call in (in_own_thread(int), on_own_loop(lambda: asyncio.sleep(0))):
        with pytest.raises(OSError, match="can't start new thread") as raised:
            await call
        assert raised.value.errno == errno.EAGAIN


async def test_coroutine_runs_on_another_loop() -> None:
    async def work() -> tuple[bool, int]:
        return asyncio.get_running_loop() is not here, threading.get_ident()

    here = asyncio.get_running_loop()
    is_other, thread = await on_own_loop(work)
    assert is_other
    assert thread != threading.get_ident()


async def test_error_of_a_coroutine_is_raised() -> None:
    async def work() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await on_own_loop(work)


async def test_canceled_coroutine_ends_on_its_loop() -> None:
    has_begun, has_ended = threading.Event(), threading.Event()

    async def work() -> None:
        has_begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            has_ended.set()

    running = asyncio.create_task(on_own_loop(work))
    assert await in_own_thread(has_begun.wait, 60)
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert await in_own_thread(has_ended.wait, 60)
