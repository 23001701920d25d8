"""The default spool: a folder in the platform's state folder."""

import os
import sys
from pathlib import Path

from ..spool import SpoolError

__all__ = ["default_spool"]


def default_spool() -> Path:
    """Return the default folder of the spool, in the platform's state folder. Raises `SpoolError` if there is none."""
    try:
        return _state_folder() / "dimse-print" / "spool"
    except RuntimeError as exc:  # raised by `Path.home` for a user without a home folder, as in some containers
        why = "this user has no home folder for the default spool: give another by --spool or spool.at"
        raise SpoolError(why) from exc


def _state_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
