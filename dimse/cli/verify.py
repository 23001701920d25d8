"""The command ``dimse verify``, which tests whether a peer follows the rules of the standard.

``print-mgmt verify``, which has more cases, uses the functions of this module, too.
"""

import argparse
import asyncio
import ipaddress
import json
import ssl
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..command_line import Parser, check_output
from ..errors import DecodeError, escaped
from ..files import write_whole
from ..terminal import Peer, add_client_tls, ae_title, cancel_on_sigterm, client_tls, peer, positive, seconds
from ..verify import CASES, Case, Options, Role, Run, Target, catalogue, verify_scp
from ..verify.grid_builtin import SCRIPTS
from ..verify.process import split_words
from ..verify.report import changes, document, page
from ..verify.runner import SANITY
from ..verify.scu import SCU_CASES, EchoService, Visit
from ..verify.tls_material import TLSFiles
from ..verify.tls_material import client as tls_client
from .verify_grid import add_grid, target_of
from .verify_report import (
    WIDTHS,
    MakeOptions,
    Progress,
    add_choice,
    add_report,
    chosen_cases,
    compare_with_baseline,
    finish,
    is_recorded,
    make_folder,
    plain_options,
    print_result,
    read_baseline,
    read_report,
    report_file,
)
from .verify_scu import add_scu

__all__ = ["add", "add_cases", "add_diff", "add_matrix", "add_scp", "is_loopback", "judge_scp"]

_EXIT = (
    "Exit status: 0 no FAIL and nothing DAMAGED, 1 FAIL or DAMAGED (with --strict also WEAK and INCONCLUSIVE), "
    "2 wrong usage, 3 the peer could not be judged, 4 the tester is at fault."
)


def add(parser: Parser) -> None:
    """Add the commands to ``parser``."""
    parser.description = (
        "Test a peer against the standard, case by case. Cases for print are in print-mgmt verify; to send only "
        "a C-ECHO, use dimse echo."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    scp = commands.add_parser("scp", help="test an SCP")
    scp.fill = lambda chosen: add_scp(chosen, CASES)
    scu = commands.add_parser("scu", help="test an SCU")
    scu.fill = lambda chosen: add_scu(chosen, SCU_CASES, EchoService, _instructions)
    listing = commands.add_parser("cases", help="list the cases")
    listing.fill = lambda chosen: add_cases(chosen, _all_cases())
    grid = commands.add_parser("grid", help="send one script to several peers, and compare their answers")
    grid.fill = lambda chosen: add_grid(chosen, SCRIPTS, "echo")
    commands.add_parser("diff", help="show the changes between two reports").fill = add_diff
    commands.add_parser("matrix", help="write a page with a column for each report").fill = add_matrix


def _all_cases() -> list[Case]:
    return [*CASES, *(case for case in SCU_CASES if case.role is Role.SCU)]


def _instructions(plain: Visit | None) -> str:
    return "let the SCU send C-ECHO" if plain is None else f"as before: {', '.join(plain.operations)}"


def add_scp(parser: Parser, cases: Sequence[Case], make: MakeOptions = plain_options) -> None:
    """Add the options of ``verify scp`` to ``parser``; ``make`` makes `Options` from the parsed arguments."""
    parser.description = "Run the cases for an SCP. No film is printed."
    parser.epilog = _EXIT
    parser.add_argument("peer", type=peer, metavar="AE@HOST:PORT", help="peer to test")
    choice = add_choice(
        parser,
        gentle="leave out the risky, robustness (ROB-*) and slow cases; this is the default unless HOST is localhost "
        "or a loopback address",
        everything="run the risky, robustness (ROB-*) and slow cases on any host",
    )
    parser.add_argument(
        "--start",
        metavar="COMMAND",
        help="command that starts the peer, without a shell: it runs first, and again when a case has damaged the peer",
    )
    if any(case.id.startswith("PRN-") for case in cases):
        choice.add_argument(
            "--jobs",
            type=positive,
            default=1,
            metavar="N",
            help="run N print cases (PRN-*) at the same time, if the peer serves several associations (default: 1)",
        )
    parser.set_defaults(jobs=1)
    choice.add_argument("--no-slow", action="store_true", help="leave out the cases that wait for a timer of the peer")
    _add_times(parser)
    add_report(parser)
    add_client_tls(parser)
    parser.add_argument(
        "--tls-expired", metavar="FILE", help="a client certificate that has expired, and its key, for TLS-1.04"
    )
    parser.set_defaults(command=lambda arguments: judge_scp(parser, arguments, cases, make))


def _add_times(parser: Parser) -> None:
    """Add the time limits, and the AE title of the tester."""
    times = parser.add_argument_group("times in seconds, and titles")
    times.add_argument(
        "--timeout", type=seconds, default=3.0, metavar="SECONDS", help="time limit for an answer (default: 3)"
    )
    times.add_argument(
        "--artim",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="time limit for the peer's ARTIM (default: 60)",
    )
    times.add_argument(
        "--slow-patience",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="time limit for the end of a connection in a slow case (default: 120)",
    )
    times.add_argument(
        "--calling",
        type=ae_title,
        default="VERIFYSCU",
        metavar="AE",
        help="AE title of the tester (default: VERIFYSCU)",
    )


def add_cases(parser: Parser, cases: Sequence[Case]) -> None:
    """Add the options of ``verify cases`` to ``parser``."""
    parser.description = "List the cases, with the sections of the standard that they test."
    parser.add_argument("--json", action="store_true", help="print the cases as JSON")
    parser.set_defaults(command=lambda arguments: _list(cases, is_json=arguments.json))


def add_diff(parser: Parser) -> None:
    """Add the options of ``verify diff`` to ``parser``."""
    parser.description = "Show the changes between two reports. The exit status is 1 if a case got worse, else 0."
    parser.add_argument("before", type=Path, metavar="REPORT.JSON", help="the first report, or its folder")
    parser.add_argument("after", type=Path, metavar="REPORT.JSON", help="the second report, or its folder")
    parser.set_defaults(command=_diff)


def add_matrix(parser: Parser) -> None:
    """Add the options of ``verify matrix`` to ``parser``."""
    parser.description = "Write a page with a column for each report."
    parser.add_argument(
        "reports", nargs="+", type=Path, metavar="REPORT.JSON", help="the reports or their folders, in this order"
    )
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the page to write")
    parser.set_defaults(command=partial(_matrix, parser))


def _diff(arguments: argparse.Namespace) -> int:
    found = list(changes(read_report(arguments.before), read_report(arguments.after)))
    for change in found:
        print(escaped(str(change)))
    return 1 if any(change.is_worse for change in found) else 0


def _matrix(parser: Parser, arguments: argparse.Namespace) -> int:
    check_output(parser, arguments.out, map(report_file, arguments.reports))
    write_whole(arguments.out, [page([read_report(path) for path in arguments.reports]).encode()])
    return 0


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
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    cases: Sequence[Case],
    make: MakeOptions = plain_options,
) -> int:
    """Run ``verify scp``; return the exit status."""
    tls = client_tls(parser, arguments)
    if tls is not None and not isinstance(tls, ssl.SSLContext):
        parser.error("verify supports only --tls-profile B.12")
    chosen = chosen_cases(parser, arguments, cases)
    start = _start_words(parser, arguments)
    if arguments.dryrun:
        return _list(chosen, is_json=arguments.json)
    address: Peer = arguments.peer
    target = replace(
        target_of(address, arguments, tls),
        artim=arguments.artim,
        slow_patience=arguments.slow_patience,
        files=_files(parser, arguments),
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
        pcap=arguments.pcap or is_recorded(arguments),
        redact=arguments.redact,
        jobs=arguments.jobs,
    )
    command = [*parser.prog.split(), str(address)]
    command += [] if arguments.start is None else ["--start", arguments.start]
    return asyncio.run(cancel_on_sigterm(_test(target, cases, options, arguments, command, start)))


def _start_words(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Sequence[str]:
    """Return the words of the command of ``--start``; none if the option is missing."""
    try:
        return () if arguments.start is None else split_words("--start", arguments.start)
    except DecodeError as exc:
        parser.error(str(exc))


def _files(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> TLSFiles:
    """Return the PEM files of the TLS options. End with a usage error if the file of ``--tls-expired`` is unusable."""
    given = (arguments.tls_cert, arguments.tls_key, arguments.tls_expired)
    certificate, key, expired = (None if each is None else Path(each) for each in given)
    if expired is not None:
        try:
            tls_client(certificate=expired)
        except OSError as exc:  # this is wrong usage, and not the result of a case
            parser.error(f"--tls-expired {expired}: {exc.strerror or exc}")
    return TLSFiles(certificate=certificate, key=key, expired=expired)


def is_loopback(host: str) -> bool:
    """Return whether a host is a loopback address or ``localhost``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _test(
    target: Target,
    cases: Sequence[Case],
    options: Options,
    arguments: argparse.Namespace,
    command: list[str],
    start: Sequence[str],
) -> int:
    run = Run()
    expected = read_baseline(arguments)
    make_folder(arguments)
    progress = Progress(sum(options.selects(case.id) or case.id == SANITY for case in cases))
    try:
        show = partial(print_result, is_json=arguments.json, trace=arguments.trace, progress=progress)
        await verify_scp(target, cases, options, run=run, on_result=show, start=start)
    except asyncio.CancelledError:
        run.stopped = run.stopped or "interrupted"
        raise
    finally:
        progress.clear()
        report = document(run, target, options, command)
        finish(arguments, run, report, options)
    if expected is not None:
        return compare_with_baseline(run, report, expected, options)
    return run.exit_status(strict=options.strict)
