"""``print-mgmt config``: check the file of a site, and ask its destinations whether they can be reached."""

import argparse
import asyncio
import json
import sys

from dimse.errors import escaped
from dimse.terminal import until_terminated

from ..site import SiteConfig, SiteErrors, load_site

__all__ = ["add"]

_EXAMPLES = """examples:
  print-mgmt config check site.toml
  print-mgmt config check site.toml --ask      also ask each destination for its state

Exit status: 0 the file is right, 1 it cannot be read, or a destination has failed, 2 it has faults, one line each.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
    parser.description = "Check the file of a site: printers, destinations, routes, identification, spool."
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", choices=("check",), help="check: read the file, and name each fault")
    parser.add_argument("file", metavar="FILE.toml", help="the file; see docs/site.md")
    parser.add_argument("--ask", action="store_true", help="also ask each destination whether it can take films")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=_check)


def _check(arguments: argparse.Namespace) -> int:
    try:
        site = load_site(arguments.file)
    except SiteErrors as exc:
        if arguments.json:
            print(json.dumps({"errors": exc.lines}))
        for line in exc.lines:
            print(f"print-mgmt: {line}", file=sys.stderr)
        return 2
    conditions = asyncio.run(until_terminated(_asked(site, as_json=arguments.json))) if arguments.ask else 0
    if not arguments.json:
        rows = {"printer": site.printers, "destination": site.destinations, "route": site.routes}
        counts = ", ".join(f"{len(found)} {what}{'' if len(found) == 1 else 's'}" for what, found in rows.items())
        print(escaped(f"{arguments.file}: {counts}"))
    elif not arguments.ask:
        print(json.dumps({"errors": []}))
    return conditions


async def _asked(site: SiteConfig, *, as_json: bool) -> int:
    """Ask all destinations for their states; return 1 if one has failed."""
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
