"""``print-mgmt serve``: act as a printer that writes films to files."""

import argparse
import asyncio
import gc
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from dimse.command_line import log_formatter
from dimse.errors import escaped
from dimse.files import clear_drafts
from dimse.net import Limits, Policy, Timeouts, TLSContext, Trace, all_of, called_titles, calling_titles
from dimse.terminal import add_server_tls, add_trace, ae_title, positive, seconds, server_tls, trace
from dimse.uids import IMPLEMENTATION_VERSION_NAME

from ..config import PRESETS, PrinterConfig, load_config, preset
from ..film import MAX_PIXELS, CharacteristicCurve, can_render, read_curve
from ..jobs import PrintQueue
from ..model import Printer
from ..output import FORMATS, check_formats
from ..scp import Change, Fault, Film, Misbehavior, PrintServer, parse_state
from .film_files import FilmFolder
from .lines import Lines, logged_lines
from .options import argument_type, list_action

__all__ = ["add"]

_MIB = 1 << 20
_TURN = 0.001  # seconds until a rendering thread gives Python's lock back to the event loop
_TROUBLE = "CHECK PRINTER"  # PS3.3 C.13.9.1

_EXAMPLES = """examples:
  print-mgmt serve --out films --format png,pdf
  print-mgmt serve --host 0.0.0.0 --ae-title FILM1 --require-called --allow CT01 --allow MR02
  print-mgmt serve --preset kodak-8700            imitate a real printer
  print-mgmt serve --config printer.toml          use your own configuration

for testers: misbehave at the same request every time (WHAT@WHERE):
  --fail C605@N-SET#2                             the second N-SET fails: out of memory
  --fail 'C602@N-ACTION FilmBox'                  the print queue is always full
  --fail B605@N-CREATE                            a warning; the film is still printed
  --fail NO-ANSWER@N-DELETE --fail ABORT@N-SET#3 --fail DROP@N-ACTION#1
  --fail 'FILM JAM@FILM#2'                        the job of the second film ends in FAILURE
  --event 'WARNING:SUPPLY LOW@N-SET#2'            N-EVENT-REPORT during the second N-SET

A film that cannot be written is kept, and the printer reports CHECK PRINTER: SIGUSR1 retries all such films.
"""


class _Network(NamedTuple):
    """How the printer talks: its TLS, and what records it."""

    tls: TLSContext | None
    trace: Trace | None


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
    parser.description = (
        "Act as a DICOM printer for gray and color films, and write each printed film to files in a folder.\n"
        "Stop it with Ctrl-C: accepted films are written first."
    )
    parser.epilog = _EXAMPLES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    _add_address(parser)
    _add_films(parser)
    _add_printer(parser.add_argument_group("the printer"))
    _add_limits(parser.add_argument_group("limits"))
    _add_faults(parser.add_argument_group("for testers"))
    add_trace(parser)
    add_server_tls(parser)
    parser.set_defaults(command=lambda arguments: _run(parser, arguments))


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    network = _Network(server_tls(parser, arguments), trace(parser, arguments))
    config = _config(arguments)
    for size in dict.fromkeys(size for medium in config.media for size in medium.FilmSizeID):
        if not can_render(size, arguments.dpi):
            parser.error(f"argument --dpi: a film of {size} at {arguments.dpi} dpi has more than {MAX_PIXELS} pixels")
    gc.freeze()  # modules last as long as the process: a full collection takes 21 ms, and 54 ms with them
    return asyncio.run(_serve(arguments, network, config))


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--host",
        type=_host,
        default="127.0.0.1",
        help="address to listen on (default: %(default)s, this machine only)",
    )
    parser.add_argument(
        "--port", type=_port, default=11112, help="port to listen on, 0 for a free one (default: %(default)s)"
    )
    parser.add_argument(
        "--ae-title",
        type=ae_title,
        default="PRINTSCP",
        metavar="AE",
        help="AE title of the printer (default: %(default)s)",
    )
    parser.add_argument("--require-called", action="store_true", help="reject a wrong Called AE Title")
    parser.add_argument(
        "--allow",
        type=ae_title,
        action="append",
        default=[],
        metavar="AE",
        help="reject any other Calling AE Title; may be given more than once",
    )


def _add_films(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", type=Path, default=Path("films"), metavar="DIR", help="folder for the films (default: %(default)s)"
    )
    parser.add_argument(
        "--format",
        type=argument_type(_formats),
        default="png,pdf",
        metavar="F[,F]",
        help=f"files for each film: {', '.join(FORMATS)} (default: png,pdf)",
    )
    parser.add_argument(
        "--dpi", type=positive, default=150, metavar="N", help="resolution of the pages (default: %(default)s)"
    )
    parser.add_argument(
        "--bits",
        type=int,
        choices=(8, 16),
        default=8,
        help="depth of gray pages; color pages have 8 (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print each film as JSON, one object per line")


def _add_printer(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--curve",
        type=argument_type(_curve),
        metavar="FILE.csv",
        help="characteristic curve of a device: pages have its drive values instead of P-Values",
    )
    which = group.add_mutually_exclusive_group()
    which.add_argument(
        "--config",
        type=argument_type(load_config),
        metavar="FILE.toml",
        help="configuration of the printer; see docs/printers.md",
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
        default=("NORMAL", "NORMAL"),
        metavar="STATUS:INFO",
        help="state of the printer, such as 'WARNING:SUPPLY LOW' (default: NORMAL)",
    )


def _add_limits(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--queue-length",
        type=positive,
        metavar="N",
        help="highest number of waiting jobs; more are refused with C601 or C602",
    )
    group.add_argument(
        "--memory",
        type=positive,
        metavar="MIB",
        help="memory for the images of one client; more images are refused with C605",
    )
    group.add_argument(
        "--associations",
        type=positive,
        default=Limits().associations,
        metavar="N",
        help="highest number of associations at the same time (default: %(default)s)",
    )
    group.add_argument(
        "--idle",
        type=seconds,
        default=Timeouts().idle,
        metavar="SECONDS",
        help="longest silence of a client (default: %(default)g)",
    )


def _add_faults(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--fail",
        type=argument_type(Fault.parse),
        action="append",
        default=[],
        metavar="WHAT@WHERE",
        help="inject a fault: a status, NO-ANSWER, ABORT or DROP; or a status info at FILM",
    )
    group.add_argument(
        "--event",
        type=argument_type(Change.parse),
        action="append",
        default=[],
        metavar="STATUS:INFO@WHERE",
        help="change the state of the printer and report it to its clients",
    )


async def _serve(arguments: argparse.Namespace, network: _Network, config: PrinterConfig) -> int:
    sys.setswitchinterval(_TURN)
    lines = Lines(sys.stdout)
    try:
        with logged_lines(sys.stderr, log_formatter("%(asctime)s %(name)s: %(message)s")):
            return await _print_films(arguments, network, config, lines)
    finally:
        lines.close()


async def _print_films(arguments: argparse.Namespace, network: _Network, config: PrinterConfig, lines: Lines) -> int:
    folder = FilmFolder(
        out=arguments.out,
        formats=arguments.format,
        dpi=arguments.dpi,
        bits=arguments.bits,
        as_json=arguments.json,
        say=lines.write,
    )
    await asyncio.to_thread(folder.out.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(clear_drafts, folder.out)
    queue = PrintQueue(config.queue_length, memory=config.total_memory, host_memory=config.host_memory)
    server = _server(arguments, network, config, queue, folder)
    server.printer_state.set(*arguments.printer_status)
    async with server:
        stop = _stop_signal(lambda: _retry(server, queue))
        folder.say_listening(server.host, server.port)
        await stop.wait()
        _leave_signals()
        await server.close()
    return _tell_unwritten(queue)


def _tell_unwritten(queue: PrintQueue) -> int:
    """Return the exit status: 1, with a line on stderr, if accepted films could not be written."""
    count = sum(len(job.unprinted) for job in queue.failed)
    if count:
        words = "1 accepted film" if count == 1 else f"{count} accepted films"
        why = ", ".join(dict.fromkeys(job.ExecutionStatusInfo for job in queue.failed))
        print(escaped(f"print-mgmt: {words} could not be written: {why}"), file=sys.stderr)
    return 1 if count else 0


def _server(
    arguments: argparse.Namespace, network: _Network, config: PrinterConfig, queue: PrintQueue, folder: FilmFolder
) -> PrintServer:
    bad = Misbehavior(arguments.fail, arguments.event)

    async def on_film(film: Film) -> None:
        try:
            await folder.take(film)
        except OSError:  # a full disk, a deleted folder: an operator has to act
            server.printer_state.set("WARNING", _TROUBLE)
            raise
        if server.printer_state.PrinterStatusInfo == _TROUBLE:
            server.printer_state.set("NORMAL")

    server = PrintServer(
        bad.spoiling(on_film),
        arguments.host,
        arguments.port,
        config=config,
        policy=_policy(arguments.ae_title if arguments.require_called else None, arguments.allow),
        tls=network.tls,
        trace=network.trace,
        queue=queue,
        limits=Limits(associations=arguments.associations),
        timeouts=Timeouts(idle=arguments.idle),
        around=bad if arguments.fail or arguments.event else None,
    )
    return server


def _config(arguments: argparse.Namespace) -> PrinterConfig:
    """Return the configuration of the printer; options override the file."""
    own = Printer(PrinterName=arguments.ae_title, SoftwareVersions=IMPLEMENTATION_VERSION_NAME)
    config: PrinterConfig = arguments.config or PrinterConfig(printer=own)
    if arguments.curve:
        config = replace(config, imager=replace(config.imager, curve=arguments.curve))
    if arguments.queue_length:
        config = replace(config, queue_length=arguments.queue_length)
    if arguments.memory:
        config = replace(config, memory=arguments.memory * _MIB)
    return config


def _retry(server: PrintServer, queue: PrintQueue) -> None:
    for job in queue.failed:
        server.retry(job)


def _stop_signal(retry: Callable[[], None]) -> asyncio.Event:
    """Return an event that SIGINT, SIGTERM and SIGHUP set. SIGUSR1 calls ``retry``."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows: Ctrl-C raises KeyboardInterrupt instead
        for number in _stop_numbers():
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, retry)
    return stop


def _stop_numbers() -> Iterator[int]:
    """Yield the signals that stop the printer; SIGHUP only where ``nohup`` does not ignore it."""
    yield from (signal.SIGINT, signal.SIGTERM)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # a terminal was closed
        yield signal.SIGHUP


def _leave_signals() -> None:
    """Let a second SIGINT, SIGTERM or SIGHUP end the process at once."""
    loop = asyncio.get_running_loop()
    for number in _stop_numbers():
        loop.remove_signal_handler(number)


def _policy(called: str | None, allowed: Sequence[str]) -> Policy:
    """Return the policy of the options; it rejects with reasons 7 (called) and 3 (calling), PS3.8 Table 9-21."""
    policies = [called_titles(called)] if called is not None else []
    if allowed:
        policies.append(calling_titles(allowed))
    return all_of(*policies)


# --- argument types ---


def _curve(path: str) -> CharacteristicCurve:
    with Path(path).open(encoding="utf-8-sig", errors="replace") as lines:
        return read_curve(lines)


def _host(text: str) -> str:
    """Return the host of an argument. An empty host, as from an unset variable, would listen on all addresses."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not an address, such as 127.0.0.1, or 0.0.0.0 for all")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def _formats(text: str) -> tuple[str, ...]:
    formats = tuple(text.lower().split(","))
    check_formats(formats)
    return formats
