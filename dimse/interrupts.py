"""Ctrl-C while a command is starting.

Python raises KeyboardInterrupt wherever it is, also within an import. The traceback of that says nothing to a user, and
some of these errors are printed and lost. Nothing is open yet, so the process may simply end.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["INTERRUPTED", "exit_on_interrupt"]

INTERRUPTED = 128 + signal.SIGINT  # the exit status that shells give to a process that Ctrl-C ends


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """Let SIGINT end the process silently until the end of the block, unless it is ignored or handled already."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    try:
        if is_ours:
            signal.signal(signal.SIGINT, _exit)
    except ValueError:  # only the main thread may do that
        is_ours = False
    try:
        yield
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit(*_: object) -> None:
    os._exit(INTERRUPTED)
