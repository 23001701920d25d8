"""The command ``dimse tap``, as a process between our own client and server."""

import asyncio
import os
import re
import resource
import shutil
import signal
import socket
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from certificates import Authority
from peers import PATIENCE, Serving, run_dimse, running_ours, tapping
from raw import ECHO, HOST

import dimse.cli
import dimse.cli.tap_pages
from dimse.cli.tap import no_views, remove_recordings
from dimse.cli.tap_lines import OPENED, RECEIVED, Item, LineProcess, Lines
from dimse.cli.tap_pages import page_of_recording
from dimse.explain import REQUESTOR, associations_in
from dimse.net import VERIFICATION, client_context, connect, serve, server_context
from dimse.net.scu import c_echo

MESSAGES = ["A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "C-ECHO-RQ", "C-ECHO-RSP", "A-RELEASE-RQ", "A-RELEASE-RP"]
PDUS = ["A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "P-DATA-TF", "P-DATA-TF", "A-RELEASE-RQ", "A-RELEASE-RP"]


async def echo_once(port: int, **options: object) -> None:
    async with connect(HOST, port, ECHO, **options) as association:  # type: ignore[arg-type]  # as the caller wants
        assert (await c_echo(association)).Status == 0


def page_in(folder: Path) -> str:
    """Return the text of the page in a folder that has nothing else."""
    (path,) = folder.iterdir()
    assert path.suffix == ".html"
    return path.read_text()


async def closed(tap: Serving) -> list[str]:
    """Return the lines of the tap until the end of an association."""
    rows: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while not rows or not rows[-1].endswith(" = closed by both sides"):
            rows.append((await tap.process.stdout.readline()).decode().rstrip("\n"))
    return rows


async def test_tap_prints_a_line_for_each_pdu(tmp_path: Path) -> None:
    async with serve([VERIFICATION], port=0) as server, tapping(server.port, cwd=tmp_path) as tap:
        await echo_once(tap.port)
        first, *rows, last = await closed(tap)
        ended = await tap.stop()
    assert re.fullmatch(rf"1 = 127\.0\.0\.1:\d+ > 127\.0\.0\.1:{server.port}", first)
    assert [row.split()[4] for row in rows] == PDUS
    assert "".join(row[2] for row in rows) == "><><><"
    assert last == "1 = closed by both sides"
    assert (ended.status, ended.err) == (0, "")


async def test_tap_writes_a_capture_and_a_page_of_each_association(tmp_path: Path) -> None:
    folders = ("--html", "pages", "--pcap", "captures", "--quiet")
    async with serve([VERIFICATION], port=0) as server, tapping(server.port, *folders, cwd=tmp_path) as tap:
        await echo_once(tap.port)
        await echo_once(tap.port)
        ended = await tap.stop()
    captures, pages = sorted((tmp_path / "captures").iterdir()), sorted((tmp_path / "pages").iterdir())
    for capture in captures:
        (recorded,) = associations_in(capture.read_bytes(), [])
        assert [step.name for step in recorded.steps() if step.turns] == MESSAGES
    assert [path.stem for path in pages] == [path.stem for path in captures]
    assert all("C-ECHO-RSP" in path.read_text() for path in pages)
    announced = sorted(line.partition(" = ")[2] for line in ended.out.splitlines())  # in the order of their ends
    assert announced == [f"pages/{path.name}" for path in pages]


async def test_pages_without_captures_leave_no_recording(tmp_path: Path) -> None:
    async with serve([VERIFICATION], port=0) as server, tapping(server.port, "--html", ".", cwd=tmp_path) as tap:
        await echo_once(tap.port)
        assert (await tap.stop()).status == 0
    assert "C-ECHO-RSP" in page_in(tmp_path)


def test_recordings_that_cannot_be_removed_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    remove_recordings(tmp_path)
    assert capsys.readouterr().err == f"dimse: {tmp_path} remains: it cannot be removed\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_interrupted_tap_writes_the_bytes_so_far(number: signal.Signals, tmp_path: Path) -> None:
    async with serve([VERIFICATION], port=0) as server, tapping(server.port, "--html", ".", cwd=tmp_path) as tap:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(HOST, tap.port)
            writer.write(b"\x05\0\0\0\0\4\0\0\0\0")
            assert (await reader.readexactly(10))[0] == 7  # A-ABORT
            tap.process.send_signal(number)
            out, _ = await tap.process.communicate()
            writer.close()
    page = page_in(tmp_path)
    assert "A-RELEASE-RQ" in page
    assert "The connection ended: the relay ends." in page
    assert tap.process.returncode == 0
    assert b"1 = the relay ends" in out.splitlines()


async def test_page_shows_bytes_that_are_not_dicom(tmp_path: Path) -> None:
    async with serve([VERIFICATION], port=0) as server, tapping(server.port, "--html", ".", cwd=tmp_path) as tap:
        reader, writer = await asyncio.open_connection(HOST, tap.port)
        writer.write(b"GET <b>/ HTTP/1.1\r\n\r\n")
        assert (await reader.readexactly(10))[0] == 7  # A-ABORT
        writer.close()
        rows = await closed(tap)
    assert any("unrecognized PDU type 47H" in row for row in rows)
    assert "unrecognized PDU type 47H" in page_in(tmp_path)


async def test_tap_goes_on_if_the_target_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port = taken.getsockname()[1]
        async with tapping(port, cwd=tmp_path) as tap:
            for _ in range(2):
                reader, writer = await asyncio.open_connection(HOST, tap.port)
                assert await reader.read() == b""
                writer.close()
            ended = await tap.stop()
    assert ended.status == 0
    lines = ended.err.splitlines()
    assert len(lines) == 2
    assert all(line.endswith(f"cannot connect to {HOST}:{port}: Connection refused") for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")
async def test_full_disk_ends_only_the_recording(tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    async with serve([VERIFICATION], port=0) as server:
        async with tapping(server.port, "--pcap", folder, cwd=tmp_path) as tap:
            resource.prlimit(tap.process.pid, resource.RLIMIT_FSIZE, (1000, 1000))
            await echo_once(tap.port)
            rows = await closed(tap)
            ended = await tap.stop()
    assert [row.split()[4] for row in rows[1:-1]] == PDUS
    (line,) = ended.err.splitlines()
    assert "the recording ends here: " in line


async def test_tap_speaks_tls_on_both_sides(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    identity = authority.issue("server")
    options: list[str | Path] = ["--listen-tls-cert", identity.certificate, "--listen-tls-key", identity.key]
    options += ["--to-tls-ca", authority.ca]
    async with serve([VERIFICATION], port=0, tls=server_context(identity.certificate, identity.key)) as server:
        async with tapping(server.port, *options, cwd=tmp_path) as tap:
            await echo_once(tap.port, tls=client_context(authority.ca))
            rows = await closed(tap)
    assert [row.split()[4] for row in rows[1:-1]] == PDUS


@pytest.mark.parametrize("text", ["", "x", "70000", "host:", "1:2:3"])
def test_wrong_address_is_an_error_of_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        dimse.cli.main(["tap", "--listen", text, "--to", "A@127.0.0.1:104"])
    assert ended.value.code == 2
    assert "is not PORT or HOST:PORT" in capsys.readouterr().err


async def test_taken_port_is_one_line_of_error(tmp_path: Path) -> None:
    async with serve([VERIFICATION], port=0) as server:
        ended = await run_dimse("tap", "--listen", str(server.port), "--to", "127.0.0.1:9", cwd=tmp_path)
    assert ended.status == 1
    assert ended.err == f"dimse: cannot listen on 127.0.0.1:{server.port}: Address already in use\n"


def test_association_that_is_too_far_behind_loses_its_lines(capfd: pytest.CaptureFixture[str]) -> None:
    lines = LineProcess(max_queued=1 << 16)
    lines.opened(1, "the quick one")
    lines.opened(2, "the slow one")
    for _ in range(100):
        lines.received(2, ">", b"\4\0\xff\xff\xff\xff" + bytes(1 << 20))
    lines.received(1, ">", b"\5\0\0\0\0\4\0\0\0\0")
    lines.closed(1, "closed")
    lines.closed(2, "closed")
    lines.close()
    shown = capfd.readouterr().out.splitlines()
    assert "2 ! no more lines: the explanation is too far behind" in shown
    assert [row for row in shown if row.startswith("1 ")] == [
        "1 = the quick one",
        "1 > 000000      10 A-RELEASE-RQ",
        "1 = closed",
    ]


def test_missing_recording_gives_no_page(tmp_path: Path) -> None:
    failed = page_of_recording(tmp_path / "no.pcapng", tmp_path / "no.html", "", [], no_views, keep=True)
    assert "no.pcapng" in failed
    assert list(tmp_path.iterdir()) == []


def test_page_of_a_long_recording_has_its_beginning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dimse.cli.tap_pages, "_MAX_READ", 2000)
    recording = Path(__file__).parents[3] / "docs" / "film.pcapng"
    assert page_of_recording(recording, tmp_path / "a.html", "", [], no_views, keep=True) == ""
    assert "The page has only the first 0 MiB of the recording." in (tmp_path / "a.html").read_text()


async def test_redacted_tap_shows_no_address_of_a_client(tmp_path: Path) -> None:
    async with (
        serve([VERIFICATION], port=0) as server,
        tapping(server.port, "--redact", "--html", "pages", cwd=tmp_path) as tap,
    ):
        await echo_once(tap.port)
        rows = await closed(tap)
        await tap.stop()
    (page,) = (tmp_path / "pages").iterdir()
    assert not any("127.0.0.1" in text for text in (*rows, page.name, page.read_text()))


async def test_tap_serves_a_live_view(tmp_path: Path) -> None:
    async with serve([VERIFICATION], port=0) as server:
        options = ("--listen", "0", "--to", f"127.0.0.1:{server.port}", "--live", "0", "--quiet")
        async with running_ours("dimse", "tap", *options, cwd=tmp_path) as process:
            url = (await process.stdout.readline()).decode().split()[-1]
            await echo_once(int(re.findall(r":(\d+),", (await process.stdout.readline()).decode())[0]))
            with await asyncio.to_thread(urlopen, f"{url}events", timeout=PATIENCE) as response:
                assert await asyncio.to_thread(response.readline) == b"id: 1\n"


async def test_taken_port_of_the_live_view_is_a_clear_error(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        ended = await run_dimse("tap", "--listen", "0", "--to", "127.0.0.1:1", "--live", str(port), cwd=tmp_path)
    assert (ended.status, ended.err) == (1, f"dimse: cannot listen on 127.0.0.1:{port}: Address already in use\n")


async def test_recording_cannot_be_redacted(tmp_path: Path) -> None:
    options = ("--listen", "0", "--to", "127.0.0.1:1", "--redact", "--pcap", "seen")
    ended = await run_dimse("tap", *options, cwd=tmp_path)
    assert ended.status == 2
    assert "--pcap records all bytes, so it cannot be used with --redact" in ended.err


def test_all_associations_together_are_bounded() -> None:
    lines = Lines(max_held=100)
    found: list[str] = []
    for number, size in [(1, 30), (2, 40), (3, 50)]:
        found += lines.of(Item(number, OPENED, "", b"", 0.0))
        found += lines.of(Item(number, RECEIVED, REQUESTOR, b"\4\0\xff\xff\xff\xff".ljust(size), 0.0))
    assert found[-1].startswith("3 ! no more lines: the incomplete messages of all associations")


def test_lines_escape_characters_that_the_output_lacks(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    lines = LineProcess()
    lines.opened(1, "プリ")
    lines.close()
    assert capfd.readouterr() == ("1 = \\u30d7\\u30ea\n", "")


def test_unread_lines_do_not_keep_the_tap_from_ending(capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    own = os.dup(1)
    os.dup2(writing, 1)  # the process inherits it
    lines = LineProcess(patience=0.5)
    os.dup2(own, 1)
    for number in range(1, 300):
        lines.opened(number, "x" * 1000)
    lines.close()
    for descriptor in (reading, writing, own):
        os.close(descriptor)
    assert capfd.readouterr().err == "dimse: lines are missing: nobody has read them for 0.5 s\n"
