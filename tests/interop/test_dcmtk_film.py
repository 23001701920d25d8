"""Densities by PS3.14 and Presentation LUTs, compared with DCMTK, pixel by pixel, without a printer."""

from pathlib import Path

import numpy as np
import pytest
from image_objects import write_image
from numpy.typing import NDArray
from peers import Dcmtk, Films, Pixels, need, stored_pixels

from print_mgmt import PrintServer
from print_mgmt.film import Cell, CharacteristicCurve, FilmViewing, Imager, PresentationLUT, PrintImage, Sheet
from print_mgmt.film.tone import tone

pytestmark = pytest.mark.interop

# A device of 8 bits, linear in density, as DCMTK describes it, and as we describe it
DDL = np.arange(256)
DENSITIES = np.linspace(3.0, 0.2, 256)
DEVICE = Imager(curve=CharacteristicCurve(tuple(DENSITIES[::-1]), tuple(DDL[::-1])))
FORMAT = "STANDARD\\1,1"


def characteristics(path: Path) -> Path:
    """Write a printer characteristics file of DCMTK for the device."""
    rows = "".join(f"{ddl} {density:.6f}\n" for ddl, density in zip(DDL, DENSITIES, strict=True))
    path.write_text(f"max 255\nlum 2000\namb 10\n{rows}")
    return path


def every_value(bits: int) -> Pixels:
    """Return an image of all values of ``bits`` bits."""
    values = np.arange(1 << bits).reshape(-1, 64)
    return values.astype(np.uint8) if bits == 8 else values.astype(np.uint16)


async def dcm2pnm(dcmtk: Dcmtk, pixels: Pixels, bits: int, *options: str) -> NDArray[np.uint8]:
    """Return the drive value of DCMTK for each value."""
    image = write_image(dcmtk.folder / "values.dcm", pixels, "MONOCHROME2", bits)
    printer = characteristics(dcmtk.folder / "device.lut")
    raw = dcmtk.folder / "values.pgm"
    ended = await dcmtk.run("dcm2pnm", "--no-windowing", "+Dp", printer, *options, "+op", image, raw)
    assert ended.status == 0, ended
    return np.frombuffer(raw.read_bytes()[-pixels.size :], np.uint8)


def drive(pixels: Pixels, bits: int, sheet: Sheet, cell: Cell) -> NDArray[np.float64]:
    """Return our drive value for each value."""
    notes: list[str] = []
    image = PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2", BitsStored=bits)
    levels = tone(image, cell, sheet, DEVICE, notes.append)
    assert notes == []
    return np.asarray(levels * DDL[-1])


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize(
    ("options", "sheet", "cell"),
    [
        ((), Sheet(ImageDisplayFormat=FORMAT), Cell()),
        (
            ("+Di", "4000", "+Da", "50"),
            Sheet(ImageDisplayFormat=FORMAT, Illumination=4000, ReflectedAmbientLight=50),
            Cell(),
        ),
        (("+Dn", "0.5", "+Dx", "2.5"), Sheet(ImageDisplayFormat=FORMAT), Cell(MinDensity=50, MaxDensity=250)),
    ],
    ids=["plain", "light", "densities"],
)
async def test_p_values_drive_a_device_like_dcmtk(
    dcmtk: Dcmtk, bits: int, options: tuple[str, ...], sheet: Sheet, cell: Cell
) -> None:
    """They agree within the rounding of DCMTK, which has whole drive values."""
    pixels = every_value(bits)
    theirs = await dcm2pnm(dcmtk, pixels, bits, *options)
    assert np.abs(theirs - drive(pixels, bits, sheet, cell)).max() < 0.75


async def test_lin_od_is_the_inverse_of_dcmtk(dcmtk: Dcmtk) -> None:
    """The standard gives no formula. DCMTK starts at the least density (a negative), we at the greatest."""
    pixels = every_value(12)
    theirs = await dcm2pnm(dcmtk, pixels, 12, "+Pod")
    ours = drive(pixels, 12, Sheet(ImageDisplayFormat=FORMAT), Cell(presentation_lut=PresentationLUT(shape="LIN OD")))
    assert np.abs((DDL[-1] - theirs.astype(float)) - ours).max() < 1


async def test_luminances_equal_dcod2lum(dcmtk: Dcmtk) -> None:
    """PS3.14 §7.2: L = La + L0 * 10 ** -D."""
    table = dcmtk.folder / "device.lum"
    ended = await dcmtk.run("dcod2lum", characteristics(dcmtk.folder / "device.lut"), table)
    assert ended.status == 0, ended
    words = (line.split() for line in table.read_text().splitlines())
    rows = [[float(word) for word in row] for row in words if row and row[0].isdigit()]
    assert [row[0] for row in rows] == DDL.tolist()
    viewing = FilmViewing(min_density=0.2, max_density=3.0, illumination=2000, ambient=10)
    np.testing.assert_allclose([row[1] for row in rows], viewing.luminance_of(DENSITIES), rtol=1e-5)


@pytest.mark.parametrize(("entry", "bits", "entries"), [("OURS8", 8, 256), ("OURS12", 12, 4096)])
async def test_presentation_lut_equals_a_rendered_one(
    dcmtk: Dcmtk, images: list[Path], entry: str, bits: int, entries: int
) -> None:
    """dcmprscu renders the table itself and prints the result; we render it from the stored image."""
    folder = dcmtk.folder / "lut"
    folder.mkdir()
    made = await dcmtk.run("dcmmklut", "+Tp", "-e", str(entries), "-b", "12", "+Cg", "2.2", folder / "gamma.lut")
    assert made.status == 0, made
    stored = await dcmtk.store(entry, images[-1:], "--layout", "1", "1", "--plut", "GAMMA")
    async with PrintServer(films := Films(), port=0) as server:
        assert await dcmtk.print(entry, server.port, stored) == []
    (film,) = films
    (cell,) = film.sheet.cells
    assert cell.image is not None
    assert cell.image.BitsStored == bits
    original = stored_pixels(stored.images[1])
    table = need("pydicom").dcmread(folder / "gamma.lut").PresentationLUTSequence[0]
    lut = PresentationLUT(table=np.frombuffer(table.LUTData, "<u2"), bits=table.LUTDescriptor[2])
    sent = (original >> (12 - bits)).astype(original.dtype)
    image = PrintImage(pixels=sent, PhotometricInterpretation="MONOCHROME2", BitsStored=bits)
    notes: list[str] = []
    ours = tone(image, Cell(presentation_lut=lut), Sheet(ImageDisplayFormat=FORMAT), Imager(), notes.append)
    assert notes == []
    highest = (1 << bits) - 1
    assert np.abs(ours[sent] - cell.image.pixels / highest).max() <= 1.01 / highest
    assert np.abs(sent / highest - cell.image.pixels / highest).max() > 0.1  # the table changes the film
