"""Sheets and pages can be copied and pickled, so that another process can render them."""

import pickle
from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pytest

from print_mgmt.film import (
    FILM,
    PAPER,
    Annotation,
    Cell,
    Imager,
    Overlay,
    Page,
    PresentationLUT,
    PrintImage,
    Sheet,
    render,
)

COPIES: dict[str, Callable[[object], object]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "deepcopy": deepcopy,
}
IMAGE = PrintImage(pixels=np.arange(600, dtype=np.uint16).reshape(20, 30), PhotometricInterpretation="MONOCHROME2")
SHEET = Sheet(
    ImageDisplayFormat="STANDARD\\1,2",
    FilmSizeID="8INX10IN",
    presentation_lut=PresentationLUT(shape="LIN OD"),
    annotations=(Annotation(AnnotationPosition=1, TextString="Film 7"),),
    AnnotationDisplayFormatID="LABEL",
    cells=(Cell(image=IMAGE, overlays=(Overlay(pixels=np.eye(20, dtype=np.bool_)),)), Cell(image=IMAGE)),
)


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("imager", [FILM, PAPER])
def test_copy_of_a_sheet_renders_alike(way: str, imager: Imager) -> None:
    sheet, there = COPIES[way](SHEET), COPIES[way](imager)
    assert isinstance(sheet, Sheet)
    assert isinstance(there, Imager)
    assert np.array_equal(render(sheet, 30, imager=there).pixels, render(SHEET, 30, imager=imager).pixels)


@pytest.mark.parametrize("way", COPIES)
def test_copy_of_a_page_has_its_own_pixels(way: str) -> None:
    page = render(SHEET, 30, bits=16)
    copy = COPIES[way](page)
    assert isinstance(copy, Page)
    assert np.array_equal(copy.pixels, page.pixels)
    assert not np.shares_memory(copy.pixels, page.pixels)
    names = ("width_mm", "height_mm", "dpi", "notes", "ICCProfile")
    assert [getattr(copy, name) for name in names] == [getattr(page, name) for name in names]
