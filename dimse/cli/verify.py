"""The command ``dimse verify``, which judges a peer by the sentences of the standard. C-ECHO is ``dimse echo``.

``print-mgmt verify``, which has more cases, also uses the functions of this module.
"""

import argparse
import asyncio
import ipaddress
import json
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..command_line import Parser
from ..errors import DecodeError, escaped
from ..terminal import Peer, add_client_tls, ae_title, client_tls, peer, positive, seconds, until_terminated
from ..verify import CASES, Case, Options, Result, Role, Run, Target, catalogue, verify_scp
from ..verify.report import SCHEMA, baseline, changes, document, page
from ..verify.scu import SCU_CASES, EchoService, Visit
from .verify_report import QUIET, WIDTHS, chosen_cases, compared, line_of, read_json, summarize, text_of, write
from .verify_scu import add_scu

__all__ = ["Make", "add", "add_cases", "add_diff", "add_matrix", "add_scp", "is_loopback", "judge_scp", "plain_options"]

_EXIT = (
    "Exit status: 0 no FAIL and nothing DAMAGED, 1 FAIL or DAMAGED (with --strict also WEAK and INCONCLUSIVE), "
    "2 wrong usage, 3 the peer could not be judged, 4 the tester is at fault."
)


Make = Callable[..., Options]  # called with the parsed arguments, and with fields of `Options` as keywords


def plain_options(_arguments: argparse.Namespace, **fields: Any) -> Options:
    """Return the options of a run that has no options for print."""
    return Options(**fields)


def add(parser: Parser) -> None:
    """Add the commands to ``parser``."""
    parser.description = (
        "Judge a peer by the sentences of the standard, case by case. This is no C-ECHO: for the Verification service "
        "see dimse echo. Print cases are in print-mgmt verify."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    scp = commands.add_parser("scp", help="test an SCP")
    scp.fill = lambda chosen: add_scp(chosen, CASES)
    scu = commands.add_parser("scu", help="test an SCU")
    scu.fill = lambda chosen: add_scu(chosen, SCU_CASES, EchoService, _what_to_do)
    listing = commands.add_parser("cases", help="list the cases that are built")
    listing.fill = lambda chosen: add_cases(chosen, _all_cases())
    commands.add_parser("diff", help="show what changed between two reports").fill = add_diff
    commands.add_parser("matrix", help="write a page with a column for each report").fill = add_matrix


def _all_cases() -> list[Case]:
    return [*CASES, *(case for case in SCU_CASES if case.role is Role.SCU)]


def _what_to_do(plain: Visit | None) -> str:
    return "let the SCU send C-ECHO" if plain is None else f"as before: {', '.join(plain.operations)}"


def add_scp(parser: Parser, cases: Sequence[Case], make: Make = plain_options) -> None:
    """Add the options of ``verify scp`` to ``parser``; ``make`` makes `Options` from the parsed arguments."""
    parser.description = "Run the cases for an SCP, one after the other; nothing is printed on film."
    parser.epilog = _EXIT
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="peer to test")
    choice = parser.add_argument_group("choice of cases")
    choice.add_argument("--case", action="append", default=[], metavar="GLOB", help="run these cases, such as 'UL-F-*'")
    choice.add_argument("--exclude", action="append", default=[], metavar="GLOB", help="leave these cases out")
    choice.add_argument("--dryrun", action="store_true", help="list the cases that would run, and end")
    choice.add_argument("--no-slow", action="store_true", help="leave out the cases that wait for a timer of the peer")
    gentle = choice.add_mutually_exclusive_group()
    gentle.add_argument(
        "--gentle", action="store_true", help="leave out risky, ROB and slow cases (default for other hosts than this)"
    )
    gentle.add_argument("--all", action="store_true", help="run them on any host")
    choice.add_argument("--stop-after", type=positive, metavar="N", help="stop after N failures")
    times = parser.add_argument_group("times in seconds, and titles")
    times.add_argument("--timeout", type=seconds, default=3.0, metavar="SECONDS", help="for an answer (default: 3)")
    times.add_argument(
        "--artim", type=seconds, default=60.0, metavar="SECONDS", help="the peer's longest ARTIM (default: 60)"
    )
    times.add_argument(
        "--slow-patience", type=seconds, default=120.0, metavar="SECONDS", help="end of a slow case (default: 120)"
    )
    times.add_argument("--calling", type=ae_title, default="VERIFYSCU", metavar="AE", help="our AE title")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of all random octets (default: 1)")
    parser.add_argument("--strict", action="store_true", help="WEAK and INCONCLUSIVE also make exit status 1")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write report.json, report.html, junit.xml and badge.svg here"
    )
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="expected verdicts: only what is worse fails")
    parser.add_argument("--write-baseline", type=Path, metavar="FILE", help="write the verdicts as a baseline")
    parser.add_argument("--full-trace", action="store_true", help="keep all octets in the report, not 4 KiB of a write")
    parser.add_argument("--json", action="store_true", help="print each result as a line of JSON")
    add_client_tls(parser)
    parser.set_defaults(command=lambda arguments: judge_scp(parser, arguments, cases, make))


def add_cases(parser: Parser, cases: Sequence[Case]) -> None:
    """Add the options of ``verify cases`` to ``parser``."""
    parser.description = "List the cases that are built, with their sections."
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.set_defaults(command=lambda arguments: _list(cases, is_json=arguments.json))


def add_diff(parser: Parser) -> None:
    """Add the options of ``verify diff`` to ``parser``."""
    parser.description = "Show what changed between two reports. Exit status 1 if a case got worse."
    parser.add_argument("before", type=Path, metavar="REPORT.JSON", help="the first report")
    parser.add_argument("after", type=Path, metavar="REPORT.JSON", help="the second report")
    parser.set_defaults(command=_diff)


def add_matrix(parser: Parser) -> None:
    """Add the options of ``verify matrix`` to ``parser``."""
    parser.description = "Write a page with a column for each report."
    parser.add_argument("reports", nargs="+", type=Path, metavar="REPORT.JSON", help="reports")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the page")
    parser.set_defaults(command=_matrix)


def _diff(arguments: argparse.Namespace) -> int:
    found = list(changes(_report(arguments.before), _report(arguments.after)))
    for change in found:
        print(escaped(str(change)))
    return 1 if any(change.is_worse for change in found) else 0


def _matrix(arguments: argparse.Namespace) -> int:
    arguments.out.write_text(page([_report(path) for path in arguments.reports]), encoding="utf-8")
    return 0


def _report(path: Path) -> dict[str, Any]:
    """Return the report in a file. Raises `DecodeError` if the file has no report."""
    found = read_json(path)
    if found.get("schema") != SCHEMA:
        raise DecodeError(f"{path} is not a report of schema {SCHEMA}")
    return found


def _list(cases: Sequence[Case], *, is_json: bool) -> int:
    entries = catalogue()
    if is_json:
        rows = [
            {
                "id": case.id,
                "title": case.title,
                "role": case.role.value,
                "level": case.level.value,
                "section": case.section,
                "needs": case.needs.words(),
                "steps": entries[case.id].steps,
            }
            for case in cases
        ]
        print(json.dumps(rows, indent=1))
        return 0
    for case in cases:
        print(f"{case.id:{WIDTHS[1]}} {case.level:6} {case.title} [{case.section}]")
    return 0


def judge_scp(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, cases: Sequence[Case], make: Make = plain_options
) -> int:
    """Run ``verify scp``; return the exit status."""
    tls = client_tls(parser, arguments)
    if tls is not None and not isinstance(tls, ssl.SSLContext):
        parser.error("--tls-profile B.13 is not for verify")
    chosen = chosen_cases(parser, arguments, cases)
    if arguments.dryrun:
        return _list(chosen, is_json=arguments.json)
    address: Peer = arguments.peer
    target = Target(
        host=address.host,
        port=address.port,
        called=address.ae_title,
        calling=arguments.calling,
        tls=tls,
        timeout=arguments.timeout,
        artim=arguments.artim,
        slow_patience=arguments.slow_patience,
    )
    options = make(
        arguments,
        cases=tuple(arguments.case),
        exclude=tuple(arguments.exclude),
        seed=arguments.seed,
        strict=arguments.strict,
        stop_after=arguments.stop_after,
        gentle=arguments.gentle or not (arguments.all or is_loopback(address.host)),
        slow=not arguments.no_slow,
        full_trace=arguments.full_trace,
    )
    command = [*parser.prog.split(), str(address)]
    return asyncio.run(until_terminated(_test(target, cases, options, arguments, command)))


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address or ``localhost``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _test(
    target: Target, cases: Sequence[Case], options: Options, arguments: argparse.Namespace, command: list[str]
) -> int:
    run = Run()

    def show(result: Result) -> None:
        if arguments.json:
            print(json.dumps(line_of(result)), flush=True)
        elif result.verdict not in QUIET or result.is_damaged:
            print(text_of(result), flush=True)

    expected = None if arguments.baseline is None else read_json(arguments.baseline)
    try:
        await verify_scp(target, cases, options, run=run, on_result=show)
    except asyncio.CancelledError:
        run.stopped = run.stopped or "interrupted"
        raise
    finally:
        report = document(run, target, options, command)
        if arguments.report is not None:
            write(arguments.report, report, options)
        if arguments.write_baseline is not None:
            arguments.write_baseline.write_text(json.dumps(baseline(report), indent=1) + "\n")
        if not arguments.json:
            summarize(run, options)
    return run.exit_status(strict=options.strict) if expected is None else compared(run, report, expected, options)
