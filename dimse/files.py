"""Files that appear whole or not at all.

A file is written as a draft: under a hidden name in the same folder. It is forced to the disk, and only then gets its
real name. A reader sees the old file or the new one, and a failure leaves the old file as it is.

A writer holds a lock on its draft. `clear_drafts` removes drafts without a lock, which a killed process abandoned, and
leaves drafts that are still being written.
"""

import errno
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["clear_drafts", "finish", "lock_file", "new_draft", "publish", "sync_folder", "whole_file", "write_whole"]

_DRAFT = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.ASCII | re.DOTALL)  # the name of a draft
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
# A draft's name has this many characters of the target's name: in UTF-8, they take up to 192 of the usual 255 bytes
_KEPT_CHARACTERS = 48
_DEFAULT_MODE = 0o666  # permissions; the system removes those in the user's umask
# The errors of a file system that cannot link this file
_LINK_REFUSALS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK}


def write_whole(path: str | os.PathLike[str], pieces: Iterable[bytes | memoryview]) -> None:
    """Write ``pieces`` to a file, and replace the file if it exists.

    A symbolic link stays, and its target is replaced. A pipe or a device is written to directly. Raises OSError.
    """
    with whole_file(path) as file:
        file.writelines(pieces)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file to write as `write_whole` does. If the block raises, the file stays as it was. Raises OSError."""
    given = Path(path)
    if given.exists() and not given.is_file():  # the real path of a pipe such as /dev/stdout cannot be opened
        with given.open("wb") as stream:
            yield stream
        return
    target = Path(os.path.realpath(path))
    with ExitStack() as stack:
        draft, file = new_draft(target, stack)
        yield file
        finish(file)
        draft.replace(target)
    sync_folder(target.parent)


def new_draft(target: Path, stack: ExitStack, mode: int = _DEFAULT_MODE) -> tuple[Path, BinaryIO]:
    """Open a draft of ``target`` in the same folder, with the permissions in ``mode`` that the umask allows.

    Closing ``stack`` closes the draft and removes it. Raises OSError.
    """
    while True:
        draft = target.with_name(f".{target.name[:_KEPT_CHARACTERS]}.{os.urandom(4).hex()}.part")
        try:
            descriptor = os.open(draft, _NEW_FILE, mode)
        except OSError as exc:
            exc.filename = os.fspath(target)  # the name that the user knows
            raise
        with ExitStack() as opening:
            opening.callback(draft.unlink, missing_ok=True)
            file: BinaryIO = opening.enter_context(os.fdopen(descriptor, "w+b"))
            if _lock_draft(draft, file):
                stack.callback(opening.pop_all().close)
                return draft, file


def _lock_draft(draft: Path, file: BinaryIO) -> bool:
    """Lock a new draft; return False if `clear_drafts` took it for an abandoned one, because it had no lock yet."""
    try:
        _lock(file)
    except BlockingIOError:
        return False
    except OSError:  # some file systems lack locks; drafts are never cleared there
        return True
    return draft.exists()


def finish(file: BinaryIO) -> None:
    """Force a draft to the disk. It stays open and locked, except on Windows, where an open file cannot be renamed.

    Raises OSError.
    """
    file.flush()
    os.fsync(file.fileno())
    if sys.platform == "win32":
        file.close()


def publish(draft: Path, target: Path) -> None:
    """Give a finished draft its real name. Its hidden name may remain until the stack closes.

    Raises FileExistsError if the real name is taken, or another OSError.
    """
    try:
        target.hardlink_to(draft)
    except OSError as exc:
        if exc.errno not in _LINK_REFUSALS:
            raise
        if target.exists():  # without hard links, as on FAT, another process may still create the file after this check
            raise FileExistsError(f"{target} exists already") from None
        draft.replace(target)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system allows that. Raises OSError."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except PermissionError:  # files can be created in a folder that cannot be read
        return
    try:
        os.fsync(descriptor)
    except OSError as exc:
        if exc.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot do it
            raise
    finally:
        os.close(descriptor)


def clear_drafts(folder: str | os.PathLike[str]) -> int:
    """Remove from a folder all drafts that no process is writing, and return their number. Raises OSError."""
    return sum(_remove_if_abandoned(path) for path in Path(folder).iterdir() if _DRAFT.fullmatch(path.name))


def _remove_if_abandoned(draft: Path) -> bool:
    try:
        _remove_unlocked(draft)
    except OSError:  # another process is writing or has just removed it, or this file system lacks locks
        return False
    return True


if sys.platform == "win32":

    def _lock(file: BinaryIO) -> None:
        """Do nothing, because Windows does not remove a file that a process has open."""

    def _remove_unlocked(draft: Path) -> None:
        """Remove a draft. Raises OSError if a process has it open."""
        draft.unlink()

    def lock_file(path: Path, stack: ExitStack) -> None:
        """Do nothing: the lock protects renames, and Windows refuses to rename a file that another process has open."""

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        """Lock a file. Raises OSError if another process holds the lock."""
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _remove_unlocked(draft: Path) -> None:
        """Remove a draft under its lock, so that no writer locks it in between. Raises OSError if it is locked."""
        with draft.open("r+b") as file:
            _lock(file)
            draft.unlink()

    def lock_file(path: Path, stack: ExitStack) -> None:
        """Wait until no other process holds the lock of a file, and hold it until ``stack`` closes. Raises OSError.

        The file is created if it does not exist. If its file system lacks locks, there is no lock and no wait.
        """
        # The mode allows reading, too: if the path is a pipe, opening it only for writing would wait for a reader
        file = stack.enter_context(path.open("a+b", buffering=0))
        with suppress(OSError):  # some file systems lack locks
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
