"""Secondary Capture objects (PS3.3 A.8): their common attributes, and test patterns as such objects."""

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, set_pixels
from dimse.uids import IMPLEMENTATION_VERSION_NAME, SecondaryCaptureImageStorage, new_uid

__all__ = ["declare_p_values", "new_capture", "pattern_capture"]

# Attributes of type 2 or 2C in the Patient, General Study, General Series and General Image modules (PS3.3 C.7)
_EMPTY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferringPhysicianName",
    "StudyID",
    "AccessionNumber",
    "Laterality",
    "PatientOrientation",
)
_DATES = ("StudyDate", "ContentDate", "DateOfSecondaryCapture")
_TIMES = ("StudyTime", "ContentTime", "TimeOfSecondaryCapture")
_IDENTIFIERS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_SPREAD = 65535 / 4095  # the factor by which a pattern spreads 12 bits over 16


def new_capture(**attributes: object) -> Dataset:
    """Return a Secondary Capture object without pixels, with the current date and time, in a study of its own.

    The attributes of the patient are empty, and so are the names and numbers of the study. ``attributes`` are added,
    and replace default values.
    """
    now = datetime.now()
    defaults = {
        **dict.fromkeys(_EMPTY),
        **dict.fromkeys(_DATES, now.strftime("%Y%m%d")),
        **dict.fromkeys(_TIMES, now.strftime("%H%M%S")),
        **{keyword: new_uid() for keyword in _IDENTIFIERS},
        "SOPClassUID": SecondaryCaptureImageStorage,
        "SpecificCharacterSet": "ISO_IR 192",
        "ImageType": ["DERIVED", "SECONDARY"],
        "Modality": "OT",
        "SecondaryCaptureDeviceManufacturer": "dimse-print",
        "SecondaryCaptureDeviceSoftwareVersions": IMPLEMENTATION_VERSION_NAME,
        "SeriesNumber": 1,
        "InstanceNumber": 1,
    }
    return Dataset(**{**defaults, **attributes})


def declare_p_values(dataset: Dataset) -> None:
    """Declare the gray values of ``dataset`` as P-Values (PS3.3 C.11.6), with a rescale that changes nothing."""
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"


def pattern_capture(pixels: NDArray[np.uint8 | np.uint16], name: str) -> Dataset:
    """Return a test pattern as a Data Set: MONOCHROME2 of 8 bits, or of 12 bits in 16, over the full range.

    ``pixels`` are HxW, uint8, or uint16 with 12 bits spread over 16. The patient is a phantom with this ``name``, in a
    study of its own.
    """
    dataset = new_capture(
        ConversionType="SYN",
        SeriesDescription=f"Test pattern {name}",
        PatientName=f"Pattern^{name}",
        PatientID="PATTERN",
        BurnedInAnnotation="NO",
    )
    declare_p_values(dataset)
    bits = 8 if pixels.dtype == np.uint8 else 12
    stored = pixels if bits == 8 else np.rint(pixels / _SPREAD).astype(np.uint16)
    set_pixels(dataset, stored, photometric="MONOCHROME2", bits_stored=bits)
    dataset.WindowCenter, dataset.WindowWidth = 1 << bits - 1, 1 << bits
    return dataset
