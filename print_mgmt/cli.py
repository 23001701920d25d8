r"""The ``print-mgmt`` command line: be a printer, print on one, ask one how it is.

Exit status: 0 done, 1 the peer or the print failed (the reason on stderr, in one line), 2 wrong usage.
"""

import argparse
import asyncio
import json
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from dimse.cli import Parser, add_timeout, ae_title, peer, positive, printable, run, timeouts, until_terminated
from dimse.data import Dataset, Value, tag_of
from dimse.data.dictionary import vr_of
from dimse.errors import EncodeError
from dimse.peer import Peer
from dimse.ul import AssociateRJ, AssociateRQ

from .attributes import choose
from .film import FILM_SIZES, MAGNIFICATIONS, ORIENTATIONS
from .images import PATTERNS, prepare
from .output import FORMATS, OutputError, check_formats, write_page
from .scp import Film, PrintServer
from .scu import PrintClient
from .session import Image

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = Parser(
        prog="print-mgmt",
        description="DICOM Print Management: be a printer, print on one, ask one how it is.",
        epilog="Peers are written AE@HOST:PORT. Exit status: 0 done, 1 failed, 2 wrong usage.",
    )
    parser.add_argument("-v", "--verbose", action="count", default=0, help="log what happens; -vv the wire, too")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_serve(commands.add_parser("serve", help="be a printer whose films become files"))
    _add_print(commands.add_parser("print", help="print images"))
    _add_status(commands.add_parser("status", help="ask a printer how it is"))
    return run(parser, argv)


# --- print-mgmt serve ---


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "A DICOM printer for gray and colour films. Each film that is printed becomes files in a folder. "
        "Stop it with Ctrl-C: what runs is finished."
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen at (default: %(default)s, this machine only)"
    )
    parser.add_argument(
        "--port", type=_port, default=11112, help="port to listen at, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--ae-title", type=ae_title, default="PRINTSCP", metavar="AE", help="our name (default: %(default)s)"
    )
    parser.add_argument("--require-called", action="store_true", help="refuse who calls another name than ours")
    parser.add_argument(
        "--allow",
        type=ae_title,
        action="append",
        default=[],
        metavar="AE",
        help="refuse who has another name; may be given more than once",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("films"),
        metavar="DIR",
        help="folder for the films (default: %(default)s)",
    )
    parser.add_argument(
        "--format",
        type=_formats,
        default="png,pdf",
        metavar="F[,F]",
        help=f"files for each film: {', '.join(FORMATS)} (default: png,pdf)",
    )
    parser.add_argument(
        "--dpi",
        type=positive,
        default=150,
        metavar="N",
        help="resolution of the pages (default: %(default)s)",
    )
    parser.set_defaults(command=lambda arguments: asyncio.run(_serve(arguments)))


async def _serve(arguments: argparse.Namespace) -> int:
    out: Path = arguments.out
    await asyncio.to_thread(out.mkdir, parents=True, exist_ok=True)
    started = datetime.now().strftime("%Y%m%d-%H%M%S")

    async def on_film(film: Film) -> None:
        page = await film.render(arguments.dpi)
        name = f"film-{started}-{film.number:04d}"
        paths = await asyncio.to_thread(write_page, page, out, name, arguments.format)
        sheet = film.sheet
        layout = f"{sheet.FilmSizeID} {sheet.FilmOrientation} {sheet.ImageDisplayFormat}"
        files = " ".join(map(str, paths))
        print(f"film {film.number} from {printable(film.calling_ae_title)}: {layout}: {files}", flush=True)

    server = PrintServer(
        on_film,
        arguments.host,
        arguments.port,
        ae_title=arguments.ae_title,
        policy=_policy(arguments.ae_title if arguments.require_called else None, arguments.allow),
    )
    async with server:
        print(f"listening on {server.host}:{server.port}", flush=True)
        await _stop_signal()
        await server.close()
    return 0


async def _stop_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt instead
            break
    await stop.wait()


def _policy(called: str | None, allowed: Sequence[str]) -> Callable[[AssociateRQ, str], AssociateRJ | None]:
    """Who may associate, PS3.8 Table 9-21: reasons 7 (called) and 3 (calling)."""

    def refuse(request: AssociateRQ, address: str) -> AssociateRJ | None:  # noqa: ARG001
        if called is not None and request.called_ae_title != called:
            return AssociateRJ(1, 1, 7)
        if allowed and request.calling_ae_title not in allowed:
            return AssociateRJ(1, 1, 3)
        return None

    return refuse


# --- print-mgmt print ---


def _add_print(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Print DICOM images and test patterns on a DICOM printer: films are filled, printed, cleaned up. "
        "Attributes that have no option of their own are given by DICOM keyword."
    )
    parser.epilog = r"Example: print-mgmt print PRINTSCP@127.0.0.1:11112 *.dcm --layout 2x3 --film Trim=YES"
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="the printer")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="a DICOM file")
    parser.add_argument(
        "--pattern",
        action="append",
        choices=sorted(PATTERNS),
        default=[],
        metavar="NAME",
        help=f"print a test pattern, too: {', '.join(sorted(PATTERNS))}",
    )
    parser.add_argument(
        "--calling", type=ae_title, default="PRINTSCU", metavar="AE", help="our name (default: %(default)s)"
    )
    parser.add_argument("--color", action="store_true", help="print in colour")
    parser.add_argument(
        "--bits", type=int, choices=(8, 12), default=8, help="depth of gray pixels (default: %(default)s)"
    )
    parser.add_argument(
        "--layout",
        type=_layout,
        metavar="FORMAT",
        help=r"Image Display Format: STANDARD\C,R, or CxR such as 2x3 (default: one image)",
    )
    parser.add_argument(
        "--film-size", choices=list(FILM_SIZES), metavar="ID", help=f"Film Size ID: {', '.join(FILM_SIZES)}"
    )
    parser.add_argument("--orientation", choices=ORIENTATIONS, help="Film Orientation")
    parser.add_argument("--medium", metavar="M", help="Medium Type, such as PAPER or 'BLUE FILM'")
    parser.add_argument("--copies", type=positive, metavar="N", help="Number of Copies")
    parser.add_argument("--priority", choices=("HIGH", "MED", "LOW"), help="Print Priority")
    parser.add_argument("--magnification", choices=MAGNIFICATIONS, help="Magnification Type")
    for level, words in (("film", "film boxes"), ("session", "the film session"), ("image", "image boxes")):
        parser.add_argument(
            f"--{level}",
            type=_attribute,
            action="append",
            default=[],
            metavar="KEYWORD=VALUE",
            help=f"any other attribute of {words}; may be given more than once",
        )
    parser.add_argument(
        "--action",
        choices=("auto", "film", "session"),
        default="auto",
        help="what N-ACTION prints (default: the film box, and the session where a printer wants that)",
    )
    parser.add_argument("--implicit-only", action="store_true", help="propose only Implicit VR Little Endian")
    add_timeout(parser)
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(command=lambda arguments: _print(parser, arguments))


def _print(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    images: list[Image] = [*arguments.images, *(PATTERNS[name]() for name in arguments.pattern)]
    if not images:
        parser.error("nothing to print: name images, or a --pattern")
    try:
        attributes = _chosen(arguments)
    except EncodeError as exc:
        parser.error(str(exc))
    return asyncio.run(until_terminated(_print_images(arguments, images, attributes)))


async def _print_images(arguments: argparse.Namespace, images: Sequence[Image], attributes: dict[str, Value]) -> int:
    target: Peer = arguments.peer
    for image in arguments.images:  # what cannot be printed is better known before anything is
        await asyncio.to_thread(prepare, image, color=arguments.color, bits=arguments.bits)
    client = PrintClient(
        target.host,
        target.port,
        called_ae_title=target.ae_title,
        calling_ae_title=arguments.calling,
        color=arguments.color,
        bits=arguments.bits,
        action=arguments.action,
        implicit_only=arguments.implicit_only,
        timeouts=timeouts(arguments),
    )
    async with client:
        with _progress(len(images), quiet=arguments.json) as progress:
            report = await client.print_images(images, progress=progress, **attributes)
    for warning in report.warnings:
        print(f"print-mgmt: warning: {warning}", file=sys.stderr)
    if arguments.json:
        answer = {
            "peer": str(target),
            "films": report.films,
            "images": report.images,
            "warnings": report.warnings,
        }
        print(json.dumps(answer))
    else:
        print(f"{target} printed {_count(report.images, 'image')} on {_count(report.films, 'film')}")
    return 0


def _chosen(arguments: argparse.Namespace) -> dict[str, Value]:
    """The attributes of all levels by keyword. Raises `EncodeError`."""
    options = {
        "ImageDisplayFormat": arguments.layout,
        "FilmSizeID": arguments.film_size,
        "FilmOrientation": arguments.orientation,
        "MediumType": arguments.medium,
        "NumberOfCopies": arguments.copies,
        "PrintPriority": arguments.priority,
        "MagnificationType": arguments.magnification,
    }
    attributes: dict[str, Value] = {keyword: value for keyword, value in options.items() if value is not None}
    for keyword, text in (*arguments.session, *arguments.film, *arguments.image):
        attributes[keyword] = _value(keyword, text)
    choose(attributes)
    return attributes


def _value(keyword: str, text: str) -> Value:
    """The value that ``text`` means for an attribute."""
    tag = tag_of(keyword)
    try:
        match vr_of(tag):
            case "US" | "IS" | "UL" | "SS" | "SL":
                return int(text)
            case "DS" | "FL" | "FD":
                return float(text)
            case "SQ" | "OB" | "OW":
                raise EncodeError("cannot be given on the command line", path=keyword)
    except ValueError as exc:
        raise EncodeError(f"{text!r} is not a number", path=keyword) from exc
    return text


@contextmanager
def _progress(total: int, *, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """A bar on a terminal, where rich is installed; else nothing."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("printing", total=total)
        yield lambda done: bar.update(task, completed=done)


# --- print-mgmt status ---


def _add_status(parser: argparse.ArgumentParser) -> None:
    parser.description = "Ask a printer for what it says of itself (N-GET Printer)."
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="the printer")
    parser.add_argument(
        "--calling", type=ae_title, default="PRINTSCU", metavar="AE", help="our name (default: %(default)s)"
    )
    add_timeout(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.set_defaults(command=lambda arguments: asyncio.run(until_terminated(_status(arguments))))


async def _status(arguments: argparse.Namespace) -> int:
    target: Peer = arguments.peer
    client = PrintClient(
        target.host,
        target.port,
        called_ae_title=target.ae_title,
        calling_ae_title=arguments.calling,
        color=None,
        timeouts=timeouts(arguments),
    )
    async with client:
        printer = await client.printer()
    if arguments.json:
        print(json.dumps({element.keyword: _plain(element.value) for element in printer}))
    else:
        _show(printer)
    return 0 if printer.get("PrinterStatus") != "FAILURE" else 1


def _show(printer: Dataset) -> None:
    for element in printer:
        value = _plain(element.value)
        if value is not None:
            print(f"{element.keyword}: {value}")


def _plain(value: Value) -> str | None:
    if value is None:
        return None
    return printable("\\".join(map(str, value)) if isinstance(value, list) else str(value))


# --- argument types ---


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _formats(text: str) -> tuple[str, ...]:
    formats = tuple(text.lower().split(","))
    try:
        check_formats(formats)
    except OutputError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc
    return formats


def _layout(text: str) -> str:
    short = re.fullmatch(r"(\d{1,2})x(\d{1,2})", text)
    return rf"STANDARD\{short[1]},{short[2]}" if short else text


def _attribute(text: str) -> tuple[str, str]:
    keyword, sign, value = text.partition("=")
    if not sign or not keyword:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEYWORD=VALUE")
    return keyword, value


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
