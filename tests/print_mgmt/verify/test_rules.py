"""The invariants of print, on single messages."""

import pytest

from dimse.data import Dataset, Element, encode, syntax_of, tag_of
from dimse.uids import ExplicitVRLittleEndian, Printer, PrinterInstance
from dimse.verify.observation import Broken, Finding
from print_mgmt.verify.listener import HeardMessage, MessageListener
from print_mgmt.verify.rules import EventRules, TextRules


def faults_of(rules: type[MessageListener], elements: dict[int, bytes], data: Dataset) -> list[str]:
    """Return the faults that an invariant finds in a message of the peer."""
    found: list[Finding] = []
    listener = rules(lambda _, finding: found.append(finding))
    listener.abstract[1], listener.contexts[1] = Printer, ExplicitVRLittleEndian
    listener.heard(HeardMessage(1, elements, encode(data, syntax_of(ExplicitVRLittleEndian))))
    return [str(finding) for finding in found if isinstance(finding, Broken)]


def test_ur_allows_only_the_default_repertoire() -> None:
    """PS3.5 §6.2."""
    data = Dataset(SpecificCharacterSet="ISO_IR 192")
    data.add(Element(tag_of("RetrieveURL"), "UR", "http://müller".encode()))
    (fault,) = faults_of(TextRules, {}, data)
    assert "RetrieveURL of VR UR has bytes beyond the default repertoire" in fault


@pytest.mark.parametrize(
    ("number", "expected"),
    [(b"", "the event has no Event Type ID"), (b"\x04\0", "Event Type ID 4 does not exist; the types are 1 to 3")],
)
def test_wrong_event_type_is_named(number: bytes, expected: str) -> None:
    elements = {0x0002: Printer.encode(), 0x0100: b"\0\x01", 0x0110: b"\1\0", 0x1000: PrinterInstance.encode()}
    (fault,) = faults_of(EventRules, elements | {0x1002: number}, Dataset())
    assert expected in fault
