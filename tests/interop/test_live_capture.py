"""Captures by tshark of other programs: every byte is explained, without an error."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from peers import PATIENCE, Dcmtk, program, running
from pynetdicom_printer import PynetdicomPrinter
from pynetdicom_scu import associated, image_item
from recordings import tiles, whole

from dimse.errors import DecodeError
from dimse.explain import ACCEPTOR, REQUESTOR, RecordedAssociation, associations_in
from dimse.uids import BasicFilmBox
from print_mgmt.explain import FilmView

pytestmark = pytest.mark.interop

FILM = ["A-ASSOCIATE-RQ", "N-CREATE-RQ", "N-SET-RQ", "N-ACTION-RQ"]


@asynccontextmanager
async def capturing(port: int, path: Path) -> AsyncIterator[None]:
    """Let tshark capture everything on a port of this machine during the block."""
    command = (program("tshark", "tshark"), "-i", "lo", "-f", f"tcp port {port}", "-w", path)
    async with running(*command, cwd=path.parent) as process:
        assert process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while "Capture started" not in (line := (await process.stderr.readline()).decode()):
                assert line, "tshark may not capture on this machine"
        yield
        await _settled(path)


async def _settled(path: Path) -> None:
    """Wait until the last packet is in the file: tshark writes its buffer after a moment without packets."""
    async with asyncio.timeout(PATIENCE):
        while not _has_ended(path):  # noqa: ASYNC110  # a file has no event
            await asyncio.sleep(0.05)


def _has_ended(path: Path) -> bool:
    """Return whether both sides of the association have said their last PDU."""
    faults: list[DecodeError] = []
    try:
        found = list(associations_in(path.read_bytes(), faults))
    except DecodeError:
        return False
    return bool(found) and not faults and [*found[-1].steps()][-1].name in ("A-RELEASE-RP", "end")


def explained(path: Path) -> RecordedAssociation:
    """Return the last association of a capture, whose steps must have no error and hold all bytes."""
    faults: list[DecodeError] = []
    *_, recorded = associations_in(path.read_bytes(), faults)
    assert faults == []
    assert list(recorded.gaps) == []
    steps = list(recorded.steps([FilmView()]))
    assert [error for step in steps for error in step.errors] == []
    for side in (REQUESTOR, ACCEPTOR):
        end = 0
        for start, stop in tiles(steps, side):
            assert start == end
            end = stop
        assert end == len(whole(recorded.pieces, side))
    return recorded


async def test_echo_of_dcmtk_is_explained(dcmtk: Dcmtk, tmp_path: Path) -> None:
    path = tmp_path / "echo.pcapng"
    async with dcmtk.serving("storescp") as port, capturing(port, path):
        await dcmtk.run("echoscu", "127.0.0.1", str(port))
    assert [step.name for step in explained(path).steps()][2:4] == ["C-ECHO-RQ", "C-ECHO-RSP"]


async def test_film_of_dcmtk_is_explained(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "film.pcapng"
    stored = await dcmtk.store("OURS8", images[:1])
    async with dcmtk.printer("EIGHT") as port, capturing(port, path):
        assert await dcmtk.print("OURS8", port, stored) == []
    names = [step.name for step in explained(path).steps() if step.side == REQUESTOR]
    assert [name for name in FILM if name in names] == FILM


async def test_film_of_pynetdicom_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "film.pcapng"

    def work(port: int) -> None:
        with associated(port, own_uids=True) as scu:
            film = scu.film(scu.session().SOPInstanceUID, "STANDARD\\1,1")
            scu.image(film, 1, image_item(np.zeros((40, 30), np.uint8), 8))
            scu.print(BasicFilmBox, film.SOPInstanceUID)

    with PynetdicomPrinter().listening() as port:
        async with capturing(port, path):
            await asyncio.to_thread(work, port)
    names = [step.name for step in explained(path).steps() if step.side == REQUESTOR]
    assert [name for name in FILM if name in names] == FILM
