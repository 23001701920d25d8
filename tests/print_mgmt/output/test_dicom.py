"""Secondary Capture objects of pages, read back by our own codec; tests/interop checks them with dciodvfy."""

import io
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from dimse.data import Dataset, pixel_array, read_file
from dimse.uids import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)
from print_mgmt.film import Page
from print_mgmt.film.icc import srgb_profile
from print_mgmt.output import OutputError, secondary_capture, write_capture


def page(shape: tuple[int, ...], dtype: type[np.uint8 | np.uint16] = np.uint8, dpi: int = 150) -> Page:
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return Page(pixels=pixels, width_mm=100, height_mm=100, dpi=dpi)


BYTE, WORD, COLOR = page((30, 41)), page((30, 41), np.uint16), page((31, 41, 3))
KINDS = {
    "byte": ((BYTE,), SecondaryCaptureImageStorage),
    "word": ((WORD,), SecondaryCaptureImageStorage),
    "color": ((COLOR,), SecondaryCaptureImageStorage),
    "bytes": ((BYTE, BYTE), MultiFrameGrayscaleByteSecondaryCaptureImageStorage),
    "words": ((WORD, WORD, WORD), MultiFrameGrayscaleWordSecondaryCaptureImageStorage),
    "colors": ((COLOR, COLOR), MultiFrameTrueColorSecondaryCaptureImageStorage),
}


def written(*pages: Page, title: str = "") -> Dataset:
    file = io.BytesIO()
    write_capture(pages, file, title=title)
    return read_file(file.getvalue()).dataset


def stacked(pages: tuple[Page, ...]) -> NDArray[np.uint8 | np.uint16]:
    return pages[0].pixels if len(pages) == 1 else np.stack([page.pixels for page in pages])


@pytest.mark.parametrize(("pages", "sop_class"), KINDS.values(), ids=KINDS)
def test_object_has_the_class_and_pixels_of_its_pages(pages: tuple[Page, ...], sop_class: str) -> None:
    dataset = written(*pages)
    assert sop_class == dataset.SOPClassUID
    assert np.array_equal(pixel_array(dataset), stacked(pages))
    assert dataset.PixelSpacing == pytest.approx([25.4 / 150] * 2, rel=1e-12)


def test_icc_profile_is_for_color_only() -> None:
    """PS3.3 C.11.15. Its length becomes even."""
    assert written(replace(COLOR, ICCProfile=b"profile")).ICCProfile == b"profile\0"
    assert "ICCProfile" not in written(COLOR)


def test_object_names_no_patient() -> None:
    dataset = written(BYTE)
    assert dataset.BurnedInAnnotation == "YES"
    assert all(dataset[keyword].value is None for keyword in ("PatientName", "PatientID", "PatientBirthDate"))


def test_each_object_has_its_own_uids() -> None:
    one, other = written(BYTE, title="Film 7"), written(BYTE)
    assert (one.SeriesDescription, other.SeriesDescription) == ("Film 7", None)
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        assert one[keyword].value != other[keyword].value


@pytest.mark.parametrize("other", [page((30, 40)), page((30, 41), dpi=151), WORD, COLOR])
def test_pages_that_differ_are_refused(other: Page) -> None:
    """PS3.3 C.7.6.6: all frames share Rows, Columns, Bits Allocated and Pixel Spacing."""
    with pytest.raises(OutputError, match="page 2 differs from page 1"):
        secondary_capture([BYTE, other])


def test_pages_with_different_color_profiles_are_refused() -> None:
    other = replace(COLOR, ICCProfile=srgb_profile())
    with pytest.raises(OutputError, match=r"page 2 differs from page 1 .* or color profile"):
        secondary_capture([COLOR, other])
    assert secondary_capture([other, other]).ICCProfile == other.ICCProfile


def test_object_needs_a_page() -> None:
    with pytest.raises(OutputError, match="at least one page"):
        secondary_capture([])
