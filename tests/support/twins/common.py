"""The common parts of many twins: a peer that ignores a PDU, or answers it with the wrong octets."""

from collections.abc import Callable, Mapping

from twin import Line, Twin

from dimse.errors import DecodeError
from dimse.ul import PDU, AssociateRQ, State, decode_pdu

__all__ = [
    "ABORT",
    "ASSOCIATE_AC",
    "ASSOCIATE_RJ",
    "ASSOCIATE_RQ",
    "P_DATA",
    "RELEASE_RP",
    "RELEASE_RQ",
    "UNKNOWN",
    "Twins",
    "answers",
    "answers_requests",
    "ignores",
    "ignores_requests",
]

Twins = Mapping[str, Callable[[], Twin]]  # functions, so that a twin may count what it has heard

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA = 0x01, 0x02, 0x03, 0x04
RELEASE_RQ, RELEASE_RP, ABORT = 0x05, 0x06, 0x07
UNKNOWN = 0x09


def ignores(kind: int, state: State = State.Sta6) -> Twin:
    """Return a peer that ignores PDUs of this type in this state."""
    return Twin(hears=lambda line, pdu: pdu[0] == kind and line.state is state)


def answers(kind: int, octets: bytes | PDU, state: State = State.Sta6) -> Twin:
    """Return a peer that answers PDUs of this type in this state with ``octets``."""

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != kind or line.state is not state:
            return False
        line.send(octets)
        return True

    return Twin(hears=hears)


def ignores_requests(which: Callable[[AssociateRQ], bool]) -> Twin:
    """Return a peer that does not answer these requests, nor those that cannot be read."""
    return Twin(hears=lambda _line, pdu: pdu[0] == ASSOCIATE_RQ and _is(pdu, which))


def answers_requests(which: Callable[[AssociateRQ], bool], answer: PDU) -> Twin:
    """Return a peer that answers these requests with a PDU of its own."""

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != ASSOCIATE_RQ or not _is(pdu, which):
            return False
        line.send(answer)
        return True

    return Twin(hears=hears)


def _is(pdu: bytes, which: Callable[[AssociateRQ], bool]) -> bool:
    try:
        request = decode_pdu(pdu)
    except DecodeError:
        return True
    assert isinstance(request, AssociateRQ)
    return which(request)
