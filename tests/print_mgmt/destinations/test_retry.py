"""The pauses before a failed delivery is repeated, and its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt import ConfigError
from print_mgmt.destinations import Next, Outcome, RetryPolicy

POLICY = RetryPolicy(attempts=5, first=10, factor=2, longest=50)


def test_pauses_double_up_to_the_longest() -> None:
    assert [POLICY.after(failures, Outcome.LATER) for failures in range(1, 5)] == [
        Next("again", 10),
        Next("again", 20),
        Next("again", 40),
        Next("again", 50),
    ]


def test_last_attempt_ends_in_hold_or_failure() -> None:
    assert POLICY.after(5, Outcome.LATER) == Next("hold")
    assert RetryPolicy(attempts=1, then="fail").after(1, Outcome.LATER) == Next("fail")


def test_bad_film_is_not_tried_again() -> None:
    assert POLICY.after(1, Outcome.NEVER) == Next("hold")


@given(st.integers(1, 10_000))
def test_indeterminate_film_is_never_repeated(failures: int) -> None:
    assert RetryPolicy(attempts=20_000).after(failures, Outcome.INDETERMINATE) == Next("indeterminate")


@given(
    st.floats(0.001, 1e6), st.floats(1, 1000), st.floats(0, 1), st.integers(1, 10**9), st.integers(1, 10**9)
)  # fmt: skip
def test_pause_never_shrinks_and_is_bounded(first: float, factor: float, share: float, one: int, other: int) -> None:
    policy = RetryPolicy(attempts=10**9, first=first, factor=factor, longest=first + share * (1e6 - first))
    earlier, later = sorted((one, other))
    assert first <= policy.pause(earlier) <= policy.pause(later) <= policy.longest


@pytest.mark.parametrize(
    "wrong", [{"attempts": 0}, {"first": 0.0}, {"factor": 0.5}, {"longest": 1.0}, {"first": float("nan")}]
)
def test_policy_names_the_wrong_key(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError) as raised:
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert raised.value.key == next(iter(wrong))
