"""A reserve of disk space, which lets operators clean up when the disk is completely full.

Opening the index, changing it and removing films need a few pages on the disk. So a file occupies `SIZE` bytes of the
disk. The first change that finds no room removes the file and is repeated. Films are refused until the file is back.
"""

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path
from stat import S_ISREG

from .records import SpoolError

__all__ = ["SIZE", "Reserve"]

SIZE = 8 << 20  # bytes: room for the write-ahead log, which SQLite empties at 4 MB, and for one large transaction
_WRITABLE = os.O_WRONLY | os.O_CREAT
_BLOCK = bytes(1 << 16)
_FULL_DISK = {errno.ENOSPC, errno.EDQUOT}
_NOT_SUPPORTED = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}
# SQLite's codes for a full disk: the second is for the shared memory of the log, the third for some failed writes.
_SQLITE_FULL_DISK = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_WRITE}


class Reserve:
    """The file ``path``. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self, room: int) -> bool:
        """Create the file, if it is missing and ``room`` bytes are enough for it. Return whether it exists then.

        A file that is too short, because its process was killed, is completed.
        """
        if self._is_complete():
            return True
        if room < SIZE:
            return False
        with suppress(OSError):
            descriptor = os.open(self._path, _WRITABLE, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    _allocate(file)
                return True
            except OSError:
                self._path.unlink()  # only after the file is closed: Windows does not remove an open file
        return False

    def _is_complete(self) -> bool:
        """Return whether there is nothing to do: the file is complete, or a folder or a pipe has its place."""
        with suppress(OSError):
            found = self._path.stat()
            return found.st_size >= SIZE or not S_ISREG(found.st_mode)
        return False

    def attempt(self, work: Callable[[], None]) -> None:
        """Do ``work``. If it raises `SpoolError` because the disk is full, remove the file and repeat ``work`` once."""
        try:
            work()
        except SpoolError as exc:
            if not self.release_for(exc):
                raise
            work()

    def release_for(self, error: SpoolError) -> bool:
        """Remove the file if the disk is full according to the cause of ``error``. Return whether that made room."""
        if not _means_full_disk(error.__cause__):
            return False
        with suppress(OSError):
            self._path.unlink()
            return True
        return False


def _allocate(file: BufferedWriter) -> None:
    """Occupy the disk. Where the system or the file system cannot allocate room in advance, zeros are written."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, SIZE)
            return
        except OSError as exc:  # musl, unlike glibc, does not write zeros itself
            if exc.errno not in _NOT_SUPPORTED:
                raise
    for _ in range(SIZE // len(_BLOCK)):
        file.write(_BLOCK)


def _means_full_disk(exc: BaseException | None) -> bool:
    match exc:
        case OSError():
            return exc.errno in _FULL_DISK
        case sqlite3.Error():
            return getattr(exc, "sqlite_errorcode", None) in _SQLITE_FULL_DISK
    return False
