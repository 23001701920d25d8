"""Recordings of associations while they happen."""

import asyncio
import errno
import logging
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from certificates import Authority
from raw import ECHO, raw_client

from dimse.errors import AssociationRejected, DecodeError
from dimse.explain import ACCEPTOR, REQUESTOR, RecordedAssociation, associations_in, read_capture
from dimse.explain.pcapng import capture_header
from dimse.net import VERIFICATION, Limits, Record, client_context, connect, record, serve, server_context
from dimse.net.recorder import Recorder
from dimse.net.scu import c_echo
from dimse.ul import ReleaseRQ

MESSAGES = ["A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "C-ECHO-RQ", "C-ECHO-RSP", "A-RELEASE-RQ", "A-RELEASE-RP"]


def recorded(path: Path) -> list[RecordedAssociation]:
    faults: list[DecodeError] = []
    found = list(associations_in(path.read_bytes(), faults))
    assert not faults
    return found


def names(association: RecordedAssociation) -> list[str]:
    return [step.name for step in association.steps() if step.turns]


async def echo_once(host: str, port: int, **options: object) -> None:
    async with connect(host, port, ECHO, **options) as association:  # type: ignore[arg-type]  # as the caller wants
        await c_echo(association)


async def test_both_sides_record_the_same_bytes(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "client.pcapng", tmp_path / "server.pcapng"
    async with serve([VERIFICATION], port=0, trace=record(theirs)) as server:
        await echo_once(server.host, server.port, trace=record(ours))
    (one,), (other,) = recorded(ours), recorded(theirs)
    assert names(one) == names(other) == MESSAGES
    for side in (REQUESTOR, ACCEPTOR):
        said = [b"".join(data for sender, data, _ in each.pieces if sender == side) for each in (one, other)]
        assert said[0] == said[1]
    assert one.title == other.title


async def test_broken_bytes_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "server.pcapng"
    wire = b"\x09\xff is not a PDU"
    async with serve([VERIFICATION], port=0, trace=record(path)) as server:
        async with raw_client(server) as peer:
            peer.writer.write(wire)
            await peer.reader.readexactly(10)  # A-ABORT
    (connection,) = read_capture(path.read_bytes())
    assert b"".join(piece for by_client, piece in connection.pieces if by_client) == wire


async def test_file_holds_all_associations(tmp_path: Path) -> None:
    path = tmp_path / "all.pcapng"
    async with serve([VERIFICATION], port=0, trace=record(path)) as server:
        await asyncio.gather(*(echo_once(server.host, server.port) for _ in range(3)))
        await echo_once(server.host, server.port)
    assert [names(one) for one in recorded(path)] == [MESSAGES] * 4


async def test_folder_gets_a_file_for_each_association(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    async with serve([VERIFICATION], port=0, trace=record(folder)) as server:
        for _ in range(2):
            await echo_once(server.host, server.port)
    files = sorted(folder.iterdir())
    assert [names(*recorded(path)) for path in files] == [MESSAGES] * 2
    assert all(path.suffix == ".pcapng" and "-127.0.0.1-" in path.name for path in files)


async def test_recording_is_private(tmp_path: Path) -> None:
    path = tmp_path / "all.pcapng"
    async with serve([VERIFICATION], port=0, trace=record(path)) as server:
        await echo_once(server.host, server.port)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_other_trace_gets_the_records(tmp_path: Path) -> None:
    records: list[Record] = []
    async with serve([VERIFICATION], port=0, trace=record(tmp_path / "a.pcapng", also=records.append)) as server:
        await echo_once(server.host, server.port)
    assert str(records[0]) == "= Sta1 Evt5 AE-5 Sta2"
    assert names(*recorded(tmp_path / "a.pcapng")) == MESSAGES


@pytest.mark.parametrize("is_wanted", [False, True])
async def test_tls_is_recorded_only_when_wanted(
    is_wanted: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    identity = authority.issue("server")
    path = tmp_path / "tls.pcapng"
    context = server_context(identity.certificate, identity.key)
    async with serve([VERIFICATION], port=0, tls=context, trace=record(path, tls=is_wanted)) as server:
        await echo_once(server.host, server.port, tls=client_context(authority.ca))
    if is_wanted:
        assert names(*recorded(path)) == MESSAGES
    else:
        with pytest.raises(DecodeError, match="no TCP connection"):
            recorded(path)
        assert "not recorded, because it uses TLS" in caplog.text


async def test_recorder_begins_a_new_file_if_the_old_one_is_moved(tmp_path: Path) -> None:
    path, moved = tmp_path / "all.pcapng", tmp_path / "moved.pcapng"
    recorder = record(path)
    async with serve([VERIFICATION], port=0, trace=recorder) as server:
        await echo_once(server.host, server.port)
        await recorder.written()
        await asyncio.to_thread(path.rename, moved)
        await echo_once(server.host, server.port)
    assert names(*recorded(path)) == names(*recorded(moved)) == MESSAGES


async def test_recording_of_a_canceled_association_is_complete(tmp_path: Path) -> None:
    path, established = tmp_path / "a.pcapng", asyncio.Event()

    async def wait(host: str, port: int) -> None:
        async with connect(host, port, ECHO, trace=record(path)):
            established.set()
            await asyncio.Event().wait()

    async with serve([VERIFICATION], port=0) as server:
        waiting = asyncio.create_task(wait(server.host, server.port))
        await established.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert names(*recorded(path)) == ["A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "A-ABORT"]


async def test_recording_of_a_failed_block_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    async with serve([VERIFICATION], port=0) as server:
        with pytest.raises(KeyError):
            async with connect(server.host, server.port, ECHO, trace=record(path)):
                raise KeyError
        assert names(*recorded(path)) == ["A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "A-RELEASE-RQ", "A-RELEASE-RP"]


async def test_recording_of_a_rejected_association_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    async with serve([VERIFICATION], port=0, limits=Limits(associations=1)) as server:
        async with connect(server.host, server.port, ECHO):
            with pytest.raises(AssociationRejected):
                await echo_once(server.host, server.port, trace=record(path))
            assert names(*recorded(path)) == ["A-ASSOCIATE-RQ", "A-ASSOCIATE-RJ"]


async def test_full_disk_ends_only_the_recording(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "full.pcapng"
    recorder = record(path)
    path.unlink()
    path.symlink_to("/dev/full")
    with caplog.at_level(logging.ERROR):
        async with serve([VERIFICATION], port=0, trace=recorder) as server:
            await echo_once(server.host, server.port)
            await echo_once(server.host, server.port)
    assert caplog.text.count("the recording ends here: ") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("is_full", [False, True])
def test_closed_tap_says_whether_its_recording_is_cut(is_full: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    recorder = record(path)
    if is_full:
        path.unlink()
        path.symlink_to("/dev/full")
    tap = recorder.tap(("127.0.0.1", 104), ("127.0.0.1", 5), is_client=False, is_secure=False)
    assert tap is not None
    tap.sent([b"lost"])
    cut: list[bool] = []
    tap.closed(cut.append)
    assert recorder.finish()
    assert cut == [is_full]


def test_recorder_empties_an_existing_file(tmp_path: Path) -> None:
    path = tmp_path / "a.pcapng"
    path.write_bytes(bytes(1000))
    assert record(path).finish()
    assert path.read_bytes() == capture_header()


def test_recorder_passes_records_to_the_other_trace(tmp_path: Path) -> None:
    records: list[Record] = []
    released = Record(0.0, "127.0.0.1:5", "<", ReleaseRQ())
    record(tmp_path / "a.pcapng", also=records.append)(released)
    record(tmp_path / "b.pcapng")(released)
    assert records == [released]


def record_connection(recorder: Recorder) -> None:
    tap = recorder.tap(("127.0.0.1", 104), ("127.0.0.1", 5), is_client=False, is_secure=False)
    assert tap is not None
    tap.sent([b"sent"])
    tap.keep()
    tap.closed()
    assert recorder.finish()


def test_removed_folder_ends_only_the_recording(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    recorder = record(tmp_path / "folder")
    (tmp_path / "folder").rmdir()
    tap = recorder.tap(("127.0.0.1", 104), ("127.0.0.1", 5), is_client=False, is_secure=False)
    assert tap is not None
    tap.sent([b"lost"])
    tap.keep()
    tap.closed()
    assert recorder.finish()
    (line,) = caplog.messages
    assert line.startswith("127.0.0.1:5: not recorded: [Errno 2]")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_full_disk_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.pcapng").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        record(tmp_path / "a.pcapng")


def test_capture_that_cannot_be_shortened_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def ftruncate(descriptor: int, length: int) -> None:  # noqa: ARG001
        raise OSError(errno.EIO, "Input/output error")

    path = tmp_path / "a.pcapng"
    path.write_bytes(bytes(1000))
    monkeypatch.setattr(os, "ftruncate", ftruncate)
    recorder = record(path)
    assert recorder.finish()
    assert caplog.messages == [f"{path}: the recording ends here: [Errno 5] Input/output error"]
    record_connection(recorder)
    assert path.stat().st_size == 1000  # no packet follows the old bytes


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_capture_that_has_ended_takes_no_more_connections(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.pcapng"
    recorder = record(path)
    path.unlink()
    path.symlink_to("/dev/full")
    record_connection(recorder)
    path.unlink()
    record_connection(recorder)
    assert "the recording ends here: " in caplog.text
    assert not path.exists()


def test_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        record(tmp_path / "file" / "folder")


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
async def test_wireshark_reads_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "echo.pcapng"
    async with serve([VERIFICATION], port=0, trace=record(path)) as server:
        await echo_once(server.host, server.port)
        decoded = f"tcp.port=={server.port},dicom"
    command = ["tshark", "-r", str(path), "-d", decoded, "-o", "ip.check_checksum:TRUE"]
    fields = ["-T", "fields", "-e", "dicom.pdu.type", "-e", "ip.checksum.status"]
    shown = await asyncio.to_thread(subprocess.run, [*command, *fields], capture_output=True, text=True, check=True)
    rows = [line.split("\t") for line in shown.stdout.splitlines()]
    assert [int(row[0], 16) for row in rows if row[0]] == [1, 2, 4, 4, 5, 6]
    assert {row[1] for row in rows} == {"1"}  # good
    shown = await asyncio.to_thread(
        subprocess.run, [*command, "-Y", "tcp.analysis.flags"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == ""  # nothing is lost, repeated or out of order
