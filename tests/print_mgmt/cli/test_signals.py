"""The signals of a server."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

import pytest

from print_mgmt.cli.signals import handle_signals, restore_signals, start_unless_stopped

if sys.platform == "win32":
    pytest.skip("Windows has no SIGHUP", allow_module_level=True)


@contextmanager
def signals_restored() -> Iterator[None]:
    """Restore the signals after the block."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        restore_signals()
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            asyncio.get_running_loop().remove_signal_handler(number)
        signal.signal(signal.SIGINT, before)


async def test_reloads_run_one_after_the_other() -> None:
    """Otherwise the version of the file that was read first might be applied last."""
    loop, steps, begun, go_on, ended = asyncio.get_running_loop(), list[str](), *(asyncio.Event() for _ in range(3))

    async def reload() -> None:
        steps.append("begin")
        begun.set()
        await go_on.wait()
        await asyncio.sleep(0)
        steps.append("end")
        if len(steps) == 4:
            ended.set()

    with signals_restored():
        handle_signals(retry=reload, reload=reload)
        loop.add_signal_handler(signal.SIGUSR2, go_on.set)
        os.kill(os.getpid(), signal.SIGHUP)
        await begun.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGUSR2)
        await ended.wait()
    assert steps == ["begin", "end"] * 2


async def test_signal_to_stop_cancels_the_start() -> None:
    steps: list[str] = []

    async def unused() -> None:
        raise AssertionError

    @asynccontextmanager
    async def server() -> AsyncIterator[None]:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
            yield
        finally:
            steps.append("cleaned up")

    with signals_restored():
        stop = handle_signals(retry=unused)
        async with AsyncExitStack() as stack:
            assert not await start_unless_stopped(stack, server(), stop)
    assert steps == ["cleaned up"]


async def test_retry_waits_for_the_start() -> None:
    steps, started, retried = list[str](), asyncio.Event(), asyncio.Event()

    async def retry() -> None:
        steps.append("retry")
        retried.set()

    @asynccontextmanager
    async def server() -> AsyncIterator[None]:
        os.kill(os.getpid(), signal.SIGUSR1)
        seen = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, seen.set)
        os.kill(os.getpid(), signal.SIGUSR2)  # handled after SIGUSR1
        await seen.wait()
        steps.append("start")
        yield

    with signals_restored():
        stop = handle_signals(retry=retry, started=started)
        async with AsyncExitStack() as stack:
            assert await start_unless_stopped(stack, server(), stop)
            started.set()
            await retried.wait()
    assert steps == ["start", "retry"]
