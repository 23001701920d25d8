"""Files that appear whole or not at all, and their drafts."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from dimse.files import clear_drafts, finish, lock_file, new_draft, publish, sync_folder, whole_file, write_whole

LEFT = ".film-20260102-030405-0001.png.0123abcd.part"
posix = pytest.mark.skipif(os.name != "posix", reason="needs the permissions, links and pipes of POSIX")


def failing() -> Iterator[bytes]:
    yield b"half"
    raise OSError("the disk is full")


# --- whole files ---


def test_write_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in (b"one", b"two"):
        write_whole(path, [content, memoryview(b"!")])
        assert path.read_bytes() == content + b"!"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_write_error_names_the_file(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / folder / "film.dcm"
    with pytest.raises(OSError, match=r"No such file|Not a directory") as caught:
        write_whole(path, [b"one"])
    assert caught.value.filename == str(path)


def test_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="the disk is full"):
        write_whole(path, failing())
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_failed_write_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk is full"):
        write_whole(tmp_path / "file", failing())
    assert not [*tmp_path.iterdir()]


def test_write_does_not_create_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "absent" / "file", [])


def test_failed_block_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(ValueError, match="wrong"), whole_file(path) as file:
        file.write(b"new")
        raise ValueError("wrong")
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("page.html", "old")]


def test_reader_sees_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def pieces() -> Iterator[bytes]:
        yield b"n"
        assert path.read_bytes() == b"old"
        yield b"ew"

    write_whole(path, pieces())
    assert path.read_bytes() == b"new"


def test_name_may_be_as_long_as_the_disk_allows(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 125 + ".dcm")
    write_whole(path, [b"content"])
    assert path.read_bytes() == b"content"


@posix
def test_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    write_whole(tmp_path / "ours", [b""])
    (tmp_path / "any").touch()
    assert stat.S_IMODE((tmp_path / "ours").stat().st_mode) == stat.S_IMODE((tmp_path / "any").stat().st_mode)


@posix
def test_symbolic_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    write_whole(link, [b"content"])
    assert link.is_symlink()
    assert target.read_bytes() == b"content"


@posix
def test_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    heard: list[bytes] = []
    listener = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    listener.start()
    write_whole(pipe, [b"con", b"tent"])
    listener.join()
    assert heard == [b"content"]


@posix
@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="this system has no /dev/fd")
def test_pipe_is_written_to_by_the_name_of_its_descriptor() -> None:
    """As /dev/stdout, or as the shell names it in ``-o >(command)``: its real path cannot be opened."""
    reader, writer = os.pipe()
    try:
        write_whole(f"/dev/fd/{writer}", [b"content"])
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
        os.close(writer)


@posix
def test_lock_of_a_pipe_does_not_wait_for_its_reader(tmp_path: Path) -> None:
    pipe = tmp_path / "lock"
    os.mkfifo(pipe)
    with ExitStack() as stack:
        lock_file(pipe, stack)


# --- drafts ---


def test_draft_goes_with_its_stack(tmp_path: Path) -> None:
    with ExitStack() as stack:
        draft, file = new_draft(tmp_path / "film.png", stack)
        assert list(tmp_path.iterdir()) == [draft]
    assert (file.closed, list(tmp_path.iterdir())) == (True, [])


@posix
def test_draft_has_the_requested_permissions(tmp_path: Path) -> None:
    with ExitStack() as stack:
        draft, _ = new_draft(tmp_path / "film.png", stack, 0o640)
        assert draft.stat().st_mode & 0o137 == 0


def test_publish_replaces_no_file(tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(b"mine")
    (tmp_path / "draft").write_bytes(b"yours")
    with pytest.raises(FileExistsError):
        publish(tmp_path / "draft", tmp_path / "film.png")
    assert (tmp_path / "film.png").read_bytes() == b"mine"


@posix
@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP])
def test_publish_needs_no_hard_links(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_names: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", link)
    target = tmp_path / "film.png"
    for content in (b"one", b"two"):
        with ExitStack() as stack:
            draft, file = new_draft(target, stack)
            file.write(content)
            finish(file)
            with nullcontext() if content == b"one" else pytest.raises(FileExistsError, match="exists already"):
                publish(draft, target)
    assert target.read_bytes() == b"one"
    assert [*tmp_path.iterdir()] == [target]


@posix
def test_locked_file_is_waited_for(tmp_path: Path) -> None:
    path, order = tmp_path / "lock", list[str]()

    def work() -> None:
        began.set()
        with ExitStack() as stack:
            lock_file(path, stack)
            order.append("second")

    began, worker = threading.Event(), threading.Thread(target=work)
    with ExitStack() as stack:
        lock_file(path, stack)
        worker.start()
        began.wait()
        order.append("first")
    worker.join()
    assert order == ["first", "second"]


@posix
def test_folder_that_cannot_be_read_needs_no_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    sync_folder(tmp_path)


def test_clear_removes_a_draft_of_a_dead_process(tmp_path: Path) -> None:
    (tmp_path / LEFT).write_bytes(b"half")
    assert clear_drafts(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_clear_removes_a_draft_of_any_name(tmp_path: Path) -> None:
    with ExitStack() as stack:
        draft, _ = new_draft(tmp_path / ("x" * 250), stack)
    draft.write_bytes(b"half")
    assert clear_drafts(tmp_path) == 1


def test_clear_keeps_files_of_other_names(tmp_path: Path) -> None:
    names = ["film-0001.png", ".hidden", "film.part", ".film.png.part", ".film.0123abcd.part.png", ".x.0123ABCD.part"]
    for name in names:
        (tmp_path / name).touch()
    assert clear_drafts(tmp_path) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)


def test_clear_keeps_a_draft_that_is_being_written(tmp_path: Path) -> None:
    with ExitStack() as stack:
        new_draft(tmp_path / "film.png", stack)
        clearing = "import sys; from dimse.files import clear_drafts; print(clear_drafts(sys.argv[1]))"
        found = subprocess.run([sys.executable, "-c", clearing, tmp_path], capture_output=True, text=True, check=True)
        assert found.stdout == "0\n"
        assert len(list(tmp_path.iterdir())) == 1


@posix
@pytest.mark.parametrize("is_removed", [True, False], ids=["removed", "locked"])
def test_draft_that_is_being_cleared_gets_another_name(
    is_removed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process clears the folder between the creation of a draft and its lock."""
    flock, taken = fcntl.flock, list[Path]()
    with ExitStack() as stack:

        def take_first(descriptor: int, operation: int) -> None:
            if not taken:
                taken.extend(tmp_path.iterdir())
                flock(stack.enter_context(taken[0].open("rb")), operation)
                if is_removed:
                    taken[0].unlink()
                    stack.close()
            flock(descriptor, operation)

        monkeypatch.setattr(fcntl, "flock", take_first)
        draft, _ = new_draft(tmp_path / "film.png", stack)
        assert taken != [draft]
        assert [*tmp_path.iterdir()] == [draft]


@posix
def test_clear_removes_a_draft_under_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink, tried = Path.unlink, list[Path]()

    def lock_and_unlink(path: Path) -> None:
        with path.open("rb") as writer, pytest.raises(BlockingIOError):
            fcntl.flock(writer, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tried.append(path)
        unlink(path)

    (tmp_path / LEFT).touch()
    monkeypatch.setattr(Path, "unlink", lock_and_unlink)
    assert clear_drafts(tmp_path) == 1
    assert tried == [tmp_path / LEFT]


# --- folders ---


@posix
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_sync_ignores_a_disk_that_cannot_sync_folders(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(descriptor: int) -> None:
        raise OSError(code, os.strerror(code), descriptor)

    monkeypatch.setattr(os, "fsync", unable)
    sync_folder(tmp_path)


@posix
def test_sync_raises_for_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), descriptor)

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        sync_folder(tmp_path)
