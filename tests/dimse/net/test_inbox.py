"""An inbox performs the requests of a peer in order, as many at once as the window allows."""

import pytest

from dimse.errors import AssociationAborted
from dimse.limits import Limits
from dimse.message import CEchoRQ, CFindRQ, Request
from dimse.net.fairness import Turns
from dimse.net.flow_control import Backlog, FlowControl
from dimse.net.inbox import Inbox, Invocation
from dimse.ul import Context

CONTEXT = Context(1, "1.2", "1.2.840.10008.1.2")
ENDED = AssociationAborted(0, 0, "a test")


def echo(message_id: int) -> CEchoRQ:
    return CEchoRQ(MessageID=message_id, AffectedSOPClassUID="1.2")


class Performing:
    """An inbox, and the invocations that it has started."""

    def __init__(self) -> None:
        flow = FlowControl(Turns(), lambda: None, lambda: None, lambda _data: None)
        self.released_memory = 0
        self.inbox = Inbox(Backlog(Limits(), flow), self.release)
        self.started: list[Invocation] = []
        self.releases: list[str] = []
        self.inbox.begin(self.started.append, lambda: self.releases.append("released"))

    def release(self, count: int) -> None:
        self.released_memory += count

    def put(self, *messages: Request) -> None:
        for message in messages:
            self.inbox.put(CONTEXT, message)
        self.inbox.start_next()

    @property
    def ids(self) -> list[int]:
        return [invocation.message.MessageID for invocation in self.started]


async def test_requests_start_one_by_one() -> None:
    performing = Performing()
    performing.put(echo(1), echo(2))
    assert performing.ids == [1]
    performing.inbox.done(performing.started[0])
    assert performing.ids == [1, 2]


async def test_window_starts_several_at_once() -> None:
    performing = Performing()
    performing.inbox.window = 2
    performing.put(echo(1), echo(2), echo(3))
    assert performing.ids == [1, 2]


async def test_request_with_an_id_in_use_is_a_duplicate() -> None:
    performing = Performing()
    performing.inbox.window = 2
    performing.put(echo(1), echo(1))
    assert [invocation.is_duplicate for invocation in performing.started] == [False, True]


async def test_message_id_is_free_before_the_response() -> None:
    performing = Performing()
    performing.put(echo(1))
    performing.inbox.free_message_id(performing.started[0])
    performing.put(echo(1))
    performing.inbox.done(performing.started[0])
    assert not performing.started[1].is_duplicate


async def test_c_cancel_reaches_a_waiting_request() -> None:
    performing = Performing()
    performing.put(echo(1), CFindRQ(MessageID=2, AffectedSOPClassUID="1.2"))
    assert performing.inbox.cancel(2)
    performing.inbox.done(performing.started[0])
    cancelled = performing.started[1].cancelled
    assert cancelled is not None
    assert cancelled.is_set()


@pytest.mark.parametrize("message_id", [1, 9])
async def test_c_cancel_without_such_a_request_is_ignored(message_id: int) -> None:
    performing = Performing()
    performing.put(echo(1))
    assert not performing.inbox.cancel(message_id)


async def test_done_request_releases_its_memory() -> None:
    performing = Performing()
    performing.inbox.put(CONTEXT, echo(1), held=500)
    performing.inbox.start_next()
    assert performing.released_memory == 0
    performing.inbox.done(performing.started[0])
    assert performing.released_memory == 500


async def test_release_waits_for_earlier_requests() -> None:
    performing = Performing()
    performing.put(echo(1))
    performing.inbox.release()
    performing.inbox.start_next()
    assert performing.releases == []
    performing.inbox.done(performing.started[0])
    assert performing.releases == ["released"]
    await performing.inbox.ended()


async def test_failed_inbox_drops_waiting_requests() -> None:
    performing = Performing()
    performing.put(echo(1), echo(2))
    performing.inbox.fail(ENDED)
    performing.inbox.done(performing.started[0])
    assert performing.ids == [1]
    with pytest.raises(AssociationAborted):
        await performing.inbox.ended()
