"""The end of background tasks, in the spool and in the site above it."""

import asyncio
from typing import Any

__all__ = ["cancel_tasks"]


async def cancel_tasks(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks, and wait until they have ended. Their results and exceptions are ignored."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
