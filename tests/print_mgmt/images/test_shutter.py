"""Display Shutter, PS3.3 C.7.6.11 and C.7.6.15, and its macro in functional groups."""

import numpy as np
import pytest
from image_objects import image_of

from dimse.data import Dataset, Element
from print_mgmt.images import prepare

SIDE = 9


def image(**attributes: object) -> Dataset:
    return image_of(np.full((SIDE, SIDE), 100, np.uint8), **attributes)


def rectangle(top: int, bottom: int, left: int, right: int) -> dict[str, object]:
    return {
        "ShutterShape": "RECTANGULAR",
        "ShutterUpperHorizontalEdge": top,
        "ShutterLowerHorizontalEdge": bottom,
        "ShutterLeftVerticalEdge": left,
        "ShutterRightVerticalEdge": right,
    }


def polygon(*vertices: int) -> dict[str, object]:
    return {"ShutterShape": "POLYGONAL", "VerticesOfThePolygonalShutter": [*vertices]}


CIRCLE: dict[str, object] = {
    "ShutterShape": "CIRCULAR",
    "CenterOfCircularShutter": [5, 5],
    "RadiusOfCircularShutter": 2,
}


def seen(dataset: Dataset) -> list[list[int]]:
    """Return row and column, counted from 1, of the visible pixels."""
    return (np.argwhere(prepare(dataset).pixels == 100) + 1).tolist()


def block(top: int, bottom: int, left: int, right: int) -> list[list[int]]:
    return [[row, column] for row in range(top, bottom + 1) for column in range(left, right + 1)]


def test_edges_of_a_rectangle_are_visible() -> None:
    assert seen(image(**rectangle(3, 5, 2, 8))) == block(3, 5, 2, 8)


def test_edges_may_be_outside_of_the_image() -> None:
    assert seen(image(**rectangle(-4, 3, 0, 99))) == block(1, 3, 1, SIDE)


def test_circle_has_its_radius_around_its_center() -> None:
    expected = [[r, c] for r, c in block(1, 9, 1, 9) if (r - 5) ** 2 + (c - 5) ** 2 <= 4]
    assert seen(image(**CIRCLE)) == expected


def test_circle_is_round_on_long_pixels() -> None:
    """The radius is in distances of columns, C.7.6.11; rows are twice as far apart here."""
    assert seen(image(**CIRCLE, PixelAspectRatio=[2, 1])) == [[4, 5], [5, 3], [5, 4], [5, 5], [5, 6], [5, 7], [6, 5]]


@pytest.mark.parametrize("turned", [0, 2, 4, 6])
@pytest.mark.parametrize("backwards", [False, True])
def test_polygon_may_start_at_any_vertex(turned: int, backwards: bool) -> None:
    vertices = [2, 3, 2, 7, 6, 7, 6, 3]
    vertices = vertices[turned:] + vertices[:turned]
    pairs = [vertices[at : at + 2] for at in range(0, 8, 2)][:: -1 if backwards else 1]
    assert seen(image(**polygon(*(value for pair in pairs for value in pair)))) == block(2, 6, 3, 7)


def test_slanted_edges_include_their_pixels() -> None:
    """A diamond, with all of its corners."""
    expected = [[r, c] for r, c in block(1, 9, 1, 9) if abs(r - 5) + abs(c - 5) <= 3]
    assert seen(image(**polygon(2, 5, 5, 8, 8, 5, 5, 2))) == expected


def test_polygon_may_be_concave() -> None:
    """The missing corner of an L is covered."""
    shown = seen(image(**polygon(1, 1, 9, 1, 9, 9, 7, 9, 7, 3, 1, 3)))
    assert shown == sorted(block(1, 9, 1, 3) + block(7, 9, 4, 9))


def test_polygon_may_be_larger_than_the_image() -> None:
    assert len(seen(image(**polygon(-50, -50, -50, 90, 90, 90, 90, -50)))) == SIDE * SIDE


def test_only_pixels_within_all_shapes_are_visible() -> None:
    """Of several shapes, the smallest visible area counts, C.7.6.11."""
    both = {**rectangle(5, 9, 1, 9), **CIRCLE, "ShutterShape": ["RECTANGULAR", "CIRCULAR"]}
    assert seen(image(**both)) == [pixel for pixel in seen(image(**CIRCLE)) if pixel[0] >= 5]


def bitmap(**attributes: object) -> Dataset:
    """Return an image with an overlay 6004 on its first row."""
    made = image(ShutterShape="BITMAP", ShutterOverlayGroup=0x6004, **attributes)
    bits = np.packbits(np.arange(SIDE * SIDE) < SIDE, bitorder="little").tobytes().ljust(12, b"\0")
    overlay = Dataset(OverlayRows=SIDE, OverlayColumns=SIDE, OverlayType="G", OverlayOrigin=[1, 1], OverlayData=bits)
    for element in overlay:
        made.add(Element(element.tag + (4 << 16), element.VR, element.value))
    return made


def test_bitmap_covers_its_pixels_and_is_not_graphics() -> None:
    made = bitmap(ShutterPresentationValue=0)
    assert seen(made) == block(2, 9, 1, 9)
    assert prepare(made).pixels[0].tolist() == [0] * SIDE


def test_missing_bitmap_is_ignored() -> None:
    made = prepare(image(ShutterShape="BITMAP", ShutterOverlayGroup=0x6002))
    assert made.pixels.min() == 100
    assert "ShutterShape is ignored" in made.notes[-1]


@pytest.mark.parametrize(("value", "gray"), [(None, 0), (0, 0), (32896, 128), (65535, 255)])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_presentation_value_is_a_p_value(value: int | None, gray: int, photometric: str) -> None:
    """It has 16 bits, and black is the default for both kinds of gray."""
    made = image(**CIRCLE, ShutterPresentationValue=value, PhotometricInterpretation=photometric)
    assert prepare(made).pixels[0, 0] == (gray if photometric == "MONOCHROME2" else 255 - gray)
    assert prepare(made, color=True).pixels[0, 0].tolist() == [gray] * 3


def test_overlays_are_on_top_of_the_shutter() -> None:
    made = image(**CIRCLE, OverlayRows=1, OverlayColumns=1, OverlayOrigin=[1, 1], OverlayData=b"\1\0")
    assert prepare(made).pixels[0, :2].tolist() == [255, 0]


def test_enhanced_frame_has_its_own_shutter() -> None:
    """Frame Display Shutter Macro, C.7.6.16.2.16."""
    groups = [Dataset(FrameDisplayShutterSequence=[Dataset(**rectangle(top, 9, 1, 9))]) for top in (1, 9)]
    pixels = bytes([100] * 2 * SIDE * SIDE)
    made = image(NumberOfFrames=2, PixelData=pixels, PerFrameFunctionalGroupsSequence=groups)
    assert [int(np.sum(prepare(made, frame=number).pixels == 100)) for number in (1, 2)] == [81, 9]


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        (rectangle(0, 0, 0, 0), "the RECTANGULAR shape contains no pixel of the image"),
        (rectangle(8, 2, 1, 9), "the RECTANGULAR shape contains no pixel of the image"),
        ({"ShutterShape": "RECTANGULAR"}, "ShutterUpperHorizontalEdge has 0 values, not 1"),
        ({**CIRCLE, "RadiusOfCircularShutter": 0, "CenterOfCircularShutter": [0, 0]}, "the CIRCULAR shape contains no"),
        ({**CIRCLE, "CenterOfCircularShutter": 4}, "CenterOfCircularShutter has 1 values, not 2"),
        (polygon(1, 1, 9, 9), "VerticesOfThePolygonalShutter has 4 values"),
        (polygon(1, 1, 9, 9, 5), "VerticesOfThePolygonalShutter has 5 values"),
        (polygon(*[1, 9] * 5000), "VerticesOfThePolygonalShutter has 10000 values"),
        ({"ShutterShape": "STAR"}, "ShutterShape 'STAR' is not one of"),
    ],
)
def test_invalid_shape_is_ignored(attributes: dict[str, object], note: str) -> None:
    made = prepare(image(**attributes))
    assert made.pixels.tolist() == [[100] * SIDE] * SIDE
    assert note in made.notes[0]


def test_shapes_that_hide_the_whole_image_are_ignored() -> None:
    both = {**rectangle(1, 1, 1, 1), **CIRCLE, "ShutterShape": ["RECTANGULAR", "CIRCULAR"]}
    made = prepare(image(**both))
    assert made.pixels.min() == 100
    assert made.notes == ("ShutterShape would hide the whole image: ignored (PS3.3 C.7.6.11)",)


@pytest.mark.parametrize(
    ("attributes", "keyword"),
    [(CIRCLE, "RadiusOfCircularShutter"), (polygon(1, 1, 1, 9, 9, 9), "VerticesOfThePolygonalShutter")],
)
def test_coordinate_beyond_32_bits_is_ignored(attributes: dict[str, object], keyword: str) -> None:
    made = image(**attributes)
    made.add(Element(made[keyword].tag, "FD", [1e300] if keyword.startswith("Radius") else [1e300, 1.0] * 3))
    prepared = prepare(made)
    assert prepared.pixels.min() == 100
    assert f"{keyword} has a value beyond 32 bits" in prepared.notes[0]
