"""A pattern as a Data Set: a Secondary Capture Image, PS3.3 A.8.1."""

import numpy as np

from dimse.data import Dataset, set_pixels

from ...capture import capture, declare_p_values
from .canvas import Pixels

__all__ = ["secondary_capture"]

_TWELVE = 65535 / 4095  # 12 bits lie spread over 16 in a pattern


def secondary_capture(pixels: Pixels, name: str) -> Dataset:
    """Return a pattern as a Data Set: MONOCHROME2 of 8 bits, or of 12 in 16, over their full range.

    Patient and study are those of a phantom: ``name``, and UIDs made here.
    """
    dataset = capture(
        ConversionType="SYN",
        SeriesDescription=f"Test pattern {name}",
        PatientName=f"Pattern^{name}",
        PatientID="PATTERN",
        BurnedInAnnotation="NO",
    )
    declare_p_values(dataset)
    bits = 8 if pixels.dtype == np.uint8 else 12
    stored = pixels if bits == 8 else np.rint(pixels / _TWELVE).astype(np.uint16)
    set_pixels(dataset, stored, photometric="MONOCHROME2", bits_stored=bits)
    dataset.WindowCenter, dataset.WindowWidth = 1 << bits - 1, 1 << bits
    return dataset
