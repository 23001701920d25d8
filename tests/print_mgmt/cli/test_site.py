"""``print-mgmt config`` and ``print-mgmt route``."""

import argparse
import json
import os
from pathlib import Path

import pytest

from print_mgmt.cli import main
from print_mgmt.cli.serve_options import SiteFile, add_options
from print_mgmt.cli.site_signals import reload_site
from print_mgmt.config import read_config
from print_mgmt.site import Site, load_site, read_site

SITE = """
[printers.a]
ae_title = "FILM1"
[destinations.x]
type = "folder"
path = "x"
[destinations.y]
type = "pacs"
peer = "PACS@127.0.0.1:9"
[[routes]]
name = "color"
color = true
to = ["x", "y"]
change = { FilmSizeID = "A4" }
[[routes]]
calling = ["CT*"]
to = ["x"]
hold = true
"""


@pytest.fixture
def site(tmp_path: Path) -> str:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return str(path)


def test_check_counts_the_parts_of_a_site(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", site]) == 0
    assert capsys.readouterr() == (f"{site}: 1 printer, 2 destinations, 2 routes\n", "")


def test_check_prints_a_line_for_each_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.toml"
    path.write_text('shoe = 1\n[printers.a]\nae_title = "A-TITLE-OF-17-CHARS"\n[[routes]]\nto = ["\\u001b[2J"]\n')
    assert main(["config", "check", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(":")[2] for line in err.splitlines()] == ["1", "3", "5"]
    assert "'\\x1b[2J' is not a destination" in err


def test_check_as_json_lists_the_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.toml"
    path.write_text("shoe = 1")
    assert main(["config", "check", str(path), "--json"]) == 2
    (error,) = json.loads(capsys.readouterr().out)["errors"]
    assert error.startswith(f"{path}:1: shoe: unknown key")


def test_check_of_a_missing_file_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", str(tmp_path / "no.toml")]) == 1
    assert "no.toml: No such file" in capsys.readouterr().err


def test_unreachable_destination_is_a_warning(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", site, "--ask"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "x: NORMAL"
    assert out[1].startswith("y: WARNING PACS@127.0.0.1:9: cannot connect")


def test_states_are_printed_as_json(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", site, "--ask", "--json"]) == 0
    states = json.loads(capsys.readouterr().out)["destinations"]
    assert {name: state["PrinterStatus"] for name, state in states.items()} == {"x": "NORMAL", "y": "WARNING"}


def test_route_explains_the_decision(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", site, "--called", "FILM1", "--calling", "CT01"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "printer: FILM1",
        "  color: the film is in gray",
        "  route 2: matches",
        "to: x (held)",
    ]


def test_route_shows_the_change(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", site, "--color"]) == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["to: x, y", "FilmSizeID: A4"]


def test_route_is_printed_as_json(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", site, "--called", "OTHER", "--color", "--json"]) == 0
    decision = json.loads(capsys.readouterr().out)
    assert (decision["printer"], decision["route"], decision["to"]) == ("", "color", ["x", "y"])


def test_route_says_that_a_client_may_not_print(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SITE.replace("[printers.a]", '[printers.a]\nconfig = "printer.toml"'))
    (tmp_path / "printer.toml").write_text('[callers."CT*"]\nmay_print = false\n')
    assert main(["route", str(path), "--called", "FILM1", "--calling", "CT01"]) == 0
    assert capsys.readouterr().out.startswith("printer: FILM1: CT01 may only query the printer and its jobs\n")


def test_route_as_json_says_that_the_association_is_rejected(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["route", site, "--called", "OTHER", "--json"])
    assert json.loads(capsys.readouterr().out)["refusal"] == "the association is rejected"


def test_route_of_the_default_printer_has_its_title(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        SITE.replace('calling = ["CT*"]', 'called = ["FILM1"]').replace("[printers.a]", "[printers.a]\ndefault = true")
    )
    assert main(["route", str(path), "--called", "OTHER"]) == 0
    assert "  route 2: matches" in capsys.readouterr().out.splitlines()


def test_route_refuses_a_client_without_an_address(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["route", site, "--client", "CT01"])
    assert "'CT01' is not an IP address, such as 192.0.2.7" in capsys.readouterr().err


def test_film_without_a_route_fails(site: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["route", site, "--calling", "\x1b[2J"]) == 1
    out = capsys.readouterr().out
    assert out.endswith("to: nowhere\n")
    assert "\x1b" not in out


def test_route_of_a_wrong_file_is_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "site.toml"
    path.write_text("shoe = 1")
    assert main(["route", str(path)]) == 2
    assert "shoe: unknown key" in capsys.readouterr().err


async def test_reload_of_a_missing_file_names_it(site: str, caplog: pytest.LogCaptureFixture) -> None:
    missing = Path(site).with_name("none.toml")
    await reload_site(Site(load_site(site)), missing, lambda config: config)
    assert caplog.messages == [f"the configuration stays unchanged: {missing}: No such file or directory"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
async def test_reload_of_a_pipe_changes_nothing(site: str, caplog: pytest.LogCaptureFixture) -> None:
    """It would wait for a writer, and so would all later signals, and the end of the server."""
    pipe = Path(site).with_name("pipe.toml")
    os.mkfifo(pipe)
    await reload_site(Site(load_site(site)), pipe, lambda config: config)
    assert caplog.messages == [f"the configuration stays unchanged: {pipe}: not a regular file"]


@pytest.mark.skipif(not Path("/dev/fd").is_dir(), reason="this system has no names for descriptors")
@pytest.mark.parametrize("text", [SITE, 'sop_classes = ["BasicGrayscalePrintManagementMeta"]'])
def test_configuration_may_come_from_a_pipe(text: str) -> None:
    """A second look at the pipe would find nothing, and mean the defaults."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    parser = argparse.ArgumentParser()
    add_options(parser)
    found = parser.parse_args(["--config", f"/dev/fd/{reading}"]).config
    os.close(reading)
    assert found == (read_config(text) if text != SITE else SiteFile(found.path, read_site(text, found.path)))
