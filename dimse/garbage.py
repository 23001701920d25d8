"""Garbage collection during the start of a command."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collection"]


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect no garbage during the block, and never look at the objects that exist at its end.

    Imports make a hundred thousand objects that live until the process ends. Collections would go through them again
    and again: without these, `print-mgmt explain` of a film takes 290 instead of 340 ms.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
