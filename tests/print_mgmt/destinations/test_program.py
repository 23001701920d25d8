"""Programs that are run with input."""

import asyncio
import sys
from typing import Any

import pytest

from print_mgmt.destinations.program import run_program

pytestmark = pytest.mark.all_loops


class SlowLoop:
    """An event loop on a busy machine: a program ends before it gets its input."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def subprocess_exec(self, *arguments: Any, **options: Any) -> Any:
        _, output = started = await self._loop.subprocess_exec(*arguments, **options)
        await output.exited.wait()
        for _ in range(10):  # turns in which the loop closes the pipe
            await asyncio.sleep(0)
        return started


async def test_program_may_end_without_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = SlowLoop(asyncio.get_running_loop())
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: loop)
    result = await run_program((sys.executable, "-c", "raise SystemExit(3)"), seconds=60, stdin=b"x")
    assert (result.status, result.timed_out) == (3, False)


async def test_program_gets_its_input() -> None:
    copy = "import sys; sys.stdout.write(sys.stdin.read())"
    result = await run_program((sys.executable, "-c", copy), seconds=60, stdin=b"input")
    assert result.out == b"input"
