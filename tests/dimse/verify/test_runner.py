"""The order of a run: the cases that run beside others, and the effect of a bad verdict."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from twin import HOST, Line, Twin, serving

from dimse.verify import Case, Flags, Level, Options, Peer, Run, Target, Verdict, verify_scp
from dimse.verify.case import CaseRun
from dimse.verify.observation import CLOSED, RULE_KEPT, SILENCE, Kept, Seen
from dimse.verify.verdict import Close

pytestmark = pytest.mark.skips_waits


def case(number: int, run: CaseRun, needs: Flags = Flags.NONE) -> Case:
    return Case(id=f"UL-X-{number}", title="", section="", level=Level.MUST, needs=needs, run=run, passes=(RULE_KEPT,),
                fails=(SILENCE, CLOSED), close=Close.NONE)  # fmt: skip


class Waiting:
    """A slow case that waits until it is told to end; it counts how often it was started."""

    def __init__(self) -> None:
        self.started, self.end = asyncio.Event(), asyncio.Event()
        self.starts = 0

    async def run(self, _peer: Peer) -> Seen:
        self.starts += 1
        self.started.set()
        await self.end.wait()
        return Kept()


async def judged(cases: Sequence[Case], twin: Twin | None = None) -> Run:
    async with serving(twin or Twin()) as port:
        return await verify_scp(Target(host=HOST, port=port, timeout=5), cases, Options())


def verdicts(run: Run) -> list[tuple[str, Verdict]]:
    return [(each.case.id, each.verdict) for each in run.results]


async def test_slow_cases_run_beside_the_quick_ones() -> None:
    slow = Waiting()

    async def quick(_peer: Peer) -> Seen:
        await slow.started.wait()
        slow.end.set()
        return Kept()

    cases = [case(1, slow.run, Flags.SLOW), case(2, slow.run, Flags.SLOW), case(3, quick)]
    passed = Verdict.PASS
    assert verdicts(await judged(cases)) == [("UL-X-3", passed), ("UL-X-1", passed), ("UL-X-2", passed)]
    assert slow.starts == 2


@pytest.fixture
def slow_cases() -> tuple[Waiting, list[Case]]:
    slow = Waiting()
    return slow, [case(number, slow.run, Flags.SLOW) for number in (1, 2)]


async def test_bad_verdict_beside_slow_cases_is_not_final(slow_cases: tuple[Waiting, list[Case]]) -> None:
    slow, cases = slow_cases
    seen = [Kept(), CLOSED]

    async def disturbed(_peer: Peer) -> Seen:
        await slow.started.wait()
        if len(seen) == 1:
            slow.end.set()
        return seen.pop()

    run = await judged([*cases, case(3, disturbed)])
    assert verdicts(run)[0] == ("UL-X-3", Verdict.PASS)


async def test_bad_verdict_starts_the_slow_cases_again(slow_cases: tuple[Waiting, list[Case]]) -> None:
    slow, cases = slow_cases
    calls: list[Peer] = []

    async def broken(peer: Peer) -> Seen:
        await slow.started.wait()
        calls.append(peer)
        if len(calls) == 2:
            slow.end.set()
        return CLOSED

    run = await judged([*cases, case(3, broken)])
    assert verdicts(run)[0] == ("UL-X-3", Verdict.FAIL)
    assert slow.starts == 2 * len(cases)


async def test_cases_wait_only_beside_a_peer_with_room(slow_cases: tuple[Waiting, list[Case]]) -> None:
    slow, cases = slow_cases
    lines: set[int] = set()

    def connected(line: Line) -> None:
        lines.add(id(line))
        if len(lines) > 5:
            line.close()

    def lost(line: Line) -> None:
        lines.discard(id(line))

    async def quick(_peer: Peer) -> Seen:
        slow.end.set()
        return Kept() if not slow.starts else CLOSED

    twin = replace(Twin(), connected=connected, lost=lost)
    run = await judged([*cases, case(3, quick)], twin)
    assert verdicts(run)[0] == ("UL-X-3", Verdict.PASS)
