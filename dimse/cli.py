"""The ``dimse`` command line: is a peer there, and what is in a file."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence

from .data.dump import dump
from .data.part10 import read_file
from .errors import DecodeError
from .message import GENERAL_STATUS
from .net import connect
from .net.scu import c_echo
from .peer import Peer
from .terminal import (
    EXIT_STATUS,
    Parser,
    add_timeout,
    ae_title,
    peer,
    positive,
    printable,
    run,
    timeouts,
    until_terminated,
)
from .uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = Parser(prog="dimse", description="Talk to DICOM peers and look into DICOM files.", epilog=EXIT_STATUS)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_echo(commands.add_parser("echo", help="ask a peer for an echo (C-ECHO)"))
    _add_dump(commands.add_parser("dump", help="show a DICOM file as text"))
    return run(parser, argv)


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
