"""A fixture of this folder."""

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest


@pytest.fixture
async def go_on() -> AsyncIterator[threading.Event]:
    """Keep the only thread of asyncio busy until the event is set, at the latest at the end of the test."""
    event, loop = threading.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    busy = loop.run_in_executor(None, event.wait, 60)
    yield event
    event.set()
    await busy
