"""Sheets of any content: each becomes a page, or an error of one line that names the attribute."""

from typing import Any

import numpy as np
from budget import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from print_mgmt.film import (
    BEHAVIORS,
    FILM_SIZES,
    MAGNIFICATIONS,
    SMOOTHINGS,
    Annotation,
    Cell,
    Imager,
    LayoutError,
    Overlay,
    PresentationLUT,
    PrintImage,
    Rect,
    Sheet,
    place,
    render,
)

IMAGER = Imager(dpi=20, high_dpi=25, custom_formats={1: (Rect(10, 10, 50, 60), Rect(-60, -70, 0, 0.1))})
NUMBERS = st.integers(-1, 65536) | st.sampled_from([0, 20, 300])
WORDS = st.text(max_size=12)
FORMATS = st.sampled_from(
    [*("STANDARD\\1,1", "STANDARD\\2,2", "STANDARD\\16,16", "ROW\\1,2", "COL\\2,1", "SLIDE", "CUSTOM\\1"), "CUSTOM\\2"]
)


def terms(*known: str) -> st.SearchStrategy[str]:
    """Draw a known value, or sometimes any value."""
    return st.integers(0, 9).flatmap(lambda at: st.sampled_from(known) if at else WORDS)


def rarely(wrong: st.SearchStrategy[Any], usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw few wrong values, because the first of them ends the rendering of a sheet."""
    return st.integers(0, 9).flatmap(lambda at: usual if at else wrong)


DENSITIES = terms("BLACK", "WHITE", "0", "150", "99999")


POLARITIES = rarely(WORDS, st.sampled_from(["NORMAL", "REVERSE"]))
KINDS = {"MONOCHROME1": (), "MONOCHROME2": (), "RGB": (3,)}


@st.composite
def images(draw: st.DrawFn) -> PrintImage:
    kind = draw(st.sampled_from(sorted(KINDS)))
    shape = draw(rarely(st.just((0, 9)), st.tuples(st.integers(1, 90), st.integers(1, 90))))
    planes = draw(rarely(st.just((4,)), st.just(KINDS[kind])))
    deep = draw(st.booleans())
    sides = rarely(st.integers(-1, 1 << 40), st.integers(1, 3))
    return PrintImage(
        pixels=np.full((*shape, *planes), draw(st.integers(0, 255)), np.uint16 if deep else np.uint8),
        PhotometricInterpretation=draw(rarely(WORDS, st.just(kind))),
        BitsStored=draw(rarely(st.integers(-1, 17), st.integers(1, 16 if deep else 8))),
        PixelAspectRatio=(draw(sides), draw(sides)),
    )


LUTS = st.builds(
    PresentationLUT,
    shape=terms("IDENTITY", "LIN OD"),
    table=st.none() | st.lists(st.integers(0, 65535), max_size=300).map(lambda row: np.array(row, np.uint16)),
    bits=rarely(st.integers(-1, 20), st.integers(10, 16)),
)
OVERLAYS = st.builds(
    Overlay,
    pixels=st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda shape: np.ones(shape, bool)),
    origin=st.tuples(rarely(NUMBERS, st.integers(-50, 50)), st.integers(-50, 50)),
    OverlayForegroundDensity=DENSITIES,
    OverlayBackgroundDensity=st.none() | DENSITIES,
    OverlayMagnificationType=terms(*MAGNIFICATIONS),
)
CELLS = st.builds(
    Cell,
    image=rarely(st.none(), images()),
    Polarity=POLARITIES,
    MagnificationType=st.none() | terms(*MAGNIFICATIONS),
    SmoothingType=st.none() | terms(*SMOOTHINGS),
    MinDensity=st.none() | NUMBERS,
    MaxDensity=st.none() | NUMBERS,
    RequestedImageSize=st.none() | rarely(st.floats(), st.floats(1, 1000)),
    RequestedDecimateCropBehavior=st.none() | terms(*BEHAVIORS),
    presentation_lut=st.none() | LUTS,
    overlays=st.lists(OVERLAYS, max_size=2).map(tuple),
)
SHEETS = st.builds(
    Sheet,
    ImageDisplayFormat=rarely(WORDS, FORMATS),
    FilmOrientation=terms("PORTRAIT", "LANDSCAPE"),
    FilmSizeID=terms(*FILM_SIZES),
    RequestedResolutionID=terms("STANDARD", "HIGH"),
    MagnificationType=terms(*MAGNIFICATIONS),
    SmoothingType=st.none() | terms(*SMOOTHINGS),
    BorderDensity=DENSITIES,
    EmptyImageDensity=DENSITIES,
    MinDensity=st.none() | NUMBERS,
    MaxDensity=st.none() | NUMBERS,
    Trim=terms("YES", "NO"),
    Illumination=st.none() | NUMBERS,
    ReflectedAmbientLight=st.none() | NUMBERS,
    presentation_lut=st.none() | LUTS,
    AnnotationDisplayFormatID=terms("", "LABEL", "COMBINED"),
    annotations=st.lists(
        st.builds(Annotation, AnnotationPosition=rarely(NUMBERS, st.just(1)), TextString=st.text(max_size=70)),
        max_size=1,
    ).map(tuple),
    cells=st.lists(CELLS, max_size=2).map(tuple),
)


@settings(max_examples=examples(150))
@given(SHEETS, st.none() | st.integers(1, 40), st.sampled_from([8, 16]))
def test_render_returns_a_page_or_a_clear_error(sheet: Sheet, dpi: int | None, bits: int) -> None:
    """Overflow would raise a warning, which fails the test."""
    try:
        page = render(sheet, dpi, bits=8 if bits == 8 else 16, imager=IMAGER)
    except LayoutError as exc:
        refused = str(exc)
    else:
        refused = ""
        assert page.pixels.ndim == 3 or page.pixels.dtype == f"u{bits // 8}"
        assert all("\n" not in note and len(note) < 300 for note in page.notes)
    assert "\n" not in refused
    assert len(refused) < 400


@settings(max_examples=examples(150))
@given(SHEETS, st.integers(0, 5))
def test_place_returns_a_placement_or_a_clear_error(sheet: Sheet, ImageBoxPosition: int) -> None:
    try:
        placement = place(sheet, ImageBoxPosition, IMAGER)
    except LayoutError:
        return
    assert placement is None or min(placement.target[2:] + placement.source[2:]) >= 1
