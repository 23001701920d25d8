"""The thread that writes captures. A slow disk is a pipe, which is read when the test says so."""

import asyncio
import fcntl
import os
import resource
import select
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from raw import PRINT, SYNTAXES, service, until

from dimse.explain import associations_in, read_capture
from dimse.message import NSetRQ, Response
from dimse.net import Operation, Server, capture_writer, connect, record, serve
from dimse.net.recorder import Recorder, Tap
from dimse.uids import BasicFilmSession

SERVER = ("127.0.0.1", 104)
PAGE = 4096  # bytes that the smallest pipe takes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has pipes of a chosen size")


class PipeDisk:
    """A capture that is a pipe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = b""
        os.mkfifo(path)
        self._pipe = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._open_end: int | None = os.open(
            path, os.O_WRONLY
        )  # without this, the pipe ends before the first capture is open
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PAGE)
        self._reader = Thread(target=self._read)

    def wait_until_used(self) -> None:
        """Take the header of the capture, and wait until the pipe has further bytes."""
        self.data += os.read(self._pipe, PAGE)
        select.select([self._pipe], [], [])

    def go(self) -> None:
        """Take all bytes from now on."""
        os.set_blocking(self._pipe, True)
        self._reader.start()

    def finish(self) -> bytes:
        """Return everything that was written, once the capture is closed."""
        if self._open_end is not None:
            os.close(self._open_end)
            self._open_end = None
        if self._reader.ident is not None:
            self._reader.join()
        return self.data

    def close(self) -> None:
        self.finish()
        os.close(self._pipe)

    def _read(self) -> None:
        while data := os.read(self._pipe, 1 << 16):
            self.data += data


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PipeDisk]:
    made = PipeDisk(tmp_path / "pipe.pcapng")
    yield made
    made.close()


def tapped(recorder: Recorder, port: int = 5) -> Tap:
    tap = recorder.tap(SERVER, ("127.0.0.1", port), is_client=False, is_secure=False)
    assert tap is not None
    return tap


def stalled(recorder: Recorder, disk: PipeDisk) -> Tap:
    """Return a tap whose bytes the disk does not take."""
    tap = tapped(recorder)
    tap.received(bytes(2 * PAGE))
    disk.wait_until_used()
    return tap


def test_slow_disk_ends_the_longest_recording(disk: PipeDisk, caplog: pytest.LogCaptureFixture) -> None:
    recorder, cut = Recorder(disk.path, most_queued=10_000), list[bool]()
    first = stalled(recorder, disk)
    second = tapped(recorder, 6)
    for data in (b"a" * 4000, b"b" * 4000, b"c" * 4000):  # returns although the disk waits
        first.received(data)
        second.sent((b"short",))
    first.closed(cut.append)
    second.closed(cut.append)
    disk.go()
    assert recorder.finish()
    assert cut == [True, False]
    assert caplog.messages == [f"{disk.path}: the recording ends here: the disk is too slow"]
    said = [b"".join(data for _, data in one.pieces) for one in read_capture(disk.finish(), [])]
    assert said == [bytes(2 * PAGE), b"short" * 3]


def test_short_buffers_may_change_at_once(tmp_path: Path) -> None:
    path, data = tmp_path / "a.pcapng", bytearray(b"before")
    recorder = record(path)
    tap = tapped(recorder)
    tap.sent((data,))
    tap.received(data)
    data[:] = b"after "
    tap.closed()
    assert recorder.finish()
    (connection,) = read_capture(path.read_bytes(), [])
    assert {said for _, said in connection.pieces} == {b"before"}


async def send_page(server: Server, recorder: Recorder, page: bytearray) -> None:
    """Send ``page``, and change it afterwards."""
    async with connect(server.host, server.port, {PRINT: SYNTAXES}, trace=recorder) as association:
        message = NSetRQ(
            MessageID=1,
            RequestedSOPClassUID=BasicFilmSession,
            RequestedSOPInstanceUID="1.2",
            Data=[b"\xe0\x7f\x10\0" + len(page).to_bytes(4, "little"), memoryview(page)],
        )
        await association.request(association.context_for(PRINT), message)
        page[:] = bytes(len(page))


async def test_sender_waits_until_its_buffers_are_recorded(disk: PipeDisk) -> None:
    page, heard, recorder = bytearray(b"\1" * 100_000), asyncio.Event(), record(disk.path)

    async def hear(operation: Operation) -> Response:
        heard.set()
        return operation.reply()

    async with serve([service(hear, NSetRQ)], port=0) as server:
        sending = asyncio.create_task(send_page(server, recorder, page))
        await heard.wait()
        assert page[0] == 1
        disk.go()
        await sending
    (recorded,) = associations_in(disk.finish(), [])
    data = next(step.messages[0].data for step in recorded.steps() if step.name == "N-SET-RQ")
    assert data[8:] == b"\1" * 100_000


async def test_hung_disk_ends_the_recording_alone(
    disk: PipeDisk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(capture_writer, "PATIENCE", 0.01)
    page, recorder = bytearray(100_000), record(disk.path)

    async def answer(operation: Operation) -> Response:
        return operation.reply()

    async with serve([service(answer, NSetRQ)], port=0) as server:
        await send_page(server, recorder, page)
        await send_page(server, recorder, page)
    disk.go()
    assert recorder.finish()
    ends = [line for line in caplog.messages if "the recording ends here" in line]
    assert ends == [f"{disk.path}: the recording ends here: the disk is too slow"] * 2


async def test_peer_is_not_read_while_its_bytes_wait(disk: PipeDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.net.recorder._ENOUGH_QUEUED", 10_000)
    recorder, heard = record(disk.path), list[int]()

    async def hear(operation: Operation) -> Response:
        heard.append(operation.message.MessageID)
        return operation.reply()

    async with serve([service(hear, NSetRQ)], port=0, trace=recorder) as server:
        sending = asyncio.create_task(send_page(server, record(disk.path.with_name("b.pcapng")), bytearray(500_000)))
        await until(lambda: any(one.transport.flow.holds for one in server.associations))
        assert not heard
        disk.go()
        await sending
    assert heard == [1]


def test_finish_reports_what_the_disk_did_not_take(disk: PipeDisk, caplog: pytest.LogCaptureFixture) -> None:
    recorder = record(disk.path)
    tap = stalled(recorder, disk)
    tap.closed()
    assert not recorder.finish(0.01)
    (line,) = caplog.messages
    assert line.startswith(f"{disk.path}: incomplete: the disk did not take the last ")
    disk.go()
    assert recorder.finish()


def test_recording_on_a_full_disk_ends_with_a_whole_packet(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    recorder = record(path)
    tap = tapped(recorder)
    tap.received(b"a" * 300)
    tap.received(b"b" * 300)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        assert recorder.finish()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    tap.closed()
    assert recorder.finish()
    (connection,) = read_capture(path.read_bytes(), [])
    assert [data for _, data in connection.pieces] == [b"a" * 300]


def test_thread_ends_with_the_last_connection(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    for _ in range(2):
        tapped(recorder).closed()
    assert recorder.finish()
    assert len(list(tmp_path.iterdir())) == 2
