"""Magnification, with Pillow's resampling as the oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from print_mgmt.film import raster
from print_mgmt.film.raster import MAGNIFICATIONS, fit, magnify

TYPES = sorted(MAGNIFICATIONS)
ORACLE = {
    "REPLICATE": Image.Resampling.BOX,
    "BILINEAR": Image.Resampling.BILINEAR,
    "CUBIC": Image.Resampling.BICUBIC,
}
SIDES = st.integers(1, 5000)
RATIOS = st.integers(1, 9)
HALF_A_PIXEL = 0.5 + 1e-6
IDENTITY = np.arange(256, dtype=np.float32)


def noise(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def resized(source: NDArray[np.uint8], height: int, width: int, kind: str) -> NDArray[np.uint8]:
    target = np.zeros((height, width), np.uint8)
    magnify(source, IDENTITY, target, kind)
    return target


def pillow(source: NDArray[np.uint8], height: int, width: int, kind: str) -> NDArray[np.float32]:
    """Resize in floating point, where Pillow does not round and cut between its two passes."""
    image = Image.fromarray(source.astype(np.float32))
    pixels: NDArray[np.float32] = np.asarray(image.resize((width, height), ORACLE[kind]))
    return pixels.clip(0, 255)


@pytest.mark.parametrize("kind", sorted(ORACLE))
@given(*[st.integers(1, 70)] * 2, *[st.integers(1, 150)] * 2, st.integers(0, 9))
def test_result_is_that_of_pillow_rounded(
    kind: str, rows: int, columns: int, height: int, width: int, seed: int
) -> None:
    """Everywhere, edges included. Odd sizes have no ties, which a box kernel may break either way."""
    if kind == "REPLICATE":
        rows, columns, height, width = rows | 1, columns | 1, height | 1, width | 1
    source = noise(rows, columns, seed)
    ours = resized(source, height, width, kind)
    assert np.abs(ours - pillow(source, height, width, kind)).max() <= 0.501


@pytest.mark.parametrize("kind", sorted(ORACLE))
@pytest.mark.parametrize(("rows", "columns"), [(4001, 301), (301, 4001)])
def test_large_image_is_shrunk_as_by_pillow(kind: str, rows: int, columns: int) -> None:
    source = noise(rows, columns)
    assert np.abs(resized(source, 91, 77, kind) - pillow(source, 91, 77, kind)).max() <= 0.501


@pytest.mark.parametrize("kind", TYPES)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 99), st.integers(1, 99), st.integers(0, 255))
def test_even_area_stays_even(kind: str, rows: int, columns: int, height: int, width: int, level: int) -> None:
    """Weights add up to 1, at the edges too."""
    assert np.all(resized(np.full((rows, columns), level, np.uint8), height, width, kind) == level)


@pytest.mark.parametrize("kind", TYPES)
@given(st.integers(1, 90), st.integers(1, 90))
def test_image_of_the_same_size_is_unchanged(kind: str, rows: int, columns: int) -> None:
    source = noise(rows, columns)
    assert np.array_equal(resized(source, rows, columns, kind), source)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 7), st.integers(1, 7))
def test_replicate_repeats_pixels(rows: int, columns: int, down: int, across: int) -> None:
    source = noise(rows, columns)
    expected = source.repeat(down, 0).repeat(across, 1)
    assert np.array_equal(resized(source, rows * down, columns * across, "REPLICATE"), expected)


@pytest.mark.parametrize("kind", TYPES)
def test_every_source_pixel_counts_when_shrinking(kind: str) -> None:
    """A one pixel checkerboard becomes its mean: nothing aliases."""
    source = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    assert np.abs(resized(source, 64, 64, kind)[2:-2, 2:-2] - 127.5).max() <= 1.5


def test_cubic_overshoot_is_cut_off() -> None:
    """Beside an edge the kernel passes below black and above white."""
    source = np.repeat(np.array([[0, 255]], np.uint8), 8, axis=1)
    assert set(resized(source, 1, 160, "CUBIC")[0, [60, 100]]) == {0, 255}
    edge = np.repeat(np.array([[100, 200]], np.uint8), 8, axis=1)
    assert resized(edge, 1, 160, "CUBIC").max() > 200


@pytest.mark.parametrize("kind", TYPES)
def test_work_in_strips_shows_no_seams(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = noise(150, 90)
    whole = resized(source, 400, 333, kind), resized(source, 40, 33, kind)
    monkeypatch.setattr(raster, "_STRIP", 1)
    assert np.array_equal(resized(source, 400, 333, kind), whole[0])
    assert np.array_equal(resized(source, 40, 33, kind), whole[1])


def test_curve_comes_before_interpolation() -> None:
    """Values are mapped first: between 0 and 1 of a negative lies the middle of their brightnesses."""
    curve = np.array([200, 100], np.float32)
    target = np.zeros((1, 4), np.uint8)
    magnify(np.array([[0, 1]], np.uint8), curve, target, "BILINEAR")
    assert target.tolist() == [[200, 175, 125, 100]]


def test_bits_above_those_stored_are_ignored() -> None:
    """Bits above High Bit are no part of the value (PS3.5 §8.1.1)."""
    target, curve = np.zeros((1, 2), np.uint8), np.arange(4096, dtype=np.float32) * (255 / 4095)
    magnify(np.array([[0xF001, 0x0FFF]], np.uint16), curve, target, "NONE")
    assert target.tolist() == [[0, 255]]


def test_sixteen_bits_reach_both_ends() -> None:
    target = np.zeros((1, 5), np.uint16)
    curve = np.array([0, 65535], np.float32)
    magnify(np.array([[0, 1]], np.uint8), curve, target, "CUBIC")
    assert (target.min(), target.max()) == (0, 65535)


@given(*[SIDES] * 2, *[RATIOS] * 2, *[SIDES] * 2, st.sampled_from(["REPLICATE", "BILINEAR", "CUBIC"]))
def test_image_fills_its_box_in_one_direction_and_keeps_its_aspect(
    rows: int, columns: int, vertical: int, horizontal: int, height: int, width: int, kind: str
) -> None:
    place = fit((rows, columns), (vertical, horizontal), (height, width), kind)
    ratio = (columns * horizontal) / (rows * vertical)
    by_height = place.height == height and abs(place.width - max(height * ratio, 1)) <= HALF_A_PIXEL
    by_width = place.width == width and abs(place.height - max(width / ratio, 1)) <= HALF_A_PIXEL
    assert by_height or by_width


@pytest.mark.parametrize("kind", TYPES)
@given(*[SIDES] * 2, *[st.integers(1, 2**31 - 1)] * 2, *[SIDES] * 2)
def test_image_is_inside_its_box_and_centred(
    kind: str, rows: int, columns: int, vertical: int, horizontal: int, height: int, width: int
) -> None:
    place = fit((rows, columns), (vertical, horizontal), (height, width), kind)
    assert 1 <= place.height <= height
    assert 1 <= place.width <= width
    assert 0 <= height - place.height - 2 * place.top <= 1
    assert 0 <= width - place.width - 2 * place.left <= 1


def test_none_prints_pixel_for_pixel() -> None:
    """Magnification Type NONE, PS3.3 C.13.3: never enlarged, decimated where it does not fit."""
    assert fit((100, 80), (1, 1), (300, 300), "NONE") == (100, 110, 100, 80)
    assert fit((100, 80), (1, 1), (50, 300), "NONE") == (0, 130, 50, 40)


def test_none_stretches_pixels_that_are_not_square() -> None:
    """Pixel Aspect Ratio 2\\1, twice as high as wide: columns stay pixel for pixel."""
    assert fit((100, 80), (2, 1), (300, 300), "NONE") == (50, 110, 200, 80)
    assert fit((100, 80), (10, 30), (300, 300), "NONE") == (100, 30, 100, 240)
