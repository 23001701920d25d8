"""``print-mgmt serve --config site.toml`` as a process: its printers, SIGHUP, and films that survive a kill."""

import asyncio
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from forked import Copy
from listening import META, Client
from served import serving, site_serving

import print_mgmt.cli
from dimse.data import Dataset, Element
from dimse.errors import AssociationRejected
from dimse.net import connect, scu
from dimse.uids import ExplicitVRLittleEndian, ImplicitVRLittleEndian, PrintJob
from print_mgmt import PrintClient
from print_mgmt.spool import EmbeddedSpool, FilmRecord, FilmState

IMAGE = np.zeros((2, 2), np.uint8)
SITE = """
[spool]
at = "spool"
[printers.one]
ae_title = "FILM1"
[printers.two]
ae_title = "FILM2"
[destinations.files]
type = "folder"
path = "{folder}"
formats = ["png"]
name = "{printer}-{number}"
dpi = 30
[[routes]]
to = ["files"]
hold = {hold}
"""


def site_file(folder: Path, *, to: str = "films", hold: bool = False) -> Path:
    path = folder / "site.toml"
    path.write_text(SITE.replace("{folder}", to).replace("{hold}", str(hold).lower()))
    return path


def printed(address: str, *called: str, **attributes: str) -> None:
    """Print one image on each printer."""
    host, _, port = address.rpartition(":")

    async def run() -> None:
        for title in called:
            async with PrintClient(host, int(port), called_ae_title=title) as client:
                await client.print_images([IMAGE], **attributes)

    asyncio.run(run())


def films(folder: Path) -> tuple[FilmRecord, ...]:
    """Return the films in the spool of a site."""

    async def run() -> tuple[FilmRecord, ...]:
        async with EmbeddedSpool(folder / "spool") as spool:
            return await spool.list()

    return asyncio.run(run())


def stopped(process: Copy) -> str:
    """Stop a server, and return its log."""
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    return errors


def names(folder: Path) -> list[str]:
    """Return the names of the films in a folder, without their ids."""
    return sorted(re.sub(r"-[0-9a-f]{12}\.png", "", path.name) for path in folder.glob("*.png"))


def test_printers_share_a_port(tmp_path: Path) -> None:
    with site_serving(site_file(tmp_path)) as (address, process):
        printed(address, "FILM1", "FILM2")
        with pytest.raises(AssociationRejected, match="called-AE-title-not-recognized"):
            printed(address, "FILM3")
        stopped(process)
    assert names(tmp_path / "films") == ["FILM1-0001", "FILM2-0002"]


def test_film_survives_a_kill(tmp_path: Path) -> None:
    file = site_file(tmp_path, hold=True)
    with site_serving(file) as (address, process):
        printed(address, "FILM1")
        process.kill()
    (film,) = films(tmp_path)
    assert (film.state, film.printer) == (FilmState.HELD, "FILM1")


def test_job_is_found_after_a_kill(tmp_path: Path) -> None:
    file = site_file(tmp_path, hold=True)
    with site_serving(file) as (address, process):
        printed(address, "FILM1")
        process.kill()
    (film,) = films(tmp_path)

    async def status(address: str, called: str) -> int:
        host, _, port = address.rpartition(":")
        contexts = {PrintJob: (ExplicitVRLittleEndian,)}
        async with connect(host, int(port), contexts, called_ae_title=called) as association:
            return (await scu.n_get(association, association.context_for(PrintJob), PrintJob, film.job)).Status

    with site_serving(file) as (address, _):
        assert [asyncio.run(status(address, called)) for called in ("FILM1", "FILM2")] == [0, 0x0112]


def test_sighup_reads_the_file_again(tmp_path: Path) -> None:
    file = site_file(tmp_path)
    with site_serving(file) as (address, process):
        host, _, port = address.rpartition(":")

        async def run() -> None:
            async with PrintClient(host, int(port), called_ae_title="FILM1") as client:
                await client.print_images([IMAGE])
                site_file(tmp_path, to="others")
                process.send_signal(signal.SIGHUP)
                line = await asyncio.to_thread(process.stderr.readline)
                assert line.endswith("the configuration was read again; changed: destinations.files\n")
                await client.print_images([IMAGE])

        asyncio.run(run())
        stopped(process)
    assert "FILM1-0002" in names(tmp_path / "others")


def test_sighup_names_changes_that_need_a_restart(tmp_path: Path) -> None:
    file = site_file(tmp_path)
    with site_serving(file) as (_, process):
        file.write_text(file.read_text().replace("FILM2", "FILM9"))
        process.send_signal(signal.SIGHUP)
        said = [process.stderr.readline() for _ in range(2)]
    assert said[1].endswith("these changes need a restart: printers.two\n")


def test_broken_file_keeps_the_configuration(tmp_path: Path) -> None:
    file = site_file(tmp_path)
    with site_serving(file) as (address, process):
        file.write_text("[printers.one\n")
        process.send_signal(signal.SIGHUP)
        assert "the configuration stays unchanged: " in process.stderr.readline()
        printed(address, "FILM2")
        assert stopped(process) == ""
    assert names(tmp_path / "films") == ["FILM2-0001"]


def test_options_of_one_printer_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        print_mgmt.cli.main(["serve", "--config", str(site_file(tmp_path)), "--out", "films"])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert "argument --out: not allowed with the file of a site" in error
    assert error.count("\n") == 1


def test_faults_of_a_site_are_a_line_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[listen]\nport = 70000\n[[routes]]\nto = ["nowhere"]\n')
    assert print_mgmt.cli.main(["serve", "--config", str(file)]) == 2
    assert [line.split(": ")[1:3] for line in capsys.readouterr().err.splitlines()] == [
        [f"{file}:4", "routes[0].to"],
        [f"{file}:2", "listen.port"],
    ]


HOSTILE = b"../../etc\x1b[2J\x07\x9b31m/$(reboot)" + b"x" * 900


def test_hostile_attributes_reach_no_name_and_no_log(tmp_path: Path) -> None:
    file = site_file(tmp_path)
    file.write_text(file.read_text().replace("{printer}-{number}", "{label}/{calling}"))
    hostile = Dataset()
    hostile.add(Element(0x2000_0050, "LO", HOSTILE))  # Film Session Label

    async def run(address: str) -> None:
        host, _, port = address.rpartition(":")
        contexts = {META: (ImplicitVRLittleEndian,)}
        async with connect(host, int(port), contexts, called_ae_title="FILM1") as association:
            one = Client(association, asyncio.Queue(), [])
            await one.fill_film(hostile)
            await one.print_film()

    with site_serving(file) as (address, process):
        asyncio.run(run(address))
        log = stopped(process)
    made = [str(path.relative_to(tmp_path / "films")) for path in (tmp_path / "films").rglob("*.png")]
    assert len(made) == 1
    assert re.fullmatch(r"[A-Za-z0-9_]{1,32}/[A-Z-]+-[0-9a-f]{12}\.png", made[0])
    assert all(line.isprintable() for line in log.splitlines())


def test_one_printer_keeps_its_films_over_a_kill(tmp_path: Path) -> None:
    """A printer without a configuration file has a spool, too."""
    out = tmp_path / "films"
    with serving(out, "--format", "png") as (address, process):
        out.rmdir()
        out.touch()
        printed(address, "PRINTSCP")
        process.kill()
    out.unlink()
    with serving(out, "--format", "png") as (_, process):
        process.send_signal(signal.SIGUSR1)
        assert " film 1 from PRINTSCU" in process.stdout.readline()
    assert len(list(out.glob("*.png"))) == 1
