"""What the tester itself sends keeps the rules by which it judges a peer, wherever a case is about something else."""

from collections.abc import Callable

import pytest
from print_twins import Wrong
from printers import printer
from wrong_printers import judge

from dimse.ul import PDUStream
from dimse.verify import CASES, Verdict
from dimse.verify.invariants import Invariants
from print_mgmt.verify import PRINT_CASES

BY_ID = {case.id: case for case in (*CASES, *PRINT_CASES)}
RULES = ("UL-P-2.03", "DIMSE-1.02", "DIMSE-1.03", "DIMSE-1.04", "ENC-1.04", "UL-A-1.08")


class Mirror(Invariants):
    """An observer that judges the tester's PDUs, as if the peer had sent them."""

    def connected(self, case_id: str) -> tuple[Callable[[bytes], None], Callable[[bytes], None]]:
        sent, received = super().connected(case_id)
        stream = PDUStream(0, 0)

        def from_tester(octets: bytes) -> None:
            for pdu in stream.feed(octets):
                received(bytes(pdu))

        return from_tester, sent


@pytest.mark.parametrize("case_id", ["UL-A-1.01", "ENC-1.01", "ENC-1.02", "PRN-L-1.07", "PRN-L-1.08", "PRN-E-1.01"])
async def test_tester_keeps_its_own_rules(case_id: str) -> None:
    watch = Mirror()
    async with printer() as (server, _):
        result = await judge(server.port, Wrong(), watch).run(BY_ID[case_id])
    assert result.verdict is Verdict.PASS, result.reason
    found = {rule: watch.judge(BY_ID[rule]) for rule in RULES}
    seen = {rule: each.reason for rule, each in found.items() if each.subcases and each.verdict is not Verdict.PASS}
    assert seen == {}
    assert found["UL-P-2.03"].verdict is Verdict.PASS
