"""The verdicts of cases about the fields of an A-ASSOCIATE-RQ."""

from dataclasses import replace

import pytest
from judged import judged
from twin import Twin

from dimse.ul import PDU, AssociateAC, AssociateRQ
from dimse.verify import Verdict

pytestmark = pytest.mark.skips_waits


@pytest.mark.parametrize(("result", "verdict"), [(3, Verdict.PASS), (4, Verdict.INCONCLUSIVE)])
async def test_context_refused_for_reserved_bytes_does_not_pass(result: int, verdict: Verdict) -> None:
    def accepts(ac: AssociateAC, rq: AssociateRQ) -> PDU:
        contexts = tuple(replace(each, result=result) for each in ac.presentation_contexts)
        return replace(ac, presentation_contexts=contexts) if any(rq.reserved) else ac

    assert (await judged("UL-A-2.04", Twin(accepts=accepts))).verdict is verdict
