"""The images of a caller, and the pixels that go into image boxes."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from print_mgmt.film import PrintImage
from print_mgmt.images import ImageError, prepare
from print_mgmt.scu.options import PixelFormat, each_image

GRAY = np.zeros((2, 3), np.uint8)
READY = PrintImage(pixels=GRAY, PhotometricInterpretation="MONOCHROME2")


async def stream() -> AsyncIterator[np.ndarray[Any, Any]]:
    yield GRAY
    yield GRAY


@pytest.mark.parametrize(
    ("images", "count"),
    [(GRAY, 1), (READY, 1), ("film.dcm", 1), ([GRAY, READY], 2), (iter([GRAY]), 1), (stream(), 2), ([], 0)],
    ids=["array", "print image", "path", "list", "iterator", "stream", "empty"],
)
async def test_each_image_is_yielded(images: Any, count: int) -> None:
    assert len([image async for image in each_image(images)]) == count


@pytest.mark.parametrize("thing", [None, 3, object()])
async def test_other_things_are_image_errors(thing: Any) -> None:
    with pytest.raises(ImageError, match="is neither an image nor an iterable of images"):
        _ = [image async for image in each_image(thing)]


@pytest.mark.parametrize(("bits", "highest"), [(8, 255), (12, 4095)])
async def test_pixels_have_the_bits_of_the_format(bits: Any, highest: int) -> None:
    image = await PixelFormat(is_color=False, bits=bits).first(np.array([[0.0, 1.0]]))
    assert (image.BitsStored, image.pixels.tolist()) == (bits, [[0, highest]])


@pytest.mark.parametrize("is_color", [False, True])
async def test_final_pixels_are_sent_as_prepare_returns_them(is_color: bool) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape((2, 4, 3) if is_color else (4, 6))
    image = await PixelFormat(is_color=is_color, bits=8).first(pixels)
    assert image.pixels is pixels
    assert repr(image) == repr(prepare(pixels, color=is_color))


async def test_empty_array_is_an_image_error() -> None:
    with pytest.raises(ImageError, match="is empty"):
        await PixelFormat(is_color=False, bits=8).first(GRAY[:0])


@pytest.mark.parametrize("is_color", [False, True])
async def test_array_with_too_long_a_side_is_an_image_error(is_color: bool) -> None:
    with pytest.raises(ImageError, match="at most 65535"):
        await PixelFormat(is_color=is_color, bits=8).first(np.zeros((65536, 1, 3)[: 2 + is_color], np.uint8))


async def test_masked_pixels_are_an_image_error() -> None:
    with pytest.raises(ImageError, match="masked"):
        await PixelFormat(is_color=False, bits=8).first(np.ma.masked_equal(GRAY, 0))


async def test_gray_becomes_color_in_color_boxes() -> None:
    image = await PixelFormat(is_color=True, bits=8).first(GRAY)
    assert (image.PhotometricInterpretation, image.pixels.shape) == ("RGB", (2, 3, 3))


async def test_print_image_is_never_converted() -> None:
    assert await PixelFormat(is_color=False, bits=12).first(READY) is READY
    with pytest.raises(ImageError, match="MONOCHROME2 cannot be put into color image boxes"):
        await PixelFormat(is_color=True, bits=8).first(READY)
