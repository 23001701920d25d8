"""The command ``dimse tap``, which stands between two programs and shows what they send to each other."""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Thread

from ..errors import escaped
from ..explain import ACCEPTOR, REQUESTOR, View
from ..explain.pcapng import Address
from ..net import Recorder, Timeouts, TLSContext, record, relay
from ..net.capture_writer import PATIENCE
from ..net.recorder import Tap
from ..terminal import (
    Peer,
    add_client_tls,
    add_server_tls,
    client_tls,
    folder_path,
    listening_address,
    on_signal,
    peer,
    reset_signal,
    seconds,
    server_tls,
)
from .tap_inbox import Inbox, keep_freed_memory
from .tap_lines import LineOptions, LineProcess
from .tap_live import Views, listening_socket, url_of
from .tap_pages import PageProcess

__all__ = ["add", "no_views", "remove_recordings"]

_SECOND = 1e9  # nanoseconds
_STOPS = (signal.SIGINT, signal.SIGTERM)  # the signals that end the command


def no_views() -> Sequence[View]:
    """Return no views, so that messages are explained without their meaning in a service."""
    return ()


def add(parser: argparse.ArgumentParser, views: Views = no_views) -> None:
    """Add the options of the command to ``parser``. ``views`` returns new views for each association (`View`).

    ``views`` is pickled for other processes, so it must be a function at the top level of a module.
    """
    parser.description = (
        "Forward all bytes between two programs unchanged, and print a line for each PDU; with options, also record "
        "and explain each association. A line begins with the number of its association; > marks the PDUs of the "
        "client, < the PDUs of the target."
    )
    parser.add_argument(
        "--listen",
        type=listening_address,
        required=True,
        metavar="[HOST:]PORT",
        help="address to listen on; port 0 chooses a free one (default HOST: 127.0.0.1)",
    )
    parser.add_argument(
        "--to",
        type=peer,
        required=True,
        metavar="AE@HOST:PORT",
        help="address to forward to; AE may be left out, because clients send it themselves",
    )
    _add_outputs(parser)
    parser.add_argument(
        "--timeout",
        type=seconds,
        default=Timeouts().connect,
        metavar="SECONDS",
        help="time limit for the connection to the target, and for TLS handshakes (default: %(default)g)",
    )
    add_server_tls(parser, "listen")
    add_client_tls(parser, "to")
    parser.set_defaults(command=partial(_tap, parser, views))


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what the tap shows and writes."""
    parser.add_argument(
        "--html", type=folder_path, metavar="DIR", help="write an HTML page for each association to this folder"
    )
    parser.add_argument(
        "--pcap", type=folder_path, metavar="DIR", help="write a capture for each association to this folder"
    )
    parser.add_argument(
        "--live",
        type=listening_address,
        metavar="[HOST:]PORT",
        help="serve a web page that shows the associations while they happen; /events streams them as JSON events "
        "(docs/trace-schema.json); if other machines can reach HOST, their users can read the events, too",
    )
    parser.add_argument(
        "--redact",
        action="store_true",
        help="hide possible patient data and the addresses in lines, pages and the live view",
    )
    parser.add_argument("--quiet", action="store_true", help="do not print a line for each PDU")


def _tap(parser: argparse.ArgumentParser, views: Views, arguments: argparse.Namespace) -> int:
    tls, to_tls = server_tls(parser, arguments, "listen"), client_tls(parser, arguments, "to")
    if arguments.redact and arguments.pcap is not None:
        parser.error("--pcap records all bytes, so it cannot be used with --redact")
    with ExitStack() as stack:
        folder: Path | None = arguments.pcap
        pages = None
        if arguments.html is not None:
            arguments.html.mkdir(parents=True, exist_ok=True)
            if folder is None:
                folder = Path(tempfile.mkdtemp(prefix=".tap-", dir=arguments.html))
                stack.callback(remove_recordings, folder)
            pages = PageProcess(views, is_redacted=arguments.redact)
            stack.callback(pages.close)
        live = None if arguments.live is None else stack.enter_context(listening_socket(*arguments.live))
        lines = None
        if live is not None or not arguments.quiet:
            lines = LineProcess(LineOptions(arguments.quiet, arguments.redact, live, _host(arguments.live), views))
            stack.callback(lines.close)
        if live is not None:
            print(f"live view at {url_of(live)}", flush=True)
        output = _Output(lines=lines, pages=pages, html=arguments.html, keep=arguments.pcap is not None)
        output.is_redacted = arguments.redact
        if folder is not None:
            output.recorder = record(folder)
            stack.callback(output.recorder.finish)
        keep_freed_memory()
        asyncio.run(_forward(arguments, tls, to_tls, output))
    return 0


def remove_recordings(folder: Path) -> None:
    """Remove the recordings from which pages were made, but do not wait for a disk that hangs.

    If the folder remains, say so on stderr.
    """
    is_removed = list[bool]()

    def remove() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        is_removed.append(not folder.exists())

    removing = Thread(target=remove, daemon=True)
    removing.start()
    removing.join(PATIENCE)
    if is_removed != [True]:
        why = "it cannot be removed" if is_removed else f"it was not removed within {PATIENCE:g} s"
        print(f"dimse: {escaped(str(folder))} remains: {why}", file=sys.stderr)


def _host(address: tuple[str, int] | None) -> str:
    return "" if address is None else address[0]


async def _forward(
    arguments: argparse.Namespace, tls: TLSContext | None, to_tls: TLSContext | None, output: "_Output"
) -> None:
    """Forward until Ctrl-C or SIGTERM. A second signal ends the command at once."""
    host, port = arguments.listen
    target: Peer = arguments.to
    timeouts = Timeouts(connect=arguments.timeout)
    watch = partial(output.open, Inbox())
    async with relay(
        host, port, target.host, target.port, watch=watch, tls=tls, to_tls=to_tls, timeouts=timeouts
    ) as running:
        address = f"[{running.host}]" if ":" in running.host else running.host
        print(f"listening on {address}:{running.port}, forwarding to {escaped(str(target))}", flush=True)
        await _wait_for_signal()


async def _wait_for_signal() -> None:
    stop = asyncio.Event()
    for number in _STOPS:
        on_signal(number, stop.set)
    try:
        await stop.wait()
    finally:
        for number in _STOPS:
            reset_signal(number)


class _Output:
    """The outputs for the bytes of all connections: lines, recordings and pages.

    ``html`` is the folder for pages. Unless ``keep``, a recording is deleted once its page is written.
    """

    def __init__(self, *, lines: LineProcess | None, pages: PageProcess | None, html: Path | None, keep: bool) -> None:
        self.lines = lines
        self.recorder: Recorder | None = None
        self.is_redacted = False
        self._pages = pages
        self._html = html
        self._keep = keep
        self._count = 0

    def open(self, inbox: Inbox, client: Address, target: Address) -> "_Watch":
        """Return the observer of a new connection."""
        self._count += 1
        title = f"{_address_text(client)} > {_address_text(target)}"
        tap = None
        if self.recorder is not None:
            # `is_secure` is False even over TLS, so that decrypted bytes are recorded, too
            tap = self.recorder.tap(target, client, is_client=False, is_secure=False)
        if self.lines is not None:
            self.lines.opened(self._count, title)
        return _Watch(self, inbox, self._count, title, tap)

    def make_page(self, number: int, recording: Path, title: str, why: str, is_cut: bool) -> None:
        """Start to write the page of a recording; ``is_cut`` says that the recording ends before its association."""
        if self._pages is None or self._html is None:
            return
        stem = recording.stem
        name = "-".join(stem.split("-")[:2]) if self.is_redacted else stem  # without the address
        page = self._html / f"{name}.html"
        faults = ["The recording ends early: the disk was full or too slow, or had an error."] if is_cut else []
        faults += [] if why == "closed by both sides" else [f"The connection ended: {why}."]
        made = self._pages.make(recording, page, title, faults, keep=self._keep)
        made.add_done_callback(partial(_report_page, page, number))


def _report_page(page: Path, number: int, done: "Future[str]") -> None:
    error = done.exception()
    failure = done.result() if error is None else repr(error)
    if failure:
        print(f"dimse: association {number}: no page: {escaped(failure)}", file=sys.stderr)
    else:
        print(f"{number} = {escaped(str(page))}", flush=True)


def _address_text(address: Address) -> str:
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


class _Watch:
    """The observer of one connection."""

    def __init__(self, output: _Output, inbox: Inbox, number: int, title: str, tap: Tap | None) -> None:
        self._output = output
        self._inbox = inbox
        self.received = partial(inbox.note, self._show)
        self._number = number
        self._title = title
        self._tap = tap
        self._lines = output.lines

    def closed(self, why: str) -> None:
        self._inbox.hand_over()
        if self._tap is not None:
            self._tap.closed(partial(self._output.make_page, self._number, self._tap.path, self._title, why))
        if self._lines is not None:
            self._lines.closed(self._number, why)

    def _show(self, by_client: bool, data: bytes, when: int) -> None:
        if self._tap is not None:
            if by_client:
                self._tap.received(data, when)
            else:
                self._tap.sent((data,), when)
            self._tap.keep()
        if self._lines is not None:
            self._lines.received(self._number, REQUESTOR if by_client else ACCEPTOR, data, when / _SECOND)
