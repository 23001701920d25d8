"""Pages that are none: every format refuses them, and in the same words."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import BinaryIO

import numpy as np
import pytest

from print_mgmt.film import Page
from print_mgmt.output import OutputError, write_capture, write_pdf, write_png, write_tiff

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
def test_pixels_that_are_neither_gray_nor_colour(kind: str, shape: tuple[int, ...], dtype: str) -> None:
    with pytest.raises(OutputError, match="is not gray of 8 or 16 bits, HxW, or RGB of 8 bits, HxWx3"):
        WRITERS[kind](replace(PAGE, pixels=np.zeros(shape, dtype)), io.BytesIO())


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("size", [{"dpi": 0}, {"dpi": -3}, {"width_mm": float("nan")}, {"height_mm": float("inf")}])
def test_page_without_a_size(kind: str, size: dict[str, float]) -> None:
    with pytest.raises(OutputError, match=f"no {next(iter(size))} of"):
        WRITERS[kind](replace(PAGE, **size), io.BytesIO())  # type: ignore[arg-type]  # by name


def test_title_that_no_text_holds_is_written_with_question_marks() -> None:
    tiff, pdf = io.BytesIO(), io.BytesIO()
    write_tiff([PAGE], tiff, title="Film \ud800")
    write_pdf([PAGE], pdf, title="Film \ud800")
    assert b"Film ?\0" in tiff.getvalue()
    assert "Film ?".encode("utf-16-be").hex().encode() in pdf.getvalue()
