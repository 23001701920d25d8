"""Drafts of files: whose they are, and what becomes of those that were left."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from print_mgmt.output import clear_drafts
from print_mgmt.output.drafts import new_draft

LEFT = ".film-20260102-030405-0001.png.0123abcd.part"


def test_draft_goes_with_its_stack(tmp_path: Path) -> None:
    with ExitStack() as stack:
        draft, file = new_draft(tmp_path / "film.png", stack)
        assert list(tmp_path.iterdir()) == [draft]
    assert (file.closed, list(tmp_path.iterdir())) == (True, [])


def test_draft_that_was_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / LEFT).write_bytes(b"half")
    assert clear_drafts(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_files_of_other_names_stay(tmp_path: Path) -> None:
    names = ["film-0001.png", ".hidden", "film.part", ".film.png.part", ".film.0123abcd.part.png", ".x.0123ABCD.part"]
    for name in names:
        (tmp_path / name).touch()
    assert clear_drafts(tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_draft_that_somebody_writes_stays(tmp_path: Path) -> None:
    with ExitStack() as stack:
        new_draft(tmp_path / "film.png", stack)
        clearing = "import sys; from print_mgmt.output import clear_drafts; print(clear_drafts(sys.argv[1]))"
        found = subprocess.run([sys.executable, "-c", clearing, tmp_path], capture_output=True, text=True, check=True)
        assert found.stdout == "0\n"
        assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="no such rights here")
def test_draft_is_for_its_owner_and_group(tmp_path: Path) -> None:
    with ExitStack() as stack:
        draft, _ = new_draft(tmp_path / "film.png", stack)
        assert draft.stat().st_mode & 0o137 == 0
