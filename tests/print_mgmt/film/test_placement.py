"""Placement of images in their boxes: PS3.3 C.13.5, and the statuses of PS3.4 Table H.4-9."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film import FILM_SIZES, MAGNIFICATIONS, Cell, Imager, LayoutError, PrintImage, Sheet, lay_out
from print_mgmt.film.placement import (
    BEHAVIORS,
    Box,
    ImageBoxRequest,
    Placement,
    fit,
    outcome_of,
    pixel_box,
    place,
    place_cell,
)

TYPES = sorted(MAGNIFICATIONS)
SIDES = st.integers(1, 5000)
RATIOS = st.integers(1, 9)
WIDTHS = st.none() | st.floats(0.01, 1e9)
HALF_A_PIXEL = 0.5 + 1e-6
SQUARE = (1, 1)


def sheet(rows: int, columns: int, **cell: Any) -> Sheet:
    image = PrintImage(pixels=np.zeros((rows, columns), np.uint8), PhotometricInterpretation="MONOCHROME2")
    empty = Cell(image=image)
    return Sheet(ImageDisplayFormat="STANDARD\\1,1", FilmSizeID="8INX10IN", cells=(replace(empty, **cell),))


@given(*[SIDES] * 2, *[RATIOS] * 2, *[SIDES] * 2, st.sampled_from(["REPLICATE", "BILINEAR", "CUBIC"]))
def test_image_fills_its_box_and_keeps_its_aspect(
    rows: int, columns: int, vertical: int, horizontal: int, height: int, width: int, kind: str
) -> None:
    target = fit((rows, columns), (vertical, horizontal), (height, width), ImageBoxRequest(kind)).target
    ratio = (columns * horizontal) / (rows * vertical)
    by_height = target.height == height and abs(target.width - max(height * ratio, 1)) <= HALF_A_PIXEL
    by_width = target.width == width and abs(target.height - max(width / ratio, 1)) <= HALF_A_PIXEL
    assert by_height or by_width


@given(
    *[SIDES] * 2,
    *[st.integers(1, 2**31 - 1)] * 2,
    *[SIDES] * 2,
    st.sampled_from(TYPES),
    st.none() | st.sampled_from(BEHAVIORS),
    WIDTHS,
)
def test_image_is_centered_in_its_box(
    rows: int,
    columns: int,
    vertical: int,
    horizontal: int,
    height: int,
    width: int,
    kind: str,
    behavior: str | None,
    wide: float | None,
) -> None:
    request = ImageBoxRequest(kind, behavior, wide)
    target, source, outcome = fit((rows, columns), (vertical, horizontal), (height, width), request)
    assert outcome in ("", "DEMAGNIFIED", "DECIMATED", "CROPPED", "FAILS")
    for inner, outer in ((target, Box(0, 0, height, width)), (source, Box(0, 0, rows, columns))):
        assert 1 <= inner.height <= outer.height
        assert 1 <= inner.width <= outer.width
        assert 0 <= outer.height - inner.height - 2 * inner.top <= 1
        assert 0 <= outer.width - inner.width - 2 * inner.left <= 1
    if outcome != "CROPPED":
        assert source == (0, 0, rows, columns)


@given(*[SIDES] * 4)
def test_none_prints_pixel_for_pixel_or_names_the_outcome(rows: int, columns: int, height: int, width: int) -> None:
    """Magnification Type NONE, PS3.3 C.13.3, never enlarges an image."""
    target, _, outcome = fit((rows, columns), SQUARE, (height, width), ImageBoxRequest("NONE"))
    if rows <= height and columns <= width:
        assert (target.height, target.width, outcome) == (rows, columns, "")
    else:
        assert outcome == "DEMAGNIFIED"
        assert target.height == height or target.width == width


def test_none_stretches_oblong_pixels() -> None:
    """With Pixel Aspect Ratio 2\\1, columns stay pixel for pixel and rows are doubled."""
    assert fit((100, 80), (2, 1), (300, 300), ImageBoxRequest("NONE")).target == (50, 110, 200, 80)
    assert fit((100, 80), (10, 30), (300, 300), ImageBoxRequest("NONE")).target == (100, 30, 100, 240)


@pytest.mark.parametrize(
    ("behavior", "default", "kind", "outcome"),
    [
        (None, "DECIMATE", "BILINEAR", "DEMAGNIFIED"),  # B604
        (None, "CROP", "BILINEAR", "CROPPED"),  # B609
        (None, "FAIL", "BILINEAR", "FAILS"),  # C603
        (None, "DECIMATE", "NONE", "DEMAGNIFIED"),
        ("DECIMATE", "FAIL", "BILINEAR", "DECIMATED"),  # B60A
        ("DECIMATE", "DECIMATE", "NONE", "FAILS"),  # PS3.3 C.13.5: both exclude each other
        ("CROP", "DECIMATE", "NONE", "CROPPED"),
        ("FAIL", "DECIMATE", "CUBIC", "FAILS"),
    ],
)
def test_behavior_decides_for_an_image_larger_than_its_box(
    behavior: str | None, default: str, kind: str, outcome: str
) -> None:
    placement = fit((400, 300), SQUARE, (200, 200), ImageBoxRequest(kind, behavior), default)
    assert placement.outcome == outcome
    cropped = Placement(Box(0, 0, 200, 200), Box(100, 50, 200, 200), "CROPPED")
    assert placement == (cropped if outcome == "CROPPED" else ((0, 25, 200, 150), (0, 0, 400, 300), outcome))
    assert fit((200, 200), SQUARE, (200, 200), ImageBoxRequest(kind, behavior), default).outcome == ""


def test_requested_size_is_the_width_of_the_image() -> None:
    """PS3.3 C.13.5: width in mm. 100 mm at 254 dpi are 1000 pixels; 203.2 - 6 mm are 1972."""
    imager = Imager(dpi=254)
    place_of = place(sheet(300, 200, RequestedImageSize=100.0), 1, imager)
    assert place_of is not None
    assert place_of == ((490, 486, 1500, 1000), (0, 0, 300, 200), "")
    none = place(sheet(300, 200, RequestedImageSize=100.0, MagnificationType="NONE"), 1, imager)
    assert none == place_of


@pytest.mark.parametrize(
    ("behavior", "outcome", "target"),
    [(None, "DEMAGNIFIED", (2480, 1653)), ("DECIMATE", "DECIMATED", (2480, 1653)), ("CROP", "CROPPED", (2475, 1965))],
)
def test_behavior_decides_for_a_size_larger_than_the_box(
    behavior: str | None, outcome: str, target: tuple[int, int]
) -> None:
    """300 mm are 3000 pixels, 15 for each of 200 columns; the box has 2480 by 1972."""
    film = sheet(300, 200, RequestedImageSize=300.0)
    cell = replace(film.cells[0], RequestedDecimateCropBehavior=behavior)
    placement = place(replace(film, cells=(cell,)), 1, Imager(dpi=254))
    assert placement is not None
    assert placement.outcome == outcome
    assert placement.target[2:] == target
    if outcome == "CROPPED":
        assert placement.source == (67, 34, 165, 131)


@pytest.mark.parametrize("behavior", [None, *BEHAVIORS])
def test_outcome_of_equals_the_outcome_of_place_cell(behavior: str | None) -> None:
    film, box = sheet(900, 700, RequestedDecimateCropBehavior=behavior, RequestedImageSize=500.0), Box(0, 0, 800, 600)
    placement = place_cell(film, film.cells[0], box, Imager())
    assert placement is not None
    assert outcome_of(film, film.cells[0], box, Imager()) == placement.outcome != ""


def test_empty_cell_has_no_outcome() -> None:
    assert outcome_of(sheet(9, 9), Cell(), Box(0, 0, 9, 9), Imager()) is None


@pytest.mark.parametrize("size", [0.0, -1.0, float("nan"), float("inf")])
def test_requested_size_must_be_a_width(size: float) -> None:
    with pytest.raises(LayoutError, match=r"^RequestedImageSize .*: is not a width in mm \(PS3\.3 C\.13\.5\)$"):
        place(sheet(3, 2, RequestedImageSize=size), 1)


def test_only_a_cell_with_an_image_has_a_place() -> None:
    two = replace(sheet(9, 9), ImageDisplayFormat="STANDARD\\2,1")
    assert place(two, 1) is not None
    assert place(two, 2) is None
    assert place(replace(two, cells=(Cell(),)), 1) is None


@pytest.mark.parametrize("position", [0, 3])
def test_place_refuses_an_unknown_position(position: int) -> None:
    two = replace(sheet(9, 9), ImageDisplayFormat="STANDARD\\2,1")
    with pytest.raises(LayoutError, match="ImageBoxPosition"):
        place(two, position)


def test_high_resolution_has_room_for_more_pixels() -> None:
    """Requested Resolution ID, PS3.3 C.13.3."""
    large = sheet(4000, 3000)
    high = replace(large, RequestedResolutionID="HIGH")
    outcomes = [placement and placement.outcome for placement in (place(large, 1), place(high, 1))]
    assert outcomes == ["DEMAGNIFIED", ""]
    with pytest.raises(LayoutError, match="RequestedResolutionID 'LOW': not one of STANDARD, HIGH"):
        place(replace(large, RequestedResolutionID="LOW"), 1)


def test_unknown_behavior_is_refused() -> None:
    with pytest.raises(LayoutError, match="RequestedDecimateCropBehavior 'SQUEEZE'"):
        place(sheet(9999, 9, RequestedDecimateCropBehavior="SQUEEZE"), 1)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(10, 700), st.sampled_from(sorted(FILM_SIZES)))
def test_boxes_have_equal_sizes_and_share_no_pixel(columns: int, rows: int, dpi: int, film: str) -> None:
    """C.13.3.1. This holds without a gap, too."""
    layout = lay_out(
        Sheet(ImageDisplayFormat=f"STANDARD\\{columns},{rows}", FilmSizeID=film), Imager(gap_mm=0, edge_mm=1)
    )
    boxes = [pixel_box(rect, dpi) for rect in layout.boxes]
    assert len({(box.height, box.width) for box in boxes}) == 1
    for box, right in pairwise(boxes):
        assert box.left + box.width <= right.left or box.top + box.height <= right.top
