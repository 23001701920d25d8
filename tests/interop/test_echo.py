"""C-ECHO, PS3.4 Annex A, in both roles."""

import json
from pathlib import Path

import pytest
from peers import Dcmtk, run_dimse, serving
from pynetdicom_printer import PynetdicomPrinter

pytestmark = pytest.mark.interop


async def test_echoscu_is_answered(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """echoscu gets success, on one association after the other; after SIGTERM the exit status is 0."""
    async with serving("--out", tmp_path / "films", cwd=tmp_path) as printer:
        for options in ((), ("--repeat", "3"), ("--propose-ts", "38")):
            ended = await dcmtk.run("echoscu", "-v", *options, "127.0.0.1", str(printer.port))
            assert ended.status == 0, ended
            assert "Received Echo Response (Success)" in ended.out + ended.err
        assert (await printer.stop()).status == 0


async def test_echoscu_gets_the_reason_of_a_rejection(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """A wrong called AE title, PS3.8 Table 9-21."""
    async with serving("--require-called", "--out", tmp_path / "films", cwd=tmp_path) as printer:
        for title, words in (("OTHER", "Called AE Title Not Recognized"), ("PRINTSCP", "Echo Response (Success)")):
            ended = await dcmtk.run("echoscu", "-v", "-aec", title, "127.0.0.1", str(printer.port))
            assert words in ended.out + ended.err


async def test_dcmprscp_answers(dcmtk: Dcmtk, tmp_path: Path) -> None:
    """dimse echo, once and repeated on one association."""
    async with dcmtk.printer("ANY") as port:
        ended = await run_dimse("echo", f"ANY@127.0.0.1:{port}", "--repeat", "3", cwd=tmp_path)
        assert (ended.status, ended.err) == (0, "")
        assert [line.partition(":")[0] for line in ended.out.splitlines()] == [
            f"echo {number} from ANY@127.0.0.1" for number in (1, 2, 3)
        ]


async def test_pynetdicom_answers(tmp_path: Path) -> None:
    """dimse echo, as JSON; the association is released."""
    printer = PynetdicomPrinter()
    with printer.listening() as port:
        ended = await run_dimse("echo", f"PNDSCP@127.0.0.1:{port}", "--repeat", "2", "--json", cwd=tmp_path)
    assert (ended.status, ended.err) == (0, "")
    answer = json.loads(ended.out)
    assert (answer["status"], len(answer["milliseconds"])) == ("0000", 2)
    assert printer.ends == ["EVT_RELEASED"]
