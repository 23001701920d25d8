"""The judge: second tries, full peers, faults of the tester, peers that are dead afterwards."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from twin import HOST, Line, Twin, serving
from twins.common import ASSOCIATE_RQ, UNKNOWN, answers, ignores

from dimse.ul import AssociateRJ, MaximumLength, State
from dimse.verify import CASES, Case, Flags, Level, Options, Peer, Result, SubCase, Target, Unprepared, Verdict
from dimse.verify.invariants import Invariants
from dimse.verify.judge import Judge
from dimse.verify.observation import ALIVE, DEAD, SILENCE, Accepted, Observation, Seen, Silent, Then

pytestmark = pytest.mark.skips_waits

QUICK = Target(host=HOST, port=0, timeout=0.05, artim=0.1, revival=0.1, preparation=5.0)
BY_ID = {case.id: case for case in CASES}


async def judged(case: Case, twin: Twin) -> Result:
    async with serving(twin) as port:
        judge = Judge(target=replace(QUICK, port=port), options=Options(), watch=Invariants(), flags=Flags.NONE)
        return await judge.run(case)


def answers_from_the_second_on(answer: Callable[[Line], None]) -> Twin:
    """Return a peer that does not answer the first unknown PDU, and all others by ``answer``."""
    heard: list[bytes] = []

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != UNKNOWN:
            return False
        heard.append(pdu)
        if len(heard) > 1:
            answer(line)
        return True

    return Twin(hears=hears)


def case_of(run: Callable[[Peer], object], **more: object) -> Case:
    values = {"id": "T-1.01", "title": "a case", "section": "none", "level": Level.MUST, "run": run} | more
    return Case(**values)  # type: ignore[arg-type]  # fields of Case


async def test_silence_is_tried_a_second_time() -> None:
    result = await judged(
        BY_ID["UL-F-2.05"], answers_from_the_second_on(lambda line: line.send(bytes.fromhex("07000000000400000201")))
    )
    assert result.verdict is Verdict.PASS
    assert result.subcases[0].first == (Silent(),)


async def test_silence_twice_fails() -> None:
    result = await judged(BY_ID["UL-F-2.05"], ignores(UNKNOWN))
    assert result.verdict is Verdict.FAIL
    assert result.reason == "expected ABORT(2,*); got SILENCE (nothing within 0.15 s)"


async def test_full_peer_does_not_fail() -> None:
    result = await judged(BY_ID["UL-A-5.04"], answers(ASSOCIATE_RQ, AssociateRJ(2, 3, 2), State.Sta2))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith("the peer is full")


async def test_permanent_rejection_fails() -> None:
    result = await judged(BY_ID["UL-A-5.04"], answers(ASSOCIATE_RQ, AssociateRJ(1, 1, 1), State.Sta2))
    assert result.verdict is Verdict.FAIL


async def test_refused_preparation_is_inconclusive() -> None:
    result = await judged(BY_ID["UL-F-2.05"], answers(ASSOCIATE_RQ, AssociateRJ(1, 1, 1), State.Sta2))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason == "the association was not accepted: RJ(1,1,1)"


async def test_fault_of_the_tester_is_an_error() -> None:
    async def run(_: Peer) -> Seen:
        raise ZeroDivisionError("oops")

    result = await judged(case_of(run), Twin())
    assert result.verdict is Verdict.ERROR
    assert result.reason == "the tester failed: ZeroDivisionError: oops"


async def test_maximum_length_without_room_is_inconclusive() -> None:
    async def run(peer: Peer) -> Seen:
        return await peer.echo(await peer.associate())

    twin = Twin(accepts=lambda answer, _: replace(answer, user_information=(MaximumLength(7),)))
    result = await judged(case_of(run), twin)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "Maximum-length-received 7 leaves no room for a fragment" in result.reason


async def test_unknown_observation_is_inconclusive() -> None:
    async def run(peer: Peer) -> Seen:
        return (await peer.ask())[1]

    result = await judged(case_of(run, passes=(SILENCE,)), Twin())
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason == "expected SILENCE; got AC(1=0), which the catalogue does not list"


async def test_worst_sub_case_is_the_verdict() -> None:
    async def run(peer: Peer) -> Seen:
        return (await peer.ask())[1]

    sub = SubCase(name="wrong", run=run, passes=(SILENCE,), fails=(Accepted(),))
    result = await judged(case_of(run, passes=(Accepted(),), subcases=(sub,)), Twin())
    assert [each.verdict for each in result.subcases] == [Verdict.PASS, Verdict.FAIL]
    assert result.verdict is Verdict.FAIL
    assert result.reason.startswith("wrong: ")


async def test_unimplemented_feature_is_not_a_failure() -> None:
    async def run(_: Peer) -> Seen:
        raise Unprepared("no such class", Verdict.UNIMPLEMENTED)

    assert (await judged(case_of(run), Twin())).verdict is Verdict.UNIMPLEMENTED


async def test_peer_that_is_dead_afterwards_is_damaged() -> None:
    dead: list[bytes] = []

    def reads(_: Line, octets: bytes) -> bool:
        dead.extend([octets] if octets[0] == UNKNOWN else [])
        return bool(dead)

    result = await judged(BY_ID["UL-F-1.08"], Twin(reads=reads))
    assert result.is_damaged
    assert result.is_failure


async def test_peer_that_comes_back_is_not_damaged() -> None:
    async def run(_: Peer) -> Observation:
        return (DEAD, ALIVE)

    result = await judged(case_of(run, passes=(Then(DEAD, ALIVE),), risky=True), Twin())
    assert (result.verdict, result.is_damaged) == (Verdict.PASS, False)


async def test_same_seed_sends_the_same_octets() -> None:
    sent = []
    for _ in range(2):
        result = await judged(BY_ID["UL-P-1.05"], Twin())
        assert result.trace is not None
        sent.append([entry.data for entry in result.trace.entries if entry.direction == ">"])
    assert sent[0] == sent[1]


async def test_echo_response_may_name_verification() -> None:
    """DIMSE-1.08 asks for another class; PS3.7 Table 9.3-13 lets a response name another class."""
    named = b"1.2.840.10008.1.1\0"

    def echoes(command: bytes) -> bytes:
        elements = command[12:]
        length = int.from_bytes(elements[4:8], "little")
        changed = elements[:4] + len(named).to_bytes(4, "little") + named + elements[8 + length :]
        return command[:8] + len(changed).to_bytes(4, "little") + changed

    watch = Invariants()
    async with serving(Twin(echoes=echoes)) as port:
        judge = Judge(target=replace(QUICK, port=port), options=Options(), watch=watch, flags=Flags.ECHO)
        await judge.run(BY_ID["DIMSE-1.08"])
    assert watch.judge(BY_ID["DIMSE-1.03"]).verdict is not Verdict.FAIL
