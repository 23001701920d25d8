"""Peers that break an invariant, each with a case whose traffic shows it."""

from collections.abc import Callable, Mapping

from twin import Line, Twin

from dimse.ul import Abort, AssociateRJ, State

from .common import ASSOCIATE_RQ, P_DATA, UNKNOWN, answers
from .enc import garbles

__all__ = ["INVARIANTS"]

SANITY = "UL-A-1.01"
_CONTROL = 11  # index of the message control header of the first PDV


def sets_reserved_bits(_: Line, pdu: bytes) -> bytes:
    return pdu[:_CONTROL] + bytes((pdu[_CONTROL] | 0x80,)) + pdu[_CONTROL + 1 :] if pdu[0] == P_DATA else pdu


INVARIANTS: Mapping[str, tuple[str, Callable[[], Twin]]] = {
    "UL-A-1.07": ("UL-A-2.02", lambda: answers(ASSOCIATE_RQ, AssociateRJ(3, 1, 1), State.Sta2)),
    "UL-P-2.03": (SANITY, lambda: Twin(says=sets_reserved_bits)),
    "DIMSE-1.02": (SANITY, lambda: Twin(echoes=lambda command: command[:8] + b"\0\0\0\0" + command[12:])),
    "DIMSE-1.03": (SANITY, lambda: Twin(echoes=lambda command: command.replace(b".1.1\0", b".1.2\0"))),
    "DIMSE-1.04": (SANITY, lambda: Twin(echoes=lambda command: command[:-2] + b"\x34\x12")),
    "ENC-1.04": ("ENC-1.02", lambda: Twin(answers=garbles)),
    "UL-A-1.08": ("UL-F-2.05", lambda: answers(UNKNOWN, Abort(1, 0))),
}
