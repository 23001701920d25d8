"""Destinations with real peers: dcmprscp and storescp of DCMTK, and storage of pynetdicom."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from accepted import DOE, accepted_film
from peers import Dcmtk, need, program, run, stored_pixels
from printers import gray, printer

from dimse.data import read_file, write_file
from print_mgmt import PrintClient
from print_mgmt.destinations import Condition, PacsDestination, PrinterDestination
from print_mgmt.destinations.capture import encapsulated_pdf, image_capture
from print_mgmt.film import Cell, PresentationLUT, Sheet

pytestmark = pytest.mark.interop


async def test_dcmprscp_gets_a_film_as_it_came(dcmtk: Dcmtk) -> None:
    attributes = {"ImageDisplayFormat": r"STANDARD\1,2", "FilmSizeID": "14INX17IN", "BorderDensity": "WHITE"}
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            await client.print_images([gray(1), gray(2)], **attributes)
    async with dcmtk.printer("ANY") as port:
        destination = PrinterDestination(printers=(f"ANY@127.0.0.1:{port}",))
        receipt = await destination.deliver(films[0], DOE)
    assert receipt.warnings == ()
    (stored,) = dcmtk.films()
    box = stored.film_box
    assert {keyword: box[keyword].value for keyword in attributes} == attributes
    for position, seed in ((1, 1), (2, 2)):
        np.testing.assert_array_equal(stored_pixels(stored.images[position]), gray(seed))


async def test_dcmprscp_gets_a_presentation_lut(dcmtk: Dcmtk) -> None:
    sheet = Sheet(
        ImageDisplayFormat=r"STANDARD\1,1",
        FilmSizeID="14INX17IN",
        cells=(Cell(image=accepted_film().sheet.cells[0].image),),
        presentation_lut=PresentationLUT(shape="LIN OD"),
    )
    async with dcmtk.printer("ANY") as port:
        destination = PrinterDestination(printers=(f"ANY@127.0.0.1:{port}",))
        receipt = await destination.deliver(accepted_film(sheet=sheet), DOE)
    assert receipt.warnings == ()
    assert len(dcmtk.films()) == 1


async def test_dcmprscp_gets_a_color_film_as_one_image(dcmtk: Dcmtk) -> None:
    film = accepted_film(color=True)
    async with dcmtk.printer("ANY") as port:
        destination = PrinterDestination(printers=(f"ANY@127.0.0.1:{port}",), dpi=20)
        receipt = await destination.deliver(film, DOE)
        condition = await destination.check()
    assert receipt.warnings[0].startswith("sent as one image")
    (stored,) = dcmtk.films()
    assert stored_pixels(stored.images[1]).shape == (200, 160)
    assert condition == Condition()


@pytest.mark.parametrize("kind", ["image", "pdf"])
async def test_storescp_takes_a_film(dcmtk: Dcmtk, kind: Any) -> None:
    folder = dcmtk.folder / "got"
    folder.mkdir()
    async with dcmtk.serving("storescp", "-v", "-od", folder) as port:
        destination = PacsDestination(peer=f"PACS@127.0.0.1:{port}", object=kind, dpi=20)
        assert await destination.check() == Condition()
        receipts = [await destination.deliver(accepted_film(), DOE) for _ in range(2)]
    assert receipts[0] == receipts[1]
    (stored,) = files(folder)
    assert stored.SOPInstanceUID == receipts[0].made[0]


@pytest.mark.parametrize("make", [image_capture, encapsulated_pdf])
async def test_objects_have_no_error(make: Any, tmp_path: Path) -> None:
    film = accepted_film()
    path = tmp_path / "film.dcm"
    write_file(path, make(film, await film.render(20), DOE, "Film 1"))
    ended = await run(program("dciodvfy", "dicom3tools"), path, cwd=tmp_path)
    assert "Error" not in ended.out + ended.err
    assert "not present in standard" not in ended.out + ended.err


def files(folder: Path) -> list[Any]:
    return [read_file(path).dataset for path in folder.iterdir()]


async def test_pynetdicom_takes_a_film() -> None:
    pynetdicom = need("pynetdicom")
    sop_class = need("pynetdicom.sop_class")
    stored = []

    def store(event: Any) -> int:
        stored.append(event.dataset)
        return 0xB000

    entity = pynetdicom.AE(ae_title="PACS")
    entity.add_supported_context(sop_class.SecondaryCaptureImageStorage)
    running = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(pynetdicom.evt.EVT_C_STORE, store)])
    try:
        port = running.socket.getsockname()[1]
        receipt = await PacsDestination(peer=f"PACS@127.0.0.1:{port}", dpi=20).deliver(accepted_film(), DOE)
    finally:
        running.shutdown()
    (dataset,) = stored
    assert dataset.SOPInstanceUID == receipt.made[0]
    assert "status B000H" in receipt.warnings[0]
