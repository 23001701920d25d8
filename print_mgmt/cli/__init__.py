"""The ``print-mgmt`` command line. A command is a module of its name, imported when it is chosen."""

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module

from dimse.terminal import EXIT_STATUS, Parser, run

from .options import with_color

__all__ = ["main"]

_COMMANDS = {
    "serve": "be a printer whose films become files",
    "print": "print images",
    "pattern": "write a test pattern as a file",
    "status": "show the state of a printer",
    "conformance": "write the conformance statement of a printer",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    description = "DICOM Print Management: be a printer, print on one, ask for its state."
    parser = Parser(prog="print-mgmt", description=description, epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary in _COMMANDS.items():
        commands.add_parser(name, help=summary).fill = partial(_add_options, name)
    return run(parser, with_color(sys.argv[1:] if argv is None else argv))


def _add_options(command: str, parser: Parser) -> None:
    import_module(f".{command}", __package__).add(parser)
