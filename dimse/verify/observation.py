"""The events of a peer, and the patterns that these may match: one vocabulary for both.

An observation is a tuple of events in the order in which they happened. A pattern is made of the same values: one
event, a sequence of events, or the last events. In a pattern, a field that is None matches anything, and a frozenset
matches each of its members. ``Aborted(2)`` matches an A-ABORT with source 2 and any reason, ``Then(RELEASED, CLOSED)``
two events. As text, observations and patterns have the notation of the catalogue: ``ABORT(2,*)``, ``RP, CLOSED``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import ClassVar

from ..data import Dataset
from ..errors import escaped
from ..message import Message, StatusClass, status_class
from ..ul import Abort, AssociateAC, AssociateRJ, AssociateRQ, ReleaseRP, ReleaseRQ

__all__ = [
    "ABORT",
    "ALIVE",
    "OTHER_PDU",
    "DEVIATED",
    "RULE_BROKEN",
    "CLOSED",
    "DEAD",
    "FAILURE",
    "RULE_KEPT",
    "REJECT",
    "RELEASED",
    "RESPONSE",
    "SILENCE",
    "SUCCESS",
    "WARNING",
    "Aborted",
    "Accepted",
    "Answered",
    "OtherPDU",
    "Asked",
    "Deviated",
    "Broken",
    "Closed",
    "Crashed",
    "Ends",
    "Finding",
    "Garbled",
    "Kept",
    "Observation",
    "Outcome",
    "Outcomes",
    "Probed",
    "Rejected",
    "Released",
    "ReleaseAsked",
    "Running",
    "Seen",
    "Silent",
    "Then",
    "accepted",
    "without_data",
    "matches",
    "seen_as",
    "succeeded",
    "shown_all",
]

Numbers = int | frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """The base class of all events. ``is_pdu`` is False for an event in which the peer sends no octets."""

    is_pdu: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Accepted(Seen):
    """A-ASSOCIATE-AC, with pairs of a context id and its result; a pattern has only the contexts that matter."""

    results: tuple[tuple[int, Numbers], ...] = ()
    pdu: AssociateAC | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if not self.results:
            return "AC"
        shown = [f"{number}={_number(result)}" for number, result in self.results[:_MAX_SHOWN]]
        return f"AC({', '.join(shown)}{', ...' if len(self.results) > _MAX_SHOWN else ''})"


def accepted(results: Mapping[int, Numbers]) -> Accepted:
    """Return the pattern of an A-ASSOCIATE-AC with these results."""
    return Accepted(tuple(results.items()))


@dataclass(frozen=True, slots=True)
class Rejected(Seen):
    """A-ASSOCIATE-RJ, PS3.8 Table 9-21."""

    result: Numbers = None
    source: Numbers = None
    reason: Numbers = None

    def __str__(self) -> str:
        return f"RJ({_number(self.result)},{_number(self.source)},{_number(self.reason)})"


@dataclass(frozen=True, slots=True)
class Aborted(Seen):
    """A-ABORT, PS3.8 Table 9-26."""

    source: Numbers = None
    reason: Numbers = None

    def __str__(self) -> str:
        return f"ABORT({_number(self.source)},{_number(self.reason)})"


@dataclass(frozen=True, slots=True)
class Released(Seen):
    """A-RELEASE-RP."""

    def __str__(self) -> str:
        return "RP"


@dataclass(frozen=True, slots=True)
class ReleaseAsked(Seen):
    """A-RELEASE-RQ, sent by the peer."""

    def __str__(self) -> str:
        return "A-RELEASE-RQ"


@dataclass(frozen=True, slots=True)
class Answered(Seen):
    """A response. In a pattern, the status is a number, a set of numbers, or the word ``warning`` or ``failure``."""

    status: Numbers | str = None
    context_id: int | None = None
    message: Message | None = field(default=None, compare=False, repr=False)
    data: Dataset | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        if isinstance(self.status, int):
            return f"RSP({self.status:04X})"
        if isinstance(self.status, frozenset):
            return f"RSP({'|'.join(f'{each:04X}' for each in sorted(self.status))})"
        return f"RSP({self.status or '*'})"


@dataclass(frozen=True, slots=True)
class Asked(Seen):
    """A request from the peer: a message, named as in ``N-EVENT-REPORT-RQ``, or the PDU ``A-ASSOCIATE-RQ``."""

    name: str | None = None
    message: Message | None = field(default=None, compare=False, repr=False)
    context_id: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.name or "a request"


@dataclass(frozen=True, slots=True)
class Garbled(Seen):
    """Octets that form no PDU or message, or more octets than the tester accepts; ``why`` names the fault."""

    why: str | None = None

    def __str__(self) -> str:
        return f"octets that cannot be read: {escaped(self.why or '')}"


@dataclass(frozen=True, slots=True)
class OtherPDU(Seen):
    """The pattern of anything that the peer sends, even unreadable octets, except A-ABORT."""

    def __str__(self) -> str:
        return "any other PDU"


@dataclass(frozen=True, slots=True)
class Closed(Seen):
    """The end of the connection; ``how`` is ``FIN``, ``reset``, or another error in words."""

    is_pdu: ClassVar[bool] = False
    how: str | None = None

    def __str__(self) -> str:
        return "CLOSED" if self.how in (None, "FIN") else f"CLOSED ({self.how})"


@dataclass(frozen=True, slots=True)
class Silent(Seen):
    """Silence: nothing came, and the connection is still open."""

    is_pdu: ClassVar[bool] = False
    seconds: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return "SILENCE" if self.seconds is None else f"SILENCE (nothing within {self.seconds:g} s)"


@dataclass(frozen=True, slots=True)
class Probed(Seen):
    """The result of a probe (a new association during or after a case): ``alive``, ``dead`` or ``RJ`` (rejected)."""

    is_pdu: ClassVar[bool] = False
    state: str | None = None

    def __str__(self) -> str:
        return f"PROBE {self.state or '*'}"


@dataclass(frozen=True, slots=True)
class Crashed(Seen):
    """The end of the program under test by a signal."""

    is_pdu: ClassVar[bool] = False
    signal: int | None = None

    def __str__(self) -> str:
        return "crash" if self.signal is None else f"crash (signal {self.signal})"


@dataclass(frozen=True, slots=True)
class Running(Seen):
    """A program under test that keeps running, although its connections have ended."""

    is_pdu: ClassVar[bool] = False
    seconds: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return "the command does not end" + ("" if self.seconds is None else f" within {self.seconds:g} s")


@dataclass(frozen=True, slots=True)
class Kept(Seen):
    """A rule that the case has checked and the peer keeps; ``text`` says how."""

    is_pdu: ClassVar[bool] = False
    text: str | None = None

    def __str__(self) -> str:
        return escaped(self.text or "the rule is kept")


@dataclass(frozen=True, slots=True)
class Deviated(Seen):
    """A rule that the case has checked and the peer breaks in a way that harms no other peer."""

    is_pdu: ClassVar[bool] = False
    text: str | None = None

    def __str__(self) -> str:
        return escaped(self.text or "the peer deviates from the rule")


@dataclass(frozen=True, slots=True)
class Broken(Seen):
    """A rule that the case has checked and the peer breaks.

    If ``is_claimed``, the peer claims to keep the rule, so the rule counts as a MUST.
    """

    is_pdu: ClassVar[bool] = False
    text: str | None = None
    is_claimed: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return escaped(self.text or "the rule is broken")


@dataclass(frozen=True, slots=True)
class Then:
    """The pattern of a sequence."""

    parts: tuple[Seen, ...]

    def __init__(self, *parts: Seen) -> None:
        object.__setattr__(self, "parts", parts)

    def __str__(self) -> str:
        return ", ".join(map(str, self.parts))


@dataclass(frozen=True, slots=True)
class Ends:
    """The pattern of any sequence whose last event matches ``last``."""

    last: Seen

    def __str__(self) -> str:
        return f"..., {self.last}"


Finding = Kept | Deviated | Broken
Observation = tuple[Seen, ...]
Outcome = Seen | Then | Ends
Outcomes = tuple[Outcome, ...]

ABORT, REJECT, RELEASED, CLOSED, SILENCE = Aborted(), Rejected(), Released(), Closed(), Silent()
SUCCESS, WARNING, FAILURE, RESPONSE = Answered(0), Answered("warning"), Answered("failure"), Answered()
ALIVE, DEAD = Probed("alive"), Probed("dead")
RULE_KEPT, DEVIATED, RULE_BROKEN = Kept(), Deviated(), Broken()
OTHER_PDU = OtherPDU()

_MAX_RESULTS = 256  # contexts whose results are kept: a context id has 256 values, but a peer may repeat them
_MAX_SHOWN = 8  # contexts that the text of an A-ASSOCIATE-AC shows
_CLASSES = {"warning": StatusClass.WARNING, "failure": StatusClass.FAILURE}


def seen_as(pdu: AssociateRQ | AssociateAC | AssociateRJ | ReleaseRQ | ReleaseRP | Abort) -> Seen:
    """Return a PDU other than P-DATA-TF as an event."""
    match pdu:
        case AssociateAC():
            return Accepted(tuple((each.id, each.result) for each in pdu.presentation_contexts), pdu)
        case AssociateRJ():
            return Rejected(pdu.result, pdu.source, pdu.reason)
        case Abort():
            return Aborted(pdu.source, pdu.reason)
        case ReleaseRP():
            return Released()
        case ReleaseRQ():
            return ReleaseAsked()
        case AssociateRQ():
            return Asked("A-ASSOCIATE-RQ")


def matches(pattern: Outcome, observation: Observation) -> bool:
    """Return whether ``pattern`` matches the whole of ``observation``, from the first event to the last."""
    if isinstance(pattern, Ends):
        return bool(observation) and _agrees(pattern.last, observation[-1])
    parts = pattern.parts if isinstance(pattern, Then) else (pattern,)
    return len(parts) == len(observation) and all(map(_agrees, parts, observation))


def succeeded(seen: Seen) -> bool:
    """Return whether an event is a response with success or a warning."""
    return matches(SUCCESS, (seen,)) or matches(WARNING, (seen,))


def without_data(observation: Observation) -> Observation:
    """Return the observation without its messages, Data Sets and PDUs, and with few context results, to save memory."""
    return tuple(map(_without_data, observation))


def _without_data(seen: Seen) -> Seen:
    match seen:
        case Answered():
            return replace(seen, message=None, data=None)
        case Asked():
            return replace(seen, message=None)
        case Accepted():
            return replace(seen, pdu=None, results=seen.results[:_MAX_RESULTS])
    return seen


def _agrees(pattern: Seen, seen: Seen) -> bool:
    match pattern, seen:
        case OtherPDU(), _:
            return seen.is_pdu and not isinstance(seen, Aborted)
        case Accepted(), Accepted():
            found = dict(seen.results)
            return all(_holds(wanted, found.get(number)) for number, wanted in pattern.results)
        case Answered(str(words)), Answered(int(status)):
            return status_class(status) is _CLASSES[words]
        case _ if type(pattern) is type(seen):
            return all(
                _holds(getattr(pattern, each.name), getattr(seen, each.name))
                for each in fields(pattern)
                if each.compare
            )
    return False


def _holds(wanted: object, found: object) -> bool:
    if wanted is None:
        return True
    return found in wanted if isinstance(wanted, frozenset) else found == wanted


def _number(value: Numbers) -> str:
    if value is None:
        return "*"
    return str(value) if isinstance(value, int) else "|".join(map(str, sorted(value)))


def shown_all(outcomes: Outcomes, between: str = " | ") -> str:
    """Return the outcomes in the catalogue's notation, separated by ``between``."""
    return between.join(map(str, outcomes))
