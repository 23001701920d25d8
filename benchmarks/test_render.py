r"""A film of 14 x 17 inches at 320 dpi, 4480 x 5440 pixels of 8 bits, from twelve images; and its files.

The images have 512 x 512 pixels of 12 bits, laid out as STANDARD\3,4. Beside ours Pillow, as somebody would
use it who has no renderer: gray values to 8 bits, resize, paste. (Ours interpolates first and rounds once.)

The files are of the BILINEAR film. Pillow writes PNG at its default level and at its fastest, and PDF as
lossy JPEG, where ours is lossless.
"""

from functools import partial
from io import BytesIO

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.duels import Duel, timed
from benchmarks.images import phantom
from print_mgmt.film import Cell, Page, PrintImage, Sheet, film_size, lay_out, render
from print_mgmt.film.placement import Wish, fit
from print_mgmt.output import write_pdf, write_png

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install pillow")

DPI, BITS, FORMAT, FILM = 320, 12, "STANDARD\\3,4", "14INX17IN"
IMAGES = tuple(phantom(number) for number in range(1, 13))
TO_8_BITS = np.round(np.arange(1 << BITS) * (255 / ((1 << BITS) - 1))).astype(np.uint8)
RESAMPLING = {
    "REPLICATE": Image.Resampling.NEAREST,
    "BILINEAR": Image.Resampling.BILINEAR,
    "CUBIC": Image.Resampling.BICUBIC,
    "NONE": Image.Resampling.BILINEAR,
}


def film(MagnificationType: str) -> Page:
    """The film, rendered by us."""
    images = (PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2", BitsStored=BITS) for pixels in IMAGES)
    sheet = Sheet(
        ImageDisplayFormat=FORMAT,
        FilmSizeID=FILM,
        MagnificationType=MagnificationType,
        cells=tuple(Cell(image=image) for image in images),
    )
    return render(sheet, DPI)


def pillow_film(MagnificationType: str) -> NDArray[np.uint8]:
    """The same film with Pillow."""
    width, height = (_pixels(side) for side in film_size(FILM))
    canvas = Image.new("L", (width, height))
    for pixels, rect in zip(IMAGES, lay_out(Sheet(ImageDisplayFormat=FORMAT)).boxes, strict=True):
        left, top = _pixels(rect.x), _pixels(rect.y)
        box = _pixels(rect.y + rect.height) - top, _pixels(rect.x + rect.width) - left
        place = fit((len(pixels), len(pixels[0])), (1, 1), box, Wish(MagnificationType)).target
        image = Image.fromarray(TO_8_BITS[pixels])
        scaled = image.resize((place.width, place.height), RESAMPLING[MagnificationType])
        canvas.paste(scaled, (left + place.left, top + place.top))
    return np.asarray(canvas)


def _pixels(mm: float) -> int:
    return round(mm / 25.4 * DPI)


@pytest.mark.parametrize("magnification", RESAMPLING)
def test_film(duel: Duel, magnification: str) -> None:
    ours, theirs = film(magnification).pixels.astype(int), pillow_film(magnification)
    assert np.abs(ours - theirs).mean() < 1  # the same picture
    duel(
        f"Render {magnification}",
        "Pillow",
        timed(partial(film, magnification)),
        timed(partial(pillow_film, magnification)),
    )


@pytest.mark.parametrize(("level", "name"), [(6, "default"), (1, "fastest")])
def test_png(duel: Duel, level: int, name: str) -> None:
    page = film("BILINEAR")

    def ours() -> int:
        file = BytesIO()
        write_png(page, file)
        return file.tell()

    def theirs() -> int:
        file = BytesIO()
        Image.fromarray(page.pixels).save(file, "PNG", compress_level=level)
        return file.tell()

    peer = f"Pillow, {name}; size {theirs() / ours():.2f} of ours"
    duel("Write PNG", peer, timed(ours), timed(theirs))


def test_pdf(duel: Duel) -> None:
    page = film("BILINEAR")

    def ours() -> int:
        file = BytesIO()
        write_pdf([page], file)
        return file.tell()

    def theirs() -> int:
        file = BytesIO()
        Image.fromarray(page.pixels).save(file, "PDF", resolution=DPI)
        return file.tell()

    peer = f"Pillow, JPEG; size {theirs() / ours():.2f} of ours"
    duel("Write PDF", peer, timed(ours), timed(theirs))
