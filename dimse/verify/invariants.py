"""Invariants: cases that send nothing, and judge all traffic of a run."""

from collections.abc import Callable

from .case import Case
from .peer import Watch
from .result import Result
from .verdict import Verdict

__all__ = ["Invariants"]


class Invariants(Watch):
    """Listens to all connections of a run."""

    def connected(self, case_id: str) -> tuple[Callable[[bytes], None], Callable[[bytes], None]]:
        return super().connected(case_id)

    def judge(self, case: Case) -> Result:
        """Return the result of an invariant."""
        return Result(case=case, verdict=Verdict.INCONCLUSIVE, reason="the run saw nothing to judge")
