"""When a peer is read no more, and when what it sent is too much to keep."""

import pytest

from dimse.errors import LimitExceeded
from dimse.limits import Limits
from dimse.message import CEchoRQ, CFindRSP, CStoreRQ
from dimse.net.backlog import Backlog

ECHO = CEchoRQ(MessageID=1, AffectedSOPClassUID="1.2")
MATCH = CFindRSP(MessageIDBeingRespondedTo=1, Status=0xFF00)
STORE = CStoreRQ(MessageID=1, AffectedSOPClassUID="1.2", AffectedSOPInstanceUID="1.3", Data=bytes(3000))


def backlog(limits: Limits) -> tuple[Backlog, list[str]]:
    """A backlog, and what it asked for."""
    asked: list[str] = []
    return Backlog(limits, lambda: asked.append("pause"), lambda: asked.append("resume")), asked


def test_reading_pauses_when_so_many_requests_wait_and_goes_on_when_one_is_taken() -> None:
    waiting, asked = backlog(Limits(requests=2))
    waiting.put(ECHO)
    assert asked == []
    waiting.put(ECHO)
    assert asked == ["pause"]
    waiting.take(ECHO)
    assert asked == ["pause", "resume"]
    waiting.take(ECHO)
    assert asked == ["pause", "resume"]


def test_responses_that_nobody_reads_pause_reading_too() -> None:
    waiting, asked = backlog(Limits())
    for _ in range(64):
        waiting.put(MATCH)
    assert asked == ["pause"]


def test_reading_goes_on_as_long_as_a_response_is_waited_for() -> None:
    """It may stand behind the requests that wait."""
    waiting, asked = backlog(Limits(requests=1))
    waiting.put(ECHO)
    waiting.wait(1)
    waiting.put(ECHO)
    assert asked == ["pause", "resume"]
    waiting.wait(-1)
    assert asked == ["pause", "resume", "pause"]


def test_what_waits_is_bounded_by_the_bytes_of_one_data_set() -> None:
    waiting, _ = backlog(Limits(data_set=10_000))
    waiting.wait(1)
    waiting.put(STORE)
    waiting.put(STORE)
    with pytest.raises(LimitExceeded, match=r"messages not taken: 12072 is more than data_set allows, 10000"):
        waiting.put(STORE)


def test_one_data_set_as_large_as_can_be_is_not_too_much() -> None:
    waiting, _ = backlog(Limits(data_set=3000))
    waiting.put(STORE)
    waiting.take(STORE)
    waiting.put(STORE)
