"""Levels on the pixels of a page."""

import numpy as np
import pytest
from numpy.typing import DTypeLike

from print_mgmt.film.canvas import blend, fill


@pytest.mark.parametrize(("dtype", "value"), [(np.uint8, 128), (np.uint16, 32768)])
def test_fill_rounds_the_level(dtype: DTypeLike, value: int) -> None:
    area = np.zeros((2, 3), dtype)
    fill(area, 0.5)
    assert np.all(area == value)


def test_coverage_keeps_mixes_and_covers() -> None:
    area = np.full((1, 3), 100, np.uint8)
    blend(area, np.array([[0, 51, 255]], np.uint8), 1.0)
    assert area.tolist() == [[100, 131, 255]]


def test_coverage_applies_to_all_planes() -> None:
    area = np.zeros((1, 2, 3), np.uint8)
    blend(area, np.array([[255, 0]], np.uint8), 1.0)
    assert area.tolist() == [[[255, 255, 255], [0, 0, 0]]]


def test_rows_of_each_block_are_blended() -> None:
    """A block has about a million values, and at least one row."""
    area = np.zeros((1100, 1000), np.uint8)
    coverage = np.zeros_like(area)
    coverage[[0, 1047, 1048, 1099]] = 255
    blend(area, coverage, 1.0)
    assert np.array_equal(area, coverage)
