"""Magnification, with Pillow's resampling as the oracle."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from print_mgmt.film import raster
from print_mgmt.film.raster import MAGNIFICATIONS, SMOOTHINGS, magnify

TYPES = sorted(MAGNIFICATIONS)
ORACLE = {
    "REPLICATE": Image.Resampling.BOX,
    "BILINEAR": Image.Resampling.BILINEAR,
    "CUBIC": Image.Resampling.BICUBIC,
}
# The greatest difference of too fine rings from gray; a box filter lets most through
ALIASES = {"REPLICATE": 60, "BILINEAR": 15, "CUBIC": 12, "NONE": 15}
IDENTITY = np.arange(256, dtype=np.float32)
ROUNDED = 0.75  # levels: 0.5 for rounding, the rest for the grid of weights and values; noise has at most 0.70


def noise(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def resized(source: NDArray[np.uint8], height: int, width: int, kind: str) -> NDArray[np.uint8]:
    target = np.zeros((height, width), np.uint8)
    magnify(source, IDENTITY, target, (MAGNIFICATIONS | SMOOTHINGS)[kind])
    return target


def pillow(source: NDArray[np.uint8], height: int, width: int, kind: str, *, cut: bool = True) -> NDArray[np.float32]:
    """Resize in floating point, where Pillow does not round and cut between its two passes.

    Pillow cuts its kernels at the edge of the image; given a larger one it uses the pixels around the box.
    """
    (rows, columns), reach = source.shape, 3
    down, across = (reach * (1 + a // b) for a, b in ((rows, height), (columns, width)))
    image = Image.fromarray(np.pad(source, ((down, down), (across, across)), mode="edge").astype(np.float32))
    box = (across, down, across + columns, down + rows)
    pixels: NDArray[np.float32] = np.asarray(image.resize((width, height), ORACLE[kind], box))
    return pixels.clip(0, 255) if cut else pixels


@pytest.mark.parametrize("kind", ["BILINEAR", "CUBIC"])
@given(*[st.integers(1, 70)] * 2, *[st.integers(1, 150)] * 2, st.integers(0, 9))
def test_result_matches_pillow_within_rounding(
    kind: str, rows: int, columns: int, height: int, width: int, seed: int
) -> None:
    """Beyond the edge, the last pixel is repeated."""
    source = noise(rows, columns, seed)
    ours = resized(source, height, width, kind)
    assert np.abs(ours - pillow(source, height, width, kind)).max() <= ROUNDED


@given(*[st.integers(0, 35)] * 4, st.integers(0, 9))
def test_enlarging_by_replicate_matches_pillow(rows: int, columns: int, taller: int, wider: int, seed: int) -> None:
    """The filter in Pillow is BOX. With odd sizes, no pixel lies halfway between two."""
    rows, columns = 2 * rows + 1, 2 * columns + 1
    source, (height, width) = noise(rows, columns, seed), (rows + 2 * taller, columns + 2 * wider)
    assert np.array_equal(resized(source, height, width, "REPLICATE"), pillow(source, height, width, "REPLICATE"))


@given(*[st.integers(1, 40)] * 4, st.integers(0, 9))
def test_shrinking_by_replicate_averages_areas(height: int, width: int, more: int, wider: int, seed: int) -> None:
    """Parts of pixels count: with each pixel repeated as often as the result has pixels, areas are whole."""
    rows, columns = height + more, width + wider
    source = noise(rows, columns, seed)
    lines = source.astype(np.float64).repeat(height, 0).reshape(height, rows, columns).mean(axis=1)
    expected = lines.repeat(width, 1).reshape(height, width, columns).mean(axis=2)
    assert np.abs(resized(source, height, width, "REPLICATE") - expected).max() <= ROUNDED


@pytest.mark.parametrize("kind", sorted(ORACLE))
@pytest.mark.parametrize(("rows", "columns"), [(4001, 301), (301, 4001), (4004, 308)])
def test_shrinking_a_large_image_matches_pillow(kind: str, rows: int, columns: int) -> None:
    """BOX is compared for integer factors only, because Pillow never uses parts of pixels."""
    height, width = (91, 77) if kind != "REPLICATE" else (rows // 7, columns // 7)
    source = noise(rows // 7 * 7, columns // 7 * 7)
    assert np.abs(resized(source, height, width, kind) - pillow(source, height, width, kind)).max() <= ROUNDED


@pytest.mark.parametrize("kind", ["BILINEAR", "CUBIC"])
@pytest.mark.parametrize(("height", "width"), [(600, 400), (111, 77), (3, 2)])
def test_sixteen_bits_are_within_two_levels_of_pillow(kind: str, height: int, width: int) -> None:
    source, target = noise(200, 150), np.zeros((height, width), np.uint16)
    magnify(source, IDENTITY * np.float32(257), target, MAGNIFICATIONS[kind])
    expected = (257.0 * pillow(source, height, width, kind, cut=False)).clip(0, 65535)
    assert np.abs(target - expected).max() <= 2


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(sorted(MAGNIFICATIONS | SMOOTHINGS)))
def test_weights_are_exact_and_add_up_to_one(source: int, target: int, name: str) -> None:
    """If weights were rounded, sums would depend on their order."""
    magnification = (MAGNIFICATIONS | SMOOTHINGS)[name]
    for ceiling, unit in ((255, 1 << 12), (65535, 1 << 16)):
        grid = raster._grid((source,), (target,), magnification, ceiling)
        for band in raster._bands(source, target, raster._BAND, magnification, grid):
            steps = band.weights.astype(np.float64) * max(unit, 1 << grid.weight_bits)
            assert np.array_equal(steps, np.rint(steps))
            assert np.all(band.weights.astype(np.float64).sum(axis=1) == 1)
            assert np.maximum(band.weights, 0).sum(axis=1).max() <= 1.32, "otherwise, partial sums need one more bit"


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("level", [100.49, 100.51, 254.5])
def test_each_magnification_rounds_an_even_area_alike(kind: str, level: float) -> None:
    target = np.zeros((30, 20), np.uint8)
    magnify(np.zeros((7, 9), np.uint8), np.array([level, 0], np.float32), target, MAGNIFICATIONS[kind])
    assert np.all(target == int(level + 0.5))


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


@example(2, 47)  # the middle of a target pixel is a rounding error away from the border of two source pixels
@given(st.integers(1, 40), st.integers(0, 200))
def test_enlarging_by_replicate_mixes_no_pixels(rows: int, more: int) -> None:
    source = noise(rows, 1)
    assert set(np.unique(resized(source, rows + more, 3, "REPLICATE"))) <= set(np.unique(source))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("rate", [0.6, 0.75, 0.9])
def test_fine_rings_become_gray(kind: str, rate: float) -> None:
    """Shrunk to a third, rings finer than three pixels must vanish, without false rings."""
    side = 601
    y, x = np.indices((side, side)) - side // 2
    phase = np.pi * (x * x + y * y) / side  # the rings are two pixels apart at the edge
    plate = np.rint(127.5 + 127.5 * np.cos(phase)).astype(np.uint8)
    seen = resized(plate, side // 3, side // 3, kind)
    radius = np.hypot(y, x)[1::3, 1::3][: side // 3, : side // 3] / (side // 2)
    ring = seen[np.abs(radius - rate) < 0.02].astype(float)
    assert np.abs(ring - 127.5).max() < ALIASES[kind]


def test_sampling_without_a_kernel_shows_false_rings() -> None:
    """This shows that the test above can fail."""
    y, x = np.indices((601, 601)) - 300
    plate = 127.5 + 127.5 * np.cos(np.pi * (x * x + y * y) / 601)
    assert np.abs(plate[1::3, 1::3] - 127.5).max() > 120


@pytest.mark.parametrize("kind", TYPES)
def test_shrinking_uses_each_source_pixel(kind: str) -> None:
    """A checkerboard of one pixel becomes its mean, without aliasing."""
    source = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    assert np.abs(resized(source, 64, 64, kind)[2:-2, 2:-2] - 127.5).max() <= 1.5


def test_cubic_clips_overshoot() -> None:
    """Beside an edge the kernel goes below black and above white."""
    source = np.repeat(np.array([[0, 255]], np.uint8), 8, axis=1)
    assert set(resized(source, 1, 160, "CUBIC")[0, [60, 100]]) == {0, 255}
    edge = np.repeat(np.array([[100, 200]], np.uint8), 8, axis=1)
    assert resized(edge, 1, 160, "CUBIC").max() > 200


@pytest.mark.parametrize("kind", TYPES)
def test_strips_have_no_seams(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = noise(150, 90)
    whole = resized(source, 400, 333, kind), resized(source, 40, 33, kind)
    monkeypatch.setattr(raster, "_STRIP", 1)
    assert np.array_equal(resized(source, 400, 333, kind), whole[0])
    assert np.array_equal(resized(source, 40, 33, kind), whole[1])


def test_curve_precedes_interpolation() -> None:
    """A pixel between 0 and 1 of a negative has the mean of their levels."""
    curve = np.array([200, 100], np.float32)
    target = np.zeros((1, 4), np.uint8)
    magnify(np.array([[0, 1]], np.uint8), curve, target, MAGNIFICATIONS["BILINEAR"])
    assert target.tolist() == [[200, 175, 125, 100]]


def test_bits_above_those_stored_are_ignored() -> None:
    """Bits above High Bit do not belong to the value (PS3.5 §8.1.1)."""
    target, curve = np.zeros((1, 2), np.uint8), np.arange(4096, dtype=np.float32) * (255 / 4095)
    magnify(np.array([[0xF001, 0x0FFF]], np.uint16), curve, target, MAGNIFICATIONS["NONE"])
    assert target.tolist() == [[0, 255]]


def test_sixteen_bits_reach_both_ends() -> None:
    target = np.zeros((1, 5), np.uint16)
    curve = np.array([0, 65535], np.float32)
    magnify(np.array([[0, 1]], np.uint8), curve, target, MAGNIFICATIONS["CUBIC"])
    assert (int(target.min()), int(target.max())) == (0, 65535)


@pytest.mark.parametrize("name", sorted(SMOOTHINGS))
def test_smoothing_types_keep_an_even_area_and_the_mean(name: str) -> None:
    assert np.all(resized(np.full((9, 7), 77, np.uint8), 50, 40, name) == 77)
    source = noise(64, 64)
    assert abs(resized(source, 256, 256, name).mean() - source.mean()) < 1


def test_smoothing_types_run_from_crisp_to_soft() -> None:
    """Overshoot at an edge falls from SHARP to SMOOTH, which has none."""
    edge = np.repeat(np.array([[100, 150]], np.uint8), 8, axis=1)
    overshoot = [int(resized(edge, 1, 320, name).max()) - 150 for name in ("SHARP", "NORMAL", "MEDIUM", "SMOOTH")]
    assert overshoot == sorted(overshoot, reverse=True)
    assert overshoot[0] > overshoot[1] > overshoot[-1] == 0


def test_edge_pixel_repeats_beyond_the_edge() -> None:
    """A quarter of a pixel from the edge, a weight of 1/4 lies beyond it."""
    assert resized(np.array([[0, 240]], np.uint8), 1, 4, "BILINEAR").tolist() == [[0, 60, 180, 240]]
    assert resized(np.array([[64, 64, 0]], np.uint8), 1, 12, "CUBIC")[0, :2].tolist() == [64, 64]
