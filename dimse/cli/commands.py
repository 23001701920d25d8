"""The commands of ``dimse``. Each command is a module of the same name, which is imported when the command is
chosen."""

from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module

from ..command_line import EXIT_STATUS, Parser, parse

__all__ = ["command"]

_COMMANDS = {
    "echo": "verify a peer (C-ECHO)",
    "dump": "show a DICOM file as text",
    "explain": "explain recorded PDUs byte by byte",
    "tap": "forward the traffic between two programs, and explain it",
    "lab": "send any PDU to a peer from a prompt, and explain the answer",
    "verify": "test a peer against the standard, case by case (for C-ECHO, see echo)",
}


def command(argv: Sequence[str] | None) -> Callable[[], int]:
    """Parse ``argv`` and return the chosen command, a function that returns the exit status."""
    about = "Verify, test and observe DICOM peers; show DICOM files; explain recorded associations."
    parser = Parser(prog="dimse", description=about, epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, summary in _COMMANDS.items():
        commands.add_parser(name, help=summary).fill = partial(_add_options, name)
    return parse(parser, argv)


def _add_options(name: str, parser: Parser) -> None:
    import_module(f".{name}", __package__).add(parser)
