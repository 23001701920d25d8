"""A folder of films: files are whole, and never replaced."""

import errno
import io
import json
import os
import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from numpy.typing import NDArray

from dimse.data import IMPLICIT_LE, Dataset, decode, encode
from print_mgmt.film import Page
from print_mgmt.output import FORMATS, IncompleteError, OutputError, json_of, write_page, write_sidecar
from print_mgmt.output.deflate import deflate
from print_mgmt.output.folder import PageFiles

PAGE = Page(pixels=np.zeros((8, 8), np.uint8), width_mm=100, height_mm=100, dpi=2)
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "tiff": b"II*\0", "dcm": b"\0\0\0\0", "json": b"{\n  "}


def test_each_format_gets_its_file(tmp_path: Path) -> None:
    files = write_page(PAGE, tmp_path, "film-0001", tuple(FORMATS))
    assert files == [tmp_path / f"film-0001.{suffix}" for suffix in ("png", "pdf", "tiff", "dcm", "json")]
    assert [file.read_bytes()[:4] for file in files] == list(MAGIC.values())
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.skipif(os.name != "posix", reason="no such rights here")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o640), (0o000, 0o640), (0o077, 0o600)])
def test_file_is_for_its_owner_and_group(umask: int, mode: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        (file,) = write_page(PAGE, str(tmp_path), "film", ["png"])
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == mode
    assert file.stat().st_nlink == 1


def test_existing_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "film.pdf").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"film\.pdf"):
        write_page(PAGE, tmp_path, "film")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"mine"]


@pytest.mark.parametrize("links", [True, False])
def test_file_that_appears_during_writing_is_kept(links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may take the name while the page is written."""
    target = tmp_path / "film.png"

    def interrupted(work: PageFiles, file: BinaryIO) -> None:
        del work, file
        target.write_bytes(b"theirs")

    if not links:
        monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setitem(FORMATS, "png", interrupted)
    with pytest.raises(FileExistsError):
        write_page(PAGE, tmp_path, "film", ["png"])
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"theirs"


def no_links(*paths: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted", *paths)


def test_write_works_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT has none."""
    monkeypatch.setattr(os, "link", no_links)
    files = write_page(PAGE, tmp_path, "film")
    assert sorted(tmp_path.iterdir()) == sorted(files)


@pytest.mark.parametrize("step", range(1, 11))
@pytest.mark.parametrize("why", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS])
def test_failing_disk_leaves_no_file(step: int, why: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of two files: open, write, fsync and link each, then open and fsync the folder. A retry works."""
    steps = iter(range(1, 100))

    def failing(call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **kwargs: object) -> object:
            if next(steps) == step:
                raise OSError(why, os.strerror(why))
            return call(*args, **kwargs)

        return wrapped

    with monkeypatch.context() as faults:
        faults.setattr(os, "open", failing(os.open))
        for suffix in ("png", "pdf"):
            faults.setitem(FORMATS, suffix, failing(FORMATS[suffix]))
        faults.setattr(os, "fsync", failing(os.fsync))
        faults.setattr(os, "link", failing(os.link))
        with pytest.raises(OSError, match=re.escape(os.strerror(why))) as caught:
            write_page(PAGE, tmp_path, "film")
    assert caught.value.errno == why
    assert list(tmp_path.iterdir()) == []
    assert len(write_page(PAGE, tmp_path, "film")) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_error_says_that_the_disk_is_full(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    with (tmp_path / "full").open("r+b", buffering=0) as disk, pytest.raises(OSError, match="No space left"):
        FORMATS["png"](PageFiles(PAGE), disk)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("kind", FORMATS)
def test_writing_takes_a_few_megabytes(kind: str, dtype: type[np.uint8 | np.uint16], tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (4000, 3000), dtype)
    work = PageFiles(Page(pixels=noise, width_mm=100, height_mm=100, dpi=320), compress=deflate)
    with (tmp_path / "film").open("w+b") as file:
        tracemalloc.start()
        FORMATS[kind](work, file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 << 20 < noise.nbytes


def test_page_is_invisible_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that watches the folder never sees half a file."""
    seen: list[str] = []

    def watched(work: PageFiles, file: BinaryIO) -> None:
        del work
        file.write(b"half")
        seen.extend(path.name for path in tmp_path.glob("[!.]*"))

    monkeypatch.setitem(FORMATS, "png", watched)
    write_page(PAGE, tmp_path, "film", ["png"])
    assert seen == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".hidden", "a/b", "../a", "a\\b", "a\0", "a\n", "ä", "a b", "-a", "x" * 200]
)
def test_unsafe_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="file name"):
        write_page(PAGE, tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def broken(work: PageFiles, file: BinaryIO) -> None:
    """Fail after half of the file, as a format with a bug."""
    del work
    file.write(b"half")
    raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")


def test_failing_format_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "pdf", broken)
    with pytest.raises(IncompleteError, match="pdf: UnicodeEncodeError") as caught:
        write_page(PAGE, tmp_path, "film", ["png", "pdf", "tiff"])
    assert caught.value.paths == [tmp_path / "film.png", tmp_path / "film.tiff"]
    assert list(caught.value.failures) == ["pdf"]
    assert sorted(tmp_path.iterdir()) == caught.value.paths


def test_full_disk_after_a_failed_format_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(work: PageFiles, file: BinaryIO) -> None:
        del work, file
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setitem(FORMATS, "pdf", broken)
    monkeypatch.setitem(FORMATS, "tiff", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_page(PAGE, tmp_path, "film", ["png", "pdf", "tiff"])
    assert caught.value.filename == str(tmp_path / "film.tiff")
    assert list(tmp_path.iterdir()) == []


def test_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="'gif', not one of png, pdf, tiff, dcm, json"):
        write_page(PAGE, tmp_path, "film", ["png", "gif"])
    assert list(tmp_path.iterdir()) == []


def test_missing_folder_is_not_created(tmp_path: Path) -> None:
    """If a disk is not mounted, films must not go to the folder under it."""
    with pytest.raises(FileNotFoundError):
        write_page(PAGE, tmp_path / "gone", "film")


def test_png_and_pdf_are_compressed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(pixels: NDArray[np.uint8 | np.uint16]) -> Iterator[bytes]:
        made.append(1)
        return deflate(pixels)

    monkeypatch.setattr("print_mgmt.output.deflate.deflate", counted)
    write_page(PAGE, tmp_path, "film")
    assert made == [1]


# --- the sidecar ---


def test_sidecar_starts_with_the_page() -> None:
    page = Page(
        pixels=np.zeros((4, 3, 3), np.uint8), width_mm=203.2, height_mm=254.0, dpi=150, notes=("image box 1: clipped",)
    )
    file = io.BytesIO()
    write_sidecar(page, {"number": 7}, file)
    assert json.loads(file.getvalue()) == {
        "page": {
            "Rows": 4,
            "Columns": 3,
            "BitsAllocated": 8,
            "PhotometricInterpretation": "RGB",
            "width_mm": 203.2,
            "height_mm": 254.0,
            "dpi": 150,
            "notes": ["image box 1: clipped"],
        },
        "number": 7,
    }


def test_sidecar_keeps_keywords_and_values() -> None:
    film_box = Dataset(
        ImageDisplayFormat=r"STANDARD\1,1",
        MaxDensity=300,
        FilmSessionLabel="Müller",
        Trim=None,
        RequestedImageSize=152.5,
        ReferencedImageBoxSequence=[Dataset(ReferencedSOPInstanceUID="1.2.3")],
        ICCProfile=bytes(588),
    )
    told = json_of(film_box)
    assert told == {
        "FilmSessionLabel": "Müller",
        "ImageDisplayFormat": r"STANDARD\1,1",
        "MaxDensity": 300,
        "Trim": None,
        "RequestedImageSize": 152.5,
        "ReferencedImageBoxSequence": [{"ReferencedSOPInstanceUID": "1.2.3"}],
        "ICCProfile": "588 bytes",
    }
    file = io.BytesIO()
    write_sidecar(Page(pixels=np.zeros((1, 1), np.uint8), width_mm=1, height_mm=1, dpi=1), {"film_box": told}, file)
    assert json.loads(file.getvalue())["film_box"] == told
    assert "Müller" in file.getvalue().decode()


def test_sidecar_has_the_error_of_an_unreadable_value() -> None:
    """The film must not be lost."""
    dataset = decode(encode(Dataset(NumberOfCopies=12), IMPLICIT_LE).replace(b"12", b"ab"), IMPLICIT_LE)
    (told,) = json_of(dataset).values()
    assert str(told).startswith("! ")


def test_sidecar_escapes_a_lone_surrogate() -> None:
    file = io.BytesIO()
    page = Page(pixels=np.zeros((1, 1), np.uint8), width_mm=1, height_mm=1, dpi=1)
    write_sidecar(page, {"who": "R\udcd6NTGEN"}, file)
    assert json.loads(file.getvalue())["who"] == "R\udcd6NTGEN"
