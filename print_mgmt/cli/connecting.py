"""The options of the commands that are clients of a printer, and the client that they say."""

import argparse

from dimse.terminal import Peer, add_client_tls, add_timeout, add_trace, ae_title, client_tls, peer, timeouts, trace

from ..scu import PROFILES, Color, PrintClient, profile
from .arguments import listing, refused

__all__ = ["add_habits", "add_peer", "add_printer", "printing_client", "status_client"]


def add_peer(parser: argparse.ArgumentParser) -> None:
    """The argument that names the printer."""
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="the printer")


def add_printer(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """How to connect to the printer; the group is returned for what else belongs there."""
    group = parser.add_argument_group("the printer")
    group.add_argument(
        "--calling", type=ae_title, default="PRINTSCU", metavar="AE", help="our name (default: %(default)s)"
    )
    group.add_argument("--implicit-only", action="store_true", help="propose only Implicit VR Little Endian")
    add_timeout(group)
    add_trace(group)
    add_client_tls(parser)
    return group


def add_habits(group: argparse._ArgumentGroup) -> None:
    """What some printers want done in another way."""
    group.add_argument(
        "--profile",
        type=refused(profile),
        metavar="NAME",
        help=f"heed the limits of a kind of printer: {', '.join(PROFILES)}, or those in a file NAME.toml",
    )
    group.add_argument("--list-profiles", action=listing(PROFILES), help="show the profiles, and end")
    group.add_argument(
        "--action",
        choices=("auto", "film", "session"),
        default="auto",
        help="what N-ACTION prints (default: the film box, and the session where a printer wants that)",
    )
    group.add_argument("--action-data", action="store_true", help="send a Data Set with N-ACTION")
    group.add_argument(
        "--meta-only",
        action="store_true",
        help="propose no optional SOP Class: no annotations, no jobs",
    )
    group.add_argument("--printer-uids", action="store_true", help="let the printer name what it creates")
    group.add_argument(
        "--retries",
        type=_retries,
        default=0,
        metavar="N",
        help="open an association again that is lost, or rejected for the time being, so often at most; never after a "
        "film was asked to be printed",
    )


def status_client(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> PrintClient:
    """A client that asks a printer, gray or colour, how it is."""
    target: Peer = arguments.peer
    return PrintClient(
        target.host,
        target.port,
        called_ae_title=target.ae_title,
        calling_ae_title=arguments.calling,
        color=None,
        implicit_only=arguments.implicit_only,
        tls=client_tls(parser, arguments),
        trace=trace(arguments),
        timeouts=timeouts(arguments),
    )


def printing_client(parser: argparse.ArgumentParser, arguments: argparse.Namespace, color: Color) -> PrintClient:
    """A client that prints, in ``color`` as `PrintClient` has it; see `add_habits`."""
    target: Peer = arguments.peer
    return PrintClient(
        target.host,
        target.port,
        called_ae_title=target.ae_title,
        calling_ae_title=arguments.calling,
        color=color,
        bits=arguments.bits,
        action=arguments.action,
        action_data=arguments.action_data,
        own_uids=not arguments.printer_uids,
        implicit_only=arguments.implicit_only,
        optional=() if arguments.meta_only else None,
        profile=arguments.profile,
        retries=arguments.retries,
        tls=client_tls(parser, arguments),
        trace=trace(arguments),
        timeouts=timeouts(arguments),
    )


def _retries(text: str) -> int:
    if not text.isdecimal() or len(text) > 3:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of retries, 0 to 999")
    return int(text)
