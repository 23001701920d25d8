"""Files that are there whole or not at all.

What is written goes to a hidden name in the same folder, is forced to the disk, and then takes the place of the file,
at once. Whoever looks sees the old file or the new one; where something fails, the old one stays.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file of these pieces. What is no regular file, such as a pipe, is written to directly. Raises OSError."""
    target = Path(os.path.realpath(path))  # of a link, what it leads to is replaced
    if target.exists() and not target.is_file():
        with target.open("wb") as stream:
            stream.writelines(pieces)
        return
    draft = target.with_name(f".{os.urandom(8).hex()}.part")
    stream = draft.open("xb")
    try:
        with stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Force a new name to the disk, where the system lets a folder be opened."""
    with suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
