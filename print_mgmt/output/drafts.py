"""Drafts: files that are written under a hidden name, for their owner and group only, before they get their real one.

Whoever writes a draft holds a lock on it. So what a printer left that was killed can be told from what another one is
writing in the same folder, and is removed when a printer starts.
"""

import os
import re
import secrets
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["clear_drafts", "finish", "new_draft"]

_NAME = re.compile(r"\..+\.[0-9a-f]{8}\.part", re.ASCII | re.DOTALL)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_MODE = 0o640  # a film shows names of patients; the umask may take away more


def new_draft(target: Path, stack: ExitStack) -> tuple[Path, BinaryIO]:
    """Open a draft of ``target``, in its folder; leaving the stack closes and removes it. Raises OSError."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    stack.callback(draft.unlink, missing_ok=True)
    file: BinaryIO = stack.enter_context(os.fdopen(os.open(draft, _NEW, _MODE), "w+b"))
    with suppress(OSError):  # a file system without locks: there nothing is removed, either
        _lock(file)
    return draft, file


def finish(draft: BinaryIO) -> None:
    """Force a draft to the disk. It stays open, and locked, where an open file can get another name."""
    draft.flush()
    os.fsync(draft.fileno())
    if sys.platform == "win32":
        draft.close()


def clear_drafts(folder: str | os.PathLike[str]) -> int:
    """Remove the drafts in a folder that nobody writes any more; returns how many. Raises OSError."""
    found = [path for path in Path(folder).iterdir() if _NAME.fullmatch(path.name)]
    return sum(_cleared(draft) for draft in found)


def _cleared(draft: Path) -> bool:
    try:
        with draft.open("r+b") as file:
            _lock(file)
            draft.unlink()
    except OSError:  # somebody writes it, or has just taken it away
        return False
    return True


if sys.platform == "win32":

    def _lock(file: BinaryIO) -> None:
        """Do nothing: a file that is open cannot be removed there."""

else:
    import fcntl

    def _lock(file: BinaryIO) -> None:
        """Lock a file, or raise OSError where somebody else has."""
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
