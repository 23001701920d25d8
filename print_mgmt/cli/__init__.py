"""The ``print-mgmt`` command line."""

from collections.abc import Sequence

from dimse.interrupts import exit_on_interrupt

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    with exit_on_interrupt():
        from .commands import command  # only now, so that Ctrl-C cannot interrupt the import

        chosen = command(argv)
    return chosen()
