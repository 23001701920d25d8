"""When a peer is read, for whatever reason it was not."""

import asyncio

from dimse.net.deadline import Deadline
from dimse.net.fairness import Turns
from dimse.net.flow_control import BACKLOG, SHARE, TURN, FlowControl


class Connection:
    """What flow control does to it."""

    def __init__(self, turns: Turns) -> None:
        self.did: list[str] = []
        self.flow = FlowControl(
            turns, lambda: self.did.append("pause"), lambda: self.did.append("resume"), self.receive
        )
        self.takes = 4  # bytes in one piece

    def receive(self, data: memoryview) -> None:
        self.did.append(bytes(data[: self.takes]).decode())
        if len(data) > self.takes:
            self.flow.leave(data[self.takes :])


async def iterations(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_reading_goes_on_when_the_last_reason_is_gone() -> None:
    connection = Connection(Turns())
    flow = connection.flow
    flow.wait_for_turn()
    flow.hold(BACKLOG)
    await iterations()
    assert connection.did == ["pause"]
    flow.let_go(BACKLOG)
    assert connection.did == ["pause", "resume"]


async def test_what_was_left_is_taken_piece_by_piece_before_more_is_read() -> None:
    connection = Connection(Turns())
    connection.flow.leave(memoryview(bytearray(b"abcdefghi")))
    await iterations()
    assert connection.did == ["pause", "abcd", "efgh", "i", "resume"]


async def test_what_was_left_waits_for_a_backlog() -> None:
    connection = Connection(Turns())
    flow = connection.flow
    flow.hold(BACKLOG)
    flow.leave(memoryview(b"abc"))
    await iterations()
    assert connection.did == ["pause"]
    flow.let_go(BACKLOG)
    await iterations()
    assert connection.did[-2:] == ["abc", "resume"]


async def test_two_busy_peers_take_turns_and_a_single_one_goes_on() -> None:
    turns = Turns()
    one, two = Connection(turns), Connection(turns)
    now = asyncio.get_running_loop().time()
    one.flow.use(2 * SHARE, now)
    assert not one.flow.holds
    two.flow.use(2 * SHARE, now)
    assert two.flow.holds == TURN
    await iterations()
    assert two.did == ["pause", "resume"]


async def test_a_share_grows_again_with_time() -> None:
    turns = Turns()
    one, two = Connection(turns), Connection(turns)
    two.flow.use(2 * SHARE, 0.0)
    for second in range(10):
        one.flow.use(0.9 * SHARE, float(second))
    assert not one.flow.holds


async def test_a_peer_that_is_made_to_wait_is_not_late() -> None:
    late = asyncio.Event()
    deadline = Deadline(0.01, late.set)
    connection = Connection(Turns())
    connection.flow.deadlines.append(deadline)
    deadline.begin()
    connection.flow.hold(BACKLOG)
    deadline._look()
    assert not late.is_set()
    connection.flow.let_go(BACKLOG)
    async with asyncio.timeout(10):
        await late.wait()
