"""``print-mgmt serve``: a printer whose films become files."""

import argparse
import asyncio
import signal
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from ssl import SSLContext

from dimse.net import Caller, Policy
from dimse.terminal import add_server_tls, ae_title, positive, printable, server_tls
from dimse.ul import AssociateRJ, AssociateRQ

from ..output import FORMATS, OutputError, check_formats, write_page
from ..scp import Film, PrintServer

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
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
    add_server_tls(parser)
    parser.set_defaults(command=lambda arguments: asyncio.run(_serve(arguments, server_tls(parser, arguments))))


async def _serve(arguments: argparse.Namespace, tls: SSLContext | None) -> int:
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
        tls=tls,
    )
    async with server:
        host = f"[{server.host}]" if ":" in server.host else server.host  # IPv6
        print(f"listening on {host}:{server.port}", flush=True)
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
    for number in (signal.SIGINT, signal.SIGTERM):  # who is not patient asks twice
        loop.remove_signal_handler(number)


def _policy(called: str | None, allowed: Sequence[str]) -> Policy:
    """Who may associate, PS3.8 Table 9-21: reasons 7 (called) and 3 (calling)."""

    def refuse(request: AssociateRQ, caller: Caller) -> AssociateRJ | None:  # noqa: ARG001
        if called is not None and request.called_ae_title != called:
            return AssociateRJ(1, 1, 7)
        if allowed and request.calling_ae_title not in allowed:
            return AssociateRJ(1, 1, 3)
        return None

    return refuse


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
