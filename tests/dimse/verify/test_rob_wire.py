"""The verdicts of cases that attack a peer below the print services."""

from dataclasses import replace

import pytest
from hurried import run_hurried
from twin import HOST, Line, Twin, serving

from dimse.ul import PDU, AssociateAC, AssociateRJ, AssociateRQ, MaximumLength
from dimse.verify import CASES, Options, Result, Target, Verdict, verify_scp

P_DATA = 0x04


def judged(case_id: str, twin: Twin) -> Result:
    """Return the result of a run of one case."""

    async def run() -> Result:
        async with serving(twin) as port:
            chosen = [case for case in CASES if case.id == case_id]
            (result,) = (await verify_scp(Target(host=HOST, port=port), chosen, Options())).results
        return result

    return run_hurried(run())


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
    result = judged("ROB-1.12", busy(is_silent=is_silent))
    assert result.verdict is verdict
    assert probe in result.reason


def test_maximum_length_without_room_for_a_fragment_is_told() -> None:
    twin = Twin(accepts=lambda ac, _: replace(ac, user_information=(MaximumLength(4),)))
    result = judged("ROB-1.06", twin)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "Maximum Length, 4, leaves no room" in result.reason
