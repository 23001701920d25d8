"""Peers with one fault each, for ROB: they hang, or they are dead afterwards."""

from collections.abc import Callable

from twin import Line, Twin

from dimse.message import NGetRQ, NSetRQ, Request, Response
from dimse.ul import State

from .common import P_DATA, Twins, ignores, ignores_requests
from .dimse_messages import succeeds
from .ul_f import dies_of_lost

__all__ = ["ROB"]

_MOST_CONNECTIONS, _MOST_REQUESTS = 30, 5
_KNOWN_TYPES = range(1, 8)


def dies_of(which: Callable[[Line, bytes], bool]) -> Twin:
    """Return a peer that answers nothing more, on any connection, once ``which`` is true of octets it has read."""
    dead: list[bytes] = []

    def reads(line: Line, octets: bytes) -> bool:
        if which(line, octets):
            dead.append(octets)
        return bool(dead)

    return Twin(reads=reads)


def dies_of_connections() -> Twin:
    """Return a peer that answers nothing more once it had too many connections."""
    lines: list[Line] = []
    return Twin(connected=lines.append, reads=lambda _line, _octets: len(lines) > _MOST_CONNECTIONS)


def tires() -> Twin:
    """Return a peer that answers only its first requests for an association."""
    asked: list[bytes] = []

    def hears(_: Line, pdu: bytes) -> bool:
        if pdu[0] == 0x01:
            asked.append(pdu)
        return len(asked) > _MOST_REQUESTS

    return Twin(hears=hears)


def mute(kind: type[Request]) -> Twin:
    """Return a peer that does not respond to requests of this kind."""

    def answers(request: Request, response: Response) -> Response | None:
        return None if isinstance(request, kind) else response

    return Twin(answers=answers)


def is_flood(line: Line, octets: bytes) -> bool:
    return line.state is State.Sta6 and len(octets) > 1 << 12


def is_half(_: Line, octets: bytes) -> bool:
    return octets[0] == P_DATA and len(octets) < 6 + int.from_bytes(octets[2:6], "big")


ROB: Twins = {
    "ROB-1.01": lambda: Twin(hears=lambda _, pdu: pdu[0] not in _KNOWN_TYPES),
    "ROB-1.02": lambda: ignores(P_DATA),
    "ROB-1.03": lambda: ignores_requests(lambda _: False),
    "ROB-1.04": lambda: dies_of_lost(State.Sta2),
    "ROB-1.05": dies_of_connections,
    "ROB-1.06": lambda: dies_of(is_flood),
    "ROB-1.07": lambda: Twin(hears=lambda line, pdu: pdu[0] == P_DATA and line.state is State.Sta6),
    "ROB-1.08": lambda: Twin(hears=lambda line, pdu: pdu[0] == P_DATA and line.state is State.Sta6),
    "ROB-1.09": succeeds,
    "ROB-1.10": lambda: mute(NSetRQ),
    "ROB-1.11": lambda: dies_of_lost(State.Sta6),
    "ROB-1.12": lambda: dies_of(is_half),
    "ROB-1.13": lambda: ignores_requests(lambda rq: not rq.calling_ae_title.isalnum()),
    "ROB-1.14": lambda: mute(NGetRQ),
    "ROB-1.15": tires,
}
