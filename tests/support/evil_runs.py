"""Runs of the tester against evil peers, on a clock that jumps, with checks of each result."""

import xml.etree.ElementTree as ET
from collections.abc import Iterable

from evil import HOSTILE, Plan, evil_printer, evil_program
from hurried import run_hurried

from dimse.verify import Case, Flags, Options, Result, Run, Target, Verdict
from dimse.verify.case import MakeListener
from dimse.verify.invariants import Invariants
from dimse.verify.judge import Judge, max_seconds
from dimse.verify.report import document, junit, page
from dimse.verify.scu import MakeService, ScuTarget, verify_scu
from dimse.verify.shared import Shared

__all__ = ["check_run", "judge_evil_scp", "judge_evil_scu"]

_HOST = "127.0.0.1"
_MOST_OCTETS = 4 << 20  # of the trace of one case
_VISIT = 600.0  # seconds
_LESS = Flags.COLOR_META | Flags.PLUT | Flags.ANNOTATION | Flags.JOBS | Flags.CONFIG | Flags.TLS | Flags.CLIENT_CERT
_FILMS = 20
_REVIVAL = 2.0  # seconds: each probe of a dead peer costs real time


def judge_evil_scp(case: Case, plan: Plan, options: Options, makers: Iterable[MakeListener] = ()) -> None:
    """Run a case against an evil SCP, and check the result."""
    target, run = Target(host=_HOST, port=0), Run()

    async def judge() -> None:
        nonlocal target
        async with evil_printer(plan) as port:
            target = Target(host=_HOST, port=port, revival=_REVIVAL)
            judge = Judge(
                target=target,
                options=options,
                watch=Invariants(makers),
                flags=~_LESS,
                shared=Shared(films_left=_FILMS),
            )
            run.results.append(await judge.run(case))

    run_hurried(judge())
    assert run.results[0].seconds <= max_seconds(case, target)
    check_run(run, target, options)


def judge_evil_scu(case: Case, plan: Plan, service: MakeService) -> None:
    """Run a case against an evil SCU, and check the result."""
    target = ScuTarget(program=evil_program(plan), longest_visit=_VISIT)
    run = run_hurried(verify_scu(target, [case], service=service))
    check_run(run, target, Options())
    assert run.results, run.stopped
    assert all(result.seconds <= 2 * len(case.all_subcases()) * (_VISIT + 1) for result in run.results)


def check_run(run: Run, target: Target | ScuTarget, options: Options) -> None:
    """Check that no result blames the tester, and that the reports are bounded and well formed."""
    for result in run.results:
        assert isinstance(result.verdict, Verdict)
        assert result.verdict is not Verdict.ERROR, result.reason
        assert _traced(result) < _MOST_OCTETS
    report = document(run, target, options, ["verify"])
    shown = page([report])
    shown.encode()
    assert HOSTILE[0] not in shown
    assert "\x1b" not in shown
    ET.fromstring(junit(report))


def _traced(result: Result) -> int:
    return 0 if result.trace is None else sum(len(entry.data) for entry in result.trace.entries)
