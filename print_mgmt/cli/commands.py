"""The commands of ``print-mgmt``. Each command is a module with the same name, which is imported when it is used."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module

from dimse.command_line import EXIT_STATUS, Parser, parse

__all__ = ["COLORS", "command"]

COLORS = ("auto", "yes", "no")

_COMMANDS = {
    "serve": "act as a printer that writes films to files",
    "print": "print images",
    "pattern": "write a test pattern as a file",
    "status": "show the status of a printer",
    "explain": "explain a recorded association, with its films",
    "tap": "forward the traffic between two programs, and explain it",
    "lab": "send any PDU to a printer from a prompt, and explain the answer",
    "conformance": "write the conformance statement of a printer",
    "verify": "test a printer or a print client against the standard, case by case",
    "config": "check the configuration of a site",
    "route": "show where a film would go, and why",
    "work": "deliver the films of a site, and accept none",
    "spool": "manage the films in a spool",
}


def command(argv: Sequence[str] | None) -> Callable[[], int]:
    """Parse ``argv``, and return a function that runs the command and returns its exit status."""
    description = "DICOM Print Management: act as a printer, print on a printer, or show its status."
    parser = Parser(prog="print-mgmt", description=description, epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary in _COMMANDS.items():
        commands.add_parser(name, help=summary).fill = partial(_add_options, name)
    return parse(parser, _join_color_values(sys.argv[1:] if argv is None else argv))


def _add_options(name: str, parser: Parser) -> None:
    import_module(f".{name}", __package__).add(parser)


def _join_color_values(words: Sequence[str]) -> list[str]:
    """Join each ``--color`` with its value: the next word if it is a value, otherwise "yes"."""
    joined = list(words)
    end = joined.index("--") if "--" in joined else len(joined)
    for position in reversed(range(end)):
        if joined[position] == "--color":
            follows = joined[position + 1] in COLORS if position + 1 < end else False
            joined[position : position + 1 + follows] = [f"--color={joined[position + 1] if follows else 'yes'}"]
    return joined
