"""The verdicts of cases about C-ECHO."""

from struct import pack

import pytest
from judged import judged
from twin import Line, Twin
from twins.common import P_DATA

from dimse.ul import Abort
from dimse.verify import Verdict
from dimse.verify.cases.dimse_echo import command_octets
from dimse.verify.cases.material import command_pdu

pytestmark = pytest.mark.skips_waits

UNKNOWN_FIELD = bytes.fromhex("0000 0001 0200 0000 0002")
REFUSAL = command_octets({0x0100: pack("<H", 0x8200), 0x0120: b"\1\0", 0x0800: b"\1\1", 0x0900: pack("<H", 0x0211)})


async def test_refusal_counts_although_an_abort_follows_at_once() -> None:
    def hears(line: Line, pdu: bytes) -> bool:
        if pdu[0] != P_DATA or UNKNOWN_FIELD not in pdu:
            return False
        line.send(command_pdu(REFUSAL), Abort(0, 0))
        return True

    result = await judged("DIMSE-1.06", Twin(hears=hears))
    assert (result.verdict, result.reason) == (Verdict.PASS, "RSP(0211)")
