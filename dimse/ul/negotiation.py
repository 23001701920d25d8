"""Presentation contexts requested x syntaxes supported -> contexts answered, PS3.8 §9.3.3.2.

Pure functions over the items of A-ASSOCIATE-RQ and -AC.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import DecodeError
from .items import ContextResult, MaximumLength, PresentationContextAC, PresentationContextRQ, UserItem
from .pdu import AssociateAC, AssociateRQ

__all__ = ["Context", "accepted", "answer", "check_context_ids", "maximum_length"]


_CONTEXT_ID, _RULE = "Presentation-context-ID", "PS3.8 §9.3.2.2"


@dataclass(frozen=True, slots=True)
class Context:
    """A presentation context that both sides accepted."""

    id: int
    abstract_syntax: str
    transfer_syntax: str


def answer(
    requested: Iterable[PresentationContextRQ], supported: Mapping[str, Sequence[str]]
) -> tuple[PresentationContextAC, ...]:
    """What an acceptor answers to each requested context, in the order of the request.

    ``supported`` has the transfer syntaxes of each abstract syntax, the one it likes best first.
    """
    return tuple(_answer_one(context, supported) for context in requested)


def _answer_one(context: PresentationContextRQ, supported: Mapping[str, Sequence[str]]) -> PresentationContextAC:
    # Where nothing is accepted the transfer syntax is not significant: echo the first one proposed.
    echo = context.transfer_syntaxes[0] if context.transfer_syntaxes else ""
    if context.abstract_syntax not in supported:
        return PresentationContextAC(context.id, ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, echo)
    for transfer_syntax in supported[context.abstract_syntax]:
        if transfer_syntax in context.transfer_syntaxes:
            return PresentationContextAC(context.id, ContextResult.ACCEPTANCE, transfer_syntax)
    return PresentationContextAC(context.id, ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, echo)


def accepted(
    requested: Iterable[PresentationContextRQ], answered: Iterable[PresentationContextAC]
) -> dict[int, Context]:
    """The contexts that may be used, by their id.

    An answer to what was not asked, and one that names a transfer syntax that was not
    proposed, is no acceptance.
    """
    proposals = {context.id: context for context in requested}
    contexts = {}
    for reply in answered:
        proposal = proposals.get(reply.id)
        if (
            proposal is not None
            and reply.result == ContextResult.ACCEPTANCE
            and reply.transfer_syntax in proposal.transfer_syntaxes
        ):
            contexts[reply.id] = Context(reply.id, proposal.abstract_syntax, reply.transfer_syntax)
    return contexts


def check_context_ids(pdu: AssociateRQ | AssociateAC) -> None:
    """Raise `DecodeError` for ids that are even, or there twice, PS3.8 Tables 9-13 and 9-18."""
    seen = set()
    for context in pdu.presentation_contexts:
        if context.id % 2 == 0:
            raise DecodeError(f"{context.id} is not odd", path=_CONTEXT_ID, rule=_RULE)
        if context.id in seen:
            raise DecodeError(f"{context.id} is there twice", path=_CONTEXT_ID, rule=_RULE)
        seen.add(context.id)


def maximum_length(user_information: Iterable[UserItem]) -> int:
    """The longest P-DATA-TF that the sender of ``user_information`` receives; zero means no limit.

    The item is mandatory (PS3.8 Annex D.1); a peer that leaves it out gets no limit, either.
    """
    return next((item.received for item in user_information if isinstance(item, MaximumLength)), 0)
