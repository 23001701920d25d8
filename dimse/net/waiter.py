"""The waiting of an invoker: for a place in the window of operations, and for a response.

asyncio wakes a task in the next iteration of the event loop. A `Waiter` wakes its task at the end of the iteration that
read the response. This saves two of the five system calls of the requestor of a C-ECHO (on Python 3.11) and, together
with `Window`, 8 % of the requestor's processor time (alternating runs, minima and lower quartiles).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any

__all__ = ["Waiter", "Window"]


class Waiter:
    """A future that one task awaits, once.

    It has the methods of `asyncio.Future` that a task uses. ``wake`` must be called in a callback of the event loop,
    when no object is in the middle of a change, because the task goes on before ``wake`` returns.
    """

    __slots__ = ("_asyncio_future_blocking", "_callback", "_context", "_errors", "_loop", "is_done")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False  # a task recognizes a future by this attribute
        self._loop = loop
        self._callback: Callable[[Any], object] | None = None  # wakes the waiting task
        self._context: Context | None = None
        # One error that is still to be raised: if it were kept, it would be in a cycle with this object
        self._errors: list[BaseException] | None = None
        self.is_done = False  # whether the wait has ended, even if the task does not run yet

    def __await__(self) -> Generator["Waiter", None, None]:
        if not self.is_done:
            self._asyncio_future_blocking = True
            yield self
        elif self._errors:
            raise self._errors.pop()

    def finish(self) -> None:
        """Mark the wait as ended. Call `wake` or `wake_soon` afterwards, which let the task go on."""
        self.is_done = True

    def fail(self, error: BaseException) -> None:
        """Raise ``error`` in the task, in the next iteration of the event loop."""
        self.is_done = True
        self._errors = [error]
        self.wake_soon()

    def wake(self) -> None:
        """End the wait, and let the task go on now; or soon, if another task is running."""
        self.is_done = True
        if self._callback is None:
            return
        if self._context is None or asyncio.current_task(self._loop) is not None:  # one task at a time
            self.wake_soon()
        else:
            callback, self._callback = self._callback, None
            self._context.run(callback, self)

    def wake_soon(self) -> None:
        """End the wait, and let the task go on in the next iteration of the event loop."""
        self.is_done = True
        if self._callback is not None:
            callback, self._callback = self._callback, None
            self._loop.call_soon(callback, self, context=self._context)

    # --- methods for the task ---

    def add_done_callback(self, callback: Callable[[Any], object], *, context: Context | None = None) -> None:
        self._callback = callback
        self._context = context

    def result(self) -> None:
        if self._errors:
            raise self._errors.pop()

    def cancel(self, msg: object = None) -> bool:
        if self.is_done:
            return False
        self.fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True


class Window:
    """A number of places. The tasks that `wait` for a place get one in the order in which they began to wait.

    An outstanding operation takes a place (PS3.7 D.3.3.3). In a window of one place, so does the sending of a long
    message. With `asyncio.Semaphore`, an operation would need seven more Python calls; with `asyncio.Lock`, a message
    three.
    """

    __slots__ = ("_waiting", "free")

    def __init__(self, places: int) -> None:
        self.free = places  # the number of places that can be taken without waiting
        self._waiting: deque[asyncio.Future[None]] | None = None  # nearly never needed

    def enter(self) -> bool:
        """Take a place. Return False if none is free; the caller must then `wait`."""
        if not self.free:
            return False
        self.free -= 1
        return True

    async def wait(self) -> None:
        """Wait for a place, and take it."""
        waiter = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled():  # a place has been assigned
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the first task that waits, if any."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self.free += 1
