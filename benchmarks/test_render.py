r"""A film of 14 x 17 inches at 320 dpi, 4480 x 5440 pixels of 8 and 16 bits, from twelve images.

The images have 512 x 512 pixels of 12 bits, laid out as STANDARD\3,4. The peers are Pillow and OpenCV, as used
without a renderer: gray values to the bits of the page, resize, paste. (Ours interpolates first and rounds once.
Pillow resizes floats faster than 16 bits, so it gets floats.) OpenCV has one thread, like ours.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.duels import Duel, timed
from benchmarks.images import phantom
from print_mgmt.film import Cell, Page, PrintImage, Sheet, film_size, lay_out, render
from print_mgmt.film.placement import ImageBoxRequest, fit, pixel_box

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install pillow")

Pixels = NDArray[np.uint8 | np.uint16]
Bits = Literal[8, 16]
Resize = Callable[[Pixels, int], Pixels]  # an image to a square of so many pixels

DPI, STORED, FORMAT, FILM = 320, 12, "STANDARD\\3,4", "14INX17IN"
IMAGES = tuple(phantom(number) for number in range(1, 13))
RAMP = np.arange(1 << STORED) / ((1 << STORED) - 1)
TABLES: dict[Bits, Pixels] = {8: np.round(RAMP * 255).astype(np.uint8), 16: np.round(RAMP * 65535).astype(np.uint16)}
RESAMPLING = {
    "REPLICATE": Image.Resampling.NEAREST,
    "BILINEAR": Image.Resampling.BILINEAR,
    "CUBIC": Image.Resampling.BICUBIC,
    "NONE": Image.Resampling.BILINEAR,
}


def film(MagnificationType: str, bits: Bits = 8) -> Page:
    """Return the film, rendered by us."""
    images = (
        PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2", BitsStored=STORED) for pixels in IMAGES
    )
    sheet = Sheet(
        ImageDisplayFormat=FORMAT,
        FilmSizeID=FILM,
        MagnificationType=MagnificationType,
        cells=tuple(Cell(image=image) for image in images),
    )
    return render(sheet, DPI, bits=bits)


def pasted(resize: Resize, MagnificationType: str, bits: Bits) -> Pixels:
    """Return the same film with images resized by a peer."""
    width, height = (round(side / 25.4 * DPI) for side in film_size(FILM))
    page: Pixels = np.zeros((height, width), TABLES[bits].dtype)
    for pixels, rect in zip(IMAGES, lay_out(Sheet(ImageDisplayFormat=FORMAT, FilmSizeID=FILM)).boxes, strict=True):
        box = pixel_box(rect, DPI)
        place = fit((512, 512), (1, 1), (box.height, box.width), ImageBoxRequest(MagnificationType)).target
        top, left = box.top + place.top, box.left + place.left
        page[top : top + place.height, left : left + place.width] = resize(TABLES[bits][pixels], place.height)
    return page


def by_pillow(MagnificationType: str, bits: Bits, pixels: Pixels, side: int) -> Pixels:
    """Resize by Pillow: 8 bits directly, 16 as floats."""
    source = Image.fromarray(pixels if bits == 8 else pixels.astype(np.float32))
    found = np.asarray(source.resize((side, side), RESAMPLING[MagnificationType]))
    return found if bits == 8 else np.clip(found + 0.5, 0, 65535).astype(np.uint16)


def by_opencv(MagnificationType: str, pixels: Pixels, side: int) -> Pixels:
    """Resize by OpenCV on one thread."""
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed: pip install opencv-python-headless")
    cv2.setNumThreads(1)
    kinds = {"REPLICATE": cv2.INTER_NEAREST_EXACT, "CUBIC": cv2.INTER_CUBIC}
    found: Pixels = cv2.resize(pixels, (side, side), interpolation=kinds.get(MagnificationType, cv2.INTER_LINEAR))
    return found


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("magnification", RESAMPLING)
@pytest.mark.parametrize("peer", ["Pillow", "OpenCV"])
def test_film(duel: Duel, peer: str, magnification: str, bits: Bits) -> None:
    resize = partial(by_pillow, magnification, bits) if peer == "Pillow" else partial(by_opencv, magnification)
    theirs = partial(pasted, resize, magnification, bits)
    difference = film(magnification, bits).pixels.astype(int) - theirs()
    assert np.abs(difference).mean() < (1 << bits) / 256  # the same picture
    duel(f"Render {magnification}, {bits} bit", peer, timed(partial(film, magnification, bits)), timed(theirs))
