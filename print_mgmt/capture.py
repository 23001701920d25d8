"""Secondary Capture, PS3.3 A.8: what is the same in all such objects, whatever their pixels came from."""

from datetime import datetime

from dimse.data import Dataset
from dimse.uids import IMPLEMENTATION_VERSION_NAME, SecondaryCaptureImageStorage, new_uid

__all__ = ["capture", "declare_p_values"]

# Of type 2 in the Patient, General Study, General Series and General Image modules: PS3.3 C.7
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


def capture(**attributes: object) -> Dataset:
    """A Secondary Capture object of now, in a study of its own, yet without pixels.

    Who and what it shows are of zero length but for ``attributes``, which go before what stands here.
    """
    now = datetime.now()
    own = {
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
    return Dataset(**{**own, **attributes})


def declare_p_values(dataset: Dataset) -> None:
    """Say that the gray values of ``dataset`` are P-Values (PS3.3 C.11.6), and stored as they are."""
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "US"
