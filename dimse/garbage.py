"""Control of garbage collection during the start of a command."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_collection"]


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect no garbage during the block, and exclude all objects that exist at its end from later collections.

    Imports make some 80,000 objects that live until the process ends, and each collection would search them.
    Without these collections, `print-mgmt explain` of a film takes 290 ms instead of 340 ms.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
