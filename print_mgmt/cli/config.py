"""``print-mgmt config``: check the configuration file of a site, and the condition of its destinations."""

import argparse
import asyncio
import json

from dimse.errors import escaped
from dimse.terminal import cancel_on_sigterm, run_loop

from ..site import SiteConfig, SiteErrors, load_site
from .options import report_errors

__all__ = ["add"]

_EXAMPLES = """examples:
  print-mgmt config check site.toml
  print-mgmt config check site.toml --ask      also check the condition of each destination

Exit status: 0 if the file is valid, 1 if it cannot be opened or a destination is in FAILURE, 2 if it has errors, which
are shown one per line.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = (
        "Check the configuration file of a site: its printers, destinations, routes, identification and spool."
    )
    parser.epilog = _EXAMPLES
    parser.add_argument("action", choices=("check",), metavar="check", help="read the file, and show all its errors")
    parser.add_argument("file", metavar="FILE.toml", help="the file; see docs/site.md")
    parser.add_argument("--ask", action="store_true", help="also ask each destination whether it can accept films")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=_check)


def _check(arguments: argparse.Namespace) -> int:
    try:
        site = load_site(arguments.file)
    except SiteErrors as exc:
        if arguments.json:
            print(json.dumps({"errors": exc.lines}))
        return report_errors(exc.lines)
    status = run_loop(cancel_on_sigterm(_show_conditions(site, as_json=arguments.json))) if arguments.ask else 0
    if not arguments.json:
        rows = {"printer": site.printers, "destination": site.destinations, "route": site.routes}
        counts = ", ".join(f"{len(row)} {noun}{'' if len(row) == 1 else 's'}" for noun, row in rows.items())
        print(escaped(f"{arguments.file}: {counts}"))
    elif not arguments.ask:
        print(json.dumps({"errors": []}))
    return status


async def _show_conditions(site: SiteConfig, *, as_json: bool) -> int:
    """Show the conditions of all destinations; return 1 if at least one is in FAILURE."""
    names = list(site.destinations)
    conditions = await asyncio.gather(*(site.destinations[name].destination.check() for name in names))
    if as_json:
        states = {
            name: {
                "PrinterStatus": state.PrinterStatus,
                "PrinterStatusInfo": state.PrinterStatusInfo,
                "reason": state.reason,
            }
            for name, state in zip(names, conditions, strict=True)
        }
        print(json.dumps({"errors": [], "destinations": states}))
    else:
        for name, state in zip(names, conditions, strict=True):
            print(escaped(f"{name}: {state.PrinterStatus} {state.reason}".rstrip()))
    return int(any(state.PrinterStatus == "FAILURE" for state in conditions))
