"""The command ``print-mgmt explain``, on recordings that ``--trace`` of other commands has made."""

import json
from pathlib import Path

import pytest
from served import serving

from print_mgmt.cli import main


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Return the recording of a printed test pattern, made by the client; the printer's recording lies beside it."""
    ours, theirs = tmp_path / "client.pcapng", tmp_path / "printer.pcapng"
    pattern = tmp_path / "pattern.dcm"
    assert main(["pattern", "smpte", "-o", str(pattern)]) == 0
    with serving(tmp_path / "films", "--trace", str(theirs)) as (address, process):
        assert main(["print", f"PRINTSCP@{address}", str(pattern), "--trace", str(ours)]) == 0
        process.terminate()
        process.communicate(timeout=60)  # now its recording is complete
    return ours


def test_commands_record_and_page_shows_the_film(recording: Path) -> None:
    for path in (recording, recording.with_name("printer.pcapng")):
        page = path.with_suffix(".html")
        assert main(["explain", str(path), "-o", str(page)]) == 0
        text = page.read_text(encoding="utf-8")
        assert '"name":"printed film"' in text
        assert len(text) < 1_000_000


def test_json_has_the_events_of_print(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["explain", "--json", str(recording)]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = [event["name"] for event in events if event.get("category") == "print"]
    assert names[:4] == ["film session", "film box", "image box 1", "printed film"]
