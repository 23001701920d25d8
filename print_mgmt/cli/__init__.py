"""The ``print-mgmt`` command line: be a printer, print on one, ask one how it is, make test patterns.

A command is imported when it is chosen.
"""

import sys
from collections.abc import Sequence

from dimse.terminal import EXIT_STATUS, Parser, run

from .picturing import with_color

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    description = "DICOM Print Management: be a printer, print on one, ask one how it is."
    parser = Parser(prog="print-mgmt", description=description, epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("serve", help="be a printer whose films become files").fill = _serve
    commands.add_parser("print", help="print images").fill = _print
    commands.add_parser("pattern", help="write a test pattern as a file").fill = _pattern
    commands.add_parser("status", help="ask a printer how it is").fill = _status
    commands.add_parser("conformance", help="write the conformance statement of a printer").fill = _conformance
    return run(parser, with_color(sys.argv[1:] if argv is None else argv))


def _serve(parser: Parser) -> None:
    from . import serving

    serving.add(parser)


def _print(parser: Parser) -> None:
    from . import printing

    printing.add(parser)


def _pattern(parser: Parser) -> None:
    from . import pattern

    pattern.add(parser)


def _status(parser: Parser) -> None:
    from . import status

    status.add(parser)


def _conformance(parser: Parser) -> None:
    from . import conformance

    conformance.add(parser)
