"""``print-mgmt status``: what a printer says of itself."""

import argparse
import asyncio
import json
from ssl import SSLContext

from dimse.data import Dataset, Value
from dimse.peer import Peer
from dimse.terminal import (
    add_client_tls,
    add_timeout,
    ae_title,
    client_tls,
    peer,
    printable,
    timeouts,
    until_terminated,
)

from ..scu import PrintClient

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
    parser.description = "Ask a printer for what it says of itself (N-GET Printer)."
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="the printer")
    parser.add_argument(
        "--calling", type=ae_title, default="PRINTSCU", metavar="AE", help="our name (default: %(default)s)"
    )
    add_timeout(parser)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    add_client_tls(parser)
    parser.set_defaults(command=lambda arguments: _status(arguments, client_tls(parser, arguments)))


def _status(arguments: argparse.Namespace, tls: SSLContext | None) -> int:
    return asyncio.run(until_terminated(_ask(arguments, tls)))


async def _ask(arguments: argparse.Namespace, tls: SSLContext | None) -> int:
    target: Peer = arguments.peer
    client = PrintClient(
        target.host,
        target.port,
        called_ae_title=target.ae_title,
        calling_ae_title=arguments.calling,
        color=None,
        tls=tls,
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
