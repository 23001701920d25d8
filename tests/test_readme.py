"""The examples and commands of the README run as written."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dimse.data import Dataset
from dimse.data.part10 import write_file
from dimse.data.pixels import set_pixels
from dimse.uids import SecondaryCaptureImageStorage, new_uid
from dimse.verify.catalogue import catalogue

HOUSE = Path(__file__).parents[1]
README = HOUSE / "README.md"
SCU, SCP, CORE = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


def test_examples_are_short() -> None:
    assert SCU.count("\n") <= 12
    assert SCP.count("\n") <= 20


def test_client_example_prints_on_printer_example(tmp_path: Path) -> None:
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID=new_uid())
    set_pixels(dataset, np.zeros((8, 8), np.uint8), photometric="MONOCHROME2")
    write_file(tmp_path / "a.dcm", dataset)
    assert "11112" in SCP
    scp_source = SCP.replace("port=11112", "port=0")  # 11112 may be taken where the tests run
    with subprocess.Popen(
        [sys.executable, "-c", scp_source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as scp:
        try:
            assert scp.stdout is not None
            port = scp.stdout.readline().rpartition(":")[2].strip()
            done = subprocess.run(
                [sys.executable, "-c", SCU.replace("11112", port), *["a.dcm"] * 7],
                capture_output=True,
                text=True,
                cwd=tmp_path,
                check=False,
            )
            assert (done.stdout, done.stderr) == ("7 images on 2 films\n", "")
            lines = [scp.stdout.readline() for _ in range(4)]
        finally:
            scp.kill()
            scp.communicate()
    assert [line.split() for line in lines] == [
        ["PRINTSCU", "printed", f"films/film-{number}.{suffix}"] for number in (1, 2) for suffix in ("png", "pdf")
    ]


def test_core_example_prints_its_comment(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(CORE, str(README), "exec"), {})
    said = re.search(r"print\(.*\)  # (.*)", CORE)
    assert said is not None
    assert capsys.readouterr().out.strip() == said[1]


def test_commands_of_the_readme_exist() -> None:
    from dimse.cli import main as dimse
    from print_mgmt.cli import main as print_mgmt

    commands = re.findall(r"^    (dimse|print-mgmt) (\w+)", README.read_text(), re.MULTILINE)
    assert len(commands) == 19
    for program, command in commands:
        with pytest.raises(SystemExit) as caught:
            (dimse if program == "dimse" else print_mgmt)([command, "--help"])
        assert caught.value.code == 0


def test_readme_counts_the_cases_of_the_tester() -> None:
    assert f" has {len(catalogue())} cases." in README.read_text()


def test_named_targets_exist() -> None:
    texts = [path.read_text() for path in (README, *HOUSE.glob("C*.md"), *HOUSE.glob("docs/*.md"))]
    named = {target for text in texts for target in re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.MULTILINE)}
    targets = set(re.findall(r"^([a-z-]+):", (HOUSE / "Makefile").read_text(), re.MULTILINE))
    assert {"demo", "test", "fuzz", "soak", "docs"} <= named
    assert named <= targets
