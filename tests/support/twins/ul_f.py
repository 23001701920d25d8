"""Peers with one fault each, for UL-F. A twin has no timers, so it fails each slow case as it is."""

from twin import Line, Twin

from dimse.message import CEchoRSP, encode_command
from dimse.uids import Verification
from dimse.ul import PDV, AssociateAC, PDataTF, ReleaseRP, State

from .common import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    ASSOCIATE_RQ,
    P_DATA,
    RELEASE_RP,
    RELEASE_RQ,
    UNKNOWN,
    Twins,
    answers,
    ignores,
)

__all__ = ["UL_F"]

_RESPONSE = CEchoRSP(MessageIDBeingRespondedTo=1, Status=0, AffectedSOPClassUID=Verification)
_ECHO_RSP = PDataTF((PDV(1, encode_command(_RESPONSE), True, True),))
_ACCEPTANCE = AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=())
_FIXED_FIELDS = 74  # octets of a request, header included


def dies_of_lost(state: State) -> Twin:
    """Return a peer that closes all connections once a connection was lost in this state."""
    lost: list[State] = []

    def remember(line: Line) -> None:
        if line.state is state:
            lost.append(state)

    def hears(line: Line, _: bytes) -> bool:
        if lost:
            line.close()
        return bool(lost)

    return Twin(hears=hears, lost=remember)


def answers_after_release() -> Twin:
    """Return a peer that answers a request only after its A-RELEASE-RP."""

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] == RELEASE_RQ:
            line.send(ReleaseRP(), _ECHO_RSP)
        return pdu[0] in (P_DATA, RELEASE_RQ)

    return Twin(hears=hears)


def wants_whole_segments(line: Line, octets: bytes) -> bool:
    if len(octets) > 1:
        return False
    line.reset()
    return True


UL_F: Twins = {
    "UL-F-1.02": lambda: ignores(ASSOCIATE_AC, State.Sta2),
    "UL-F-1.03": lambda: ignores(ASSOCIATE_RJ, State.Sta2),
    "UL-F-1.04": lambda: ignores(P_DATA, State.Sta2),
    "UL-F-1.05": lambda: answers(RELEASE_RQ, bytes.fromhex("0600 00000004 00000000"), State.Sta2),
    "UL-F-1.06": lambda: ignores(RELEASE_RP, State.Sta2),
    "UL-F-1.01": Twin,
    "UL-F-1.07": lambda: ignores(ABORT, State.Sta2),
    "UL-F-1.08": lambda: ignores(UNKNOWN, State.Sta2),
    "UL-F-1.09": lambda: Twin(hears=lambda _, pdu: pdu[0] == ASSOCIATE_RQ and len(pdu) < _FIXED_FIELDS),
    "UL-F-1.10": lambda: dies_of_lost(State.Sta2),
    "UL-F-1.11": lambda: Twin(reads=wants_whole_segments),
    "UL-F-1.12": Twin,
    "UL-F-2.01": lambda: ignores(ASSOCIATE_AC),
    "UL-F-2.02": lambda: ignores(ASSOCIATE_RJ),
    "UL-F-2.03": lambda: ignores(ASSOCIATE_RQ),
    "UL-F-2.04": lambda: ignores(RELEASE_RP),
    "UL-F-2.05": lambda: ignores(UNKNOWN),
    "UL-F-2.06": lambda: ignores(ABORT),
    "UL-F-2.07": lambda: Twin(hears=lambda _, pdu: pdu[0] == ABORT and pdu[6] == 0xFF),
    "UL-F-2.08": lambda: Twin(keeps_open=True),
    "UL-F-2.09": lambda: ignores(RELEASE_RQ),
    "UL-F-2.10": lambda: Twin(hears=lambda _, pdu: pdu[0] == RELEASE_RQ and any(pdu[6:])),
    "UL-F-2.11": answers_after_release,
    "UL-F-2.12": answers_after_release,
    "UL-F-3.01": Twin,
    "UL-F-3.02": Twin,
    "UL-F-3.03": Twin,
    "UL-F-3.04": lambda: answers(P_DATA, _ECHO_RSP, State.Sta13),
    "UL-F-3.05": lambda: answers(ASSOCIATE_RQ, _ACCEPTANCE, State.Sta13),
}
