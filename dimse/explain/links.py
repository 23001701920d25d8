"""The TCP segments in captured frames: link layers with their VLAN, MPLS and PPPoE headers, IPv4 and IPv6."""

from collections.abc import Callable

__all__ = ["LINKS", "segment_of"]

_IP = (0x0800, 0x86DD)  # EtherTypes, as are the next three
_VLAN = (0x8100, 0x88A8, 0x9100)
_MPLS = (0x8847, 0x8848)
_PPPOE_SESSION = 0x8864
_PPP_IP = (0x0021, 0x0057)  # protocol numbers of PPP
_ADDRESS_CONTROL = 0xFF03  # the bytes that a frame of PPP may begin with
_TCP = 6  # a protocol number of IP
_V6_EXTENSIONS = (0, 43, 60)  # hop-by-hop options, routing, destination options


def _uint16(data: memoryview, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _payload(kind: int, data: memoryview) -> memoryview:
    """Return the IP datagram in the payload of a frame with this EtherType; empty if there is none."""
    while kind in _VLAN:
        kind, data = _uint16(data, 2), data[4:]
    if kind in _IP:
        return data
    if kind in _MPLS:
        return _after_labels(data)
    return _ppp(data[6:]) if kind == _PPPOE_SESSION else data[:0]


def _after_labels(data: memoryview) -> memoryview:
    """Return the bytes after the label that is marked as the last, RFC 3032."""
    while len(data) >= 4:
        is_last, data = data[2] & 1, data[4:]
        if is_last:
            return data
    return data[:0]


def _ppp(frame: memoryview) -> memoryview:
    at = 2 if _uint16(frame, 0) == _ADDRESS_CONTROL else 0
    return frame[at + 2 :] if _uint16(frame, at) in _PPP_IP else frame[:0]


# For each link type, the function that returns the IP datagram in a frame, empty if there is none
LINKS: dict[int, Callable[[memoryview], memoryview]] = {
    0: lambda frame: frame[4:],  # loopback of BSD and Windows: 4 bytes of address family
    1: lambda frame: _payload(_uint16(frame, 12), frame[14:]),  # Ethernet
    9: _ppp,
    12: lambda frame: frame,  # raw IP, whose number depends on the system: 12, 14 or 101
    14: lambda frame: frame,
    101: lambda frame: frame,
    108: lambda frame: frame[4:],  # loopback of OpenBSD
    113: lambda frame: _payload(_uint16(frame, 14), frame[16:]),  # Linux "cooked", interface "any"
    228: lambda frame: frame,  # raw IPv4
    229: lambda frame: frame,  # raw IPv6
    276: lambda frame: _payload(_uint16(frame, 0), frame[20:]),  # Linux "cooked", version 2
}


def segment_of(datagram: memoryview) -> tuple[bytes, bytes, memoryview] | None:
    """Return the addresses of source and destination, and the TCP segment of a nonempty IP datagram.

    The addresses have 4 or 16 bytes. Return None for other protocols, for fragments, and for a broken header.
    """
    version = datagram[0] >> 4
    if version == 4 and len(datagram) >= 20:
        header = (datagram[0] & 0x0F) * 4
        if datagram[9] != _TCP or _uint16(datagram, 6) & 0x3FFF or header < 20:
            return None
        length = _uint16(datagram, 2) or len(datagram)  # 0 if the network card splits the data into segments later
        return bytes(datagram[12:16]), bytes(datagram[16:20]), datagram[header:length]
    if version == 6 and len(datagram) >= 40:
        following, at = datagram[6], 40
        while following in _V6_EXTENSIONS and at + 2 <= len(datagram):
            following, at = datagram[at], at + (datagram[at + 1] + 1) * 8
        end = 40 + _uint16(datagram, 4) if _uint16(datagram, 4) else len(datagram)
        return (bytes(datagram[8:24]), bytes(datagram[24:40]), datagram[at:end]) if following == _TCP else None
    return None
