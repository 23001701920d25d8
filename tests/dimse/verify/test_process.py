"""Programs that the tester starts, and their ends."""

import asyncio
import signal
import sys

import pytest

from dimse.verify.process import end_group

IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
)


async def test_canceled_end_kills_the_program() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IGNORES_SIGTERM, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    await process.stdout.readline()
    ending = asyncio.ensure_future(end_group(process))
    await asyncio.sleep(0)  # it has begun
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    async with asyncio.timeout(60):
        assert await process.wait() == -signal.SIGKILL
