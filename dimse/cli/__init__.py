"""The ``dimse`` command line, which verifies peers, shows files and explains recorded bytes."""

from collections.abc import Sequence

from ..interrupts import exit_on_interrupt

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    with exit_on_interrupt():
        from .commands import command  # not at the top, so that Ctrl-C during the import ends the process silently

        chosen = command(argv)
    return chosen()
