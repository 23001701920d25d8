"""Film sizes and display formats: the geometry that PS3.3 C.13.3 describes."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film.layout import (
    EDGE_MM,
    FILM_SIZES,
    GAP_MM,
    MAX_BOXES,
    MAX_SIDE,
    LayoutError,
    Rect,
    cells,
    film_size,
    parse_format,
)

FORMATS = (
    st.tuples(st.integers(1, MAX_SIDE), st.integers(1, MAX_SIDE))
    .filter(lambda sides: sides[0] * sides[1] <= MAX_BOXES)
    .map(lambda sides: f"STANDARD\\{sides[0]},{sides[1]}")
)


def test_film_is_as_large_as_its_name_says() -> None:
    """A name in inches or centimetres is the size, but for 10INX14IN (25.7 by 36.4 cm in C.13.3)."""
    assert film_size("8INX10IN") == pytest.approx((8 * 25.4, 10 * 25.4))
    assert film_size("8_5INX11IN") == pytest.approx((8.5 * 25.4, 11 * 25.4))
    assert film_size("24CMX30CM") == (240, 300)
    assert film_size("A4") == (210, 297)
    assert film_size("10INX14IN") == (257, 364)


@pytest.mark.parametrize("FilmSizeID", FILM_SIZES)
def test_landscape_is_portrait_on_its_side(FilmSizeID: str) -> None:
    width, height = film_size(FilmSizeID, "PORTRAIT")
    assert width <= height
    assert film_size(FilmSizeID, "LANDSCAPE") == (height, width)


@pytest.mark.skipif("DIMSE_REFERENCE" not in os.environ, reason="no reference tables at hand")
def test_sizes_are_those_of_the_reference() -> None:
    with Path(os.environ["DIMSE_REFERENCE"], "film_sizes.csv").open(newline="") as file:
        rows = {row["film_size_id"]: (float(row["width_mm"]), float(row["height_mm"])) for row in csv.DictReader(file)}
    assert rows == FILM_SIZES


@pytest.mark.parametrize(
    ("FilmSizeID", "FilmOrientation", "attribute"),
    [("14X17", "PORTRAIT", "FilmSizeID"), ("A4", "UPRIGHT", "FilmOrientation")],
)
def test_unknown_film_is_refused_by_attribute(FilmSizeID: str, FilmOrientation: str, attribute: str) -> None:
    with pytest.raises(LayoutError, match=attribute) as caught:
        film_size(FilmSizeID, FilmOrientation)
    assert caught.value.attribute == attribute


def test_first_number_is_columns() -> None:
    """STANDARD\\C,R: C columns, R rows."""
    assert parse_format("STANDARD\\2,3") == (2, 3)


@pytest.mark.parametrize("value", [" STANDARD\\2,3", "STANDARD\\2,3 ", "STANDARD \\ 2 , 3", "STANDARD\\02,3"])
def test_blanks_and_leading_zeros_do_not_matter(value: str) -> None:
    assert parse_format(value) == (2, 3)


@pytest.mark.parametrize(
    "value",
    [
        *("", "STANDARD", "STANDARD\\", "STANDARD\\2", "STANDARD\\2,", "STANDARD\\2,3,4", "STANDARD\\2\\3"),
        *("STANDARD2,3", "standard\\2,3", "STANDARD\\-1,3", "STANDARD\\1.5,2", "STANDARD\\٢,3"),
        *("STANDARD\\0,1", "STANDARD\\1,0", "STANDARD\\100,1", "STANDARD\\1,100", "STANDARD\\17,16"),
        *("STANDARD\\" + "9" * 5000 + ",1", "STANDARD\\1,1" + "\0" * 5000),
    ],
)
def test_other_values_are_refused(value: str) -> None:
    with pytest.raises(LayoutError, match=r"^ImageDisplayFormat .* \(PS3\.3 C\.13\.3\)$") as caught:
        parse_format(value)
    assert caught.value.value == value
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", ["ROW\\2,3", "COL\\1,4", "SLIDE", "SUPERSLIDE", "CUSTOM\\1"])
def test_formats_of_unequal_boxes_are_refused_by_name(value: str) -> None:
    with pytest.raises(LayoutError, match=f"{value.split(chr(92))[0]} formats are not supported"):
        parse_format(value)


@given(FORMATS, st.sampled_from(sorted(FILM_SIZES)), st.sampled_from(["PORTRAIT", "LANDSCAPE"]))
def test_boxes_are_equal_and_symmetric_about_both_axes(
    ImageDisplayFormat: str, FilmSizeID: str, FilmOrientation: str
) -> None:
    """C.13.3.1: STANDARD is symmetric with boxes of one size. Any format fits on any film."""
    width, height = film_size(FilmSizeID, FilmOrientation)
    boxes = cells(ImageDisplayFormat, width, height)
    assert len({(round(box.width, 6), round(box.height, 6)) for box in boxes}) == 1
    for box, opposite in zip(boxes, reversed(boxes), strict=True):
        assert box.x + opposite.x + opposite.width == pytest.approx(width)
        assert box.y + opposite.y + opposite.height == pytest.approx(height)
    assert boxes[0][:2] == (EDGE_MM, EDGE_MM)


def test_positions_run_along_rows_from_the_top_left() -> None:
    """Image Box Position, C.13.5: row by row."""
    boxes = cells("STANDARD\\2,3", 106, 156, edge_mm=3, gap_mm=0)
    assert [box[:2] for box in boxes] == [(3, 3), (53, 3), (3, 53), (53, 53), (3, 103), (53, 103)]


def test_neighbours_keep_their_gap() -> None:
    left, right, below, _ = cells("STANDARD\\2,2", 200, 300)
    assert right.x - (left.x + left.width) == pytest.approx(GAP_MM)
    assert below.y - (left.y + left.height) == pytest.approx(GAP_MM)


def test_edges_that_leave_no_room_are_refused() -> None:
    assert cells("STANDARD\\1,1", 10, 10, edge_mm=4) == (Rect(4, 4, 2, 2),)
    with pytest.raises(LayoutError, match="no room"):
        cells("STANDARD\\1,1", 10, 10, edge_mm=5)
