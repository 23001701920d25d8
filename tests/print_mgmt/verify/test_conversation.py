"""The texts that several cases of print share."""

import pytest

from dimse.uids import BasicFilmBox
from print_mgmt.verify.conversation import shown_class


@pytest.mark.parametrize(
    ("uid", "shown"),
    [(BasicFilmBox, "Basic Film Box SOP Class"), ("1.2.3.4", "1.2.3.4"), ("1.2\x1b[2J", r"1.2\x1b[2J"), ("", "")],
)
def test_finding_shows_a_class_by_name_or_uid(uid: str, shown: str) -> None:
    assert shown_class(uid) == shown
