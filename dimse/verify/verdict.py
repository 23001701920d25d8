"""Verdicts: how an observation is judged by the outcomes that a case lists as pass, nonstrict or fail.

Only a case of level MUST can FAIL: such a case names the section of a sentence with "shall". An observation that
matches no outcome is INCONCLUSIVE, or INFO at level INFO. The close verdict is reported beside the verdict, and never
changes it.
"""

from collections.abc import Iterable
from enum import Enum, StrEnum

from .observation import Aborted, Closed, Ends, Observation, Outcome, Outcomes, Rejected, Released, Seen, Then, matches

__all__ = ["Close", "CloseVerdict", "Column", "Level", "Verdict", "close_verdict", "column_of", "verdict_of", "worst"]


class Level(StrEnum):
    """The force of a sentence of the standard."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"
    INFO = "INFO"


class Verdict(StrEnum):
    """The verdict of a case. FAIL is a violation of a sentence with "shall", and WEAK any other fault of the peer.

    NON_STRICT is a deviation that harms no other peer, INFO an observation about which the standard says nothing, and
    ERROR a fault of the tester. UNIMPLEMENTED means that the peer lacks a feature that the case needs, and SKIPPED that
    the options leave the case out.
    """

    PASS = "PASS"
    NON_STRICT = "NON-STRICT"
    WEAK = "WEAK"
    FAIL = "FAIL"
    INFO = "INFO"
    INCONCLUSIVE = "INCONCLUSIVE"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    SKIPPED = "SKIPPED"
    ERROR = "ERROR"

    @property
    def is_suspect(self) -> bool:
        """Whether the peer may be at fault. The tester may run such a case again, alone or with more patience."""
        return self in (Verdict.FAIL, Verdict.WEAK, Verdict.INCONCLUSIVE)


class Column(Enum):
    """The outcomes of a case that an observation matches: a column of the case's row in ``cases.csv``."""

    PASSES = "pass"
    NONSTRICT = "nonstrict"
    FAILS = "fail"
    NONE = "none of them"


class Close(StrEnum):
    """The end of the association that a case expects.

    PEER and TESTER are the side that closes the connection, EITHER is a release or an A-ABORT, and NONE is any end.
    """

    RELEASE = "release"
    ABORT = "abort"
    REJECT = "reject"
    PEER = "peer-close"
    TESTER = "tester-close"
    EITHER = "either"
    NONE = "none"


class CloseVerdict(StrEnum):
    """The actual end of an association, compared with the expected end: CLEAN is an end as expected.

    ABORTED is an A-ABORT of the peer, CLOSED and RESET the end of the connection, and HUNG no end in time.
    """

    CLEAN = "CLEAN"
    ABORTED = "ABORTED"
    CLOSED = "CLOSED"
    RESET = "RESET"
    HUNG = "HUNG"


# Worst first. UNIMPLEMENTED and SKIPPED are the mildest: one of them results only if no sub-case was judged.
_ORDER = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.WEAK,
    Verdict.INCONCLUSIVE,
    Verdict.NON_STRICT,
    Verdict.PASS,
    Verdict.INFO,
    Verdict.UNIMPLEMENTED,
    Verdict.SKIPPED,
)
_MILDEST_FIRST = (Column.PASSES, Column.NONSTRICT, Column.NONE, Column.FAILS)
_A_RESET, _AN_ABORT = Closed("reset"), Aborted()


def column_of(
    observation: Observation, passes: Outcomes, nonstrict: Outcomes = (), fails: Outcomes = ()
) -> tuple[Column, Seen | object]:
    """Return the column of an observation, and the pattern that matched (None if none did).

    A reset of the connection can destroy an A-ABORT that the peer sent before it. So a reset is also judged as an
    A-ABORT, by the patterns that match any A-ABORT. If one of them matches, the milder of the two columns counts.
    """
    found = _column(observation, passes, nonstrict, fails)
    if observation and observation[-1] == _A_RESET:
        wild = tuple(_any_abort_patterns(each) for each in (passes, nonstrict, fails))
        other = _column((*observation[:-1], _AN_ABORT), *wild)
        if other[0] is not Column.NONE:
            return min(found, other, key=lambda each: _MILDEST_FIRST.index(each[0]))
    return found


def _any_abort_patterns(outcomes: Outcomes) -> Outcomes:
    """Return the outcomes that end with the pattern of any A-ABORT."""
    return tuple(each for each in outcomes if _last(each) == _AN_ABORT)


def _last(outcome: Outcome) -> Seen:
    match outcome:
        case Then(parts=parts):
            return parts[-1]
        case Ends(last=last):
            return last
    assert isinstance(outcome, Seen)
    return outcome


def _column(
    observation: Observation, passes: Outcomes, nonstrict: Outcomes, fails: Outcomes
) -> tuple[Column, Seen | object]:
    for column, outcomes in ((Column.PASSES, passes), (Column.NONSTRICT, nonstrict), (Column.FAILS, fails)):
        for outcome in outcomes:
            if matches(outcome, observation):
                return column, outcome
    return Column.NONE, None


def verdict_of(level: Level, column: Column) -> Verdict:
    """Return the verdict of an observation in ``column``, for a sentence of this ``level``."""
    if level is Level.INFO:
        return Verdict.WEAK if column is Column.FAILS else Verdict.INFO
    match column:
        case Column.PASSES:
            return Verdict.PASS
        case Column.NONSTRICT:
            return Verdict.NON_STRICT
        case Column.FAILS:
            return Verdict.FAIL if level is Level.MUST else Verdict.WEAK
        case _:
            return Verdict.INCONCLUSIVE


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict of sub-cases, or SKIPPED if there are none."""
    return min(verdicts, key=_ORDER.index, default=Verdict.SKIPPED)


def close_verdict(wanted: Close, ended: Observation) -> CloseVerdict | None:
    """Return how an association ended: ``ended`` has the PDU that ended it, or else `Closed` or `Silent`.

    Return None if the case expects no particular end, or if ``ended`` is empty. A release and an A-ASSOCIATE-RJ are
    CLEAN in any case. If the tester is to close the connection, any end except an A-ABORT of the peer is CLEAN.
    """
    if wanted is Close.NONE or not ended:
        return None
    match ended:
        case (Released(), *_):
            return CloseVerdict.CLEAN
        case (Rejected(), *_):
            return CloseVerdict.CLEAN
        case (Aborted(), *_):
            return CloseVerdict.CLEAN if wanted in (Close.ABORT, Close.EITHER) else CloseVerdict.ABORTED
        case (Closed(how),):
            if wanted in (Close.PEER, Close.TESTER):
                return CloseVerdict.CLEAN
            return CloseVerdict.RESET if how == "reset" else CloseVerdict.CLOSED
    return CloseVerdict.CLEAN if wanted is Close.TESTER else CloseVerdict.HUNG
