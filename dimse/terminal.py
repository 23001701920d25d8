"""Building blocks for the commands of both command lines: the event loop, signals, common options, argument types."""

import argparse
import asyncio
import logging
import re
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from .errors import EncodeError, escaped, shown
from .net import Record, Timeouts, TLSContext, TLSProfile, Trace, client_context, record, server_context
from .net.arguments import check_ae_title, is_host

__all__ = [
    "Peer",
    "add_client_tls",
    "add_server_tls",
    "add_timeout",
    "add_trace",
    "ae_title",
    "capture_path",
    "client_tls",
    "folder_path",
    "listening_address",
    "not_empty",
    "on_signal",
    "peer",
    "positive",
    "reset_signal",
    "run_loop",
    "seconds",
    "server_tls",
    "timeouts",
    "trace",
    "cancel_on_sigterm",
]

_log = logging.getLogger("dimse.terminal")

T = TypeVar("T")

_PEER = re.compile(r"(?:(?P<title>(?s:.*))@)?(?P<host>\[[^\]]+\]|[^:@\[\]]+):(?P<port>[0-9]+)")
_LISTEN = re.compile(r"(?:(?P<host>\[[^\]]+\]|[^:\[\]]+):)?(?P<port>[0-9]{1,5})")
_FILE = re.compile(r"\.(?:p?cap|pcapng|html?|json|xml)(?:\.gz)?$", re.IGNORECASE)  # the end of a file's name
_MAX_DIGITS = 18  # digits of a number in an argument
_HIGHEST_PORT = 65535  # TCP ports have 16 bits


def run_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` as `asyncio.run` does, but on uvloop if it is installed. The extra ``fast`` installs uvloop.

    With uvloop on both ends, a C-ECHO takes three quarters of the time. The import of uvloop takes 5 ms. The tester
    needs the transports of asyncio, so `verify` calls `asyncio.run`. So does `tap`, which forwards in its own threads.
    """
    with asyncio.Runner(loop_factory=_uvloop_factory()) as runner:
        _log.info("event loop: %s", type(runner.get_loop()).__module__.partition(".")[0])
        return runner.run(work)


def _uvloop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the function that makes a loop of uvloop; None if uvloop is not installed."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = new_event_loop
    return factory


def on_signal(number: signal.Signals, callback: Callable[..., object], *arguments: object) -> None:
    """Call ``callback`` when a signal comes.

    Do nothing on Windows and outside of the main thread, where asyncio cannot handle signals.
    """
    if _can_handle_signals():
        asyncio.get_running_loop().add_signal_handler(number, callback, *arguments)


def reset_signal(number: signal.Signals) -> None:
    """Undo `on_signal`."""
    if _can_handle_signals():
        asyncio.get_running_loop().remove_signal_handler(number)


def _can_handle_signals() -> bool:
    return sys.platform != "win32" and threading.current_thread() is threading.main_thread()


async def cancel_on_sigterm(work: Coroutine[None, None, int]) -> int:
    """Run ``work`` and return its exit status.

    SIGTERM cancels ``work``, as Ctrl-C does, so that a peer gets an A-ABORT; the exit status is then 143.
    """
    task = asyncio.ensure_future(work)
    terminated = asyncio.Event()

    def terminate() -> None:
        terminated.set()
        task.cancel()

    on_signal(signal.SIGTERM, terminate)
    try:
        return await task
    except asyncio.CancelledError:
        if not terminated.is_set():
            raise  # Ctrl-C: asyncio.run raises KeyboardInterrupt
        return 128 + signal.SIGTERM


def timeouts(arguments: argparse.Namespace) -> Timeouts:
    """Return the timeouts of ``--timeout``; see `add_timeout`."""
    if arguments.timeout is None:
        return Timeouts()
    return Timeouts(connect=arguments.timeout, dimse=arguments.timeout)


def add_timeout(parser: argparse._ActionsContainer) -> None:
    """Add ``--timeout``, for commands that connect to a peer."""
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help=f"time limit for the association and for each response (default: {Timeouts().connect:g} for the "
        f"association, {Timeouts().dimse:g} for a response)",
    )


def add_trace(parser: argparse._ActionsContainer) -> None:
    """Add ``--trace`` and ``--trace-tls``; see `trace`."""
    parser.add_argument(
        "--trace",
        type=capture_path,
        metavar="FILE",
        help="record all bytes for `dimse explain` and Wireshark: in one capture if FILE ends in .pcapng, otherwise in "
        "a folder with one capture per association. If FILE is -, print each PDU, message and state on stderr, with "
        "seconds from the start",
    )
    parser.add_argument("--trace-tls", action="store_true", help="also record connections with TLS, decrypted")


def trace(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Trace | None:
    """Return the trace that ``--trace`` asks for; None without it. Raises OSError if the file cannot be created.

    End the program if the options ask for a capture and for TLS, but ``--trace-tls`` is missing.
    """
    if arguments.trace is None:
        return None
    if arguments.trace == "-":
        return _printing_trace()
    options = ("tls", "tls_no_verify", "tls_ca", "tls_cert", "tls_key", "tls_profile")
    if any(getattr(arguments, option, None) for option in options) and not arguments.trace_tls:
        parser.error("--trace would record decrypted TLS: add --trace-tls if that is intended")
    return record(arguments.trace, tls=arguments.trace_tls)


def _printing_trace() -> Trace:
    """Return a trace that prints each record on stderr, in one line."""
    start: float | None = None

    def show(event: Record) -> None:
        nonlocal start
        start = event.time if start is None else start
        print(f"{event.time - start:9.4f} {escaped(str(event))}", file=sys.stderr)

    return show


# --- TLS ---


def add_client_tls(parser: argparse.ArgumentParser, side: str = "") -> None:
    """Add the TLS options of a command that connects to a peer; see `client_tls`.

    With ``side`` "to", for instance, the options are ``--to-tls``, ``--to-tls-ca`` and so on.
    """
    option = _tls_option(side)
    words = "each option turns TLS on"
    group = parser.add_argument_group(f"TLS of --{side} ({words})" if side else f"TLS ({words})")
    group.add_argument(option, action="store_true", help="use TLS")
    trust = group.add_mutually_exclusive_group()
    trust.add_argument(
        f"{option}-ca",
        type=not_empty,
        metavar="FILE",
        help="trust the authorities in this file (default: the system's)",
    )
    trust.add_argument(f"{option}-no-verify", action="store_true", help="accept any certificate; for tests only")
    _add_identity(group, "certificate of this side, if the peer demands one", option)
    _add_profile(group, option)


def client_tls(parser: argparse.ArgumentParser, arguments: argparse.Namespace, side: str = "") -> TLSContext | None:
    """Return the TLS context of the options; None for a plain connection. Raises as `client_context` does.

    End the program if there is a key without a certificate.
    """
    option = _tls_option(side)
    options = _TLSOptions(arguments, option)
    is_wanted, is_unverified = options.flag(""), options.flag("no_verify")
    if not (is_wanted or is_unverified or options.ca or options.certificate or options.key or options.profile):
        return None
    if options.key and not options.certificate:
        parser.error(f"{option}-key needs {option}-cert")
    profile = options.profile or "B.12"
    return client_context(options.ca, options.certificate, options.key, verify=not is_unverified, profile=profile)


def add_server_tls(parser: argparse.ArgumentParser, side: str = "") -> None:
    """Add the TLS options of a command that listens; see `server_tls`, and `add_client_tls` for ``side``."""
    option = _tls_option(side)
    group = parser.add_argument_group(f"TLS of --{side}" if side else "TLS")
    _add_identity(group, "certificate of this side; turns TLS on", option)
    group.add_argument(
        f"{option}-ca",
        type=not_empty,
        metavar="FILE",
        help="require client certificates from the authorities in this file",
    )
    _add_profile(group, option)


def server_tls(parser: argparse.ArgumentParser, arguments: argparse.Namespace, side: str = "") -> TLSContext | None:
    """Return the TLS context of the options; None for plain connections. Raises as `server_context` does.

    End the program if there is another of these options without a certificate.
    """
    option = _tls_option(side)
    options = _TLSOptions(arguments, option)
    if options.certificate:
        return server_context(options.certificate, options.key, ca=options.ca, profile=options.profile or "B.12")
    if options.key or options.ca or options.profile:
        parser.error(f"{option}-key, {option}-ca and {option}-profile need {option}-cert")
    return None


def _tls_option(side: str) -> str:
    """Return the name of the option that turns TLS on."""
    return f"--{side}-tls" if side else "--tls"


class _TLSOptions:
    """The values of the TLS options of one side."""

    def __init__(self, arguments: argparse.Namespace, option: str) -> None:
        self._arguments = arguments
        self._name = option.lstrip("-").replace("-", "_")
        self.ca = self._text("ca")
        self.certificate = self._text("cert")
        self.key = self._text("key")
        self.profile: TLSProfile | None = getattr(arguments, f"{self._name}_profile")

    def flag(self, name: str) -> bool:
        return bool(getattr(self._arguments, "_".join(filter(None, (self._name, name)))))

    def _text(self, name: str) -> str | None:
        value: str | None = getattr(self._arguments, f"{self._name}_{name}")
        return value


def _add_identity(group: argparse._ArgumentGroup, what: str, option: str) -> None:
    group.add_argument(f"{option}-cert", type=not_empty, metavar="FILE", help=what)
    group.add_argument(f"{option}-key", type=not_empty, metavar="FILE", help="private key (default: in the same file)")


def _add_profile(group: argparse._ArgumentGroup, option: str) -> None:
    group.add_argument(
        f"{option}-profile",
        choices=get_args(TLSProfile),
        help="TLS profile of PS3.15: B.12 (default; DCMTK: --profile-8996), or B.13 (DCMTK: --profile-8996-mod), which "
        "allows more cipher suites, but no short keys; B.13 needs the extra dimse-print[tls]",
    )


# --- argument types ---


@dataclass(frozen=True, slots=True)
class Peer:
    """An application entity and its address, written ``AE@HOST:PORT``; the default AE title is ANY-SCP.

    An AE title may contain "@" (PS3.5 §6.2), a host cannot.
    """

    ae_title: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Peer":
        """Return the peer in ``text``, where an IPv6 address has brackets. Raises `EncodeError`.

        The AE title is not checked.
        """
        match = _PEER.fullmatch(text)
        if match is None:
            raise EncodeError(f"{text!r} is not AE@HOST:PORT, such as PRINTSCP@127.0.0.1:11112")
        if len(match["port"]) > len(str(_HIGHEST_PORT)) or not 0 < int(match["port"]) <= _HIGHEST_PORT:
            raise EncodeError(f"{text!r} is not AE@HOST:PORT: {shown(match['port'])} is not a port, 1 to 65535")
        title, host = "ANY-SCP" if match["title"] is None else match["title"], match["host"].strip("[]")
        if not is_host(host):
            raise EncodeError(f"{text!r} is not AE@HOST:PORT: {shown(host)} is not a valid host name")
        return cls(title, host, int(match["port"]))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.ae_title}@{host}:{self.port}"


def peer(text: str) -> Peer:
    """Return the peer that an argument names."""
    try:
        target = Peer.parse(text)
        check_ae_title(target.ae_title, "AE title")
    except EncodeError as exc:
        raise argparse.ArgumentTypeError(exc.what) from exc
    return target


def listening_address(text: str) -> tuple[str, int]:
    """Return the host and the port in an argument ``[HOST:]PORT``; the host is 127.0.0.1 by default."""
    match = _LISTEN.fullmatch(text)
    if match is None or int(match["port"]) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not PORT or HOST:PORT, with a port from 0 to 65535")
    host = (match["host"] or "127.0.0.1").strip("[]")
    if not is_host(host):
        raise argparse.ArgumentTypeError(f"{shown(host)} is not a valid host name")
    return host, int(match["port"])


def ae_title(text: str) -> str:
    """Return the AE title in an argument."""
    try:
        return check_ae_title(text, "AE title")
    except EncodeError as exc:
        raise argparse.ArgumentTypeError(exc.what) from exc


def not_empty(text: str) -> str:
    """Return a text argument. An empty one, such as an unset variable of a shell, must not turn an option off."""
    if not text:
        raise argparse.ArgumentTypeError("is empty")
    return text


def capture_path(text: str) -> str:
    """Return the argument that names a capture in the format pcapng, a folder for such captures, or - (see `trace`)."""
    path = Path(not_empty(text))
    if _FILE.search(path.name) and path.suffix != ".pcapng" and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is neither a folder nor a name that ends in .pcapng")
    return text


def folder_path(text: str) -> Path:
    """Return the folder that an argument names. A name with the ending of a file must be that of an existing folder."""
    path = Path(not_empty(text))
    if _FILE.search(path.name) and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} looks like the name of a file: name a folder")
    return path


def positive(text: str) -> int:
    """Return the positive integer in an argument; it has at most 18 digits, so that it can become a float."""
    if not text.isdecimal() or len(text) > _MAX_DIGITS or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{shown(text)} is not a positive integer of at most {_MAX_DIGITS} digits")
    return int(text)


def seconds(text: str) -> float:
    """Return the number of seconds in an argument, above 0 and below 1,000,000."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0 and below 1000000")
    return value
