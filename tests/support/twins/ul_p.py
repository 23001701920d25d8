"""Peers with one fault each, for UL-P."""

from collections.abc import Callable

from twin import Line, Twin

from dimse.message import CEchoRSP, NCreateRSP, encode_command
from dimse.uids import Verification
from dimse.ul import PDV, Abort, PDataTF, State, decode_pdu, encode_pdu

from .common import P_DATA, Twins, answers, ignores

__all__ = ["UL_P"]

_CONTROL = 11  # index of the message control header of the first PDV
_OUR_MAXIMUM = 16384
_CREATION = NCreateRSP(MessageIDBeingRespondedTo=1, Status=0)
_ECHO = CEchoRSP(MessageIDBeingRespondedTo=1, Status=0, AffectedSOPClassUID=Verification)


def aborts(which: Callable[[bytes], bool]) -> Twin:
    """Return a peer that aborts at a P-DATA-TF if ``which`` is true of it."""

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != P_DATA or line.state is not State.Sta6 or not which(pdu):
            return False
        line.send(Abort(0, 0))
        return True

    return Twin(hears=hears)


def pdvs(pdu: bytes) -> tuple[PDV, ...]:
    decoded = decode_pdu(pdu)
    assert isinstance(decoded, PDataTF)
    return decoded.pdvs


def is_unfinished(pdu: bytes) -> bool:
    return not pdvs(pdu)[-1].is_last


def sends_longer(limit: int) -> Twin:
    """Return a peer that puts its short P-DATA-TFs together until they exceed ``limit``."""
    gathered: list[PDV] = []

    def says(_: Line, pdu: bytes) -> bytes:
        if pdu[0] != P_DATA:
            return pdu
        gathered.extend(pdvs(pdu))
        if not gathered[-1].is_last or gathered[-1].is_command:
            return b""
        data = b"".join(bytes(pdv.data) for pdv in gathered if not pdv.is_command)
        command = b"".join(bytes(pdv.data) for pdv in gathered if pdv.is_command)
        context = gathered[0].context_id
        gathered.clear()
        whole = PDataTF((PDV(context, command, True, True), PDV(context, data.ljust(limit), False, True)))
        return b"".join(map(bytes, encode_pdu(whole)))

    return Twin(says=says)


UL_P: Twins = {
    "UL-P-1.01": lambda: aborts(lambda pdu: len(pdvs(pdu)) > 1),
    "UL-P-1.02": lambda: aborts(is_unfinished),
    "UL-P-1.03": lambda: aborts(lambda pdu: len(pdvs(pdu)) > 1),
    "UL-P-1.04": lambda: aborts(is_unfinished),
    "UL-P-1.05": lambda: aborts(is_unfinished),
    "UL-P-1.06": lambda: ignores(P_DATA),
    "UL-P-1.07": lambda: ignores(P_DATA),
    "UL-P-1.08": lambda: aborts(lambda pdu: pdu[_CONTROL] > 3),
    "UL-P-1.09": lambda: answers(P_DATA, PDataTF((PDV(1, encode_command(_ECHO), True, True),))),
    "UL-P-1.10": lambda: answers(P_DATA, PDataTF((PDV(1, encode_command(_CREATION), True, True),))),
    "UL-P-1.11": lambda: ignores(P_DATA),
    "UL-P-1.12": lambda: ignores(P_DATA),
    "UL-P-1.13": lambda: ignores(P_DATA),
    "UL-P-1.14": lambda: Twin(hears=lambda _, pdu: pdu[0] == P_DATA and len(pdu) > _OUR_MAXIMUM),
    "UL-P-2.01": lambda: sends_longer(4096),
    "UL-P-2.02": lambda: sends_longer(4096),
}
