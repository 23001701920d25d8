"""Film sizes, rectangles on a film, and Image Display Formats, PS3.3 C.13.3."""

import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film.errors import LayoutError
from print_mgmt.film.formats import FILM_SIZES, MAX_BOXES, MAX_SIDE, Rect, film_size, read_format

SIDES = st.integers(1, MAX_SIDE)


def test_first_number_of_standard_is_columns() -> None:
    """STANDARD\\C,R: C columns, R rows."""
    assert read_format("STANDARD\\2,3").counts == (2, 2, 2)


@pytest.mark.parametrize("value", [" STANDARD\\2,3", "STANDARD\\2,3 ", "STANDARD \\ 2 , 3", "STANDARD\\02,3"])
def test_blanks_and_leading_zeros_do_not_matter(value: str) -> None:
    assert read_format(value) == ("STANDARD", (2, 3))


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("ROW\\2,3", ("ROW", (2, 3))),
        ("COL\\1,4,1", ("COL", (1, 4, 1))),
        ("SLIDE", ("SLIDE", ())),
        ("SUPERSLIDE\\", ("SUPERSLIDE", ())),  # as some peers write it
        ("CUSTOM\\7", ("CUSTOM", (7,))),
    ],
)
def test_read_format_returns_name_and_numbers(value: str, parts: tuple[str, tuple[int, ...]]) -> None:
    assert read_format(value) == parts


@given(st.sampled_from(["ROW", "COL"]), st.lists(SIDES, min_size=1, max_size=9).filter(lambda n: sum(n) <= MAX_BOXES))
def test_counts_are_the_numbers_of_row_and_col(name: str, numbers: list[int]) -> None:
    assert read_format(f"{name}\\{','.join(map(str, numbers))}").counts == tuple(numbers)


@pytest.mark.parametrize(
    "value",
    [
        *("", "STANDARD", "STANDARD\\", "STANDARD\\2", "STANDARD\\2,", "STANDARD\\2,3,4", "STANDARD\\2\\3"),
        *("STANDARD2,3", "standard\\2,3", "STANDARD\\-1,3", "STANDARD\\1.5,2", "STANDARD\\٢,3"),
        *("STANDARD\\0,1", "STANDARD\\1,0", "STANDARD\\100,1", "STANDARD\\1,100", "STANDARD\\17,16"),
        *("STANDARD\\" + "9" * 5000 + ",1", "STANDARD\\1,1" + "\0" * 5000),
        *("ROW", "ROW\\", "ROW\\0", "ROW\\1,,2", "ROW\\100", "ROW\\" + "1," * 99 + "1", "COL\\99,99,99"),
        *("SLIDE\\2", "CUSTOM", "CUSTOM\\", "CUSTOM\\1,2", "CUSTOM\\x"),
    ],
)
def test_invalid_format_is_refused(value: str) -> None:
    with pytest.raises(LayoutError, match=r"^ImageDisplayFormat .* \(PS3\.3 C\.13\.3\)$") as caught:
        read_format(value)
    assert caught.value.value == value
    assert len(str(caught.value)) < 250


# --- film sizes ---


def test_film_has_the_size_of_its_name() -> None:
    """The name is the size, except for 10INX14IN: 25.7 by 36.4 cm in C.13.3."""
    assert film_size("8INX10IN") == pytest.approx((8 * 25.4, 10 * 25.4))
    assert film_size("8_5INX11IN") == pytest.approx((8.5 * 25.4, 11 * 25.4))
    assert film_size("24CMX30CM") == (240, 300)
    assert film_size("A4") == (210, 297)
    assert film_size("10INX14IN") == (257, 364)


@pytest.mark.parametrize("FilmSizeID", FILM_SIZES)
def test_landscape_exchanges_width_and_height(FilmSizeID: str) -> None:
    width, height = film_size(FilmSizeID, "PORTRAIT")
    assert width <= height
    assert film_size(FilmSizeID, "LANDSCAPE") == (height, width)


@pytest.mark.skipif("DIMSE_REFERENCE" not in os.environ, reason="no reference tables at hand")
def test_sizes_match_the_reference_table() -> None:
    with Path(os.environ["DIMSE_REFERENCE"], "film_sizes.csv").open(newline="") as file:
        rows = {row["film_size_id"]: (float(row["width_mm"]), float(row["height_mm"])) for row in csv.DictReader(file)}
    assert rows == FILM_SIZES


@pytest.mark.parametrize(
    ("FilmSizeID", "FilmOrientation", "attribute"),
    [("14X17", "PORTRAIT", "FilmSizeID"), ("A4", "UPRIGHT", "FilmOrientation")],
)
def test_error_of_an_unknown_film_names_the_attribute(FilmSizeID: str, FilmOrientation: str, attribute: str) -> None:
    with pytest.raises(LayoutError, match=attribute) as caught:
        film_size(FilmSizeID, FilmOrientation)
    assert caught.value.attribute == attribute


def test_negative_values_count_from_the_other_edge() -> None:
    """On a film of 200 by 300 mm."""
    assert Rect(10, 20, 30, 40).on(200, 300) == (10, 20, 30, 40)
    assert Rect(3, -9, -3, 6).on(200, 300) == (3, 291, 194, 6)
    assert Rect(-50, 5, 0, -5).on(200, 300) == (150, 5, 50, 290)


@given(st.integers(0, 400), st.integers(0, 400), st.integers(1, 400), st.integers(1, 400))
def test_positive_values_count_from_the_top_left(x: int, y: int, width: int, height: int) -> None:
    assert Rect(x, y, width, height).on(9, 9) == (x, y, width, height)
