"""Writes one page, or several of the same size, as a DICOM Secondary Capture file (PS3.3 A.8).

One page becomes a Secondary Capture Image; several become a Multi-frame Grayscale Byte, Grayscale Word or True Color
Secondary Capture Image. A film has no patient attributes, so these have zero length, unless the caller provides them.
"""

from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, set_pixels, tag_of, write_file
from dimse.uids import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
)

from ..film.formats import MM_PER_INCH
from ..film.sheet import Page
from ..secondary_capture import declare_p_values, new_capture
from .page import OutputError, check_page

__all__ = ["secondary_capture", "write_capture"]

_MAX_TITLE = 64  # characters of Series Description, an LO (PS3.5 Table 6.2-1); the name of a file may be longer
_MULTI_FRAME = {  # by dimensions of the array and bytes of a sample
    (2, 1): MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    (2, 2): MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    (3, 1): MultiFrameTrueColorSecondaryCaptureImageStorage,
}


def write_capture(pages: Iterable[Page], file: BinaryIO, *, title: str = "", attributes: Dataset | None = None) -> None:
    """Write films to one DICOM file in Explicit VR Little Endian. `secondary_capture` explains arguments and errors."""
    write_file(file, secondary_capture(tuple(pages), title=title, attributes=attributes))


def secondary_capture(pages: Sequence[Page], *, title: str = "", attributes: Dataset | None = None) -> Dataset:
    """Return films as a Secondary Capture object in a study of its own; ``title`` becomes the Series Description.

    A title of more than 64 characters is cut. ``attributes``, such as those of patient and study, replace default
    values. Gray values are declared as P-Values (Presentation LUT Shape IDENTITY), which they are unless the imager has
    a characteristic curve. Raises OutputError if there is no page, for an invalid page, and if pages differ in size,
    kind of pixels, resolution or color profile.
    """
    pixels = _frames(pages)
    # The pixels may show the patient's name, so YES is the safe value
    dataset = new_capture(ConversionType="WSD", SeriesDescription=title[:_MAX_TITLE] or None, BurnedInAnnotation="YES")
    first, is_gray = pages[0], pages[0].pixels.ndim == 2
    if attributes is not None:
        dataset.update(attributes)
    dataset.PixelSpacing = [MM_PER_INCH / first.dpi] * 2
    if len(pages) > 1:
        dataset.SOPClassUID = _MULTI_FRAME[first.pixels.ndim, first.pixels.itemsize]
        dataset.FrameIncrementPointer = tag_of("PageNumberVector")
        dataset.PageNumberVector = list(range(1, len(pages) + 1))
    if is_gray:
        declare_p_values(dataset)
    if first.ICCProfile and not is_gray:
        dataset.ICCProfile = first.ICCProfile
    set_pixels(dataset, pixels, photometric="MONOCHROME2" if is_gray else "RGB")
    return dataset


def _frames(pages: Sequence[Page]) -> NDArray[np.uint8 | np.uint16]:
    """Return the pixels of all pages as one array; a single page is not copied."""
    if not pages:
        raise OutputError("a Secondary Capture object needs at least one page")
    first = pages[0]
    check_page(first)
    for number, page in enumerate(pages[1:], 2):
        if _kind_of(page) != _kind_of(first):
            what = "in size, kind of pixels, resolution or color profile"
            raise OutputError(f"page {number} differs from page 1 {what}, but all frames must be alike (PS3.3 C.7.6.6)")
    return first.pixels if len(pages) == 1 else np.stack([page.pixels for page in pages])


def _kind_of(page: Page) -> tuple[object, ...]:
    """Return the properties that all frames of an object must share. A gray object has no profile."""
    profile = page.ICCProfile if page.pixels.ndim == 3 else None
    return page.pixels.shape, page.pixels.dtype, page.dpi, profile or None
