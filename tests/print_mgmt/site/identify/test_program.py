"""Identity from a program that reads the film."""

import asyncio
import sys
from pathlib import Path

import pytest
from accepted import accepted_film

from dimse.data import Dataset
from dimse.errors import DimseError
from print_mgmt import ConfigError
from print_mgmt.destinations import CommandDestination
from print_mgmt.destinations.program import ProgramResult
from print_mgmt.site.identify import Findings, ProgramSource


async def ask(tmp_path: Path, code: str, *arguments: str, seconds: float = 30.0) -> Findings:
    path = tmp_path / "read.py"
    path.write_text(f"import json, sys, time\n{code}\n")
    source = ProgramSource(command=(sys.executable, str(path), *arguments), dpi=20, seconds=seconds)
    return await source.find(accepted_film(), Dataset(PatientName="Doe^Jane"))


async def test_output_has_the_values(tmp_path: Path) -> None:
    code = 'print(json.dumps({"PatientID": open(sys.argv[1], "rb").read(4)[1:].decode()}))'
    assert (await ask(tmp_path, code)).values == {"PatientID": "PNG"}


async def test_program_gets_earlier_values(tmp_path: Path) -> None:
    code = 'print(json.dumps({"PatientID": json.load(open(sys.argv[1]))["identified"]["PatientName"]}))'
    assert (await ask(tmp_path, code, "{json}")).values == {"PatientID": "Doe^Jane"}


async def test_silent_program_found_nothing(tmp_path: Path) -> None:
    assert (await ask(tmp_path, "")).values == {}


async def test_other_keys_are_noted(tmp_path: Path) -> None:
    findings = await ask(tmp_path, """print('{"PatientID": 7, "Shoe": "x", "PatientSex": "F"}')""")
    assert findings.values == {"PatientSex": "F"}
    assert findings.notes[0].startswith("the entry 'PatientID' is not a string, or its name is not one of PatientName,")


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("print('PatientID')", "the output is not JSON"),
        ("print('[' * 100_000)", "the output is not JSON"),
        ("print('[]')", "the output is not a JSON object"),
        ("print('x' * 3_000_000)", "the output is not JSON"),
        ("sys.exit('no bar code')", "failed with exit status 1: no bar code$"),
        ("sys.exit(3)", "failed with exit status 3$"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL$"),
    ],
)
async def test_wrong_output_is_an_error(tmp_path: Path, code: str, why: str) -> None:
    with pytest.raises(DimseError, match=why):
        await ask(tmp_path, code)


async def test_slow_program_is_killed(tmp_path: Path) -> None:
    with pytest.raises(DimseError, match=r"did not end within 0\.5 s and was killed"):
        await ask(tmp_path, "time.sleep(60)", seconds=0.5)


def test_wrong_value_names_its_key() -> None:
    with pytest.raises(ConfigError, match="command: needs at least"):
        ProgramSource(command=())


async def test_few_programs_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running, most = 0, 0

    async def run(*_: object) -> ProgramResult:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return ProgramResult(0, b"{}", "")

    monkeypatch.setattr(CommandDestination, "run", run)
    source = ProgramSource(command=("true",))
    await asyncio.gather(*(source.find(accepted_film(), Dataset()) for _ in range(10)))
    assert most == 4
