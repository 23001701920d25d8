"""The verdicts of cases about requests for instances of print."""

from dataclasses import replace

import pytest
from judged import judged
from twin import Line, Twin
from twins.common import P_DATA

from dimse.message import NDeleteRQ, NSetRSP, Request, Response, encode_command
from dimse.ul import PDV, Abort, PDataTF
from dimse.verify import Verdict
from dimse.verify.verdict import CloseVerdict

pytestmark = pytest.mark.skips_waits

N_SET = bytes.fromhex("0000 0001 0200 0000 2001")  # the Command Field
CONTROL = 11  # index of the message control header of the first PDV
COMMAND, LAST = 1, 2
REFUSAL = NSetRSP(MessageIDBeingRespondedTo=3, Status=0x0110)


def refuses_early() -> Twin:
    """Return a peer that refuses an N-SET before its Data Set, and aborts if a command comes within the Data Set."""
    waiting: list[Line] = []

    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != P_DATA:
            return False
        if N_SET in pdu:
            waiting.append(line)
            line.send(PDataTF((PDV(1, encode_command(REFUSAL), True, True),)))
        elif line not in waiting:
            return False
        elif pdu[CONTROL] & COMMAND:
            line.send(Abort(2, 6))
        elif pdu[CONTROL] & LAST:
            waiting.remove(line)
        return True

    return Twin(hears=hears)


async def test_data_set_is_completed_after_an_early_refusal() -> None:
    result = await judged("DIMSE-1.17", refuses_early())
    assert (result.verdict, result.close) == (Verdict.PASS, CloseVerdict.CLEAN)


async def test_film_session_that_stays_is_inconclusive() -> None:
    def answers(request: Request, response: Response) -> Response:
        return replace(response, Status=0x0110) if isinstance(request, NDeleteRQ) else response

    result = await judged("DIMSE-1.10", Twin(answers=answers))
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.endswith("was not deleted: RSP(0110)")
