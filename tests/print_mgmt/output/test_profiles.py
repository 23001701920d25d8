"""The profile that a page is written with."""

from dataclasses import replace

import numpy as np
import pytest

from print_mgmt.film import FilmViewing, Page
from print_mgmt.film.icc import KNOTS, gray_profile, srgb_profile
from print_mgmt.output import OutputError
from print_mgmt.output.profiles import profile_of

GRAY = Page(pixels=np.zeros((3, 4), np.uint16), width_mm=10, height_mm=10, dpi=10)
COLOR = replace(GRAY, pixels=np.zeros((3, 4, 3), np.uint8))


def test_gray_without_a_profile_is_the_film_of_the_standard() -> None:
    assert profile_of(GRAY) == gray_profile(FilmViewing().density(np.linspace(0, 1, KNOTS)))


def test_color_without_a_profile_is_srgb() -> None:
    assert profile_of(COLOR) == srgb_profile()


@pytest.mark.parametrize(
    ("page", "profile"), [(GRAY, srgb_profile()), (GRAY, b""), (COLOR, b"profile"), (COLOR, profile_of(GRAY))]
)
def test_profile_of_another_color_space_is_refused(page: Page, profile: bytes) -> None:
    with pytest.raises(OutputError, match=r"no ICC profile for (GRAY|RGB) \(ICC.1 6.1\)"):
        profile_of(replace(page, ICCProfile=profile))
