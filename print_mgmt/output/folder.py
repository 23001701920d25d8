"""Writes pages to a folder that other programs may watch: a file appears complete or not at all, and is never replaced.

A page is written as drafts, which are forced to the disk and then get their real names (`dimse.files`). On a disk
without hard links, a file that another process creates at the same moment may be replaced. If the disk fails, no file
remains, so the film can be written again. If one format fails, the files of the other formats appear, and the failed
format can be written again. Names of files have only characters that are safe in every file system.

The sidecar is a JSON file with the attributes of the film and the decisions of the renderer. Attributes have their
DICOM keywords as names, and their received or default values; finite numbers are JSON numbers. The sidecar contains
patient data only if the client put them into such attributes, for example into labels and annotations, or if the caller
adds them.
"""

import json
import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from dimse.data import Dataset, Element, Item, Value
from dimse.errors import DecodeError
from dimse.files import finish, new_draft, publish, sync_folder

from ..film.sheet import Page
from .deflate import Deflate, deflate_once
from .dicom import write_capture
from .page import IncompleteError, OutputError
from .pdf import write_pdf
from .png import write_png
from .tiff import write_tiff

__all__ = ["FORMATS", "JSON", "PageFiles", "check_formats", "json_of", "write_page", "write_sidecar"]

JSON: TypeAlias = "str | int | float | bool | list[JSON] | dict[str, JSON] | None"


@dataclass(frozen=True, slots=True)
class PageFiles:
    """The input of the writers in `FORMATS`: a page, its title and attributes. ``about`` adds values to the sidecar."""

    page: Page
    title: str = ""
    about: Callable[[], Mapping[str, JSON]] = dict
    attributes: Dataset | None = None
    compress: Deflate = field(default_factory=deflate_once)


FORMATS: dict[str, Callable[[PageFiles, BinaryIO], None]] = {
    "png": lambda work, file: write_png(work.page, file, compress=work.compress),
    "pdf": lambda work, file: write_pdf([work.page], file, title=work.title, compress=work.compress),
    "tiff": lambda work, file: write_tiff([work.page], file, title=work.title),
    "dcm": lambda work, file: write_capture([work.page], file, title=work.title, attributes=work.attributes),
    "json": lambda work, file: write_sidecar(work.page, work.about(), file),
}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", re.ASCII)
_MODE = 0o640  # permissions, none for others: films identify patients


def write_page(
    page: Page,
    folder: str | os.PathLike[str],
    name: str,
    formats: Sequence[str] = ("png", "pdf"),
    *,
    title: str = "",
    about: Callable[[], Mapping[str, JSON]] = dict,
    attributes: Dataset | None = None,
) -> list[Path]:
    """Write a page into an existing folder, once in each format, and return the files in that order.

    ``name`` has no suffix. ``title`` goes into PDF, TIFF and DICOM, the result of ``about`` into the JSON, and
    ``attributes``, such as those of patient and study, into DICOM. A name has 1 to 128 ASCII letters, digits, dots,
    dashes and underscores, and begins with a letter or a digit. Raises OutputError for another name or an unknown
    format, FileExistsError if one of the files exists, and OSError if the disk fails. In these cases, no new file
    remains. Raises `IncompleteError` if a format cannot represent the page; the files of the other formats remain.
    """
    if not _NAME.fullmatch(name):
        allowed = "1 to 128 ASCII letters, digits, '.', '-' and '_', a letter or digit first"
        raise OutputError(f"{name!r} cannot be a file name: {allowed}")
    check_formats(formats)
    targets = [Path(folder, f"{name}.{suffix}") for suffix in formats]
    for target in targets:
        if target.exists():
            raise FileExistsError(f"{target} exists already")
    work = PageFiles(page, title, about, attributes)
    failures: dict[str, Exception] = {}
    with ExitStack() as drafts, ExitStack() as published:
        written = _write_drafts(work, targets, drafts, failures)
        for target, draft in written.items():
            publish(draft, target)
            published.callback(target.unlink, missing_ok=True)
        sync_folder(Path(folder))
        published.pop_all()
    if failures:
        raise IncompleteError(failures, list(written))
    return targets


def _write_drafts(
    work: PageFiles, targets: Sequence[Path], drafts: ExitStack, failures: dict[str, Exception]
) -> dict[Path, Path]:
    """Return the written drafts by target. ``failures`` receives the error of each format that failed."""
    written: dict[Path, Path] = {}
    for target in targets:
        try:
            written[target] = _write_draft(work, target, drafts)
        except (OSError, MemoryError):
            raise
        except Exception as exc:
            failures[target.suffix[1:]] = exc
    return written


def check_formats(formats: Sequence[str]) -> None:
    """Raise OutputError for an unknown format."""
    for suffix in formats:
        if suffix not in FORMATS:
            raise OutputError(f"unknown format {suffix!r}, not one of {', '.join(FORMATS)}")


def _write_draft(work: PageFiles, target: Path, stack: ExitStack) -> Path:
    """Write a page as a draft of ``target``; closing ``stack`` removes the draft."""
    draft, file = new_draft(target, stack, _MODE)
    try:
        FORMATS[target.suffix[1:]](work, file)
        finish(file)
    except OSError as exc:
        exc.filename = exc.filename or str(target)  # a failed write names no file
        raise
    return draft


# --- the sidecar ---


def write_sidecar(page: Page, about: Mapping[str, JSON], file: BinaryIO) -> None:
    """Write the attributes of a page, then ``about``, as JSON in UTF-8."""
    text = json.dumps({"page": _describe_page(page), **about}, ensure_ascii=False, indent=2)
    file.write(text.encode("utf-8", "backslashreplace") + b"\n")  # a lone surrogate becomes a JSON escape


def json_of(dataset: Dataset) -> dict[str, JSON]:
    """Return attributes for JSON, by keyword or else by tag; sequences become lists, and bytes are only counted.

    A value that cannot be read becomes "!" and the reason.
    """
    return {element.keyword or str(element.tag): _element_json(element) for element in dataset}


def _element_json(element: Element) -> JSON:
    try:
        return _json_value(element.value)
    except DecodeError as exc:  # the film must not be lost because of an invalid value
        return f"! {exc.what}"


def _describe_page(page: Page) -> dict[str, JSON]:
    rows, columns = page.pixels.shape[:2]
    return {
        "Rows": rows,
        "Columns": columns,
        "BitsAllocated": 8 * page.pixels.itemsize,
        "PhotometricInterpretation": "MONOCHROME2" if page.pixels.ndim == 2 else "RGB",
        "width_mm": page.width_mm,
        "height_mm": page.height_mm,
        "dpi": page.dpi,
        "notes": list(page.notes),
    }


def _json_value(value: "Value | Item") -> JSON:
    match value:
        case Dataset():
            return json_of(value)
        case list():
            return [_json_value(item) for item in value]
        case bytes() | memoryview():
            return f"{len(value)} bytes"
        case str():
            return str(value)
        case float() if not math.isfinite(value):
            return str(value)  # JSON has no such number (RFC 8259 §6)
    return value
