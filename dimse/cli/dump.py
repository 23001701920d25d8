"""``dimse dump``: what is in a file."""

import argparse
import sys

from ..data.dump import dump
from ..data.part10 import read_file
from ..errors import DecodeError
from ..terminal import printable

__all__ = ["add"]


def add(parser: argparse.ArgumentParser) -> None:
    """Give ``parser`` the options of the command."""
    parser.description = "Show the File Meta Information and the Data Set of a DICOM file, element by element."
    parser.add_argument("files", nargs="+", metavar="FILE", help="a DICOM file")
    parser.set_defaults(command=_dump)


def _dump(arguments: argparse.Namespace) -> int:
    for name in arguments.files:
        try:
            file = read_file(name)
        except DecodeError as exc:
            print(f"dimse: {name}: {printable(str(exc))}", file=sys.stderr)
            return 1
        if len(arguments.files) > 1:
            print(f"# {name}")
        print(f"# File Meta Information\n{dump(file.meta)}")
        print(f"# Data Set, {file.syntax.name}\n{dump(file.dataset)}")
    return 0
