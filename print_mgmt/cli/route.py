"""``print-mgmt route``: test the routes of a site without printing."""

import argparse
import json
from dataclasses import asdict
from ipaddress import ip_address

from dimse.errors import escaped

from ..film import FILM_SIZES
from ..site import Decision, Facts, SiteErrors, SitePrinter, decide, load_site
from .options import report_errors

__all__ = ["add"]

_EXAMPLES = """examples:
  print-mgmt route site.toml --called FILM1 --calling MG01
  print-mgmt route site.toml --called FILM1 --calling CT01 --client 192.0.2.7 --color yes --film-size A4 --medium PAPER

No film is printed. The exit status is 1 if no route matches; the film would keep the state 'received'. The line of the
printer says if the server refuses the association or the film.
"""


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = "Show where the routes of a site would send a film, and why."
    parser.epilog = _EXAMPLES
    parser.add_argument("file", metavar="FILE.toml", help="the configuration file of the site; see docs/site.md")
    parser.add_argument("--called", default="", metavar="AE", help="AE title of the printer")
    parser.add_argument("--calling", default="", metavar="AE", help="AE title of the client")
    parser.add_argument("--client", type=_parse_address, metavar="ADDRESS", help="address of the client")
    parser.add_argument("--color", choices=("yes", "no"), default="no", help="whether the film has color (default: no)")
    parser.add_argument(
        "--film-size", type=str.upper, default="", metavar="ID", help=f"Film Size ID: {', '.join(FILM_SIZES)}"
    )
    parser.add_argument("--medium", type=str.upper, default="", metavar="TYPE", help="Medium Type, such as 'BLUE FILM'")
    parser.add_argument("--json", action="store_true", help="print the decision as JSON")
    parser.set_defaults(command=_route)


def _parse_address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not an IP address, such as 192.0.2.7") from None


def _route(arguments: argparse.Namespace) -> int:
    try:
        site = load_site(arguments.file)
    except SiteErrors as exc:
        return report_errors(exc.lines)
    printer = site.printer(arguments.called)
    name = "" if printer is None else printer.ae_title
    facts = Facts(
        called=name or arguments.called,  # the default printer routes by its own title, whatever title was called
        calling=arguments.calling,
        client=arguments.client or "",
        color=arguments.color == "yes",
        FilmSizeID=arguments.film_size,
        MediumType=arguments.medium,
    )
    decision, refusal = decide(site.routes, facts), _refusal(printer, arguments.calling)
    if arguments.json:
        print(json.dumps({"printer": name, "refusal": refusal, **asdict(decision)}))
    else:
        _show(": ".join(filter(None, (name or "none", refusal))), decision)
    return 0 if decision.route else 1


def _refusal(printer: SitePrinter | None, calling: str) -> str:
    """Return why the server refuses the film before it is routed; "" if it accepts the film."""
    if printer is None:
        return "the association is rejected"
    return "" if printer.config.caller(calling).may_print else f"{calling} may only query the printer and its jobs"


def _show(printer: str, decision: Decision) -> None:
    lines = [f"printer: {printer}", *(f"  {line}" for line in decision.why)]
    lines.append(f"to: {', '.join(decision.to) or 'nowhere'}" + (" (held)" if decision.route and decision.hold else ""))
    lines += [f"{key}: {value}" for key, value in asdict(decision.change).items() if value]
    for line in lines:
        print(escaped(line))
