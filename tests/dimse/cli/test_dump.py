"""``dimse dump --json``: a line for each file, which says all that is in it."""

import json
from pathlib import Path

import pytest

from dimse.cli import main
from dimse.data import EXPLICIT_LE, Dataset, encode, from_json, read_file, write_file
from dimse.uids import ExplicitVRLittleEndian, SecondaryCaptureImageStorage


def file(path: Path, **values: object) -> Path:
    ds = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3", **values)
    write_file(path, ds)
    return path


def test_each_file_is_a_line_with_both_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [file(tmp_path / name, PatientName=name, PixelData=b"\1\2") for name in ("a", "b")]
    assert main(["dump", "--json", *map(str, paths)]) == 0
    for line, path in zip(capsys.readouterr().out.splitlines(), paths, strict=True):
        shown = json.loads(line)
        assert shown["file"] == str(path)
        assert shown["meta"]["00020010"] == {"vr": "UI", "Value": [ExplicitVRLittleEndian]}
        assert from_json(shown["dataset"]) == read_file(path).dataset


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil"
    file(path, PatientName=b"\x1b[2J\x9b2J")
    assert main(["dump", "--json", str(path)]) == 0
    assert capsys.readouterr().out[:-1].isprintable()


def test_a_value_that_cannot_be_decoded_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad"
    path.write_bytes(encode(Dataset(Rows=1, NumberOfFrames=b"1A"), EXPLICIT_LE))
    assert main(["dump", "--json", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == f"dimse: {path}: (0028,0008): IS needs a decimal number, got '1A'\n"
