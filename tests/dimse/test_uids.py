"""PS3.5 §9 and PS3.6 Table A-1."""

import pytest

from dimse import uids


def test_constants_equal_the_registry() -> None:
    by_keyword = {row.keyword: row.uid for row in uids.registry().values()}
    others = {"Registered", "IMPLEMENTATION_CLASS_UID", "IMPLEMENTATION_VERSION_NAME"}
    names = [name for name in uids.__all__ if name[0].isupper() and name not in others]
    assert len(names) > 30
    for name in names:
        assert by_keyword[name] == getattr(uids, name)


@pytest.mark.parametrize(
    ("keyword", "uid"),
    [
        ("CTImageStorage", "1.2.840.10008.5.1.4.1.1.2"),
        ("SecondaryCaptureImageStorage", "1.2.840.10008.5.1.4.1.1.7"),
        ("LabelMapSegmentationStorage", "1.2.840.10008.5.1.4.1.1.66.7"),
        ("HangingProtocolStorage", "1.2.840.10008.5.1.4.38.1"),
    ],
)
def test_storage_classes_are_constants(keyword: str, uid: str) -> None:
    assert getattr(uids, keyword) == uid
    assert keyword in uids.__all__


def test_no_constant_has_two_meanings() -> None:
    assert len(set(uids.__all__)) == len(uids.__all__)
    assert uids.MRImageStorage == "1.2.840.10008.5.1.4.1.1.4"  # mypy also finds the constant


def test_application_context_name_is_dicoms_own() -> None:
    assert uids.registry()[uids.DICOMApplicationContext].type == "Application Context Name"


def test_name_of_returns_the_name() -> None:
    assert uids.name_of(uids.BasicFilmBox) == "Basic Film Box SOP Class"
    assert uids.name_of("1.2.3") == ""


def test_retired_uids_are_marked() -> None:
    assert uids.registry()[uids.ExplicitVRBigEndian].retired
    assert not uids.registry()[uids.Verification].retired


def test_implementation_identity_fits_its_fields() -> None:
    assert uids.is_valid_uid(uids.IMPLEMENTATION_CLASS_UID)
    assert uids.IMPLEMENTATION_CLASS_UID.startswith("2.25.")
    assert len(uids.IMPLEMENTATION_VERSION_NAME) <= 16  # PS3.7 §D.3.3.2.3


def test_new_uids_are_valid_and_unique() -> None:
    made = {uids.new_uid() for _ in range(100)}
    assert len(made) == 100
    assert all(uids.is_valid_uid(uid) and uid.startswith("2.25.") for uid in made)


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.1", "2.25.0", "1." + "2" * 62])
def test_valid_uids_are_accepted(uid: str) -> None:
    assert uids.is_valid_uid(uid)


@pytest.mark.parametrize(
    "uid", ["", "1", "1.", ".1", "1..2", "1.02", "1.2 ", "1.2\n", "1.x", "1.2/../3", "1." + "2" * 63, "1.٣"]
)
def test_invalid_uids_are_rejected(uid: str) -> None:
    assert not uids.is_valid_uid(uid)


@pytest.mark.parametrize(
    ("uid", "shown"),
    [
        (uids.BasicFilmBox, "Basic Film Box SOP Class"),
        ("1.2.3.4", "1.2.3.4"),
        ("1.2\x1b[2J", r"1.2\x1b[2J"),
        ("", ""),
    ],
)
def test_uid_is_shown_by_name_or_by_itself(uid: str, shown: str) -> None:
    assert uids.name_or_uid(uid) == shown
