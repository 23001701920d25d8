"""The ``dimse`` command line: is a peer there, and what is in a file.

Exit status: 0 done, 1 the peer or the file failed (the reason on stderr, in one line), 2 wrong usage.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import NoReturn

from .data.dump import dump
from .data.part10 import read_file
from .errors import DecodeError, DimseError, EncodeError
from .message import GENERAL_STATUS
from .net import Timeouts, connect
from .net.client import check_ae_title
from .net.scu import c_echo
from .peer import Peer
from .uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification

__all__ = [
    "Parser",
    "add_timeout",
    "ae_title",
    "main",
    "peer",
    "positive",
    "printable",
    "run",
    "seconds",
    "timeouts",
    "until_terminated",
]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = Parser(
        prog="dimse",
        description="Talk to DICOM peers and look into DICOM files.",
        epilog="Peers are written AE@HOST:PORT. Exit status: 0 done, 1 failed, 2 wrong usage.",
    )
    parser.add_argument("-v", "--verbose", action="count", default=0, help="log what happens; -vv the wire, too")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_echo(commands.add_parser("echo", help="ask a peer for an echo (C-ECHO)"))
    _add_dump(commands.add_parser("dump", help="show a DICOM file as text"))
    return run(parser, argv)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {printable(message)} (see {self.prog} --help)\n")


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse ``argv`` and run the chosen command: errors become one line and an exit status."""
    arguments = parser.parse_args(argv)
    levels = (logging.WARNING, logging.INFO, logging.DEBUG)
    level = levels[min(arguments.verbose, 2)]
    logging.basicConfig(level=level, format="%(name)s: %(message)s", stream=sys.stderr)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except BrokenPipeError:  # whoever read our output has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except DimseError as exc:
        return _fail(parser, str(exc))
    except OSError as exc:
        where = f"{exc.filename}: " if exc.filename else ""
        return _fail(parser, f"{where}{exc.strerror or exc}")


def _fail(parser: argparse.ArgumentParser, reason: str) -> int:
    print(f"{parser.prog}: {printable(reason)}", file=sys.stderr)
    return 1


def printable(text: str) -> str:
    """What a peer or a file says, harmless to a terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


async def until_terminated(work: Coroutine[None, None, int]) -> int:
    """Do ``work``; SIGTERM cancels it, as Ctrl-C does, so that a peer is told with an A-ABORT."""
    task = asyncio.ensure_future(work)
    with suppress(NotImplementedError, RuntimeError):  # Windows has no such handlers, nor has another thread
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM


def timeouts(arguments: argparse.Namespace) -> Timeouts:
    """What ``--timeout`` says; see `add_timeout`."""
    if arguments.timeout is None:
        return Timeouts()
    return Timeouts(connect=arguments.timeout, dimse=arguments.timeout)


def add_timeout(parser: argparse.ArgumentParser) -> None:
    """The option that all commands have which ask a peer."""
    parser.add_argument(
        "--timeout",
        type=seconds,
        metavar="SECONDS",
        help=f"how long to wait for the association, and for each response (default: {Timeouts().connect:g}, "
        f"{Timeouts().dimse:g})",
    )


# --- argument types, for the command lines of both packages ---


def peer(text: str) -> Peer:
    """An argument that names a peer."""
    try:
        return Peer.parse(text)
    except EncodeError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc


def ae_title(text: str) -> str:
    """An argument that is an AE title."""
    try:
        return check_ae_title(text, "AE title")
    except EncodeError as exc:
        raise argparse.ArgumentTypeError(exc.what) from exc


def positive(text: str) -> int:
    """An argument that counts something."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1")
    return int(text)


def seconds(text: str) -> float:
    """An argument that is a time."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


# --- dimse echo ---


def _add_echo(parser: argparse.ArgumentParser) -> None:
    parser.description = "Associate with a peer, ask for an echo, and say how long it took."
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="whom to ask")
    parser.add_argument("--calling", type=ae_title, default="DIMSE-PRINT", metavar="AE", help="who asks")
    parser.add_argument("--repeat", type=positive, default=1, metavar="N", help="how often on one association")
    add_timeout(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.set_defaults(command=lambda arguments: asyncio.run(until_terminated(_echo(arguments))))


async def _echo(arguments: argparse.Namespace) -> int:
    target: Peer = arguments.peer
    contexts = {Verification: (ExplicitVRLittleEndian, ImplicitVRLittleEndian)}
    times = []
    status = 0
    async with connect(
        target.host,
        target.port,
        contexts,
        called_ae_title=target.ae_title,
        calling_ae_title=arguments.calling,
        timeouts=timeouts(arguments),
    ) as association:
        for _ in range(arguments.repeat):
            start = time.perf_counter()
            status = (await c_echo(association)).Status
            times.append((time.perf_counter() - start) * 1000)
            if status != 0:
                break
    if arguments.json:
        answer = {
            "peer": str(target),
            "status": f"{status:04X}",
            "milliseconds": [round(t, 3) for t in times],
        }
        print(json.dumps(answer))
    elif status == 0:
        for number, milliseconds in enumerate(times, 1):
            print(f"echo {number} from {target}: {milliseconds:.2f} ms")
    if status != 0:
        words = GENERAL_STATUS.get(status, "unknown")
        print(f"dimse: {target} answered C-ECHO with status {status:04X}H ({words})", file=sys.stderr)
    return 0 if status == 0 else 1


# --- dimse dump ---


def _add_dump(parser: argparse.ArgumentParser) -> None:
    parser.description = "Show the File Meta Information and the Data Set of a DICOM file, element by element."
    parser.add_argument("files", nargs="+", metavar="FILE", help="a DICOM file")
    parser.set_defaults(command=_dump)


def _dump(arguments: argparse.Namespace) -> int:
    for name in arguments.files:
        try:
            file = read_file(name)
        except DecodeError as exc:
            print(f"dimse: {name}: {printable(str(exc))}", file=sys.stderr)
            return 1
        if len(arguments.files) > 1:
            print(f"# {name}")
        print(f"# File Meta Information\n{dump(file.meta)}")
        print(f"# Data Set, {file.syntax.name}\n{dump(file.dataset)}")
    return 0
