"""The verdicts of cases about the User Information Item."""

from dataclasses import replace

import pytest
from judged import judged
from twin import Twin

from dimse.uids import Verification
from dimse.ul import PDU, AssociateAC, AssociateRQ, SOPClassCommonExtendedNegotiation, SOPClassExtendedNegotiation
from dimse.ul.items import UserItem
from dimse.verify import Verdict

pytestmark = pytest.mark.skips_waits


@pytest.mark.parametrize(
    "item",
    [SOPClassExtendedNegotiation(Verification, b"\1"), SOPClassCommonExtendedNegotiation(Verification, Verification)],
    ids=["56H", "57H"],
)
async def test_unasked_extended_negotiation_fails(item: UserItem) -> None:
    def accepts(ac: AssociateAC, _: AssociateRQ) -> PDU:
        return replace(ac, user_information=(*ac.user_information, item))

    assert (await judged("UL-A-5.08", Twin(accepts=accepts))).verdict is Verdict.FAIL
