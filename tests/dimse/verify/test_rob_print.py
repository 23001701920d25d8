"""The verdicts of cases that attack a print service."""

from itertools import repeat

import pytest
from judged import judged
from twin import Line, Twin

from dimse.ul import PDU, PDV, AssociateAC, AssociateRJ, AssociateRQ, PDataTF, State
from dimse.verify import Verdict
from dimse.verify.cases.rob_print import half

pytestmark = pytest.mark.skips_waits


async def test_peer_that_rejects_after_a_reset_is_not_dead() -> None:
    lost: list[Line] = []

    def remember(line: Line) -> None:
        if line.state is State.Sta6:
            lost.append(line)

    def accepts(ac: AssociateAC, _: AssociateRQ) -> PDU:
        return AssociateRJ(2, 3, 1) if lost else ac

    result = await judged("ROB-1.11", Twin(lost=remember, accepts=accepts))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert not result.is_damaged


async def test_half_of_a_message_needs_only_its_pdus() -> None:
    pdu = PDataTF((PDV(1, b"\1\2", False, False),))
    assert list(half(repeat(pdu), 100)) == 4 * [bytes.fromhex("0400 00000008 00000004 01 00 0102")]
