"""``print-mgmt serve`` as users type it: printers, limits, faults and the log."""

import argparse
import asyncio
import contextlib
import io
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from served import serving

import print_mgmt.cli
from dimse.errors import AssociationRejected
from dimse.net import scu
from dimse.uids import Printer, PrinterInstance
from print_mgmt import PrintClient, PrintFailed
from print_mgmt.cli.lines import Lines
from print_mgmt.cli.one_printer import PRINTER, one_printer
from print_mgmt.cli.serve_options import add_options

IMAGE = np.zeros((2, 2), np.uint8)


async def outcome(address: str, **attributes: Any) -> str:
    """Print one image; return the warnings or the failure."""
    host, _, port = address.rpartition(":")
    try:
        async with PrintClient(host, int(port)) as client:
            report = await client.print_images([IMAGE], **attributes)
    except PrintFailed as exc:
        return str(exc)
    return " ".join(map(str, report.warnings))


def outcomes(address: str, count: int = 1, **attributes: Any) -> list[str]:
    async def all_of_them() -> list[str]:
        return [await outcome(address, **attributes) for _ in range(count)]

    return asyncio.run(all_of_them())


async def printer_status(address: str) -> tuple[object, object]:
    host, _, port = address.rpartition(":")
    async with PrintClient(host, int(port)) as client:
        association = client.association
        context = next(iter(association.contexts.values()))
        told = scu.dataset_of(association, context, await scu.n_get(association, context, Printer, PrinterInstance))
        return told.PrinterStatus, told.PrinterStatusInfo


# --- the configuration of the printer ---


def test_preset_configures_the_printer(tmp_path: Path) -> None:
    with serving(tmp_path, "--preset", "minimal", "--format", "png") as (address, _):
        assert outcomes(address) == [""]
        (refused,) = outcomes(address, ImageDisplayFormat=r"STANDARD\3,3")
    assert "status 0106H" in refused
    assert "ImageDisplayFormat" in refused


def test_config_file_configures_the_printer(tmp_path: Path) -> None:
    config = tmp_path / "printer.toml"
    config.write_text('ImageDisplayFormat = ["STANDARD\\\\1,1"]\nqueue_length = 3\n')
    with serving(tmp_path, "--config", str(config), "--format", "png") as (address, _):
        assert outcomes(address) == [""]
        assert "status 0106H" in outcomes(address, ImageDisplayFormat=r"STANDARD\1,2")[0]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [("queue_length = 3", [], 3), ("queue_length = 3", ["--queue-length", "16"], 16), ("", [], None)],
)
def test_queue_length_comes_from_option_or_file(
    text: str, options: list[str], expected: int | None, tmp_path: Path
) -> None:
    config = tmp_path / "printer.toml"
    config.write_text(text)
    parser = argparse.ArgumentParser()
    add_options(parser)
    site = one_printer(parser.parse_args(["--config", str(config), *options]), Lines(io.StringIO()), None)
    assert site.printers[PRINTER].queue_length == expected


def test_list_presets_shows_all_presets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(["serve", "--list-presets"])
    assert caught.value.code == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {"generic", "minimal", "ihe-minimum"} <= set(names)


def test_printer_status_sets_the_state(tmp_path: Path) -> None:
    with serving(tmp_path, "--printer-status", "WARNING:SUPPLY LOW") as (address, _):
        assert asyncio.run(printer_status(address)) == ("WARNING", "SUPPLY LOW")


def test_memory_option_bounds_the_images(tmp_path: Path) -> None:
    async def print_large(address: str) -> str:
        host, _, port = address.rpartition(":")
        async with PrintClient(host, int(port)) as client:
            with pytest.raises(PrintFailed) as caught:
                await client.print_images([np.zeros((1100, 1000), np.uint8)])
        return str(caught.value)

    with serving(tmp_path, "--memory", "1") as (address, _):
        assert "status C605H" in asyncio.run(print_large(address))


def test_image_above_in_memory_takes_no_memory(tmp_path: Path) -> None:
    async def print_large(address: str) -> None:
        host, _, port = address.rpartition(":")
        async with PrintClient(host, int(port)) as client:
            await client.print_images([np.zeros((1100, 1000), np.uint8)])

    with serving(tmp_path, "--memory", "1", "--in-memory", "1") as (address, _):
        asyncio.run(print_large(address))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--preset", "nobodys"], "'nobodys' is not one of agfa-ds3000"),
        (["--config", "/no/such/file.toml"], "/no/such/file.toml: No such file or directory"),
        (["--preset", "strict", "--config", "x.toml"], "No such file"),
        (["--curve", __file__], f"{__file__}: characteristic curve "),
        (["--curve", __file__], "the first line must be density,value"),
        (["--printer-status", "BROKEN"], "PrinterStatus: 'BROKEN' is not one of NORMAL, WARNING, FAILURE"),
        (["--printer-status", "WARNING:ON FIRE"], "'ON FIRE'"),
        (["--fail", "C605"], "'C605' is not WHAT@WHERE"),
        (["--fail", "C605@C-STORE"], "'C-STORE' is not OPERATION"),
        (["--event", "SUPPLY LOW@N-SET"], "PrinterStatus: 'SUPPLY LOW'"),
        (["--dpi", "1000"], "--dpi: a film of 14INX17IN at 1000 dpi has more than 200000000 pixels"),
        (["--queue-length", "0"], "is not a positive integer"),
        (["--memory", "lots"], "is not a positive integer"),
        (["--host", ""], "'' is not an address"),
        (["--host", " "], "' ' is not an address"),
        (["--idle", "never"], "is not a number of seconds above 0"),
    ],
)
def test_wrong_usage_is_one_line(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(["serve", *argv])
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert words in error
    assert error.count("\n") == 1


def test_wrong_configuration_names_its_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "printer.toml"
    config.write_text("queue_lenght = 3\n")
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(["serve", "--config", str(config)])
    error = capsys.readouterr().err
    assert caught.value.code == 2
    assert "queue_lenght: unknown key: did you mean queue_length?" in error
    assert error.count("\n") == 1


# --- output ---


def test_json_lines_describe_films(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", "--format", "png,json") as (address, process):
        outcomes(address, 2, FilmSizeID="8INX10IN", FilmSessionLabel="Knee")
        process.send_signal(signal.SIGTERM)
        printed, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    films = [json.loads(line) for line in printed.splitlines()]
    assert [film["film"] for film in films] == [1, 2]
    for film in films:
        assert film["film_box"]["FilmSizeID"] == "8INX10IN"
        assert film["film_session"]["FilmSessionLabel"] == "Knee"
        assert (film["copies"], len(film["image_boxes"])) == (1, 1)
        png, sidecar = map(Path, film["files"])
        assert png.read_bytes().startswith(b"\x89PNG")
        assert json.loads(sidecar.read_text())["job"] == film["job"]


def test_folder_may_have_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"films \xe9")
    with serving(folder, "--format", "png") as (address, process):
        assert outcomes(address) == [""]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert [path.suffix for path in folder.iterdir()] == [".png"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_lets_accepted_films_be_written(tmp_path: Path, number: signal.Signals) -> None:
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("the tests run under nohup")
    with serving(tmp_path, "--json", "--format", "png") as (address, process):
        outcomes(address, 4)
        process.send_signal(number)
        printed, _ = process.communicate(timeout=30)
    assert (process.returncode, len(printed.splitlines())) == (0, 4)


def test_bits_option_makes_pages_of_16_bits(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", "--format", "png,json", "--bits", "16") as (address, process):
        outcomes(address)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=30)
    png, sidecar = map(Path, json.loads(printed)["files"])
    assert png.read_bytes()[24] == 16  # bit depth in IHDR
    assert json.loads(sidecar.read_text())["page"]["BitsAllocated"] == 16


def test_curve_makes_values_of_a_device(tmp_path: Path) -> None:
    """This device has larger values for darker pixels, so a black border has the largest value."""
    curve = tmp_path / "device.csv"
    curve.write_text("﻿density,value\n0.2,0\n3.0,4095\n", encoding="utf-8")
    with serving(tmp_path, "--json", "--format", "png", "--curve", str(curve)) as (address, process):
        outcomes(address)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=30)
    with Image.open(json.loads(printed)["files"][0]) as page:
        assert page.getpixel((0, 0)) == 255


# --- injected faults and events ---


def test_faults_happen_at_their_request(tmp_path: Path) -> None:
    options = ("--fail", "C605@N-SET#2", "--fail", "B605@N-CREATE FilmBox#3", "--format", "png")
    with serving(tmp_path, *options) as (address, _):
        found = outcomes(address, 4)
    assert [words[words.find("status") :][:12] for words in found] == ["", "status C605H", "status B605H", ""]


def test_events_happen_at_their_request(tmp_path: Path) -> None:
    with serving(tmp_path, "--event", "FAILURE:COVER OPEN@N-SET#2", "--format", "png") as (address, _):
        assert outcomes(address) == [""]
        assert asyncio.run(printer_status(address)) == ("NORMAL", "NORMAL")
        assert outcomes(address) == [""]
        assert asyncio.run(printer_status(address)) == ("FAILURE", "COVER OPEN")


def block(out: Path) -> None:
    """Put a file in the place of the folder."""
    out.rmdir()
    out.touch()


def test_sigusr1_retries_unwritten_films(tmp_path: Path) -> None:
    """The client does not wait."""
    out = tmp_path / "films"
    with serving(out, "--format", "png") as (address, process):
        block(out)
        assert outcomes(address) == [""]
        assert "File exists" in process.stderr.readline()
        assert asyncio.run(printer_status(address)) == ("WARNING", "CHECK PRINTER")
        out.unlink()
        process.send_signal(signal.SIGUSR1)
        assert " film 1 from PRINTSCU: 14INX17IN PORTRAIT" in process.stdout.readline()
        assert asyncio.run(printer_status(address)) == ("NORMAL", "NORMAL")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert len(list(out.iterdir())) == 1


@pytest.mark.parametrize("films", [0, 1, 3])
def test_unwritten_films_are_exit_status_1(films: int, tmp_path: Path) -> None:
    out = tmp_path / "films"
    with serving(out, "--format", "png") as (address, process):
        block(out)
        assert outcomes(address, films) == [""] * films
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == (1 if films else 0)
    told = [line for line in errors.splitlines() if "could not be written: CHECK PRINTER" in line]
    assert [line.split()[1] for line in told] == ([str(films)] if films else [])


# --- the log ---


def log_of(folder: Path, *options: str, **attributes: Any) -> list[str]:
    """Return the lines of the log of a printer that one client prints on."""
    with serving(folder, "--format", "png", *options) as (address, process):
        with contextlib.suppress(AssociationRejected):
            outcomes(address, **attributes)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    return errors.splitlines()


_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_PEER = r"127\.0\.0\.1:\d+"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--allow", "CT01"], "calling-AE-title-not-recognized"),
        (["--ae-title", "FILM1", "--require-called"], "called-AE-title-not-recognized"),
    ],
)
def test_log_names_rejected_clients(options: list[str], reason: str, tmp_path: Path) -> None:
    (line,) = log_of(tmp_path, *options)
    assert re.fullmatch(f"{_TIME} dimse.net: {_PEER}: rejected PRINTSCU, which called PRINTSCP: {reason}", line)


def test_log_names_refused_attributes(tmp_path: Path) -> None:
    (line,) = log_of(tmp_path, "--preset", "minimal", ImageDisplayFormat=r"STANDARD\3,3")
    start = f"{_TIME} print_mgmt.scp: {_PEER}: PRINTSCU: N-CREATE of Basic Film Box: status 0106H"
    assert re.match(f"{start} \\(Invalid attribute value\\): .*ImageDisplayFormat", line)


def test_log_names_replaced_attributes(tmp_path: Path) -> None:
    (line,) = log_of(tmp_path, MediumType="TIN FOIL")
    assert re.search(r"N-CREATE of Basic Film Session: status 0116H .*MediumType", line)


def test_log_of_a_printed_film_is_empty(tmp_path: Path) -> None:
    assert log_of(tmp_path) == []
