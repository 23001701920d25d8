"""The ``dimse`` command line, which verifies and tests peers, shows files and explains recorded bytes."""

from collections.abc import Sequence
from contextlib import nullcontext

from ..garbage import no_collection
from ..interrupts import exit_on_interrupt

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    is_process = argv is None  # if another program calls this function, its garbage collection stays as it is
    with exit_on_interrupt(), no_collection() if is_process else nullcontext():
        from .commands import command  # not at the top, so that Ctrl-C during the import ends the process silently

        chosen = command(argv)
    return chosen()
