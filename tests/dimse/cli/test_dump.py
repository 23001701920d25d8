"""The command ``dimse dump``: text, JSON and findings."""

import io
import json
from pathlib import Path

import pytest

from dimse.cli import main
from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    TransferSyntax,
    encode,
    from_json,
    read_file,
    syntax_of,
    write_file,
)
from dimse.uids import ExplicitVRLittleEndian, SecondaryCaptureImageStorage


def file(path: Path, **values: object) -> Path:
    ds = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3", **values)
    write_file(path, ds)
    return path


def test_json_prints_a_line_for_each_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [file(tmp_path / name, PatientName=name, PixelData=b"\1\2") for name in ("a", "b")]
    assert main(["dump", "--json", *map(str, paths)]) == 0
    for line, path in zip(capsys.readouterr().out.splitlines(), paths, strict=True):
        shown = json.loads(line)
        assert shown["file"] == str(path)
        assert shown["meta"]["00020010"] == {"vr": "UI", "Value": [ExplicitVRLittleEndian]}
        assert from_json(shown["dataset"]) == read_file(path).dataset


def test_control_characters_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "evil"
    file(path, PatientName=b"\x1b[2J\x9b2J")
    assert main(["dump", "--json", str(path)]) == 0
    assert capsys.readouterr().out[:-1].isprintable()


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_file_is_shown_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(tmp_path / "a", Rows=4)
    assert main(["dump", str(path)]) == 0
    shown = lines(capsys)
    assert shown[0] == "# File Meta Information"
    assert shown[-4] == "# Data Set, Explicit VR Little Endian"
    assert shown[-1] == "(0028,0010) US     2  Rows  4"


def test_no_meta_option_leaves_out_group_0002(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(tmp_path / "a", Rows=4)
    assert main(["dump", "--no-meta", str(path)]) == 0
    assert lines(capsys)[0] == "# Data Set, Explicit VR Little Endian"
    assert main(["dump", "--no-meta", "--json", str(path)]) == 0
    assert json.loads(capsys.readouterr().out).keys() == {"file", "dataset"}


def test_standard_input_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path / "a", Rows=4)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
    assert main(["dump", "-"]) == 0
    assert lines(capsys)[-1].endswith("Rows  4")


@pytest.mark.parametrize("tag", ["PatientName", "0010,0010", "(0010,0010)", "00100010"])
def test_only_option_finds_an_element_at_any_depth(
    tag: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = [Dataset(Rows=1), Dataset(PatientName="Doe^Jane", Rows=2)]
    path = file(tmp_path / "a", PatientName="Doe^John", ReferencedImageBoxSequence=items, OtherPatientIDsSequence=items)
    assert main(["dump", "-P", tag, "--only", "OtherPatientIDsSequence", "--no-meta", str(path)]) == 0
    assert lines(capsys) == [
        "# Data Set, Explicit VR Little Endian",
        "(0010,0010) PN     8  PatientName  Doe^John",
        "(0010,1002) SQ     2  OtherPatientIDsSequence",
        "  item 1",
        "    (0028,0010) US     2  Rows  1",
        "  item 2",
        "    (0010,0010) PN     8  PatientName  Doe^Jane",
        "    (0028,0010) US     2  Rows  2",
        "(2010,0510) SQ     2  ReferencedImageBoxSequence",
        "  item 1",
        "  item 2",
        "    (0010,0010) PN     8  PatientName  Doe^Jane",
    ]
    assert main(["dump", "-P", tag, "--json", str(path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["meta"], shown["dataset"].keys()) == ({}, {"00100010", "00101002", "20100510"})


def test_long_option_shows_values_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(tmp_path / "a", PixelData=bytes(100), AdditionalPatientHistory="x" * 500, PixelPaddingValue=[1] * 99)
    assert main(["dump", "-L", str(path)]) == 0
    shown = capsys.readouterr().out
    assert " ".join(["00"] * 100) in shown
    assert "x" * 500 in shown
    assert "\\".join("1" * 99) in shown


def test_only_option_shows_nothing_without_the_element(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", "-P", "PatientName", str(file(tmp_path / "a"))]) == 0
    assert lines(capsys) == [""]


def test_check_of_a_valid_file_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", "--check", str(file(tmp_path / "a", Rows=4))]) == 0
    assert lines(capsys) == []


def test_check_prints_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(tmp_path / "a", Rows=1, Columns=1, BitsAllocated=8, PixelData=bytes(4), PatientSex=b"f ")
    what = "CS cannot hold 'f': only A-Z, 0-9, space and underscore are allowed"
    excess = "4 bytes, but 1 frame of 1 x 1 x 1 at 8 bits needs 1"
    assert main(["dump", "--check", str(path), str(file(tmp_path / "good"))]) == 1
    assert lines(capsys) == [
        f"{path}: (0010,0040): {what} (at byte 366) [PS3.5 §6.2]",
        f"{path}: (7FE0,0010) PixelData: {excess} [PS3.3 §C.7.6.3]",
    ]
    assert main(["dump", "--check", "--json", str(path)]) == 1
    first, second = json.loads(capsys.readouterr().out)["findings"]
    assert first == {"path": "(0010,0040)", "offset": 366, "rule": "PS3.5 §6.2", "what": what}
    assert second["what"] == excess


def test_only_option_rejects_a_word_that_is_not_a_tag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_status:
        main(["dump", "-P", "PatientNam", "file"])
    assert exit_status.value.code == 2
    assert "did you mean PatientName" in capsys.readouterr().err


def test_unreadable_file_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = file(tmp_path / "good", Rows=4), tmp_path / "bad"
    bad.write_bytes(b"GIF89a")
    assert main(["dump", str(tmp_path / "absent"), str(bad), str(tmp_path), str(good)]) == 1
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [
        f"dimse: {tmp_path / 'absent'}: No such file or directory",
        f"dimse: {bad}: not a DICOM file: no DICM at byte 128, and no Data Set at byte 0 [PS3.10 §7.1]",
        f"dimse: {tmp_path}: Is a directory",
    ]
    assert shown.out.startswith(f"# {good}\n")


def test_undecodable_value_is_text_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad"
    path.write_bytes(encode(Dataset(Rows=1, NumberOfFrames=b"1A"), EXPLICIT_LE))
    assert main(["dump", "--json", str(path)]) == 0
    model = json.loads(capsys.readouterr().out)["dataset"]
    assert model["00280008"] == {"vr": "IS", "Value": ["1A"]}


def image(**values: object) -> Dataset:
    made = {"SOPClassUID": "1.2", "SOPInstanceUID": "1.3", "PixelData": bytes(30)} | values
    return Dataset(ReferencedImageSequence=[Dataset(Rows=3)], **made)


def shown(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    status = main(["dump", "--no-meta", *options, str(path)])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, DEFLATED_LE], ids=lambda syntax: syntax.name)
def test_cut_off_file_is_shown_up_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], syntax: TransferSyntax
) -> None:
    path = tmp_path / "cut"
    write_file(path, image(), syntax=syntax)
    path.write_bytes(path.read_bytes()[:-10])
    status, out, err = shown(path, capsys)
    assert status == 1
    assert "SOPInstanceUID  1.3" in out
    assert err.startswith(f"dimse: {path}: ")
    assert err.count("\n") == 1


def test_items_of_a_cut_off_sequence_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut"
    ds = Dataset(Modality="CT", ReferencedImageSequence=[Dataset(Rows=1), Dataset(Rows=2), Dataset(Rows=3)])
    ds["ReferencedImageSequence"].undefined_length = True
    path.write_bytes(encode(ds, EXPLICIT_LE)[:-12])
    status, out, err = shown(path, capsys)
    assert (status, "Rows  1" in out, "Rows  2" in out) == (1, True, True)
    assert err.startswith(f"dimse: {path}: (0008,1140): an item of 10 bytes ends beyond")


def test_group_lengths_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "lengths"
    path.write_bytes(b"\x08\0\0\0UL\4\0\x0a\0\0\0" + encode(Dataset(Modality="CT"), EXPLICIT_LE))
    assert "(0008,0000) UL     4  Group Length  10" in shown(path, capsys)[1]
    assert 0x00080000 not in read_file(path).dataset
    assert read_file(path, group_lengths=True).dataset[0x00080000].value == 10


@pytest.mark.parametrize(
    ("syntax", "header"),
    [(EXPLICIT_LE, "28 00 10 00 55 53 02 00 | 03 00"), (IMPLICIT_LE, "28 00 10 00 02 00 00 00 | 03 00")],
    ids=["explicit", "implicit"],
)
def test_hex_option_shows_bytes_beside_elements(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], syntax: TransferSyntax, header: str
) -> None:
    path = tmp_path / "image"
    write_file(path, image(), syntax=syntax)
    _, out, _ = shown(path, capsys, "--hex")
    at = path.read_bytes().index(b"\x28\0\x10\0")
    assert f"@{at:08X}  {header}" in out


def test_long_option_shows_bytes_in_full(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rle"
    write_file(path, image(PixelData=[b"", bytes(range(40))]), syntax=syntax_of("1.2.840.10008.1.2.5"))
    assert "27 28" not in shown(path, capsys)[1]
    assert bytes(range(40)).hex(" ") in shown(path, capsys, "-L")[1]


def test_finding_shows_a_uid_uncut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, uid = tmp_path / "uids", "1.2.840." + "1234567890." * 5 + "5"
    write_file(path, image(SOPInstanceUID=uid))
    path.write_bytes(path.read_bytes().replace(uid.encode(), uid.replace("0.5", "0.6").encode(), 1))
    assert main(["dump", "--check", str(path)]) == 1
    assert f"{uid!r} in the Data Set" in capsys.readouterr().out


def test_name_of_an_unreadable_file_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dump", "\x1b[2J"]) == 1
    assert capsys.readouterr().err == "dimse: \\x1b[2J: No such file or directory\n"


def test_characters_that_the_output_lacks_are_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID="1.2.3")
    dataset.SpecificCharacterSet, dataset.PatientName = "ISO_IR 192", "プリ"
    write_file(tmp_path / "x.dcm", dataset)
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", output)
    assert main(["dump", str(tmp_path / "x.dcm")]) == 0
    output.seek(0)
    assert "PatientName  \\u30d7\\u30ea\n" in output.read()
