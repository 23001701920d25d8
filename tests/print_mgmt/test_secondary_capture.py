"""Attributes that all Secondary Capture objects share: PS3.3 A.8.1."""

from dimse.data import Dataset
from print_mgmt.secondary_capture import declare_p_values, new_capture


def test_given_attributes_replace_the_defaults() -> None:
    made = new_capture(PatientID="7", StudyDate="20000101", Modality=None)
    assert (made.PatientID, made.StudyDate, made.Modality) == ("7", "20000101", None)


def test_type_2_attributes_are_present_and_empty() -> None:
    """A zero length means unknown; a missing attribute would break the rule (PS3.5 §7.4.3)."""
    made = new_capture()
    for keyword in ("PatientName", "PatientID", "ReferringPhysicianName", "AccessionNumber", "PatientOrientation"):
        assert keyword in made
        assert made.get(keyword) is None


def test_each_capture_has_uids_of_its_own() -> None:
    first, second = new_capture(), new_capture()
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        assert first.get(keyword) != second.get(keyword)


def test_p_values_have_an_identity_rescale() -> None:
    dataset = Dataset()
    declare_p_values(dataset)
    assert (dataset.PresentationLUTShape, dataset.RescaleIntercept, dataset.RescaleSlope) == ("IDENTITY", 0, 1)
