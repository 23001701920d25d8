"""The ``dimse`` command line: verify a peer, show a file, explain recorded bytes."""

from collections.abc import Sequence

from ..interrupts import exit_on_interrupt

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    with exit_on_interrupt():
        from .commands import command  # only now, so that Ctrl-C cannot interrupt the import

        chosen = command(argv)
    return chosen()
