"""The command ``dimse lab``: scripts, exit statuses and the terminal."""

import asyncio
import io
import os
import pty
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from peers import PATIENCE, run_dimse
from raw import HOST

import dimse.cli
from dimse.cli.lab import _DELIMITERS, _Words
from dimse.lab import Lab
from dimse.net import VERIFICATION, serve


async def lab(port: int, commands: str, *options: str) -> int:
    """Run the command in a thread, beside a server in this loop."""
    arguments = ["lab", f"ANY-SCP@{HOST}:{port}", "--timeout", "5", "-c", commands, *options]
    return await asyncio.to_thread(dimse.cli.main, arguments)


async def test_script_shows_commands_after_the_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    async with serve([VERIFICATION], port=0) as server:
        assert await lab(server.port, "associate; release", "--brief") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("=")][::3] == ["closed> associate", "Sta6> release"]


async def test_unmet_expectation_is_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    async with serve([VERIFICATION], port=0) as server:
        assert await lab(server.port, "associate; expect A-ABORT") == 1
    assert "dimse: command 2: expected A-ABORT, but the peer sent" in capsys.readouterr().err


async def test_wrong_command_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    async with serve([VERIFICATION], port=0) as server:
        assert await lab(server.port, "associate; shout") == 2
    assert "dimse: command 2: 'shout' is not a command" in capsys.readouterr().err


async def test_value_of_a_file_that_cannot_be_read_names_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(bytes.fromhex("08001600 5553 0300 616263") + bytes.fromhex("10002000 4c4f 0200 3120"))
    async with serve([VERIFICATION], port=0) as server:
        assert await lab(server.port, f"associate; send C-STORE-RQ file={path}") == 1
    assert "dimse: command 2: (0008,0016): US needs a multiple of 2 bytes, got 3" in capsys.readouterr().err


async def test_semicolon_in_quotes_separates_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    async with serve([VERIFICATION], port=0) as server:
        assert await lab(server.port, "associate; expect 'a;b'") == 1
    assert "expected a;b" in capsys.readouterr().err


def test_peer_and_listen_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        dimse.cli.main(["lab"])
    assert ended.value.code == 2
    assert "give either a peer, AE@HOST:PORT, or --listen" in capsys.readouterr().err


def test_trace_of_tls_needs_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        dimse.cli.main(["lab", "A@127.0.0.1:1", "--tls", "--trace", str(tmp_path / "lab.pcapng")])
    assert "add --trace-tls if that is intended" in capsys.readouterr().err


async def test_bytes_that_are_not_text_are_a_mistake_in_their_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve([VERIFICATION], port=0) as server:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"associate\n\nsh\xffout\n"), encoding="utf-8"))
        arguments = ["lab", f"ANY-SCP@{HOST}:{server.port}", "--timeout", "5"]
        assert await asyncio.to_thread(dimse.cli.main, arguments) == 2
    assert r"line 3: 'sh\udcffout' is not a command" in capsys.readouterr().err


def test_empty_trace_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        dimse.cli.main(["lab", "A@127.0.0.1:1", "--trace", ""])
    assert "argument --trace: is empty" in capsys.readouterr().err


def test_trace_without_a_file_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command shows each PDU on standard output; `record` would make a folder with the name -."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        dimse.cli.main(["lab", "A@127.0.0.1:1", "--trace", "-"])
    assert "--trace -: standard output has each PDU and state already" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []


async def test_script_comes_from_a_pipe(tmp_path: Path) -> None:
    async with serve([VERIFICATION], port=0) as server:
        ended = await run_dimse("lab", f"{HOST}:{server.port}", cwd=tmp_path)  # standard input is empty
    assert ended == (0, "", "")


async def test_terminal_shows_a_prompt_and_mistakes(tmp_path: Path) -> None:
    async with serve([VERIFICATION], port=0) as server:
        near, far = pty.openpty()
        command = ("-m", "dimse", "lab", f"{HOST}:{server.port}", "--brief")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            cwd=tmp_path,
            env={**os.environ, "TERM": "dumb"},
            stdin=far,
            stdout=far,
            stderr=far,
        )
        os.close(far)
        os.write(near, b"associate\nshout\nquit\n")
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
        text = await asyncio.to_thread(_all_of, near)
    assert "Sta6> " in text
    assert "! 'shout' is not a command" in text


def _all_of(terminal: int) -> str:
    parts = []
    with suppress(OSError):  # the end of a terminal
        while part := os.read(terminal, 1 << 16):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()


@pytest.mark.parametrize("before", ["send C-STORE-RQ file=", "raw @"])
def test_tab_completes_files(before: str, tmp_path: Path) -> None:
    (tmp_path / "slice.dcm").touch()
    lab = Lab(lambda _: pytest.fail("no connection is needed"))
    assert _Words(lab, lambda: before).complete(f"{tmp_path}/sl", 0) == f"{tmp_path}/slice.dcm"


@pytest.mark.parametrize(
    ("line", "rest"),
    [("raw @./sli", "ce.v1.dcm"), ("raw @slice.v", "1.dcm"), ("send C-STORE-RQ file=../here/slice.", "v1.dcm")],
)
def test_tab_completes_files_after_a_dot(line: str, rest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "slice.v1.dcm").touch()
    monkeypatch.chdir(tmp_path / "here")
    start = max(map(line.rfind, _DELIMITERS)) + 1  # as readline does
    words = _Words(Lab(lambda _: pytest.fail("no connection is needed")), lambda: line[:start])
    assert words.complete(line[start:], 0) == f"{line[start:]}{rest}"
    assert words.complete(line[start:], 1) is None
