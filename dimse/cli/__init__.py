"""The ``dimse`` command line: is a peer there, what is in a file, what do recorded bytes say."""

from collections.abc import Sequence

from ..terminal import EXIT_STATUS, Parser, run
from . import dump, echo, explain

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = Parser(prog="dimse", description="Talk to DICOM peers and look into DICOM files.", epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    echo.add(commands.add_parser("echo", help="ask a peer for an echo (C-ECHO)"))
    dump.add(commands.add_parser("dump", help="show a DICOM file as text"))
    explain.add(commands.add_parser("explain", help="explain recorded PDUs byte by byte"))
    return run(parser, argv)
