"""Image Display Formats as PS3.3 C.13.3 writes them, and as peers do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.film.errors import LayoutError
from print_mgmt.film.formats import MAX_BOXES, MAX_SIDE, read_format

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
        ("SUPERSLIDE\\", ("SUPERSLIDE", ())),  # as some write it
        ("CUSTOM\\7", ("CUSTOM", (7,))),
    ],
)
def test_other_formats(value: str, parts: tuple[str, tuple[int, ...]]) -> None:
    assert read_format(value) == parts


@given(st.sampled_from(["ROW", "COL"]), st.lists(SIDES, min_size=1, max_size=9).filter(lambda n: sum(n) <= MAX_BOXES))
def test_rows_and_columns_have_the_boxes_that_their_numbers_say(name: str, numbers: list[int]) -> None:
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
def test_other_values_are_refused(value: str) -> None:
    with pytest.raises(LayoutError, match=r"^ImageDisplayFormat .* \(PS3\.3 C\.13\.3\)$") as caught:
        read_format(value)
    assert caught.value.value == value
    assert len(str(caught.value)) < 250
