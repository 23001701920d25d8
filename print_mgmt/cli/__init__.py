"""The ``print-mgmt`` command line."""

from collections.abc import Sequence
from contextlib import nullcontext

from dimse.garbage import no_collection
from dimse.interrupts import exit_on_interrupt

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    is_process = argv is None  # not a call from a program, whose garbage is its own
    with exit_on_interrupt(), no_collection() if is_process else nullcontext():
        from .commands import command  # here, so that Ctrl-C during the import is handled

        chosen = command(argv)
    return chosen()
