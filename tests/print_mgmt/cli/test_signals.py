"""The signals of a server."""

import asyncio
import os
import signal
import sys

import pytest

from print_mgmt.cli.signals import handle_signals, restore_signals

if sys.platform == "win32":
    pytest.skip("Windows has no SIGHUP", allow_module_level=True)


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

    before = signal.getsignal(signal.SIGINT)
    handle_signals(retry=reload, reload=reload)
    loop.add_signal_handler(signal.SIGUSR2, go_on.set)
    try:
        os.kill(os.getpid(), signal.SIGHUP)
        await begun.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGUSR2)
        await ended.wait()
    finally:
        restore_signals()
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            loop.remove_signal_handler(number)
        signal.signal(signal.SIGINT, before)
    assert steps == ["begin", "end"] * 2
