"""Command Sets explained, PS3.7 Annex E."""

import pytest

from dimse.explain import Line
from dimse.explain.command import explain_command
from dimse.message import CEchoRQ, Message, NSetRSP, encode_command
from dimse.uids import Verification

NOT_TWO_BYTES = "US needs a multiple of 2 bytes, got 3"


def explained(command: bytes) -> list[Line]:
    """Return the lines of a Command Set in the first fragment of a P-DATA-TF."""
    return list(explain_command(Line(12, memoryview(command), 2, "Presentation-data-value")))


def values(message: Message) -> dict[str, str]:
    return {line.field: line.value for line in explained(encode_command(message))}


def test_command_set_is_shown_element_by_element() -> None:
    assert values(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification)) == {
        "(0000,0000) UL CommandGroupLength": "56",
        "(0000,0002) UI AffectedSOPClassUID": "1.2.840.10008.1.1 (Verification SOP Class)",
        "(0000,0100) US CommandField": "0030H (C-ECHO-RQ)",
        "(0000,0110) US MessageID": "7",
        "(0000,0800) US CommandDataSetType": "0101H (no Data Set)",
    }


def test_lines_hold_each_byte_in_its_place() -> None:
    command = encode_command(CEchoRQ(MessageID=7, AffectedSOPClassUID=Verification))
    for line in explained(command):
        assert command[line.offset - 12 :][: len(line.data)] == line.data


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0x0000, "0000H (Success)"),
        (0x0106, "0106H (Failure: Invalid attribute value)"),
        (0xB600, "B600H (Warning)"),  # defined by a service
        (0xFF00, "FF00H (Pending)"),
    ],
)
def test_status_is_shown_in_words(status: int, words: str) -> None:
    assert values(NSetRSP(MessageIDBeingRespondedTo=1, Status=status))["(0000,0900) US Status"] == words


def test_response_is_shown_in_words() -> None:
    shown = values(NSetRSP(MessageIDBeingRespondedTo=1, Status=0, OffendingElement=(0x20100010, 0x20100040)))
    assert shown["(0000,0901) AT OffendingElement"] == r"(2010,0010)\(2010,0040)"
    assert shown["(0000,0100) US CommandField"] == "8120H (N-SET-RSP)"


@pytest.mark.parametrize(
    ("element", "field", "value"),
    [
        ("0000 0001 02000000 3412", "(0000,0100) US CommandField", "1234H (not a message)"),
        ("0000 0007 02000000 0100", "(0000,0700) US Priority", "0001H (HIGH)"),
        ("0000 0007 02000000 0900", "(0000,0700) US Priority", "0009H (not allowed)"),
        ("0000 0209 06000000 1B5B324A7878", "(0000,0902) LO ErrorComment", r"\x1b[2Jxx"),
        ("0000 1001 03000000 341200", "(0000,0110) US MessageID", f"! {NOT_TWO_BYTES}"),
        ("0000 0200 00000000", "(0000,0002) UI AffectedSOPClassUID", ""),
        ("0000 9999 02000000 3412", "(0000,9999)", ""),
        ("0800 0000 04000000 00000000", "(0008,0000) UL", ""),  # the group length of another group
        ("FEFF 0DE0 00000000", "(FFFE,E00D) NONE ItemDelimitationItem", "! this tag is out of place"),
        ("0000 0001 FFFFFFFF", "Rest", "not an element"),
    ],
)  # fmt: skip
def test_odd_element_is_shown_with_all_its_bytes(element: str, field: str, value: str) -> None:
    (line,) = explained(bytes.fromhex(element))
    assert (line.field, line.value) == (field, value)
    assert line.data.hex() == element.replace(" ", "").lower()
