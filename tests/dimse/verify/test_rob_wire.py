"""The verdicts of cases that attack a peer below the print services."""

import asyncio
import random
from dataclasses import replace

import pytest
from hurried import run_hurried
from judged import judged
from twin import HOST, Line, Twin

from dimse.ul import PDU, AssociateAC, AssociateRJ, AssociateRQ, MaximumLength
from dimse.verify import Peer, Target, Unprepared, Verdict
from dimse.verify.cases import rob_wire
from dimse.verify.observation import RELEASED, Seen
from dimse.verify.trace import CaseTrace

P_DATA = 0x04


def busy(*, is_silent: bool) -> Twin:
    """Return a peer that is occupied by half a P-DATA-TF: it then rejects associations, or answers nothing."""
    halves: list[Line] = []  # the connections that wait for the rest of a PDU

    def reads(line: Line, octets: bytes) -> bool:
        is_half = octets[0] == P_DATA and len(octets) < 6 + int.from_bytes(octets[2:6], "big")
        if is_half:
            halves.append(line)
        return is_half or (is_silent and bool(halves))

    def accepts(ac: AssociateAC, _: AssociateRQ) -> PDU:
        return AssociateRJ(2, 3, 2) if halves else ac

    def lost(line: Line) -> None:
        halves[:] = [one for one in halves if one is not line]

    return Twin(reads=reads, accepts=accepts, lost=lost)


@pytest.mark.parametrize(
    ("is_silent", "verdict", "probe"), [(False, Verdict.INFO, "PROBE RJ"), (True, Verdict.WEAK, "PROBE dead")]
)
def test_half_a_pdu_alone_is_judged_by_the_probe(is_silent: bool, verdict: Verdict, probe: str) -> None:
    result = run_hurried(judged("ROB-1.12", busy(is_silent=is_silent)))
    assert result.verdict is verdict
    assert probe in result.reason


def test_maximum_length_without_room_for_a_fragment_is_reported() -> None:
    twin = Twin(accepts=lambda ac, _: replace(ac, user_information=(MaximumLength(4),)))
    result = run_hurried(judged("ROB-1.06", twin))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "Maximum Length, 4, leaves no room" in result.reason


async def test_association_without_connection_leaves_no_other_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, ended = list[int](), list[int]()

    async def echo_once(_peer: Peer) -> Seen:
        number = len(begun)
        begun.append(number)
        if number == 50:  # the first of ten at once
            raise Unprepared("no connection")
        for _ in range(9):  # longer than `gather` takes to raise
            await asyncio.sleep(0)
        ended.append(number)
        return RELEASED

    monkeypatch.setattr(rob_wire, "_echo_once", echo_once)
    trace = CaseTrace(asyncio.get_running_loop().time)
    with pytest.raises(Unprepared):
        await rob_wire.many_associations(Peer(Target(host=HOST, port=0), trace, random.Random(1), "test"))
    assert len(ended) == len(begun) - 1
