"""The statuses of each service are those of PS3.4 Annex H.4."""

import csv
import os
from pathlib import Path

import pytest

from dimse.message import NActionRQ, NCreateRQ, NSetRQ, StatusClass, status_class
from print_mgmt.sop import OPERATIONS, TITLES
from print_mgmt.status import BY_SERVICE, PRINT_STATUS, meaning

REFERENCE = os.environ.get("DIMSE_REFERENCE")
UIDS = {title: uid for uid, title in TITLES.items()}


def standard() -> dict[tuple[str, str], set[int]]:
    """The codes of printing by SOP Class and service, but for retired ones."""
    assert REFERENCE is not None
    found: dict[tuple[str, str], set[int]] = {}
    with (Path(REFERENCE) / "print_status.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["status_hex"][0] in "BC" and "retired" not in row["class"] and row["sop_class"] in UIDS:
                for service in row["service"].split("|"):
                    found.setdefault((UIDS[row["sop_class"]], service), set()).add(int(row["status_hex"], 16))
    return found


@pytest.mark.skipif(REFERENCE is None, reason="DIMSE_REFERENCE does not name the reference tables")
def test_each_service_has_the_statuses_of_the_standard() -> None:
    """But for B605 of a Presentation LUT, which has no densities."""
    theirs = {key: codes for key, codes in standard().items() if key[0] != UIDS["Presentation LUT"]}
    assert {key: set(codes) for key, codes in BY_SERVICE.items()} == theirs


def test_only_services_that_there_are_have_statuses() -> None:
    messages = {"N-CREATE": NCreateRQ, "N-SET": NSetRQ, "N-ACTION": NActionRQ}
    assert all(messages[service] in OPERATIONS[uid] for uid, service in BY_SERVICE)


def test_b_warns_and_c_fails() -> None:
    """PS3.7 Annex C."""
    for status in PRINT_STATUS:
        expected = StatusClass.WARNING if status >> 12 == 0xB else StatusClass.FAILURE
        assert status_class(status) is expected


@pytest.mark.parametrize(
    ("status", "words"),
    [(0xC605, "Insufficient memory"), (0x0112, "No such SOP instance"), (0xABCD, "not a status of this service")],
)
def test_what_a_status_means(status: int, words: str) -> None:
    assert meaning(status).startswith(words)
