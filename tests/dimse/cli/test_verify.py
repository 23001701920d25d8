"""The command ``dimse verify``: choice of cases, exit status, report."""

import asyncio
import errno
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from forked import Copy
from twin import HOST, Line, Twin, serving
from twins.common import UNKNOWN, ignores

from dimse.cli import main
from dimse.explain.pcap import read_capture


async def verify(twin: Twin, *options: str) -> int:
    """Return the exit status of ``dimse verify scp`` against a twin in the loop of this test."""
    async with serving(twin) as port:
        return await asyncio.to_thread(main, ["verify", "scp", f"ANY@{HOST}:{port}", "--timeout", "0.05", *options])


async def test_correct_peer_is_conformant(capsys: pytest.CaptureFixture[str]) -> None:
    assert await verify(Twin(), "--case", "UL-F-2.0[1-5]") == 0
    assert "CONFORMANT in the 6 cases that apply\n" in capsys.readouterr().out


async def test_failure_is_one_line_with_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    assert await verify(ignores(UNKNOWN), "--case", "UL-F-2.05") == 1
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith("FAIL          UL-F-2.05 ")
    assert line.endswith("[PS3.8 §9.2.3 Table 9-10 Evt19 x Sta6 (AA-8)]")


async def test_json_is_a_line_for_each_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert await verify(Twin(), "--case", "UL-F-2.05", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["id"], line["verdict"]) for line in lines] == [("UL-A-1.01", "PASS"), ("UL-F-2.05", "PASS")]


async def test_progress_is_shown_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert await verify(Twin(), "--case", "UL-F-2.0[12]") == 0
    shown = capsys.readouterr().err.split("\r\x1b[K")
    assert "3 of 3 cases, UL-F-2.02 PASS" in shown
    assert shown[-1] == ""


def test_progress_of_an_scu_is_shown_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    echo = f"{sys.executable} -m dimse echo {{ae}}@{{host}}:{{port}}"
    assert main(["verify", "scu", "--command", echo, "--case", "UL-A-7.0[12]"]) == 0
    shown = capsys.readouterr().err.split("\r\x1b[K")
    assert "2 of 2 cases, UL-A-7.02 PASS" in shown
    assert shown[-1] == ""


async def test_report_is_written(tmp_path: Path) -> None:
    assert await verify(Twin(), "--case", "UL-F-2.05", "--report", str(tmp_path / "new")) == 0
    report = json.loads((tmp_path / "new" / "report.json").read_text())
    assert report["counts"]["PASS"] == 2
    assert {path.name for path in (tmp_path / "new").iterdir()} == {
        "report.json", "report.html", "junit.xml", "badge.svg"
    }  # fmt: skip


async def test_trace_records_all_cases_in_one_capture(tmp_path: Path) -> None:
    path = tmp_path / "run.pcapng"
    # A case whose time limit expires because the machine is busy runs again, on another connection
    assert await verify(Twin(), "--case", "UL-F-2.0[12]", "--timeout", "10", "--trace", str(path)) == 0
    found = read_capture(path.read_bytes())
    assert len({connection.client for connection in found}) == len(found) == 3


async def test_trace_records_each_case_in_a_folder(tmp_path: Path) -> None:
    assert await verify(Twin(), "--case", "UL-F-2.01", "--trace", str(tmp_path / "new")) == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["UL-A-1.01.pcapng", "UL-F-2.01.pcapng"]


async def test_trace_prints_each_pdu(capsys: pytest.CaptureFixture[str]) -> None:
    assert await verify(Twin(), "--case", "UL-F-2.05", "--trace", "-") == 0
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("UL-F-2.05") and "< A-ABORT" in line for line in lines)


@pytest.mark.parametrize("other", ["--redact", "--tls"])
def test_trace_refuses_to_record_secrets(other: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "run.pcapng"
    with pytest.raises(SystemExit) as ended:
        main(["verify", "scp", "A@127.0.0.1:1", "--trace", str(path), "--report", str(tmp_path), other])
    assert ended.value.code == 2
    assert "--trace" in capsys.readouterr().err
    assert not path.exists()


async def test_expected_failure_does_not_fail(tmp_path: Path) -> None:
    path = str(tmp_path / "baseline.json")
    assert await verify(ignores(UNKNOWN), "--case", "UL-F-2.05", "--write-baseline", path) == 1
    assert await verify(ignores(UNKNOWN), "--case", "UL-F-2.05", "--baseline", path) == 0


def test_wrong_baseline_ends_the_run_before_its_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "baseline.json"
    path.write_text('{"schema": 1, "expected": {"UL-F-2.05": "FAIL"}}')
    assert main(["verify", "scp", "A@127.0.0.1:1", "--baseline", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert 'baseline.UL-F-2.05: not of the form {"verdict": "...", "because": "..."}' in err


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"\xef\xbb\xbf[]", "no JSON object"),
    ],
)
def test_file_without_a_report_is_an_error(
    text: bytes, error: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(text)
    assert main(["verify", "diff", str(path), str(path)]) == 1
    assert error in capsys.readouterr().err


async def test_stopped_run_writes_no_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "baseline.json"
    options = ("--case", "UL-F-2.05", "--stop-after", "1", "--write-baseline", str(path))
    assert await verify(ignores(UNKNOWN), *options) == 1
    assert not path.exists()
    assert f"{path} is not written: stopped after 1 failure" in capsys.readouterr().err


async def test_run_stopped_by_expected_failures_fails(tmp_path: Path) -> None:
    path = str(tmp_path / "baseline.json")
    options = ("--case", "UL-F-2.05", "--case", "UL-F-2.06")
    assert await verify(ignores(UNKNOWN), *options, "--write-baseline", path) == 1
    assert await verify(ignores(UNKNOWN), *options, "--baseline", path, "--stop-after", "1") == 1


async def test_json_run_prints_why_it_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    assert await verify(ignores(UNKNOWN), "--case", "UL-F-2.05", "--stop-after", "1", "--json") == 1
    assert capsys.readouterr().err == "dimse verify scp: stopped after 1 failure\n"


@pytest.mark.parametrize(
    "words", [("scp", "A@127.0.0.1:1", "--tls-expired"), ("scu", "--tls-expired"), ("scu", "--tls-other-host")]
)
def test_unusable_certificate_is_wrong_usage(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", *words, "no.pem"])
    assert ended.value.code == 2
    assert "no.pem: No such file or directory" in capsys.readouterr().err


async def test_failure_is_counted_in_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert await verify(ignores(UNKNOWN), "--case", "UL-F-2.05") == 1
    assert capsys.readouterr().out.splitlines()[-1] == "NOT CONFORMANT in 1 of the 2 cases that apply"


@pytest.mark.parametrize("name", ["report.json", ""], ids=["file", "folder"])
async def test_diff_shows_a_case_that_got_worse(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await verify(Twin(), "--case", "UL-F-2.05", "--report", str(tmp_path / "a"))
    await verify(ignores(UNKNOWN), "--case", "UL-F-2.05", "--report", str(tmp_path / "b"))
    capsys.readouterr()
    assert main(["verify", "diff", str(tmp_path / "a" / name), str(tmp_path / "b" / name)]) == 1
    assert capsys.readouterr().out.startswith("UL-F-2.05: PASS became FAIL")


async def test_impossible_folder_ends_the_run_before_its_cases(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file/report"
    assert await verify(ignores(UNKNOWN), "--case", "UL-F-2.05", "--report", str(folder)) == 1
    assert capsys.readouterr() == ("", f"dimse: {folder}: Not a directory\n")


@pytest.mark.parametrize("option", ["--write-baseline", "--report"])
async def test_old_results_stay_if_the_disk_is_full(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "report.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full_disk)
    where = tmp_path if option == "--report" else path
    assert await verify(Twin(), "--case", "UL-F-2.05", option, str(where)) == 1
    assert path.read_text() == "old"


async def test_matrix_is_a_page(tmp_path: Path) -> None:
    await verify(Twin(), "--case", "UL-F-2.05", "--report", str(tmp_path))
    report, out = str(tmp_path / "report.json"), tmp_path / "matrix.html"
    assert main(["verify", "matrix", report, report, "-o", str(out)]) == 0
    assert "<h1>DICOM conformance</h1>" in out.read_text()


async def test_matrix_never_replaces_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await verify(Twin(), "--case", "UL-F-2.05", "--report", str(tmp_path))
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "matrix", str(tmp_path), "-o", str(tmp_path / "report.json")])
    assert "the output would replace a file that this command reads" in capsys.readouterr().err


def test_wrong_report_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert main(["verify", "diff", str(tmp_path / "x.json"), str(tmp_path / "x.json")]) == 1
    assert "x.json: not a report of schema dimse-print/verify/1" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
async def test_interrupted_run_is_reported(tmp_path: Path, number: signal.Signals) -> None:
    heard = asyncio.Event()

    def hears(_: Line, pdu: bytes) -> bool:
        if pdu[0] == UNKNOWN:
            heard.set()
        return pdu[0] == UNKNOWN

    async with serving(Twin(hears=hears)) as port:
        command = ["verify", "scp", f"ANY@{HOST}:{port}", "--case", "UL-F-2.05", "--report", str(tmp_path)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "dimse", *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        await heard.wait()
        process.send_signal(number)
        await process.communicate()
    report = json.loads((tmp_path / "report.json").read_text())
    assert process.returncode == 128 + number
    assert report["run"]["stopped"] == "interrupted"
    assert [case["id"] for case in report["cases"]] == ["UL-A-1.01"]


def test_scp_without_print_cases_has_no_jobs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["verify", "scp", "--help"])
    assert "--jobs" not in capsys.readouterr().out


def test_dryrun_lists_the_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "scp", "ANY@127.0.0.1:1", "--dryrun", "--case", "UL-F-2.05"]) == 0
    assert capsys.readouterr().out.startswith("UL-F-2.05    MUST   An unknown PDU type on an association [")


def test_unknown_case_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "scp", "ANY@127.0.0.1:1", "--case", "UL-Z-*"])
    assert "no case matches UL-Z-*" in capsys.readouterr().err


def test_unreachable_peer_cannot_be_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "scp", "ANY@127.0.0.1:1", "--case", "UL-F-2.05"]) == 3
    error = capsys.readouterr().err
    reason = "no connection to 127.0.0.1:1: Connection refused"
    assert error.startswith(f"dimse verify scp: the sanity case UL-A-1.01 did not pass: {reason}\n")


@pytest.mark.parametrize("port", ["abc", "-1", "70000"])
def test_wrong_port_is_named(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["verify", "scu", f"--listen={port}"])
    assert f"argument --listen: '{port}' is not a port from 0 to 65535" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--listen", "--http"])
def test_taken_port_is_named(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["verify", "scu", "--command", "true", option, str(port)]) == 1
    assert capsys.readouterr().err == f"dimse: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_free_port_for_http_is_printed() -> None:
    with Copy("dimse", "verify", "scu", "--http", "0") as process:
        try:
            said = re.fullmatch(r"the next step is at (http://127\.0\.0\.1:[1-9]\d*/)\n", process.stderr.readline())
            assert said is not None
            with urlopen(said[1]) as answer:
                assert json.load(answer)["done"] == {}
        finally:
            process.terminate()


def test_ports_may_end_at_the_highest_port(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["verify", "scu", "--case", "UL-F-7.0[12]", "--tls-cert", "missing.pem", "--ports"]
    with pytest.raises(SystemExit):
        main([*options, "65534"])  # for the plain scenario and two cases
    assert "--ports needs 3 ports" in capsys.readouterr().err
    main([*options, "65533"])
    assert "missing.pem" in capsys.readouterr().err
