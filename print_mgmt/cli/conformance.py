"""``print-mgmt conformance``: write the DICOM Conformance Statement of a printer."""

import argparse
import json
from functools import partial

from dimse.command_line import check_output
from dimse.files import write_whole

from ..config import PRESETS, load_config, preset
from ..conformance import conformance_statement
from ..conformance.claims import claims_of

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = "Write the DICOM Conformance Statement (PS3.2) of a printer, in Markdown."
    parser.epilog = "Example: print-mgmt conformance --preset kodak-8700 -o conformance.md"
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--preset",
        choices=list(PRESETS),
        default="generic",
        metavar="NAME",
        help=f"a ready-made configuration: {', '.join(PRESETS)} (default: %(default)s)",
    )
    which.add_argument("--config", metavar="FILE", help="the TOML file with the configuration of a printer")
    parser.add_argument(
        "--json", action="store_true", help="write the claims as JSON instead, for print-mgmt verify scp --claims"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="the file to write (default: the terminal)")
    parser.set_defaults(command=partial(_write, parser))


def _write(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    check_output(parser, arguments.output, filter(None, [arguments.config]))
    config = load_config(arguments.config) if arguments.config else preset(arguments.preset)
    installed = config.as_installed()
    if arguments.json:
        statement = json.dumps(claims_of(installed), indent=1) + "\n"
    else:
        statement = conformance_statement(installed)
    if arguments.output:
        write_whole(arguments.output, [statement.encode()])
    else:
        print(statement, end="")
    return 0
