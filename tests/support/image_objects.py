"""Data Sets and files with the pixels of an array, for tests of images: PS3.3 C.7.6.3 and A.8.1."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, set_pixels, write_file
from dimse.uids import SecondaryCaptureImageStorage, new_uid
from print_mgmt.images import prepare

__all__ = ["image_of", "shades", "write_image"]


def image_of(pixels: NDArray[np.generic], /, **attributes: object) -> Dataset:
    """Return a gray (HxW) or color (HxWx3) image with the given attributes only."""
    bits = 8 * pixels.itemsize
    made: dict[str, object] = {
        "SamplesPerPixel": 3 if pixels.ndim == 3 else 1,
        "PhotometricInterpretation": "RGB" if pixels.ndim == 3 else "MONOCHROME2",
        "Rows": pixels.shape[0],
        "Columns": pixels.shape[1],
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": pixels.tobytes(),
    }
    if pixels.ndim == 3:
        made["PlanarConfiguration"] = 0
    return Dataset(**{**made, **attributes})


def shades(
    *values: float,
    dtype: str = "i2",
    bits: int = 8,
    attributes: dict[str, object] | None = None,
    **more: object,
) -> list[int]:
    """Return a row of pixels after ``prepare``."""
    made = image_of(np.array([values], dtype), **(attributes or {}), **more)
    image = prepare(made, bits=12 if bits == 12 else 8)
    return [int(value) for value in image.pixels[0]]


def write_image(path: Path, pixels: NDArray[np.uint8 | np.uint16], photometric: str, bits: int) -> Path:
    """Write a Secondary Capture object that other programs accept."""
    dataset = Dataset(
        SOPClassUID=SecondaryCaptureImageStorage,
        SOPInstanceUID=new_uid(),
        StudyInstanceUID=new_uid(),
        SeriesInstanceUID=new_uid(),
        Modality="OT",
        ConversionType="SYN",
        PatientName="Film^Test",
        PatientID="1",
    )
    set_pixels(dataset, pixels, photometric=photometric, bits_stored=bits)
    write_file(path, dataset)
    return path
