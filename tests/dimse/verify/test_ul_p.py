"""The verdicts of cases about P-DATA-TFs."""

from dataclasses import replace

import pytest
from judged import judged
from twin import Twin

from dimse.message import NCreateRQ, NDeleteRQ, Request, Response
from dimse.uids import BasicFilmBox
from dimse.ul import PDU, AssociateAC, AssociateRQ, MaximumLength
from dimse.verify import Verdict

pytestmark = pytest.mark.skips_waits

UNPRINTED, FAILURE = 0xC616, 0x0110


def failing(status: int, *, is_for_first: bool) -> Twin:
    """Return a peer that answers the N-CREATE of a film box with this status, the first one only ``is_for_first``."""
    boxes: list[Request] = []

    def answers(request: Request, response: Response) -> Response:
        if isinstance(request, NDeleteRQ) and request.RequestedSOPClassUID == BasicFilmBox:
            boxes.clear()
        if not isinstance(request, NCreateRQ) or request.AffectedSOPClassUID != BasicFilmBox:
            return response
        boxes.append(request)
        return replace(response, Status=status, Data=None) if is_for_first or len(boxes) > 1 else response

    return Twin(answers=answers)


async def test_peer_with_one_film_box_at_a_time_passes() -> None:
    """PS3.4 H.4.2.2.1.3: without N-ACTION of the session, a second film box fails while the first is not printed."""
    result = await judged("UL-P-1.05", failing(UNPRINTED, is_for_first=False))
    assert result.verdict is Verdict.PASS, result.reason


async def test_peer_without_film_boxes_is_not_measured() -> None:
    result = await judged("UL-P-2.01", failing(FAILURE, is_for_first=True))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason == "without a film box, no response is long: RSP(0110)"


async def test_maximum_length_that_has_grown_is_not_exceeded() -> None:
    """A P-DATA-TF of 4 GiB would take the memory of the tester."""
    accepted: list[AssociateAC] = []

    def accepts(ac: AssociateAC, _: AssociateRQ) -> PDU:
        accepted.append(ac)
        found = MaximumLength(16384 if len(accepted) == 1 else 5 << 20)
        return replace(ac, user_information=(found, *ac.user_information[1:]))

    result = await judged("UL-P-1.14", Twin(accepts=accepts))
    assert (result.verdict, result.reason) == (Verdict.INCONCLUSIVE, f"the peer's Maximum Length is now {5 << 20}")
