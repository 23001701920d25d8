"""Reading from a peer stops for each reason, and resumes when the last reason is gone."""

import asyncio
from dataclasses import replace

import pytest
from cancelling import other_tasks
from clock import Clock
from raw import proposal, raw_client, service, until

from dimse.errors import LimitExceeded
from dimse.limits import Limits
from dimse.message import CEchoRQ, CFindRSP, CStoreRQ, NActionRQ, NEventReportRQ, NSetRQ, Response
from dimse.net import Operation, serve
from dimse.net.fairness import Turns
from dimse.net.flow_control import BACKLOG, DISK, SHARE, TURN, Backlog, FlowControl
from dimse.net.scu import n_event_report
from dimse.net.timers import Timers
from dimse.uids import Printer, PrinterInstance
from dimse.ul import (
    Abort,
)

ECHO = CEchoRQ(MessageID=1, AffectedSOPClassUID="1.2")
MATCH = CFindRSP(MessageIDBeingRespondedTo=1, Status=0xFF00)
SET = NSetRQ(MessageID=2, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", Data=bytes(2000))
STORE = CStoreRQ(MessageID=1, AffectedSOPClassUID="1.2", AffectedSOPInstanceUID="1.3", Data=bytes(3000))


class Connection:
    """A connection that notes what flow control does to it."""

    def __init__(self, turns: Turns) -> None:
        self.did: list[str] = []
        self.flow = FlowControl(
            turns, lambda: self.did.append("pause"), lambda: self.did.append("resume"), self.receive
        )
        self.takes = 4  # bytes in one piece

    def receive(self, data: memoryview) -> None:
        self.did.append(bytes(data[: self.takes]).decode())
        if len(data) > self.takes:
            self.flow.postpone(data[self.takes :])


async def iterations(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_reading_resumes_when_the_last_reason_is_gone() -> None:
    connection = Connection(Turns())
    flow = connection.flow
    flow.wait_for_turn()
    flow.hold(BACKLOG)
    await iterations()
    assert connection.did == ["pause"]
    flow.release(BACKLOG)
    assert connection.did == ["pause", "resume"]


async def test_timers_wait_for_the_last_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, late = Clock(monkeypatch), list[str]()
    connection = Connection(Turns())
    connection.flow.timers.append(Timers().set(2, lambda: late.append("late")))
    connection.flow.hold(BACKLOG)
    connection.flow.hold(DISK)
    connection.flow.release(BACKLOG)
    await clock.pass_time(10)
    assert (connection.did, late) == (["pause"], [])
    connection.flow.release(DISK)
    await clock.pass_time(2)
    assert (connection.did, late) == (["pause", "resume"], ["late"])


async def test_left_bytes_that_fill_the_backlog_stop_reading() -> None:
    class Filling(Connection):
        def receive(self, data: memoryview) -> None:
            super().receive(data)
            self.flow.hold(BACKLOG)

    connection = Filling(Turns())
    connection.flow.postpone(memoryview(b"abc"))
    await iterations()
    assert connection.did == ["pause", "abc"]
    connection.flow.release(BACKLOG)
    assert connection.did == ["pause", "abc", "resume"]


async def test_left_bytes_are_processed_before_more_is_read() -> None:
    connection = Connection(Turns())
    connection.flow.postpone(memoryview(bytearray(b"abcdefghi")))
    await iterations()
    assert connection.did == ["pause", "abcd", "efgh", "i", "resume"]


async def test_left_bytes_wait_for_the_backlog() -> None:
    connection = Connection(Turns())
    flow = connection.flow
    flow.hold(BACKLOG)
    flow.postpone(memoryview(b"abc"))
    await iterations()
    assert connection.did == ["pause"]
    flow.release(BACKLOG)
    await iterations()
    assert connection.did[-2:] == ["abc", "resume"]


async def test_two_busy_peers_take_turns() -> None:
    turns = Turns()
    one, two = Connection(turns), Connection(turns)
    now = asyncio.get_running_loop().time()
    one.flow.use(2 * SHARE, now)
    assert not one.flow.hold_reasons
    two.flow.use(2 * SHARE, now)
    assert two.flow.hold_reasons == TURN
    await iterations()
    assert two.did == ["pause", "resume"]


async def test_share_grows_again_with_time() -> None:
    turns = Turns()
    one, two = Connection(turns), Connection(turns)
    two.flow.use(2 * SHARE, 0.0)
    for second in range(10):
        one.flow.use(0.9 * SHARE, float(second))
    assert not one.flow.hold_reasons


async def test_timers_stand_still_while_a_peer_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, late = Clock(monkeypatch), list[str]()
    connection = Connection(Turns())
    connection.flow.timers.append(Timers().set(2, lambda: late.append("late")))
    connection.flow.hold(BACKLOG)
    await clock.pass_time(10)
    connection.flow.release(BACKLOG)
    await clock.pass_time(1)
    assert late == []
    await clock.pass_time(1)
    assert late == ["late"]


# --- the backlog ---


def backlog(limits: Limits) -> tuple[Backlog, list[str]]:
    """Return a backlog, and the notes of its connection."""
    connection = Connection(Turns())
    return Backlog(limits, connection.flow), connection.did


async def test_waiting_requests_stop_reading() -> None:
    waiting, did = backlog(Limits(requests=2))
    waiting.put(ECHO)
    assert did == []
    waiting.put(ECHO)
    assert did == ["pause"]


async def test_taken_request_resumes_reading() -> None:
    waiting, did = backlog(Limits(requests=2))
    waiting.put(ECHO)
    waiting.put(ECHO)
    waiting.take(ECHO)
    assert did == ["pause", "resume"]
    waiting.take(ECHO)
    assert did == ["pause", "resume"]


async def test_64_unread_responses_stop_reading() -> None:
    waiting, did = backlog(Limits())
    for _ in range(63):
        waiting.put(MATCH)
    assert did == []
    waiting.put(MATCH)
    assert did == ["pause"]


async def test_awaited_response_resumes_reading() -> None:
    """The awaited response may be queued behind waiting requests."""
    waiting, did = backlog(Limits(requests=1))
    waiting.put(ECHO)
    waiting.awaited = 1
    waiting.regulate()
    waiting.put(ECHO)
    assert did == ["pause", "resume"]
    waiting.awaited = 0
    waiting.regulate()
    assert did == ["pause", "resume", "pause"]


async def test_backlog_is_bounded_by_one_data_set() -> None:
    waiting, _ = backlog(Limits(data_set=10_000))
    waiting.awaited = 1
    waiting.put(STORE)
    waiting.put(STORE)
    with pytest.raises(LimitExceeded, match=r"messages not taken: 12072 exceeds the limit data_set = 10000"):
        waiting.put(STORE)


async def test_backlog_has_room_for_the_largest_data_set() -> None:
    waiting, _ = backlog(Limits(data_set=3000))
    waiting.put(STORE)
    waiting.take(STORE)
    waiting.put(STORE)


async def test_too_large_backlog_is_aborted() -> None:
    """Reading goes on, because the response may stand behind the requests, up to ``Limits.data_set``."""

    async def report_first(operation: Operation) -> Response:
        await n_event_report(operation.association, operation.context, Printer, PrinterInstance, 2)
        return operation.reply()

    action = NActionRQ(MessageID=1, RequestedSOPClassUID="1.2", RequestedSOPInstanceUID="1.3", ActionTypeID=1)
    services = [service(report_first, NActionRQ, NSetRQ)]
    async with serve(services, port=0, limits=Limits(data_set=10_000)) as server, raw_client(server) as raw:
        raw.send(proposal())
        await raw.receive()
        raw.say(action)
        assert isinstance((await raw.hear())[1], NEventReportRQ)
        raw.say(*(replace(SET, MessageID=number) for number in range(2, 8)))
        assert await raw.receive() == Abort(0, 0)
        await until(lambda: not other_tasks())
    assert server.admission.hits["data_set"] == 1
