"""Many moments and one timer: for what is given a time, thousands of times a second, and as a rule does not need it.

To arm a timer of asyncio for each response, and to cancel it, costs more than all else that is done for the response.
Here it is an entry in a dict that comes and goes; the timer looks into it when the earliest moment may have come.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

__all__ = ["Alarms"]


class Alarms:
    """The alarms of one association."""

    __slots__ = ("_is_closed", "_last", "_loop", "_set", "_timer", "_when")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._set: dict[int, tuple[float, Callable[[], None]]] = {}
        self._last = 0
        self._timer: asyncio.TimerHandle | None = None
        self._when = 0.0  # the timer fires
        self._is_closed = False

    def set(self, seconds: float, ring: Callable[[], None]) -> int:
        """Call ``ring`` after so many seconds, unless what this returns is cleared before."""
        due = self._loop.time() + seconds
        self._last = key = self._last + 1
        self._set[key] = due, ring
        if self._timer is None or due < self._when:
            self._arm(due)
        return key

    def clear(self, key: int) -> None:
        """It is not needed; it may have rung."""
        self._set.pop(key, None)
        if self._is_closed and not self._set:
            self._disarm()

    def timeout(self, seconds: float) -> "_Timeout":
        """As `asyncio.timeout`: raises TimeoutError where what the block awaits takes longer."""
        return _Timeout(self, seconds)

    def close(self) -> None:
        """Leave no timer behind once the last alarm is cleared."""
        self._is_closed = True
        if not self._set:
            self._disarm()

    def _arm(self, when: float) -> None:
        self._disarm()
        self._when = when
        self._timer = self._loop.call_at(when, self._look)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        for key, (due, ring) in list(self._set.items()):
            if due <= now and key in self._set:  # one alarm may have cleared another
                del self._set[key]
                ring()
        if self._set:  # be there a timer again, for what was set meanwhile, or not
            self._arm(min(due for due, _ in self._set.values()))


class _Timeout:
    """See `Alarms.timeout`."""

    __slots__ = ("_alarms", "_cancelling", "_has_rung", "_key", "_seconds", "_task")

    def __init__(self, alarms: Alarms, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._alarms = alarms
        self._seconds = seconds
        self._task = task
        self._has_rung = False

    def __enter__(self) -> None:
        self._cancelling = self._task.cancelling()
        self._key = self._alarms.set(self._seconds, self._ring)

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        self._alarms.clear(self._key)
        if self._has_rung and isinstance(exc, asyncio.CancelledError) and self._task.uncancel() <= self._cancelling:
            raise TimeoutError from exc

    def _ring(self) -> None:
        self._has_rung = True
        self._task.cancel()
