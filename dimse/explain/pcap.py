"""The TCP connections in a packet capture: files of tcpdump and Wireshark, pcap and pcapng.

The reader knows Ethernet, loopback, raw IP and Linux "cooked" frames, IPv4 and IPv6, and TCP; it skips other packets.
It puts segments in order and drops repeated bytes. It copies no data: the results are views of the file, at most one
for each packet.
"""

import ipaddress
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from struct import Struct

from ..errors import DecodeError

__all__ = ["Connection", "is_capture", "read_capture"]

_Packet = tuple[float, int, memoryview]  # time, link type, bytes
_End = tuple[bytes, int]  # address and port


@dataclass(slots=True)
class Connection:
    """A TCP connection: the addresses of client and server, and the bytes of both, causes before effects.

    ``pieces`` holds pairs: whether the client sent the bytes, and the bytes. The pairs are in the order of the capture,
    except that bytes that acknowledge other bytes come after those. ``times`` has the time of each pair, in seconds
    since 1970. If the start of the connection was not captured, the side that sent first counts as the client.
    ``gaps`` holds pairs, too: whether bytes of the client are missing, and after how many bytes of that side. Later
    bytes of that side are left out.
    """

    client: str
    server: str
    pieces: list[tuple[bool, memoryview]] = field(default_factory=list)
    gaps: list[tuple[bool, int]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def is_capture(data: bytes) -> bool:
    """Return whether ``data`` begins with the header of a capture."""
    return data[:4] in _PCAP_ORDER or data[:4] == _SECTION_HEADER


def read_capture(data: bytes, faults: list[DecodeError] | None = None) -> list[Connection]:
    """Return the TCP connections of a capture that carry data, in the order of their first packets.

    Raises `DecodeError` if the file is cut off or not a capture, and for an unsupported kind of network. If ``faults``
    is given, the error is added there instead, and the connections in the packets before it are returned.
    """
    tcp = _Reassembly()
    try:
        for time, link_type, packet in _pcapng(data) if data[:4] == _SECTION_HEADER else _pcap(data):
            if link_type not in _LINKS:
                known = ", ".join(map(str, sorted(_LINKS)))
                raise DecodeError(f"link type {link_type} of the captured network is not one of {known}")
            datagram = _LINKS[link_type](packet)
            if datagram:
                tcp.add(datagram, time)
    except DecodeError as exc:
        if faults is None:
            raise
        faults.append(exc)
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
_RESOLUTION = 9  # the code of the option with the unit of an interface's times


def _take(view: memoryview, start: int, size: int, what: str) -> memoryview:
    taken = view[start : start + size]
    if len(taken) < size:
        raise DecodeError(f"the capture is cut off: {size} bytes wanted, {len(taken)} left", path=what, offset=start)
    return taken


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
    links: list[tuple[int, float]] = []  # the link type of each interface, and the unit of its times
    while position < len(view):
        head = _take(view, position, 12, "block")
        if head[:4] == _SECTION_HEADER:
            order = "<" if bytes(head[8:]) == b"\x4d\x3c\x2b\x1a" else ">"
            links = []  # each section has its own interfaces
        kind, length = Struct(f"{order}II").unpack(head[:8])
        if length < 12 or length % 4:
            raise DecodeError(f"a block of {length} bytes", path="block", offset=position)
        body = _take(view, position, length, "block")[8:-4]
        if kind == _INTERFACE:
            links.append((Struct(f"{order}H").unpack(_take(body, 0, 2, "interface"))[0], _unit(body[8:], order)))
        elif kind in _CAPTURED:
            interface, time, packet = _CAPTURED[kind](body, order)
            if interface >= len(links):
                raise DecodeError(f"a packet of interface {interface}, of {len(links)}", path="block", offset=position)
            link_type, unit = links[interface]
            yield time * unit, link_type, packet
        position += length


def _unit(options: memoryview, order: str) -> float:
    """Return the unit of an interface's times in seconds."""
    while len(options) >= 5:
        code, length = Struct(f"{order}HH").unpack(options[:4])
        if code == _RESOLUTION and length == 1:
            exponent = options[4] & 0x7F
            return float(2.0**-exponent if options[4] & 0x80 else 10.0**-exponent)
        options = options[4 + length + -length % 4 :] if code else options[:0]
    return _MICROSECOND


def _enhanced(body: memoryview, order: str) -> tuple[int, int, memoryview]:
    interface, high, low, length = Struct(f"{order}IIII4x").unpack(_take(body, 0, 20, "enhanced packet"))
    return interface, high << 32 | low, _take(body, 20, length, "enhanced packet")


def _simple(body: memoryview, order: str) -> tuple[int, int, memoryview]:
    (length,) = Struct(f"{order}I").unpack(_take(body, 0, 4, "simple packet"))
    return 0, 0, body[4 : 4 + length]  # without a time; shorter if the capture was limited to a length


def _obsolete(body: memoryview, order: str) -> tuple[int, int, memoryview]:
    interface, high, low, length = Struct(f"{order}H2xIII4x").unpack(_take(body, 0, 20, "packet"))
    return interface, high << 32 | low, _take(body, 20, length, "packet")


_CAPTURED: dict[int, Callable[[memoryview, str], tuple[int, int, memoryview]]] = {
    _ENHANCED_PACKET: _enhanced,
    _SIMPLE_PACKET: _simple,
    _PACKET: _obsolete,
}

# --- networks ---

_IP = (0x0800, 0x86DD)
_VLAN = (0x8100, 0x88A8, 0x9100)
_TCP = 6
_V6_EXTENSIONS = (0, 43, 60)  # hop-by-hop options, routing, destination options


def _uint16(data: memoryview, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _ethernet(frame: memoryview) -> memoryview:
    at = 12
    while _uint16(frame, at) in _VLAN:
        at += 4
    return frame[at + 2 :] if _uint16(frame, at) in _IP else frame[:0]


# The IP datagram in a frame; empty if there is none
_LINKS: dict[int, Callable[[memoryview], memoryview]] = {
    0: lambda frame: frame[4:],  # loopback of BSD and Windows: 4 bytes of address family
    1: _ethernet,
    12: lambda frame: frame,
    14: lambda frame: frame,
    101: lambda frame: frame,
    108: lambda frame: frame[4:],
    113: lambda frame: frame[16:] if _uint16(frame, 14) in _IP else frame[:0],  # Linux, "any" interface
    228: lambda frame: frame,
    229: lambda frame: frame,
    276: lambda frame: frame[20:] if _uint16(frame, 0) in _IP else frame[:0],
}


def _segment(datagram: memoryview) -> tuple[bytes, bytes, memoryview] | None:
    """Return source, destination and TCP segment of an IP datagram; None for other protocols and for fragments."""
    version = datagram[0] >> 4
    if version == 4 and len(datagram) >= 20:
        if datagram[9] != _TCP or _uint16(datagram, 6) & 0x3FFF:
            return None
        length = _uint16(datagram, 2) or len(datagram)  # 0 if the network card was to split the data into segments
        header = (datagram[0] & 0x0F) * 4
        return bytes(datagram[12:16]), bytes(datagram[16:20]), datagram[header:length]
    if version == 6 and len(datagram) >= 40:
        following, at = datagram[6], 40
        while following in _V6_EXTENSIONS and at + 2 <= len(datagram):
            following, at = datagram[at], at + (datagram[at + 1] + 1) * 8
        end = 40 + _uint16(datagram, 4) if _uint16(datagram, 4) else len(datagram)
        return (bytes(datagram[8:24]), bytes(datagram[24:40]), datagram[at:end]) if following == _TCP else None
    return None


# --- TCP ---

_HEADER = Struct(">HHIIBB")  # source port, destination port, sequence and acknowledgment number, data offset, flags
# Whether the client sent the bytes, the bytes, how many bytes of the other side they acknowledge, the time
_Piece = tuple[bool, memoryview, int, float]
_SYN, _ACK = 0x02, 0x10


class _Half:
    """The bytes of one side: the segments in the order of their sequence numbers, each byte once."""

    def __init__(self, sequence: int) -> None:
        self.first = sequence
        self.ordered = 0  # the number of bytes from the start without a gap
        self.waiting: list[tuple[int, int, memoryview, int]] = []  # a heap: place, serial number, bytes, received
        self.serial = 0

    def place(self, sequence: int) -> int:
        """Return how many bytes of this side come before a sequence number."""
        return self.ordered + (sequence - self.first - self.ordered + (1 << 31)) % (1 << 32) - (1 << 31)

    def add(self, sequence: int, data: memoryview, received: int) -> Iterator[tuple[memoryview, int]]:
        """Add a segment and yield the bytes now in order; ``received`` bytes had reached this side before."""
        self.serial += 1
        heappush(self.waiting, (self.place(sequence), self.serial, data, received))
        while self.waiting and self.waiting[0][0] <= self.ordered:
            start, _, waited, before = heappop(self.waiting)
            new = waited[self.ordered - start :]
            if new:
                self.ordered += len(new)
                yield new, before


class _Reassembly:
    """The reassembly of connections from their segments."""

    def __init__(self) -> None:
        self._all: list[tuple[Connection, dict[_End, _Half], list[_Piece]]] = []
        self._latest: dict[frozenset[_End], tuple[Connection, dict[_End, _Half], _End, list[_Piece]]] = {}

    def add(self, datagram: memoryview, time: float) -> None:
        segment = _segment(datagram)
        if segment is None or len(segment[2]) < 20:
            return
        source_port, port, sequence, acknowledged, data_offset, flags = _HEADER.unpack_from(segment[2])
        source, destination = (segment[0], source_port), (segment[1], port)
        if flags & _SYN:
            sequence = (sequence + 1) % (1 << 32)
        _, halves, client, pieces = self._connection(source, destination, sequence, flags)
        if source not in halves:
            halves[source] = _Half(sequence)
        data = segment[2][(data_offset >> 4) * 4 :]
        if data:
            other = halves.get(destination)
            received = other.place(acknowledged) if other is not None and flags & _ACK else 0
            added = halves[source].add(sequence, data, received)
            pieces += ((source == client, piece, before, time) for piece, before in added)

    def _connection(
        self, source: _End, destination: _End, sequence: int, flags: int
    ) -> tuple[Connection, dict[_End, _Half], _End, list[_Piece]]:
        """Return the connection between two ends; a SYN opens a new one, unless it is repeated."""
        ends = frozenset((source, destination))
        known = self._latest.get(ends)
        if known is not None:
            half = known[1].get(source)
            opens = flags & (_SYN | _ACK) == _SYN
            if not opens or (half is not None and half.first == sequence):
                return known
        is_answer = flags & (_SYN | _ACK) == _SYN | _ACK
        client, server = (destination, source) if is_answer else (source, destination)
        connection = Connection(_shown(client), _shown(server))
        halves: dict[_End, _Half] = {}
        pieces: list[_Piece] = []
        self._all.append((connection, halves, pieces))
        self._latest[ends] = connection, halves, client, pieces
        return self._latest[ends]

    def connections(self) -> list[Connection]:
        for connection, halves, pieces in self._all:
            for is_client, piece, time in _causes_first(pieces):
                connection.pieces.append((is_client, piece))
                connection.times.append(time)
            for end, half in halves.items():
                if half.waiting:
                    connection.gaps.append((_shown(end) == connection.client, half.ordered))
        return [connection for connection, _, _ in self._all if connection.pieces or connection.gaps]


def _causes_first(pieces: list[_Piece]) -> Iterator[tuple[bool, memoryview, float]]:
    """Yield the bytes in the order of the capture, but none before the bytes that they acknowledge."""
    sides = {side: deque(piece for piece in enumerate(pieces) if piece[1][0] == side) for side in (True, False)}
    yielded = {True: 0, False: 0}
    while any(sides.values()):
        heads = sorted((queue[0][0], side) for side, queue in sides.items() if queue)
        ready = (side for _, side in heads if sides[side][0][1][2] <= yielded[not side])
        side = next(ready, heads[0][1])  # if the capture lacks the acknowledged bytes: the order of the capture
        _, (_, piece, _, time) = sides[side].popleft()
        yielded[side] += len(piece)
        yield side, piece, time


def _shown(end: _End) -> str:
    address = ipaddress.ip_address(end[0])
    return f"[{address}]:{end[1]}" if address.version == 6 else f"{address}:{end[1]}"
