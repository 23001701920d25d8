"""Functions that the ``verify`` commands share: for the choice of cases, lines on the terminal, files of a report."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import DecodeError, escaped
from ..verify import Case, Options, Result, Run, Verdict
from ..verify.report import badge, junit, page, regressions
from ..verify.report.document import verdict_counts

__all__ = ["QUIET", "WIDTHS", "chosen_cases", "compared", "line_of", "read_json", "summarize", "text_of", "write"]

QUIET = (Verdict.PASS, Verdict.UNIMPLEMENTED, Verdict.SKIPPED)
WIDTHS = (13, 12)


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file. Raises `DecodeError` if the file has no JSON object."""
    try:
        found = json.loads(path.read_text())
    except ValueError as exc:
        raise DecodeError(f"{path} is not JSON: {exc}") from exc
    if not isinstance(found, dict):
        raise DecodeError(f"{path} has no JSON object")
    return found


def chosen_cases(parser: argparse.ArgumentParser, arguments: argparse.Namespace, cases: Sequence[Case]) -> list[Case]:
    """Return the cases that the globs choose. End with a usage error if a glob matches no case."""
    for glob in (*arguments.case, *arguments.exclude):
        if not any(Options(cases=(glob,)).selects(case.id) for case in cases):
            parser.error(f"there is no case {glob}")
    options = Options(cases=tuple(arguments.case), exclude=tuple(arguments.exclude))
    chosen = [case for case in cases if options.selects(case.id)]
    if not chosen:
        parser.error("--exclude leaves no case")
    return chosen


def compared(run: Run, report: dict[str, Any], expected: dict[str, Any], options: Options) -> int:
    """Return the exit status of a run with a baseline, and print the differences from the baseline."""
    found = list(regressions(report, expected))
    for change in found:
        print(escaped(str(change)), file=sys.stderr)
    status = run.exit_status()
    if status > 1:  # the tester is at fault, or the peer could not be judged
        return status
    return 1 if any(change.is_worse or options.strict for change in found) else 0


def write(folder: Path, report: dict[str, Any], options: Options) -> None:
    """Write the files of a report."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "report.html").write_text(page([report]), encoding="utf-8")
    (folder / "junit.xml").write_text(junit(report, strict=options.strict), encoding="utf-8")
    (folder / "badge.svg").write_text(badge(report))


def line_of(result: Result) -> dict[str, object]:
    """Return a result as the object that ``--json`` prints."""
    return {
        "id": result.case.id,
        "verdict": result.verdict.value,
        "close": result.close.value if result.close else None,
        "damaged": result.is_damaged,
        "reason": result.reason,
    }


def text_of(result: Result) -> str:
    """Return a result as a line of text."""
    mark = " DAMAGED" if result.is_damaged else ""
    case = result.case
    return escaped(
        f"{result.verdict:{WIDTHS[0]}} {case.id:{WIDTHS[1]}}{mark} {case.title}: {result.reason} [{case.section}]"
    )


def summarize(run: Run, options: Options) -> None:
    """Print the counts of a run."""
    counts = verdict_counts(run.counts())
    damaged = f", {run.damaged} DAMAGED" if run.damaged else ""
    print(f"{counts}{damaged} in {run.seconds:.1f} s")
    if run.stopped:
        print(escaped(f"dimse verify: {run.stopped}"), file=sys.stderr)
    elif run.exit_status(strict=options.strict) == 0:
        print(f"CONFORMANT in the {_judged(run)} cases that apply")


def _judged(run: Run) -> int:
    return sum(result.verdict not in (Verdict.UNIMPLEMENTED, Verdict.SKIPPED) for result in run.results)
