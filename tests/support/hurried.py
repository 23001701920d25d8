"""An event loop whose clock jumps over every wait, so that both ends of a connection can wait for hours in a test.

Both ends must run in this loop. While a socket or a callback is ready, only real time passes. If nothing is ready, the
clock jumps to the next timer.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["run_hurried"]

T = TypeVar("T")

_SETTLE = 0.001  # real seconds for the octets of one end to reach the other


class _Hurried(selectors.DefaultSelector):
    """A selector that does not wait for timers: it counts the seconds left out in ``jumped``."""

    jumped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        ready = super().select(_SETTLE if timeout is None else min(timeout, _SETTLE))
        if not ready and timeout is None:
            return super().select(None)
        if not ready and timeout is not None:
            self.jumped += max(timeout - _SETTLE, 0)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._hurried = _Hurried()
        super().__init__(self._hurried)

    def time(self) -> float:
        return super().time() + self._hurried.jumped


def run_hurried(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` to its end in a loop whose clock jumps; return its result."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)
