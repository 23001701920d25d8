"""YBR to RGB: PS3.3 C.7.6.3.1.2, with pydicom as the oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_objects import image_of
from pydicom.pixels import convert_color_space

from dimse.data import Dataset
from print_mgmt.images import ImageError, prepare, prepare_all
from print_mgmt.images.color import rgb_of


def test_colors_agree_with_pydicom() -> None:
    """Every fifth level of Y, Cb and Cr."""
    levels = np.arange(0, 256, 5, dtype=np.uint8)
    ybr = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(52, -1, 3)
    assert np.array_equal(rgb_of(ybr), convert_color_space(ybr, "YBR_FULL", "RGB"))


@given(st.integers(0, 2**32))
def test_rgb_survives_ybr_within_two_levels(seed: int) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    ybr = convert_color_space(rgb, "RGB", "YBR_FULL")
    assert np.abs(rgb_of(ybr).astype(int) - rgb).max() <= 2


def image(photometric: str, data: bytes, rows: int = 1, columns: int = 2, **attributes: object) -> Dataset:
    empty = np.zeros((rows, columns, 3), np.uint8)
    return image_of(empty, **{"PhotometricInterpretation": photometric, "PixelData": data, **attributes})


def test_two_pixels_of_422_share_chrominances() -> None:
    """YBR_FULL_422: Y1 Y2 Cb Cr."""
    pixels = prepare(image("YBR_FULL_422", bytes([100, 200, 128, 128])), color=True).pixels
    assert pixels.tolist() == [[[100] * 3, [200] * 3]]


def test_422_without_subsampling_is_read() -> None:
    """Some equipment decompresses JPEG and keeps the Photometric Interpretation."""
    pixels = prepare(image("YBR_FULL_422", bytes([100, 128, 128, 200, 128, 128])), color=True).pixels
    assert pixels.tolist() == [[[100] * 3, [200] * 3]]


def test_partial_range_is_spread() -> None:
    """Retired YBR_PARTIAL_422: black is 16, white 235."""
    pixels = prepare(image("YBR_PARTIAL_422", bytes([16, 235, 128, 128])), color=True).pixels
    assert pixels.tolist() == [[[0] * 3, [255] * 3]]


def test_frames_of_422_are_consecutive() -> None:
    made = image("YBR_FULL_422", bytes([1, 2, 128, 128, 3, 4, 128, 128]), NumberOfFrames=2)
    assert prepare(made, frame=2).pixels.tolist() == [[3, 4]]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_length_tells_the_number_of_frames_of_422(count: int) -> None:
    """Number of Frames is wrong; each pixel has two bytes (PS3.3 C.7.6.3.1.2)."""
    data = b"".join(bytes([level, level, 128, 128] * 8) for level in range(count))
    frames = prepare_all(image("YBR_FULL_422", data, 4, 4, NumberOfFrames=0))
    assert [np.unique(made.pixels).tolist() for made in frames] == [[level] for level in range(count)]


def test_length_tells_the_number_of_frames_of_422_without_subsampling() -> None:
    data = b"".join(bytes([level, 128, 128] * 4) for level in range(3))
    frames = prepare_all(image("YBR_FULL_422", data, 2, 2, NumberOfFrames=0))
    assert [np.unique(made.pixels).tolist() for made in frames] == [[level] for level in range(3)]


@pytest.mark.parametrize("count", [2, 3])
def test_frames_of_422_without_their_number_are_refused(count: int) -> None:
    """An object without Number of Frames has one frame, so other data means that an attribute is wrong."""
    data = bytes([100, 200, 128, 128] * 8 * count)
    with pytest.raises(ImageError, match=f"{32 * count} bytes where 1 frame of 4 x 4 needs 32"):
        prepare(image("YBR_FULL_422", data, 4, 4), color=True)


def test_padding_after_422_without_subsampling_is_ignored() -> None:
    data = bytes([100, 128, 128] * 16) + bytes(16)
    assert np.unique(prepare(image("YBR_FULL_422", data, 4, 4), color=True).pixels).tolist() == [100]


@pytest.mark.parametrize("planar", [0, 1])
def test_color_by_plane_equals_color_by_pixel(planar: int) -> None:
    rgb = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    laid_out = np.moveaxis(rgb, -1, 0) if planar else rgb
    made = image("RGB", laid_out.tobytes(), 2, 4, PlanarConfiguration=planar)
    assert np.array_equal(prepare(made, color=True).pixels, rgb)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (image("YBR_FULL_422", bytes(6), 1, 3), "Columns 3 of YBR_FULL_422 must be even"),
        (image("YBR_FULL_422", bytes(2)), "2 bytes where 1 frame of 1 x 2 needs 4"),
        (image("YBR_RCT", bytes(6)), r"YBR_RCT is for JPEG 2000 only \(PS3.3 C.7.6.3.1.2\)"),
        (image("YBR_FULL", bytes(12), BitsAllocated=16), "YBR_FULL of 16 bits: 8 are allowed"),
        (image("HSV", bytes(6)), "PhotometricInterpretation 'HSV' is not one of"),
        (image("CMYK", bytes(8), SamplesPerPixel=4), "PhotometricInterpretation 'CMYK' is not one of"),
        (image("YBR_FULL", bytes(6), SamplesPerPixel=1), "SamplesPerPixel 1 contradicts YBR_FULL"),
    ],
)
def test_unprintable_color_is_named(made: Dataset, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        prepare(made, color=True)
