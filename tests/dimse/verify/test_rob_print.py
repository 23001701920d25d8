"""The verdicts of cases that attack a print service."""

import pytest
from judged import judged
from twin import Line, Twin

from dimse.ul import PDU, AssociateAC, AssociateRJ, AssociateRQ, State
from dimse.verify import Verdict

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
