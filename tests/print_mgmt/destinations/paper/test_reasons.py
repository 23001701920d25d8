"""States of paper printers in terms of DICOM."""

import pytest

from print_mgmt.destinations import Condition
from print_mgmt.destinations.paper.reasons import condition_of


@pytest.mark.parametrize(
    ("reasons", "stopped", "status", "term"),
    [
        ((), False, "NORMAL", "NORMAL"),
        (("none",), False, "NORMAL", "NORMAL"),
        (("media-low-report",), False, "NORMAL", "NORMAL"),
        (("media-low-warning",), False, "WARNING", "SUPPLY LOW"),
        (("media-empty-error",), True, "FAILURE", "SUPPLY EMPTY"),
        (("media-empty",), False, "WARNING", "SUPPLY EMPTY"),
        (("toner-low-warning", "media-jam-error"), True, "FAILURE", "FILM JAM"),
        (("door-open-error",), True, "FAILURE", "COVER OPEN"),
        (("input-media-tray-feed-error",), True, "FAILURE", "FILM TRANSP ERR"),
        (("input-media-tray-feed-error-warning",), False, "WARNING", "FILM TRANSP ERR"),
        (("media-path-input-feed-error-error",), True, "FAILURE", "FILM TRANSP ERR"),
        (("media-path-jam-error",), True, "FAILURE", "FILM JAM"),
        (("marker-ink-empty-error",), True, "FAILURE", "NO RIBBON"),
        (("paused",), True, "FAILURE", "PRINTER OFFLINE"),
        (("com.example-odd",), False, "WARNING", "CHECK PRINTER"),
        (("none",), True, "FAILURE", "PRINTER DOWN"),
    ],
)
def test_reason_becomes_a_term(reasons: tuple[str, ...], stopped: bool, status: str, term: str) -> None:
    condition = condition_of(reasons, stopped=stopped)
    assert (condition.PrinterStatus, condition.PrinterStatusInfo) == (status, term)


def test_closed_queue_is_a_failure() -> None:
    assert condition_of(("none",), stopped=False, accepting=False) == Condition(
        "FAILURE", "CHECK PRINTER", "accepts no jobs"
    )


def test_message_of_a_printer_is_escaped() -> None:
    assert condition_of(("media-empty",), stopped=True, message="\x1b[2J").reason == "media-empty, \\x1b[2J"


def test_only_the_first_reasons_count() -> None:
    reasons = ["odd"] * 100_000
    assert condition_of([*reasons, "media-jam"], stopped=False).PrinterStatusInfo == "CHECK PRINTER"
    assert condition_of(["media-jam", *reasons], stopped=False).PrinterStatusInfo == "FILM JAM"
