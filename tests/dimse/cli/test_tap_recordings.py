"""The thread that writes the recordings of ``dimse tap``, and its queue."""

import logging
from pathlib import Path
from threading import Event

import pytest

from dimse.cli.tap_queue import CLOSED, LOST, OPENED, RECEIVED, Queue
from dimse.cli.tap_recordings import Finished, Recordings
from dimse.explain import ACCEPTOR, REQUESTOR, read_capture
from dimse.explain.pcapng import Address
from dimse.net import Recorder
from dimse.net.recorder import Tap

CLIENT, TARGET = ("127.0.0.1", 5), ("127.0.0.1", 104)


class SlowRecorder(Recorder):
    """A recorder whose disk waits for ``go``."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, tls=True)
        self.go, self.is_waiting = Event(), Event()

    def tap(
        self, local: Address, peer: Address, *, is_client: bool, is_secure: bool, when: int | None = None
    ) -> Tap | None:
        self.is_waiting.set()
        self.go.wait()
        return super().tap(local, peer, is_client=is_client, is_secure=is_secure, when=when)


def test_slow_disk_ends_the_longest_recording(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder, finished = SlowRecorder(tmp_path), list[Finished]()
    recordings = Recordings(recorder, is_secure=False, finished=finished.append, most_queued=10_000)
    for number in (1, 2):
        recordings.opened(number, CLIENT, TARGET, "title")
    recorder.is_waiting.wait()
    for data in (b"a" * 4000, b"b" * 4000, b"c" * 4000):  # returns although the disk waits
        recordings.received(1, REQUESTOR, data)
        recordings.received(2, ACCEPTOR, b"short")
    for number in (1, 2):
        recordings.closed(number, "closed by both sides")
    recorder.go.set()
    with caplog.at_level(logging.ERROR):
        recordings.close()
    assert [(one.association, one.is_cut) for one in finished] == [(1, True), (2, False)]
    assert caplog.messages == [f"{finished[0].path}: the recording ends here: the disk is too slow"]
    (connection,) = read_capture(finished[1].path.read_bytes(), [])
    assert b"".join(data for _, data in connection.pieces) == b"short" * 3


def test_finished_recording_has_title_and_end(tmp_path: Path) -> None:
    finished: list[Finished] = []
    recordings = Recordings(Recorder(tmp_path), is_secure=False, finished=finished.append)
    recordings.opened(1, CLIENT, TARGET, "title")
    recordings.received(1, REQUESTOR, b"\5\0")
    recordings.closed(1, "reset")
    recordings.close()
    (one,) = finished
    assert (one.title, one.why) == ("title", "reset")
    assert read_capture(one.path.read_bytes(), [])


def test_short_reads_count_with_their_overhead() -> None:
    queue = Queue(1000, "too much")
    queue.put(1, OPENED, "")
    for _ in range(10):
        queue.put(1, RECEIVED, REQUESTOR, b"a")
    queue.put(1, CLOSED, "")
    assert [item.kind for item in queue.take(1 << 20, 0.0)] == [OPENED, LOST, CLOSED]


def test_batches_are_bounded() -> None:
    queue = Queue(1 << 20, "too much")
    for _ in range(10):
        queue.put(1, RECEIVED, REQUESTOR, b"a" * 1000)
    assert len(queue.take(3000, 0.0)) == 3


def test_closed_queue_ends() -> None:
    queue = Queue(1000, "too much")
    queue.close()
    assert queue.take(1000, 0.0) == []
