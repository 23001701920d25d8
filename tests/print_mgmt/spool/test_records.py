"""The limits of a spool are documented with their values."""

import re
from dataclasses import asdict
from pathlib import Path

from print_mgmt.spool import SpoolLimits

PAGE = (Path(__file__).parents[3] / "docs" / "limits.md").read_text()


def test_each_limit_of_the_spool_is_documented_with_its_default() -> None:
    table = PAGE.partition("## Spool\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+)", table, re.MULTILINE)
    assert {name: int(value.replace(",", "")) for name, value in rows} == asdict(SpoolLimits())
