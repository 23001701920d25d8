"""Logarithms and exponentials: equal to the C library except for the last bits."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film.elementary import exp, log, log10, power_of_10

ULPS = 3 * 2.0**-53  # relative: one and a half to three units in the last place


@given(st.floats(1e-300, 1e300))
def test_log_matches_numpy(x: float) -> None:
    assert float(log(x)) == pytest.approx(math.log(x), rel=ULPS, abs=0)


@given(st.floats(-700, 700))
def test_exp_matches_numpy(x: float) -> None:
    assert float(exp(x)) == pytest.approx(math.exp(x), rel=ULPS, abs=0)


@given(st.floats(-300, 300))
def test_log10_inverts_power_of_10(x: float) -> None:
    assert float(log10(power_of_10(x))) == pytest.approx(x, rel=1e-13, abs=1e-15)


def test_log_of_1_and_exp_of_0_are_exact() -> None:
    assert (float(log(1)), float(log10(1)), float(exp(0)), float(power_of_10(0))) == (0, 0, 1, 1)


def test_exp_stays_finite_far_from_zero() -> None:
    """So 1 / (1 + exp(x)) needs no check of ``x``."""
    ends = exp(np.array([-np.inf, -1e6, 1e6, np.inf]))
    assert np.all(np.isfinite(ends))
    assert np.all(ends[:2] < 1e-300)
    assert np.all(ends[2:] > 1e300)


def test_arrays_keep_their_shape() -> None:
    assert log(np.ones((2, 3))).shape == exp(np.ones((2, 3))).shape == (2, 3)
