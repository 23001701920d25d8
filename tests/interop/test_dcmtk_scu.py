"""dcmpsprt and dcmprscu of DCMTK print on our printer: its films show the images that DCMTK stored."""

import re
from pathlib import Path

import numpy as np
import pytest
from peers import Dcmtk, Films, Pixels, StoredFilm, need, serving, stored_pixels

from print_mgmt import Film, Page, PrintServer
from print_mgmt.film import Layout, Rect, Sheet, lay_out

pytestmark = pytest.mark.interop

DPI = 150  # fine enough to find the middle of each pixel of noise
_MM_PER_INCH = 25.4

# Columns, rows, and the number of boxes with an image
LAYOUTS = [pytest.param(1, 1, 1, id="1x1"), pytest.param(2, 3, 5, id="2x3")]


@pytest.mark.parametrize(("columns", "rows", "count"), LAYOUTS)
@pytest.mark.parametrize(("entry", "bits"), [("OURS8", 8), ("OURS12", 12)])
@pytest.mark.parametrize("action", ["film box", "session"])
async def test_printer_gets_the_images_that_dcmtk_stored(
    dcmtk: Dcmtk, images: list[Path], entry: str, bits: int, columns: int, rows: int, count: int, action: str
) -> None:
    """N-ACTION on the film box and on the session; explicit VR with 8 bit, implicit VR with 12."""
    stored = await dcmtk.store(entry, images[:count], "--layout", str(columns), str(rows))
    options = ("--session-print",) if action == "session" else ()
    async with PrintServer(films := Films(), port=0) as server:
        assert await dcmtk.print(entry, server.port, stored, *options) == []
    (film,) = films
    assert film.calling_ae_title == "DCMTK"
    assert film.film_box.ImageDisplayFormat == f"STANDARD\\{columns},{rows}"
    _assert_images(film, stored, bits, columns * rows)
    _assert_page(await film.render(DPI), stored, bits, lay_out(film.sheet))


async def test_printer_gets_the_attributes_of_dcmtk(dcmtk: Dcmtk, images: list[Path]) -> None:
    """The options of dcmpsprt and dcmprscu appear in our film session, film box and image boxes."""
    stored = await dcmtk.store(
        "OURS12", images[:1], "--landscape", "--trim", "--filmsize", "8INX10IN", "--magnification", "CUBIC",
        "--border", "WHITE", "--empty-image", "WHITE", "--max-density", "320", "--img-polarity", "REVERSE",
    )  # fmt: skip
    options = ("--copies", "2", "--priority", "HIGH", "--medium-type", "BLUE FILM", "--label", "ward 3")
    async with PrintServer(films := Films(), port=0) as server:
        assert await dcmtk.print("OURS12", server.port, stored, *options) == []
    (film,) = films
    session, box = film.film_session, film.film_box
    assert (film.copies, session.PrintPriority, session.MediumType) == (2, "HIGH", "BLUE FILM")
    assert session.FilmSessionLabel == "ward 3"
    assert (box.FilmOrientation, box.FilmSizeID, box.Trim) == ("LANDSCAPE", "8INX10IN", "YES")
    assert (box.MagnificationType, box.MaxDensity) == ("CUBIC", 320)
    assert (box.BorderDensity, box.EmptyImageDensity) == ("WHITE", "WHITE")
    assert film.image_boxes[0].Polarity == "REVERSE"
    page = await film.render(DPI)
    assert page.pixels.shape == (8 * DPI, 10 * DPI)
    assert page.pixels[0, 0] == 255
    image = stored_pixels(stored.images[1])
    shown = _shown(page, lay_out(film.sheet).boxes[0], image.shape)
    assert _correlation(shown, image) < -0.99


async def test_monochrome1_makes_the_same_film(dcmtk: Dcmtk, images: list[Path]) -> None:
    """dcmprscu --monochrome1 sends each pixel inverted, within 1; the film must not change."""
    stored = await dcmtk.store("OURS12", images[:1])
    async with PrintServer(films := Films(), port=0) as server:
        await dcmtk.print("OURS12", server.port, stored)
        await dcmtk.print("OURS12", server.port, stored, "--monochrome1")
    usual, inverse = films
    (before,), (after,) = usual.sheet.cells, inverse.sheet.cells
    assert before.image is not None
    assert after.image is not None
    assert after.image.PhotometricInterpretation == "MONOCHROME1"
    np.testing.assert_allclose(after.image.pixels, 4095.0 - before.image.pixels, atol=1)
    as_before, page = await usual.render(DPI), await inverse.render(DPI)
    np.testing.assert_allclose(page.pixels.astype(float), as_before.pixels, atol=1)


async def test_serve_writes_films_of_dcmtk(dcmtk: Dcmtk, images: list[Path], tmp_path: Path) -> None:
    """print-mgmt serve writes each film as a PNG that shows it, and as a PDF of the film's size."""
    stored = await dcmtk.store("OURS8", images, "--layout", "2", "3", "--filmsize", "14INX17IN")
    out = tmp_path / "films"
    async with serving("--out", out, "--dpi", str(DPI), "--format", "png,pdf", cwd=tmp_path) as printer:
        assert await dcmtk.print("OURS8", printer.port, stored) == []
        ended = await printer.stop()
    assert (ended.status, ended.err) == (0, "")
    (png,), (pdf,) = out.glob("*.png"), out.glob("*.pdf")
    assert f"film 1 from DCMTK: 14INX17IN PORTRAIT STANDARD\\2,3: {png} {pdf}" in ended.out
    with need("PIL.Image").open(png) as opened:
        page = Page(pixels=np.asarray(opened), width_mm=355.6, height_mm=431.8, dpi=DPI)
    assert page.pixels.shape == (17 * DPI, 14 * DPI)
    _assert_page(page, stored, 8, lay_out(Sheet(ImageDisplayFormat="STANDARD\\2,3")))
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", pdf.read_bytes())
    assert box is not None
    assert (float(box[1]), float(box[2])) == (14 * 72, 17 * 72)


def _assert_images(film: Film, stored: StoredFilm, bits: int, boxes: int) -> None:
    """Check that each image box has the pixels that DCMTK stored for its position, and the others none."""
    assert len(film.sheet.cells) == boxes
    for position, cell in enumerate(film.sheet.cells, 1):
        if position not in stored.images:
            assert cell.image is None
            continue
        assert cell.image is not None
        assert cell.image.BitsStored == bits
        np.testing.assert_array_equal(cell.image.pixels, _sent(stored.images[position], bits))


def _sent(path: Path, bits: int) -> Pixels:
    """Return the pixels of a stored image of 12 bits, as dcmprscu sends them."""
    image = stored_pixels(path)
    assert image.dtype == np.uint16
    return (image >> (12 - bits)).astype(image.dtype)


def _assert_page(page: Page, stored: StoredFilm, bits: int, layout: Layout) -> None:
    """Check that each image is in its box, and that empty boxes and the edge are black."""
    for position, rect in enumerate(layout.boxes, 1):
        if position not in stored.images:
            assert not _box(page, rect).any()
            continue
        image = _sent(stored.images[position], bits)
        shown = _shown(page, rect, image.shape)
        assert _correlation(shown, image) > 0.97
        assert np.abs(shown / 255 - image / (2**bits - 1)).mean() < 0.02
    assert not page.pixels[0].any()
    assert not page.pixels[:, 0].any()


def _box(page: Page, rect: Rect) -> Pixels:
    left, top, right, bottom = (
        round(mm / _MM_PER_INCH * page.dpi) for mm in (rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)
    )
    return page.pixels[top:bottom, left:right]


def _shown(page: Page, rect: Rect, shape: tuple[int, ...]) -> Pixels:
    """Return the page at the middle of each pixel of an image, centered, as large as its aspect ratio allows."""
    rows, columns = shape
    scale = min(rect.height / rows, rect.width / columns)
    y = rect.y + (rect.height - rows * scale) / 2 + (np.arange(rows) + 0.5) * scale
    x = rect.x + (rect.width - columns * scale) / 2 + (np.arange(columns) + 0.5) * scale
    at = np.ix_(*((mm / _MM_PER_INCH * page.dpi).astype(int) for mm in (y, x)))
    shown: Pixels = page.pixels[at]
    return shown


def _correlation(one: Pixels, other: Pixels) -> float:
    return float(np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1])
