"""Captures written from the bytes of connections: pcapng with raw IP, which Wireshark and `read_capture` open.

The packets are invented: a handshake, segments with all bytes in the order in which they were sent and received, and
the end of both sides. Each segment acknowledges all bytes that its sender has received. Times are in nanoseconds. The
IP checksum is correct. The TCP checksum is 0, much as in captures of a host's own packets, to which the network card
adds the checksum later; to compute it would double the time.
"""

import ipaddress
from collections.abc import Iterable, Iterator
from struct import Struct

from ..version import __version__

__all__ = ["Address", "Flow", "Part", "capture_header"]

Address = tuple[str, int]  # an IP address and a port
Part = bytes | bytearray | memoryview

_RAW_IP = 101  # the link type
_MAX_DATA = 65_000  # bytes of data in a segment; an IP datagram has at most 65,535 bytes with its headers
_SYN, _ACK, _FIN, _PUSH = 0x02, 0x10, 0x01, 0x08  # flags
# The beginning of a block (type, length), its end (length), the header of an option (code, length), the last option
_BLOCK, _LENGTH, _OPTION, _END = Struct("<II"), Struct("<I"), Struct("<HH"), b"\0\0\0\0"
_PACKET = Struct("<IIIII")  # interface, time in two halves, captured length, length on the wire
_TCP = Struct(">HHIIBBHHH")  # ports, sequence and acknowledgment numbers, offset, flags, window, checksum, urgent
_V4, _V6 = Struct(">BxHHHBBH4s4s"), Struct(">IHBB16s16s")  # the IP headers
_TCP_PROTOCOL, _HOPS, _WINDOW = 6, 64, 0xFFFF
_ANY_HOST = "0.0.0.0"  # the address of a peer that has no IP address


def capture_header() -> bytes:
    """Return the beginning of a capture: the section header and the only interface."""
    application = _option(4, f"dimse-print {__version__}".encode())
    section = Struct("<IHHq").pack(0x1A2B3C4D, 1, 0, -1) + application + _END
    interface = Struct("<HHI").pack(_RAW_IP, 0, 0) + _option(9, b"\x09") + _END  # times in nanoseconds
    return _block(0x0A0D0D0A, section) + _block(1, interface)


def _option(code: int, value: bytes) -> bytes:
    return _OPTION.pack(code, len(value)) + value + bytes(-len(value) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return _BLOCK.pack(kind, length) + body + _LENGTH.pack(length)


class Flow:
    """A connection as packets: each method returns parts of a capture. Times are in nanoseconds since 1970."""

    def __init__(self, client: Address, server: Address) -> None:
        packed = [_pack(client), _pack(server)]
        if len(packed[0][0]) != len(packed[1][0]):  # one is IPv6; the other is IPv4, a host name or a local socket
            packed = [(bytes(16), port) if len(host) == 4 else (host, port) for host, port in packed]
        self._addresses = packed  # of client and server
        self._next = [0, 0]  # the next sequence numbers of client and server: they count bytes, SYN and FIN

    def opened(self, time: int) -> list[Part]:
        """Return the packets of the handshake."""
        shake = ((True, _SYN), (False, _SYN | _ACK), (True, _ACK))
        return [part for by_client, flags in shake for part in self._packet(by_client, [], flags, time)]

    def segments(self, by_client: bool, pieces: Iterable[Part], time: int) -> Iterator[Part]:
        """Yield the bytes of one side as TCP segments. The pieces are not copied."""
        for packet in self.packets(by_client, pieces, time):
            yield from packet

    def packets(self, by_client: bool, pieces: Iterable[Part], time: int) -> Iterator[list[Part]]:
        """Yield the bytes of one side as TCP segments, each as a list of its parts."""
        waiting: list[Part] = []
        length = 0
        for piece in pieces:
            view = memoryview(piece).cast("B")
            while length + len(view) > _MAX_DATA:
                waiting.append(view[: _MAX_DATA - length])
                view = view[_MAX_DATA - length :]
                yield self._packet(by_client, waiting, _ACK | _PUSH, time)
                waiting, length = [], 0
            waiting.append(view)
            length += len(view)
        if length:
            yield self._packet(by_client, waiting, _ACK | _PUSH, time)

    def closed(self, time: int) -> list[Part]:
        """Return the packets that end both sides."""
        ends = ((True, _FIN | _ACK), (False, _FIN | _ACK), (True, _ACK))
        return [part for by_client, flags in ends for part in self._packet(by_client, [], flags, time)]

    def _packet(self, by_client: bool, data: list[Part], flags: int, time: int) -> list[Part]:
        """Return a packet as a block: its headers, ``data``, and the end of the block."""
        sender, receiver = (0, 1) if by_client else (1, 0)
        source, target = self._addresses[sender], self._addresses[receiver]
        acknowledged = self._next[receiver] if flags & _ACK else 0
        size = sum(map(len, data))
        segment = _TCP.pack(source[1], target[1], self._next[sender], acknowledged, 0x50, flags, _WINDOW, 0, 0)
        self._next[sender] = (self._next[sender] + size + bool(flags & (_SYN | _FIN))) % (1 << 32)
        headers = _datagram(source[0], target[0], len(segment) + size) + segment
        length = len(headers) + size
        padding = -length % 4
        block = _BLOCK.size + _PACKET.size + length + padding + _LENGTH.size
        packet = _PACKET.pack(0, time >> 32, time & 0xFFFFFFFF, length, length)
        return [_BLOCK.pack(6, block) + packet + headers, *data, bytes(padding) + _LENGTH.pack(block)]


def _datagram(source: bytes, target: bytes, length: int) -> bytes:
    """Return the IP header before ``length`` bytes."""
    if len(source) == 16:
        return _V6.pack(6 << 28, length, _TCP_PROTOCOL, _HOPS, source, target)
    fields = (0x45, _V4.size + length, 0, 0x4000, _HOPS, _TCP_PROTOCOL)
    checksum = _checksum(int.from_bytes(_V4.pack(*fields, 0, source, target), "big"))
    return _V4.pack(*fields, checksum, source, target)


def _checksum(number: int) -> int:
    """Return the Internet checksum (RFC 1071) of bytes, given as one big-endian number.

    The ones' complement sum of the 16-bit words is the number modulo FFFFH.
    """
    return 0xFFFF - (number % 0xFFFF or (0xFFFF if number else 0))


def _pack(address: Address) -> tuple[bytes, int]:
    """Return the bytes of an IP address and the port. A host name or a local socket gets the address 0.0.0.0."""
    try:
        return ipaddress.ip_address(address[0].partition("%")[0]).packed, address[1]
    except ValueError:
        return ipaddress.ip_address(_ANY_HOST).packed, address[1]
