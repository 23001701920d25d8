"""``print-mgmt pattern``: its files, as other programs read them."""

import errno
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal

import numpy as np
import pydicom
import pytest
from PIL import Image

from print_mgmt.cli import main
from print_mgmt.images import PATTERNS, prepare


def run(*words: str) -> int:
    return main(["pattern", *words])


def full_disk(_descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("name", ["a.png", "a.dcm"])
def test_old_file_stays_if_the_disk_is_full(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / name
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full_disk)
    assert run("steps", "-o", str(path)) == 1
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"old", [path])


def test_name_of_the_file_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("steps", "-o", str(tmp_path / "a\n\x1b[31m.png")) == 0
    assert capsys.readouterr().out.startswith(rf"{tmp_path}/a\n\x1b[31m.png: steps")


@pytest.mark.parametrize("bits", [8, 12])
def test_dicom_file_holds_the_pattern(tmp_path: Path, bits: Literal[8, 12]) -> None:
    path = tmp_path / "smpte.dcm"
    assert run("smpte", "-o", str(path), "--size", "300x400", "--bits", str(bits)) == 0
    file = pydicom.dcmread(path)
    assert (file.Rows, file.Columns, file.BitsStored) == (400, 300, bits)
    assert np.array_equal(file.pixel_array, prepare(PATTERNS["smpte"](400, 300, bits), bits=bits).pixels)


@pytest.mark.parametrize("bits", [8, 12])
def test_png_holds_the_pattern(tmp_path: Path, bits: Literal[8, 12]) -> None:
    path = tmp_path / "steps.PNG"
    assert run("steps", "-o", str(path), "--size", "300x400", "--bits", str(bits)) == 0
    assert np.array_equal(np.asarray(Image.open(path)), PATTERNS["steps"](400, 300, bits))


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("bits", ["8", "12"])
def test_dciodvfy_finds_no_error(tmp_path: Path, bits: str) -> None:
    path = tmp_path / "pattern.dcm"
    run("tg18-qc", "-o", str(path), "--bits", bits, "--size", "256x300")
    found = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False)
    assert "Error" not in found.stdout + found.stderr
    assert "SCImage" in found.stdout + found.stderr


def test_list_names_every_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list") == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(PATTERNS)
    assert run("--list", "--json") == 0
    assert list(json.loads(capsys.readouterr().out)) == list(PATTERNS)


def test_command_prints_its_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.png"
    run("geometry", "-o", str(path))
    assert capsys.readouterr().out == f"{path}: geometry, 1024 x 1024 pixels of 8 bits\n"
    run("geometry", "-o", str(path), "--json")
    assert json.loads(capsys.readouterr().out)["rows"] == 1024


@pytest.mark.parametrize(
    ("words", "status", "reason"),
    [
        ((), 2, "name a pattern and a file"),
        (("smpte",), 2, "name a pattern and a file"),
        (("smpte", "-o", "a.jpg"), 2, "'a.jpg' does not end in .dcm or .png"),
        (("smpte", "-o", "a.png", "--size", "10"), 2, "'10' is not WxH"),
        (("smpte", "-o", "a.png", "--size", "10x10"), 2, "'10x10': 256 to 16384 pixels on each side"),
        (("smpte", "-o", "a.png", "--size", "0x0"), 2, "'0x0': 256 to 16384 pixels on each side"),
        (("smpte", "-o", "a.png", "--size", "100000x100000"), 2, "'100000x100000': 256 to 16384 pixels"),
        (("smpte", "-o", "a.png", "--size", "9" * 5000 + "x9"), 2, "256 to 16384 pixels on each side"),
        (("smpte", "-o", "/nowhere/a.png"), 1, "/nowhere/a.png: No such file"),
        (("smpte", "-o", "/nowhere/a.dcm"), 1, "print-mgmt: /nowhere/a.dcm: No such file"),
        (("moire", "-o", "a.png"), 2, "'moire'"),
    ],
)
def test_errors_are_one_line(
    words: tuple[str, ...], status: int, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found: object = None
    try:
        found = run(*words)
    except SystemExit as exc:
        found = exc.code
    assert found == status
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
