"""The limits of a spool are documented with their values, and reasons are single lines."""

import re
from dataclasses import asdict
from pathlib import Path

from print_mgmt.spool import SpoolError, SpoolLimits
from print_mgmt.spool.records import reason_of

PAGE = (Path(__file__).parents[3] / "docs" / "limits.md").read_text()


def test_each_limit_of_the_spool_is_documented_with_its_default() -> None:
    table = PAGE.partition("## Spool\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+)", table, re.MULTILINE)
    assert {name: int(value.replace(",", "")) for name, value in rows} == asdict(SpoolLimits())


def test_reason_of_several_lines_is_one_line() -> None:
    assert reason_of(SpoolError("not yet accepting connections\nDETAIL:  recovery")) == (
        "not yet accepting connections; DETAIL:  recovery"
    )


def test_reason_of_an_error_without_a_message_is_its_type() -> None:
    assert reason_of(TimeoutError()) == "TimeoutError"
