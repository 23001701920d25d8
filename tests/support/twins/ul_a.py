"""Peers with one fault each, for UL-A."""

from collections.abc import Callable
from dataclasses import replace

from twin import Line, Twin

from dimse.uids import ImplicitVRLittleEndian, Verification
from dimse.ul import (
    Abort,
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    ContextResult,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    PresentationContextAC,
    RoleSelection,
    State,
    UnknownItem,
    UserIdentityAC,
    UserItem,
)

from .common import (
    ASSOCIATE_RQ,
    P_DATA,
    RELEASE_RQ,
    Twins,
    answers,
    answers_requests,
    ignores,
    ignores_requests,
)

__all__ = ["UL_A"]

_ACCEPTANCE = AssociateAC(called_ae_title="A", calling_ae_title="B", presentation_contexts=())
_REJECTION = AssociateRJ(1, 1, 1)
_CONTEXT_ID = 10  # index of the Presentation-context-ID of the first PDV


def changes(**fields: object) -> Twin:
    """Return a peer whose A-ASSOCIATE-AC has these fields."""
    return Twin(accepts=lambda ac, _: replace(ac, **fields))  # type: ignore[arg-type]  # fields of AssociateAC


def answers_contexts(result: int) -> Twin:
    """Return a peer that answers each context with ``result``."""

    def accepts(ac: AssociateAC, rq: AssociateRQ) -> AssociateAC:
        results = (PresentationContextAC(each.id, result, ImplicitVRLittleEndian) for each in rq.presentation_contexts)
        return replace(ac, presentation_contexts=tuple(results))

    return Twin(accepts=accepts)


def adds(item: UserItem) -> Twin:
    """Return a peer whose A-ASSOCIATE-AC has one more user information sub-item."""
    return Twin(accepts=lambda ac, _: replace(ac, user_information=(*ac.user_information, item)))


def omits(kind: type[UserItem]) -> Twin:
    """Return a peer whose A-ASSOCIATE-AC lacks this user information sub-item."""

    def accepts(ac: AssociateAC, _: AssociateRQ) -> AssociateAC:
        return replace(ac, user_information=tuple(each for each in ac.user_information if type(each) is not kind))

    return Twin(accepts=accepts)


def answers_on(context_id: int) -> Twin:
    """Return a peer that sends all P-DATA on one context."""

    def says(_: Line, pdu: bytes) -> bytes:
        is_data = pdu[0] == P_DATA
        return pdu[:_CONTEXT_ID] + bytes((context_id,)) + pdu[_CONTEXT_ID + 1 :] if is_data else pdu

    return Twin(says=says)


def closes_second() -> Twin:
    """Return a peer that closes each connection but the first."""
    lines: list[Line] = []

    def connected(line: Line) -> None:
        lines.append(line)
        if len(lines) > 1:
            line.close()

    return Twin(connected=connected)


def has(kind: type[UserItem]) -> Callable[[AssociateRQ], bool]:
    return lambda rq: any(isinstance(item, kind) for item in rq.user_information)


def is_blank(rq: AssociateRQ) -> bool:
    return not rq.called_ae_title


def ids(rq: AssociateRQ) -> list[int]:
    return [context.id for context in rq.presentation_contexts]


UL_A: Twins = {
    "UL-A-1.01": lambda: ignores(RELEASE_RQ),
    "UL-A-1.02": lambda: changes(application_context_name="1.2.3"),
    "UL-A-1.03": lambda: changes(called_ae_title="OTHER", title_octets=b""),
    "UL-A-1.04": lambda: changes(reserved=bytes(32)),
    "UL-A-1.05": lambda: omits(ImplementationClassUID),
    "UL-A-1.06": lambda: Twin(accepts=lambda ac, _: replace(ac, presentation_contexts=ac.presentation_contexts[:1])),
    "UL-A-2.01": lambda: answers_requests(lambda rq: rq.protocol_version != 1, AssociateRJ(1, 2, 2)),
    "UL-A-2.02": lambda: answers(ASSOCIATE_RQ, _ACCEPTANCE, State.Sta2),
    "UL-A-2.03": lambda: ignores_requests(lambda rq: rq.application_context_name.endswith(".9")),
    "UL-A-2.04": lambda: answers_requests(lambda rq: any(rq.reserved), _REJECTION),
    "UL-A-3.01": lambda: answers_requests(lambda rq: rq.title_octets.startswith(b" "), AssociateRJ(1, 1, 7)),
    "UL-A-3.03": lambda: ignores_requests(lambda rq: rq.calling_ae_title.startswith("NO_SUCH")),
    "UL-A-3.04": lambda: ignores_requests(is_blank),
    "UL-A-4.01": lambda: answers_contexts(ContextResult.ACCEPTANCE),
    "UL-A-4.02": lambda: answers_contexts(ContextResult.ACCEPTANCE),
    "UL-A-4.03": lambda: answers_contexts(ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED),
    "UL-A-4.04": lambda: answers_on(1),
    "UL-A-4.05": lambda: ignores_requests(lambda rq: not ids(rq)),
    "UL-A-4.06": lambda: Twin(accepts=lambda ac, _: replace(ac, presentation_contexts=ac.presentation_contexts[:100])),
    "UL-A-4.07": lambda: ignores_requests(lambda rq: any(number % 2 == 0 for number in ids(rq))),
    "UL-A-4.08": lambda: ignores_requests(lambda rq: len(set(ids(rq))) < len(ids(rq))),
    "UL-A-4.09": lambda: answers_contexts(ContextResult.ACCEPTANCE),
    "UL-A-5.01": lambda: answers_requests(lambda rq: MaximumLength(0) in rq.user_information, _REJECTION),
    "UL-A-5.02": lambda: ignores_requests(lambda rq: not has(MaximumLength)(rq)),
    "UL-A-5.03": lambda: ignores_requests(lambda rq: not rq.user_information),
    "UL-A-5.04": lambda: answers_requests(has(UnknownItem), Abort(0, 0)),
    "UL-A-5.05": lambda: answers_requests(lambda rq: bool(rq.unknown_items), Abort(0, 0)),
    "UL-A-5.06": lambda: answers_requests(lambda rq: not isinstance(rq.user_information[0], MaximumLength), _REJECTION),
    "UL-A-5.07": lambda: adds(AsynchronousOperationsWindow(9, 9)),
    "UL-A-5.08": lambda: adds(RoleSelection(Verification, scu=True, scp=True)),
    "UL-A-5.09": lambda: adds(RoleSelection(Verification, scu=True, scp=True)),
    "UL-A-5.10": lambda: adds(UserIdentityAC(b"yes")),
    "UL-A-5.11": lambda: ignores_requests(
        lambda rq: any(
            isinstance(each, ImplementationVersionName) and len(each.name) > 16 for each in rq.user_information
        )
    ),
    "UL-A-5.12": lambda: ignores_requests(lambda _: False),
    "UL-A-6.01": closes_second,
}
