"""The TCP connections in a packet capture: files of tcpdump and Wireshark, pcap and pcapng.

The reader knows Ethernet, loopback, PPP, raw IP and Linux "cooked" frames, also with VLAN, MPLS and PPPoE headers; IPv4
and IPv6, also in fragments, and TCP; it skips other packets. It puts segments in order and drops repeated bytes. It
copies no data except that of fragments: the results are views of the uncompressed file, at most one for each packet.
"""

import ipaddress
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from io import BytesIO
from struct import Struct

from ..errors import DecodeError
from .datagrams import Datagrams
from .links import LINKS

__all__ = ["Connection", "is_capture", "read_capture"]

_Packet = tuple[float, int, memoryview]  # time, link type, bytes
_Endpoint = tuple[bytes, int]  # address and port


@dataclass(slots=True)
class Connection:
    """A TCP connection: the addresses of client and server, and the bytes of both.

    ``pieces`` holds pairs: whether the client sent the bytes, and the bytes. The pairs are in the order of the capture,
    except that a pair comes after the bytes of the other side that its segment acknowledges, if those were captured.
    ``times`` has the time of each pair, in seconds since 1970; 0 if a Simple Packet Block had the bytes, because such a
    block has no time. If neither SYN was captured, the side that sent the first captured packet counts as the client.
    ``gaps`` has a pair for each side with missing bytes: whether it is the client, and the number of bytes before the
    gap. Later bytes of that side are left out.
    """

    client: str
    server: str
    pieces: list[tuple[bool, memoryview]] = field(default_factory=list)
    gaps: list[tuple[bool, int]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def is_capture(data: bytes) -> bool:
    """Return whether ``data`` begins with the header of a capture, or of gzip."""
    return data[:4] in _PCAP_ORDER or data[:4] == _SECTION_HEADER or data[:3] == _GZIP


def read_capture(data: bytes, faults: list[DecodeError] | None = None) -> list[Connection]:
    """Return the TCP connections of a capture that carry data, in the order of their first packets.

    The capture may be compressed by gzip.

    Raises `DecodeError` if the file is cut off, damaged or not a capture, if a compressed capture has more than 1 GiB,
    if the capture has too many connections, and for an unsupported kind of network. If ``faults`` is given, the errors
    are added there instead, and the connections in the packets that could be read are returned.
    """
    tcp = _Reassembly()
    found: list[DecodeError] = [] if faults is None else faults
    unknown: set[int] = set()  # link types
    if data[:3] == _GZIP:
        data = _unpacked(data, found)
    try:
        for time, link_type, packet in _pcapng(data) if data[:4] == _SECTION_HEADER else _pcap(data):
            link = LINKS.get(link_type)
            if link is None:
                unknown.add(link_type)
            elif datagram := link(packet):
                tcp.add(datagram, time)
    except DecodeError as exc:
        found.append(exc.with_traceback(None))  # its traceback refers to this frame, which holds all bytes
    known = ", ".join(map(str, sorted(LINKS)))
    found += (DecodeError(f"link type {one} of a captured network is not one of {known}") for one in sorted(unknown))
    if faults is None and found:
        # Not found[0]: the error refers to this frame by its traceback, and the frame would refer to it by the list
        raise found.pop(0)
    return tcp.connections()


# --- files ---

_SECTION_HEADER = b"\x0a\x0d\x0d\x0a"
_INTERFACE, _PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 2, 3, 6  # the types of blocks
_PCAP_ORDER = {
    b"\xd4\xc3\xb2\xa1": "<",
    b"\xa1\xb2\xc3\xd4": ">",
    b"\x4d\x3c\xb2\xa1": "<",
    b"\xa1\xb2\x3c\x4d": ">",
}
_IN_NANOSECONDS = (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
_MICROSECOND, _NANOSECOND = 1e-6, 1e-9
_GZIP = b"\x1f\x8b\x08"
_MAX_UNPACKED, _UNPACKED_AT_ONCE = 1 << 30, 1 << 16  # bytes
# The codes of if_tsresol and if_tsoffset: the unit of an interface's times, and their start
_RESOLUTION, _OFFSET = 9, 14


def _unpacked(data: bytes, faults: list[DecodeError]) -> bytes:
    """Return the bytes that gzip has compressed, as far as they can be read; an error is added to ``faults``."""
    from gzip import GzipFile  # not at the top: few captures need it

    parts: list[bytes] = []
    length = 0
    try:
        with GzipFile(fileobj=BytesIO(data)) as file:
            while part := file.read1(_UNPACKED_AT_ONCE):
                parts.append(part)
                length += len(part)
                if length > _MAX_UNPACKED:
                    faults.append(DecodeError(f"the capture has more than {_MAX_UNPACKED >> 20} MiB", path="gzip"))
                    break
    except (EOFError, OSError, zlib.error) as exc:
        faults.append(DecodeError(f"the compressed capture is damaged: {exc}", path="gzip"))
    return b"".join(parts)


def _take(view: memoryview, start: int, size: int, what: str) -> memoryview:
    taken = view[start : start + size]
    if len(taken) < size:
        raise DecodeError(f"the capture is cut off: {size} bytes wanted, {len(taken)} left", path=what, offset=start)
    return taken


def _part(body: memoryview, start: int, size: int, what: str) -> memoryview:
    """Return a part of the body of a block. Raises DecodeError, without an offset, if the body is too short."""
    part = body[start : start + size]
    if len(part) < size:
        raise DecodeError(f"the block is too short: {size} bytes wanted, {len(part)} left", path=what)
    return part


def _pcap(data: bytes) -> Iterator[_Packet]:
    view = memoryview(data)
    order = _PCAP_ORDER.get(data[:4])
    if order is None:
        raise DecodeError("neither a pcap nor a pcapng file", offset=0)
    (link_type,) = Struct(f"{order}20xI").unpack(_take(view, 0, 24, "file header"))
    record = Struct(f"{order}III4x")  # time, captured length, length on the wire
    unit = _NANOSECOND if data[:4] in _IN_NANOSECONDS else _MICROSECOND
    position = 24
    while position < len(view):
        seconds, fraction, length = record.unpack(_take(view, position, record.size, "packet header"))
        packet = _take(view, position + record.size, length, "packet")
        yield seconds + fraction * unit, link_type & 0x0FFFFFFF, packet
        position += record.size + length


def _pcapng(data: bytes) -> Iterator[_Packet]:
    view = memoryview(data)
    order, position = "<", 0
    links: list[tuple[int, float, int]] = []  # the link type of each interface, the unit of its times, and their start
    while position < len(view):
        head = _take(view, position, 12, "block")
        if head[:4] == _SECTION_HEADER:
            order = "<" if bytes(head[8:]) == b"\x4d\x3c\x2b\x1a" else ">"
            links = []  # each section has its own interfaces
        kind, length = Struct(f"{order}II").unpack(head[:8])
        if length < 12 or length % 4:
            raise DecodeError(f"length {length} is below 12 or not a multiple of 4", path="block", offset=position)
        body = _take(view, position, length, "block")[8:-4]
        try:
            captured = _CAPTURED[kind](body, order) if kind in _CAPTURED else None
            if kind == _INTERFACE:
                links.append((Struct(f"{order}H").unpack(_part(body, 0, 2, "interface"))[0], *_clock(body[8:], order)))
        except DecodeError as exc:
            raise DecodeError(exc.what, path=exc.path, offset=position) from None
        if captured is not None:
            interface, time, packet = captured
            if interface >= len(links):
                words = f"a packet of interface {interface}; interfaces described before it: {len(links)}"
                raise DecodeError(words, path="block", offset=position)
            link_type, unit, start = links[interface]
            yield 0.0 if time is None else start + time * unit, link_type, packet
        position += length


def _clock(options: memoryview, order: str) -> tuple[float, int]:
    """Return the unit of an interface's times in seconds, and the time from which they count, in seconds since 1970."""
    unit, start = _MICROSECOND, 0
    while len(options) >= 5:
        code, length = Struct(f"{order}HH").unpack(options[:4])
        value = options[4 : 4 + length]
        if code == _RESOLUTION and len(value) == 1:
            exponent = value[0] & 0x7F
            unit = float(2.0**-exponent if value[0] & 0x80 else 10.0**-exponent)
        elif code == _OFFSET and len(value) == 8:
            (start,) = Struct(f"{order}q").unpack(value)
        options = options[4 + length + -length % 4 :] if code else options[:0]
    return unit, start


def _enhanced(body: memoryview, order: str) -> tuple[int, int, memoryview]:
    interface, high, low, length = Struct(f"{order}IIII4x").unpack(_part(body, 0, 20, "enhanced packet"))
    return interface, high << 32 | low, _part(body, 20, length, "enhanced packet")


def _simple(body: memoryview, order: str) -> tuple[int, None, memoryview]:
    (length,) = Struct(f"{order}I").unpack(_part(body, 0, 4, "simple packet"))
    # The block has no time. Its packet is shorter than ``length`` if the capture keeps only the start of each packet
    return 0, None, body[4 : 4 + length]


def _obsolete(body: memoryview, order: str) -> tuple[int, int, memoryview]:
    interface, high, low, length = Struct(f"{order}H2xIII4x").unpack(_part(body, 0, 20, "packet"))
    return interface, high << 32 | low, _part(body, 20, length, "packet")


_CAPTURED: dict[int, Callable[[memoryview, str], tuple[int, int | None, memoryview]]] = {
    _ENHANCED_PACKET: _enhanced,
    _SIMPLE_PACKET: _simple,
    _PACKET: _obsolete,
}

# --- TCP ---

_HEADER = Struct(">HHIIBB")  # source port, destination port, sequence and acknowledgment number, data offset, flags
# Whether the client sent the bytes, the bytes, how many bytes of the other side they acknowledge, the time
_Piece = tuple[bool, memoryview, int, float]
_FIN, _SYN, _ACK = 0x01, 0x02, 0x10  # flags
_WINDOW = 1 << 30  # the greatest number of bytes that TCP may have under way
_MAX_CONNECTIONS = 1 << 18  # each takes 1.3 KB of memory, but 56 bytes of a capture, and less than 1 byte with gzip


class _Half:
    """The bytes of one side: the segments in the order of their sequence numbers, each byte once."""

    def __init__(self, sequence: int) -> None:
        self.first = sequence
        self.ordered = 0  # the number of bytes from the start without a gap
        self.waiting: list[tuple[int, int, memoryview, int]] = []  # a heap: place, serial number, bytes, acknowledged
        self.serial = 0
        self.end: int | None = None  # the number of bytes before the FIN, once that has been seen

    def place(self, sequence: int) -> int:
        """Return how many bytes of this side come before a sequence number."""
        return self.ordered + (sequence - self.first - self.ordered + (1 << 31)) % (1 << 32) - (1 << 31)

    @property
    def is_incomplete(self) -> bool:
        """Whether bytes are missing: before bytes that came later, or before the FIN."""
        return bool(self.waiting) or (self.end is not None and self.end > self.ordered)

    def has_room_for(self, sequence: int) -> bool:
        """Return whether data with that sequence number can belong to this connection, perhaps repeated or early."""
        place = self.place(sequence)
        if self.end is not None:
            return -1 <= place <= self.end  # -1: a keep-alive probe of a side that sent no data
        return abs(place - self.ordered) <= _WINDOW

    def add(self, sequence: int, data: memoryview, acknowledged: int) -> Iterator[tuple[memoryview, int]]:
        """Add a segment, and yield the bytes that are now in order, with the number of bytes that they acknowledge.

        ``acknowledged`` is that number for the segment: how many bytes of the other side had arrived before it.
        """
        self.serial += 1
        heappush(self.waiting, (self.place(sequence), self.serial, data, acknowledged))
        while self.waiting and self.waiting[0][0] <= self.ordered:
            start, _, segment, acknowledged = heappop(self.waiting)
            new = segment[self.ordered - start :]
            if new:
                self.ordered += len(new)
                yield new, acknowledged


class _Stream:
    """A connection under reassembly: its two sides by address and port, and the pieces in the order of the capture."""

    __slots__ = ("client", "connection", "halves", "pieces")

    def __init__(self, client: _Endpoint, server: _Endpoint) -> None:
        self.connection = Connection(_shown(client), _shown(server))
        self.client = client
        self.halves: dict[_Endpoint, _Half] = {}
        self.pieces: list[_Piece] = []


class _Reassembly:
    """The reassembly of connections from their segments."""

    def __init__(self) -> None:
        self._datagrams = Datagrams()
        self._all: list[_Stream] = []
        self._latest: dict[frozenset[_Endpoint], _Stream] = {}

    def add(self, datagram: memoryview, time: float) -> None:
        segment = self._datagrams.segment_of(datagram)
        if segment is None or len(segment.data) < 20:
            return
        source_port, port, sequence, acknowledgment, data_offset, flags = _HEADER.unpack_from(segment.data)
        source, destination = (segment.source, source_port), (segment.destination, port)
        if flags & _SYN:
            sequence = (sequence + 1) % (1 << 32)
        data = segment.data[(data_offset >> 4) * 4 :]
        stream = self._stream(source, destination, sequence, flags, has_data=len(data) > 0)
        half = stream.halves.get(source)
        if half is None:
            half = stream.halves[source] = _Half(sequence)
        if data:
            other = stream.halves.get(destination)
            acknowledged = other.place(acknowledgment) if other is not None and flags & _ACK else 0
            added = half.add(sequence, data, acknowledged)
            stream.pieces += ((source == stream.client, piece, count, time) for piece, count in added)
        if flags & _FIN and half.end is None:
            half.end = half.place(sequence) + len(data)

    def _stream(
        self, source: _Endpoint, destination: _Endpoint, sequence: int, flags: int, *, has_data: bool
    ) -> _Stream:
        """Return the connection between two endpoints.

        A new connection begins with a SYN that does not repeat an earlier SYN, or with data that cannot belong to the
        previous connection.
        """
        endpoints = frozenset((source, destination))
        known = self._latest.get(endpoints)
        is_syn, is_answer = flags & (_SYN | _ACK) == _SYN, flags & (_SYN | _ACK) == _SYN | _ACK
        if known is not None:
            half = known.halves.get(source)
            if is_syn:
                is_same = half is not None and half.first == sequence and half.end is None
            else:
                is_same = not has_data or half is None or half.has_room_for(sequence)
            if is_same:
                return known
        if len(self._all) >= _MAX_CONNECTIONS:
            raise DecodeError(f"the capture has more than {_MAX_CONNECTIONS} connections")
        client, server = (destination, source) if is_answer else (source, destination)
        stream = self._latest[endpoints] = _Stream(client, server)
        self._all.append(stream)
        return stream

    def connections(self) -> list[Connection]:
        for stream in self._all:
            connection = stream.connection
            for is_client, piece, time in _causes_first(stream.pieces):
                connection.pieces.append((is_client, piece))
                connection.times.append(time)
            for endpoint, half in stream.halves.items():
                if half.is_incomplete:
                    connection.gaps.append((_shown(endpoint) == connection.client, half.ordered))
        return [stream.connection for stream in self._all if stream.connection.pieces or stream.connection.gaps]


def _causes_first(pieces: list[_Piece]) -> Iterator[tuple[bool, memoryview, float]]:
    """Yield the bytes in the order of the capture, but none before the bytes that they acknowledge."""
    queues = {client: deque(one for one in enumerate(pieces) if one[1][0] == client) for client in (True, False)}
    yielded = {True: 0, False: 0}
    while any(queues.values()):
        heads = sorted((queue[0][0], is_client) for is_client, queue in queues.items() if queue)
        ready = (is_client for _, is_client in heads if queues[is_client][0][1][2] <= yielded[not is_client])
        is_client = next(ready, heads[0][1])  # if the capture lacks the acknowledged bytes: the order of the capture
        _, (_, piece, _, time) = queues[is_client].popleft()
        yielded[is_client] += len(piece)
        yield is_client, piece, time


def _shown(endpoint: _Endpoint) -> str:
    address, port = ipaddress.ip_address(endpoint[0]), endpoint[1]
    return f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
