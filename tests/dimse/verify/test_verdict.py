"""Verdicts: columns, levels, resets, close verdicts."""

import pytest

from dimse.verify import Close, Level, Verdict
from dimse.verify.observation import (
    ABORT,
    CLOSED,
    OTHER_PDU,
    RELEASED,
    SILENCE,
    SUCCESS,
    WARNING,
    Aborted,
    Answered,
    Closed,
    Ends,
    Outcome,
    Rejected,
    Seen,
    Silent,
    Then,
    accepted,
    matches,
)
from dimse.verify.verdict import CloseVerdict, Column, close_verdict, column_of, verdict_of, worst

RESET = Closed("reset")


@pytest.mark.parametrize(
    ("pattern", "observation", "expected"),
    [
        (Aborted(2), (Aborted(2, 6),), True),
        (Aborted(2), (Aborted(0, 0),), False),
        (Rejected(frozenset({1, 2}), 2, 2), (Rejected(2, 2, 2),), True),
        (accepted({1: 0}), (accepted({1: 0, 3: 4}),), True),
        (accepted({1: 0}), (accepted({3: 0}),), False),
        (WARNING, (Answered(0xB600),), True),
        (WARNING, (Answered(0),), False),
        (SUCCESS, (Answered(0), RELEASED), False),
        (Then(SUCCESS, RELEASED), (Answered(0), RELEASED), True),
        (Ends(SILENCE), (Answered(0), Silent(3.0)), True),
        (OTHER_PDU, (Answered(0),), True),
        (OTHER_PDU, (Aborted(0, 0),), False),
        (OTHER_PDU, (RESET,), False),
        (CLOSED, (RESET,), True),
    ],
)
def test_pattern_matches_observation(pattern: Outcome, observation: tuple[Seen, ...], expected: bool) -> None:
    assert matches(pattern, observation) is expected


@pytest.mark.parametrize(
    ("level", "column", "verdict"),
    [
        (Level.MUST, Column.PASSES, Verdict.PASS),
        (Level.MUST, Column.NONSTRICT, Verdict.NON_STRICT),
        (Level.MUST, Column.FAILS, Verdict.FAIL),
        (Level.MUST, Column.NONE, Verdict.INCONCLUSIVE),
        (Level.SHOULD, Column.FAILS, Verdict.WEAK),
        (Level.MAY, Column.FAILS, Verdict.WEAK),
        (Level.INFO, Column.PASSES, Verdict.INFO),
        (Level.INFO, Column.FAILS, Verdict.WEAK),
        (Level.INFO, Column.NONE, Verdict.INFO),
    ],
)
def test_verdict_follows_level_and_column(level: Level, column: Column, verdict: Verdict) -> None:
    assert verdict_of(level, column) is verdict


def test_reset_may_have_swallowed_an_abort() -> None:
    assert column_of((RESET,), (ABORT,), (), (CLOSED,))[0] is Column.PASSES


def test_reset_is_not_an_abort_of_a_given_source() -> None:
    assert column_of((RESET,), (Aborted(2),), (CLOSED,), ())[0] is Column.NONSTRICT


def test_reset_fails_where_no_abort_is_right() -> None:
    assert column_of((RESET,), (SUCCESS,), (), (CLOSED,))[0] is Column.FAILS


def test_case_has_its_worst_verdict() -> None:
    assert worst([Verdict.PASS, Verdict.WEAK, Verdict.SKIPPED]) is Verdict.WEAK
    assert worst([Verdict.SKIPPED, Verdict.SKIPPED]) is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("wanted", "ended", "verdict"),
    [
        (Close.RELEASE, (RELEASED,), CloseVerdict.CLEAN),
        (Close.RELEASE, (Aborted(0, 0),), CloseVerdict.ABORTED),
        (Close.RELEASE, (Closed("FIN"),), CloseVerdict.CLOSED),
        (Close.RELEASE, (RESET,), CloseVerdict.RESET),
        (Close.RELEASE, (Silent(3.0),), CloseVerdict.HUNG),
        (Close.ABORT, (Aborted(0, 0),), CloseVerdict.CLEAN),
        (Close.PEER, (Closed("FIN"),), CloseVerdict.CLEAN),
        (Close.TESTER, (Silent(None),), CloseVerdict.CLEAN),
        (Close.NONE, (RELEASED,), None),
    ],
)
def test_close_verdict_says_how_it_ended(wanted: Close, ended: tuple[Seen, ...], verdict: CloseVerdict | None) -> None:
    assert close_verdict(wanted, ended) is verdict
