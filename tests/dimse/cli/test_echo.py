"""The command ``dimse echo``: its result and its trace."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from dimse.cli import main
from dimse.net import VERIFICATION, serve


async def echo(*options: str) -> int:
    """Return the exit status of ``dimse echo`` against a server in the loop of this test."""
    async with serve([VERIFICATION], port=0) as server:
        return await asyncio.to_thread(main, ["echo", f"ANY@{server.host}:{server.port}", *options])


async def test_each_echo_prints_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert await echo("--repeat", "3") == 0
    said = capsys.readouterr()
    assert re.fullmatch(r"(echo \d from ANY@127\.0\.0\.1:\d+: [\d.]+ ms\n){3}", said.out)
    assert said.err == ""


async def test_trace_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert await echo("--trace", "-", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["status"] == "0000"
    lines = said.err.splitlines()
    assert all(re.match(r" +\d+\.\d{4} [<>=] ", line) for line in lines)
    assert [line[10:] for line in lines][4] == "= Sta5 Evt3 AE-3 Sta6"
    assert lines[0].startswith("   0.0000 ")


async def test_trace_is_written_as_a_capture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "echo.pcapng"
    assert await echo("--trace", str(path)) == 0
    assert capsys.readouterr().err == ""
    assert main(["explain", "--brief", str(path)]) == 0
    assert capsys.readouterr().out.count("P-DATA-TF") == 2


async def test_trace_of_tls_needs_an_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        await echo("--tls", "--trace", str(tmp_path / "echo.pcapng"))
    assert caught.value.code == 2
    assert "add --trace-tls if that is intended" in capsys.readouterr().err
    assert not await asyncio.to_thread((tmp_path / "echo.pcapng").exists)
