"""The IP datagrams in captured frames: link layers with their VLAN, MPLS and PPPoE headers."""

from collections.abc import Callable

__all__ = ["LINKS"]

_IP = (0x0800, 0x86DD)  # EtherTypes, as are the next three
_VLAN = (0x8100, 0x88A8, 0x9100)
_MPLS = (0x8847, 0x8848)
_PPPOE_SESSION = 0x8864
_PPP_IP = (0x0021, 0x0057)  # protocol numbers of PPP
_ADDRESS_CONTROL = 0xFF03  # the bytes that a frame of PPP may begin with


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
