"""Files that are there whole or not at all."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dimse.data.whole import write_whole


def failing() -> Iterator[bytes]:
    yield b"half"
    raise OSError("the disk is full")


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        write_whole(path, [content, memoryview(b"!")])
        assert path.read_bytes() == content + b"!"
    assert [*tmp_path.iterdir()] == [path]


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="the disk is full"):
        write_whole(path, failing())
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_nothing_appears_where_writing_fails(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk is full"):
        write_whole(tmp_path / "file", failing())
    assert not [*tmp_path.iterdir()]
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "absent" / "file", [])


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"n"
        assert path.read_bytes() == b"old"
        yield b"ew"

    write_whole(path, pieces())
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", [b""])
    (tmp_path / "any").touch()
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "any").stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are those of POSIX")
def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(target)
    write_whole(link, [b"content"])
    assert link.is_symlink()
    assert target.read_bytes() == b"content"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    listener = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    listener.start()
    write_whole(pipe, [b"con", b"tent"])
    listener.join()
    assert heard == [b"content"]
