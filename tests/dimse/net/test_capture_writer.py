"""The thread that writes captures. A slow disk is a pipe, which is read when the test says so."""

import asyncio
import fcntl
import os
import resource
import select
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from threading import Event, Thread
from weakref import finalize

import pytest
from raw import HOST, PRINT, SYNTAXES, Raw, raw_server, service, until

from dimse.errors import AssociationAborted, ResponseTimeout
from dimse.explain import associations_in, read_capture
from dimse.message import NSetRQ, NSetRSP, Response
from dimse.net import Association, Operation, Server, capture_writer, connect, record, serve
from dimse.net.capture_writer import CaptureWriter
from dimse.net.fairness import Turns
from dimse.net.flow_control import DISK, RECORDING, FlowControl
from dimse.net.recorder import Recorder, Tap
from dimse.uids import BasicFilmSession
from dimse.ul import Abort

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
    tap.keep()
    disk.wait_until_used()
    return tap


def test_slow_disk_ends_the_longest_recording(disk: PipeDisk, caplog: pytest.LogCaptureFixture) -> None:
    recorder, cut = Recorder(disk.path, max_queued=10_000), list[bool]()
    first = stalled(recorder, disk)
    second = tapped(recorder, 6)
    for data in (b"a" * 4000, b"b" * 4000, b"c" * 4000):  # returns although the disk waits
        first.received(data)
        first.keep()
        second.sent((b"short",))
        second.keep()
    first.closed(cut.append)
    second.closed(cut.append)
    disk.go()
    assert recorder.finish()
    assert cut == [True, False]
    assert caplog.messages == [f"{disk.path}: the recording ends here: the disk is too slow"]
    said = [b"".join(data for _, data in one.pieces) for one in read_capture(disk.finish(), [])]
    assert said == [bytes(2 * PAGE), b"short" * 3]


def pieces_of(path: Path) -> list[tuple[bool, bytes]]:
    (connection,) = read_capture(path.read_bytes(), [])
    return [(by_client, bytes(said)) for by_client, said in connection.pieces]


@pytest.mark.parametrize("length", [6, 100_000])
def test_recording_ignores_later_changes_of_kept_bytes(length: int, tmp_path: Path) -> None:
    path, data = tmp_path / "a.pcapng", bytearray(b"a" * length)
    recorder = record(path)
    tap = tapped(recorder)
    tap.sent((data,))
    tap.keep()
    data[:] = b"b" * length
    tap.closed()
    assert recorder.finish()
    assert b"".join(said for _, said in pieces_of(path)) == b"a" * length


def test_bytes_kept_together_have_their_sides_and_their_order(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    recorder = record(path)
    tap = tapped(recorder)
    tap.received(b"question")
    tap.sent((b"ans", bytearray(b"wer")))
    tap.received(b"question 2")
    tap.closed()
    assert recorder.finish()
    assert pieces_of(path) == [(True, b"question"), (False, b"answer"), (True, b"question 2")]


def test_tap_keeps_many_sent_bytes_by_itself(tmp_path: Path) -> None:
    path, data = tmp_path / "a.pcapng", bytearray(b"a" * (3 << 20))
    recorder = record(path)
    tap = tapped(recorder)
    tap.sent((data,))
    data[:] = bytes(len(data))
    tap.closed()
    assert recorder.finish()
    assert b"".join(said for _, said in pieces_of(path)) == b"a" * (3 << 20)


def test_waiting_thread_holds_no_bytes() -> None:
    class Write:
        def __call__(self) -> None:
            pass

    writer, work, is_freed = CaptureWriter("a.pcapng", 1 << 20), Write(), Event()
    finalize(work, is_freed.set)
    writer.begin(lambda: None)
    writer.add(writer.report, work, 1)
    del work
    assert is_freed.wait(5)
    writer.end(writer.report, lambda: None)
    assert writer.finish()


def message_with(pixels: bytearray) -> NSetRQ:
    return NSetRQ(
        MessageID=1,
        RequestedSOPClassUID=BasicFilmSession,
        RequestedSOPInstanceUID="1.2",
        Data=[b"\xe0\x7f\x10\0" + len(pixels).to_bytes(4, "little"), memoryview(pixels)],
    )


async def send_and_change(server: Server, recorder: Recorder, pixels: bytearray) -> None:
    """Send ``pixels``, and change it afterwards."""
    async with connect(server.host, server.port, {PRINT: SYNTAXES}, trace=recorder) as association:
        await association.request(association.context_for(PRINT), message_with(pixels))
        pixels[:] = bytes(len(pixels))


async def answer_the_request(peer: Raw) -> None:
    await peer.accept()
    await peer.hear()
    peer.say(NSetRSP(MessageIDBeingRespondedTo=1, Status=0))
    await peer.receive()


async def abort_at_the_request(peer: Raw) -> None:
    await peer.accept()
    await peer.hear()
    peer.send(Abort(0, 0))
    await peer.receive()


async def answer_nothing(peer: Raw) -> None:
    await peer.accept()
    while not isinstance(await peer.receive(), Abort | None):
        pass


async def send_and_wait(association: Association, pixels: bytearray) -> None:
    await association.request(association.context_for(PRINT), message_with(pixels))


async def send_without_waiting(association: Association, pixels: bytearray) -> None:
    await association.send(association.context_for(PRINT), message_with(pixels))


async def cancel_the_request(association: Association, pixels: bytearray) -> None:
    requesting = asyncio.create_task(send_and_wait(association, pixels))
    await asyncio.sleep(0)  # the task runs until it waits for the response
    requesting.cancel()
    await requesting


async def give_up_waiting(association: Association, pixels: bytearray) -> None:
    await association.request(association.context_for(PRINT), message_with(pixels), patience=0.001)


@pytest.mark.parametrize(
    ("peer", "use", "error"),
    [
        (answer_the_request, send_and_wait, None),
        (answer_nothing, send_without_waiting, None),
        (abort_at_the_request, send_and_wait, AssociationAborted),
        (answer_nothing, cancel_the_request, asyncio.CancelledError),
        (answer_nothing, give_up_waiting, ResponseTimeout),
    ],
)
async def test_recording_holds_the_bytes_that_were_sent(
    disk: PipeDisk,
    peer: Callable[[Raw], Awaitable[None]],
    use: Callable[[Association, bytearray], Awaitable[None]],
    error: type[BaseException] | None,
) -> None:
    pixels, recorder = bytearray(b"\1" * 100_000), record(disk.path)
    async with raw_server(peer) as port:
        async with connect(HOST, port, {PRINT: SYNTAXES}, trace=recorder) as association:
            with pytest.raises(error) if error else nullcontext():
                await use(association, pixels)
            pixels[:] = bytes(len(pixels))
            disk.go()
            association.abort()
    (recorded,) = associations_in(disk.finish(), [])
    data = next(step.messages[0].data for step in recorded.steps() if step.name == "N-SET-RQ")
    assert data[8:] == b"\1" * 100_000


async def test_recording_holds_the_part_that_was_sent(disk: PipeDisk) -> None:
    pixels, recorder, is_over = bytearray(b"\1" * (16 << 20)), record(disk.path), asyncio.Event()

    async def stop_reading(peer: Raw) -> None:
        await peer.accept()
        await is_over.wait()

    async with raw_server(stop_reading) as port:
        async with connect(HOST, port, {PRINT: SYNTAXES}, trace=recorder) as association:
            sending = asyncio.create_task(send_and_wait(association, pixels))
            await until(lambda: not association.transport.takes_more)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            pixels[:] = bytes(len(pixels))
            disk.go()
            is_over.set()
    (connection,) = read_capture(disk.finish(), [])
    said = b"".join(data for by_client, data in connection.pieces if by_client)
    assert said.count(1) > 100_000
    assert bytes(1000) not in said


async def test_hung_disk_ends_only_the_recording(
    disk: PipeDisk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(capture_writer, "PATIENCE", 0.01)
    pixels, recorder = bytearray(100_000), record(disk.path)

    async def answer(operation: Operation) -> Response:
        return operation.reply()

    async with serve([service(answer, NSetRQ)], port=0) as server:
        await send_and_change(server, recorder, pixels)
        await send_and_change(server, recorder, pixels)
    disk.go()
    assert recorder.finish()
    ends = [line for line in caplog.messages if "the recording ends here" in line]
    assert ends == [f"{disk.path}: the recording ends here: the disk is too slow"] * 2


async def test_peer_is_not_read_while_its_bytes_wait(disk: PipeDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.net.recorder._LONG_QUEUE", 10_000)
    recorder, heard = record(disk.path), list[int]()

    async def hear(operation: Operation) -> Response:
        heard.append(operation.message.MessageID)
        return operation.reply()

    async with serve([service(hear, NSetRQ)], port=0, trace=recorder) as server:
        sending = asyncio.create_task(
            send_and_change(server, record(disk.path.with_name("b.pcapng")), bytearray(500_000))
        )
        await until(lambda: any(one.transport.flow.hold_reasons for one in server.associations))
        assert not heard
        disk.go()
        await sending
    assert heard == [1]


async def test_written_recording_releases_only_its_own_hold(disk: PipeDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dimse.net.recorder._LONG_QUEUE", 0)
    flow = FlowControl(Turns(), lambda: None, lambda: None, lambda _: None)
    recorder = record(disk.path)
    tap = stalled(recorder, disk)
    tap.received(b"more")
    tap.keep(flow)
    flow.hold(DISK)
    reasons = [flow.hold_reasons]
    disk.go()
    await tap.written()
    reasons.append(flow.hold_reasons)
    tap.closed()
    assert recorder.finish()
    assert reasons == [RECORDING | DISK, DISK]


async def test_wait_for_a_hung_disk_ends_with_a_report(
    disk: PipeDisk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(capture_writer, "PATIENCE", 0.01)
    recorder = record(disk.path)
    tap = stalled(recorder, disk)
    await recorder.written()
    (line,) = caplog.messages
    assert line.startswith(f"{disk.path}: incomplete: the disk did not take the last bytes, at most ")
    await tap.written()
    assert caplog.messages[1:] == [f"{disk.path}: the recording ends here: the disk is too slow"]
    await tap.written()  # does not wait for the disk any more
    disk.go()
    tap.closed()
    assert recorder.finish()


async def test_canceled_wait_for_the_disk_is_forgotten(tmp_path: Path) -> None:
    recorder = record(tmp_path / "a.pcapng")
    tapped(recorder).sent((b"a",))
    waiting = asyncio.create_task(recorder.written())
    await asyncio.sleep(0)
    waiting.cancel()
    await recorder.written()
    assert waiting.cancelled()


def test_finish_reports_bytes_that_the_disk_did_not_take(disk: PipeDisk, caplog: pytest.LogCaptureFixture) -> None:
    recorder = record(disk.path)
    tap = stalled(recorder, disk)
    tap.closed()
    assert not recorder.finish(0.01)
    (line,) = caplog.messages
    assert line.startswith(f"{disk.path}: incomplete: the disk did not take the last bytes, at most ")
    disk.go()
    assert recorder.finish()


def test_recording_on_a_full_disk_ends_with_a_whole_packet(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    recorder = record(path)
    tap = tapped(recorder)
    tap.received(b"a" * 300)
    tap.received(b"b" * 300)
    tap.keep()
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


def test_thread_survives_work_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    writer, done = CaptureWriter("a.pcapng", 1000), Event()
    writer.do(fail)
    writer.do(done.set)
    assert writer.finish(10)
    assert (caplog.messages, done.is_set()) == (["a.pcapng: a recording failed"], True)


def test_thread_ends_with_the_last_connection(tmp_path: Path) -> None:
    recorder = record(tmp_path)
    for _ in range(2):
        tapped(recorder).closed()
    assert recorder.finish()
    assert len(list(tmp_path.iterdir())) == 2


def no_thread(_: Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_recording_without_a_thread_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = record(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(Thread, "start", no_thread)
        tap = tapped(recorder)
        tap.sent([b"lost"])
        tap.keep()
        tap.closed()
        assert recorder.finish()
    assert "not recorded: can't start new thread" in caplog.text
    assert not list(tmp_path.iterdir())
    tapped(recorder).closed()
    assert recorder.finish()
    assert len(list(tmp_path.iterdir())) == 1


def test_long_capture_is_replaced_without_a_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.pcapng"
    path.write_bytes(bytes(10_000))
    monkeypatch.setattr(Thread, "start", no_thread)
    assert record(path).finish()
    assert not list(read_capture(path.read_bytes(), []))
