"""The command ``dimse dump``, which shows DICOM files as text or JSON."""

import argparse
import json
import re
import sys
from collections.abc import Set
from dataclasses import asdict

from ..data.dataset import Dataset, Element
from ..data.dicom_json import to_json
from ..data.dictionary import tag_of
from ..data.dump import WIDTH, dump
from ..data.items import items_of
from ..data.lint import dataset_faults, pixel_faults
from ..data.part10 import read_file
from ..errors import DecodeError, DimseError, EncodeError, Finding, escaped

__all__ = ["add"]

_TAG = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = "Show the File Meta Information and the Data Set of DICOM files, element by element."
    parser.epilog = (
        'With --json each file is one line, {"file": NAME, "meta": MODEL, "dataset": MODEL}: the DICOM JSON Model of '
        "PS3.18 Annex F, with all bytes inline, in base64. With --check too, each file with violated rules is one "
        'line, {"file": NAME, "findings": [...]}. If a file is cut off, its readable part is shown, '
        "with the error on stderr; the other files follow, and the exit status is 1. Examples: 'dimse dump x.dcm', "
        "'dimse dump --hex -P Rows image.dcm' (the offset and the bytes of an element), 'dimse dump -L -P PixelData "
        "image.dcm' (a long value in full), 'dimse dump --check *.dcm' (all violated rules)."
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a DICOM file, or - for the standard input")
    parser.add_argument("--json", action="store_true", help="print the DICOM JSON Model, one line per file")
    parser.add_argument(
        "-P",
        "--only",
        action="append",
        type=_parse_tag,
        metavar="TAG",
        help="show only this element, at any depth: a keyword, or gggg,eeee; may be repeated",
    )
    parser.add_argument("-L", "--long", action="store_true", help="show long values and bytes in full")
    parser.add_argument("--hex", action="store_true", help="also show the bytes of each element: offset, header, value")
    parser.add_argument(
        "--meta",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="show the File Meta Information (default), or leave it out",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="list violated rules instead; the exit status is 1 if there are any",
    )
    parser.set_defaults(command=_dump)


def _parse_tag(text: str) -> int:
    found = _TAG.fullmatch(text)
    if found:
        return int(found[1] + found[2], 16)
    try:
        return tag_of(text)
    except EncodeError as exc:
        raise argparse.ArgumentTypeError(f"{exc.what} (or write a tag as gggg,eeee)") from exc


def _dump(arguments: argparse.Namespace) -> int:
    status = 0
    for name in arguments.files:
        cut_off: list[DecodeError] = []
        try:
            text = _check_file(name, arguments) if arguments.check else _show_file(name, arguments, cut_off)
        except (DimseError, OSError) as exc:
            _print_error(name, exc)
            status = 1
        else:
            if arguments.check and text:
                status = 1
            if text or not arguments.check:
                print(text, flush=bool(cut_off))
            for error in cut_off[:1]:  # further errors are consequences of the first
                _print_error(name, error)
                status = 1
    return status


def _print_error(name: str, exc: DimseError | OSError) -> None:
    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    print(escaped(f"dimse: {name}: {reason}"), file=sys.stderr)


def _source(name: str) -> str | bytes:
    return sys.stdin.buffer.read() if name == "-" else name


def _check_file(name: str, arguments: argparse.Namespace) -> str:
    report: list[Finding] = []
    file = read_file(_source(name), mapped=True, report=report)
    report += [*dataset_faults(file.meta), *dataset_faults(file.dataset), *pixel_faults(file.dataset)]
    if not report:
        return ""
    if arguments.json:
        return json.dumps({"file": name, "findings": [asdict(finding) for finding in report]})
    return "\n".join(f"{escaped(name)}: {escaped(str(finding))}" for finding in report)


def _show_file(name: str, arguments: argparse.Namespace, cut_off: list[DecodeError]) -> str:
    file = read_file(_source(name), mapped=True, cut_off=cut_off, group_lengths=True)
    parts = {"meta": file.meta, "dataset": file.dataset}
    if not arguments.meta:
        del parts["meta"]
    if arguments.only:
        parts = {part: _select(dataset, frozenset(arguments.only)) for part, dataset in parts.items()}
    if arguments.json:
        models = {part: to_json(dataset) for part, dataset in parts.items()}
        return json.dumps({"file": name, **models}, allow_nan=False)
    titles = {"meta": "File Meta Information", "dataset": f"Data Set, {escaped(file.syntax.name)}"}
    lines = [f"# {escaped(name)}"] if len(arguments.files) > 1 else []
    for part, dataset in parts.items():
        if len(dataset) or not arguments.only:
            lines.append(f"# {titles[part]}")
            lines.append(dump(dataset, width=None if arguments.long else WIDTH, octets=arguments.hex))
    return "\n".join(lines)


def _select(dataset: Dataset, only: Set[int]) -> Dataset:
    """Return the elements whose tags are in ``only``, and the sequences that contain them."""
    selected = Dataset()
    for element in dataset:
        if element.tag in only:
            selected.add(element)
            continue
        items = [_select(item, only) for item in items_of(element)]
        if any(map(len, items)):
            selected.add(Element(element.tag, element.VR, items))
    return selected
