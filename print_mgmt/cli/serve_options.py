"""The options of ``print-mgmt serve``, and their types."""

import argparse
import socket
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from dimse.errors import DimseError
from dimse.net import Limits, Timeouts
from dimse.terminal import add_server_tls, add_trace, ae_title, folder_path, not_empty, positive, seconds
from dimse.uids import IMPLEMENTATION_VERSION_NAME

from ..config import PRESETS, PrinterConfig, preset
from ..config.toml import config_in
from ..film import CharacteristicCurve, read_curve
from ..model import Printer
from ..output import FORMATS, OutputError, check_formats
from ..scp import Change, Fault, parse_state
from ..site import SiteConfig, SiteErrors, describes_site, site_in
from ..spool import SpoolLimits
from .options import argument_type, list_action

__all__ = ["DPI", "OF_ONE_PRINTER", "SiteFile", "add_options", "formats_of", "printer_config", "spool_limits"]

# Options for one printer, which are not allowed with the file of a site; by their name in the parsed arguments
OF_ONE_PRINTER = {
    "out": "--out",
    "format": "--format",
    "dpi": "--dpi",
    "bits": "--bits",
    "json": "--json",
    "curve": "--curve",
    "queue_length": "--queue-length",
    "memory": "--memory",
    "printer_status": "--printer-status",
    "ae_title": "--ae-title",
    "require_called": "--require-called",
    "fail": "--fail",
    "event": "--event",
}
DPI = 150
_MIB = 1 << 20
_MAX_PROCESSES = 64


class SiteFile(NamedTuple):
    """A site, and the file that describes it."""

    path: Path
    site: SiteConfig


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    _add_address(parser)
    _add_films(parser)
    _add_printer(parser.add_argument_group("the printer"))
    _add_limits(parser.add_argument_group("limits"))
    _add_processes(parser)
    _add_faults(parser.add_argument_group("for testers"))
    add_trace(parser)
    add_server_tls(parser)


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", type=_check_host, help="address to listen on (default: 127.0.0.1, this machine only)")
    parser.add_argument("--port", type=_parse_port, help="port to listen on, 0 for a free one (default: 11112)")
    parser.add_argument("--ae-title", type=ae_title, metavar="AE", help="AE title of the printer (default: PRINTSCP)")
    parser.add_argument("--require-called", action="store_true", help="reject any other Called AE Title")
    parser.add_argument(
        "--allow",
        type=ae_title,
        action="append",
        default=[],
        metavar="AE",
        help="accept only this Calling AE Title; may be given more than once",
    )


def _add_films(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=folder_path, metavar="DIR", help="folder for the films (default: films)")
    parser.add_argument(
        "--format",
        type=argument_type(formats_of),
        metavar="F[,F]",
        help=f"files for each film: {', '.join(FORMATS)} (default: png,pdf)",
    )
    parser.add_argument("--dpi", type=positive, metavar="N", help="resolution of the pages in dpi (default: 150)")
    parser.add_argument(
        "--bits", type=int, choices=(8, 16), help="depth of gray pages; color pages have 8 (default: 8)"
    )
    parser.add_argument("--json", action="store_true", help="print each film as JSON, one object per line")
    parser.add_argument(
        "--spool",
        type=not_empty,
        metavar="ADDRESS",
        help="spool that keeps accepted films until they are written: a folder, or postgresql://... (default: the "
        "folder dimse-print/spool where applications keep their state, such as ~/.local/state)",
    )


def _add_printer(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--curve",
        type=argument_type(_load_curve),
        metavar="FILE.csv",
        help="characteristic curve of a device: write pages with its drive values instead of P-Values",
    )
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--config",
        metavar="FILE.toml",
        type=argument_type(_load_file),
        help="configuration of the printer, see docs/printers.md; or of a site, see docs/site.md",
    )
    which.add_argument(
        "--preset",
        dest="config",
        type=argument_type(preset),
        metavar="NAME",
        help="a ready-made configuration; see --list-presets",
    )
    group.add_argument("--list-presets", action=list_action(PRESETS), help="show the presets and exit")
    group.add_argument(
        "--printer-status",
        type=argument_type(parse_state),
        metavar="STATUS:INFO",
        help="state of the printer, such as 'WARNING:SUPPLY LOW' (default: NORMAL)",
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--queue-length",
        type=positive,
        metavar="N",
        help="highest number of waiting films; more are refused with C601 or C602 (default: as in the configuration; "
        "without a number there, only the room in the spool limits the films)",
    )
    group.add_argument(
        "--memory",
        type=positive,
        metavar="MIB",
        help="memory for the images of one association; images beyond it are refused with C605 (default: as in the "
        f"configuration, or {PrinterConfig().memory // _MIB})",
    )
    group.add_argument(
        "--in-memory",
        type=positive,
        metavar="MIB",
        help="size up to which an image stays in memory; a larger one goes to disk while it arrives (default: "
        f"{SpoolLimits().in_memory // _MIB})",
    )
    group.add_argument(
        "--associations",
        type=positive,
        default=Limits().associations,
        metavar="N",
        help="highest number of associations of each process at the same time (default: %(default)s)",
    )
    group.add_argument(
        "--idle",
        type=seconds,
        default=Timeouts().idle,
        metavar="SECONDS",
        help="abort an association on which no PDU arrives for this time (default: %(default)g)",
    )


def _add_processes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--processes",
        type=_parse_processes,
        default=1,
        metavar="N",
        help="number of processes that share the port and the spool (default: 1)",
    )
    parser.add_argument(
        "--no-delivery",
        action="store_true",
        help="accept the films of a site, and leave their delivery to the command 'print-mgmt work'",
    )
    parser.add_argument(
        "--parent-socket", type=int, help=argparse.SUPPRESS
    )  # descriptor of a socket to the parent process, from `fleet`


def _add_faults(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fail",
        type=argument_type(Fault.parse),
        action="append",
        default=[],
        metavar="WHAT@WHERE",
        help="misbehave at WHERE, a request such as N-SET#2. WHAT is NO-ANSWER, ABORT, DROP, or a status such as C605. "
        "Or make a film fail: WHERE is FILM or FILM#3, and WHAT is an Execution Status Info",
    )
    group.add_argument(
        "--event",
        type=argument_type(Change.parse),
        action="append",
        default=[],
        metavar="STATUS:INFO@WHERE",
        help="change the state of the printer at WHERE, a request such as N-SET#2, and report it to the clients",
    )


def printer_config(arguments: argparse.Namespace) -> PrinterConfig:
    """Return the configuration of the only printer; --curve, --queue-length and --memory override ``--config``."""
    name = arguments.ae_title or "PRINTSCP"
    own = Printer(PrinterName=name, SoftwareVersions=IMPLEMENTATION_VERSION_NAME)
    config: PrinterConfig = arguments.config or PrinterConfig(printer=own)
    if arguments.curve:
        config = replace(config, imager=replace(config.imager, curve=arguments.curve))
    if arguments.queue_length:
        config = replace(config, queue_length=arguments.queue_length)
    if arguments.memory:
        config = replace(config, memory=arguments.memory * _MIB)
    return config


# --- argument types ---


def _parse_processes(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MAX_PROCESSES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, 1 to {_MAX_PROCESSES}")
    if int(text) > 1 and not hasattr(socket, "SO_REUSEPORT"):
        raise argparse.ArgumentTypeError("several processes cannot share a port on this system: it has no SO_REUSEPORT")
    return int(text)


def _load_file(path: str) -> PrinterConfig | SiteFile | SiteErrors:
    """Return the printer or the site that a file describes; for a faulty site, the faults.

    The file is read once: a pipe has nothing for a second time.
    """
    file = Path(path)
    data = file.read_bytes()
    try:
        return SiteFile(file, site_in(data, file)) if describes_site(data) else config_in(data, file)
    except SiteErrors as exc:
        return exc


def _load_curve(path: str) -> CharacteristicCurve:
    with Path(path).open(encoding="utf-8-sig", errors="replace") as lines:
        try:
            return read_curve(lines)
        except DimseError as exc:
            raise argparse.ArgumentTypeError(f"{path}: {exc}") from exc


def _check_host(text: str) -> str:
    """Return the host. An empty text, perhaps of an unset variable, is refused, because it would mean all addresses."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not an address such as 127.0.0.1, or 0.0.0.0 for all addresses")
    return text


def _parse_port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def formats_of(text: str) -> tuple[str, ...]:
    """Return the formats in a list separated by commas. Raises `OutputError`."""
    formats = tuple(text.lower().split(","))
    check_formats(formats)
    if len(set(formats)) < len(formats):
        raise OutputError(f"{text!r} names a format twice")
    return formats


def spool_limits(arguments: argparse.Namespace, limits: SpoolLimits) -> SpoolLimits:
    """Return the limits of the spool, overridden by options."""
    return replace(limits, in_memory=arguments.in_memory * _MIB) if arguments.in_memory else limits
