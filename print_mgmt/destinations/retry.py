"""The policy for repeating failed deliveries. It uses no clock: it returns pauses, and its caller waits."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ..config import ConfigError
from .destination import Outcome

__all__ = ["Next", "RetryPolicy", "Step"]

Step = Literal["again", "hold", "fail", "indeterminate"]


class Next(NamedTuple):
    """The next step for a film after a failed delivery; ``seconds`` is the pause before another attempt."""

    step: Step
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """A retry policy: ``attempts`` in all, with pauses that grow by ``factor`` from ``first`` to ``longest`` seconds.

    After the last attempt, or if no further attempt can succeed, the film is held for an operator, or fails, depending
    on ``then``. Raises `ConfigError`.
    """

    attempts: int = 12
    first: float = 10.0
    factor: float = 2.0
    longest: float = 3600.0
    then: Literal["hold", "fail"] = "hold"

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigError("attempts", f"{self.attempts} must be at least 1")
        if not 0 < self.first <= 1e6:
            raise ConfigError("first", f"{self.first:g} must be above 0 and at most 1000000 seconds")
        if not 1 <= self.factor <= 1000:
            raise ConfigError("factor", f"{self.factor:g} must be from 1 to 1000")
        if not self.first <= self.longest <= 1e6:
            raise ConfigError("longest", f"{self.longest:g} must be from first ({self.first:g}) to 1000000 seconds")

    def pause(self, failures: int) -> float:
        """Return the pause in seconds after the failed attempt number ``failures``, counted from 1."""
        max_growth = math.log(self.longest / self.first)  # as a logarithm, because a power could overflow
        if (failures - 1) * math.log(self.factor) >= max_growth:
            return self.longest
        return min(self.first * self.factor ** (failures - 1), self.longest)

    def after(self, failures: int, outcome: Outcome) -> Next:
        """Return the next step after ``failures`` failed attempts, the latest of which ended with ``outcome``."""
        if outcome is Outcome.INDETERMINATE:
            return Next("indeterminate")
        if outcome is Outcome.NEVER or failures >= self.attempts:
            return Next(self.then)
        return Next("again", self.pause(failures))
