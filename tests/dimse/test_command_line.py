"""The common frame of both command lines: unknown options, ``-v``, output that cannot be written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dimse.command_line import Parser

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


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("peer --repat 3", "x echo: unrecognized arguments: --repat 3; did you mean --repeat? (see x echo --help)\n"),
        ("peer --repat=3", "x echo: unrecognized arguments: --repat=3; did you mean --repeat? (see x echo --help)\n"),
        ("peer other", "x echo: unrecognized arguments: other (see x echo --help)\n"),
    ],
)
def test_unknown_argument_names_the_help_of_its_command(
    words: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        echo_parser().parse_args(["echo", *words.split()])
    assert capsys.readouterr().err == error


@pytest.mark.parametrize(
    ("words", "count"), [("echo peer", 0), ("-v echo peer", 1), ("echo peer -v", 1), ("echo -vv peer", 2)]
)
def test_verbose_may_stand_after_the_command(words: str, count: int) -> None:
    assert echo_parser().parse_args(words.split()).verbose == count


def test_help_fills_sentences_and_keeps_examples(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "42")
    example = "  x echo peer --repeat 3 and more words than fit in a line"
    parser = Parser(
        prog="x", epilog=f"examples:\n{example}\n\nThis sentence is written on one long line.\nThis one, too.\n"
    )
    with pytest.raises(SystemExit, match="0"):
        parser.parse_args(["--help"])
    epilog = "This sentence is written on one long\nline. This one, too.\n"
    assert capsys.readouterr().out.endswith(f"\nexamples:\n{example}\n\n{epilog}")


def echo_parser() -> Parser:
    """Return a parser with one command, which has an option."""
    parser = Parser(prog="x")
    parser.add_argument("-v", "--verbose", action="count", default=0)
    echo = parser.add_subparsers().add_parser("echo")
    echo.add_argument("peer")
    echo.add_argument("--repeat")
    return parser
