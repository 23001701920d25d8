"""The terms of Printer Status Info and Execution Status Info, PS3.3 C.13.8 and C.13.9.1."""

import csv
import os
from pathlib import Path

import pytest

from dimse.errors import EncodeError
from print_mgmt.status_info import STATUS_INFO, check_execution_status_info, check_printer_status_info


def test_there_are_108_terms_and_each_is_a_code_string() -> None:
    assert len(STATUS_INFO) == 108
    assert all(len(term) <= 16 and term == term.upper().strip() for term in STATUS_INFO)
    assert {"SUPPLY LOW", "EMPTY A4 PAPR", "LOW 14X17 CLR", "EMPTY 24X30 BLUE", "QUEUED"} <= set(STATUS_INFO)
    assert STATUS_INFO["LOW 14X17 BLUE"] == "the 14X17 blue film supply is low"


@pytest.mark.skipif("DIMSE_REFERENCE" not in os.environ, reason="no reference tables at hand")
def test_the_terms_are_those_of_the_reference() -> None:
    with Path(os.environ["DIMSE_REFERENCE"], "print_status_info_terms.csv").open(newline="") as file:
        terms = {row["term"] for row in csv.DictReader(file)}
    assert terms == {*STATUS_INFO, "NORMAL", "INVALID PAGE DES", "INSUFFIC MEMORY"}


@pytest.mark.parametrize(
    ("status", "info", "words"),
    [
        ("BROKEN", "NORMAL", "PrinterStatus: 'BROKEN' is not one of NORMAL, WARNING, FAILURE"),
        ("NORMAL", "SUPPLY LOW", "PrinterStatusInfo: 'SUPPLY LOW', where NORMAL has only NORMAL"),
        ("WARNING", "NORMAL", "PrinterStatusInfo: 'NORMAL', where WARNING has none of its terms"),
        ("FAILURE", "INVALID PAGE DES", "PrinterStatusInfo: 'INVALID PAGE DES'"),
        ("WARNING", "ON FIRE", "PrinterStatusInfo: 'ON FIRE'"),
    ],
)
def test_what_a_printer_cannot_be(status: str, info: str, words: str) -> None:
    with pytest.raises(EncodeError, match=words):
        check_printer_status_info(status, info)


def test_what_only_a_failed_job_can_be() -> None:
    for info in ("INVALID PAGE DES", "INSUFFIC MEMORY", "FILM JAM"):
        check_execution_status_info("FAILURE", info)
    check_execution_status_info("PENDING", "QUEUED")
    for status, info in (("PENDING", "INSUFFIC MEMORY"), ("DONE", "QUEUED"), ("PRINTING", "FILM JAM")):
        with pytest.raises(EncodeError, match=f"ExecutionStatusInfo: '{info}'"):
            check_execution_status_info(status, info)
