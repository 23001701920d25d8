"""Work that would hold up the event loop: it is done in threads, few at once, and hosts take turns.

A thread that computes in Python takes the interpreter's lock from the event loop again and again; so two work at once,
however many associations ask for it. The threads are those of the loop's default executor.
"""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from .fairness import RoundRobin

__all__ = ["Workers"]

P = ParamSpec("P")
T = TypeVar("T")

_MOST = 2  # threads at once


class Workers:
    """The threads of one server."""

    def __init__(self) -> None:
        self._free = _MOST
        self._waiting: RoundRobin[asyncio.Future[None]] = RoundRobin()

    async def run(self, host: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What ``function`` returns, called in a thread when the turn of ``host`` comes.

        Once begun it comes to its end even if nobody waits for it any more; only then this is cancelled.
        """
        await self._enter(host)
        working = asyncio.ensure_future(asyncio.to_thread(function, *args, **kwargs))
        working.add_done_callback(lambda _: self._leave())
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            await asyncio.wait([working])  # what it works on is forgotten next
            raise

    async def _enter(self, host: str) -> None:
        if self._free:
            self._free -= 1
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.put(host, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # it has a thread by now
                self._leave()
            raise

    def _leave(self) -> None:
        while self._waiting:
            waiter = self._waiting.take()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1
