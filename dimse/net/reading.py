"""What is read at once from a connection, and into what.

What is read at once is dealt with at once. Images are, within a millisecond; a peer whose bytes take longer (PDVs of
one byte each, that is) is read in smaller pieces, so that the others get their turn.
"""

import asyncio
import sys
from weakref import WeakKeyDictionary

__all__ = ["Reading"]

_SCRATCH = 1 << 20  # bytes that are read at once: most PDUs then lie whole in what was read
_OWN_SCRATCH = 1 << 16  # ditto of an association with a scratch of its own
_TLS_READ = 1 << 17  # ditto with TLS, where each connection keeps a buffer of what it once read at most
_FIRST_READ, _LEAST_READ = 1 << 16, 1 << 12
_TURN = 0.005  # seconds

_scratches: WeakKeyDictionary[asyncio.AbstractEventLoop, memoryview] = WeakKeyDictionary()


def _scratch_of(loop: asyncio.AbstractEventLoop) -> memoryview:
    """The scratch of all associations of ``loop``, if it reads into a buffer right after it asked for it."""
    scratch = _scratches.get(loop)
    if scratch is not None:
        return scratch
    proactor = getattr(asyncio, "ProactorEventLoop", None) if sys.platform == "win32" else None
    if proactor is not None and isinstance(loop, proactor):
        return memoryview(bytearray(_OWN_SCRATCH))
    scratch = _scratches[loop] = memoryview(bytearray(_SCRATCH))
    return scratch


class Reading:
    """The scratch that one connection is read into, and as much of it as is read into at once: its ``buffer``."""

    __slots__ = ("_longest", "buffer", "scratch")

    LEAST = _LEAST_READ  # bytes: what is shorter changes nothing

    def __init__(self, loop: asyncio.AbstractEventLoop, *, is_tls: bool) -> None:
        self.scratch = _scratch_of(loop)
        self.buffer = self.scratch[:_FIRST_READ]
        self._longest = min(len(self.scratch), _TLS_READ if is_tls else _SCRATCH)

    def adapt(self, nbytes: int, seconds: float) -> bool:
        """Read more or less at once from now on, as ``nbytes`` took ``seconds``; whether that was in time."""
        length = len(self.buffer)
        if seconds > _TURN:
            self.buffer = self.scratch[: max(length // 4, _LEAST_READ)]
            return False
        if nbytes == length < self._longest:
            self.buffer = self.scratch[: 2 * length]
        return True
