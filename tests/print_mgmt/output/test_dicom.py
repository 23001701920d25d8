"""Secondary Capture objects of pages, read back by our own codec; dciodvfy judges them in tests/interop."""

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
from print_mgmt.output import OutputError, secondary_capture, write_capture


def page(shape: tuple[int, ...], dtype: type[np.uint8 | np.uint16] = np.uint8, dpi: int = 150) -> Page:
    pixels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    return Page(pixels=pixels, width_mm=100, height_mm=100, dpi=dpi)


BYTE, WORD, COLOUR = page((30, 41)), page((30, 41), np.uint16), page((31, 41, 3))
KINDS = {
    "byte": ((BYTE,), SecondaryCaptureImageStorage),
    "word": ((WORD,), SecondaryCaptureImageStorage),
    "colour": ((COLOUR,), SecondaryCaptureImageStorage),
    "bytes": ((BYTE, BYTE), MultiFrameGrayscaleByteSecondaryCaptureImageStorage),
    "words": ((WORD, WORD, WORD), MultiFrameGrayscaleWordSecondaryCaptureImageStorage),
    "colours": ((COLOUR, COLOUR), MultiFrameTrueColorSecondaryCaptureImageStorage),
}


def written(*pages: Page, title: str = "") -> Dataset:
    file = io.BytesIO()
    write_capture(pages, file, title=title)
    return read_file(file.getvalue()).dataset


def stacked(pages: tuple[Page, ...]) -> NDArray[np.uint8 | np.uint16]:
    return pages[0].pixels if len(pages) == 1 else np.stack([page.pixels for page in pages])


@pytest.mark.parametrize(("pages", "sop_class"), KINDS.values(), ids=KINDS)
def test_pixels_and_class_are_those_of_the_pages(pages: tuple[Page, ...], sop_class: str) -> None:
    dataset = written(*pages)
    assert sop_class == dataset.SOPClassUID
    assert np.array_equal(pixel_array(dataset), stacked(pages))
    assert dataset.PixelSpacing == pytest.approx([25.4 / 150] * 2, rel=1e-12)


def test_icc_profile_goes_with_colour() -> None:
    """PS3.3 C.11.15; its length becomes even."""
    assert written(replace(COLOUR, ICCProfile=b"profile")).ICCProfile == b"profile\0"
    assert "ICCProfile" not in written(COLOUR)


def test_nobody_is_named_and_burned_in_names_are_feared() -> None:
    dataset = written(BYTE)
    assert dataset.BurnedInAnnotation == "YES"
    assert all(dataset[keyword].value is None for keyword in ("PatientName", "PatientID", "PatientBirthDate"))


def test_every_object_is_another() -> None:
    one, other = written(BYTE, title="Film 7"), written(BYTE)
    assert (one.SeriesDescription, other.SeriesDescription) == ("Film 7", None)
    for keyword in ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        assert one[keyword].value != other[keyword].value


@pytest.mark.parametrize("other", [page((30, 40)), page((30, 41), dpi=151), WORD, COLOUR])
def test_frames_are_all_alike(other: Page) -> None:
    """PS3.3 C.7.6.6: one Rows, Columns, Bits Allocated and Pixel Spacing for all."""
    with pytest.raises(OutputError, match="page 2 differs from page 1"):
        secondary_capture([BYTE, other])


def test_there_is_a_page() -> None:
    with pytest.raises(OutputError, match="at least one page"):
        secondary_capture([])
