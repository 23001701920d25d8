"""The rules that a PDU of a recorded association can break by its place: the order of PDUs, and the contexts in use."""

from ..ul import (
    PDU,
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    ContextResult,
    PDataTF,
    ReleaseRP,
    ReleaseRQ,
    accepted,
)
from .machines import ACCEPTOR, REQUESTOR

__all__ = ["Order", "context_results", "unusable_contexts"]


class Order:
    """The PDUs so far, which make some later PDUs impossible, PS3.8 §7 and §9.2."""

    def __init__(self) -> None:
        self._sent: set[tuple[str, type[PDU]]] = set()

    def add(self, side: str, pdu: PDU) -> str:
        """Add ``pdu``; return the rule that it breaks at this point, or "" if it breaks none."""
        kind, other = type(pdu), ACCEPTOR if side == REQUESTOR else REQUESTOR
        why = ""
        is_crossing = kind is Abort and side == REQUESTOR  # it may not have received an A-ASSOCIATE-RJ yet
        if (side, Abort) in self._sent or ((ACCEPTOR, AssociateRJ) in self._sent and not is_crossing):
            why = "the association has ended [PS3.8 §9.2.3]"
        elif kind is AssociateRQ and self._sent:
            is_second = (side, AssociateRQ) in self._sent or (other, AssociateRQ) in self._sent
            words = "a second A-ASSOCIATE-RQ on one connection" if is_second else "A-ASSOCIATE-RQ after another PDU"
            why = f"{words} [PS3.8 §9.2.3]"
        elif kind is PDataTF and (side, ReleaseRQ) in self._sent:
            why = "P-DATA-TF after A-RELEASE-RQ of the same side [PS3.8 §7.2]"
        elif kind is PDataTF and ReleaseRP in {sent for _, sent in self._sent}:
            why = "P-DATA-TF after A-RELEASE-RP [PS3.8 §7.2]"
        elif kind is ReleaseRP and (other, ReleaseRQ) not in self._sent and self._is_recorded(other):
            why = "A-RELEASE-RP without an A-RELEASE-RQ [PS3.8 §7.2]"
        self._sent.add((side, kind))
        return why

    def _is_recorded(self, side: str) -> bool:
        """Return whether a PDU of ``side`` was recorded before."""
        return any(sender == side for sender, _ in self._sent)


def unusable_contexts(request: AssociateRQ, answer: AssociateAC) -> dict[int, str]:
    """Return, by the ID of each proposed context, why it is unusable, or "" if it is usable."""
    usable = accepted(request.presentation_contexts, answer.presentation_contexts)
    why = {}
    for context_id, result in context_results(request, answer).items():
        if context_id in usable:
            why[context_id] = ""
        elif result == ContextResult.words(ContextResult.ACCEPTANCE):
            why[context_id] = "the context was accepted with a transfer syntax that was not proposed [PS3.8 §9.3.3.2]"
        else:
            why[context_id] = f"the context was not accepted: {result} [PS3.8 §9.3.3.2]"
    return why


def context_results(request: AssociateRQ, answer: AssociateAC) -> dict[int, str]:
    """Return the result of each proposed context in words, by its ID."""
    results = {context.id: ContextResult.words(context.result) for context in answer.presentation_contexts}
    return {context.id: results.get(context.id, "not answered") for context in request.presentation_contexts}
