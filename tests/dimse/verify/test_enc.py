"""The verdicts of cases about encodings."""

from dataclasses import replace

import pytest
from judged import judged
from twin import Twin

from dimse.message import NCreateRQ, Request, Response
from dimse.uids import BasicFilmBox, BasicFilmSession
from dimse.verify import Verdict

pytestmark = pytest.mark.skips_waits

IMPLICIT = bytes.fromhex("1020 1000 0800 0000 4142 4344 4546 4748")  # (2010,0010) with 8 bytes


def answering(sop_class: str, data: bytes | None) -> Twin:
    """Return a peer that answers each N-CREATE of a SOP Class with this Data Set."""

    def answers(request: Request, response: Response) -> Response:
        is_changed = isinstance(request, NCreateRQ) and request.AffectedSOPClassUID == sop_class
        return replace(response, Data=data) if is_changed else response

    return Twin(answers=answers)


@pytest.mark.parametrize("case_id", ["ENC-1.01", "ENC-1.02", "ENC-1.05"])
async def test_film_box_without_image_box_is_inconclusive(case_id: str) -> None:
    result = await judged(case_id, answering(BasicFilmBox, None))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the film box names no image box" in result.reason


async def test_film_session_in_another_syntax_fails() -> None:
    result = await judged("ENC-1.02", answering(BasicFilmSession, IMPLICIT))
    assert result.verdict is Verdict.FAIL
    assert result.reason.startswith("the Data Set is in Implicit VR, not in Explicit VR Little Endian")
