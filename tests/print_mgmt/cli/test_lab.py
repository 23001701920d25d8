"""The command ``print-mgmt lab``: the commands of docs/lab.md on our own printer."""

import asyncio
from pathlib import Path

import pytest

import print_mgmt.cli
from print_mgmt import PrintServer

DOC = (Path(__file__).parents[3] / "docs" / "lab.md").read_text()
FILM = [
    line.strip()
    for line in DOC.partition("## A film by hand\n")[2].partition("\nA keyword")[0].splitlines()
    if line.strip()
]


@pytest.fixture
async def printed(capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the commands of the document print."""
    async with PrintServer(lambda _: None, port=0) as server:
        arguments = ["lab", f"127.0.0.1:{server.port}", "--brief", "--timeout", "10", "-c", ";".join(FILM)]
        assert await asyncio.to_thread(print_mgmt.cli.main, arguments) == 0
    return capsys.readouterr().out


async def test_film_by_hand_succeeds_at_each_step(printed: str) -> None:
    responses = [line for line in printed.splitlines() if line.startswith("<") and "RSP(" in line]
    assert len(responses) == 6
    assert all("Status=0000H" in line for line in responses)


async def test_lab_describes_the_film_box(printed: str) -> None:
    assert any(line.startswith("= film box:") for line in printed.splitlines())
