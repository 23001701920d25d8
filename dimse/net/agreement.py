"""The result of the negotiation in A-ASSOCIATE-RQ and -AC, from the point of view of one side."""

from ..data import syntax_of
from ..errors import ContextNotAccepted
from ..limits import Limits
from ..message import NEventReportRQ, Request
from ..uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, name_or_uid
from ..ul import (
    AssociateAC,
    AssociateRQ,
    Context,
    ContextResult,
    ImplementationClassUID,
    ImplementationVersionName,
    MaximumLength,
    Roles,
    UserItem,
    accepted,
    agreed_roles,
    agreed_window,
    maximum_length,
)

__all__ = ["Agreement", "user_information"]

_IMPLEMENTATION: tuple[UserItem, ...] = (
    ImplementationClassUID(IMPLEMENTATION_CLASS_UID),
    ImplementationVersionName(IMPLEMENTATION_VERSION_NAME),
)
_DEFAULT_ROLES = Roles()
_NO_LIMIT = 0xFFFF  # outstanding operations: as many as there are Message IDs from 1 to 65535


def user_information(limits: Limits) -> tuple[UserItem, ...]:
    """Return the user information items that each side sends, PS3.7 Annex D.3.3."""
    return MaximumLength(limits.max_pdu), *_IMPLEMENTATION


class Agreement:
    """The contexts, transfer syntaxes, roles, operations window and PDU length of an association.

    ``invoked`` and ``performed`` are the maximum numbers of operations that may be outstanding: invoked by this side,
    and performed by it. ``max_send`` is the length of the longest P-DATA-TF that the peer accepts; 0 means no limit.
    ``syntaxes`` are the transfer syntaxes of the Data Sets, by context id. Raises DecodeError if an accepted
    transfer syntax is unknown (`syntax_of`).
    """

    def __init__(self, request: AssociateRQ, answer: AssociateAC, *, is_requestor: bool) -> None:
        asked, granted = request.user_information, answer.user_information
        window = agreed_window(asked, granted)
        sizes = (window.invoked or _NO_LIMIT, window.performed or _NO_LIMIT)
        self.invoked, self.performed = sizes if is_requestor else sizes[::-1]
        self.max_send = maximum_length(granted if is_requestor else asked)
        self.contexts = accepted(request.presentation_contexts, answer.presentation_contexts)
        self.syntaxes = {context.id: syntax_of(context.transfer_syntax) for context in self.contexts.values()}
        self._roles = agreed_roles(asked, granted)
        self._is_requestor = is_requestor
        self._request = request
        self._answer = answer

    def context_for(self, *abstract_syntaxes: str) -> Context:
        """Return an accepted context for the first of ``abstract_syntaxes`` that has one.

        Raises `ContextNotAccepted` if there is no such context.
        """
        for abstract_syntax in abstract_syntaxes:
            for context in self.contexts.values():
                if context.abstract_syntax == abstract_syntax:
                    return context
        raise ContextNotAccepted("; ".join(map(self._reason, abstract_syntaxes)))

    def _reason(self, abstract_syntax: str) -> str:
        results = {reply.id: reply.result for reply in self._answer.presentation_contexts}
        name = name_or_uid(abstract_syntax)
        for context in self._request.presentation_contexts:
            if context.abstract_syntax == abstract_syntax:
                result = results.get(context.id)
                if result is None:
                    why = "not answered"
                elif result == ContextResult.ACCEPTANCE:
                    why = "its acceptance names a transfer syntax that was not proposed"
                else:
                    why = ContextResult.words(result)
                return f"the peer did not accept the presentation context for {name}: {why}"
        return f"no presentation context for {name} was proposed"

    def may_invoke(self, context: Context, request: Request) -> bool:
        """Return whether this side has the role that invokes ``request``, PS3.7 D.3.3.4."""
        if not self._roles:
            return self._is_requestor != isinstance(request, NEventReportRQ)
        return self._has_role(context, request, invoker_is_requestor=self._is_requestor)

    def peer_may_invoke(self, context: Context, request: Request) -> bool:
        """Return whether the peer has the role that invokes ``request``.

        N-EVENT-REPORT is always allowed, because some printers connect to send it without negotiating a role.
        """
        if isinstance(request, NEventReportRQ):
            return True
        if not self._roles:
            return not self._is_requestor
        return self._has_role(context, request, invoker_is_requestor=not self._is_requestor)

    def _has_role(self, context: Context, request: Request, *, invoker_is_requestor: bool) -> bool:
        """Return whether the invoker has the role that ``request`` needs.

        The SCP invokes N-EVENT-REPORT, and the SCU all other requests. The roles are negotiated for the requestor;
        the acceptor has the opposite roles. By default, the requestor is the SCU.
        """
        is_event = isinstance(request, NEventReportRQ)
        roles = self._roles.get(context.abstract_syntax, _DEFAULT_ROLES)
        return roles.scp if is_event == invoker_is_requestor else roles.scu
