"""Pages into a folder that others watch: a file is there whole or not at all, and is never replaced.

A page is written under a hidden temporary name in the same folder, forced to the disk, and then linked
to its real name, which fails where that name is taken. Names come from our own counters: no value of a
peer may ever become a file name.
"""

import os
import re
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from ..film.sheet import Page
from .errors import OutputError
from .pdf import write_pdf
from .png import write_png

__all__ = ["FORMATS", "check_formats", "write_page"]

FORMATS: dict[str, Callable[[Page, BinaryIO], None]] = {
    "png": write_png,
    "pdf": lambda page, file: write_pdf([page], file),
}
_LIBRARIES = {"pdf": "pikepdf"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)


def write_page(
    page: Page, folder: str | os.PathLike[str], name: str, formats: Sequence[str] = ("png", "pdf")
) -> list[Path]:
    """Write a page into an existing folder, once in each format; return the files in that order.

    ``name`` is without suffix. Raises OutputError for a name with anything but ASCII letters, digits,
    dot, dash and underscore and for an unknown format, FileExistsError where one of the files is there
    already (then none is written), and OSError as the disk has it.
    """
    if not _NAME.fullmatch(name):
        raise OutputError(f"{name!r} is not fit for a file name")
    check_formats(formats)
    targets = [Path(folder, f"{name}.{suffix}") for suffix in formats]
    for target in targets:
        if target.exists():
            raise FileExistsError(f"{target} exists already")
    with ExitStack() as stack:
        drafts = [_draft(page, target, stack) for target in targets]
        for draft, target in zip(drafts, targets, strict=True):
            _publish(draft, target)
    _sync_folder(Path(folder))
    return targets


def check_formats(formats: Sequence[str]) -> None:
    """Raise OutputError for a format that is unknown, or whose library is not installed."""
    for suffix in formats:
        if suffix not in FORMATS:
            raise OutputError(f"unknown format {suffix!r}, not one of {', '.join(FORMATS)}")
        library = _LIBRARIES.get(suffix)
        if library is not None and find_spec(library) is None:
            raise OutputError(f"{suffix.upper()} needs {library}: pip install 'dimse-print[film]'")


def _draft(page: Page, target: Path, stack: ExitStack) -> Path:
    """Write the page beside its target; leaving the stack removes what was written."""
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    stack.callback(draft.unlink, missing_ok=True)
    with draft.open("xb") as file:
        FORMATS[target.suffix[1:]](page, file)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _publish(draft: Path, target: Path) -> None:
    try:
        target.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as FAT: look before the leap
        if target.exists():
            raise FileExistsError(f"{target} exists already") from None
        draft.replace(target)


def _sync_folder(folder: Path) -> None:
    """Make the new names durable, where a folder can be opened (not on Windows)."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
