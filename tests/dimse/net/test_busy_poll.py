"""Busy polling: how long a loop polls for an answer, and for which peers."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from dimse.net import busy_poll
from dimse.net.busy_poll import MAX_MISSES, BusyPoll, LatestPeer

SECONDS = 5.0


class Loop:
    """A loop whose turns take a second."""

    def __init__(self) -> None:
        self.now = 0.0
        self._ready: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self._ready.append(callback)

    def turn(self) -> bool:
        """Call what is ready; return whether the loop may sleep."""
        self.now += 1
        ready, self._ready = self._ready, []
        for callback in ready:
            callback()
        return not self._ready

    def turns_without_sleep(self) -> int:
        count = 0
        while not self.turn():
            count += 1
        return count


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Loop:
    loop = Loop()
    monkeypatch.setattr(busy_poll, "perf_counter", lambda: loop.now)
    return loop


def polling(loop: Loop, seconds: float = SECONDS, latest: LatestPeer | None = None) -> BusyPoll:
    return BusyPoll(cast("asyncio.AbstractEventLoop", loop), latest or LatestPeer(), seconds)


def miss(poll: BusyPoll, loop: Loop, count: int) -> None:
    """Receive answers after the time."""
    for _ in range(count):
        poll.sent()
        loop.turns_without_sleep()
        poll.received()


def test_loop_polls_for_the_given_time(loop: Loop) -> None:
    polling(loop).sent()
    assert loop.turns_without_sleep() == 4


def test_answer_ends_polling(loop: Loop) -> None:
    poll = polling(loop)
    poll.sent()
    loop.turn()
    poll.received()
    assert loop.turn()


def test_next_message_restarts_the_time(loop: Loop) -> None:
    poll = polling(loop)
    poll.sent()
    for _ in range(3):
        loop.turn()
    poll.sent()
    assert loop.turns_without_sleep() == 4


def test_closed_connection_ends_polling(loop: Loop) -> None:
    poll = polling(loop)
    poll.sent()
    poll.close()
    assert loop.turn()


def test_loop_does_not_poll_for_a_peer_that_is_mostly_late(loop: Loop) -> None:
    poll = polling(loop)
    miss(poll, loop, MAX_MISSES)
    poll.sent()
    assert loop.turn()


def test_loop_polls_again_after_an_answer_in_time(loop: Loop) -> None:
    poll = polling(loop)
    miss(poll, loop, MAX_MISSES)
    poll.sent()
    poll.received()
    poll.sent()
    assert not loop.turn()


def test_answers_in_time_make_up_for_late_ones(loop: Loop) -> None:
    poll = polling(loop)
    for _ in range(3):
        miss(poll, loop, MAX_MISSES - 1)
        poll.sent()
        poll.received()
    poll.sent()
    assert not loop.turn()


def test_loop_with_a_time_of_zero_never_polls(loop: Loop) -> None:
    polling(loop, 0.0).sent()
    assert loop.turn()


def test_polling_yields_the_processor(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    yields = SimpleNamespace(count=0)

    def count() -> None:
        yields.count += 1

    monkeypatch.setattr(busy_poll, "yield_processor", count)
    polling(loop).sent()
    assert loop.turns_without_sleep() == yields.count == 4


@pytest.fixture
def peers(loop: Loop) -> tuple[BusyPoll, BusyPoll]:
    """Return the polling of one server for two peers."""
    latest = LatestPeer()
    return polling(loop, latest=latest), polling(loop, latest=latest)


def test_loop_does_not_poll_for_peers_that_talk_in_turn(loop: Loop, peers: tuple[BusyPoll, BusyPoll]) -> None:
    first, second = peers
    for one in (first, second, first):
        one.received()
    first.sent()
    assert loop.turn()


def test_request_of_another_peer_ends_polling(loop: Loop, peers: tuple[BusyPoll, BusyPoll]) -> None:
    first, second = peers
    first.received()
    first.sent()
    second.received()
    assert loop.turn()


def test_peer_after_a_closed_one_is_alone(loop: Loop, peers: tuple[BusyPoll, BusyPoll]) -> None:
    first, second = peers
    first.received()
    first.close()
    second.received()
    second.sent()
    assert not loop.turn()
