"""``dimse dump``: what is in a file."""

import argparse
import json
import sys
from collections.abc import Iterator

from ..data.dicom_json import to_json
from ..data.dump import dump
from ..data.part10 import File, read_file
from ..errors import DimseError
from ..terminal import printable

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
    parser.description = "Show the File Meta Information and the Data Set of a DICOM file, element by element."
    parser.epilog = (
        'With --json each file is one line, {"file": NAME, "meta": MODEL, "dataset": MODEL}: the DICOM JSON Model of '
        "PS3.18 Annex F, with all bytes inline, in base64."
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a DICOM file")
    parser.add_argument("--json", action="store_true", help="print the DICOM JSON Model, a line for each file")
    parser.set_defaults(command=_dump)


def _dump(arguments: argparse.Namespace) -> int:
    named = len(arguments.files) > 1
    for name in arguments.files:
        try:
            file = read_file(name)
            text = _json(name, file) if arguments.json else "\n".join(_lines(name if named else "", file))
        except DimseError as exc:
            print(f"dimse: {name}: {printable(str(exc))}", file=sys.stderr)
            return 1
        print(text)
    return 0


def _json(name: str, file: File) -> str:
    return json.dumps({"file": name, "meta": to_json(file.meta), "dataset": to_json(file.dataset)}, allow_nan=False)


def _lines(name: str, file: File) -> Iterator[str]:
    if name:
        yield f"# {name}"
    yield f"# File Meta Information\n{dump(file.meta)}"
    yield f"# Data Set, {file.syntax.name}\n{dump(file.dataset)}"
