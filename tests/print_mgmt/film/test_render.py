"""Whole films: positions and brightness by PS3.3 C.13.3 and C.13.5."""

import tracemalloc
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
from budget import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from print_mgmt.film import (
    FILM,
    MAGNIFICATIONS,
    PAPER,
    Cell,
    CharacteristicCurve,
    FilmViewing,
    Imager,
    LayoutError,
    Overlay,
    Page,
    PrintImage,
    Sheet,
    can_render,
    lay_out,
    render,
)
from print_mgmt.film.icc import KNOTS, gray_profile, srgb_profile
from print_mgmt.film.placement import pixel_box

Gray = NDArray[np.uint8 | np.uint16]


def image(pixels: Gray, photometric: str = "MONOCHROME2", bits: int = 8) -> PrintImage:
    return PrintImage(pixels=pixels, PhotometricInterpretation=photometric, BitsStored=bits)


def even(level: int, shape: tuple[int, ...] = (40, 40)) -> PrintImage:
    return image(np.full(shape, level, np.uint8), "RGB" if len(shape) == 3 else "MONOCHROME2")


def sheet(*images: PrintImage | None, layout: str = "STANDARD\\1,1", **attributes: Any) -> Sheet:
    boxes = tuple(Cell(image=one) for one in images)
    return Sheet(ImageDisplayFormat=layout, FilmSizeID="8INX10IN", cells=boxes, **attributes)


def middle(page: Page, position: int = 1, layout: str = "STANDARD\\1,1") -> list[int] | int:
    """Return the pixel in the middle of an image box."""
    orientation = "PORTRAIT" if page.height_mm > page.width_mm else "LANDSCAPE"
    box = lay_out(Sheet(ImageDisplayFormat=layout, FilmSizeID="8INX10IN", FilmOrientation=orientation)).boxes[
        position - 1
    ]
    row, column = (box.y + box.height / 2, box.x + box.width / 2)
    value: list[int] | int = page.pixels[int(row / 25.4 * page.dpi), int(column / 25.4 * page.dpi)].tolist()
    return value


def test_page_has_the_size_of_the_film() -> None:
    page = render(Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmOrientation="LANDSCAPE"), dpi=100)
    assert (page.width_mm, page.height_mm, page.dpi) == (431.8, 355.6, 100)
    assert page.pixels.shape == (1400, 1700)
    assert page.pixels.dtype == np.uint8


@pytest.mark.parametrize(
    ("photometric", "Polarity", "seen"),
    [
        ("MONOCHROME2", "NORMAL", [0, 200, 255]),
        ("MONOCHROME2", "REVERSE", [255, 55, 0]),
        ("MONOCHROME1", "NORMAL", [255, 55, 0]),
        ("MONOCHROME1", "REVERSE", [0, 200, 255]),
    ],
)
def test_monochrome1_and_reverse_invert_values(photometric: str, Polarity: str, seen: list[int]) -> None:
    for value, brightness in zip((0, 200, 255), seen, strict=True):
        cell = Cell(image=image(np.full((9, 9), value, np.uint8), photometric), Polarity=Polarity)
        assert middle(render(replace(sheet(), cells=(cell,)), dpi=20)) == brightness


@pytest.mark.parametrize("shape", [(30, 20), (30, 20, 3)])
@pytest.mark.parametrize("MagnificationType", sorted(MAGNIFICATIONS))
def test_reverse_is_the_negative(shape: tuple[int, ...], MagnificationType: str) -> None:
    """Only the image is inverted, not the film around it."""
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    kind = "RGB" if len(shape) == 3 else "MONOCHROME2"
    pages = {
        (polarity, stored): render(
            replace(
                sheet(MagnificationType=MagnificationType),
                cells=(Cell(image=image(array, kind), Polarity=polarity),),
            ),
            dpi=25,
        ).pixels.astype(int)
        for polarity in ("NORMAL", "REVERSE")
        for stored, array in (("positive", pixels), ("negative", 255 - pixels))
    }
    difference = pages["NORMAL", "positive"] - pages["REVERSE", "negative"]
    assert np.abs(difference).max() <= 1
    total = pages["NORMAL", "positive"] + pages["REVERSE", "positive"]
    assert set(np.unique(total)) <= {0, 254, 255, 256}


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (16, 65535)])
def test_twelve_bits_fill_the_range_of_the_page(bits: Literal[8, 16], white: int) -> None:
    """4095 of 4095 is white."""
    for value in (0, 1, 2047, 2048, 4094, 4095):
        page = render(sheet(image(np.full((9, 9), value, np.uint16), bits=12)), dpi=20, bits=bits)
        assert page.pixels.dtype == f"u{bits // 8}"
        assert middle(page) == pytest.approx(value * white / 4095, abs=0.51)


def test_twelve_bits_are_rounded_once() -> None:
    """Early rounding to 8 bits would miss the middle between 2047 and 2048 of 4095."""
    ramp = image(np.array([[2040, 2064]], np.uint16).repeat(200, axis=1), bits=12)
    page = render(sheet(ramp), dpi=100, bits=8)
    row = page.pixels[page.pixels.shape[0] // 2]
    assert {127, 128, 129} >= set(row[row > 0].tolist()) > {127, 129}


def test_one_color_image_makes_a_color_page() -> None:
    layout = "STANDARD\\2,1"
    red = np.zeros((9, 9, 3), np.uint8)
    red[..., 0] = 255
    page = render(sheet(even(77), image(red, "RGB"), layout=layout), dpi=20, bits=16)
    assert page.pixels.shape[2] == 3
    assert page.pixels.dtype == np.uint8
    assert middle(page, 1, layout) == [77, 77, 77]
    assert middle(page, 2, layout) == [255, 0, 0]


def test_memory_order_of_planes_does_not_matter() -> None:
    """Planar Configuration 1 arrives as a transposed view."""
    planes = np.random.default_rng(2).integers(0, 256, (3, 30, 20), dtype=np.uint8)
    view = np.moveaxis(planes, 0, -1)
    pages = [render(sheet(image(array, "RGB")), 30).pixels for array in (view, view.copy())]
    assert np.array_equal(pages[0], pages[1])


def test_byte_order_of_pixels_does_not_matter() -> None:
    pixels = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    pages = [render(sheet(image(array, bits=12)), 30).pixels for array in (pixels, pixels.astype(">u2"))]
    assert np.array_equal(pages[0], pages[1])


@pytest.mark.parametrize(("density", "level"), [("BLACK", 0), ("WHITE", 255)])
def test_border_and_empty_boxes_have_their_densities(density: str, level: int) -> None:
    """C.13.3: Border Density around images, Empty Image Density in empty boxes."""
    other = "WHITE" if density == "BLACK" else "BLACK"
    layout = "STANDARD\\1,2"
    page = render(sheet(even(100), None, layout=layout, BorderDensity=density, EmptyImageDensity=other), 50)
    assert page.pixels[0, 0] == level
    assert page.pixels[page.pixels.shape[0] // 4, 8] == level  # beside the image, inside its box
    assert middle(page, 1, layout) == 100
    assert middle(page, 2, layout) == 255 - level


def test_boxes_after_the_last_cell_are_empty() -> None:
    page = render(sheet(even(9), layout="STANDARD\\2,2", EmptyImageDensity="WHITE"), 20)
    assert [middle(page, position, "STANDARD\\2,2") for position in (1, 2, 3, 4)] == [9, 255, 255, 255]


@pytest.mark.parametrize("FilmOrientation", ["PORTRAIT", "LANDSCAPE"])
def test_images_run_along_rows_from_the_top_left(FilmOrientation: str) -> None:
    images = [even(level) for level in range(10, 70, 10)]
    page = render(sheet(*images, layout="STANDARD\\2,3", FilmOrientation=FilmOrientation), 20)
    assert [middle(page, position, "STANDARD\\2,3") for position in range(1, 7)] == [10, 20, 30, 40, 50, 60]
    assert page.pixels.flat[np.flatnonzero(page.pixels)[0]] == 10


@settings(max_examples=examples(30))
@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(sorted(MAGNIFICATIONS)),
    st.sampled_from([(1, 1), (1, 2), (5, 3)]),
    st.integers(20, 60),
    st.data(),
)
def test_image_stays_in_its_box(
    columns: int,
    rows: int,
    height: int,
    width: int,
    kind: str,
    aspect: tuple[int, int],
    dpi: int,
    data: st.DataObject,
) -> None:
    """The whole image is inside its rectangle."""
    layout = f"STANDARD\\{columns},{rows}"
    position = data.draw(st.integers(1, columns * rows))
    pixels = np.full((height, width), 200, np.uint8)
    white = PrintImage(pixels=pixels, PhotometricInterpretation="MONOCHROME2", PixelAspectRatio=aspect)
    boxes = tuple(Cell(image=white if at == position else None) for at in range(1, columns * rows + 1))
    page = render(replace(sheet(layout=layout, MagnificationType=kind), cells=boxes), imager=Imager(dpi=dpi))
    left, top, right, bottom = _edges(layout, position, dpi)
    seen = np.argwhere(page.pixels)
    assert np.all(seen >= (top, left))
    assert np.all(seen < (bottom, right))
    first, last = seen.min(0), seen.max(0) + 1
    assert len(seen) == np.prod(last - first)
    assert np.all(np.abs((first + last) - (top + bottom, left + right)) <= 1)


def _edges(layout: str, position: int, dpi: int) -> list[int]:
    top, left, height, width = pixel_box(lay_out(sheet(layout=layout)).boxes[position - 1], dpi)
    return [left, top, left + width, top + height]


def test_none_prints_pixel_for_pixel() -> None:
    """Magnification NONE: an image pixel is a film pixel."""
    pixels = np.random.default_rng(3).integers(1, 256, (50, 70), dtype=np.uint8)
    page = render(sheet(image(pixels), MagnificationType="NONE"), imager=Imager(dpi=40))
    rows, columns = np.nonzero(page.pixels)
    assert np.array_equal(page.pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1], pixels)


@pytest.mark.parametrize("MagnificationType", MAGNIFICATIONS)
def test_preview_is_like_the_page(MagnificationType: str) -> None:
    """The image is a slope: nothing in it is finer than a pixel of the page."""
    slope = np.add.outer(np.arange(500), np.arange(400)).astype(np.float64)
    whole = sheet(image((slope / slope.max() * 255).astype(np.uint8)), MagnificationType=MagnificationType)
    page, preview = render(whole, 10).pixels, render(whole, 10, is_preview=True).pixels
    assert np.abs(page.astype(int) - preview).max() <= 4


def test_preview_keeps_each_pixel_of_a_small_image() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (90, 70), np.uint8)
    whole = sheet(image(noise))
    assert np.array_equal(render(whole, 10).pixels, render(whole, 10, is_preview=True).pixels)


def test_image_box_overrides_the_magnification_of_the_film() -> None:
    """C.13.5."""
    step = image(np.array([[0, 255]], np.uint8))
    own = Cell(image=step, MagnificationType="REPLICATE")
    page = render(replace(sheet(MagnificationType="CUBIC"), cells=(own,)), 30)
    assert set(np.unique(page.pixels)) == {0, 255}


@pytest.mark.parametrize(
    ("wrong", "attribute"),
    [
        (sheet(BorderDensity="GRAY"), "BorderDensity"),
        (sheet(EmptyImageDensity="GRAY"), "EmptyImageDensity"),
        (sheet(MagnificationType="LANCZOS"), "MagnificationType"),
        (sheet(FilmOrientation="SIDEWAYS"), "FilmOrientation"),
        (replace(sheet(), FilmSizeID="A5"), "FilmSizeID"),
        (sheet(layout="CUSTOM\\1"), "ImageDisplayFormat"),
        (sheet(even(1), even(2)), "ImageDisplayFormat"),
        (replace(sheet(), cells=(Cell(Polarity="TWICE"),)), "Polarity"),
        (replace(sheet(), cells=(Cell(MagnificationType="X"),)), "MagnificationType"),
        (sheet(image(np.zeros((3, 3), np.uint8), "YBR_FULL")), "PhotometricInterpretation"),
        (sheet(image(np.zeros((3, 3), np.uint8), "RGB")), "PhotometricInterpretation"),
        (sheet(image(np.zeros((3, 3, 3), np.uint8))), "PhotometricInterpretation"),
        (sheet(image(np.zeros((3, 3, 4), np.uint8), "RGB")), "PhotometricInterpretation"),
        (sheet(image(np.zeros((0, 3), np.uint8))), "PhotometricInterpretation"),
        (sheet(image(np.zeros((3, 3), np.uint8), bits=12)), "BitsStored"),
        (sheet(image(np.zeros((3, 3), np.uint8), bits=0)), "BitsStored"),
        (
            replace(sheet(), cells=(Cell(image=replace(even(1), PixelAspectRatio=(0, 1))),)),
            "PixelAspectRatio",
        ),
        (
            replace(sheet(), cells=(Cell(image=replace(even(1), PixelAspectRatio=(1, -1))),)),
            "PixelAspectRatio",
        ),
    ],
)
def test_error_names_the_attribute(wrong: Sheet, attribute: str) -> None:
    with pytest.raises(LayoutError, match=r"^\w+ .+: .+ \(PS3\.3 C\.13\.[35]\)$") as caught:
        render(wrong, 20)
    assert caught.value.attribute == attribute


@pytest.mark.parametrize("dpi", [-1, 0, 3000, 10**9, float("nan"), float("inf")])
def test_page_of_no_pixels_or_too_many_is_refused(dpi: float) -> None:
    """The limit is 200 million pixels; 8 x 10 inches at 3000 dpi have more."""
    with pytest.raises(LayoutError, match="dpi"):
        render(sheet(), dpi)  # type: ignore[arg-type]  # not a number of dots


def test_box_smaller_than_a_pixel_is_refused() -> None:
    """The pixels of the printer count. On a page of lower resolution, each box has at least one pixel."""
    film = sheet(layout="STANDARD\\99,1", EmptyImageDensity="WHITE")
    with pytest.raises(LayoutError, match="smaller than a pixel"):
        render(film, imager=Imager(dpi=8))
    assert render(film, 8).pixels.any()


def test_density_in_hundredths_becomes_its_p_value() -> None:
    """PS3.14 Table D.2-1: 1.12 OD is P-Value 128, 3.00 OD is 0 and 0.20 OD is 255."""
    for term, seen in (("112", 128), ("300", 0), ("20", 255), ("999", 0), ("0", 255)):
        page = render(Sheet(ImageDisplayFormat="STANDARD\\1,1", BorderDensity=term, EmptyImageDensity=term), dpi=10)
        assert np.abs(page.pixels.astype(int) - seen).max() <= 1, term


def test_trim_draws_a_line_around_each_image_only() -> None:
    """PS3.3 C.13.3: 0.25 mm outside the image. Empty boxes have no trim."""
    layout = "STANDARD\\2,1"
    films = [
        render(sheet(even(9, (90, 40)), None, layout=layout, Trim=trim), imager=Imager(dpi=102))
        for trim in ("NO", "YES")
    ]
    changed = np.argwhere(films[0].pixels != films[1].pixels)
    image = np.argwhere(films[0].pixels == 9)
    (top, left), (bottom, right) = image.min(0), image.max(0)
    assert np.array_equal(np.argwhere(films[1].pixels == 9), image)
    assert (changed.min(0).tolist(), changed.max(0).tolist()) == ([top - 1, left - 1], [bottom + 1, right + 1])
    assert len(changed) == 2 * (bottom - top + 3 + right - left + 1)
    assert set(films[1].pixels[tuple(changed.T)]) == {255}


def test_trim_is_dark_on_a_bright_border() -> None:
    images = [even(level) for level in (50, 100, 150, 200)]
    film = sheet(*images, layout="STANDARD\\2,2", Trim="YES", BorderDensity="WHITE")
    page = render(film, imager=Imager(dpi=30, gap_mm=0, edge_mm=0))
    assert set(np.unique(page.pixels)) == {0, 50, 100, 150, 200, 255}
    for level in (50, 100, 150, 200):
        rows, columns = np.nonzero(page.pixels == level)
        assert np.all(page.pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] == level)


def test_high_resolution_comes_from_the_imager() -> None:
    """Requested Resolution ID, PS3.3 C.13.3."""
    imager = Imager(dpi=30, high_dpi=70)
    sizes = [render(sheet(RequestedResolutionID=value), imager=imager).pixels.shape for value in ("STANDARD", "HIGH")]
    assert sizes == [(300, 240), (700, 560)]


@settings(max_examples=examples(50))
@example("STANDARD\\2,2", 1, 1, 20, "NONE")
@given(
    st.sampled_from(["STANDARD\\2,2", "ROW\\1,2", "COL\\2,1", "SLIDE"]),
    st.integers(1, 60),
    st.integers(1, 60),
    st.integers(20, 250),
    st.sampled_from(sorted(MAGNIFICATIONS)),
)
def test_page_of_another_resolution_shows_the_same_film(
    layout: str, rows: int, columns: int, dpi: int, kind: str
) -> None:
    """Each edge of an image is within a pixel of its position on the printer."""
    imager = Imager(dpi=150)
    film = sheet(image(np.full((rows, columns), 99, np.uint8)), layout=layout, MagnificationType=kind)
    edges = []
    for page in (render(film, imager=imager), render(film, dpi, imager=imager)):
        shown = np.argwhere(page.pixels == 99)
        edges.append(np.array([shown.min(0), shown.max(0) + 1]) / page.dpi)
    assert np.abs(edges[0] - edges[1]).max() <= 1.01 / dpi


def test_fail_refuses_an_image_larger_than_its_box() -> None:
    """The service refuses such an image with C603."""
    large = Cell(image=even(1, (9999, 9)), RequestedDecimateCropBehavior="FAIL")
    with pytest.raises(
        LayoutError, match=r"^RequestedDecimateCropBehavior 'FAIL': the image is larger than its image box"
    ):
        render(replace(sheet(), cells=(large,)), 20)


def test_notes_name_decisions_and_differences() -> None:
    odd = Cell(image=even(1, (5000, 9)), SmoothingType="7", MaxDensity=400)
    page = render(replace(sheet(MinDensity=25, ICCProfile=b"x"), cells=(odd,)), 20)
    assert page.notes == (
        "decided by the printer: MaxDensity 300, Illumination 2000, ReflectedAmbientLight 10",
        "image box 1: SmoothingType '7' is not defined for BILINEAR: not used",
        "image box 1: 9 by 5000 pixels as 6 by 3124, BILINEAR, DEMAGNIFIED",
        "image box 1: MaxDensity 400 is out of reach: 300 used",
        "the ICC Profile is for color: not used on a gray film",
    )


def test_smoothing_type_applies_to_cubic_only() -> None:
    step = image(np.array([[50, 100]], np.uint8))
    crisp, soft = (
        render(sheet(step, MagnificationType="CUBIC", SmoothingType=name), 30).pixels for name in ("SHARP", "SMOOTH")
    )
    assert crisp.max() > 102
    assert 97 < soft.max() <= 100


@pytest.mark.parametrize("padding", [b"", b"\0"])
def test_icc_profile_applies_to_color_pages_only(padding: bytes) -> None:
    """ICC Profile, PS3.3 C.13.3. A padding octet makes the length of an OB even."""
    page = render(sheet(even(5, (4, 4, 3)), ICCProfile=srgb_profile() + padding), 20)
    assert page.ICCProfile == srgb_profile()
    assert not any("ICC" in note for note in page.notes)


def test_invalid_icc_profile_is_not_used() -> None:
    page = render(sheet(even(5, (4, 4, 3)), ICCProfile=b"profile"), 20)
    assert page.ICCProfile is None
    assert page.notes[-1] == "the ICC Profile is not for RGB: not used"


@pytest.mark.parametrize(
    ("imager", "expected"),
    [
        (FILM, FilmViewing().density(np.linspace(0, 1, KNOTS))),
        (Imager(curve=CharacteristicCurve((0.2, 1.6, 3.0), (0, 100, 255))), None),
        (PAPER, PAPER.viewing().density(np.linspace(0, 1, KNOTS))),
    ],
)
def test_profile_of_a_gray_page_has_its_densities(imager: Imager, expected: NDArray[np.float64] | None) -> None:
    page = render(sheet(even(5)), 20, imager=imager)
    if expected is None:
        expected = np.interp(np.linspace(0, 1, KNOTS), [0, 100 / 255, 1], [0.2, 1.6, 3.0])
    assert page.ICCProfile == gray_profile(expected, reflective=imager.reflective)


def test_page_with_a_curve_has_drive_values() -> None:
    """A device with higher values for darker pixels: black is 255, and half the density range is half of it."""
    device = Imager(curve=CharacteristicCurve((0.2, 1.6, 3.0), (0, 100, 255)), dpi=20)
    film = sheet(None, BorderDensity="160", EmptyImageDensity="WHITE")
    page = render(film, imager=device)
    assert page.pixels[0, 0] == 100
    assert middle(page) == 0
    black = render(sheet(even(0)), imager=device)
    assert set(np.unique(black.pixels)) == {255}
    color = render(sheet(even(0, (4, 4, 3))), imager=device)
    assert not color.pixels.any()


def test_bright_film_base_keeps_requested_densities() -> None:
    """Min Density of the image box: 1.12 OD is P-Value 128, PS3.14 Table D.2-1."""
    dull = Cell(image=even(0), MaxDensity=112)
    assert middle(render(replace(sheet(), cells=(dull,)), 20)) == pytest.approx(128, abs=1)
    assert middle(render(replace(sheet(), cells=(replace(dull, Polarity="REVERSE"),)), 20)) == 255


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("layout", ["STANDARD\\1,1", "STANDARD\\2,3"])
def test_rendering_takes_less_than_two_pages_of_memory(layout: str, bits: Literal[8, 16]) -> None:
    """Images and overlays of any size go into the page strip by strip."""
    pixels = np.tile(np.arange(1500, dtype=np.uint16), (1500, 1))
    frame = Overlay(pixels=np.ones(pixels.shape, np.bool_), OverlayBackgroundDensity="BLACK")
    cells = (Cell(image=image(pixels, bits=12), overlays=(frame,)),) * len(
        lay_out(Sheet(ImageDisplayFormat=layout)).boxes
    )
    film = Sheet(ImageDisplayFormat=layout, MagnificationType="CUBIC", cells=cells)
    tracemalloc.start()
    page = render(film, bits=bits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * page.pixels.nbytes


def test_film_is_rendered_up_to_a_number_of_pixels() -> None:
    assert can_render("14INX17IN", 600)
    assert not can_render("14INX17IN", 100_000)
    with pytest.raises(LayoutError, match="FilmSizeID"):
        can_render("9INX9IN", 300)
