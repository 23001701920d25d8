"""Exercise 6: a printer refuses this film. Find out why, and repair it.

The checker prints the film with the Data Sets below, and shows what the printer answers. There are two mistakes; both
come from real print clients.
"""

import numpy as np

from dimse import Dataset

SESSION = "1.2.3.4.1"  # the film session, which exists already when the film box is created


def film_box() -> Dataset:
    """Return the Data Set of N-CREATE of the film box."""
    return Dataset(ImageDisplayFormat=r"STANDARD\1,1", FilmSizeID="8INX10IN", FilmOrientation="PORTRAIT")


def image() -> Dataset:
    """Return the item of Basic Grayscale Image Sequence: 12 bits in 16."""
    shape = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": 8, "Columns": 8}
    depth = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 12, "PixelRepresentation": 0}
    return Dataset(**shape, **depth, PixelData=np.zeros((8, 8), np.uint16))
