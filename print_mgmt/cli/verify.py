"""``print-mgmt verify``: test a printer or a print client against the standard, with all cases of ``dimse verify``."""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from dimse.cli.verify import add_cases, add_diff, add_matrix, add_scp, is_loopback, judge_scp
from dimse.cli.verify_grid import add_grid
from dimse.cli.verify_scu import add_scu
from dimse.command_line import Parser
from dimse.terminal import positive, seconds
from dimse.verify import CASES, Role
from dimse.verify.grid_builtin import SCRIPTS
from dimse.verify.process import split_words
from dimse.verify.scu import SCU_CASES

from ..verify import PRINT_CASES, Claims, PrintOptions, load_claims
from ..verify.grid_scripts import PRINT_SCRIPTS
from ..verify.scu import PRINT_SCU_CASES, PlainPrinter, instruction_for
from .options import argument_type

__all__ = ["add"]

_CASES = (*CASES, *PRINT_CASES)
_SCU_CASES = (*SCU_CASES, *PRINT_SCU_CASES)
_ALL_CASES = (*_CASES, *(case for case in _SCU_CASES if case.role is Role.SCU))
_WARNING = (
    "print-mgmt verify: this sends wrong requests on purpose. Do not run it against a printer in clinical use. "
    "Films are printed only with --max-films N"
)


def add(parser: Parser) -> None:
    """Add the subcommands of the command to ``parser``."""
    parser.description = "Test a printer or a print client against the standard, case by case."
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("scp", help="test a printer").fill = _add_scp
    commands.add_parser("scu", help="test a print client").fill = _add_scu
    listing = commands.add_parser("cases", help="list the cases")
    listing.fill = lambda chosen: add_cases(chosen, _ALL_CASES)
    grid = commands.add_parser("grid", help="send one script to several printers, and compare their answers")
    grid.fill = lambda chosen: add_grid(chosen, {**PRINT_SCRIPTS, **SCRIPTS}, "film")
    commands.add_parser("diff", help="show the changes between two reports").fill = add_diff
    commands.add_parser("matrix", help="write a page with a column for each report").fill = add_matrix


def _add_scu(parser: Parser) -> None:
    add_scu(parser, _SCU_CASES, PlainPrinter, instruction_for, _scu_options)
    parser.add_argument(
        "--claims",
        type=argument_type(_load_claims),
        metavar="FILE",
        help="claims of the client in TOML or JSON; only tls_profile is judged",
    )


def _scu_options(arguments: argparse.Namespace, **fields: Any) -> PrintOptions:
    return PrintOptions(**fields, claims=arguments.claims)


def _add_scp(parser: Parser) -> None:
    add_scp(parser, _CASES)
    parser.description = "Run the cases for a printer. No film is printed without --max-films."
    group = parser.add_argument_group("print")
    films = group.add_mutually_exclusive_group()
    films.add_argument(
        "--max-films",
        type=positive,
        default=0,
        metavar="N",
        help="highest number of films to print (default: 0)",
    )
    films.add_argument("--no-film", action="store_true", help="send no N-ACTION, even where it would print nothing")
    group.add_argument(
        "--claims",
        type=argument_type(_load_claims),
        metavar="FILE",
        help="claims of the printer about its features, in TOML or JSON",
    )
    group.add_argument(
        "--format",
        default="",
        metavar="FORMAT",
        help=r"Image Display Format that the printer supports, if it does not support STANDARD\1,1",
    )
    group.add_argument(
        "--annotation-format", default="", metavar="ID", help="Annotation Display Format ID that the printer supports"
    )
    group.add_argument(
        "--event-command",
        type=argument_type(partial(split_words, "the command")),
        default=(),
        metavar="COMMAND",
        help="command that changes the state of the printer; `warning` or `normal` is appended as its last argument",
    )
    group.add_argument(
        "--patience", type=seconds, default=10.0, metavar="SECONDS", help="time to wait for an event (default: 10)"
    )
    parser.set_defaults(command=lambda arguments: _judge(parser, arguments))


def _judge(parser: Parser, arguments: argparse.Namespace) -> int:
    if not arguments.dryrun and not is_loopback(arguments.peer.host):
        print(_WARNING, file=sys.stderr)
    return judge_scp(parser, arguments, _CASES, _options)


def _options(arguments: argparse.Namespace, **fields: Any) -> PrintOptions:
    """Return the options of a run that includes cases for print."""
    return PrintOptions(
        **fields,
        max_films=arguments.max_films,
        no_film=arguments.no_film,
        claims=arguments.claims,
        display_format=arguments.format,
        annotation_format=arguments.annotation_format,
        event_command=tuple(arguments.event_command),
        patience=arguments.patience,
    )


def _load_claims(text: str) -> Claims:
    return load_claims(Path(text))
