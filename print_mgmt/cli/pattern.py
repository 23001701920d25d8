"""``print-mgmt pattern``: write test patterns as files."""

import argparse
import json
import re
from pathlib import Path

from dimse.data import write_file
from dimse.errors import escaped
from dimse.files import whole_file

from ..film import Page
from ..film.formats import MM_PER_INCH
from ..images import PATTERNS
from ..images.patterns.canvas import MAX_SIZE, MIN_SIZE
from ..output import write_png
from ..secondary_capture import pattern_capture

__all__ = ["add"]

_ABOUT = {
    "smpte": "the elements of SMPTE RP 133: gray boxes, 5 and 95 % insets, bars, windows, crosshatch",
    "tg18-qc": "the elements of AAPM TG18-QC: 16 patches with fine corners, ramps, fading letters, bars",
    "steps": "16 gray steps with their P-Values, for a densitometer",
    "geometry": "squares, circles, diagonals, the outermost pixels",
    "resolution": "vertical and horizontal bars of 1 to 16 pixels",
}
_DPI = 320  # the resolution that a PNG file declares, in pixels per inch; it is usual for films
_SUFFIXES = (".dcm", ".png")
_MAX_DIGITS = 9  # digits of a side; int() raises an error for thousands of digits


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = (
        "Write a test pattern to a DICOM file (Secondary Capture) or a PNG file, to print it on any printer, or to "
        "compare it with a printed film."
    )
    parser.epilog = "Example: print-mgmt pattern smpte -o smpte.dcm --size 2048x2560 --bits 12"
    parser.add_argument(
        "name", nargs="?", choices=list(PATTERNS), metavar="NAME", help=f"the pattern: {', '.join(PATTERNS)}"
    )
    parser.add_argument("-o", "--output", type=_parse_file, metavar="FILE", help="a file that ends in .dcm or .png")
    parser.add_argument(
        "--size", type=_parse_size, default=(1024, 1024), metavar="WxH", help="columns x rows (default: 1024x1024)"
    )
    parser.add_argument(
        "--bits",
        type=int,
        choices=(8, 12),
        default=8,
        help="depth; a PNG stores 12 bits in 16 (default: %(default)s)",
    )
    parser.add_argument("--list", action="store_true", help="list the patterns")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.set_defaults(command=lambda arguments: _pattern(parser, arguments))


def _pattern(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if arguments.list:
        print(json.dumps(_ABOUT) if arguments.json else "\n".join(f"{name:<12}{_ABOUT[name]}" for name in PATTERNS))
        return 0
    if arguments.name is None or arguments.output is None:
        parser.error("name a pattern and a file: NAME -o FILE (--list shows the patterns)")
    _write(arguments)
    columns, rows = arguments.size
    if arguments.json:
        result = {"pattern": arguments.name, "file": str(arguments.output), "columns": columns, "rows": rows}
        print(json.dumps(result | {"bits": arguments.bits}))
    else:
        print(escaped(f"{arguments.output}: {arguments.name}, {columns} x {rows} pixels of {arguments.bits} bits"))
    return 0


def _write(arguments: argparse.Namespace) -> None:
    columns, rows = arguments.size
    pixels = PATTERNS[arguments.name](rows, columns, arguments.bits)
    path: Path = arguments.output
    if path.suffix.lower() == ".dcm":
        write_file(path, pattern_capture(pixels, arguments.name))
        return
    page = Page(pixels=pixels, width_mm=columns * MM_PER_INCH / _DPI, height_mm=rows * MM_PER_INCH / _DPI, dpi=_DPI)
    with whole_file(path) as file:
        write_png(page, file)


def _parse_file(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in _SUFFIXES:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {' or '.join(_SUFFIXES)}")
    return path


def _parse_size(text: str) -> tuple[int, int]:
    size = re.fullmatch(r"(\d+)x(\d+)", text, re.ASCII)
    if size is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not WxH, such as 1024x1280")
    if not all(len(side) <= _MAX_DIGITS and MIN_SIZE <= int(side) <= MAX_SIZE for side in size.groups()):
        raise argparse.ArgumentTypeError(f"{text[:32]!r}: {MIN_SIZE} to {MAX_SIZE} pixels on each side are allowed")
    return int(size[1]), int(size[2])
