"""Cases: one id, one sentence of the standard, the sets of its outcomes, and the conversation that checks it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import Flag, StrEnum, auto
from typing import Any, Protocol

from .observation import Bent, Broken, Kept, Observation, Outcomes, Seen
from .verdict import Close, Level, Verdict

__all__ = ["Case", "Flags", "Listener", "Listens", "Note", "Role", "Run", "SubCase", "Unprepared", "group_of"]


class Role(StrEnum):
    """The role of the system under test."""

    SCP = "SCP"
    SCU = "SCU"
    BOTH = "both"


class Flags(Flag):
    """What a case needs of the peer, or of the options; as text, the words of the catalogue."""

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
        """Return the flags of the words of the catalogue, joined by semicolons."""
        found = cls.NONE
        for word in filter(None, text.split(";")):
            found |= cls[word.upper().replace("-", "_")]
        return found

    def words(self) -> list[str]:
        """Return the words of the catalogue."""
        return [(flag.name or "").lower().replace("_", "-") for flag in self]


class Unprepared(Exception):
    """The preparation of a case did not get as far as the step that matters.

    ``verdict`` is INCONCLUSIVE, UNIMPLEMENTED or SKIPPED, never FAIL.
    """

    def __init__(self, reason: str, verdict: Verdict = Verdict.INCONCLUSIVE) -> None:
        super().__init__(reason)
        self.reason = reason
        self.verdict = verdict


# The peer is `dimse.verify.peer.Peer` for an SCP under test. A tester of another role has a peer of its own.
Run = Callable[[Any], Awaitable[Seen | Observation]]


Note = Callable[[str, Kept | Bent | Broken], None]  # the id of an invariant, and a finding


class Listener(Protocol):
    """Hears one connection: octets of the tester, and each PDU of the peer."""

    def sent(self, octets: bytes) -> None:
        """Take octets of the tester."""

    def received(self, pdu: bytes) -> None:
        """Take a whole PDU of the peer."""


Listens = Callable[[Note], Listener]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubCase:
    """A variation within a case. A set that is None is the set of the case."""

    name: str
    run: Run
    passes: Outcomes | None = None
    nonstrict: Outcomes | None = None
    fails: Outcomes | None = None
    level: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case for one role. The run of the case itself is its first sub-case; ``subcases`` follow.

    An invariant has no ``run``: it judges the traffic of the whole run, by the listener that ``listens`` makes for each
    connection, or by one of the frame. ``risky`` cases are followed by a probe.
    """

    id: str
    title: str
    section: str
    level: Level
    role: Role = Role.SCP
    run: Run | None = None
    listens: Listens | None = None
    passes: Outcomes = ()
    nonstrict: Outcomes = ()
    fails: Outcomes = ()
    subcases: tuple[SubCase, ...] = ()
    needs: Flags = Flags.NONE
    close: Close = Close.RELEASE
    risky: bool = False

    @property
    def is_slow(self) -> bool:
        """Whether the case waits for a timer of the peer."""
        return Flags.SLOW in self.needs

    def steps(self) -> tuple[SubCase, ...]:
        """Return the case and its sub-cases, each with its own sets."""
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


def group_of(case_id: str) -> str:
    """Return the category of a case: ``UL-F`` for ``UL-F-2.05``."""
    return case_id.rpartition("-")[0]
