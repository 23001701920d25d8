"""The common frame of both command lines: output that cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="needs the pipes of POSIX")
full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
# Each prints less than Python's buffer holds, so nothing is written before the end of the command
SHORT = [
    ("dimse", "--help"),
    ("print_mgmt", "serve", "--list-presets"),
    ("print_mgmt", "pattern", "--list"),
]
# Without a value, Python buffers the output as it does for users
BUFFERED = {**os.environ, "PYTHONUNBUFFERED": ""}


def run(words: tuple[str, ...], output: int) -> tuple[int, bytes]:
    """Return the exit status of a command and what it prints on stderr."""
    command = [sys.executable, "-m", *words]
    done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, env=BUFFERED, timeout=60, check=False)
    return done.returncode, done.stderr


@posix
@pytest.mark.parametrize("words", SHORT)
def test_closed_pipe_ends_the_command_silently(words: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert run(words, writer) == (1, b"")
    finally:
        os.close(writer)


@full
@pytest.mark.parametrize("words", SHORT)
def test_full_disk_is_one_line(words: tuple[str, ...]) -> None:
    name = words[0].replace("_", "-")
    with Path("/dev/full").open("wb") as disk:
        assert run(words, disk.fileno()) == (1, f"{name}: No space left on device\n".encode())


@full
def test_failure_is_reported_beside_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(b"no DICOM")
    with Path("/dev/full").open("wb") as disk:
        status, said = run(("dimse", "dump", str(tmp_path / "a.dcm")), disk.fileno())
    assert (status, said.count(b"\n"), b"not a DICOM file" in said) == (1, 1, True)
