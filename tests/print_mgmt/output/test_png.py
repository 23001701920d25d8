"""PNG files, read back by Pillow."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms

from print_mgmt.film import FilmViewing, Page
from print_mgmt.film.icc import KNOTS, gray_profile
from print_mgmt.output import write_png

Pixels = NDArray[np.uint8 | np.uint16]


def page(pixels: Pixels, dpi: int = 300) -> Page:
    return Page(pixels=pixels, width_mm=100, height_mm=100, dpi=dpi)


def noise(shape: tuple[int, ...], dtype: type[np.uint8 | np.uint16] = np.uint8) -> Pixels:
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def written(pixels: Pixels, dpi: int = 300) -> Image.Image:
    file = io.BytesIO()
    write_png(page(pixels, dpi), file)
    image = Image.open(file)
    image.load()
    return image


@given(st.integers(1, 40), st.integers(1, 40))
def test_gray_of_8_bits_is_lossless(height: int, width: int) -> None:
    pixels = noise((height, width))
    image = written(pixels)
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image), pixels)


def test_gray_of_16_bits_is_lossless() -> None:
    pixels = noise((30, 50), np.uint16)
    image = written(pixels)
    assert image.mode == "I;16"
    assert np.array_equal(np.asarray(image), pixels)


def test_color_is_lossless() -> None:
    pixels = noise((30, 50, 3))
    image = written(pixels)
    assert image.mode == "RGB"
    assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("block", [1, 150, 4000])
def test_blocks_and_memory_order_do_not_matter(transposed: bool, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line is filtered by the line above, also between blocks."""
    monkeypatch.setattr("print_mgmt.output.deflate._BLOCK", block)
    pixels = noise((30, 50)).T if transposed else noise((30, 50))
    assert np.array_equal(np.asarray(written(pixels)), pixels)


@pytest.mark.parametrize("dpi", [72, 150, 320, 600])
def test_file_has_the_resolution_of_the_page(dpi: int) -> None:
    """pHYs has whole pixels per meter, so its error is at most 1/80 dpi."""
    assert written(noise((3, 3)), dpi).info["dpi"] == pytest.approx((dpi, dpi), abs=0.0128)


def chunks(page: Page) -> list[bytes]:
    """Return the types of all chunks without pixels."""
    file = io.BytesIO()
    write_png(page, file)
    data, kinds = file.getvalue(), []
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        kinds.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4])
    return [kind for kind in kinds if kind != b"IDAT"]


def test_file_has_pixels_size_and_profile_only() -> None:
    """Gray has a profile; color has the sRGB chunk."""
    assert chunks(page(noise((3, 3)))) == [b"IHDR", b"iCCP", b"pHYs", b"IEND"]
    assert chunks(page(noise((3, 3, 3)))) == [b"IHDR", b"sRGB", b"gAMA", b"pHYs", b"IEND"]


def test_gray_has_the_profile_of_its_page() -> None:
    file = io.BytesIO()
    write_png(page(noise((3, 5))), file)
    levels = np.linspace(0, 1, KNOTS)
    assert Image.open(file).info["icc_profile"] == gray_profile(FilmViewing().density(levels))
    paper = gray_profile(np.linspace(2.1, 0.05, KNOTS), reflective=True)
    write_png(replace(page(noise((3, 5))), ICCProfile=paper), file := io.BytesIO())
    assert Image.open(file).info["icc_profile"] == paper


def test_icc_profile_is_in_the_file() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = io.BytesIO()
    write_png(replace(page(noise((3, 5, 3))), ICCProfile=profile), file)
    assert Image.open(file).info["icc_profile"] == profile
