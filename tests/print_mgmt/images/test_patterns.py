"""Test patterns and their required elements."""

from pathlib import Path
from typing import Literal

import data_store
import numpy as np
import pytest

from print_mgmt.images import PATTERNS, ImageError, prepare, smpte
from print_mgmt.images.patterns import geometry, resolution, steps, tg18_qc
from print_mgmt.secondary_capture import pattern_capture

REAL = Path(next(iter(data_store.__path__))) / "data"


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize(("rows", "columns"), [(256, None), (257, None), (1000, None), (300, 777), (700, 256)])
def test_pattern_has_any_size_and_reaches_black_and_white(name: str, rows: int, columns: int | None) -> None:
    pattern = PATTERNS[name](rows, columns)
    assert pattern.shape == (rows, columns or rows)
    assert pattern.dtype == np.uint8
    assert (int(pattern.min()), int(pattern.max())) == (0, 255)


@pytest.mark.parametrize("name", PATTERNS)
def test_prepare_keeps_twelve_bits(name: str) -> None:
    """12-bit values are spread over uint16 and restored exactly."""
    pattern = PATTERNS[name](256, bits=12)
    image = prepare(pattern, bits=12)
    assert pattern.dtype == np.uint16
    assert (int(image.pixels.max()), image.BitsStored) == (4095, 12)
    assert np.array_equal(np.rint(image.pixels * (65535 / 4095)), pattern)


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("bits", [8, 12])
def test_pattern_capture_prints_like_the_pattern(name: str, bits: Literal[8, 12]) -> None:
    """Its window changes nothing."""
    pattern = PATTERNS[name](256, 300, bits)
    printed = prepare(pattern_capture(pattern, name), bits=bits)
    assert np.array_equal(printed.pixels, prepare(pattern, bits=bits).pixels)


def test_smpte_has_its_eleven_steps_and_insets() -> None:
    """SMPTE RP 133: steps of 10 %, 5 % within black and 95 % within white."""
    levels = set(np.unique(smpte(512, bits=12)).tolist())
    for percent in (*range(0, 101, 10), 5, 95):
        assert any(abs(level / 65535 - percent / 100) < 1 / 4095 for level in levels), percent


def test_smpte_boxes_brighten_around_the_middle() -> None:
    """They are ordered clockwise from the lower left, with 50 % twice in the middle of the top."""
    pattern = smpte(1000)
    places = [(6, 2), (5, 2), (4, 2), (3, 2), (3, 3), (3, 4), (3, 5), (3, 6), (3, 7), (4, 7), (5, 7), (6, 7)]
    levels = [int(pattern[100 * row + 80, 100 * column + 50]) for row, column in places]
    assert levels == [round(2.55 * percent + 0.01) for percent in (0, 10, 20, 30, 40, 50, 50, 60, 70, 80, 90, 100)]


def test_smpte_insets_are_within_black_and_white() -> None:
    pattern = smpte(1000)
    assert (pattern[605, 305], pattern[650, 350]) == (0, 13)
    assert (pattern[605, 605], pattern[650, 650]) == (255, 242)


def test_smpte_resembles_the_one_of_pydicom_data() -> None:
    """The SMPTE pattern in pydicom-data, 512 x 512 pixels, has gray boxes, insets and windows at the same places."""
    real = prepare(REAL / "vlut_04.dcm").pixels.astype(int)
    ours = smpte(512).astype(int)
    middles = [(row, column) for row in (3, 4, 5, 6) for column in (2, 7)] + [(3, c) for c in range(3, 7)]
    middles += [(6, 3), (6, 6), (2, 2), (2, 5), (7, 2), (7, 5)]
    for row, column in middles:
        y, x = int(51.2 * (row + 0.5)), int(51.2 * (column + 0.5))
        area = slice(y - 2, y + 3), slice(x - 4, x + 4)
        assert np.abs(ours[area] - real[area]).max() <= 2, (row, column)


@pytest.mark.parametrize("size", [256, 1000])
def test_smpte_has_bars_of_one_two_and_three_pixels(size: int) -> None:
    """They are horizontal and vertical, in the middle and in all corners, with the finest bars outermost."""
    pattern = smpte(size)
    box = round(0.0625 * size)
    margin = round(0.01 * size) + max(1, round(0.005 * size))
    corner = pattern[margin:, margin:]
    for index in range(3):
        lying = corner[index * box : (index + 1) * box, 1]
        upright = corner[index * box + 1, box : 2 * box]
        for line in (lying, upright):
            assert set(np.diff(np.flatnonzero(np.diff(line)))) == {index + 1}
    patch = slice(margin, margin + 3 * box), slice(margin, margin + 4 * box)
    for turned in (pattern[::-1], pattern[:, ::-1], pattern[::-1, ::-1]):
        assert np.array_equal(turned[patch], pattern[patch])


def test_smpte_faint_bars_differ_by_one_three_and_five_percent() -> None:
    pattern = smpte(1024, bits=12) / 65535
    faint = pattern[15 : 15 + 3 * 64, 15 + 3 * 64 : 15 + 4 * 64]
    contrasts = [float(np.ptp(faint[64 * i : 64 * (i + 1)])) for i in range(3)]
    assert contrasts == pytest.approx([0.01, 0.03, 0.05], abs=1 / 4095)


def test_tg18_patches_are_16_levels_apart() -> None:
    pattern = tg18_qc(1000)
    places = [(6.5, 3), (6.5, 2), (5.5, 2), (4.5, 2), (3.5, 2), (2.5, 2), (2.5, 3), (2.5, 4)]
    places += [(2.5, 5), (2.5, 6), (2.5, 7), (3.5, 7), (4.5, 7), (5.5, 7), (6.5, 7), (6.5, 6)]
    for index, (row, column) in enumerate(places):
        patch = pattern[int(100 * row) : int(100 * row) + 100, 100 * column : 100 * column + 100]
        level = 8 + 16 * index
        assert patch[50, 50] == level
        assert (patch[8, 8], patch[-9, -9], patch[8, -9], patch[-9, 8]) == (level + 4, level + 4, level - 4, level - 4)


def test_tg18_letters_fade_to_one_level() -> None:
    """14 letters on black, gray and white; the last differs by one level."""
    pattern = tg18_qc(1024).astype(int)
    for row, background, sign in ((3.6, 0, 1), (5.55, 128, 1), (6.0, 255, -1)):
        top = round(row * 102.4)
        line = pattern[top : top + 41, 313:712]
        assert sorted(set((sign * (line - background)).ravel().tolist())) == list(range(15))


def test_tg18_ramps_have_all_levels() -> None:
    pattern = tg18_qc(1024)
    assert np.unique(pattern[256:768, 70]).tolist() == list(range(256))
    assert np.array_equal(pattern[256:768, 70][::-1], pattern[256:768, 900])


@pytest.mark.parametrize("bits", [8, 12])
def test_steps_have_the_p_values_of_their_labels(bits: Literal[8, 12]) -> None:
    """16 steps differ by exactly 17 in 8 bits, and by 273 in 12 bits."""
    pixels = prepare(steps(1000, bits=bits), bits=bits).pixels
    found = [int(pixels[100 + 187 * row, 150 + 225 * column]) for row in range(4) for column in range(4)]
    assert found == [step * (273 if bits == 12 else 17) for step in range(16)]


@pytest.mark.parametrize("size", [256, 1001])
def test_geometry_is_symmetric(size: int) -> None:
    """A skewed or cut film is visible by comparison."""
    pattern = geometry(size)
    assert np.all(pattern[[0, -1]] == 255)
    assert np.all(pattern[:, [0, -1]] == 255)
    assert np.array_equal(pattern, pattern.T)
    assert np.array_equal(pattern[: size // 8], geometry(size)[::-1, ::-1][: size // 8]) or size % 2


def test_resolution_bars_have_their_width() -> None:
    pattern = resolution(1024)
    for index, width in enumerate((1, 2, 3, 4, 5, 6, 8, 10, 12, 16)):
        top, left = round(51.2 * (1 + index // 2 * 3.7)), round(51.2 * (1 + index % 2 * 9.25))
        line = pattern[top + 40, left : left + 200]
        assert set(np.diff(np.flatnonzero(np.diff(line)))) == {width}


@pytest.mark.parametrize("size", [-1, 0, 255, 16385])
def test_size_of_pattern_is_limited(size: int) -> None:
    with pytest.raises(ImageError, match="256 to 16384"):
        smpte(size)
    with pytest.raises(ImageError, match="256 to 16384"):
        smpte(1024, size)


def test_depth_of_pattern_is_8_or_12_bits() -> None:
    with pytest.raises(ImageError, match="10 bits: 8 or 12"):
        smpte(256, bits=10)  # type: ignore[arg-type]
