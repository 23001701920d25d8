"""The ``dimse`` command line: verify a peer, show a file, explain recorded bytes.

The module of a command is imported when the command is chosen.
"""

from collections.abc import Sequence

from ..terminal import EXIT_STATUS, Parser, run

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    about = "Verify DICOM peers, show DICOM files, explain recorded associations."
    parser = Parser(prog="dimse", description=about, epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("echo", help="verify a peer (C-ECHO)").fill = _echo
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
