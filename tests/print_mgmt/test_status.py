"""The statuses of each service (PS3.4 Annex H.4), and the terms of Printer and Execution Status Info (PS3.3 C.13)."""

import csv
import os
from pathlib import Path

import pytest

from dimse.errors import EncodeError
from dimse.message import NActionRQ, NCreateRQ, NSetRQ, StatusClass, status_class
from print_mgmt.sop import OPERATIONS, TITLES
from print_mgmt.status import (
    BY_SERVICE,
    PRINT_STATUS,
    STATUS_INFO,
    check_execution_status_info,
    check_printer_status_info,
    meaning,
)

REFERENCE = os.environ.get("DIMSE_REFERENCE")
UIDS = {title: uid for uid, title in TITLES.items()}


def standard() -> dict[tuple[str, str], set[int]]:
    """Return the codes of Print Management by SOP Class and service, without retired ones."""
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
    """Except B605 for a Presentation LUT, which has no densities."""
    theirs = {key: codes for key, codes in standard().items() if key[0] != UIDS["Presentation LUT"]}
    assert {key: set(codes) for key, codes in BY_SERVICE.items()} == theirs


def test_statuses_belong_to_existing_services() -> None:
    messages = {"N-CREATE": NCreateRQ, "N-SET": NSetRQ, "N-ACTION": NActionRQ}
    assert all(messages[service] in OPERATIONS[uid] for uid, service in BY_SERVICE)


def test_b_is_a_warning_and_c_a_failure() -> None:
    """PS3.7 Annex C."""
    for status in PRINT_STATUS:
        expected = StatusClass.WARNING if status >> 12 == 0xB else StatusClass.FAILURE
        assert status_class(status) is expected


@pytest.mark.parametrize(
    ("status", "words"),
    [(0xC605, "Insufficient memory"), (0x0112, "No such SOP instance"), (0xABCD, "not a status of this service")],
)
def test_status_has_the_standards_meaning(status: int, words: str) -> None:
    assert meaning(status).startswith(words)


def test_terms_are_108_code_strings() -> None:
    assert len(STATUS_INFO) == 108
    assert all(len(term) <= 16 and term == term.upper().strip() for term in STATUS_INFO)
    assert {"SUPPLY LOW", "EMPTY A4 PAPR", "LOW 14X17 CLR", "EMPTY 24X30 BLUE", "QUEUED"} <= set(STATUS_INFO)
    assert STATUS_INFO["LOW 14X17 BLUE"] == "the 14X17 blue film supply is low"


@pytest.mark.skipif("DIMSE_REFERENCE" not in os.environ, reason="no reference tables at hand")
def test_terms_are_those_of_the_reference() -> None:
    with Path(os.environ["DIMSE_REFERENCE"], "print_status_info_terms.csv").open(newline="") as file:
        terms = {row["term"] for row in csv.DictReader(file)}
    assert terms == {*STATUS_INFO, "NORMAL", "INVALID PAGE DES", "INSUFFIC MEMORY"}


@pytest.mark.parametrize(
    ("status", "info", "words"),
    [
        ("BROKEN", "NORMAL", "PrinterStatus: 'BROKEN' is not one of NORMAL, WARNING, FAILURE"),
        ("NORMAL", "SUPPLY LOW", "PrinterStatusInfo: 'SUPPLY LOW' is not NORMAL, the only info for NORMAL"),
        ("WARNING", "NORMAL", "PrinterStatusInfo: 'NORMAL' is not a term for WARNING"),
        ("FAILURE", "INVALID PAGE DES", "PrinterStatusInfo: 'INVALID PAGE DES'"),
        ("WARNING", "ON FIRE", "PrinterStatusInfo: 'ON FIRE'"),
    ],
)
def test_wrong_printer_status_is_refused(status: str, info: str, words: str) -> None:
    with pytest.raises(EncodeError, match=words):
        check_printer_status_info(status, info)


def test_some_terms_need_a_failed_job() -> None:
    for info in ("INVALID PAGE DES", "INSUFFIC MEMORY", "FILM JAM"):
        check_execution_status_info("FAILURE", info)
    check_execution_status_info("PENDING", "QUEUED")
    for status, info in (("PENDING", "INSUFFIC MEMORY"), ("DONE", "QUEUED"), ("PRINTING", "FILM JAM")):
        with pytest.raises(EncodeError, match=f"ExecutionStatusInfo: '{info}'"):
            check_execution_status_info(status, info)
