"""A folder of films: whole files, never replaced."""

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from print_mgmt.film import Page
from print_mgmt.output import FORMATS, OutputError, write_page

PAGE = Page(pixels=np.zeros((8, 8), np.uint8), width_mm=100, height_mm=100, dpi=2)
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF"}


def test_each_format_gets_its_file(tmp_path: Path) -> None:
    files = write_page(PAGE, tmp_path, "film-0001")
    assert files == [tmp_path / "film-0001.png", tmp_path / "film-0001.pdf"]
    assert [file.read_bytes()[:4] for file in files] == list(MAGIC.values())
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_file_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    (file,) = write_page(PAGE, str(tmp_path), "film", ["png"])
    assert file.stat().st_mode == plain.stat().st_mode
    assert file.stat().st_nlink == 1


def test_existing_file_is_kept_and_nothing_else_written(tmp_path: Path) -> None:
    (tmp_path / "film.pdf").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"film\.pdf"):
        write_page(PAGE, tmp_path, "film")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"mine"]


@pytest.mark.parametrize("links", [True, False])
def test_file_that_appears_meanwhile_is_kept(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking first is not enough: another process may take the name while the page is written."""
    target = tmp_path / "film.png"

    def interrupted(page: Page, file: BinaryIO) -> None:
        del page, file
        target.write_bytes(b"theirs")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setitem(FORMATS, "png", interrupted)
    with pytest.raises(FileExistsError):
        write_page(PAGE, tmp_path, "film", ["png"])
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"theirs"


def no_links(*paths: object) -> None:
    raise PermissionError(paths)


def test_file_system_without_links_works_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT, as on a memory stick."""
    monkeypatch.setattr(os, "link", no_links)
    files = write_page(PAGE, tmp_path, "film")
    assert sorted(tmp_path.iterdir()) == sorted(files)


def test_page_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(page: Page, file: BinaryIO) -> None:
        del page
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(FORMATS, "pdf", full)
    with pytest.raises(OSError, match="No space left"):
        write_page(PAGE, tmp_path, "film")
    assert list(tmp_path.iterdir()) == []


def test_nobody_sees_a_page_that_is_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches the folder for films never meets a name that is not whole."""
    seen: list[str] = []

    def watched(page: Page, file: BinaryIO) -> None:
        del page
        file.write(b"half")
        seen.extend(path.name for path in tmp_path.glob("[!.]*"))

    monkeypatch.setitem(FORMATS, "png", watched)
    write_page(PAGE, tmp_path, "film", ["png"])
    assert seen == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "../a", "a\\b", "a\0", "a\n", "ä", "a b", "-a", "x" * 200]
)
def test_names_that_a_peer_could_have_chosen_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="file name"):
        write_page(PAGE, tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="'tiff', not one of png, pdf"):
        write_page(PAGE, tmp_path, "film", ["png", "tiff"])
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_an_error_of_the_disk(tmp_path: Path) -> None:
    """It is not made: where a mount is gone, films must not end up beneath it."""
    with pytest.raises(FileNotFoundError):
        write_page(PAGE, tmp_path / "gone", "film")
