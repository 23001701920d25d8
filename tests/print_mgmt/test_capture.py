"""What all Secondary Capture objects have: PS3.3 A.8.1."""

from dimse.data import Dataset
from print_mgmt.capture import capture, declare_p_values


def test_attributes_go_before_what_stands_there() -> None:
    made = capture(PatientID="7", StudyDate="20000101", Modality=None)
    assert (made.PatientID, made.StudyDate, made.Modality) == ("7", "20000101", None)


def test_type_2_is_there_and_empty() -> None:
    """A zero length says that it is not known; a missing one breaks the rule (PS3.5 §7.4.3)."""
    made = capture()
    for keyword in ("PatientName", "PatientID", "ReferringPhysicianName", "AccessionNumber", "PatientOrientation"):
        assert keyword in made
        assert made.get(keyword) is None


def test_no_two_are_the_same_instance() -> None:
    first, second = capture(), capture()
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        assert first.get(keyword) != second.get(keyword)


def test_p_values_are_not_rescaled() -> None:
    dataset = Dataset()
    declare_p_values(dataset)
    assert (dataset.PresentationLUTShape, dataset.RescaleIntercept, dataset.RescaleSlope) == ("IDENTITY", 0, 1)
