"""The reserve, also where the system neither allocates space in advance nor removes open files, as on Windows."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from print_mgmt.spool.reserve import SIZE, Reserve


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the descriptors that the system has opened since then."""
    opened, open_file, unlink = list[int](), os.open, Path.unlink

    def open_and_note(path: Path, flags: int, *arguments: int, **options: int) -> int:
        opened.append(open_file(path, flags, *arguments, **options))
        return opened[-1]

    def unlink_if_closed(path: Path) -> None:
        for descriptor in opened:
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(descriptor)
        unlink(path)

    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    monkeypatch.setattr(os, "open", open_and_note)
    monkeypatch.setattr(Path, "unlink", unlink_if_closed)
    return opened


@pytest.mark.usefixtures("opened")
def test_reserve_is_written_in_full(tmp_path: Path) -> None:
    assert Reserve(tmp_path / "reserve").fill(SIZE)
    assert (tmp_path / "reserve").stat().st_size == SIZE


def test_partial_reserve_is_closed_and_removed(small_disk: Path, opened: list[int]) -> None:
    (small_disk / "filling").write_bytes(bytes(shutil.disk_usage(small_disk).free - SIZE // 2))
    assert not Reserve(small_disk / "reserve").fill(SIZE)
    assert len(opened) == 1
    assert not (small_disk / "reserve").exists()


def test_reserve_is_written_where_nothing_can_be_allocated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The C library musl reports that the file system cannot allocate room; glibc writes zeros then."""

    def refuse(*_: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    assert Reserve(tmp_path / "reserve").fill(SIZE)
    assert (tmp_path / "reserve").stat().st_size == SIZE


def test_reserve_of_a_killed_process_is_completed(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    path.write_bytes(bytes(100))
    assert not Reserve(path).fill(SIZE - 1)
    assert Reserve(path).fill(SIZE)
    assert path.stat().st_size == SIZE


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_reserve_does_not_wait_for_the_reader_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "reserve")
    assert Reserve(tmp_path / "reserve").fill(SIZE)
