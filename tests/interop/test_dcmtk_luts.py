"""dcmprscu on our printer, beyond images: Presentation LUTs, annotations, presets."""

from pathlib import Path

import numpy as np
import pytest
from peers import Dcmtk, Films

from print_mgmt import Film, PrintServer
from print_mgmt.config import preset

pytestmark = pytest.mark.interop


async def printed(dcmtk: Dcmtk, entry: str, images: list[Path], *options: str, name: str = "generic") -> Film:
    """Print one film through dcmpsprt and dcmprscu on our printer."""
    stored = await dcmtk.store(entry, images[:1], *options)
    async with PrintServer(films := Films(), port=0, config=preset(name)) as server:
        assert await dcmtk.print(entry, server.port, stored) == []
    (film,) = films
    return film


@pytest.mark.parametrize(("option", "shape"), [("--identity", "IDENTITY"), ("--lin-od", "LIN OD")])
async def test_dcmprscu_prints_with_lut_shapes(dcmtk: Dcmtk, images: list[Path], option: str, shape: str) -> None:
    film = await printed(dcmtk, "OURSLUT", images, option)
    assert film.sheet.presentation_lut is not None
    assert film.sheet.presentation_lut.shape == shape
    assert (film.film_box.Illumination, film.film_box.ReflectedAmbientLight) == (2000, 10)


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("entry", ["OURSLUT", "OURSSESSION"])
async def test_dcmprscu_darkens_a_film_by_a_lut_table(dcmtk: Dcmtk, images: list[Path], entry: str, bits: int) -> None:
    """4096 entries for 12 bits, in the film box, or in the film session (CP 173)."""
    (dcmtk.folder / "lut").mkdir()
    ended = await dcmtk.run("dcmmklut", "+Tp", "-e", "4096", "-b", str(bits), "+Cg", "2.2", "lut/gamma.lut")
    assert ended.status == 0, ended
    film = await printed(dcmtk, entry, images, "--plut", "GAMMA", name="agfa-ds3000")
    lut = film.sheet.presentation_lut
    assert lut is not None
    assert lut.table is not None
    assert (len(lut.table), lut.bits, int(lut.table.max())) == (4096, bits, 2**bits - 1)
    assert np.all(np.diff(lut.table.astype(int)) >= 0)
    plain = await printed(dcmtk, entry, images, "--identity", name="agfa-ds3000")
    pages = [(await each.render(25)).pixels for each in (film, plain)]
    assert pages[0].astype(int).sum() != pages[1].astype(int).sum()


async def test_dcmprscu_prints_annotations(dcmtk: Dcmtk, images: list[Path]) -> None:
    """The text is in position 1, after date, time, printer and illumination if they are not omitted."""
    film = await printed(dcmtk, "OURSLUT", images, "--identity", "--annotation", "left knee", "-pd", "-pn", "-pl")
    assert film.film_box.AnnotationDisplayFormatID == "ANNOTATION"
    texts = [(annotation.AnnotationPosition, annotation.TextString) for annotation in film.sheet.annotations]
    assert texts == [(1, "left knee")]


@pytest.mark.parametrize("name", ["dcmprscp", "kodak-8700", "minimal"])
async def test_dcmprscu_prints_on_presets(dcmtk: Dcmtk, images: list[Path], name: str) -> None:
    """A minimal printer is one of 8 bits and 8INX10IN films only, over Implicit VR."""
    film = await printed(dcmtk, "OURS8", images, "--filmsize", "8INX10IN", name=name)
    assert film.sheet.cells[0].image is not None
    assert film.sheet.FilmSizeID == "8INX10IN"


async def test_minimal_printer_refuses_12_bits(dcmtk: Dcmtk, images: list[Path]) -> None:
    stored = await dcmtk.store("OURS12", images[:1], "--filmsize", "8INX10IN")
    async with PrintServer(films := Films(), port=0, config=preset("minimal")) as server:
        errors = await dcmtk.print("OURS12", server.port, stored)
    assert errors
    assert list(films) == []
