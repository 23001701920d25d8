"""Handling of Ctrl-C while a command is starting.

On Ctrl-C, Python raises KeyboardInterrupt at any point, even within an import. Its traceback is useless to a user, and
at some points Python only prints the error and goes on. Nothing is open yet, so the process may simply end.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["INTERRUPTED", "exit_on_interrupt"]

INTERRUPTED = 128 + signal.SIGINT  # the exit status that shells report for a process that Ctrl-C ended


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """Let SIGINT end the process silently during the block, unless SIGINT is already ignored or handled."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    try:
        if is_ours:
            signal.signal(signal.SIGINT, _exit)
    except ValueError:  # only the main thread may set a signal handler
        is_ours = False
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit(*_: object) -> None:
    os._exit(INTERRUPTED)
