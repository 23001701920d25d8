"""The default spool: a folder in the platform's state folder."""

import os
import sys
from pathlib import Path

__all__ = ["default_spool"]


def default_spool() -> Path:
    """Return the default folder of the spool, in the platform's state folder."""
    if sys.platform == "win32":
        states = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        states = Path.home() / "Library" / "Application Support"
    else:
        states = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return states / "dimse-print" / "spool"
