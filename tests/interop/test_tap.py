"""The tap between programs of DCMTK and pynetdicom, and before our own printer."""

import asyncio
from pathlib import Path

import pytest
from peers import Dcmtk, run_dimse, run_print_mgmt, serving, tapping
from pynetdicom_printer import PynetdicomPrinter

from dimse.explain import Step, associations_in

pytestmark = pytest.mark.interop


def steps(folder: Path) -> list[list[Step]]:
    """Return the steps of each recording in a folder."""
    return [
        list(recorded.steps())
        for path in sorted(folder.glob("*.pcapng"))
        for recorded in associations_in(path.read_bytes(), [])
    ]


def pages(folder: Path) -> list[str]:
    return [path.read_text() for path in sorted(folder.glob("*.html"))]


async def test_dcmtk_prints_on_dcmtk_through_the_tap(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    film = await dcmtk.store("ANY", images[:1])
    folders = ("--html", tmp_path / "pages", "--pcap", tmp_path / "captures")
    async with dcmtk.printer("ANY") as port:
        async with tapping(port, *folders, cwd=tmp_path, package="print_mgmt") as tap:
            assert await dcmtk.print("ANY", tap.port, film) == []
            ended = await tap.stop()
    assert ended.err == ""
    (said,) = steps(tmp_path / "captures")
    names = [step.name for step in said if step.turns]
    assert names[0] == "A-ASSOCIATE-RQ"
    assert {"N-CREATE-RQ", "N-SET-RSP", "N-ACTION-RSP"} <= set(names)
    assert not [error for step in said for error in step.errors]
    (page,) = pages(tmp_path / "pages")
    assert "printed film" in page


async def test_pynetdicom_answers_through_the_tap(tmp_path: Path) -> None:
    printer = PynetdicomPrinter()
    with printer.listening() as port:
        async with tapping(port, "--pcap", tmp_path / "captures", cwd=tmp_path) as tap:
            ended = await run_dimse("echo", f"PNDSCP@127.0.0.1:{tap.port}", "--repeat", "2", cwd=tmp_path)
            assert (ended.status, ended.err) == (0, "")
            await tap.stop()
    assert printer.ends == ["EVT_RELEASED"]
    (said,) = steps(tmp_path / "captures")
    assert [step.name for step in said].count("C-ECHO-RSP") == 2


async def test_our_print_passes_the_tap(images: list[Path], tmp_path: Path) -> None:
    async with serving("--out", tmp_path / "films", cwd=tmp_path) as printer:
        async with tapping(printer.port, "--html", "pages", cwd=tmp_path, package="print_mgmt") as tap:
            target = f"PRINTSCP@127.0.0.1:{tap.port}"
            ended = await run_print_mgmt("print", target, "--layout", "2x2", *images[:3], cwd=tmp_path)
            assert (ended.status, ended.err) == (0, "")
            assert (await tap.stop()).err == ""
        await printer.stop()
    (page,) = pages(tmp_path / "pages")
    assert "printed film" in page


async def test_echoscu_in_a_crowd_passes_the_tap(dcmtk: Dcmtk, tmp_path: Path) -> None:
    async with serving("--out", tmp_path / "films", cwd=tmp_path) as printer:
        async with tapping(printer.port, cwd=tmp_path) as tap:
            echoes = (dcmtk.run("echoscu", "-v", "127.0.0.1", str(tap.port)) for _ in range(8))
            for ended in await asyncio.gather(*echoes):
                assert "Received Echo Response (Success)" in ended.out + ended.err
            lines = (await tap.stop()).out.splitlines()
    assert sum("CEchoRSP" in line for line in lines) == 8
