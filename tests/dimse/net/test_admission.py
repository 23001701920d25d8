"""A server's books: what is in them is counted in total and by address, and gone when it is struck out."""

import pytest

from dimse.limits import Limits
from dimse.net.admission import Admission

LIMITS = Limits(connections=3, host_connections=2, associations=3, host_associations=2)


@pytest.mark.parametrize("what", ["connections", "associations"])
def test_each_address_has_its_share_and_all_have_the_total(what: str) -> None:
    admission = Admission(LIMITS)
    take = admission.connect if what == "connections" else admission.associate
    strike = admission.disconnect if what == "connections" else admission.dissociate
    assert [take("a"), take("a"), take("a")] == ["", "", f"host_{what}"]
    assert [take("b"), take("b"), take("c")] == ["", what, what]
    strike("a")
    assert [take("c"), take("b")] == ["", what]
    for host in "abc":
        strike(host)
    assert admission.is_empty


def test_hits_are_counted_and_logged_with_who_it_was(caplog: pytest.LogCaptureFixture) -> None:
    admission = Admission(LIMITS)
    admission.hit("connections", "10.0.0.1:5")
    admission.hit("connections", "10.0.0.1:6")
    admission.hit("max_pdu", "10.0.0.2:7", "PDU-length: 9 is more than max_pdu allows, 8")
    assert admission.hits == {"connections": 2, "max_pdu": 1}
    assert caplog.messages == [
        "10.0.0.1:5: limit connections hit",
        "10.0.0.1:6: limit connections hit",
        "10.0.0.2:7: limit max_pdu hit: PDU-length: 9 is more than max_pdu allows, 8",
    ]


def test_a_flood_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    admission = Admission(LIMITS)
    for port in range(1000):
        admission.hit("connections", f"10.0.0.1:{port}")
    assert len(caplog.messages) == 50
    admission._since -= 61  # a minute later
    admission.hit("connections", "10.0.0.1:1")
    assert caplog.messages[50:] == ["limit connections was hit 950 more times", "10.0.0.1:1: limit connections hit"]
    assert admission.hits == {"connections": 1001}
