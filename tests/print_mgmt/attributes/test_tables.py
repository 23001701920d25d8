"""The tables of attributes agree with PS3.4 Annex H.4."""

import csv
import os
from pathlib import Path

import pytest
from attribute_tables import TABLES

from dimse.data import lookup, tag_of
from dimse.uids import BasicPrintImageOverlayBox, ImageOverlayBox, VOILUTBox
from print_mgmt.attributes import Attribute, Table, row_of
from print_mgmt.attributes.tables import COLOR_IMAGE, GRAY_IMAGE

REFERENCE = os.environ.get("DIMSE_REFERENCE")
RETIRED = (VOILUTBox, ImageOverlayBox, BasicPrintImageOverlayBox)  # there is no reference for former editions


def rows(table: Table, path: str = "") -> list[tuple[str, Attribute]]:
    """Return all rows with their paths, also those of items."""
    found = []
    for row in table:
        found.append((path + row.keyword, row))
        items = {"BasicGrayscaleImageSequence": GRAY_IMAGE, "BasicColorImageSequence": COLOR_IMAGE}
        found += rows(items.get(row.keyword, row.items), f"{path}{row.keyword}/")
    return found


def standard() -> dict[tuple[str, str], dict[str, str]]:
    """Return the usage of each attribute by SOP Class, service and path."""
    assert REFERENCE is not None
    found: dict[tuple[str, str], dict[str, str]] = {}
    way: list[str] = []
    with (Path(REFERENCE) / "print_attributes.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["status"] == "retired":
                continue
            level = int(row["level"])
            way[level:] = [row["keyword"]]
            found.setdefault((row["sop_class_uid"], row["service"]), {})["/".join(way)] = row["usage_scu_scp"]
    return found


@pytest.mark.skipif(REFERENCE is None, reason="DIMSE_REFERENCE does not name the reference tables")
@pytest.mark.parametrize(("sop_class", "service"), [key for key in TABLES if key[0] not in RETIRED])
def test_usages_are_those_of_the_standard(sop_class: str, service: str) -> None:
    """The items about studies and original images are left out: the editions of PS3.3 differ in them."""
    unchecked = ("ProposedStudySequence/", "OriginalImageSequence/")
    theirs = {p: usage for p, usage in standard()[sop_class, service].items() if not p.startswith(unchecked)}
    ours = {p: row.usage for p, row in rows(TABLES[sop_class, service]) if not p.startswith(unchecked)}
    replies = {path for path, usage in theirs.items() if usage.startswith("-/") and service == "N-CREATE"}
    assert ours.keys() == theirs.keys() - {p for p in theirs if any(p.startswith(r) for r in replies)}
    wrong = {path: (ours[path], theirs[path]) for path in ours if ours[path] != theirs[path].removesuffix("?")}
    inherited = {path for path in wrong if path.startswith("ReferencedPresentationLUTSequence/")}
    assert not wrong.keys() - inherited, wrong


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table[0].keyword)
def test_every_row_is_an_attribute_of_the_dictionary(table: Table) -> None:
    for path, row in rows(table):
        entry = lookup(tag_of(row.keyword))
        assert entry is not None, path
        assert (entry.vr == "SQ") == row.values.is_sequence, path
        assert row.values.words, path


def test_tables_name_each_attribute_once() -> None:
    for table in TABLES.values():
        assert len({row.keyword for row in table}) == len(table)


def test_row_is_found_by_its_keyword() -> None:
    (first, *_) = TABLES.values()
    assert row_of(first, "NumberOfCopies") in first
    assert row_of(first, "FilmSizeID") is None
