"""The cases of the conformance tester.

Each case has an id, a section of the standard, and the sets of outcomes that pass and fail. Each case except an
invariant also has a function that talks with the peer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Flag, StrEnum, auto
from typing import Any, Protocol

from .observation import Finding, Observation, Outcomes, Seen
from .verdict import Close, Level, Verdict

__all__ = [
    "Case",
    "CaseRun",
    "Flags",
    "Listener",
    "MakeListener",
    "Note",
    "Role",
    "SubCase",
    "Unprepared",
    "category_of",
]


class Role(StrEnum):
    """The role of the system under test."""

    SCP = "SCP"
    SCU = "SCU"
    BOTH = "both"


class Flags(Flag):
    """The requirements of a case, which the peer or the options must meet; `dimse.verify.flags` explains each.

    In the catalogue, a flag is written in lower case with hyphens, such as ``gray-meta``.
    """

    NONE = 0
    ECHO = auto()
    PRINT = auto()
    GRAY_META = auto()
    COLOR_META = auto()
    PLUT = auto()
    ANNOTATION = auto()
    JOBS = auto()
    CONFIG = auto()
    EXPLICIT_LE = auto()
    MAX_LENGTH = auto()
    TWO_ASSOC = auto()
    CHECKS_CALLED = auto()
    SESSION_ACTION = auto()
    FILM = auto()
    FILM2 = auto()
    CLIENT_CERT = auto()
    TLS = auto()
    CLAIMS = auto()
    EVENT_HOOK = auto()
    SLOW = auto()
    SCU = auto()
    SCU_PRINT = auto()
    SCU_COLOR = auto()
    SCU_JOBS = auto()
    COMMAND = auto()

    @classmethod
    def parse(cls, text: str) -> "Flags":
        """Return the flags in ``text``, as the catalogue writes them, separated by semicolons. Raises KeyError."""
        found = cls.NONE
        for word in filter(None, text.split(";")):
            found |= cls[word.upper().replace("-", "_")]
        return found

    def words(self) -> list[str]:
        """Return the catalogue's word for each flag."""
        return [(flag.name or "").lower().replace("_", "-") for flag in self]


class Unprepared(Exception):
    """The failure of a case's preparation, before the step that is judged.

    ``verdict`` is INCONCLUSIVE, UNIMPLEMENTED, SKIPPED or INFO, never FAIL.
    """

    def __init__(self, reason: str, verdict: Verdict = Verdict.INCONCLUSIVE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.verdict = verdict


class Decided(Exception):
    """The early end of a sub-case, whose result is already decided: ``seen``."""

    def __init__(self, seen: Seen) -> None:
        super().__init__(str(seen))
        self.seen = seen


# Runs a sub-case. Its argument is a `dimse.verify.peer.Peer`, or a `dimse.verify.scu.peer.ScuPeer` if an SCU is tested
CaseRun = Callable[[Any], Awaitable[Seen | Observation]]


Note = Callable[[str, Finding], None]  # called with the id of an invariant and a finding


class Listener(Protocol):
    """A listener on one connection, for the tester's octets and the peer's PDUs."""

    def sent(self, octets: bytes) -> None:
        """Take octets that the tester sends."""

    def received(self, pdu: bytes) -> None:
        """Take a whole PDU that the peer has sent."""


MakeListener = Callable[[Note], Listener]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubCase:
    """A variation of a case. If a set of outcomes or the level is None, the case's own applies."""

    name: str
    run: CaseRun
    passes: Outcomes | None = None
    nonstrict: Outcomes | None = None
    fails: Outcomes | None = None
    level: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case. Its own ``run`` is the first sub-case; ``subcases`` follow.

    The case runs if the peer and the options meet ``needs``. ``passes``, ``nonstrict`` and ``fails`` are the sets of
    outcomes, and ``close`` is the end of the association that the case expects.

    An invariant has no ``run``: it judges all traffic of the peer, with a listener that ``make_listener`` makes for
    each connection, or with a rule of `dimse.verify.invariants`. After each sub-case of a ``risky`` case, the peer is
    probed, unless the sub-case could not be judged, or the peer is known to be dead.
    """

    id: str
    title: str
    section: str
    level: Level
    role: Role = Role.SCP
    run: CaseRun | None = None
    make_listener: MakeListener | None = None
    passes: Outcomes = ()
    nonstrict: Outcomes = ()
    fails: Outcomes = ()
    subcases: tuple[SubCase, ...] = ()
    needs: Flags = Flags.NONE
    close: Close = Close.RELEASE
    risky: bool = False
    waits: bool = False  # whether the case lasts until a time limit if the peer is correct

    @property
    def is_slow(self) -> bool:
        """Whether the case waits for a timer of the peer."""
        return Flags.SLOW in self.needs

    def all_subcases(self) -> tuple[SubCase, ...]:
        """Return the sub-cases, each with the sets and the level that apply. The first is the case's own ``run``.

        An invariant has no sub-cases.
        """
        if self.run is None:
            return ()
        first = SubCase(name="", run=self.run)
        return tuple(
            replace(
                each,
                passes=self.passes if each.passes is None else each.passes,
                nonstrict=self.nonstrict if each.nonstrict is None else each.nonstrict,
                fails=self.fails if each.fails is None else each.fails,
                level=each.level or self.level,
            )
            for each in (first, *self.subcases)
        )


def category_of(case_id: str) -> str:
    """Return the category of a case: ``UL-F`` for ``UL-F-2.05``."""
    return case_id.rpartition("-")[0]
