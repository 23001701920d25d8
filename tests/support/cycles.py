"""Cycles of references: objects that only Python's garbage collector frees, perhaps much later."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import dimse
import print_mgmt

_PACKAGES = [Path(path) for package in (dimse, print_mgmt) for path in package.__path__]


def _name(thing: object) -> str:
    """Return the function of a frame or the class of an object; nothing if they are not of the packages."""
    if isinstance(thing, FrameType):
        file = Path(thing.f_code.co_filename)
        return f"{file.stem}.{thing.f_code.co_name}" if any(file.is_relative_to(path) for path in _PACKAGES) else ""
    kind = type(thing)
    return kind.__qualname__ if kind.__module__.partition(".")[0] in {"dimse", "print_mgmt"} else ""


@contextmanager
def cycles_left() -> Iterator[set[str]]:
    """Yield a set, which receives the functions and classes in the cycles that the block has left."""
    found: set[str] = set()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
        found |= set(map(_name, gc.garbage)) - {""}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
