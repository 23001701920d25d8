"""The ``dimse`` command line: is a peer there, what is in a file, what do recorded bytes say.

A command is imported when it is chosen.
"""

from collections.abc import Sequence

from ..terminal import EXIT_STATUS, Parser, run

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = Parser(prog="dimse", description="Talk to DICOM peers and look into DICOM files.", epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("echo", help="ask a peer for an echo (C-ECHO)").fill = _echo
    commands.add_parser("dump", help="show a DICOM file as text").fill = _dump
    commands.add_parser("explain", help="explain recorded PDUs byte by byte").fill = _explain
    return run(parser, argv)


def _echo(parser: Parser) -> None:
    from . import echo

    echo.add(parser)


def _dump(parser: Parser) -> None:
    from . import dump

    dump.add(parser)


def _explain(parser: Parser) -> None:
    from . import explain

    explain.add(parser)
