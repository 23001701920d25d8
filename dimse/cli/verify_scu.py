"""The command ``verify scu`` of ``dimse`` and ``print-mgmt``, which judges an SCU that connects to the tester."""

import argparse
import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..command_line import Parser
from ..errors import DecodeError, escaped
from ..net.addresses import listening_failed
from ..terminal import add_server_tls, ae_title, cancel_on_sigterm, seconds, server_tls
from ..verify import Case, Options, Result, Role, Run
from ..verify.report import document, joined, judged_cases
from ..verify.scu import PLAIN, Command, MakeService, ScuTarget, Visit, split_command, verify_scu
from ..verify.tls_material import TLSFiles
from ..verify.tls_material import server as tls_server
from .verify_report import (
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
)

__all__ = ["Describe", "add_scu"]

_HANDSHAKE = "TLS-2."  # the cases that vary the TLS handshake
_TWICE = ", twice: the first association chooses the case and is rejected"  # is added to the instructions
_ALL, _LOOPBACK = "0.0.0.0", "127.0.0.1"  # addresses to listen on
_HIGHEST_PORT = 65535
_MAX_HTTP = 4096  # octets of an HTTP request

# Returns instructions for the person who runs the SCU. A visit is what the SCU does in one case. The argument is the
# visit of the first case, the plain scenario; None until that visit is over
Describe = Callable[[Visit | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """The parts in which ``dimse verify scu`` and ``print-mgmt verify scu`` differ."""

    cases: Sequence[Case]
    service: MakeService
    describe: Describe
    make: MakeOptions


def add_scu(
    parser: Parser,
    cases: Sequence[Case],
    service: MakeService,
    describe: Describe,
    make: MakeOptions = plain_options,
) -> None:
    """Add the options of ``verify scu`` to ``parser``.

    ``service`` makes the SCP of the plain scenario, and ``make`` makes `Options` from the parsed arguments.
    """
    parser.description = (
        "Run the cases for an SCU, which connects to this command. The plain scenario comes first: in it, this "
        "command is an ordinary SCP. In each case, the SCU must do the same again: this is a visit. Without --command, "
        "a person runs the SCU for each case: if the called AE title is the id of a case, such as UL-F-7.01, that case "
        "runs; with any other title, the next case runs. With --ports, the port chooses the case instead."
    )
    parser.epilog = (
        "Exit status: 0 no FAIL and nothing DAMAGED, 1 FAIL or DAMAGED (with --strict also WEAK and "
        "INCONCLUSIVE), 2 wrong usage, 3 the SCU could not be judged, 4 the tester is at fault."
    )
    _add_visits(parser)
    add_choice(
        parser,
        gentle="leave out the risky and robustness (ROB-*) cases (default without --command)",
        everything="also run the risky and robustness (ROB-*) cases (default with --command)",
    )
    _add_times(parser.add_argument_group("times in seconds, and titles"))
    add_report(parser)
    parser.add_argument(
        "--resume", action="store_true", help="continue the report in --report: run only the cases not judged there"
    )
    _add_tls(parser)
    scus = [case for case in cases if case.role is not Role.SCP]
    work = _Work(cases=scus, service=service, describe=describe, make=make)
    parser.set_defaults(command=lambda arguments: _judge(parser, arguments, work))


def _add_visits(parser: Parser) -> None:
    """Add the options for the tester's address, and for running the SCU."""
    parser.add_argument(
        "--listen", type=_port, default=0, metavar="PORT", help="port to listen on (default: a free one)"
    )
    parser.add_argument(
        "--bind", metavar="ADDRESS", help="address to listen on (default: loopback with --command, otherwise all)"
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument(
        "--command",
        dest="program",
        metavar="WORDS",
        help="program to run for each visit, without a shell; {host} {port} {ae} {case} {seed} {dir} are replaced",
    )
    way.add_argument(
        "--ports", type=_port, metavar="FROM", help="listen on one port for each case; FROM is the first port"
    )
    parser.add_argument(
        "--http",
        type=_port,
        metavar="PORT",
        help="answer HTTP requests on this loopback port with the next step, as JSON (0: a free one)",
    )


def _add_times(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--patience",
        type=seconds,
        default=45.0,
        metavar="SECONDS",
        help="time limit for the next step of the SCU (default: 45)",
    )
    group.add_argument(
        "--idle",
        type=seconds,
        default=3.0,
        metavar="SECONDS",
        help="without --command: a visit is over after this time without a connection (default: 3)",
    )
    group.add_argument("--called", type=ae_title, default="VERIFYSCP", metavar="AE", help="AE title that replaces {ae}")


def _add_tls(parser: Parser) -> None:
    add_server_tls(parser)
    parser.add_argument(
        "--tls-expired", metavar="FILE", help="an expired certificate of the tester, and its key, for TLS-2.01"
    )
    parser.add_argument(
        "--tls-other-host",
        metavar="FILE",
        help="a certificate of the tester for another host, and its key, for TLS-2.01",
    )


def _port(text: str) -> int:
    if not (text.isdecimal() and int(text) <= _HIGHEST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {_HIGHEST_PORT}")
    return int(text)


def _judge(parser: argparse.ArgumentParser, arguments: argparse.Namespace, work: _Work) -> int:
    chosen = chosen_cases(parser, arguments, work.cases)
    if arguments.dryrun:
        for case in chosen:
            print(f"{case.id} {case.title}")
        return 0
    if arguments.resume and arguments.report is None:
        parser.error("--resume needs --report")
    try:
        words = None if arguments.program is None else split_command(arguments.program)
    except DecodeError as exc:
        parser.error(str(exc))
    target = _target(parser, arguments, words, chosen)
    options = work.make(
        arguments,
        cases=tuple(arguments.case),
        exclude=tuple(arguments.exclude),
        seed=arguments.seed,
        strict=arguments.strict,
        stop_after=arguments.stop_after,
        gentle=arguments.gentle or not (arguments.all or words is not None),
        full_trace=arguments.full_trace,
        pcap=arguments.pcap or is_recorded(arguments),
        redact=arguments.redact,
    )
    command = [*parser.prog.split(), "--listen", str(arguments.listen)]
    command += [] if arguments.program is None else ["--command", arguments.program]
    return asyncio.run(cancel_on_sigterm(_test(target, options, arguments, command, work)))


def _target(
    parser: argparse.ArgumentParser,
    arguments: argparse.Namespace,
    words: tuple[str, ...] | None,
    chosen: Sequence[Case],
) -> ScuTarget:
    """Return the address at which to wait for the SCU, and the way to start it; ``words`` is its command."""
    by_port = {}
    if arguments.ports is not None:
        ids = [PLAIN, *(case.id for case in chosen if case.run is not None)]
        if not 0 < arguments.ports <= _HIGHEST_PORT + 1 - len(ids):
            parser.error(f"--ports needs {len(ids)} ports from the given one on, all between 1 and {_HIGHEST_PORT}")
        by_port = {arguments.ports + number: case_id for number, case_id in enumerate(ids)}
    tls = server_tls(parser, arguments)
    if tls is not None and not isinstance(tls, ssl.SSLContext):
        parser.error("verify supports only --tls-profile B.12")
    return ScuTarget(
        host=arguments.bind or (_ALL if words is None else _LOOPBACK),
        tls=tls,
        files=_files(parser, arguments),
        port=arguments.listen,
        called=arguments.called,
        patience=arguments.patience,
        idle=arguments.idle,
        program=None if words is None else Command(words),
        by_port=by_port,
    )


def _files(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> TLSFiles:
    """Return the PEM files of the TLS options. End with a usage error for an unusable file."""
    given = (arguments.tls_cert, arguments.tls_key, arguments.tls_expired, arguments.tls_other_host)
    certificate, key, expired, other_host = (None if each is None else Path(each) for each in given)
    for path in filter(None, (expired, other_host)):
        try:
            tls_server(path)
        except OSError as exc:  # wrong usage, not the result of a case
            parser.error(f"{path}: {exc.strerror or exc}")
    return TLSFiles(certificate=certificate, key=key, expired=expired, other_host=other_host)


@dataclass(slots=True)
class _Guide:
    """A guide that tells the person who runs the SCU the next step, on stderr and over HTTP."""

    describe: Describe
    is_silent: bool
    by_port: Mapping[int, str]
    total: int  # the number of cases to judge
    waiting: dict[str, str] = field(default_factory=dict)  # instructions by case id
    done: dict[str, str] = field(default_factory=dict)  # verdicts by case id
    shown: str = ""

    def listens(self, host: str, port: int) -> None:
        """Say where the tester listens. If each case has its own port, the instructions name that port instead."""
        if not self.is_silent and not self.by_port:
            print(f"listening on {host}:{port}", file=sys.stderr, flush=True)

    def waits(self, case_id: str, case: Case | None, plain: Visit | None) -> None:
        """Record a case that waits for a connection."""
        if case is not None:
            self.waiting.pop(PLAIN, None)
        twice = "" if self.by_port or not case_id.startswith(_HANDSHAKE) else _TWICE
        self.waiting[case_id] = self.describe(plain) + twice
        self._show()

    def judged(self, result: Result) -> None:
        """Record a verdict."""
        self.waiting.pop(result.case.id, None)
        self.done[result.case.id] = result.verdict.value
        self._show()

    def _show(self) -> None:
        first = next(iter(self.waiting), "")
        if first and first != self.shown and not self.is_silent:
            self.shown = first
            port = next((f" on port {port}" for port, each in self.by_port.items() if each == first), "")
            done = f"{len(self.done)} of {self.total} cases done"
            print(escaped(f"waiting: {self.waiting[first]} ({first}{port}); {done}"), file=sys.stderr, flush=True)

    def status(self) -> dict[str, object]:
        """Return the next step, the waiting cases, the verdicts so far, and the number of cases."""
        first = next(iter(self.waiting), None)
        ports = {case_id: port for port, case_id in self.by_port.items()}
        return {
            "next": first,
            "do": None if first is None else self.waiting[first],
            "waiting": [{"id": each, "port": ports.get(each)} for each in self.waiting],
            "done": self.done,
            "total": self.total,
        }

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one HTTP request with the status."""
        try:
            async with asyncio.timeout(5):
                await reader.readuntil(b"\r\n\r\n")
            body = json.dumps(self.status()).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the request cannot be read, or its sender has gone: no answer
        finally:
            writer.close()


async def _test(
    target: ScuTarget, options: Options, arguments: argparse.Namespace, command: list[str], work: _Work
) -> int:
    expected = read_baseline(arguments)
    make_folder(arguments)
    earlier = read_report(arguments.report / "report.json") if arguments.resume else None
    done = () if earlier is None else judged_cases(earlier)
    total = sum(options.selects(case.id) and case.id not in done for case in work.cases)
    run, guide = Run(), _Guide(work.describe, target.program is not None, target.by_port, total)
    progress = Progress(total) if guide.is_silent else None  # for a person, the guide prints the count

    def show(result: Result) -> None:
        guide.judged(result)
        print_result(result, is_json=arguments.json, trace=arguments.trace, progress=progress)

    try:
        async with _answering(guide, arguments.http):
            await verify_scu(
                target,
                work.cases,
                options,
                service=work.service,
                run=run,
                on_result=show,
                on_waiting=guide.waits,
                on_listening=lambda port: guide.listens(target.host, port),
                done=done,
            )
    except asyncio.CancelledError:
        run.stopped = run.stopped or "interrupted"
        raise
    finally:
        if progress is not None:
            progress.clear()
        report = document(run, target, options, command, Role.SCU)
        report = report if earlier is None else joined(report, earlier)
        finish(arguments, run, report, options)
    if expected is not None:
        return compare_with_baseline(run, report, expected, options)
    return max(run.exit_status(strict=options.strict), int(report["exit"]))


@asynccontextmanager
async def _answering(guide: _Guide, port: int | None) -> AsyncIterator[None]:
    """Answer HTTP requests on ``port`` for the time of the block, and say where; do nothing if ``port`` is None."""
    if port is None:
        yield
        return
    try:
        server = await asyncio.start_server(guide.answer, _LOOPBACK, port, limit=_MAX_HTTP)
    except OSError as exc:
        raise listening_failed(exc, _LOOPBACK, port) from exc
    port = server.sockets[0].getsockname()[1]
    print(f"the next step is at http://{_LOOPBACK}:{port}/", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        server.close()
