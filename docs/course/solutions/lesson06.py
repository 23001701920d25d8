"""Solution 6: a film box refers to its film session, and High Bit is one less than Bits Stored."""

import numpy as np

from dimse import Dataset

SESSION = "1.2.3.4.1"  # the film session, which exists already when the film box is created


def film_box() -> Dataset:
    """Return the Data Set of N-CREATE of the film box."""
    box = Dataset(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="8INX10IN", FilmOrientation="PORTRAIT")
    on = Dataset(ReferencedSOPClassUID="1.2.840.10008.5.1.1.1", ReferencedSOPInstanceUID=SESSION)
    box.ReferencedFilmSessionSequence = [on]
    return box


def image() -> Dataset:
    """Return the item of Basic Grayscale Image Sequence: 12 bits in 16."""
    shape = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": 8, "Columns": 8}
    depth = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
    return Dataset(**shape, **depth, PixelData=np.zeros((8, 8), np.uint16))
