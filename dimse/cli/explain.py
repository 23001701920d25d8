"""``dimse explain``: recorded associations, field by field."""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..errors import DecodeError, escaped
from ..explain import (
    ACCEPTOR,
    REQUESTOR,
    Connection,
    Conversation,
    Line,
    Turn,
    format_lines,
    is_capture,
    opens_association,
    read_capture,
)
from ..explain.fields import UNRECOGNIZED
from ..ul.pdu import HEADER, PDU_TYPES

__all__ = ["add"]

_Said = list[tuple[str, bytes]]  # sides and their bytes, in order


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = (
        "Explain recorded associations: each byte of each PDU with its field in the standard's words, Command Sets, "
        "and Data Sets whose transfer syntax is known. Passcodes and other credentials stay hidden."
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="a capture (pcap or pcapng): all its TCP connections that begin with an A-ASSOCIATE-RQ are shown; "
        "or the bytes that one side sent. > is the requestor, < the acceptor",
    )
    parser.add_argument("-L", "--long", action="store_true", help="show long fields and values in full")
    parser.add_argument("--bytes", action="store_true", help="also show the bytes of each element of a Data Set")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--brief", action="store_true", help="one line for each PDU, without the contents of Data Sets")
    form.add_argument("--json", action="store_true", help="one JSON object for each PDU, with its fields, on a line")
    parser.set_defaults(command=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    shown_whole = partial(_whole, is_long=arguments.long)
    show = _brief if arguments.brief else _json if arguments.json else shown_whole
    failures = []
    try:
        for number, (title, said, gaps) in enumerate(_associations(Path(arguments.file).read_bytes()), 1):
            if title and not arguments.json:
                print(f"# association {number}: {title}")
            for turn in _turns(said, with_bytes=arguments.bytes, whole=arguments.long):
                show(turn, number)
                if turn.name == UNRECOGNIZED.name.removesuffix(" PDU"):
                    failures.append(
                        f"association {number}: the bytes of {turn.who} from byte {turn.offset} on are not a PDU"
                    )
            failures += [f"association {number}: {gap}" for gap in gaps]
    except DecodeError as exc:
        failures.append(str(exc))
    for failure in failures:
        print(f"dimse: {arguments.file}: {escaped(failure)}", file=sys.stderr)
    return 1 if failures else 0


def _turns(said: _Said, *, with_bytes: bool, whole: bool) -> Iterator[Turn]:
    conversation = Conversation(with_bytes=with_bytes, whole=whole)
    for who, data in said:
        yield from conversation.receive(who, data)
    yield from conversation.close()


# --- the recording ---


def _associations(data: bytes) -> Iterator[tuple[str, _Said, list[str]]]:
    """Yield each association of a recording: its title, the bytes of both sides, and its gaps in words."""
    if not is_capture(data):
        yield "", [(_who(data), data)], []
        return
    found = False
    for connection in read_capture(data):
        for by_client in (True, False):
            if opens_association(_beginning(connection, by_client)):
                yield _association(connection, by_client)
                found = True
    if not found:
        raise DecodeError("no TCP connection begins with an A-ASSOCIATE-RQ")


def _who(data: bytes) -> str:
    """Return which side sent a recorded stream: an acceptor begins with A-ASSOCIATE-AC or -RJ."""
    if data[:1] not in {bytes([kind]) for kind in PDU_TYPES.values()}:
        raise DecodeError("neither a capture (pcap, pcapng) nor a stream of PDUs: the first byte is not a PDU-type")
    return ACCEPTOR if data[0] in (0x02, 0x03) else REQUESTOR


def _beginning(connection: Connection, by_client: bool) -> bytes:
    """Return the header of the first PDU of one side."""
    pieces = (bytes(piece[: HEADER.size]) for is_client, piece in connection.said if is_client == by_client)
    return b"".join(pieces)[: HEADER.size]


def _association(connection: Connection, by_client: bool) -> tuple[str, _Said, list[str]]:
    """Return title, bytes and gaps of a connection; ``by_client`` says whether the requestor is its client."""
    requestor, acceptor = connection.client, connection.server
    if not by_client:
        requestor, acceptor = acceptor, requestor
    who = {by_client: REQUESTOR, not by_client: ACCEPTOR}
    said = [(who[is_client], bytes(piece)) for is_client, piece in connection.said]
    gaps = [
        f"bytes of {who[is_client]} are missing in the capture after byte {at}" for is_client, at in connection.gaps
    ]
    return f"{requestor} > {acceptor}", said, gaps


# --- the output ---


def _whole(turn: Turn, _association: int, *, is_long: bool) -> None:
    print(f"{turn.who} {turn.name}, {turn.length} bytes")
    for row in format_lines(turn.lines, rows=None, width=sys.maxsize) if is_long else format_lines(turn.lines):
        print(row)
    print()


def _brief(turn: Turn, _association: int) -> None:
    print(f"{turn.who} {turn.offset:06X} {turn.length:7} {turn.name:14}  {turn.summary}".rstrip())


def _json(turn: Turn, association: int) -> None:
    print(
        json.dumps(
            {
                "association": association,
                "from": "requestor" if turn.who == REQUESTOR else "acceptor",
                "offset": turn.offset,
                "length": turn.length,
                "pdu": turn.name,
                "summary": turn.summary,
                "fields": [_field(line) for line in turn.lines],
            }
        )
    )


def _field(line: Line) -> dict[str, object]:
    """Return a field as JSON, without empty members, and without the bytes of a credential."""
    place = {"offset": line.offset, "length": len(line.data), "depth": line.depth}
    shown: dict[str, object] = {**place, "field": line.field}
    for key, value in (("value", line.value), ("table", line.table), ("error", line.error)):
        if value:
            shown[key] = value
    if line.data and not line.secret:
        shown["hex"] = line.data.hex()
    return shown
