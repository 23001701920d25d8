"""``trace/ID.pcapng``: the conversation of each case as a capture, which Wireshark and ``dimse explain`` open.

Addresses and ports of the packets are made up: the tester is 127.0.0.1, the peer 127.0.0.2, and each connection has a
port of its own. The octets are real, except that zeros replace the user identities of a peer; if the association was
inside TLS, the octets are decrypted.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from ...explain.pcapng import Flow, Part, capture_header
from ..result import Run
from ..trace import CaseTrace, TraceEntry
from .privacy import Credentials

__all__ = ["capture", "write_capture", "write_captures"]

_TESTER, _PEER = "127.0.0.1", "127.0.0.2"
_DICOM, _FIRST_PORT, _PORTS = 104, 49152, 16384
_NANOSECONDS = 1_000_000_000


def write_captures(folder: Path, run: Run) -> None:
    """Write a capture for each case in which octets were sent or received."""
    folder.mkdir(parents=True, exist_ok=True)
    for result in run.results:
        if result.trace is not None and any(entry.data for entry in result.trace.entries):
            begun = _start_of(result.trace, run)
            (folder / f"{result.case.id}.pcapng").write_bytes(capture(result.trace, begun))


def write_capture(path: Path, run: Run) -> None:
    """Write all cases of a run to one capture, in which each connection has a port of its own."""
    traces = [result.trace for result in run.results if result.trace is not None]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(capture_header())
        connections = 0
        for trace in sorted(traces, key=lambda each: each.start):
            file.write(b"".join(_packets(trace, _start_of(trace, run), connections)))
            connections += trace.connections


def _start_of(trace: CaseTrace, run: Run) -> int:
    """Return the start of a case of a run in nanoseconds since the beginning of 1970; the first case starts the run."""
    start = int(datetime.fromisoformat(run.started).timestamp() * _NANOSECONDS) if run.started else 0
    first = min((result.trace.start for result in run.results if result.trace is not None), default=0.0)
    return start + int((trace.start - first) * _NANOSECONDS)


def capture(trace: CaseTrace, start: int) -> bytes:
    """Return the capture of a case that began ``start`` nanoseconds after the beginning of 1970."""
    return b"".join([capture_header(), *_packets(trace, start)])


def _packets(trace: CaseTrace, start: int, before: int = 0) -> Iterator[Part]:
    """Yield the packets of a case; ``before`` is the number of connections of earlier cases in the same capture."""
    flows: dict[int, Flow] = {}
    time = start
    credentials = Credentials()
    for entry in trace.entries:
        if not entry.data:
            continue
        time = start + int(entry.seconds * _NANOSECONDS)
        flow = flows.get(entry.connection)
        if flow is None:
            flow = flows[entry.connection] = _flow(trace, entry, before)
            yield from flow.opened(time)
        by_client = (entry.direction == ">") is not trace.tester_is_acceptor
        yield from flow.segments(by_client, [_octets(credentials, entry)], time)
    for flow in flows.values():
        yield from flow.closed(time)


def _octets(credentials: Credentials, entry: TraceEntry) -> bytes:
    octets = entry.whole or entry.data
    return credentials.hidden(entry, octets) if entry.direction == "<" else octets


def _flow(trace: CaseTrace, entry: TraceEntry, before: int) -> Flow:
    port = _FIRST_PORT + (before + entry.connection) % _PORTS
    client, server = (_PEER, _TESTER) if trace.tester_is_acceptor else (_TESTER, _PEER)
    return Flow((client, port), (server, _DICOM))
