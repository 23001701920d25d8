"""The common parts of the ``verify`` commands: options, the choice of cases, lines on the terminal, report files."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..command_line import Parser
from ..errors import DecodeError, escaped
from ..files import write_whole
from ..terminal import capture_path, folder_path, positive
from ..verify import Case, Options, Result, Run, Verdict
from ..verify.report import badge, baseline, check_baseline, check_report, junit, page, regressions
from ..verify.report.capture import write_capture, write_captures
from ..verify.report.document import verdict_counts

__all__ = [
    "WIDTHS",
    "MakeOptions",
    "Progress",
    "add_choice",
    "add_report",
    "chosen_cases",
    "compare_with_baseline",
    "finish",
    "is_recorded",
    "make_folder",
    "plain_options",
    "print_result",
    "read_baseline",
    "read_report",
    "report_file",
]

MakeOptions = Callable[..., Options]  # called with the parsed arguments, and with fields of `Options` as keywords
_TLS = ("tls", "tls_no_verify", "tls_ca", "tls_cert", "tls_key", "tls_profile")  # the options for TLS
_QUIET = (Verdict.PASS, Verdict.UNIMPLEMENTED, Verdict.SKIPPED)  # verdicts that print no line
WIDTHS = (13, 12)  # characters for a verdict and for the id of a case


def plain_options(_arguments: argparse.Namespace, **fields: Any) -> Options:
    """Return the options of a run that has no options for print."""
    return Options(**fields)


def add_choice(parser: Parser, *, gentle: str, everything: str) -> argparse._ArgumentGroup:
    """Add the options that choose cases; ``gentle`` and ``everything`` are the help of ``--gentle`` and ``--all``."""
    group = parser.add_argument_group("choice of cases")
    group.add_argument("--case", action="append", default=[], metavar="GLOB", help="run these cases, such as 'UL-F-*'")
    group.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave these cases out")
    group.add_argument("--dryrun", action="store_true", help="list the cases that would run, and run none")
    either = group.add_mutually_exclusive_group()
    either.add_argument("--gentle", action="store_true", help=gentle)
    either.add_argument("--all", action="store_true", help=everything)
    group.add_argument("--stop-after", type=positive, metavar="N", help="stop after N failures")
    return group


def add_report(parser: Parser) -> None:
    """Add the options for random octets, verdicts and reports."""
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of all random octets (default: 1)")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 also for WEAK and INCONCLUSIVE")
    parser.add_argument(
        "--report",
        type=folder_path,
        metavar="DIR",
        help="write report.json, report.html, junit.xml and badge.svg to DIR",
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="expected verdicts: the run fails only if a verdict is worse, its reason is different, or damage is new",
    )
    parser.add_argument(
        "--write-baseline", type=Path, metavar="FILE", help="write the verdicts of the whole run as a baseline"
    )
    parser.add_argument(
        "--full-trace",
        action="store_true",
        help="keep all octets in the report, not only the first 4 KiB of each write",
    )
    parser.add_argument(
        "--pcap",
        action="store_true",
        help="also write trace/ID.pcapng for each case in --report; TLS is written decrypted",
    )
    parser.add_argument(
        "--trace",
        type=capture_path,
        metavar="FILE",
        help="record all octets, with or without --report: in one capture if FILE ends in .pcapng, otherwise in a "
        "folder with ID.pcapng for each case; - prints each PDU on stderr",
    )
    parser.add_argument("--trace-tls", action="store_true", help="also record connections with TLS, decrypted")
    parser.add_argument("--redact", action="store_true", help="keep patient data out of the report")
    parser.add_argument("--json", action="store_true", help="print each result as a line of JSON")
    parser.set_defaults(prog=parser.prog)


def is_recorded(arguments: argparse.Namespace) -> bool:
    """Return whether ``--trace`` names a file or a folder."""
    return arguments.trace not in (None, "-")


def read_report(path: Path) -> dict[str, Any]:
    """Return the report in a file, or in ``report.json`` of a folder that ``--report`` has filled.

    Raises OSError if the file cannot be read, and `DecodeError` if it has no report.
    """
    path = report_file(path)
    found = _read_json(path)
    try:
        check_report(found)
    except DecodeError as exc:
        raise DecodeError(f"{path}: {exc}") from exc
    return found


def report_file(path: Path) -> Path:
    """Return the file of a report: ``path``, or ``report.json`` in it if it is a folder."""
    return path / "report.json" if path.is_dir() else path


def _read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises OSError, and `DecodeError` if the file has no JSON object."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise DecodeError(f"{path} is not JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise DecodeError(f"{path} has no JSON object")
    return found


def read_baseline(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Return the baseline that ``--baseline`` names, if any.

    Raises OSError if the file cannot be read, and `DimseError` if it is not a baseline.
    """
    if arguments.baseline is None:
        return None
    expected = _read_json(arguments.baseline)
    check_baseline(expected)
    return expected


def make_folder(arguments: argparse.Namespace) -> None:
    """Create the folder that ``--report`` names, before the run. Raises OSError if the folder cannot be created."""
    if arguments.report is not None:
        arguments.report.mkdir(parents=True, exist_ok=True)


def chosen_cases(parser: argparse.ArgumentParser, arguments: argparse.Namespace, cases: Sequence[Case]) -> list[Case]:
    """Return the cases that the globs choose.

    End with a usage error if a glob matches no case, if no case is left, or if an option lacks the option that it
    needs or contradicts another one.
    """
    if arguments.report is None and (arguments.pcap or arguments.redact):
        parser.error(f"{'--pcap' if arguments.pcap else '--redact'} needs --report")
    if (arguments.pcap or arguments.trace) and arguments.redact:
        parser.error(f"{'--pcap' if arguments.pcap else '--trace'} keeps all octets, and --redact hides them")
    if is_recorded(arguments) and any(getattr(arguments, name, None) for name in _TLS) and not arguments.trace_tls:
        parser.error("--trace would record decrypted TLS: add --trace-tls if that is intended")
    for glob in (*arguments.case, *arguments.exclude):
        if not any(Options(cases=(glob,)).selects(case.id) for case in cases):
            parser.error(f"no case matches {glob}")
    options = Options(cases=tuple(arguments.case), exclude=tuple(arguments.exclude))
    chosen = [case for case in cases if options.selects(case.id)]
    if not chosen:
        parser.error("--exclude leaves no case")
    return chosen


def compare_with_baseline(run: Run, report: dict[str, Any], expected: dict[str, Any], options: Options) -> int:
    """Print the differences of a run from its baseline on stderr, and return the exit status.

    It is 1 if a case is worse, or has another reason, or if the run was stopped: cases that did not run may be worse.
    With ``strict`` it is 1 also if a case is better. A fault of the tester, or a peer that could not be judged,
    prevails.
    """
    found = list(regressions(report, expected))
    for change in found:
        print(escaped(str(change)), file=sys.stderr)
    status = run.exit_status()
    if status > 1:  # the tester is at fault, or the peer could not be judged
        return status
    return 1 if run.stopped or any(change.is_worse or options.strict for change in found) else 0


def finish(arguments: argparse.Namespace, run: Run, report: dict[str, Any], options: Options) -> None:
    """Write the report, the captures and the baseline that the arguments name. Unless ``--json``, print the counts.

    If the run was stopped, print the reason on stderr. A run that was stopped writes no baseline: the verdicts of the
    other cases would be lost. Raises OSError if a file cannot be written.
    """
    if arguments.report is not None:
        _write(arguments.report, report, options)
        if arguments.pcap:
            write_captures(arguments.report / "trace", run)
    if is_recorded(arguments):
        path = Path(arguments.trace)
        write_capture(path, run) if path.suffix == ".pcapng" else write_captures(path, run)
    if arguments.write_baseline is not None and run.stopped:
        print(escaped(f"{arguments.prog}: {arguments.write_baseline} is not written: {run.stopped}"), file=sys.stderr)
    elif arguments.write_baseline is not None:
        write_whole(arguments.write_baseline, [_json_of(baseline(report))])
    if not arguments.json:
        _summarize(run, options)
    if run.stopped:
        print(escaped(f"{arguments.prog}: {run.stopped}"), file=sys.stderr)


def _write(folder: Path, report: dict[str, Any], options: Options) -> None:
    """Write the files of a report into its folder (`make_folder`)."""
    write_whole(folder / "report.json", [_json_of(report)])
    write_whole(folder / "report.html", [page([report]).encode()])
    write_whole(folder / "junit.xml", [junit(report, strict=options.strict).encode()])
    write_whole(folder / "badge.svg", [badge(report).encode()])


def _json_of(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode() + b"\n"


def _line_of(result: Result) -> dict[str, object]:
    """Return a result as the object that ``--json`` prints."""
    return {
        "id": result.case.id,
        "verdict": result.verdict.value,
        "close": result.close.value if result.close else None,
        "damaged": result.is_damaged,
        "reason": result.reason,
    }


def _text_of(result: Result) -> str:
    """Return a result as a line of text."""
    mark = " DAMAGED" if result.is_damaged else ""
    case = result.case
    return escaped(
        f"{result.verdict:{WIDTHS[0]}} {case.id:{WIDTHS[1]}}{mark} {case.title}: {result.reason} [{case.section}]"
    )


class Progress:
    """A line that shows how many of the ``total`` cases are done. It is shown only on a terminal."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0
        self._is_shown = sys.stderr.isatty()

    def clear(self) -> None:
        """Remove the line."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def step(self, result: Result) -> None:
        """Show the line after a result."""
        self._done += 1
        if self._is_shown:
            words = f"{self._done} of {self._total} cases, {result.case.id} {result.verdict}"
            print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)


def print_result(result: Result, *, is_json: bool, trace: str | None = None, progress: Progress | None = None) -> None:
    """Print a result as a line of JSON or text; as text, omit PASS, UNIMPLEMENTED and SKIPPED unless DAMAGED.

    If ``trace`` is ``-``, print each PDU of the case on stderr first. ``progress`` is the last line on the terminal.
    """
    if progress is not None:
        progress.clear()
    if trace == "-" and result.trace is not None:
        for line in result.trace.lines():
            print(escaped(f"{result.case.id:{WIDTHS[1]}} {line}"), file=sys.stderr, flush=True)
    if is_json:
        print(json.dumps(_line_of(result)), flush=True)
    elif result.verdict not in _QUIET or result.is_damaged:
        print(_text_of(result), flush=True)
    if progress is not None:
        progress.step(result)


def _summarize(run: Run, options: Options) -> None:
    """Print the counts of a run, and whether the peer is conformant.

    Print only the counts if the run was stopped, or has an exit status other than 0 although no case failed.
    """
    counts = verdict_counts(run.counts())
    damaged = f", {run.damaged} DAMAGED" if run.damaged else ""
    print(f"{counts}{damaged} in {run.seconds:.1f} s")
    if run.stopped:
        return
    if run.exit_status(strict=options.strict) == 0:
        print(f"CONFORMANT in the {_judged(run)} cases that apply")
    elif failures := sum(result.is_failure for result in run.results):
        print(f"NOT CONFORMANT in {failures} of the {_judged(run)} cases that apply")


def _judged(run: Run) -> int:
    return sum(result.verdict not in (Verdict.UNIMPLEMENTED, Verdict.SKIPPED) for result in run.results)
