"""Cases with several steps: each step has its own sets of outcomes, and the first broken step decides the case.

Such a case returns `Kept`, `Deviated` or `Broken`, so the sets of the case itself are ``(RULE_KEPT,)``,
``(DEVIATED,)`` and ``(RULE_BROKEN, ...)``. An outcome that no set of a step names, such as silence or an A-ABORT, is
judged by the sets of the case.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dimse.verify import Peer
from dimse.verify.case import CaseRun, Decided
from dimse.verify.observation import (
    FAILURE,
    RULE_KEPT,
    SUCCESS,
    WARNING,
    Answered,
    Broken,
    Deviated,
    Kept,
    Outcomes,
    Seen,
    matches,
    shown_all,
)
from dimse.verify.verdict import Column

from .conversation import Conversation, conversation

__all__ = ["SUCCESS_OR_WARNING", "Decided", "Script", "Steps", "on_print"]

SUCCESS_OR_WARNING: Outcomes = (SUCCESS, WARNING)


@dataclass(slots=True)
class Steps:
    """The results of the steps of a case so far; each is also a line in the log of ``peer``.

    ``kept`` and ``deviated`` have the observations of the steps in words.
    """

    peer: Peer
    kept: list[str] = field(default_factory=list)
    deviated: list[str] = field(default_factory=list)

    def judge(
        self,
        what: str,
        seen: Seen,
        *,
        kept: Outcomes = SUCCESS_OR_WARNING,
        deviated: Outcomes = (),
        broken: Outcomes = (FAILURE,),
    ) -> None:
        """Judge ``seen``, the outcome of the step ``what``, by three sets of outcomes.

        Raises `Decided` if the outcome is in ``broken`` or in none of the sets.
        """
        text = f"{what}: {seen}"
        if _is_in(seen, kept):
            self.kept.append(text)
            column = Column.PASSES
        elif _is_in(seen, deviated):
            self.deviated.append(text)
            column = Column.NONSTRICT
        else:
            column = Column.FAILS if _is_in(seen, broken) else Column.NONE
        self.peer.log(f"{what}: {shown_all(kept)}", str(seen), column)
        if column is Column.FAILS and isinstance(seen, Answered):
            raise Decided(Broken(text))
        if column in (Column.FAILS, Column.NONE):
            raise Decided(seen)

    def require(self, is_kept: bool, rule: str, seen: str) -> None:
        """Judge a rule that must be kept. If it is broken, raise `Decided` with ``seen``, the observation in words."""
        self.peer.require(is_kept, rule, seen)

    def prefer(self, is_kept: bool, rule: str, seen: str) -> None:
        """Judge a rule from which the peer may deviate; ``seen`` is the observation in words if it does."""
        if not self.peer.prefer(is_kept, rule, seen):
            self.deviated.append(seen)

    def record(self, text: str) -> None:
        """Record that a rule is kept; ``text`` is the observation in words."""
        self.peer.log(str(RULE_KEPT), text, Column.PASSES)
        self.kept.append(text)

    def result(self) -> Seen:
        """Return the result of all steps together."""
        return Deviated("; ".join(self.deviated)) if self.deviated else Kept("; ".join(self.kept) or None)


def _is_in(seen: Seen, outcomes: Outcomes) -> bool:
    return any(matches(each, (seen,)) for each in outcomes)


# Performs the operations of a case on an association, and returns the observation
Script = Callable[[Conversation], Awaitable[Seen]]


def on_print(script: Script, *further: str, meta: str = "") -> CaseRun:
    """Return the run of a script on an association for print, with contexts for ``further`` SOP Classes.

    ``meta`` is the Meta SOP Class of the association; `conversation` chooses one if it is empty.
    """

    async def run(peer: Peer) -> Seen:
        try:
            async with conversation(peer, *further, meta=meta) as talk:
                return await script(talk)
        except Decided as decided:
            return decided.seen

    return run
