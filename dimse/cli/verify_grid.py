"""``verify grid`` of ``dimse`` and ``print-mgmt``: send one script to several peers, and compare their answers."""

import argparse
import asyncio
import json
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

from ..command_line import Parser, check_output
from ..errors import DecodeError, escaped
from ..files import write_whole
from ..terminal import Peer, add_client_tls, ae_title, cancel_on_sigterm, client_tls, peer, seconds
from ..verify import Target
from ..verify.grid import labels, run_grid
from ..verify.grid_output import grid_document, grid_page, grid_text
from ..verify.grid_script import GridScript, read_script

__all__ = ["add_grid", "target_of"]

_AGREE, _DIFFER, _NOT_REACHED = 0, 1, 3  # exit statuses
_EPILOG = r"""a script has one command on each line, in the language of `dimse lab`:

  # a comment; the comments in the first lines state the purpose of the script
  associate BasicGrayscalePrintManagementMeta:implicit,explicit Verification
  echo
  let session = new                            a new UID, which is the same for all peers
  send N-CREATE-RQ AffectedSOPClassUID=BasicFilmSession AffectedSOPInstanceUID=$session NumberOfCopies=1
  let made = AffectedSOPInstanceUID            a value of the last response, which differs from peer to peer
  echo on=1                                    on presentation context 1
  send N-GET-RQ RequestedSOPClassUID=Printer RequestedSOPInstanceUID=PrinterInstance
  raw 0900 00000004 00000000                   any octets, sent unchanged
  release                                      also: abort, close

Peers with the same letter gave the same answer: the same outcome and the same attributes. The comparison leaves out
UIDs that a peer has generated, Error Comments, Maximum Lengths and version names; --json and --html show them.

Exit status: 0 all peers agree on each line, 1 they differ, 2 wrong usage, 3 a peer was not reached.
"""


def add_grid(parser: Parser, scripts: Mapping[str, str], default: str) -> None:
    """Add the options of ``verify grid`` to ``parser``.

    ``scripts`` are the built-in scripts, by name; ``default`` is the name of the script that runs without ``--script``.
    """
    parser.description = "Send one script to several peers at the same time, and compare their answers line by line."
    parser.epilog = _EPILOG
    parser.add_argument("peers", nargs="*", type=peer, metavar="AE@HOST:PORT", help="peers to compare, two or more")
    parser.add_argument(
        "--script",
        default=default,
        metavar="FILE|NAME",
        help=f"a file, or one of {', '.join(scripts)} (default: {default})",
    )
    parser.add_argument("--show", action="store_true", help="print the script, and do nothing else")
    parser.add_argument("--print", dest="prints", action="store_true", help="also send N-ACTION, which prints films")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with all answers and PDUs")
    parser.add_argument("--json", action="store_true", help="print the grid as JSON")
    parser.add_argument(
        "--timeout", type=seconds, default=3.0, metavar="SECONDS", help="time limit for an answer (default: 3)"
    )
    parser.add_argument(
        "--calling",
        type=ae_title,
        default="VERIFYSCU",
        metavar="AE",
        help="AE title of the tester (default: VERIFYSCU)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of the UIDs (default: 1)")
    add_client_tls(parser)
    parser.set_defaults(command=lambda arguments: _compare(parser, arguments, scripts), prog=parser.prog)


def _compare(parser: argparse.ArgumentParser, arguments: argparse.Namespace, scripts: Mapping[str, str]) -> int:
    check_output(parser, arguments.html, [arguments.script])
    tls = client_tls(parser, arguments)
    if tls is not None and not isinstance(tls, ssl.SSLContext):
        parser.error("verify supports only --tls-profile B.12")
    try:
        script = read_script(arguments.script, scripts)
    except DecodeError as exc:
        parser.error(str(exc))
    except OSError as exc:
        parser.error(f"{arguments.script}: {exc.strerror or exc}")
    if arguments.show:
        print("\n".join((f"# {script.about}", *(step.text for step in script.steps))))
        return _AGREE
    if len(arguments.peers) < 2:
        parser.error("a grid needs two peers or more")
    names = labels(f"{each.ae_title}@{each.host}:{each.port}" for each in arguments.peers)
    peers = [(name, target_of(address, arguments, tls)) for name, address in zip(names, arguments.peers, strict=True)]
    return asyncio.run(cancel_on_sigterm(_run(script, peers, arguments)))


def target_of(address: Peer, arguments: argparse.Namespace, tls: ssl.SSLContext | None) -> Target:
    """Return the target at an address, with the title and the time limit of the options."""
    return Target(
        host=address.host,
        port=address.port,
        called=address.ae_title,
        calling=arguments.calling,
        tls=tls,
        timeout=arguments.timeout,
    )


async def _run(script: GridScript, peers: list[tuple[str, Target]], arguments: argparse.Namespace) -> int:
    grid = await run_grid(script, peers, seed=arguments.seed, prints=arguments.prints)
    if arguments.html is not None:
        write_whole(arguments.html, [grid_page(grid).encode()])
    print(json.dumps(grid_document(grid), indent=1) if arguments.json else grid_text(grid), end="\n" * arguments.json)
    faults = [f"{each.label}: {each.fault}" for each in grid.peers if each.fault]
    for fault in faults:
        print(escaped(f"{arguments.prog}: {fault}"), file=sys.stderr)
    if faults:
        return _NOT_REACHED
    return _AGREE if grid.is_unanimous else _DIFFER
