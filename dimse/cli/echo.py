"""The command ``dimse echo``, which verifies a peer with C-ECHO."""

import argparse
import json
import sys
import time

from ..message import GENERAL_STATUS
from ..net import TLSContext, Trace, connect
from ..net.scu import c_echo
from ..terminal import (
    Peer,
    add_client_tls,
    add_timeout,
    add_trace,
    ae_title,
    cancel_on_sigterm,
    client_tls,
    peer,
    positive,
    run_loop,
    timeouts,
    trace,
)
from ..uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, Verification

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = "Associate with a peer, send C-ECHO, and print the time of each response."
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="peer to verify")
    parser.add_argument(
        "--calling", type=ae_title, default="DIMSE-PRINT", metavar="AE", help="our AE title (default: %(default)s)"
    )
    parser.add_argument("--repeat", type=positive, default=1, metavar="N", help="number of C-ECHOs (default: 1)")
    add_timeout(parser)
    add_trace(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    add_client_tls(parser)
    parser.set_defaults(command=lambda arguments: _echo(parser, arguments))


def _echo(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    tls, recording = client_tls(parser, arguments), trace(parser, arguments)
    return run_loop(cancel_on_sigterm(_echo_peer(arguments, tls, recording)))


async def _echo_peer(arguments: argparse.Namespace, tls: TLSContext | None, recording: Trace | None) -> int:
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
        tls=tls,
        trace=recording,
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
