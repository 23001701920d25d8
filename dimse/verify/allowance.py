"""Bounds on what a peer may send to the tester, so that no peer can exhaust the tester's memory."""

from dataclasses import dataclass

__all__ = ["MAX_PDVS", "Allowance", "has_too_many_pdvs"]

MAX_PDVS = 4096  # in one P-DATA-TF: each PDV becomes an object, so a long PDU of empty PDVs would take much memory
_HEADER, _LENGTH = 6, 4  # octets of the header of a PDU, and of the length of a PDV


@dataclass(slots=True)
class Allowance:
    """The octets and PDUs that a peer may still send on some connections, which are aborted if it sends more."""

    octets: int = 64 << 20
    pdus: int = 200_000

    def take(self, octets: int = 0, pdus: int = 0) -> str:
        """Subtract octets and PDUs. Return in words what the peer has exceeded; "" if nothing."""
        self.octets -= octets
        self.pdus -= pdus
        if self.octets < 0:
            return "more octets than the tester accepts"
        return "more PDUs than the tester accepts" if self.pdus < 0 else ""


def has_too_many_pdvs(pdu: bytes) -> bool:
    """Return whether a P-DATA-TF has more than `MAX_PDVS` PDVs."""
    at = _HEADER
    for _ in range(MAX_PDVS):
        if at + _LENGTH > len(pdu):
            return False
        at += _LENGTH + int.from_bytes(pdu[at : at + _LENGTH], "big")
    return at + _LENGTH <= len(pdu)
