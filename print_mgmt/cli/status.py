"""``print-mgmt status``: show the status, the capabilities and the print jobs of a printer."""

import argparse
import json
import sys
from collections.abc import Iterator

from dimse.data import Dataset, Element, Value
from dimse.errors import ContextNotAccepted, DecodeError, escaped
from dimse.terminal import cancel_on_sigterm, run_loop
from dimse.uids import name_or_uid

from ..scu import PrintClient, PrintFailed
from ..typed import items, term, text
from .options import add_peer, add_printer, status_client

__all__ = ["add"]

_EXAMPLES = """examples:
  print-mgmt status PRINTSCP@127.0.0.1:11112
  print-mgmt status PRINTSCP@127.0.0.1:11112 --json
  print-mgmt status PRINTSCP@127.0.0.1:11112 --job 1.2.826.0.1.3680043.9.1

The exit status is 1 if the printer or a job is in FAILURE; with --strict, also if the printer is in WARNING.
"""

_MAX_NAMED = 4  # film sizes, media or formats that a line names; the others are only counted


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to ``parser``."""
    parser.description = (
        "Show the status of a printer (N-GET of Printer), its capabilities (Printer Configuration\n"
        "Retrieval, if the printer supports it), and print jobs."
    )
    parser.epilog = _EXAMPLES
    add_peer(parser)
    parser.add_argument(
        "--job",
        action="append",
        default=[],
        metavar="UID",
        help="also show a print job; may be given more than once",
    )
    parser.add_argument("--json", action="store_true", help="print the answers as JSON, by DICOM keyword")
    parser.add_argument("--strict", action="store_true", help="also exit with status 1 if the printer is in WARNING")
    add_printer(parser)
    parser.set_defaults(command=lambda arguments: _status(arguments, status_client(parser, arguments)))


def _status(arguments: argparse.Namespace, client: PrintClient) -> int:
    return run_loop(cancel_on_sigterm(_show_status(arguments, client)))


async def _show_status(arguments: argparse.Namespace, client: PrintClient) -> int:
    async with client:
        printer = await client.printer()
        configuration = await _configuration(client)
        jobs = [(uid, await client.job(uid).refresh()) for uid in arguments.job]
    for warning in client.warnings:
        print(f"print-mgmt: warning: {escaped(warning)}", file=sys.stderr)
    if arguments.json:
        answer = {**_to_json(printer), **_to_json(configuration)}
        if jobs:
            answer["jobs"] = {uid: _to_json(job) for uid, job in jobs}
        print(json.dumps(answer))
    else:
        _show(printer)
        for line in _configuration_lines(configuration):
            print(escaped(line))
        for uid, job in jobs:
            print(f"job {escaped(uid)}")
            _show(job, "  ")
    bad = ("FAILURE", "WARNING") if arguments.strict else ("FAILURE",)
    statuses = [term(printer, "PrinterStatus"), *(term(job, "ExecutionStatus") for _, job in jobs)]
    return 1 if any(status in bad for status in statuses) else 0


async def _configuration(client: PrintClient) -> Dataset:
    """Return the printer configuration, or an empty Data Set if the printer refuses it or it cannot be read."""
    try:
        return await client.configuration()
    except (ContextNotAccepted, PrintFailed, DecodeError):
        return Dataset()


def _show(dataset: Dataset, indent: str = "") -> None:
    for element in dataset:
        value = _value_text(element.value)
        if value is not None:
            print(f"{indent}{_name(element)}: {value}")


def _configuration_lines(configuration: Dataset) -> Iterator[str]:
    """Yield a summary of the configuration, whose sequences can have hundreds of items."""
    for item in items(configuration, "PrinterConfigurationSequence"):
        classes = item.get("SOPClassesSupported")
        uids = [uid for uid in (classes if isinstance(classes, list) else [classes]) if isinstance(uid, str)]
        yield f"{name_or_uid(uids[0]) if uids else 'no SOP Class'}:"
        formats = items(item, "SupportedImageDisplayFormatsSequence")
        media = items(item, "MediaInstalledSequence")
        yield f"  media: {_distinct_values(media, 'MediumType')} in {_distinct_values(media, 'FilmSizeID')}"
        yield f"  formats: {_distinct_values(formats, 'ImageDisplayFormat')}"
        memory, printed = (_value_text(item.get(name)) or "unknown" for name in ("MemoryBitDepth", "PrintingBitDepth"))
        yield f"  bits: {memory} in memory, {printed} printed"
        if len(uids) > 1:
            yield f"  also: {', '.join(name_or_uid(uid) for uid in uids[1:])}"


def _distinct_values(rows: list[Dataset], keyword: str) -> str:
    """Return the distinct values of an attribute in ``rows``, as one text; rows may lack the attribute."""
    values = list(dict.fromkeys(filter(None, (text(row, keyword) for row in rows))))
    rest = len(values) - _MAX_NAMED
    return ", ".join(values[:_MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "") or "not listed"


def _to_json(dataset: Dataset) -> dict[str, object]:
    """Return a Data Set as an object for JSON, by keyword or else by tag.

    Values become strings or null, sequences become lists, and bytes are only counted.
    """
    return {
        _name(element): [_to_json(item) for item in element.value if isinstance(item, Dataset)]
        if element.VR == "SQ" and isinstance(element.value, list)
        else _value_text(element.value)
        for element in dataset
    }


def _name(element: Element) -> str:
    """Return the keyword of an attribute; the tag of a private or unknown one."""
    return element.keyword or str(element.tag)


def _value_text(value: Value) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes | memoryview):
        return f"{len(value)} bytes"
    return escaped("\\".join(map(str, value)) if isinstance(value, list) else str(value))
