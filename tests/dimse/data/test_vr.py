"""PS3.5 Table 6.2-1."""

import csv
import os
from pathlib import Path

import pytest

from dimse.data import VRS
from dimse.data.vr import row_of

REFERENCE = os.environ.get("DIMSE_REFERENCE")


def test_there_are_34() -> None:
    assert len(VRS) == 34
    assert all(row.name == name for name, row in VRS.items())


def test_the_long_form_is_that_of_section_7_1_2() -> None:
    long = {name for name, row in VRS.items() if row.long}
    assert long == {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}


def test_only_uids_and_streams_are_padded_with_nul() -> None:
    assert {name for name, row in VRS.items() if row.kind == "text" and row.pad == b"\0"} == {"UI"}
    assert all(row.pad == b"\0" for row in VRS.values() if row.kind == "stream")


def test_specific_character_set_applies_to_seven() -> None:
    assert {name for name, row in VRS.items() if row.charset} == {"LO", "LT", "PN", "SH", "ST", "UC", "UT"}


def test_a_vr_to_come_is_treated_as_unknown() -> None:
    assert row_of("ZZ") is VRS["UN"]
    assert row_of("US") is VRS["US"]


@pytest.mark.skipif(REFERENCE is None, reason="DIMSE_REFERENCE does not name the reference tables")
def test_the_table_equals_the_reference() -> None:
    assert REFERENCE is not None
    with (Path(REFERENCE) / "vr.csv").open(encoding="utf-8") as lines:
        rows = {row["vr"]: row for row in csv.DictReader(lines)}
    assert rows.keys() == VRS.keys()
    for name, row in rows.items():
        ours = VRS[name]
        assert ours.long == (row["explicit_length_form"] == "long"), name
        assert ours.many == (row["vm"] == "1-n"), name
        if row["pad"] != "-":
            assert ours.pad == (b"\0" if row["pad"] == "00H" else b" "), name
