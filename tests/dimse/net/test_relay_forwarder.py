"""The thread of a link: both directions, full connections, failures, and its end."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

import pytest
from raw import HOST

from dimse.errors import RemoteProtocolError
from dimse.net import relay_forwarder
from dimse.net.busy_poll import MAX_MISSES
from dimse.net.relay_ends import PlainEnd
from dimse.net.relay_forwarder import Failure, Forwarder, Poll

PATIENCE = 30
MUCH = bytes(1 << 24)  # more than the system takes at once


class DroppedEnd(PlainEnd):
    """An end that tells when it has failed."""

    def __init__(self, sock: socket.socket, address: tuple[str, int]) -> None:
        super().__init__(sock, address)
        self.is_dropped = Event()

    def drop(self) -> None:
        super().drop()
        self.is_dropped.set()


class FailingEnd(PlainEnd):
    """An end whose TLS session reports a mistake of the peer after some bytes."""

    def read(self) -> bytes:
        if self.is_failed:
            raise RemoteProtocolError("bad record mac")
        data = super().read()
        self.is_failed = bool(data)
        return data


@dataclass
class Running:
    """A forwarder in a thread, and the peers of both ends."""

    client: socket.socket
    target: socket.socket
    ends: tuple[PlainEnd, PlainEnd]
    linger: float = PATIENCE
    polling: Lock = field(default_factory=Lock)
    failures: list[Failure] = field(default_factory=list)
    seen: list[tuple[bool, bytes]] = field(default_factory=list)

    def start(self) -> None:
        self.forwarder = Forwarder(*self.ends, received=self._received, linger=self.linger, polling=self.polling)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _received(self, by_client: bool, data: bytes) -> None:
        self.seen.append((by_client, data))

    def _run(self) -> None:
        failure = self.forwarder.run()
        if failure is not None:
            self.failures.append(failure)

    def join(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    def fill_target(self) -> int:
        """Send to the target, which does not read, until bytes are unsent. Return how many bytes were sent."""
        count = 0
        self.client.settimeout(0.01)
        while not self.ends[1].unsent:
            try:
                count += self.client.send(MUCH)
            except TimeoutError:
                continue
        return count


def connected(stack: ExitStack, kind: type[PlainEnd] = PlainEnd) -> tuple[socket.socket, PlainEnd]:
    with socket.create_server((HOST, 0)) as listener:
        peer = stack.enter_context(socket.create_connection(listener.getsockname(), PATIENCE))
        sock, address = listener.accept()
        stack.enter_context(sock)
        sock.setblocking(False)
        return peer, kind(sock, address)


def made(stack: ExitStack, kind: type[PlainEnd] = PlainEnd) -> Running:
    (client, ours), (target, theirs) = connected(stack, kind), connected(stack)
    return Running(client, target, (ours, theirs))


@pytest.fixture
def running() -> Iterator[Running]:
    with ExitStack() as stack:
        yield made(stack)


@pytest.fixture(params=["poll", "select"])
def poll(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "select":
        monkeypatch.setattr(relay_forwarder, "_new_poll", Poll)


@pytest.mark.usefixtures("poll")
def test_forwarder_forwards_both_directions(running: Running) -> None:
    running.start()
    running.client.sendall(b"request")
    assert running.target.recv(100) == b"request"
    running.target.sendall(b"response")
    assert running.client.recv(100) == b"response"
    running.client.close()
    running.target.close()
    running.join()
    assert running.seen == [(True, b"request"), (False, b"response")]
    assert not running.failures


@pytest.mark.usefixtures("poll")
def test_full_connection_gets_all_bytes_in_time(running: Running) -> None:
    running.start()
    count = running.fill_target()
    running.client.close()
    received = 0
    while data := running.target.recv(1 << 20):
        received += len(data)
    running.target.close()
    running.join()
    assert received == count


def test_forwarder_sleeps_if_another_thread_polls(running: Running) -> None:
    with running.polling:
        running.start()
        running.client.sendall(b"request")
        assert running.target.recv(100) == b"request"
        running.client.close()
        running.target.close()
        running.join()


def test_unsent_bytes_are_sent_after_a_failure() -> None:
    with ExitStack() as stack:
        running = made(stack, DroppedEnd)
        client = running.ends[0]
        assert isinstance(client, DroppedEnd)
        running.start()
        running.fill_target()
        running.client.close()
        while not client.is_dropped.is_set():
            running.target.sendall(b"x")  # which the system of the client answers with a reset
        left = sum(len(data) for by_client, data in running.seen if by_client)
        while left:
            left -= len(running.target.recv(left))
        running.join()
        assert running.failures[0].end is client


@pytest.mark.usefixtures("poll")
def test_unsent_bytes_wait_for_the_linger_time_only(running: Running) -> None:
    running.linger = 0.01
    running.start()
    running.fill_target()
    running.client.close()
    while not running.failures:
        running.target.sendall(b"x")
    running.join()
    assert running.ends[1].unsent


@pytest.mark.usefixtures("poll")
def test_cut_ends_a_thread_that_waits_for_the_system(running: Running) -> None:
    running.start()
    running.fill_target()
    running.forwarder.stop()
    for end in running.ends:
        end.stop(resets=True)
        end.cut()
    running.join()


@pytest.mark.usefixtures("poll")
def test_stop_ends_a_thread_that_waits_for_bytes(running: Running) -> None:
    running.start()
    running.forwarder.stop()
    for end in running.ends:
        end.stop(resets=True)
    running.join()
    assert not running.failures


def test_bytes_before_a_mistake_of_the_peer_are_forwarded() -> None:
    with ExitStack() as stack:
        running = made(stack, FailingEnd)
        running.start()
        running.client.sendall(b"last")
        running.join()
        assert running.target.recv(100) == b"last"
        assert isinstance(running.failures[0].error, RemoteProtocolError)


def test_closed_socket_wakes_a_poll_of_select() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        poll = Poll()
        poll.register(ours.fileno(), 1)
        descriptor = ours.fileno()
        ours.close()
        assert poll.poll(0) == [(descriptor, 1)]


class LatePoll(Poll):
    """Finds events only after a long sleep. One look takes a second."""

    now = 0.0

    def poll(self, timeout: int | None) -> list[tuple[int, int]]:
        LatePoll.now += 1 if timeout == 0 else 60
        return [] if timeout == 0 else super().poll(timeout)


def test_forwarder_sleeps_after_late_events(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[None] = []
    monkeypatch.setattr(relay_forwarder, "_new_poll", LatePoll)
    monkeypatch.setattr(relay_forwarder, "SECONDS", 3)
    monkeypatch.setattr(relay_forwarder, "perf_counter", lambda: LatePoll.now)
    monkeypatch.setattr(relay_forwarder, "yield_processor", lambda: looks.append(None))
    running.start()
    for _ in range(2 * MAX_MISSES):
        running.client.sendall(b"request")
        assert running.target.recv(100) == b"request"
    running.client.close()
    running.target.close()
    running.join()
    assert len(looks) == 3 * MAX_MISSES
