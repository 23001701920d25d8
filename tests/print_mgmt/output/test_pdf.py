"""PDF documents, read back by pikepdf."""

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pikepdf
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from print_mgmt.film import Page
from print_mgmt.output import OutputError, write_pdf


def page(pixels: NDArray[np.uint8 | np.uint16], width_mm: float, height_mm: float) -> Page:
    return Page(pixels=pixels, width_mm=width_mm, height_mm=height_mm, dpi=25)


def written(*pages: Page) -> pikepdf.Pdf:
    file = io.BytesIO()
    write_pdf(pages, file)
    document = pikepdf.open(file)
    assert document.check_pdf_syntax() == []
    return document


def noise(shape: tuple[int, ...], top: int = 256) -> NDArray[np.int64]:
    return np.random.default_rng(1).integers(0, top, shape)


def test_pages_have_the_true_size_of_their_films() -> None:
    """14 x 17 inches and A4, in points of 1/72 inch: printed unscaled, a page is the film."""
    pixels = noise((4, 3)).astype(np.uint8)
    with written(page(pixels, 355.6, 431.8), page(pixels, 297, 210)) as document:
        sizes = [[float(edge) for edge in leaf.mediabox.as_list()] for leaf in document.pages]
    assert sizes[0] == pytest.approx([0, 0, 14 * 72, 17 * 72], abs=0.001)
    assert sizes[1] == pytest.approx([0, 0, 297 / 25.4 * 72, 210 / 25.4 * 72], abs=0.001)


@pytest.mark.parametrize(
    ("pixels", "space", "bits"),
    [
        (noise((40, 30)).astype(np.uint8), "/DeviceGray", 8),
        (noise((40, 30), 65536).astype(np.uint16), "/DeviceGray", 16),
        (noise((40, 30, 3)).astype(np.uint8), "/DeviceRGB", 8),
    ],
)
def test_image_is_lossless_and_fills_the_page(pixels: NDArray[np.uint8 | np.uint16], space: str, bits: int) -> None:
    with written(page(pixels, 100, 200)) as document:
        leaf = document.pages[0]
        image = leaf.Resources.XObject.Film
        assert [int(number) for number in (image.Width, image.Height, image.BitsPerComponent)] == [
            30,
            40,
            bits,
        ]
        assert str(image.ColorSpace) == space
        data = np.frombuffer(image.read_bytes(), f">u{bits // 8}")
        steps = {str(step.operator): list(step.operands) for step in pikepdf.parse_content_stream(leaf)}
        size = [float(edge) for edge in leaf.mediabox.as_list()][2:]
    assert np.array_equal(data.reshape(pixels.shape), pixels)
    assert list(steps) == ["q", "cm", "Do", "Q"]
    assert [float(number) for number in steps["cm"]] == [size[0], 0, 0, size[1], 0, 0]


def test_document_says_nothing_about_itself() -> None:
    """No title, author or date: a file name or a log is no place for patients either."""
    with written(page(noise((4, 3)).astype(np.uint8), 100, 200)) as document:
        assert "/Info" not in document.trailer
        assert "/Metadata" not in document.Root


@pytest.mark.parametrize("title", ["Film 7", "Fïlm (7) \\ 写真"])
def test_title_is_the_one_that_is_given(title: str) -> None:
    file = io.BytesIO()
    write_pdf([page(noise((4, 3)).astype(np.uint8), 100, 200)], file, title=title)
    with pikepdf.open(file) as document:
        assert {str(key): str(value) for key, value in document.docinfo.items()} == {"/Title": title}


def test_there_is_a_page() -> None:
    with pytest.raises(OutputError, match="at least one page"):
        write_pdf([], io.BytesIO())


def test_pages_are_taken_one_after_the_other() -> None:
    """Memory for one page, not for all: the next is asked for when the one before is written."""
    file = io.BytesIO()
    sizes: list[int] = []

    def pages() -> Iterator[Page]:
        for _ in range(3):
            sizes.append(len(file.getvalue()))
            yield page(noise((40, 30)).astype(np.uint8), 100, 200)

    write_pdf(pages(), file)
    assert sizes[0] < sizes[1] < sizes[2]


def test_icc_profile_is_the_colour_space() -> None:
    """ISO 32000-1 §8.6.5.5: ICCBased, with what to use where no profile can be."""
    profile = icc_profile()
    colour = replace(page(noise((4, 3, 3)).astype(np.uint8), 100, 200), ICCProfile=profile)
    with written(colour) as document:
        name, stream = document.pages[0].Resources.XObject.Film.ColorSpace.as_list()
        assert str(name) == "/ICCBased"
        assert (int(stream.N), str(stream.Alternate), stream.read_bytes()) == (3, "/DeviceRGB", profile)


def icc_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
