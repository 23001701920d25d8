"""Test patterns: what each must hold to be of use."""

import numpy as np
import pytest

from print_mgmt.images import PATTERNS, ImageError, prepare, smpte


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("size", [256, 257, 1000])
def test_pattern_is_square_and_reaches_black_and_white(name: str, size: int) -> None:
    pattern = PATTERNS[name](size)
    assert pattern.shape == (size, size)
    assert pattern.dtype == np.uint8
    assert (pattern.min(), pattern.max()) == (0, 255)


@pytest.mark.parametrize("name", PATTERNS)
def test_twelve_bits_come_out_of_prepare_exactly(name: str) -> None:
    """The 12-bit values are spread over uint16, and each comes back as itself."""
    pattern = PATTERNS[name](256, bits=12)
    image = prepare(pattern, bits=12)
    assert pattern.dtype == np.uint16
    assert (image.pixels.max(), image.BitsStored) == (4095, 12)
    assert np.array_equal(np.rint(image.pixels * (65535 / 4095)), pattern)


def test_smpte_has_its_eleven_steps_and_insets() -> None:
    """SMPTE RP 133: steps of 10 %, 5 % within black and 95 % within white."""
    levels = set(np.unique(smpte(512, bits=12)).tolist())
    for percent in (*range(0, 101, 10), 5, 95):
        assert any(abs(level / 65535 - percent / 100) < 1 / 4095 for level in levels), percent


def test_smpte_insets_lie_within_black_and_white() -> None:
    pattern = smpte(1024)
    assert (pattern[520, 400], pattern[576, 448]) == (0, 13)
    assert (pattern[520, 520], pattern[576, 576]) == (255, 242)


@pytest.mark.parametrize("size", [256, 1024])
def test_smpte_has_lines_of_one_two_and_three_pixels(size: int) -> None:
    """Bars of high contrast, lying and upright, in the middle of the film."""
    pattern = smpte(size)
    cell = size // 16
    across = pattern[7 * cell, 8 * cell : 10 * cell]
    down = pattern[6 * cell : 8 * cell, [6 * cell + 1, 7 * cell, 8 * cell - 1]].T
    runs = {int(run) for line in (across, *down) for run in np.diff(np.flatnonzero(np.diff(line)))}
    assert runs >= {1, 2, 3}


def test_low_contrast_bars_differ_by_five_three_and_one_percent() -> None:
    pattern = smpte(1024, bits=12) / 65535
    bars = pattern[160, 192:320]  # upright ones of the upper left corner
    contrasts = [np.ptp(part) for part in np.array_split(bars, 3)]
    assert contrasts == pytest.approx([0.05, 0.03, 0.01], abs=1 / 4095)


def test_steps_are_equal() -> None:
    assert np.unique(PATTERNS["steps"](1100)[0]).tolist() == [round(255 * i / 10 + 1e-9) for i in range(11)]


@pytest.mark.parametrize("size", [256, 1001])
def test_geometry_is_the_same_turned_by_180_degrees(size: int) -> None:
    """So a film that is skewed, or cut on one side, shows."""
    pattern = PATTERNS["geometry"](size)
    middle = slice(size // 16, size * 15 // 16)
    assert np.all(pattern[[0, -1]] == 255)
    assert np.all(pattern[:, [0, -1]] == 255)
    assert np.array_equal(pattern, pattern.T)
    assert pattern[middle, size // 2].mean() > 0


@pytest.mark.parametrize("size", [-1, 0, 255, 8193])
def test_size_has_limits(size: int) -> None:
    with pytest.raises(ImageError, match="256 to 8192"):
        smpte(size)


def test_depth_is_8_or_12_bits() -> None:
    with pytest.raises(ImageError, match="10 bits: 8 or 12"):
        smpte(256, bits=10)  # type: ignore[arg-type]
