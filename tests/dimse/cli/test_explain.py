"""The command ``dimse explain``."""

import json
import struct
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

import dimse.cli
from dimse.explain.pcapng import Flow, capture_header

CAPTURES = Path(__file__).parents[2] / "vectors" / "captures"
SCU, SCP = ("\xc0\0\2\1".encode("latin-1"), 50000), ("\xc0\0\2\2".encode("latin-1"), 104)


def explain(*arguments: object) -> int:
    return dimse.cli.main(["explain", *map(str, arguments)])


def pcap(name: str, *, without: int | None = None) -> bytes:
    """Return a recorded conversation as a file of tcpdump, raw IP; ``without`` one of its packets."""
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    sent = {"c2s": 0, "s2c": 0}
    events = json.loads((CAPTURES / f"{name}.json").read_text())["events"]
    for number, event in enumerate(event for event in events if event["kind"] == "data"):
        direction, offset = event["dir"], event["offset"]
        data = (CAPTURES / f"{name}.{direction}.bin").read_bytes()[offset : offset + event["length"]]
        (source, port), (destination, to) = (SCU, SCP) if direction == "c2s" else (SCP, SCU)
        segment = struct.pack(">HHIIBBHHH", port, to, 1 + sent[direction], 0, 0x50, 0x18, 9, 0, 0) + data
        datagram = struct.pack(">BxHHHBBH", 0x45, 20 + len(segment), 0, 0, 64, 6, 0) + source + destination + segment
        sent[direction] += len(data)
        if number != without:
            file += struct.pack("<IIII", 0, 0, len(datagram), len(datagram)) + datagram
    return file


def test_stream_is_shown_field_by_field(capsys: pytest.CaptureFixture[str]) -> None:
    path = CAPTURES / "echo-echoscu-dcmprscp.c2s.bin"
    assert explain(path) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "> A-ASSOCIATE-RQ, 211 bytes"
    assert "  000105  00 00 00 01 02 00 00 00        (0000,0100) US CommandField: 0030H (C-ECHO-RQ)" in rows
    assert bytes.fromhex("".join(row[10:33] for row in rows if row[2:8].strip() and row[0] == " ")) == path.read_bytes()


def test_stream_with_an_associate_ac_is_the_acceptors(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("--brief", CAPTURES / "echo-echoscu-dcmprscp.s2c.bin") == 0
    assert [row.split()[:4] for row in capsys.readouterr().out.splitlines()] == [
        ["<", "000000", "190", "A-ASSOCIATE-AC"],
        ["<", "0000BE", "90", "P-DATA-TF"],
        ["<", "000118", "10", "A-RELEASE-RP"],
    ]


def test_capture_is_shown_turn_by_turn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "print.pcap"
    path.write_bytes(pcap("dcmtk-print-refused-value"))
    assert explain("--brief", path) == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert title == "# association 1: 192.0.2.1:50000 > 192.0.2.2:104"
    assert "".join(row[0] for row in rows) == "><><<>><<><<>><><"
    assert explain(path) == 0
    assert "(2000,0050) LO    50  FilmSessionLabel  print job for" in capsys.readouterr().out


def events(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict[str, Any]]:
    """Return the head and the events that ``--json`` prints."""
    assert explain("--json", *arguments) == 0
    return [json.loads(row) for row in capsys.readouterr().out.splitlines()]


def test_json_prints_a_head_and_events(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "echo.pcap"
    path.write_bytes(pcap("echo-echoscu-dcmprscp"))
    head, start, *said = events(capsys, path)
    assert head["version"] == "1.1"
    assert start["data"] == {"requestor": "192.0.2.1:50000", "acceptor": "192.0.2.2:104", "start": 0.0}
    assert [(one["side"], one["name"]) for one in said if one["category"] == "pdu"] == [
        ("requestor", "A-ASSOCIATE-RQ"),
        ("acceptor", "A-ASSOCIATE-AC"),
        ("requestor", "P-DATA-TF"),
        ("acceptor", "P-DATA-TF"),
        ("requestor", "A-RELEASE-RQ"),
        ("acceptor", "A-RELEASE-RP"),
    ]
    fields = [one for event in said if event.get("side") == "requestor" for one in event["data"].get("fields", ())]
    assert (
        bytes.fromhex("".join(one["hex"] for one in fields))
        == (CAPTURES / "echo-echoscu-dcmprscp.c2s.bin").read_bytes()
    )
    assert fields[3] == {
        "name": "Called-AE-title",
        "depth": 1,
        "ranges": [[10, 26]],
        "value": "ANY-SCP",
        "table": "PS3.8 Table 9-11",
        "hex": b"ANY-SCP         ".hex(),
    }


def test_page_is_written_as_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "echo.pcap", tmp_path / "page.html"
    path.write_bytes(pcap("echo-echoscu-dcmprscp"))
    assert explain(path, "-o", page) == 0
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert capsys.readouterr() == ("", "")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["echo.pcap", "page.html"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode")
def test_name_of_a_file_may_be_any_bytes(tmp_path: Path) -> None:
    path, page = tmp_path / "<b>\udcff.bin", tmp_path / "page.html"
    path.write_bytes((CAPTURES / "echo-echoscu-dcmprscp.c2s.bin").read_bytes())
    assert explain(path, "-o", page) == 0
    assert "<title>&lt;b&gt;\\xff.bin, explained</title>" in page.read_text()


def test_page_replaces_only_the_target_of_a_link(tmp_path: Path) -> None:
    path, page, other = tmp_path / "echo.pcap", tmp_path / "page.html", tmp_path / "link.html.part"
    path.write_bytes(pcap("echo-echoscu-dcmprscp"))
    other.write_text("another file")
    (tmp_path / "link.html").symlink_to(page)
    assert explain(path, "-o", tmp_path / "link.html") == 0
    assert (tmp_path / "link.html").is_symlink()
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert other.read_text() == "another file"


@pytest.mark.parametrize("others", [(), ("--compare", "other.pcap"), ("--json",)])
def test_output_never_replaces_the_recording(
    others: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    recording = pcap("echo-echoscu-dcmprscp")
    for name in ("echo.pcap", "other.pcap"):
        (tmp_path / name).write_bytes(recording)
    (tmp_path / "link.html").symlink_to(others[1] if len(others) > 1 else "echo.pcap")
    with pytest.raises(SystemExit, match="2"):
        explain("echo.pcap", *others, "-o", "link.html")
    assert "the output would replace a file that this command reads" in capsys.readouterr().err
    assert {(tmp_path / name).read_bytes() for name in ("echo.pcap", "other.pcap")} == {recording}


def test_recording_is_read_from_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(pcap("echo-echoscu-dcmprscp"))))
    assert explain("-", "-o", tmp_path / "page.html") == 0
    assert "<title>standard input, explained</title>" in (tmp_path / "page.html").read_text()


def test_diagram_is_written_to_the_output_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, diagram = CAPTURES / "echo-echoscu-dcmprscp.c2s.bin", tmp_path / "echo.mmd"
    assert explain(path, "--mermaid", "-o", diagram) == 0
    assert diagram.read_text().startswith("sequenceDiagram\n")
    assert capsys.readouterr().out == ""


def test_mermaid_has_an_arrow_for_each_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "print.pcap"
    path.write_bytes(pcap("dcmtk-print-refused-value"))
    assert explain("--mermaid", path) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[:4] == [
        "sequenceDiagram",
        "    participant R as requestor",
        "    participant A as acceptor",
        "    R->>A: A-ASSOCIATE-RQ DCMPSTATE to FULL, presentation contexts 1, 3",
    ]
    assert "    A-xR: N-CREATE-RSP 0106H Failure: Invalid attribute value" in rows


@pytest.mark.parametrize("form", ["--json", "--brief", "--mermaid", "--long", "--output=page.html"])
def test_redaction_hides_the_label(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "print.pcap"
    path.write_bytes(pcap("dcmtk-print-refused-value"))
    assert explain("--redact", form, path) == 0
    page = tmp_path / "page.html"
    shown = page.read_text() if page.exists() else capsys.readouterr().out
    label = b"print job for"
    for hidden in ("print job for", label.hex(), label.hex(" ").upper(), "192.0.2.1", "1.2.276.0.7230010.3.1.4"):
        assert hidden not in shown
    assert "N-CREATE" in shown or form == "--brief"


def test_title_names_the_requestor_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = pcap("echo-echoscu-dcmprscp")
    first = 24 + 16 + struct.unpack_from("<I", whole, 24 + 8)[0]
    second = first + 16 + struct.unpack_from("<I", whole, first + 8)[0]
    path = tmp_path / "swapped.pcap"
    path.write_bytes(whole[:24] + whole[first:second] + whole[24:first] + whole[second:])
    assert explain("--brief", path) == 0
    title, *rows = capsys.readouterr().out.splitlines()
    assert title == "# association 1: 192.0.2.1:50000 > 192.0.2.2:104"
    assert rows[0].startswith("< ")


def test_gap_in_a_capture_is_one_line_of_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gap.pcap"
    path.write_bytes(pcap("echo-echoscu-dcmprscp", without=2))
    assert explain("--brief", path) == 1
    captured = capsys.readouterr()
    assert captured.out.count("\n> ") == 1
    assert (
        captured.err
        == f"dimse: {path}: association 1: bytes of the requestor are missing in the capture after byte 211\n"
    )


def test_page_shows_a_gap_once(tmp_path: Path) -> None:
    path, page = tmp_path / "gap.pcap", tmp_path / "page.html"
    path.write_bytes(pcap("echo-echoscu-dcmprscp", without=2))
    assert explain(path, "-o", page) == 1
    assert page.read_text().count("bytes of the requestor are missing in the capture after byte 211") == 1


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            "neither a capture (pcap, pcapng) nor a stream of PDUs: the first byte is not a PDU-type",
        ),
        (pcap("dcmtk-termscu-reject", without=0), "no TCP connection begins with an A-ASSOCIATE-RQ"),
    ],
    ids=["empty", "HTTP", "no association"],
)
def test_unreadable_file_is_one_line_of_error(
    data: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong"
    path.write_bytes(data)
    assert explain(path) == 1
    assert capsys.readouterr() == ("", f"dimse: {path}: {reason}\n")


def test_name_of_an_unreadable_file_is_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a\n\x1b[31m"
    path.write_bytes(b"")
    assert explain(path) == 1
    assert capsys.readouterr().err == rf"dimse: {tmp_path}/a\n\x1b[31m: the file is empty" + "\n"


def test_capture_of_tls_is_recognized(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = Flow(("192.0.2.1", 50000), ("192.0.2.2", 2762))
    hello = bytes.fromhex("16 03 01 00 05 01 00 00 01 00")
    path = tmp_path / "tls.pcapng"
    path.write_bytes(b"".join(map(bytes, [capture_header(), *flow.opened(0), *flow.segments(True, [hello], 1)])))
    assert explain(path) == 1
    assert capsys.readouterr().err.endswith("A-ASSOCIATE-RQ; connections that begin with a TLS handshake: 1\n")


def test_cut_off_capture_is_shown_up_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut"
    path.write_bytes(pcap("dcmtk-termscu-reject")[:-1])
    assert explain("--brief", path) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].split()[3] == "A-ASSOCIATE-RQ"
    reason = "packet: the capture is cut off: 50 bytes wanted, 49 left (at byte 386)"
    assert captured.err == f"dimse: {path}: {reason}\n"


def test_page_says_where_the_capture_ends(tmp_path: Path) -> None:
    path, page = tmp_path / "cut", tmp_path / "page.html"
    path.write_bytes(pcap("dcmtk-termscu-reject")[:-1])
    assert explain(path, "-o", page) == 1
    assert "the capture is cut off: 50 bytes wanted, 49 left (at byte 386)" in page.read_text()


def test_missing_file_is_one_line_of_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(tmp_path / "none") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_json_and_brief_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        explain("--json", "--brief", "file")
    assert caught.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_bytes_stand_beside_data_set_elements(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "print.pcap"
    path.write_bytes(pcap("dcmtk-print-refused-value"))
    assert explain("--bytes", path) == 0
    rows = capsys.readouterr().out.splitlines()
    (row,) = {row for row in rows if "FilmSessionLabel" in row}
    assert "00 20 50 00 32 00 00 00" in row


def test_long_option_shows_fields_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    path = CAPTURES / "echo-echoscu-dcmprscp.c2s.bin"
    assert explain("-L", path) == 0
    rows = capsys.readouterr().out.splitlines()
    assert not any("more bytes" in row for row in rows)
    shown = "".join(row[10:33] for row in rows if row[2:8].strip() and row[0] == " ")
    assert bytes.fromhex(shown) == path.read_bytes()


def test_command_group_length_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(CAPTURES / "echo-echoscu-dcmprscp.c2s.bin") == 0
    assert "(0000,0000) UL CommandGroupLength [PS3.7 Table E.1-1]: 56" in capsys.readouterr().out


def test_garbage_after_a_pdu_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "garbage"
    path.write_bytes((CAPTURES / "echo-echoscu-dcmprscp.c2s.bin").read_bytes() + b"\xff garbage")
    assert explain("--brief", path) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines()[-1].startswith("> ")
    assert captured.err.count("\n") == 1
    assert "the bytes of the requestor from byte 301 on" in captured.err
    assert "are not a PDU" in captured.err


def test_stream_cut_off_in_a_pdu_is_not_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut"
    path.write_bytes((CAPTURES / "echo-echoscu-dcmprscp.c2s.bin").read_bytes()[:-3])
    assert explain("--brief", path) == 0
    assert "! " in capsys.readouterr().out.splitlines()[-1]


@pytest.fixture
def two_recordings(tmp_path: Path) -> tuple[Path, Path]:
    """A recording that works, and one that fails."""
    works, fails = tmp_path / "works.pcap", tmp_path / "fails.pcap"
    works.write_bytes(pcap("dcmtk-print-1x1-8bit"))
    fails.write_bytes(pcap("dcmtk-print-refused-value"))
    return works, fails


def test_comparison_begins_with_its_headline(
    two_recordings: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    works, fails = two_recordings
    assert explain(works, "--compare", fails) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("N-CREATE-RSP: Status is 0000H (Success) in a, 0106H")


def test_comparison_page_names_both_files(two_recordings: tuple[Path, Path], tmp_path: Path) -> None:
    works, fails = two_recordings
    page = tmp_path / "page.html"
    assert explain(works, "--compare", fails, "-o", page) == 0
    assert "<title>works.pcap and fails.pcap, compared</title>" in page.read_text()


def test_comparison_page_tells_files_of_one_name_apart(two_recordings: tuple[Path, Path], tmp_path: Path) -> None:
    works, fails = two_recordings
    page, other = tmp_path / "page.html", tmp_path / "other" / works.name
    other.parent.mkdir()
    fails.rename(other)
    assert explain(works, "--compare", other, "-o", page) == 0
    assert f"<title>{works} and {other}, compared</title>" in page.read_text()


def test_comparison_of_several_associations_numbers_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, page = tmp_path / "two.pcap", tmp_path / "page.html"
    echo = pcap("echo-echoscu-dcmprscp")
    path.write_bytes(echo + pcap("reject-called-pnd").replace(bytes([192, 0, 2, 1]), bytes([192, 0, 2, 9]))[24:])
    assert explain(path, "--compare", path) == 0
    headings = [row for row in capsys.readouterr().out.splitlines() if row.startswith("#")]
    assert headings == ["# association 1", "# association 2"]
    assert explain(path, "--compare", path, "-o", page) == 0
    assert page.read_text().count("<h2>association ") == 2


def test_comparison_counts_the_associations_of_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = tmp_path / "one.pcap", tmp_path / "two.pcap"
    one.write_bytes(pcap("echo-echoscu-dcmprscp"))
    other = pcap("reject-called-pnd").replace(bytes([192, 0, 2, 1]), bytes([192, 0, 2, 9]))
    two.write_bytes(one.read_bytes() + other[24:])
    explain(two, "--compare", one)
    assert capsys.readouterr().out.splitlines()[-2:] == ["a has 2 associations", "b has 1 association"]


def test_comparison_page_says_which_recording_has_a_gap(tmp_path: Path) -> None:
    whole, gap, page = tmp_path / "whole.pcap", tmp_path / "gap.pcap", tmp_path / "page.html"
    whole.write_bytes(pcap("echo-echoscu-dcmprscp"))
    gap.write_bytes(pcap("echo-echoscu-dcmprscp", without=2))
    assert explain(whole, "--compare", gap, "-o", page) == 1
    assert "b: association 1: bytes of the requestor are missing" in page.read_text()


def test_redacted_comparison_says_which_recording_has_a_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, gap = tmp_path / "whole.pcap", tmp_path / "gap.pcap"
    whole.write_bytes(pcap("echo-echoscu-dcmprscp"))
    gap.write_bytes(pcap("echo-echoscu-dcmprscp", without=2))
    assert explain(whole, "--compare", gap, "--redact") == 1
    assert capsys.readouterr().err.startswith("dimse: recording b: association 1: bytes of the requestor are missing")


def test_redacted_comparison_hides_the_label(
    two_recordings: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    works, fails = two_recordings
    page = tmp_path / "page.html"
    assert explain(works, "--compare", fails, "--redact") == 0
    assert explain(works, "--compare", fails, "--redact", "-o", page) == 0
    for shown in (capsys.readouterr().out, page.read_text()):
        assert "print job for" not in shown
        assert "works" not in shown
        assert "0106H" in shown


@pytest.mark.parametrize("form", ["--brief", "--json", "--mermaid", "--long", "--bytes"])
def test_comparison_refuses_options_for_one_recording(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        explain("a", "--compare", "b", form)
    assert ended.value.code == 2
    assert f"{form} shows one recording" in capsys.readouterr().err


def test_comparison_refuses_standard_input_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        explain("-", "--compare", "-")
    assert ended.value.code == 2
    assert "only one recording can be the standard input" in capsys.readouterr().err


def test_redacted_errors_name_no_file_and_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = pcap("echo-echoscu-dcmprscp")
    path = tmp_path / "DOE^JOHN.pcap"
    path.write_bytes(whole[:-3])
    assert explain("--redact", "--brief", path) == 1
    assert (
        capsys.readouterr().err == f"dimse: a recording: the recording cannot be read from byte {len(whole) - 50} on\n"
    )
    for arguments in ((tmp_path / "DOE^JANE.pcap",), (path, "-o", tmp_path / "DOE^JANE" / "page.html")):
        assert explain("--redact", *arguments) == 1
        assert "DOE" not in capsys.readouterr().err
