"""What many twins have in common: a peer that ignores a PDU, or answers it by the wrong octets."""

from collections.abc import Callable, Mapping

from twin import Line, Twin

from dimse.ul import PDU, State

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
    "ignores",
]

Twins = Mapping[str, Callable[[], Twin]]  # functions, so that a twin may count what it has heard

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA = 0x01, 0x02, 0x03, 0x04
RELEASE_RQ, RELEASE_RP, ABORT = 0x05, 0x06, 0x07
UNKNOWN = 0x09


def ignores(kind: int, state: State = State.Sta6) -> Twin:
    """Return a peer that ignores PDUs of this type in this state."""
    return Twin(hears=lambda line, pdu: pdu[0] == kind and line.state is state)


def answers(kind: int, octets: bytes | PDU, state: State = State.Sta6) -> Twin:
    """Return a peer that answers PDUs of this type in this state by ``octets``."""

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != kind or line.state is not state:
            return False
        line.send(octets)
        return True

    return Twin(hears=hears)
