"""Status classes, PS3.7 Annex C."""

import pytest

from dimse.message import GENERAL_STATUS, StatusClass, is_failure, is_pending, status_class


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x0000, StatusClass.SUCCESS),
        (0x0001, StatusClass.WARNING),
        (0x0107, StatusClass.WARNING),  # "attribute list error" is a warning, whatever its name
        (0x0116, StatusClass.WARNING),
        (0xB000, StatusClass.WARNING),
        (0xB60A, StatusClass.WARNING),
        (0xFF00, StatusClass.PENDING),
        (0xFF01, StatusClass.PENDING),
        (0xFE00, StatusClass.CANCEL),
        (0x0106, StatusClass.FAILURE),
        (0x0213, StatusClass.FAILURE),
        (0xA700, StatusClass.FAILURE),
        (0xC600, StatusClass.FAILURE),
        (0xD000, StatusClass.FAILURE),  # undefined
    ],
)
def test_code_has_its_status_class(status: int, expected: StatusClass) -> None:
    assert status_class(status) is expected
    assert is_failure(status) is (expected is StatusClass.FAILURE)
    assert is_pending(status) is (expected is StatusClass.PENDING)


def test_general_statuses_have_meanings() -> None:
    assert GENERAL_STATUS[0x0112] == "No such SOP instance"
