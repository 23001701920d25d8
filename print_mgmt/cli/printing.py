"""``print-mgmt print``: images and test patterns onto the films of a printer."""

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ssl import SSLContext

from dimse.data import Value, tag_of
from dimse.data.dictionary import vr_of
from dimse.errors import EncodeError
from dimse.peer import Peer
from dimse.terminal import add_client_tls, add_timeout, ae_title, client_tls, peer, positive, timeouts, until_terminated

from ..attributes import FILM_BOX, FILM_SESSION, IMAGE_BOX, Chosen, pick
from ..film import FILM_SIZES, MAGNIFICATIONS, ORIENTATIONS
from ..images import PATTERNS, Image, prepare
from ..scu import Order, PrintClient

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
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
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    _add_film(parser.add_argument_group("the film"))
    _add_attributes(parser.add_argument_group("any other attribute (may be given more than once)"))
    _add_connection(parser.add_argument_group("the printer"))
    add_client_tls(parser)
    parser.set_defaults(command=lambda arguments: _print(parser, arguments))


def _add_film(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--color", action="store_true", help="print in colour")
    group.add_argument(
        "--bits", type=int, choices=(8, 12), default=8, help="depth of gray pixels (default: %(default)s)"
    )
    group.add_argument(
        "--layout",
        type=_layout,
        metavar="FORMAT",
        help=r"Image Display Format: STANDARD\C,R, or CxR such as 2x3 (default: one image)",
    )
    sizes = ", ".join(FILM_SIZES)
    group.add_argument("--film-size", choices=list(FILM_SIZES), metavar="ID", help=f"Film Size ID: {sizes}")
    group.add_argument("--orientation", choices=ORIENTATIONS, help="Film Orientation")
    group.add_argument("--medium", metavar="M", help="Medium Type, such as PAPER or 'BLUE FILM'")
    group.add_argument("--copies", type=positive, metavar="N", help="Number of Copies")
    group.add_argument("--priority", choices=("HIGH", "MED", "LOW"), help="Print Priority")
    group.add_argument("--magnification", choices=MAGNIFICATIONS, help="Magnification Type")


def _add_attributes(group: argparse._ArgumentGroup) -> None:
    for level, words in (("film", "each film box"), ("session", "the film session"), ("image", "each image box")):
        group.add_argument(
            f"--{level}",
            type=_attribute,
            action="append",
            default=[],
            metavar="KEYWORD=VALUE",
            help=f"of {words}, by DICOM keyword",
        )


def _add_connection(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--calling", type=ae_title, default="PRINTSCU", metavar="AE", help="our name (default: %(default)s)"
    )
    group.add_argument(
        "--action",
        choices=("auto", "film", "session"),
        default="auto",
        help="what N-ACTION prints (default: the film box, and the session where a printer wants that)",
    )
    group.add_argument("--implicit-only", action="store_true", help="propose only Implicit VR Little Endian")
    add_timeout(group)


def _print(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    images: list[Image] = [*arguments.images, *(PATTERNS[name]() for name in arguments.pattern)]
    if not images:
        parser.error("nothing to print: name images, or a --pattern")
    try:
        chosen = _chosen(arguments)
    except EncodeError as exc:
        parser.error(str(exc))
    tls = client_tls(parser, arguments)
    return asyncio.run(until_terminated(_print_images(arguments, images, chosen, tls)))


async def _print_images(
    arguments: argparse.Namespace, images: Sequence[Image], chosen: Chosen, tls: SSLContext | None
) -> int:
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
        tls=tls,
        timeouts=timeouts(arguments),
    )
    async with client:
        with _progress(len(images), quiet=arguments.json) as progress:
            report = await client.print_order(images, Order(chosen=chosen), progress=progress)
    for warning in report.warnings:
        print(f"print-mgmt: warning: {warning}", file=sys.stderr)
    if arguments.json:
        answer = {"peer": str(target), "films": report.films, "images": report.images, "warnings": report.warnings}
        print(json.dumps(answer))
    else:
        print(f"{target} printed {_count(report.images, 'image')} on {_count(report.films, 'film')}")
    return 0


def _chosen(arguments: argparse.Namespace) -> Chosen:
    """The attributes of all levels. Raises `EncodeError`."""
    session = {
        "MediumType": arguments.medium,
        "NumberOfCopies": arguments.copies,
        "PrintPriority": arguments.priority,
    }
    film = {
        "ImageDisplayFormat": arguments.layout,
        "FilmSizeID": arguments.film_size,
        "FilmOrientation": arguments.orientation,
        "MagnificationType": arguments.magnification,
    }
    return Chosen(
        film_session=pick(FILM_SESSION, _given(session, arguments.session)),
        film_box=pick(FILM_BOX, _given(film, arguments.film)),
        image_box=pick(IMAGE_BOX, _given({}, arguments.image)),
    )


def _given(options: dict[str, Value], by_keyword: Sequence[tuple[str, str]]) -> dict[str, Value]:
    given = {keyword: value for keyword, value in options.items() if value is not None}
    return given | {keyword: _value(keyword, text) for keyword, text in by_keyword}


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
