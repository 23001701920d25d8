"""The grid with printers of DCMTK and pynetdicom beside ours."""

import pytest
from peers import Dcmtk
from printers import printer
from pynetdicom_printer import PynetdicomPrinter

from dimse.verify import Target
from dimse.verify.grid import Grid, run_grid
from dimse.verify.grid_builtin import SCRIPTS
from dimse.verify.grid_script import parse_script
from print_mgmt.verify.grid_scripts import PRINT_SCRIPTS

pytestmark = pytest.mark.interop


async def grid_of(name: str, text: str, dcmtk: Dcmtk) -> Grid:
    """Return the grid of dcmprscp, pynetdicom and our printer, in this order."""
    async with dcmtk.printer("ANY") as first, printer() as (ours, _):
        with PynetdicomPrinter().listening() as second:
            peers = [(str(port), Target(host="127.0.0.1", port=port)) for port in (first, second, ours.port)]
            return await run_grid(parse_script(name, text), peers, prints=True)


async def test_three_printers_print_the_same_film(dcmtk: Dcmtk) -> None:
    grid = await grid_of("film", PRINT_SCRIPTS["film"], dcmtk)
    for peer in grid.peers:
        outcomes = {answer.outcome for answer in peer.answers}
        box = "ReferencedImageBoxSequence[0].ReferencedSOPInstanceUID is a UID"
        assert outcomes == {"AC(1=0)", "RSP(0000)", "a new UID", "RP", box}


async def test_printers_agree_that_a_reference_is_missing(dcmtk: Dcmtk) -> None:
    """A film box without Referenced Film Session Sequence; pynetdicom wants a UID from the SCU."""
    grid = await grid_of("wrong", PRINT_SCRIPTS["wrong"], dcmtk)
    without = r"ImageDisplayFormat=STANDARD\1,1"
    number = next(at for at, step in enumerate(grid.script.steps) if step.text.endswith(without))
    assert [peer.answers[number].outcome for peer in grid.peers] == ["RSP(0120)", "RSP(0110)", "RSP(0120)"]


async def test_dcmprscp_aborts_with_another_source(dcmtk: Dcmtk) -> None:
    """A PDU of an unknown type in Sta6: AA-8 has source 2."""
    grid = await grid_of("stray", SCRIPTS["stray"], dcmtk)
    assert [peer.answers[1].outcome[:9] for peer in grid.peers] == ["ABORT(0,0", "ABORT(2,0", "ABORT(2,1"]
