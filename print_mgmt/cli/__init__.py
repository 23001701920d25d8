"""The ``print-mgmt`` command line."""

from collections.abc import Sequence

from dimse.interrupts import exit_on_interrupt

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status."""
    with exit_on_interrupt():
        from .commands import command  # here, so that Ctrl-C during the import is handled

        chosen = command(argv)
    return chosen()
