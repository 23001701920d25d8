"""The example of docs/verify/README.md: each case is a test of a printer."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from printers import printer

GUIDE = Path(__file__).parents[3] / "docs" / "verify" / "README.md"


def example() -> str:
    """Return the program of the guide's section about pytest."""
    text = GUIDE.read_text().partition("## The cases as pytest tests")[2]
    match = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert match is not None
    return match[1]


async def run_example(tmp_path: Path, port: int) -> tuple[int, str]:
    (tmp_path / "test_printer.py").write_text(example().replace("11112", str(port)))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", "-k", "UL-F-2 or PRN-N-1.01",
        "-c", "/dev/null", "--rootdir", str(tmp_path), str(tmp_path),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # the example needs no plugin
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_example_passes_for_our_printer(tmp_path: Path) -> None:
    async with printer() as (server, _):
        status, output = await run_example(tmp_path, server.port)
    assert status == 0, output
    assert re.search(r"\b[1-9][0-9]* passed", output), output


async def test_example_fails_without_a_printer(tmp_path: Path) -> None:
    status, output = await run_example(tmp_path, 1)
    assert status == 1, output
    assert "no connection" in output
