"""How often an association is opened again, and after which pauses."""

import asyncio
import logging

__all__ = ["Retries"]

_log = logging.getLogger("print_mgmt.scu")

_PAUSE = 1.0  # seconds before an association is opened again; twice as long before the next one


class Retries:
    """``left`` is how many there are."""

    def __init__(self, left: int) -> None:
        self.left = left
        self._pause = _PAUSE

    async def pause(self, reason: object) -> None:
        """Wait before the next one; ``reason`` is told in the log."""
        _log.info("%s: trying again in %g s", reason, self._pause)
        self.left -= 1
        await asyncio.sleep(self._pause)
        self._pause *= 2
