"""Negotiation: the agreement that follows from the items of A-ASSOCIATE-RQ and -AC. Pure functions.

Presentation contexts: PS3.8 §9.3.3.2. Operations window and roles: PS3.7 Annex D.3.3. As on the wire, windows and roles
always describe the requestor: what a window calls invoked is invoked by the requestor, and performed by the acceptor.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import DecodeError
from ..limits import Limits
from .items import (
    AsynchronousOperationsWindow,
    ContextResult,
    MaximumLength,
    PresentationContextAC,
    PresentationContextRQ,
    RoleSelection,
    UserItem,
)
from .pdu import PDU, AssociateAC, AssociateRQ, decode_pdu
from .wire import Buffer

__all__ = [
    "Context",
    "Roles",
    "accepted",
    "agreed_roles",
    "agreed_window",
    "answer",
    "answer_roles",
    "answer_window",
    "check_context_ids",
    "decode_checked",
    "maximum_length",
]

_CONTEXT_ID = "Presentation-context-ID"
_ASSOCIATE = (AssociateRQ, AssociateAC)
_SYNCHRONOUS = AsynchronousOperationsWindow(1, 1)  # the window unless negotiated, PS3.7 §D.3.3.3


@dataclass(frozen=True, slots=True)
class Context:
    """An accepted presentation context, with its transfer syntax."""

    id: int
    abstract_syntax: str
    transfer_syntax: str


def answer(
    requested: Iterable[PresentationContextRQ], supported: Mapping[str, Sequence[str]]
) -> tuple[PresentationContextAC, ...]:
    """Return the acceptor's answer to each requested context, in the order of the request.

    ``supported`` maps each abstract syntax to its transfer syntaxes, in the acceptor's order of preference.
    """
    return tuple(_answer_one(context, supported) for context in requested)


def _answer_one(context: PresentationContextRQ, supported: Mapping[str, Sequence[str]]) -> PresentationContextAC:
    # In a rejected context, the transfer syntax is not significant: echo the first proposal.
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
    """Return the accepted contexts by id.

    An answer does not count if its context or its transfer syntax was not proposed.
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


def decode_checked(wire: Buffer, limits: Limits | None) -> PDU:
    """Decode a PDU as `decode_pdu` does, and check its context ids with `check_context_ids`."""
    pdu = decode_pdu(wire, limits)
    if isinstance(pdu, _ASSOCIATE):
        check_context_ids(pdu)
    return pdu


def check_context_ids(pdu: AssociateRQ | AssociateAC) -> None:
    """Raise `DecodeError` for an even or repeated context id, PS3.8 Tables 9-13 and 9-18."""
    rule = "PS3.8 §9.3.2.2" if isinstance(pdu, AssociateRQ) else "PS3.8 §9.3.3.2"
    seen = set()
    for context in pdu.presentation_contexts:
        if context.id % 2 == 0:
            raise DecodeError(f"{context.id} is not odd", path=_CONTEXT_ID, rule=rule)
        if context.id in seen:
            raise DecodeError(f"{context.id} is used twice", path=_CONTEXT_ID, rule=rule)
        seen.add(context.id)


def maximum_length(user_information: Iterable[UserItem]) -> int:
    """Return the PDU-length of the longest P-DATA-TF that the sender of ``user_information`` accepts; zero: no limit.

    Without a Maximum Length sub-item, which is mandatory (PS3.8 Annex D.1), the result is zero.
    """
    for item in user_information:
        if isinstance(item, MaximumLength):
            return item.received
    return 0


# --- extended negotiation, PS3.7 Annex D.3.3 ---


class Roles(NamedTuple):
    """The requestor's roles for a SOP Class; the acceptor has the opposite roles."""

    scu: bool = True
    scp: bool = False


def answer_window(
    requested: Iterable[UserItem], invoked: int, performed: int
) -> tuple[AsynchronousOperationsWindow, ...]:
    """Return the acceptor's answer to a proposed window; an empty tuple if the requestor proposed none.

    ``invoked`` and ``performed`` are the acceptor's own bounds on outstanding operations; zero means no limit.
    """
    wanted = _window(requested)
    if wanted is None:
        return ()
    return (AsynchronousOperationsWindow(_least(wanted.invoked, performed), _least(wanted.performed, invoked)),)


def agreed_window(requested: Iterable[UserItem], answered: Iterable[UserItem]) -> AsynchronousOperationsWindow:
    """Return the agreed window: never wider than the requested window, and 1, 1 unless both sides sent a window."""
    wanted = _window(requested)
    granted = None if wanted is None else _window(answered)
    if wanted is None or granted is None:
        return _SYNCHRONOUS
    return AsynchronousOperationsWindow(
        _least(wanted.invoked, granted.invoked), _least(wanted.performed, granted.performed)
    )


def answer_roles(requested: Iterable[UserItem], reversible: Collection[str]) -> tuple[RoleSelection, ...]:
    """Return the acceptor's answer to proposed roles.

    The acceptor can be an SCP of all SOP Classes, and an SCU of those in ``reversible``.
    """
    return tuple(
        RoleSelection(item.sop_class, item.scu, item.scp and item.sop_class in reversible)
        for item in requested
        if isinstance(item, RoleSelection)
    )


def agreed_roles(requested: Iterable[UserItem], answered: Iterable[UserItem]) -> dict[str, Roles]:
    """Return the roles of each SOP Class for which roles were both proposed and answered; others keep the defaults.

    Answers without a proposal are ignored: some printers send them.
    """
    wanted = {item.sop_class: item for item in requested if isinstance(item, RoleSelection)}
    if not wanted:
        return {}
    granted = {item.sop_class: item for item in answered if isinstance(item, RoleSelection)}
    return {
        uid: Roles(wanted[uid].scu and granted[uid].scu, wanted[uid].scp and granted[uid].scp)
        for uid in wanted.keys() & granted.keys()
    }


def _window(items: Iterable[UserItem]) -> AsynchronousOperationsWindow | None:
    for item in items:
        if isinstance(item, AsynchronousOperationsWindow):
            return item
    return None


def _least(*numbers: int) -> int:
    """Return the smallest number; zero means no limit."""
    return min((number for number in numbers if number), default=0)
