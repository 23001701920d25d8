"""Pictures from arrays: the range follows from the dtype."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from print_mgmt.images import ImageError, prepare
from print_mgmt.images.picture import look_up


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "f2", "f4", "f8"])
def test_range_of_an_array_follows_from_its_dtype(dtype: str, bits: int) -> None:
    """It never follows from the values: a dark image stays dark."""
    top = 1 if dtype[0] == "f" else np.iinfo(dtype).max
    ramp = np.array([[0, top // 5 if top > 1 else 0.2, top]], dtype)
    image = prepare(ramp, bits=12 if bits == 12 else 8)
    highest = (1 << bits) - 1
    assert image.PhotometricInterpretation == "MONOCHROME2"
    assert image.pixels[0].tolist() == [0, highest // 5, highest]
    assert prepare(ramp[:, :2]).pixels.max() == 51


def test_color_array_of_16_bits_becomes_8() -> None:
    image = prepare(np.array([[[0, 32768, 65535]]], np.uint16), color=True)
    assert image.pixels.tolist() == [[[0, 128, 255]]]
    assert image.pixels.dtype == np.uint8


def test_gray_array_becomes_color() -> None:
    image = prepare(np.array([[0, 200]], np.uint8), color=True)
    assert image.pixels.tolist() == [[[0, 0, 0], [200, 200, 200]]]


@given(st.integers(0, 255))
def test_equal_red_green_and_blue_become_that_gray(level: int) -> None:
    assert prepare(np.full((1, 1, 3), level, np.uint8)).pixels.tolist() == [[level]]


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 4), np.uint8), "shape"),
        (np.zeros((4, 4, 5), np.uint8), "shape"),
        (np.zeros(4, np.uint8), "shape"),
        (np.zeros((2, 4, 4, 3), np.uint8), "shape"),
        (np.zeros((4, 4), np.int16), "int16"),
        (np.zeros((4, 4), np.bool_), "bool"),
        (np.zeros((4, 4), np.uint32), "uint32"),
        (np.full((4, 4), -0.1), "0 to 1"),
        (np.full((4, 4), 3071.0), "0 to 1"),
        (np.full((4, 4), np.nan), "0 to 1"),
        (np.zeros((65536, 2), np.uint8), "65535"),
        (np.zeros((2, 65536, 3)), "65535"),
        (np.broadcast_to(np.uint8(0), (20000, 20000)), "pixels"),
        (np.ma.masked_equal(np.eye(4, dtype=np.uint8), 0), "masked"),
        (np.ma.masked_invalid(np.full((4, 4), np.nan)), "masked"),
    ],
)
def test_array_of_unknown_range_is_refused(array: NDArray[np.generic], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        prepare(array)


def test_array_without_masked_pixels_is_printed() -> None:
    assert prepare(np.ma.masked_equal(np.eye(2, dtype=np.uint8), 7)).pixels.tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize("entry", ["u1", "u2"])
@pytest.mark.parametrize("entries", [256, 200])
@pytest.mark.parametrize("shape", [(512, 512), (513, 513)])
def test_many_codes_are_looked_up_as_each_of_them(shape: tuple[int, int], entries: int, entry: str) -> None:
    """Codes of 8 bits are looked up in pairs; of 513 x 513, the last is alone. A short table repeats its last entry."""
    random = np.random.default_rng(1)
    table = random.integers(0, np.iinfo(entry).max, entries, entry, endpoint=True)
    codes = random.integers(0, 255, shape, np.uint8, endpoint=True)
    found = look_up(table, codes)
    assert found.dtype == table.dtype
    assert np.array_equal(found, table[np.minimum(codes, entries - 1)])
