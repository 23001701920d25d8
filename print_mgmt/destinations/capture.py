"""Converts a film to a DICOM object for an archive: Secondary Capture Image or Encapsulated PDF (PS3.3 A.8, A.45.1).

The UIDs are derived from the UID of the print job, so the same film always becomes the same instance, and storing it
again is harmless. The images of all films of a job form one series, and the PDF documents of these films form another.
Both series belong to the identified study, or else to a new study of the job.
"""

from io import BytesIO
from uuid import NAMESPACE_OID, uuid5

from dimse.data import Dataset
from dimse.storage_classes import EncapsulatedPDFStorage
from dimse.uids import is_valid_uid

from ..film import Page
from ..output import secondary_capture, write_pdf
from ..scp import Film
from ..secondary_capture import new_capture
from ..typed import text

__all__ = ["capture_attributes", "encapsulated_pdf", "image_capture"]


_IMAGE_KEYWORDS = ("ImageType", "DateOfSecondaryCapture", "TimeOfSecondaryCapture", "PatientOrientation", "Laterality")


def capture_attributes(film: Film, identified: Dataset, kind: str = "") -> Dataset:
    """Return the attributes of an object for a film, except its content: patient, study, UIDs, dates and times.

    ``identified`` has the known attributes of the patient and the study. Dates and times that it lacks come from the
    print job; but if it has Study Date or Study Time, the other one stays empty, because the study is older than the
    job. Objects of the same film, such as an image and a document, need different values of ``kind``, which give them
    different UIDs.
    """
    attributes = identified.copy()
    study = text(identified, "StudyInstanceUID")
    date, time = f"{film.time:%Y%m%d}", f"{film.time:%H%M%S}"
    attributes.StudyInstanceUID = study if is_valid_uid(study) else _uid(film, "study")
    attributes.SeriesInstanceUID = _uid(film, f"series {kind}")
    attributes.SOPInstanceUID = _uid(film, f"film {kind} {film.position} {film.copy}")
    attributes.SeriesDate, attributes.SeriesTime = date, time
    attributes.ContentDate, attributes.ContentTime = date, time
    attributes.InstanceNumber = film.position
    known = attributes.get("StudyDate") or attributes.get("StudyTime")
    for keyword, value in (("StudyDate", date), ("StudyTime", time)):
        if not attributes.get(keyword):
            attributes[keyword] = None if known else value
    return attributes


def image_capture(film: Film, page: Page, identified: Dataset, title: str) -> Dataset:
    """Return a rendered film as a Secondary Capture object; ``title`` becomes the Series Description."""
    attributes = capture_attributes(film, identified)
    attributes.DateOfSecondaryCapture, attributes.TimeOfSecondaryCapture = (
        attributes.ContentDate,
        attributes.ContentTime,
    )
    return secondary_capture([page], title=title, attributes=attributes)


def encapsulated_pdf(film: Film, page: Page, identified: Dataset, title: str) -> Dataset:
    """Return a rendered film as an Encapsulated PDF object; ``title`` becomes the Document Title."""
    document = BytesIO()
    write_pdf([page], document, title=title)
    dataset = new_capture(ConversionType="WSD", Modality="DOC", SOPClassUID=EncapsulatedPDFStorage)
    dataset.Manufacturer = dataset.SecondaryCaptureDeviceManufacturer
    for keyword in _IMAGE_KEYWORDS:
        del dataset[keyword]
    dataset.update(capture_attributes(film, identified, "pdf"))
    dataset.AcquisitionDateTime = None
    dataset.BurnedInAnnotation = "YES"  # the page may show the patient's name
    dataset.DocumentTitle = title or None
    dataset.ConceptNameCodeSequence = []
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    content = document.getvalue()
    dataset.EncapsulatedDocumentLength = len(content)
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    return dataset


def _uid(film: Film, what: str) -> str:
    """Return a UID that depends only on the film and ``what``: 2.25 and a name-based UUID (PS3.5 §B.2)."""
    return f"2.25.{uuid5(NAMESPACE_OID, f'{film.job.SOPInstanceUID} {what}').int}"
