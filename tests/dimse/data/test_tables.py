"""The generated tables equal the output of the generator for the reference tables."""

import importlib.util
import os
from importlib import resources
from pathlib import Path
from types import ModuleType

import pytest

REFERENCE = os.environ.get("DIMSE_REFERENCE")
TOOL = Path(__file__).parents[3] / "tools" / "make_tables.py"


def shipped(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_tables", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(REFERENCE is None, reason="DIMSE_REFERENCE does not name the reference tables")
def test_shipped_tables_are_up_to_date(tool: ModuleType) -> None:
    assert REFERENCE is not None
    reference = Path(REFERENCE)
    assert shipped("dimse.data", "part06.tsv") == tool.tsv(tool.dictionary_rows(reference))
    assert shipped("dimse", "uids.tsv") == tool.tsv(tool.uid_rows(reference))


def test_storage_classes_equal_the_registry(tool: ModuleType) -> None:
    rows = [tuple(line.split("\t")) for line in shipped("dimse", "uids.tsv").splitlines()]
    assert shipped("dimse", "storage_classes.py") == tool.storage_constants(rows)


def test_generator_makes_names_and_drops_rows_without_keywords(tool: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "data_dictionary.csv").write_text(
        'tag,vr,vm,keyword,name,retired\n"(60xx,0010)",US,1,OverlayRows,Overlay Rows,N\n'
        '"(0008,0202)",OB,1,,Retired-blank,Y\n"(0000,0001)",UL,1,CommandLengthToEnd,Command Length to End,Y\n'
    )
    (tmp_path / "dictionary_additions_2026b.csv").write_text(
        'tag,vr,vm,keyword,retired\n"(0044,0110)",SQ,1,RTAssertionsSequence,N\n'
    )
    assert tool.dictionary_rows(tmp_path) == [
        ("00000001", "UL", "1", "CommandLengthToEnd", "Command Length to End", "Y"),
        ("00440110", "SQ", "1", "RTAssertionsSequence", "RT Assertions Sequence", ""),
        ("60xx0010", "US", "1", "OverlayRows", "Overlay Rows", ""),
    ]


def test_rows_are_lines_of_columns(tool: ModuleType) -> None:
    assert tool.tsv([("1.2", "A name"), ("1.3", "")]) == "1.2\tA name\n1.3\t\n"


def test_shipped_tables_are_complete() -> None:
    tags = [line.split("\t") for line in shipped("dimse.data", "part06.tsv").splitlines()]
    assert len(tags) == 5243
    assert {len(row) for row in tags} == {6}
    assert len({row[3] for row in tags}) == len(tags), "each keyword once"
    assert len(shipped("dimse", "uids.tsv").splitlines()) == 486
