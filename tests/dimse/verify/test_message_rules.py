"""The rules of Command Sets: the elements that a response may lack, and when."""

from struct import pack

import pytest

from dimse.uids import Verification
from dimse.ul.forge import forge_pdu, forge_pdv
from dimse.verify.message_rules import MessageRules
from dimse.verify.observation import Broken, Deviated

ECHO_RQ, ECHO_RSP, NO_DATA_SET = 0x0030, 0x8030, 0x0101
RESPONSE = {0x0100: pack("<H", ECHO_RSP), 0x0800: pack("<H", NO_DATA_SET), 0x0900: pack("<H", 0)}


def command(elements: dict[int, bytes]) -> bytes:
    """Return a P-DATA-TF with a whole Command Set."""
    body = b"".join(pack("<HHI", 0, element, len(value)) + value for element, value in sorted(elements.items()))
    return forge_pdu(0x04, forge_pdv(1, 3, pack("<HHII", 0, 0, 4, len(body)) + body))


def echo(message_id: dict[int, bytes]) -> bytes:
    """Return a C-ECHO-RQ."""
    uid = Verification.encode() + b"\0"
    return command({0x0002: uid, 0x0100: pack("<H", ECHO_RQ), 0x0800: pack("<H", NO_DATA_SET), **message_id})


@pytest.mark.parametrize(
    ("request_octets", "finding"),
    [(echo({0x0110: pack("<H", 1)}), Broken), (echo({}), Deviated)],
    ids=("with an id", "without"),
)
def test_request_without_id_excuses_a_response_without_one(request_octets: bytes, finding: type) -> None:
    found: list[object] = []
    rules = MessageRules(lambda rule, each: found.append(each) if rule == "DIMSE-1.02" else None)
    rules.sent(request_octets)
    rules.received(command(RESPONSE))
    assert found == [finding("MessageIDBeingRespondedTo is missing in CEchoRSP")]
