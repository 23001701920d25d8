"""The acceptor's answer to A-ASSOCIATE-RQ: action AE-6, PS3.8 Table 9-6, and the negotiation of PS3.7 Annex D.3.3.

Some requests are rejected before the policy is asked. A policy that raises an error or takes too long rejects the
request with a transient result.
"""

import asyncio
import logging
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass

from ..limits import Limits
from ..uids import DICOMApplicationContext
from ..ul import (
    AssociateAC,
    AssociateRJ,
    AssociateRQ,
    AsynchronousOperationsWindow,
    UserIdentityRQ,
    answer,
    answer_roles,
    answer_window,
)
from .agreement import user_information
from .policy import DECISIONS, PASSCODE, Acceptance, Caller, Decision, Policy

__all__ = ["NO_REASON", "Acceptor"]

_log = logging.getLogger("dimse.net")

NO_REASON = AssociateRJ(2, 1, 1)
_CONTEXT_NAME_NOT_SUPPORTED = AssociateRJ(1, 1, 2)
_PASSCODE_REFUSED = AssociateRJ(1, 2, 1)  # PS3.7 D.3.3.7.3
_TEMPORARY_CONGESTION = AssociateRJ(2, 3, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptor:
    """The decisions of one side on A-ASSOCIATE-RQ, and its answers.

    ``supported`` maps each abstract syntax to its transfer syntaxes, the best first. ``as_scu`` are the abstract
    syntaxes for which this side can also be the SCU. ``window`` bounds the operations that this side invokes and
    performs at once. ``plain_passcodes`` allows passcodes without TLS. ``policy`` may take ``seconds`` to decide.
    """

    policy: Policy
    supported: Mapping[str, Sequence[str]]
    as_scu: Collection[str]
    window: AsynchronousOperationsWindow
    plain_passcodes: bool
    limits: Limits
    seconds: float

    def decide(self, request: AssociateRQ, caller: Caller) -> Decision | Awaitable[Decision]:
        """Return the decision, or an awaitable that returns it. Neither this call nor the awaitable raises an error."""
        refusal = self._refusal(request, caller)
        if refusal is not None:
            return refusal
        try:
            decision = self.policy(request, caller)
        except Exception:
            _log.exception("%s: the policy failed", caller.address)
            return NO_REASON
        return decision if isinstance(decision, DECISIONS) else self._await(decision, caller)

    def _refusal(self, request: AssociateRQ, caller: Caller) -> AssociateRJ | None:
        """Return the rejection that does not depend on the policy; None if there is none."""
        if request.application_context_name != DICOMApplicationContext:
            return _CONTEXT_NAME_NOT_SUPPORTED
        if not (caller.is_secure or self.plain_passcodes):
            for item in request.user_information:
                if isinstance(item, UserIdentityRQ) and item.type == PASSCODE:
                    return _PASSCODE_REFUSED
        return None

    async def _await(self, deciding: Awaitable[Decision], caller: Caller) -> Decision:
        timeout = asyncio.timeout(self.seconds)
        try:
            async with timeout:
                decision = await deciding
            if not isinstance(decision, DECISIONS):
                raise TypeError(f"the policy returned {type(decision).__name__}, which is not a decision")
        except (Exception, asyncio.CancelledError) as exc:
            task = asyncio.current_task()
            if isinstance(exc, asyncio.CancelledError) and (task is None or task.cancelling()):
                raise  # the association was canceled, not the policy
            if timeout.expired():
                _log.warning("%s: the policy took more than %g s", caller.address, self.seconds)
                return _TEMPORARY_CONGESTION
            _log.exception("%s: the policy failed", caller.address)
            return NO_REASON
        return decision

    def answer(self, request: AssociateRQ, acceptance: Acceptance | None = None) -> AssociateAC:
        """Return the A-ASSOCIATE-AC; octets 11-74 are copied from the request, PS3.8 Table 9-17.

        ``acceptance`` may have contexts that replace ``supported``, and further user information items.
        """
        asked = request.user_information
        own = None if acceptance is None else acceptance.contexts
        return AssociateAC(
            called_ae_title=request.called_ae_title,
            calling_ae_title=request.calling_ae_title,
            title_octets=request.title_octets,
            reserved=request.reserved,
            presentation_contexts=answer(request.presentation_contexts, self.supported if own is None else own),
            user_information=(
                *user_information(self.limits),
                *answer_window(asked, self.window.invoked, self.window.performed),
                *answer_roles(asked, self.as_scu),
                *(acceptance.user_items if acceptance is not None else ()),
            ),
        )
