"""The ``print-mgmt`` command line."""

from collections.abc import Sequence
from contextlib import nullcontext

from dimse.garbage import no_collection
from dimse.interrupts import exit_on_interrupt

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    is_process = argv is None  # if another program calls this function, its garbage collection stays as it is
    with exit_on_interrupt(), no_collection() if is_process else nullcontext():
        from .commands import command  # here, so that Ctrl-C during the import is handled

        chosen = command(argv)
    return chosen()
