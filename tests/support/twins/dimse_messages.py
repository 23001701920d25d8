"""Peers with one fault each, for DIMSE."""

from collections.abc import Callable
from dataclasses import replace
from struct import pack

from twin import Line, Twin

from dimse.message import CEchoRSP, NCreateRSP, NSetRSP, Request, Response, encode_command
from dimse.uids import Verification
from dimse.ul import PDV, Abort, PDataTF, State

from .common import P_DATA, Twins, ignores

__all__ = ["DIMSE"]

_N_SET = bytes.fromhex("0000 0001 0200 0000 2001")  # the Command Field
_C_CANCEL = bytes.fromhex("0000 0001 0200 0000 FF0F")
_DATA_SET_TYPE = pack("<HHI", 0, 0x0800, 2)
_SUCCESSFUL = CEchoRSP(MessageIDBeingRespondedTo=7, Status=0, AffectedSOPClassUID=Verification)


def succeeds(*kinds: type[Response]) -> Twin:
    """Return a peer whose responses of these kinds, or all of them, report success."""

    def answers(_: Request, response: Response) -> Response:
        return replace(response, Status=0) if not kinds or isinstance(response, kinds) else response

    return Twin(answers=answers)


def is_in_doubt(pdu: bytes) -> bool:
    """Return whether a Command Set has a Command Data Set Type other than 0001H and 0101H."""
    at = pdu.find(_DATA_SET_TYPE)
    return at >= 0 and pdu[at + 8 : at + 10] not in (b"\1\0", b"\1\1")


def hears(which: Callable[[bytes], bool], *answers: PDataTF | Abort) -> Twin:
    """Return a peer that answers a P-DATA-TF with these PDUs if ``which`` is true of it."""

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != P_DATA or line.state is not State.Sta6 or not which(pdu):
            return False
        line.send(*answers)
        return True

    return Twin(hears=hears)


def message(response: Response) -> PDataTF:
    return PDataTF((PDV(1, encode_command(response), True, True),))


_EARLY = NSetRSP(MessageIDBeingRespondedTo=4, Status=0)

DIMSE: Twins = {
    "DIMSE-1.01": lambda: Twin(echoes=lambda command: command[:-2] + b"\x10\x01"),
    "DIMSE-1.05": lambda: ignores(P_DATA),
    "DIMSE-1.06": lambda: ignores(P_DATA),
    "DIMSE-1.07": lambda: hears(lambda pdu: _C_CANCEL in pdu, message(_SUCCESSFUL)),
    "DIMSE-1.08": lambda: ignores(P_DATA),
    "DIMSE-1.09": lambda: ignores(P_DATA),
    "DIMSE-1.10": lambda: hears(is_in_doubt, Abort(0, 0)),
    "DIMSE-1.11": succeeds,
    "DIMSE-1.12": succeeds,
    "DIMSE-1.13": succeeds,
    "DIMSE-1.14": lambda: succeeds(NSetRSP),
    "DIMSE-1.15": lambda: ignores(P_DATA),
    "DIMSE-1.16": lambda: succeeds(NCreateRSP),
    "DIMSE-1.17": lambda: hears(lambda pdu: _N_SET in pdu, message(_EARLY)),
}
