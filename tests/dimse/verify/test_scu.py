"""A run against an SCU: its command, people who come by title or by port, the plain scenario, and resuming."""

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hurried import run_hurried
from peers import free_port
from wrong_scus import Wrong, program, proposal

from dimse.cli.commands import command
from dimse.uids import Verification
from dimse.ul import AssociateRQ, MaximumLength
from dimse.verify import Case, Flags, Level, Options, Result, Role, Run, Verdict
from dimse.verify.observation import RULE_BROKEN, Broken, Seen
from dimse.verify.report import document, joined, judged_cases
from dimse.verify.scu import (
    PLAIN,
    SCU_CASES,
    Command,
    EchoService,
    Ended,
    ScuPeer,
    ScuTarget,
    split_command,
    verify_scu,
    visit,
)
from dimse.verify.scu.program import filled

HOST = "127.0.0.1"
P_DATA = 0x04
NO_ROOM = "Maximum-length-received 7 leaves no room for a fragment"
ECHO = f"{sys.executable} -m dimse echo {{ae}}@{{host}}:{{port}}"


async def echo_once(port: int, called: str = "ANY") -> None:
    await program(Wrong(step=lambda scu: scu.echo()))({"host": HOST, "port": str(port), "ae": called, "case": ""})


async def echoing(target: ScuTarget, *cases: str) -> Run:
    return await verify_scu(target, SCU_CASES, Options(cases=cases), service=EchoService)


async def test_command_is_run_once_for_each_step() -> None:
    run = await echoing(ScuTarget(program=Command(split_command(ECHO))), "UL-A-7.01", "UL-A-8.01")
    assert [result.verdict for result in run.results] == [Verdict.PASS, Verdict.PASS]
    assert run.facts.flags == Flags.SCU | Flags.COMMAND


async def test_command_that_cannot_start_is_not_judged() -> None:
    run = await echoing(ScuTarget(program=Command(("/no/such/program",))), "UL-A-7.01")
    assert (run.exit_status(), run.results) == (3, [])
    reason = "the command did not start: /no/such/program: No such file or directory"
    assert run.stopped == f"the plain scenario failed: {reason}"


async def test_system_error_in_the_plain_scenario_is_not_blamed_on_the_command() -> None:
    class FailingService(EchoService):
        def __init__(self, random: Random) -> None:  # noqa: ARG002
            raise OSError(28, "No space left on device")

    target = ScuTarget(program=Command(split_command(ECHO)))
    run = await verify_scu(target, SCU_CASES, Options(cases=("UL-A-7.01",)), service=FailingService)
    reason = "the tester failed: OSError: [Errno 28] No space left on device"
    assert run.stopped == f"the plain scenario failed: {reason}"


async def test_system_error_in_a_case_is_an_error_of_the_tester() -> None:
    async def fail(_peer: ScuPeer) -> Seen:
        raise OSError(28, "No space left on device")

    cases = [replace(case, run=fail, subcases=()) for case in SCU_CASES if case.id == "UL-A-7.01"]
    run = await verify_scu(ScuTarget(program=Command(split_command(ECHO))), cases, service=EchoService)
    reason = "the tester failed: OSError: [Errno 28] No space left on device"
    assert [(result.verdict, result.reason) for result in run.results] == [(Verdict.ERROR, reason)]


async def test_plain_scenario_that_fails_is_not_judged() -> None:
    async def nothing(_values: Mapping[str, str]) -> Ended:
        return Ended(exit=1)

    run = await echoing(ScuTarget(program=nothing), "UL-A-7.01")
    assert run.exit_status() == 3
    assert "the SCU did not connect" in run.stopped


async def test_command_is_killed_after_the_patience() -> None:
    words = (sys.executable, "-c", "import time; time.sleep(600)")
    run = await echoing(ScuTarget(program=Command(words), patience=0.2), "UL-A-7.01")
    assert run.is_unjudged


async def test_cancellation_while_the_command_ends_is_not_lost() -> None:
    is_ending = asyncio.Event()

    async def run(_values: Mapping[str, str]) -> Ended:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:  # as a command that goes on after SIGTERM
            is_ending.set()
            await asyncio.Event().wait()
        raise AssertionError

    tester = asyncio.ensure_future(echoing(ScuTarget(program=run, patience=0.01), "UL-A-7.01"))
    await is_ending.wait()
    tester.cancel()
    with pytest.raises(asyncio.CancelledError):
        await tester


def test_trace_of_an_endless_visit_says_that_the_command_was_killed() -> None:
    async def run(values: Mapping[str, str]) -> Ended:
        ended: Ended = await program(Wrong(step=lambda scu: scu.echo()))(values)
        if values["case"] != PLAIN:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return Ended(was_killed=True)
        return ended

    found = run_hurried(echoing(ScuTarget(program=run, patience=100.0, longest_visit=50.0), "UL-A-8.02"))
    (result,) = found.results
    assert result.is_endless
    assert result.trace is not None
    assert "the command was killed" in [entry.note for entry in result.trace.entries]


async def test_scu_that_goes_on_without_end_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "_MAX_EVENTS", 2)
    run = await echoing(ScuTarget(program=program(Wrong(step=lambda scu: scu.echo())), patience=0.2), "UL-A-7.01")
    assert run.stopped == "the plain scenario failed: the SCU went on after 2 events on one connection"


async def test_run_says_on_which_port_it_listens() -> None:
    heard, given = list[int](), list[int]()

    async def does_nothing(values: Mapping[str, str]) -> Ended:
        given.append(int(values["port"]))
        return Ended(exit=0)

    await verify_scu(ScuTarget(program=does_nothing), SCU_CASES, on_listening=heard.append)
    assert heard == given


async def test_called_title_names_the_case() -> None:
    port, seen, news = free_port(), list[str](), asyncio.Event()

    def on_waiting(case_id: str, *_: object) -> None:
        if case_id in (PLAIN, "UL-F-5.06"):
            news.set()

    def on_result(result: Result) -> None:
        seen.append(result.case.id)
        news.set()

    chosen = [case for case in SCU_CASES if case.id in ("UL-A-7.01", "UL-F-5.01", "UL-F-5.06")]
    target = ScuTarget(port=port, idle=0.05)
    async with asyncio.TaskGroup() as group:
        group.create_task(verify_scu(target, chosen, on_result=on_result, on_waiting=on_waiting))
        for title in ("ANY", "UL-F-5.06", "ANY"):
            await news.wait()
            news.clear()
            await echo_once(port, title)
    assert seen == ["UL-A-7.01", "UL-F-5.06", "UL-F-5.01"]


async def test_failure_stops_cases_that_wait_at_once() -> None:
    port = free_port()

    async def fail(_: ScuPeer) -> Seen:
        return Broken("wrong")

    async def wait(_: ScuPeer) -> Seen:
        await asyncio.Event().wait()
        raise AssertionError

    cases = [
        Case(id=case_id, title="", section="", level=Level.MUST, role=Role.SCU, run=run, fails=(RULE_BROKEN,))
        for case_id, run in (("X-1.01", wait), ("X-1.02", fail))
    ]
    opened, target = asyncio.Event(), ScuTarget(port=port, idle=0.05)
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        testing = group.create_task(
            verify_scu(target, cases, Options(stop_after=1), on_listening=lambda _: opened.set())
        )
        await opened.wait()
        await echo_once(port)
    run = testing.result()
    assert ([result.case.id for result in run.results], run.stopped) == (["X-1.02"], "stopped after 1 failure")


def test_resumed_report_has_the_cases_of_both() -> None:
    async def run(glob: str) -> dict[str, object]:
        target = ScuTarget(program=Command(split_command(ECHO)))
        return document(await echoing(target, glob), target, Options(), ["verify"])

    async def both() -> tuple[dict[str, object], dict[str, object]]:
        return await run("UL-A-7.01"), await run("UL-A-7.02")

    earlier, later = asyncio.run(both())
    report = joined(later, earlier)
    assert list(judged_cases(report)) == ["UL-A-7.01", "UL-A-7.02"]
    assert report["counts"]["PASS"] == 2


def test_names_in_braces_are_replaced_in_a_command() -> None:
    words = split_command("scu {host}:{port} '{\"a\": 1}' {{case}} {case}")
    values = {"host": "127.0.0.1", "port": "104", "case": "UL-A-7.01"}
    assert filled(words, values) == ("scu", "127.0.0.1:104", '{"a": 1}', "{case}", "UL-A-7.01")


def test_unknown_name_in_braces_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command(["verify", "scu", "--command", "dcmprscu -c {config} film.dcm"])()
    assert capsys.readouterr().err.splitlines()[-1] == (
        "dimse verify scu: --command: {config} is not one of {host}, {port}, {ae}, {case}, {seed}, {dir}; "
        "write {{config}} for the text itself (see dimse verify scu --help)"
    )


def test_command_line_writes_a_report(tmp_path: Path) -> None:
    words = ["verify", "scu", "--command", ECHO, "--case", "UL-A-7.*", "--report", str(tmp_path)]
    assert command(words)() == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["run"]["role"] == "SCU"
    assert {case["verdict"] for case in report["cases"]} == {"PASS"}


def echoing_with(change: Callable[[AssociateRQ], AssociateRQ], *cases: str) -> ScuTarget:
    """Return an SCU that verifies, and changes its A-ASSOCIATE-RQ in these cases."""

    async def run(values: Mapping[str, str]) -> Ended:
        changed = change if values["case"] in cases else lambda request: request
        ended: Ended = await program(Wrong(step=lambda scu: scu.echo(), request=changed))(values)
        return ended

    return ScuTarget(program=run, patience=0.5)


def without_room(request: AssociateRQ) -> AssociateRQ:
    return replace(request, user_information=(MaximumLength(7),))


async def test_maximum_length_without_room_is_inconclusive() -> None:
    run = await echoing(echoing_with(without_room, "UL-P-3.02"), "UL-P-3.02")
    assert [(result.verdict, result.reason) for result in run.results] == [
        (Verdict.INCONCLUSIVE, f"the tester cannot talk to this peer: {NO_ROOM}")
    ]


async def test_maximum_length_without_room_stops_the_plain_scenario() -> None:
    run = await echoing(echoing_with(without_room, PLAIN), "UL-A-7.01")
    assert run.stopped == f"the plain scenario failed: the tester cannot talk to this peer: {NO_ROOM}"


@pytest.mark.parametrize("case_id", ["UL-P-3.07", "UL-A-8.09"])
async def test_scu_with_all_contexts_gets_an_even_one(case_id: str) -> None:
    full = dict.fromkeys(range(1, 256, 2), Verification)
    target = echoing_with(lambda request: proposal(request.called_ae_title, full), case_id)
    run = await echoing(target, case_id)
    assert not run.is_unjudged
    assert [result.verdict for result in run.results if result.verdict is Verdict.ERROR] == []


@pytest.mark.parametrize("case_id", ["UL-P-3.05", "UL-P-3.06"])
async def test_response_longer_than_the_scu_accepts_is_not_sent(case_id: str) -> None:
    def change(request: AssociateRQ) -> AssociateRQ:
        return replace(request, user_information=(MaximumLength(64),))

    run = await echoing(echoing_with(change, case_id), case_id)
    ((verdict, reason),) = [(result.verdict, result.reason) for result in run.results]
    assert verdict is Verdict.INCONCLUSIVE
    assert reason.startswith("the SCU's Maximum Length, 64, leaves no room for a P-DATA-TF of ")


async def test_slow_response_is_no_longer_than_the_scu_accepts() -> None:
    wrong = Wrong(
        step=lambda scu: scu.echo(),
        request=lambda request: replace(request, user_information=(MaximumLength(64),)),
        refuses=lambda pdu: pdu[0] == P_DATA and len(pdu) > 6 + 64,
    )
    run = await echoing(ScuTarget(program=program(wrong)), "ROB-2.04")
    assert [(result.verdict, result.reason) for result in run.results] == [
        (Verdict.PASS, "the operations of the plain scenario followed")
    ]


async def test_exit_status_of_a_killed_command_reports_nothing() -> None:
    async def run(values: Mapping[str, str]) -> Ended:
        ended: Ended = await program(Wrong(step=lambda scu: scu.echo()))(values)
        if values["case"] == PLAIN:
            return ended
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:  # as Java, which ends with status 143 after SIGTERM
            return Ended(exit=143, was_killed=True)
        raise AssertionError

    found = await echoing(ScuTarget(program=run, patience=0.2, longest_timer=0.5), "UL-A-8.02")
    assert [result.verdict for result in found.results] == [Verdict.WEAK]


async def test_silence_on_a_second_association_is_reported() -> None:
    async def run(values: Mapping[str, str]) -> Ended:
        await program(Wrong(step=lambda scu: scu.echo()))(values)
        is_plain = values["case"] == PLAIN
        wrong = Wrong(step=lambda scu: scu.echo(), hangs=lambda pdu: pdu[0] == P_DATA and not is_plain)
        ended: Ended = await program(wrong)(values)
        return ended

    found = await echoing(ScuTarget(program=run, patience=0.2, longest_timer=0.5), "UL-P-3.03")
    ((verdict, reason),) = [(result.verdict, result.reason) for result in found.results]
    assert verdict is Verdict.FAIL
    assert "SILENCE" in reason
