"""The command ``dimse verify grid``: exit status, page, JSON."""

import asyncio
import json
from pathlib import Path

import pytest
from twin import HOST, Twin, serving

from dimse.cli import main

FAILS = Twin(echoes=lambda command: command[:-2] + b"\x10\x01")


async def grid(one: Twin, other: Twin, *options: str) -> int:
    """Return the exit status of the command with two twins in the loop of this test."""
    async with serving(one) as first, serving(other) as second:
        words = ["verify", "grid", f"A@{HOST}:{first}", f"A@{HOST}:{second}", *options]
        return await asyncio.to_thread(main, words)


async def test_peers_that_agree_exit_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert await grid(Twin(), Twin()) == 0
    assert "agree on 4 of 4 lines" in capsys.readouterr().out


async def test_peers_that_differ_exit_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "grid.html"
    assert await grid(Twin(), FAILS, "--json", "--html", str(path)) == 1
    assert json.loads(capsys.readouterr().out)["unanimous"] is False
    assert "RSP(0110)" in path.read_text()


async def test_script_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("# only the association\nassociate Verification\nrelease\n")
    assert await grid(Twin(), FAILS, "--script", str(path)) == 0


def test_unreachable_peer_exits_with_3(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "grid", f"A@{HOST}:1", f"B@{HOST}:1"]) == 3
    assert capsys.readouterr().err.startswith(f"dimse verify grid: A@{HOST}:1: no connection")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["A@h:1"], "a grid needs two peers or more"),
        (["--script", "nothing"], "neither a file nor a built-in script"),
        (["--script", "/"], "dimse verify grid: /: Is a directory (see"),
    ],
)
def test_wrong_usage_exits_with_2(words: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", "grid", *words])
    assert ended.value.code == 2
    assert error in capsys.readouterr().err


def test_show_prints_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "grid", "--script", "echo", "--show"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "associate Verification:implicit"
