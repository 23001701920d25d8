"""The options and argument types that several commands share, and the clients made from them."""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from dimse.errors import DimseError
from dimse.terminal import Peer, add_client_tls, add_timeout, add_trace, ae_title, client_tls, peer, timeouts, trace

from ..scu import PROFILES, Color, PrintClient, profile

__all__ = [
    "add_peer",
    "add_printer",
    "add_requirements",
    "argument_type",
    "list_action",
    "printing_client",
    "report_errors",
    "status_client",
]

_Result = TypeVar("_Result")


def add_peer(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names the printer."""
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="the printer")


def add_printer(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options for the connection to the printer, and return their group."""
    group = parser.add_argument_group("the printer")
    group.add_argument(
        "--calling",
        type=ae_title,
        default="PRINTSCU",
        metavar="AE",
        help="AE title of this client (default: %(default)s)",
    )
    group.add_argument("--implicit-only", action="store_true", help="propose only Implicit VR Little Endian")
    add_timeout(group)
    add_trace(group)
    add_client_tls(parser)
    return group


def add_requirements(group: argparse._ArgumentGroup) -> None:
    """Add the options for printers with special requirements."""
    group.add_argument(
        "--profile",
        type=argument_type(profile),
        metavar="NAME",
        help=f"respect the limits of a printer model: {', '.join(PROFILES)}; or of a configuration file NAME.toml",
    )
    group.add_argument("--list-profiles", action=list_action(PROFILES), help="show the profiles and exit")
    group.add_argument(
        "--action",
        choices=("auto", "film", "session"),
        default="auto",
        help="the instance that N-ACTION prints; auto: the film box, or the film session if the printer supports only "
        "that (default: auto)",
    )
    group.add_argument("--action-data", action="store_true", help="send a Data Set with N-ACTION")
    group.add_argument(
        "--meta-only",
        action="store_true",
        help="propose no optional SOP Class: no annotations, no jobs; Presentation LUT only if --lut needs it",
    )
    group.add_argument("--printer-uids", action="store_true", help="let the printer assign the SOP Instance UIDs")
    group.add_argument(
        "--retries",
        type=_parse_retries,
        default=0,
        metavar="N",
        help="reopen a lost or temporarily rejected association at most N times, but not after N-ACTION has been sent "
        "(default: %(default)s)",
    )


def status_client(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> PrintClient:
    """Return a client that queries the status of a grayscale or color printer."""
    return _client_factory(parser, arguments)(color=None)


def printing_client(parser: argparse.ArgumentParser, arguments: argparse.Namespace, color: Color) -> PrintClient:
    """Return a client that prints, with the options of `add_requirements`. ``color`` is as in `PrintClient`."""
    return _client_factory(parser, arguments)(
        color=color,
        bits=arguments.bits,
        action=arguments.action,
        action_data=arguments.action_data,
        own_uids=not arguments.printer_uids,
        optional=() if arguments.meta_only else None,
        profile=arguments.profile,
        retries=arguments.retries,
    )


def _client_factory(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> partial[PrintClient]:
    """Return `PrintClient` with the arguments for the connection."""
    target: Peer = arguments.peer
    return partial(
        PrintClient,
        target.host,
        target.port,
        called_ae_title=target.ae_title,
        calling_ae_title=arguments.calling,
        implicit_only=arguments.implicit_only,
        tls=client_tls(parser, arguments),
        trace=trace(parser, arguments),
        timeouts=timeouts(arguments),
    )


def _parse_retries(text: str) -> int:
    if not text.isdecimal() or len(text) > 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of retries, 0 to 999")
    return int(text)


def argument_type(make: Callable[[str], _Result]) -> Callable[[str], _Result]:
    """Return ``make`` as an argument type: each DimseError or OSError that it raises is reported as wrong usage."""

    def parse(text: str) -> _Result:
        try:
            return make(text)
        except DimseError as exc:
            raise argparse.ArgumentTypeError(str(exc)) from exc
        except OSError as exc:
            raise argparse.ArgumentTypeError(f"{text}: {exc.strerror}") from exc

    return parse


def report_errors(lines: Iterable[str]) -> int:
    """Print the errors of a file to stderr, one per line, and return the exit status for wrong usage."""
    for line in lines:
        print(f"print-mgmt: {line}", file=sys.stderr)
    return 2


def list_action(rows: Mapping[str, str]) -> type[argparse.Action]:
    """Return the action of an option that shows names with their descriptions and exits, like ``--help``."""

    class ListAction(argparse.Action):
        def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
            super().__init__(option_strings, dest, nargs=0, help=help)

        def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
            for name, description in rows.items():
                print(f"{name:14}{description}")
            parser.exit()

    return ListAction
