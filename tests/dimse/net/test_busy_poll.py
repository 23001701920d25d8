"""Busy polling: how long a loop polls for an answer, and for which peers."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from dimse.net import busy_poll
from dimse.net.busy_poll import MAX_MISSES, BusyPoll, Polls

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
    monkeypatch.setattr(busy_poll, "_LONG_TURN", SECONDS - 1)
    monkeypatch.setattr(busy_poll, "_PAUSE", 0.0)
    return loop


def polling(loop: Loop, seconds: float = SECONDS, polls: Polls | None = None) -> BusyPoll:
    return BusyPoll(cast("asyncio.AbstractEventLoop", loop), polls or Polls(), seconds)


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


def test_next_message_begins_the_time_again(loop: Loop) -> None:
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


def test_answers_that_come_late_during_a_turn_end_polling(loop: Loop) -> None:
    poll = polling(loop)
    for _ in range(MAX_MISSES):
        poll.sent()
        loop.now += SECONDS  # the turn was long
        poll.received()
        loop.turn()
    poll.sent()
    assert loop.turn()


def test_loop_tries_again_after_many_late_answers(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy_poll, "_CYCLE", 2 * MAX_MISSES)
    poll = polling(loop)
    miss(poll, loop, 2 * MAX_MISSES)
    poll.sent()
    assert not loop.turn()


class Machine:
    """The machine of a client: the number of programs that are ready to run, and of tasks on the client's loop."""

    def __init__(self, loop: Loop, load: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._loop = loop
        self._load = load
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(busy_poll, "_CLIENT_SECONDS", SECONDS)
        monkeypatch.setattr(busy_poll, "_LOAD", str(load))
        monkeypatch.setattr("dimse.net.busy_poll._PROCESSORS", 4)

    def polls(self, ready: int = 4, tasks: int = 1) -> bool:
        """Return whether a client polls after its first message."""
        self._load.write_text(f"0.85 0.96 0.85 {ready}/229 13034\n")
        return self.polls_without_load(tasks)

    def polls_without_load(self, tasks: int = 1) -> bool:
        """Return the same on a system that does not tell how many programs are ready to run."""
        self._monkeypatch.setattr(asyncio, "all_tasks", lambda _loop: {object() for _ in range(tasks)})
        BusyPoll.of_client(cast("asyncio.AbstractEventLoop", self._loop), Polls()).sent()
        return not self._loop.turn()


@pytest.fixture
def machine(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(loop, tmp_path / "loadavg", monkeypatch)


def test_client_polls_on_a_loop_of_its_own(machine: Machine) -> None:
    assert machine.polls()


def test_client_does_not_poll_beside_other_tasks(machine: Machine) -> None:
    assert not machine.polls(tasks=2)


def test_client_does_not_poll_on_a_busy_machine(machine: Machine) -> None:
    assert not machine.polls(ready=5)


def test_client_polls_if_the_load_is_unknown(machine: Machine) -> None:
    assert machine.polls_without_load()


def test_client_keeps_the_processor(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(busy_poll, "yield_processor", lambda: pytest.fail("the client yields"))
    assert machine.polls()


@pytest.fixture
def paused(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> Polls:
    """Return what the polls of a server share after another program had the processor."""
    polls = Polls()
    poll = polling(loop, polls=polls)
    monkeypatch.setattr(busy_poll, "_PAUSE", 2 * SECONDS)
    poll.sent()
    loop.now += SECONDS
    loop.turn()
    poll.close()
    return polls


def test_server_pauses_after_another_program_had_the_processor(loop: Loop, paused: Polls) -> None:
    polling(loop, polls=paused).sent()
    assert loop.turn()


def test_server_polls_again_after_a_pause(loop: Loop, paused: Polls) -> None:
    loop.now += 2 * SECONDS
    polling(loop, polls=paused).sent()
    assert not loop.turn()


def test_answers_in_time_make_up_for_late_ones(loop: Loop) -> None:
    poll = polling(loop)
    for _ in range(3):
        miss(poll, loop, MAX_MISSES - 1)
        poll.sent()
        poll.received()
    poll.sent()
    assert not loop.turn()


def test_loop_never_polls_for_no_time(loop: Loop) -> None:
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
    polls = Polls()
    return polling(loop, polls=polls), polling(loop, polls=polls)


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
