"""The ``print-mgmt`` and ``dimse`` command lines, as users type them."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pair import EXAMPLE
from served import serving

import dimse.cli
import print_mgmt.cli
from dimse.data import Dataset
from dimse.data.part10 import write_file
from dimse.data.pixels import set_pixels
from dimse.uids import SecondaryCaptureImageStorage, new_uid
from dimse.ul import Abort, AssociateAC, encode_pdu


@pytest.fixture
def image(tmp_path: Path) -> Path:
    dataset = Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID=new_uid(), PatientName="Doe^Jane")
    set_pixels(dataset, np.arange(600, dtype=np.uint8).reshape(20, 30), photometric="MONOCHROME2")
    path = tmp_path / "image.dcm"
    write_file(path, dataset)
    return path


def test_commands_print_on_a_served_printer(tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "films"
    with serving(out) as (address, process):
        peer = f"PRINTSCP@{address}"
        assert print_mgmt.cli.main(["print", peer, str(image), str(image), "--layout", "2x1", "--copies", "2"]) == 0
        assert capsys.readouterr().out == f"{peer} printed 2 images on 1 film\n"
        small = ["--film-size", "8INX10IN", "--bits", "12"]
        assert print_mgmt.cli.main(["print", peer, "--pattern", "smpte", *small, "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert (report["peer"], report["films"], report["images"], report["warnings"]) == (peer, 1, 1, [])
        assert print_mgmt.cli.main(["status", peer]) == 0
        assert "PrinterStatus: NORMAL\n" in capsys.readouterr().out
        assert print_mgmt.cli.main(["status", peer, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["PrinterStatus"] == "NORMAL"
        assert dimse.cli.main(["echo", peer, "--repeat", "2"]) == 0
        assert capsys.readouterr().out.count(f"from {peer}: ") == 2
        assert dimse.cli.main(["echo", peer, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["status"] == "0000"
        process.send_signal(signal.SIGTERM)
        printed, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert [line.partition(": ")[0].split(" ", 2)[2] for line in printed.splitlines()] == [
        "film 1 from PRINTSCU",
        "film 2 from PRINTSCU",
    ]
    assert sorted(path.suffix for path in out.iterdir()) == [".pdf", ".pdf", ".png", ".png"]


def test_interrupt_finishes_accepted_films(tmp_path: Path, image: Path) -> None:
    with serving(tmp_path, "--format", "png") as (address, process):
        assert print_mgmt.cli.main(["print", f"X@{address}", str(image)]) == 0
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert len(list(tmp_path.glob("film-*.png"))) == 1


def test_printer_rejects_titles_that_are_not_allowed(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(tmp_path, "--require-called", "--ae-title", "FILM1", "--allow", "CT01") as (address, _):
        assert print_mgmt.cli.main(["print", f"OTHER@{address}", str(image)]) == 1
        assert "called-AE-title-not-recognized" in capsys.readouterr().err
        assert print_mgmt.cli.main(["print", f"FILM1@{address}", str(image)]) == 1
        assert "calling-AE-title-not-recognized" in capsys.readouterr().err
        assert print_mgmt.cli.main(["print", f"FILM1@{address}", str(image), "--calling", "CT01"]) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the streams")
def test_commands_run_with_closed_streams() -> None:
    command = f'exec "{sys.executable}" -m print_mgmt status A@127.0.0.1:1 <&- >&-'
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"print-mgmt: cannot connect to 127.0.0.1:1: Connection refused\n")


def test_failures_of_the_printer_are_one_line(tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as (address, _):
        peer = f"PRINTSCP@{address}"
        for options, words in (
            (
                ["--film", "FilmSizeID=7INX9IN"],
                "N-CREATE of film 1: status 0106H (Invalid attribute value): FilmSizeID",
            ),
            (["--layout", r"CUSTOM\2"], r"ImageDisplayFormat 'CUSTOM/2': this printer has the custom"),
        ):
            assert print_mgmt.cli.main(["print", peer, str(image), *options]) == 1
            captured = capsys.readouterr()
            assert words in captured.err
            assert (captured.out, captured.err.count("\n")) == ("", 1)
        assert print_mgmt.cli.main(["print", peer, str(image), "--copies", "500"]) == 0
        assert "warning: N-CREATE of the film session: status 0116H" in capsys.readouterr().err


def test_unreadable_images_are_one_line(tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.dcm"
    text.write_text("this is not DICOM\x1b[31m" * 20)
    no_pixels = tmp_path / "empty.dcm"
    write_file(no_pixels, Dataset(SOPClassUID=SecondaryCaptureImageStorage, SOPInstanceUID=new_uid()))
    with serving(tmp_path) as (address, _):
        for path, words in (
            (text, "not a DICOM file"),
            (no_pixels, "no Pixel Data"),
            (tmp_path / "nothing.dcm", "No such file or directory"),
            (tmp_path, "Is a directory"),
        ):
            assert print_mgmt.cli.main(["print", f"PRINTSCP@{address}", str(image), str(path)]) == 1
            error = capsys.readouterr().err
            assert words in error
            assert str(path) in error
            assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["print", "PRINTSCP", "a.dcm"], "is not AE@HOST:PORT"),
        (["print", "A@localhost:0", "a.dcm"], "is not AE@HOST:PORT: '0' is not a port, 1 to 65535"),
        (["print", "A@localhost:70000", "a.dcm"], "'70000' is not a port, 1 to 65535"),
        (["status", "SEVENTEEN-LETTERS@localhost:104"], "an AE title has 1 to 16 characters"),
        (["status", "A\\B@localhost:104"], "a character that an AE title cannot have"),
        (["status", "Ä@localhost:104"], "a character that an AE title cannot have"),
        (["print", "A@localhost:104"], "nothing to print"),
        (["print", "A@localhost:104", "a.dcm", "--film", "FilmSizeXD=A4"], "did you mean FilmSizeID"),
        (["print", "A@localhost:104", "a.dcm", "--film", "Trim"], "is not KEYWORD=VALUE"),
        (["print", "A@localhost:104", "a.dcm", "--session", "NumberOfCopies=two"], "'two' is not a whole number"),
        (["print", "A@localhost:104", "a.dcm", "--film", "ICCProfile=x"], "cannot be given on the command line"),
        (["print", "A@localhost:104", "a.dcm", "--copies", "0"], "is not a positive integer"),
        (["print", "A@localhost:104", "a.dcm", "--calling", "SEVENTEEN LETTERS"], "1 to 16 characters"),
        (["print", "A@localhost:104", "a.dcm", "--film-size", "A5"], "invalid choice"),
        (
            ["print", "A@localhost:104", "a.dcm", "--film", "NumberOfCopies=2"],
            "not an attribute that an SCU chooses for a film box",
        ),
        (["print", "A@localhost:104", "a.dcm", "--timeout", "-1"], "is not a number of seconds above 0"),
        (["serve", "--port", "70000"], "'70000' is not a port, 0 to 65535"),
        (["serve", "--format", "png,png"], "'png,png' names a format twice"),
        (["serve", "--format", "gif"], "unknown format 'gif', not one of png, pdf"),
        ([], "required"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_status_2(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(argv)
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert words in error
    assert error.count("\n") == 1


def test_refused_connections_name_the_address(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_mgmt.cli.main(["print", "A@127.0.0.1:1", str(image)]) == 1
    assert capsys.readouterr().err == "print-mgmt: cannot connect to 127.0.0.1:1: Connection refused\n"
    assert dimse.cli.main(["echo", "A@127.0.0.1:1"]) == 1
    assert capsys.readouterr().err == "dimse: cannot connect to 127.0.0.1:1: Connection refused\n"


def test_used_ports_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(tmp_path) as (address, _):
        port = address.rpartition(":")[2]
        assert print_mgmt.cli.main(["serve", "--port", port, "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"print-mgmt: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["--help"], ["serve", "--help"], ["print", "--help"], ["status", "--help"]):
        with pytest.raises(SystemExit) as caught:
            print_mgmt.cli.main(argv)
        assert caught.value.code == 0
    assert "AE@HOST:PORT" in capsys.readouterr().out


def test_dump_shows_both_data_sets(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dimse.cli.main(["dump", str(image)]) == 0
    shown = capsys.readouterr().out
    assert "TransferSyntaxUID  1.2.840.10008.1.2.1 (Explicit VR Little Endian)" in shown
    assert re.search(r"^\(0010,0010\) PN +8  PatientName  Doe\^Jane$", shown, re.MULTILINE)


def test_dump_refuses_other_files_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"no" * 100)
    assert dimse.cli.main(["dump", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"dimse: {path}: not a DICOM file")


def test_echo_needs_a_verification_context(capsys: pytest.CaptureFixture[str]) -> None:
    from dimse.net import serve

    async def ask() -> int:
        async with serve([], port=0) as server:
            return await asyncio.to_thread(dimse.cli.main, ["echo", f"{server.host}:{server.port}"])

    assert asyncio.run(ask()) == 1
    assert "Verification SOP Class: abstract-syntax-not-supported" in capsys.readouterr().err


def test_unprintable_files_are_named_before_connecting(
    tmp_path: Path, image: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "nothing.dcm"
    assert print_mgmt.cli.main(["print", "A@127.0.0.1:1", str(image), str(path)]) == 1
    assert capsys.readouterr().err == f"print-mgmt: {path}: No such file or directory\n"


INVALID_HOSTS = ["a..b", f"{'a' * 64}.invalid", "\xfc..b"]


def run(command: str, host: str, image: Path) -> int:
    """Run a command that connects to a host."""
    main = dimse.cli.main if command == "echo" else print_mgmt.cli.main
    return main([command, f"X@{host}:104", *([str(image)] if command == "print" else [])])


@pytest.mark.parametrize("command", ["status", "print", "echo"])
def test_unknown_host_is_named(command: str, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command, "no-such.invalid", image) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no-such.invalid" in error


@pytest.mark.parametrize("host", INVALID_HOSTS)
@pytest.mark.parametrize("command", ["status", "print", "echo"])
def test_invalid_host_is_wrong_usage(command: str, host: str, image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(command, host, image)
    error = capsys.readouterr().err
    assert (caught.value.code, error.count("\n")) == (2, 1)
    assert host[:30] in error
    assert "is not a valid host name" in error


@pytest.mark.parametrize("host", [*INVALID_HOSTS, "no-such.invalid"])
def test_host_that_cannot_be_served_is_named(host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_mgmt.cli.main(["serve", "--host", host, "--out", str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert ascii(host)[1:-1][:30] in error


def test_timeout_bounds_the_wait_for_a_silent_printer(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = f"A@127.0.0.1:{listener.getsockname()[1]}"
        assert print_mgmt.cli.main(["print", peer, str(image), "--timeout", "0.1"]) == 1
        assert "did not answer within 0.1 s" in capsys.readouterr().err
        assert dimse.cli.main(["echo", peer, "--timeout", "0.1"]) == 1
        assert "did not answer within 0.1 s" in capsys.readouterr().err


def test_sigterm_aborts_the_association_of_a_print(image: Path) -> None:
    """PS3.8 §7.3."""
    ac = EXAMPLE[AssociateAC]
    assert isinstance(ac, AssociateAC)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = f"A@127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, "-m", "print_mgmt", "print", peer, str(image)]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"".join(encode_pdu(ac)))
                connection.recv(1 << 16)  # N-CREATE of the film session, which is never answered
                process.send_signal(signal.SIGTERM)
                said = connection.recv(1 << 16)
            process.communicate(timeout=30)
    assert said == b"".join(encode_pdu(Abort(0, 0)))
    assert process.returncode == 128 + signal.SIGTERM
