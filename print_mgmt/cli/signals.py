"""The signals of a server: SIGINT and SIGTERM stop it, SIGHUP stops it or reloads its file, SIGUSR1 retries films."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from dimse.terminal import on_signal, reset_signal

__all__ = ["Action", "handle_signals", "restore_signals", "start_unless_stopped"]

Action = Callable[[], Awaitable[None]]


def handle_signals(
    *, retry: Action, reload: Action | None = None, started: asyncio.Event | None = None
) -> asyncio.Event:
    """Handle the signals of a server. Return an event that is set by a signal that stops it.

    SIGINT and SIGTERM stop it. SIGHUP calls ``reload``, or stops the server if that is None. SIGUSR1 calls ``retry``.
    The calls wait until ``started`` is set, if it is given. They run one after the other, so the last SIGHUP decides
    which version of a file is in use.
    """
    stop = asyncio.Event()
    acting: set[asyncio.Future[None]] = set()
    turn = asyncio.Lock()

    async def act_in_turn(action: Action) -> None:
        async with turn:
            if started is not None:
                await started.wait()
            await action()

    def act(action: Action) -> None:
        task = asyncio.ensure_future(act_in_turn(action))
        acting.add(task)
        task.add_done_callback(acting.discard)

    for number in _stop_numbers():  # on Windows, Ctrl-C raises KeyboardInterrupt instead
        on_signal(number, stop.set)
    if hasattr(signal, "SIGHUP") and reload is not None:
        on_signal(signal.SIGHUP, act, reload)
    if hasattr(signal, "SIGUSR1"):
        on_signal(signal.SIGUSR1, act, retry)
    return stop


async def start_unless_stopped(
    stack: AsyncExitStack, server: AbstractAsyncContextManager[object], stop: asyncio.Event
) -> bool:
    """Start a server, which ``stack`` will end, and return True.

    If ``stop`` is set before the server has started, cancel the start, and return False.
    """
    starting = asyncio.ensure_future(stack.enter_async_context(server))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not starting.done():
            restore_signals()
            starting.cancel()
            await asyncio.wait((starting,))
    if starting.cancelled():
        return False
    starting.result()
    return True


def restore_signals() -> None:
    """Let a second SIGINT, SIGTERM or SIGHUP end the process at once."""
    for number in _stop_numbers():
        reset_signal(number)


def _stop_numbers() -> Iterator[signal.Signals]:
    """Yield the signals that stop the printer. SIGHUP, sent when a terminal is closed, is ignored under ``nohup``."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        yield signal.SIGHUP
