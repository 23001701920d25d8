"""The checks of a page that all formats share, and the profile of a page."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import pytest

from print_mgmt.film import FilmViewing, Page
from print_mgmt.film.icc import KNOTS, gray_profile, srgb_profile
from print_mgmt.output import OutputError, write_capture, write_pdf, write_png, write_tiff
from print_mgmt.output.page import profile_of

GRAY = Page(pixels=np.zeros((3, 4), np.uint16), width_mm=10, height_mm=10, dpi=10)
COLOR = replace(GRAY, pixels=np.zeros((3, 4, 3), np.uint8))
PAGE = Page(pixels=np.zeros((4, 4), np.uint8), width_mm=10, height_mm=10, dpi=10)
WRITERS: dict[str, Callable[[Page, BinaryIO], None]] = {
    "png": write_png,
    "pdf": lambda page, file: write_pdf([page], file),
    "tiff": lambda page, file: write_tiff([page], file),
    "dcm": lambda page, file: write_capture([page], file),
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        *[((4, 4), dtype) for dtype in ("f8", "u4", "i1", "?", "O")],
        *[(shape, "u1") for shape in ((4,), (0, 4), (4, 4, 4), (4, 4, 1), (4, 4, 0))],
        ((4, 4, 3), "u2"),
    ],
)
def test_pixels_neither_gray_nor_color_are_refused(kind: str, shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(OutputError, match="is not gray of 8 or 16 bits, HxW, or RGB of 8 bits, HxWx3"):
        WRITERS[kind](replace(PAGE, pixels=np.zeros(shape, dtype)), io.BytesIO())


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("size", [{"dpi": 0}, {"dpi": -3}, {"width_mm": float("nan")}, {"height_mm": float("inf")}])
def test_page_without_a_size_is_refused(kind: str, size: dict[str, float]) -> None:
    with pytest.raises(OutputError, match=f"cannot have a {next(iter(size))} of"):
        WRITERS[kind](replace(PAGE, **size), io.BytesIO())  # type: ignore[arg-type]  # by name


def test_lone_surrogate_in_a_title_becomes_a_question_mark() -> None:
    tiff, pdf = io.BytesIO(), io.BytesIO()
    write_tiff([PAGE], tiff, title="Film \ud800")
    write_pdf([PAGE], pdf, title="Film \ud800")
    assert b"Film ?\0" in tiff.getvalue()
    assert "Film ?".encode("utf-16-be").hex().encode() in pdf.getvalue()


# --- profiles ---


def test_gray_without_a_profile_is_the_standard_film() -> None:
    assert profile_of(GRAY) == gray_profile(FilmViewing().density(np.linspace(0, 1, KNOTS)))


def test_color_without_a_profile_is_srgb() -> None:
    assert profile_of(COLOR) == srgb_profile()


@pytest.mark.parametrize(
    ("page", "profile"), [(GRAY, srgb_profile()), (GRAY, b""), (COLOR, b"profile"), (COLOR, profile_of(GRAY))]
)
def test_profile_of_another_color_space_is_refused(page: Page, profile: bytes) -> None:
    with pytest.raises(OutputError, match=r"is not an ICC profile for (GRAY|RGB) \(ICC.1 6.1\)"):
        profile_of(replace(page, ICCProfile=profile))
