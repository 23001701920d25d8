"""The TCP segments in captured IP datagrams, which are put together from their fragments: RFC 791 and RFC 8200.

A datagram is never complete if one of its fragments is missing: the connection lacks its bytes.
"""

from typing import NamedTuple

__all__ = ["Datagrams", "Segment"]

_TCP = 6  # a protocol number of IP
_V6_EXTENSIONS = (0, 43, 60)  # hop-by-hop options, routing, destination options
_V6_FRAGMENT, _V6_FRAGMENT_HEADER = 44, 8
_MAX_INCOMPLETE = 1 << 10  # datagrams whose fragments are kept; then the oldest is forgotten
_MAX_PARTS = 1 << 8  # fragments of a datagram; 64 KiB need 120 packets of the size that each host accepts


class Segment(NamedTuple):
    """A TCP segment, and the addresses of its source and destination, of 4 or 16 bytes."""

    source: bytes
    destination: bytes
    data: memoryview


class Datagrams:
    """The datagrams of a capture, in the order of their packets."""

    def __init__(self) -> None:
        self._incomplete: dict[tuple[bytes, bytes, int], _Incomplete] = {}  # by addresses and identification

    def segment_of(self, datagram: memoryview) -> Segment | None:
        """Return the TCP segment of a nonempty IP datagram, or of the datagram that this fragment completes.

        Return None for other protocols, for a fragment that completes none, and for a broken header.
        """
        version = datagram[0] >> 4
        if version == 4 and len(datagram) >= 20:
            return self._v4_segment(datagram)
        if version == 6 and len(datagram) >= 40:
            return self._v6_segment(datagram)
        return None

    def _v4_segment(self, datagram: memoryview) -> Segment | None:
        header = (datagram[0] & 0x0F) * 4
        if datagram[9] != _TCP or header < 20:
            return None
        length = _uint16(datagram, 2) or len(datagram)  # 0 if the network card splits the data into segments later
        source, destination, data = bytes(datagram[12:16]), bytes(datagram[16:20]), datagram[header:length]
        place = _uint16(datagram, 6)
        if not place & 0x3FFF:  # neither More Fragments nor an offset
            return Segment(source, destination, data)
        part = _Part((place & 0x1FFF) * 8, data, place & 0x2000 == 0, _TCP)
        whole = self._add((source, destination, _uint16(datagram, 4)), part)
        return None if whole is None else Segment(source, destination, whole.data)

    def _v6_segment(self, datagram: memoryview) -> Segment | None:
        source, destination, length = bytes(datagram[8:24]), bytes(datagram[24:40]), _uint16(datagram, 4)
        following, data = _after_extensions(datagram[6], datagram[40 : 40 + length] if length else datagram[40:])
        if following == _V6_FRAGMENT and len(data) >= _V6_FRAGMENT_HEADER:
            place = _uint16(data, 2)
            part = _Part(place & 0xFFF8, data[_V6_FRAGMENT_HEADER:], place & 1 == 0, data[0])
            whole = self._add((source, destination, int.from_bytes(data[4:8], "big")), part)
            if whole is None:
                return None
            following, data = _after_extensions(whole.following, whole.data)
        return Segment(source, destination, data) if following == _TCP else None

    def _add(self, key: tuple[bytes, bytes, int], part: "_Part") -> "_Part | None":
        """Add a fragment, and return the whole payload of its datagram if it is complete now."""
        if part.offset == 0 and part.is_last:
            return part
        known = self._incomplete.setdefault(key, _Incomplete())
        whole = known.add(part)
        if whole is not None or len(known.parts) > _MAX_PARTS:
            del self._incomplete[key]
        elif len(self._incomplete) > _MAX_INCOMPLETE:
            del self._incomplete[next(iter(self._incomplete))]
        return whole


class _Part(NamedTuple):
    """A part of the payload of a datagram, or all of it; ``following`` is the protocol of the first part."""

    offset: int
    data: memoryview
    is_last: bool
    following: int


class _Incomplete:
    """The parts of a datagram that have arrived, by their offsets."""

    def __init__(self) -> None:
        self.parts: dict[int, _Part] = {}
        self.length: int | None = None  # of the payload, once its last part has arrived

    def add(self, part: _Part) -> _Part | None:
        """Add a part, and return the payload if it is complete; of bytes that repeat, the first in their order stay."""
        self.parts.setdefault(part.offset, part)
        if part.is_last:
            self.length = part.offset + len(part.data)
        if self.length is None or sum(len(one.data) for one in self.parts.values()) < self.length:
            return None
        payload = bytearray()
        for offset, one in sorted(self.parts.items()):
            if offset > len(payload):
                return None
            payload += one.data[len(payload) - offset :]
        return _Part(0, memoryview(bytes(payload))[: self.length], True, self.parts[0].following)


def _after_extensions(following: int, data: memoryview) -> tuple[int, memoryview]:
    """Return the protocol after the extension headers at the start of an IPv6 payload, and its data."""
    while following in _V6_EXTENSIONS and len(data) >= 2:
        following, data = data[0], data[(data[1] + 1) * 8 :]
    return following, data


def _uint16(data: memoryview, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")
