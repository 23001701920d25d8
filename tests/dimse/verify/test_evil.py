"""The tester against evil peers: no case hangs, blames the tester, or exhausts its memory."""

import asyncio
from dataclasses import replace

from evil import WAYS, Plan, echo_forever, evil_printer
from evil_runs import judge_evil_scp, judge_evil_scu
from hurried import run_hurried
from hypothesis import given, settings
from hypothesis import strategies as st
from twin import HOST, Twin, serving

from dimse.ul import PDV, PDataTF, ReleaseRP, encode_pdu
from dimse.verify import CASES, Case, Flags, Options, Peer, Role, Run, SubCase, Target, Unprepared, verify_scp
from dimse.verify.allowance import MAX_PDVS, Allowance
from dimse.verify.flags import find_facts
from dimse.verify.invariants import Invariants
from dimse.verify.observation import Broken, Closed, Garbled, Seen, without_data
from dimse.verify.peer import Watch
from dimse.verify.result import ENDLESS
from dimse.verify.scu import SCU_CASES, ScuPeer, ScuTarget, verify_scu
from dimse.verify.trace import CaseTrace
from dimse.verify.wire import Wire
from print_mgmt.verify.scu import PlainPrinter

SCP_CASES = [case for case in CASES if case.role is not Role.SCU and case.run is not None]
ACTIVE_SCU_CASES = [case for case in SCU_CASES if case.run is not None]
FEW = settings(max_examples=max(1, settings().max_examples // 5))
PLANS = st.builds(Plan, st.sampled_from(WAYS), st.sampled_from((0, 0, 1, 1, 2, 3, 5)), st.integers(0, 2**32 - 1))


@FEW
@given(st.sampled_from(SCP_CASES), PLANS)
def test_evil_scp_causes_no_error_of_the_tester(case: Case, plan: Plan) -> None:
    judge_evil_scp(case, plan, Options())


@FEW
@given(st.sampled_from(ACTIVE_SCU_CASES), PLANS)
def test_evil_scu_causes_no_error_of_the_tester(case: Case, plan: Plan) -> None:
    judge_evil_scu(case, plan, PlainPrinter)


def test_run_ends_if_no_case_does() -> None:
    async def wait(peer: Peer) -> Seen:
        await asyncio.Event().wait()
        return await (await peer.connect()).next()

    async def verify() -> Run:
        endless = [replace(case, run=wait, subcases=()) for case in SCP_CASES if case.id.startswith("UL-P-1")]
        async with serving(Twin()) as port:
            return await verify_scp(Target(host=HOST, port=port), endless)

    run = run_hurried(verify())
    assert (run.stopped, len(run.results)) == (ENDLESS, 3)


def test_facts_are_found_in_time() -> None:
    async def find() -> float:
        async with evil_printer(Plan("drip events", 1, 1)) as port:
            clock = asyncio.get_running_loop().time
            start = clock()
            await find_facts(Target(host=HOST, port=port), Options(), Watch(), Flags.PRINT | Flags.TWO_ASSOC)
            return clock() - start

    assert run_hurried(find()) < 400


def test_endless_scu_ends_the_plain_scenario() -> None:
    async def endless(values: object) -> object:
        return await echo_forever({**values, "case": "UL-A-7.01"})  # type: ignore[dict-item]

    run = run_hurried(verify_scu(ScuTarget(program=endless), SCU_CASES, service=PlainPrinter))  # type: ignore[arg-type]
    assert run.stopped == "the plain scenario failed: the SCU went on for longer than 1800 s"


def test_endless_scu_ends_the_run() -> None:
    target = ScuTarget(program=echo_forever)
    run = run_hurried(verify_scu(target, SCU_CASES, Options(cases=("UL-F-*",)), service=PlainPrinter))
    assert (run.stopped, run.is_unjudged) == (ENDLESS, True)


def test_case_stays_endless_after_a_sub_case_that_ends() -> None:
    async def go_on(peer: ScuPeer) -> Seen:
        await peer.visit({})
        raise AssertionError("the visit ended")

    async def end(_peer: ScuPeer) -> Seen:
        raise Unprepared("the SCU did not connect")

    (plain,) = (case for case in SCU_CASES if case.id == "UL-A-7.01")
    case = replace(plain, run=go_on, subcases=(SubCase(name="ends", run=end),))
    run = run_hurried(verify_scu(ScuTarget(program=echo_forever), [case], service=PlainPrinter))
    assert [result.is_endless for result in run.results] == [True]


# --- bounds of memory ---


def wire_of(allowance: Allowance | None = None) -> Wire:
    """Return a wire without a connection."""
    return Wire(1, CaseTrace(lambda: 0.0), 1.0, lambda _: None, lambda _: None, allowance)


async def test_too_many_octets_are_garbled() -> None:
    wire = wire_of(Allowance(octets=10))
    wire.data_received(bytes(11))
    assert await wire.next() == Garbled("more octets than the tester accepts")


async def test_too_many_pdus_are_garbled() -> None:
    wire = wire_of(Allowance(pdus=2))
    wire.data_received(b"".join(encode_pdu(ReleaseRP())) * 5)
    assert [await wire.next() for _ in range(3)][-1] == Garbled("more PDUs than the tester accepts")


async def test_too_many_pdvs_are_garbled() -> None:
    wire = wire_of()
    wire.data_received(b"".join(encode_pdu(PDataTF((PDV(1, b"", True, False),) * (MAX_PDVS + 1)))))
    assert isinstance(await wire.next(), Garbled)


async def test_long_associate_ac_is_garbled() -> None:
    wire = wire_of()
    wire.data_received(b"\2\0\xff\xff\xff\xf0")
    assert isinstance(await wire.next(), Garbled)


def test_trace_keeps_a_bounded_part() -> None:
    trace = CaseTrace(lambda: 0.0)
    for _ in range(20_000):
        trace.octets(1, "<", bytes(4096))
    assert sum(len(entry.data) for entry in trace.entries) < 2 << 20


def test_invariant_keeps_a_bounded_number_of_findings() -> None:
    watch = Invariants()
    _, received = watch.connected("X")
    for number in range(1000):
        received(b"\7\0" + (4 + number).to_bytes(4, "big") + bytes(4 + number))
    case = next(case for case in CASES if case.id == "UL-A-1.08")
    assert len(watch.judge(case).subcases[0].observed) <= 201


def test_observation_without_data_keeps_its_text() -> None:
    assert without_data((Broken("x"), Closed("FIN"))) == (Broken("x"), Closed("FIN"))
