"""The ``print-mgmt`` command line: be a printer, print on one, ask one how it is, make test patterns."""

import sys
from collections.abc import Sequence

from dimse.terminal import EXIT_STATUS, Parser, run

from . import conformance, pattern, printing, serving, status
from .picturing import with_color

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    description = "DICOM Print Management: be a printer, print on one, ask one how it is."
    parser = Parser(prog="print-mgmt", description=description, epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serving.add(commands.add_parser("serve", help="be a printer whose films become files"))
    printing.add(commands.add_parser("print", help="print images"))
    pattern.add(commands.add_parser("pattern", help="write a test pattern as a file"))
    status.add(commands.add_parser("status", help="ask a printer how it is"))
    conformance.add(commands.add_parser("conformance", help="write the conformance statement of a printer"))
    return run(parser, with_color(sys.argv[1:] if argv is None else argv))
