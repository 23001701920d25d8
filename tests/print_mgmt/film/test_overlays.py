"""Overlay planes, burned in at the position of PS3.3 C.9.2 and the densities of the retired Image Overlay Box."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from print_mgmt.film import Cell, Imager, LayoutError, Overlay, PrintImage, Sheet, render

SHAPE = (12, 10)
IMAGER = Imager(dpi=40, edge_mm=0)


def film(*overlays: Overlay, shape: tuple[int, ...] = SHAPE, level: int = 100, **cell: str) -> NDArray[np.uint8]:
    """Return the printed image, pixel for pixel."""
    kind = "RGB" if len(shape) == 3 else "MONOCHROME2"
    image = PrintImage(pixels=np.full(shape, level, np.uint8), PhotometricInterpretation=kind)
    box = replace(Cell(image=image, overlays=overlays, MagnificationType="NONE"), **cell)  # type: ignore[arg-type]  # texts
    page = render(Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="8INX10IN", cells=(box,)), imager=IMAGER)
    rows, columns = np.nonzero(page.pixels if page.pixels.ndim == 2 else page.pixels.any(axis=2))
    shown = page.pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert shown.dtype == np.uint8
    return shown.astype(np.uint8)


def plane(rows: int, columns: int) -> NDArray[np.bool_]:
    return np.random.default_rng(rows * 99 + columns).integers(0, 2, (rows, columns)).astype(bool)


@given(st.integers(1, 30), st.integers(1, 30), st.integers(-20, 20), st.integers(-20, 20))
def test_plane_starts_at_its_origin_within_the_image(rows: int, columns: int, row: int, column: int) -> None:
    """Overlay Origin 1\\1 is the first pixel of the image. An origin may be outside."""
    bits = plane(rows, columns)
    expected = np.full(SHAPE, 100, np.uint8)
    for y, x in np.argwhere(bits) + np.array([row - 1, column - 1]):
        if 0 <= y < SHAPE[0] and 0 <= x < SHAPE[1]:
            expected[y, x] = 255
    assert np.array_equal(film(Overlay(pixels=bits, origin=(row, column))), expected)


@pytest.mark.parametrize(("origin", "told"), [((1, 1), False), ((9, 6), False), ((0, 1), True), ((1, 7), True)])
def test_note_names_an_overlay_beyond_its_image(origin: tuple[int, int], told: bool) -> None:
    image = PrintImage(pixels=np.zeros(SHAPE, np.uint8), PhotometricInterpretation="MONOCHROME2")
    cell = Cell(image=image, overlays=(Overlay(pixels=plane(4, 5), origin=origin),))
    page = render(Sheet(ImageDisplayFormat="STANDARD\\1,1", cells=(cell,)), 20)
    assert ("image box 1: an overlay reaches beyond its image: cut off there" in page.notes) is told


def test_background_density_covers_the_image() -> None:
    """Hundredths of OD: 1.12 is P-Value 128 of PS3.14 Table D.2-1."""
    bits = plane(4, 5)
    shown = film(Overlay(pixels=bits, origin=(3, 2), OverlayBackgroundDensity="112"))
    assert np.array_equal(shown[2:6, 1:6], np.where(bits, 255, 128))
    assert set(np.unique(shown)) == {100, 128, 255}


@pytest.mark.parametrize(("OverlayMagnificationType", "side"), [("REPLICATE", 600), ("BILINEAR", 600), ("CUBIC", 100)])
def test_no_image_shows_between_foreground_and_background(OverlayMagnificationType: str, side: int) -> None:
    """A plane that covers its image hides it, also where foreground and background share a pixel."""
    overlay = Overlay(
        pixels=plane(side, side),
        OverlayBackgroundDensity="BLACK",
        OverlayMagnificationType=OverlayMagnificationType,
    )
    pages = []
    for level in (0, 255):
        pixels = np.full((side, side), level, np.uint8)
        image = PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2")
        sheet = Sheet(
            ImageDisplayFormat="STANDARD\\1,1",
            FilmSizeID="8INX10IN",
            cells=(Cell(image=image, overlays=(overlay,)),),
        )
        pages.append(render(sheet, imager=IMAGER).pixels.astype(int))
    assert np.abs(pages[0] - pages[1]).max() <= 2  # coverage has 8 bits


def test_overlay_ignores_the_polarity_of_its_image() -> None:
    shown = film(Overlay(pixels=plane(5, 5)), level=0, Polarity="REVERSE")
    assert np.all(shown == 255)
    large = film(Overlay(pixels=np.ones((1, 1), bool), OverlayForegroundDensity="112"), MagnificationType="BILINEAR")
    assert set(np.unique(large)) == {100, 128}  # REPLICATE makes hard edges


def test_overlay_covers_all_planes_of_a_color_image() -> None:
    shown = film(Overlay(pixels=plane(4, 4)), shape=(*SHAPE, 3))
    assert np.array_equal(shown[:4, :4], np.where(plane(4, 4)[..., None], 255, [100, 100, 100]))


def test_overlay_is_cropped_with_its_image() -> None:
    """CROP cuts the edges off; a mark in the middle stays there."""
    image = np.full((601, 601), 100, np.uint8)
    bits = np.zeros((601, 601), bool)
    bits[300, 300] = True
    cell = Cell(
        image=PrintImage(pixels=image, PhotometricInterpretation="MONOCHROME2"),
        overlays=(Overlay(pixels=bits),),
        RequestedDecimateCropBehavior="CROP",
    )
    sheet = Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="8INX10IN", cells=(cell,))
    page = render(sheet, imager=IMAGER)
    assert page.pixels.shape == (400, 320)
    assert np.argwhere(page.pixels == 255).tolist() == [[200, 160]]


@pytest.mark.parametrize(
    ("overlay", "attribute"),
    [
        (Overlay(pixels=np.ones((1, 1, 1), bool)), "OverlayOrigin"),
        (Overlay(pixels=np.ones((1, 1), bool), origin=(1 << 40, 1)), "OverlayOrigin"),
        (Overlay(pixels=np.ones((1, 1), bool), OverlayMagnificationType="X"), "OverlayMagnificationType"),
        (Overlay(pixels=np.ones((1, 1), bool), OverlayForegroundDensity="X"), "OverlayForegroundDensity"),
        (Overlay(pixels=np.ones((1, 1), bool), OverlayBackgroundDensity="X"), "OverlayBackgroundDensity"),
    ],
)
def test_error_names_the_attribute(overlay: Overlay, attribute: str) -> None:
    with pytest.raises(LayoutError, match=f"^{attribute} "):
        film(overlay)
