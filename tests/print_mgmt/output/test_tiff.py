"""TIFF files, read back by Pillow and by OpenCV."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, TiffImagePlugin

from print_mgmt.film import Page
from print_mgmt.output import OutputError, tiff, write_tiff
from print_mgmt.output.page import profile_of

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
IMAGE_DESCRIPTION, PREDICTOR, ICC_PROFILE = 270, 317, 34675


def noise(shape: tuple[int, ...], dtype: type[np.uint8 | np.uint16] = np.uint8) -> NDArray[np.uint8 | np.uint16]:
    return np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


PAGES = (
    Page(pixels=noise((30, 41)), width_mm=1, height_mm=1, dpi=72),
    Page(pixels=noise((50, 21), np.uint16), width_mm=1, height_mm=1, dpi=320),
    Page(pixels=noise((33, 44, 3)), width_mm=1, height_mm=1, dpi=150, ICCProfile=PROFILE),
)


def written(*pages: Page, title: str = "") -> TiffImagePlugin.TiffImageFile:
    file = io.BytesIO()
    write_tiff(pages, file, title=title)
    image = Image.open(file)
    assert isinstance(image, TiffImagePlugin.TiffImageFile)
    return image


def test_pillow_reads_each_page_without_loss() -> None:
    with written(*PAGES) as image:
        assert image.n_frames == len(PAGES)
        for number, page in enumerate(PAGES):
            image.seek(number)
            assert np.array_equal(np.asarray(image), page.pixels)
            assert image.info["dpi"] == (page.dpi, page.dpi)
            assert image.info["compression"] == "tiff_adobe_deflate"
            assert image.tag_v2[PREDICTOR] == 2
            assert image.tag_v2.get(ICC_PROFILE) == profile_of(page)


@given(
    st.sampled_from([(7, 5), (64, 33), (1, 1), (9, 4, 3)]), st.sampled_from(["<u2", ">u2", "u1"]), st.integers(1, 400)
)
def test_strips_of_any_height_keep_the_pixels(shape: tuple[int, ...], dtype: str, block: int) -> None:
    """The last strip may have fewer lines. Values of 16 bits may have either byte order in memory."""
    pixels = noise(shape, np.uint8 if len(shape) == 3 else np.uint16).astype("u1" if len(shape) == 3 else dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiff, "_BLOCK", block)
        with written(Page(pixels=pixels, width_mm=1, height_mm=1, dpi=72)) as image:
            assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("page", PAGES, ids=["byte", "word", "color"])
def test_opencv_reads_each_page_without_loss(page: Page) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: pip install opencv-python-headless")
    file = io.BytesIO()
    write_tiff([page], file, title="Film 7")
    read = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(read[..., ::-1] if read.ndim == 3 else read, page.pixels)


def test_file_needs_a_page() -> None:
    with pytest.raises(OutputError, match="at least one page"):
        write_tiff([], io.BytesIO())


def test_file_beyond_4_gib_is_refused() -> None:
    """The file is already that long."""

    class Long(io.BytesIO):
        def tell(self) -> int:
            return (1 << 32) + super().tell()

    with pytest.raises(OutputError, match="4 GiB"):
        write_tiff(PAGES[:1], Long())


def test_pages_are_written_one_at_a_time() -> None:
    """One page is in memory at a time."""
    file = io.BytesIO()
    sizes: list[int] = []

    def pages() -> Iterator[Page]:
        for page in PAGES:
            sizes.append(len(file.getvalue()))
            yield page

    write_tiff(pages(), file)
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("title", ["", "Film 7"])
def test_file_has_no_text_but_the_title(title: str) -> None:
    with written(PAGES[0], title=title) as image:
        assert image.tag_v2.get(IMAGE_DESCRIPTION, "") == title
        assert not {305, 306, 315, 316} & set(image.tag_v2), "software, date, artist, host computer"
