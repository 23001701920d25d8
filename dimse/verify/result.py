"""Runs and their options, the results of cases, and the facts about the peer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Protocol

from .case import Case, Flags
from .observation import Observation
from .trace import CaseTrace
from .verdict import CloseVerdict, Column, Level, Verdict, verdict_of

__all__ = [
    "ALWAYS_FINE",
    "ENDLESS",
    "Assertion",
    "Options",
    "PeerFacts",
    "Result",
    "Run",
    "SubResult",
    "is_stuck",
]

DONE, FAILED, NOT_JUDGED, TESTER_AT_FAULT = 0, 1, 3, 4  # exit statuses
_MAX_ENDLESS = 3  # cases in a row that reach their time limit; then the run stops, because it could take days
ENDLESS = f"{_MAX_ENDLESS} cases in a row did not end: the peer goes on without end"
# Verdicts that are not failures even with --strict
ALWAYS_FINE = (Verdict.PASS, Verdict.NON_STRICT, Verdict.INFO, Verdict.UNIMPLEMENTED, Verdict.SKIPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options that decide which cases run, and what counts as a failure."""

    cases: tuple[str, ...] = ()  # globs of case ids; empty means all cases
    exclude: tuple[str, ...] = ()  # globs of case ids that do not run
    seed: int = 1  # determines the random octets and UIDs
    strict: bool = False  # also count WEAK and INCONCLUSIVE as failures
    stop_after: int | None = None  # the number of failures after which the run stops
    gentle: bool = False  # leave out the cases that are risky or slow, and ROB-*
    slow: bool = True  # run the cases that wait for a timer of the peer
    max_films: int = 0  # the number of N-ACTIONs that may print
    no_film: bool = False  # no N-ACTION at all
    full_trace: bool = False  # keep all octets in the report
    pcap: bool = False  # also keep all octets for captures, even those that the report leaves out
    redact: bool = False  # keep patient data out of the report
    jobs: int = 1  # cases of PRN-* at the same time, if the peer serves several associations
    tls_profile: str = ""  # the secure transport connection profile that the peer claims, a section of PS3.15

    def flags(self) -> Flags:
        """Return the flags that follow from the options, whatever the peer supports."""
        films = 0 if self.no_film else self.max_films
        found = Flags.NONE if self.gentle or not self.slow else Flags.SLOW
        found |= Flags.FILM if films >= 1 else Flags.NONE
        return found | (Flags.FILM2 if films > 1 else Flags.NONE)

    def claimed(self) -> dict[str, object]:
        """Return all claims of the peer, by name."""
        return {"tls_profile": self.tls_profile} if self.tls_profile else {}

    def claimed_tls_profile(self) -> str:
        """Return the profile of PS3.15 that the peer claims, such as ``B.12``, or "" if it claims none."""
        return self.tls_profile

    def selects(self, case_id: str) -> bool:
        """Return whether the globs choose a case."""
        chosen = not self.cases or any(fnmatchcase(case_id, glob) for glob in self.cases)
        return chosen and not any(fnmatchcase(case_id, glob) for glob in self.exclude)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubResult:
    """The verdict of one sub-case. If the sub-case was tried again, ``first`` is the observation of the earlier try."""

    name: str
    verdict: Verdict
    expected: str
    observed: Observation
    reason: str
    first: Observation = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A line in the log of a case: what was ``due`` by the section of the case, and what was ``seen``.

    ``seconds`` is the time since the start of the case, ``subcase`` the number of the sub-case.
    """

    seconds: float
    subcase: int
    due: str
    seen: str
    verdict: Verdict

    @classmethod
    def now(cls, trace: CaseTrace, level: Level, due: str, seen: str, column: Column) -> "Assertion":
        """Return the line for what was ``seen`` just now; ``column`` says how a case of this level judges it."""
        verdict = verdict_of(level, column)
        return cls(seconds=trace.now(), subcase=trace.subcase, due=due, seen=seen, verdict=verdict)


class EndedProgram(Protocol):
    """A program that has ended."""

    def fields(self) -> dict[str, object]:
        """Return the report's fields about the program."""


@dataclass(slots=True, kw_only=True)
class Result:
    """The verdict of one case."""

    case: Case
    verdict: Verdict
    reason: str = ""
    close: CloseVerdict | None = None
    # Whether no new association worked after the case, or the peer's program had ended. An SCU's program always
    # ends, so it counts only if a signal ended it.
    is_damaged: bool = False
    is_endless: bool = False  # whether the case reached its time limit
    subcases: tuple[SubResult, ...] = ()
    seconds: float = 0.0
    trace: CaseTrace | None = None
    measured: dict[str, tuple[float, str]] = field(default_factory=dict)
    command: EndedProgram | None = None  # how the program of an SCU ended
    assertions: list[Assertion] = field(default_factory=list)

    @property
    def is_failure(self) -> bool:
        """Whether the case counts against the peer."""
        return self.is_damaged or self.verdict is Verdict.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFacts:
    """Facts about the peer, found out on the first associations."""

    flags: Flags = Flags.NONE
    implementation_class_uid: str = ""
    implementation_version_name: str = ""
    max_length: int | None = None  # the peer's Maximum Length in octets; 0: no limit, None: unknown
    printer: Mapping[str, str] = field(default_factory=dict)  # the attributes of the Printer instance, by keyword

    def with_flags(self, flags: Flags) -> "PeerFacts":
        """Return the same facts with more flags."""
        return replace(self, flags=self.flags | flags)


@dataclass(slots=True, kw_only=True)
class Run:
    """A run and all of its results so far; it may be written as a report at any time."""

    results: list[Result] = field(default_factory=list)
    facts: PeerFacts = field(default_factory=PeerFacts)
    films: int = 0  # N-ACTIONs that may have printed
    started: str = ""  # UTC, ISO 8601
    seconds: float = 0.0
    stopped: str = ""  # why the run ended before its last case
    is_unjudged: bool = False  # whether the peer cannot be judged: it rejected us, for example, or did not come back

    def counts(self) -> dict[Verdict, int]:
        """Return the number of cases with each verdict."""
        return {verdict: sum(result.verdict is verdict for result in self.results) for verdict in Verdict}

    @property
    def damaged(self) -> int:
        """The number of cases that damaged the peer."""
        return sum(result.is_damaged for result in self.results)

    def exit_status(self, *, strict: bool = False) -> int:
        """Return the exit status of the command line."""
        if any(result.verdict is Verdict.ERROR for result in self.results):
            return TESTER_AT_FAULT
        if self.is_unjudged:
            return NOT_JUDGED
        if any(result.is_failure for result in self.results):
            return FAILED
        if strict and any(result.verdict not in ALWAYS_FINE for result in self.results):
            return FAILED
        return DONE

    @property
    def is_conformant(self) -> bool:
        """Whether the run is complete, without a failed case, damage to the peer, or a fault of the tester."""
        return self.exit_status() == DONE and not self.stopped


def is_stuck(run: Run) -> bool:
    """Return whether the last `_MAX_ENDLESS` cases that were run all reached their time limit."""
    last = [each for each in run.results if each.subcases][-_MAX_ENDLESS:]
    return len(last) == _MAX_ENDLESS and all(each.is_endless for each in last)
