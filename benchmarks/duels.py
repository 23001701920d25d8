"""A duel: one operation of ours beside the same operation of a peer, in alternating rounds of one run.

A contestant performs its operation and returns its seconds by its own clock, because many run in another process. Both
take their turn in every round, so other work on the machine slows both, and the ratio holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Protocol

__all__ = ["Contestant", "Duel", "Result", "timed"]

Contestant = Callable[[], float]


class Duel(Protocol):
    """Let two contestants take turns. ``nbytes`` is the size of each turn, for the throughput."""

    def __call__(
        self, subject: str, peer: str, ours: Contestant, theirs: Contestant, *, nbytes: int = 0
    ) -> "Result": ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The seconds of both in each round of ``nbytes``."""

    subject: str
    peer: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    nbytes: int = 0

    def ratios(self) -> list[float]:
        """The peer's time divided by ours, in each round."""
        return [theirs / ours for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    def row(self) -> tuple[str, ...]:
        """A line of the table: the medians, and the range of the ratio."""
        ratios = self.ratios()
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        return (
            self.subject,
            self.peer,
            self._shown(median(self.ours)),
            self._shown(median(self.theirs)),
            f"{median(ratios):.2f}",
            spread,
        )

    def _shown(self, seconds: float) -> str:
        milliseconds = f"{seconds * 1e3:.3g} ms"
        return f"{milliseconds}, {self.nbytes / seconds / 1e9:.2f} GB/s" if self.nbytes else milliseconds


def timed(operation: Callable[[], object], times: int = 1) -> Contestant:
    """Return a contestant of this process: the mean of ``times`` calls."""

    def run() -> float:
        start = perf_counter()
        for _ in range(times):
            operation()
        return (perf_counter() - start) / times

    return run
