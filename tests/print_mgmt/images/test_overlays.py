"""Burnt-in overlays, PS3.3 C.9.2: origin, frames, and planes in the cells of the pixels."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_objects import image_of

from dimse.data import Dataset, Element
from print_mgmt.images import ImageError, prepare


def gray(frames: int = 1, **attributes: object) -> Dataset:
    pixels = np.full((frames * 3, 4), 100, "<u2")
    header: dict[str, object] = {"BitsStored": 8, "HighBit": 7, "WindowCenter": "128", "WindowWidth": "256"}
    return image_of(pixels, **{**header, "Rows": 3, "NumberOfFrames": frames, **attributes})


def overlay(dataset: Dataset, bits: list[list[int]], group: int = 0x6000, /, **attributes: object) -> Dataset:
    """Add an overlay with the plane ``bits``; several frames are one below the other."""
    plane = np.array(bits, np.uint8)
    frames = attributes.get("NumberOfFramesInOverlay", 1)
    assert isinstance(frames, int)
    made: dict[str, object] = {
        "OverlayRows": len(bits) // frames,
        "OverlayColumns": len(bits[0]),
        "OverlayType": "G",
        "OverlayOrigin": [1, 1],
        "OverlayBitsAllocated": 1,
        "OverlayBitPosition": 0,
        "OverlayData": np.packbits(plane.reshape(-1), bitorder="little").tobytes().ljust(2, b"\0"),
    }
    for element in Dataset(**{**made, **attributes}):
        dataset.add(Element(element.tag + (group - 0x6000 << 16), element.VR, element.value))
    return dataset


CORNER = [[1, 0], [0, 1]]


def test_overlay_is_white_by_default() -> None:
    made = overlay(gray(), CORNER)
    white = [[255, 100, 100, 100], [100, 255, 100, 100], [100] * 4]
    assert prepare(made).pixels.tolist() == white
    assert prepare(made, overlays="BLACK").pixels.tolist() == [[value % 255 for value in row] for row in white]
    assert prepare(made, overlays="NONE").pixels.tolist() == [[100] * 4] * 3


def test_white_overlay_is_0_in_monochrome1() -> None:
    assert prepare(overlay(gray(PhotometricInterpretation="MONOCHROME1"), CORNER)).pixels[0, 0] == 0
    assert prepare(overlay(gray(PhotometricInterpretation="MONOCHROME1"), CORNER), color=True).pixels[0, 0, 0] == 255


@pytest.mark.parametrize("origin", [None, 3, [3, 4, 5]])
def test_overlay_without_a_valid_origin_begins_at_the_first_pixel(origin: object) -> None:
    pixels = prepare(overlay(gray(), CORNER, OverlayOrigin=origin)).pixels
    assert np.argwhere(pixels == 255).tolist() == [[0, 0], [1, 1]]


def test_overlay_is_placed_at_its_origin_and_clipped() -> None:
    """Row and column count from 1, and may be outside of the image."""
    pixels = prepare(overlay(gray(), CORNER, OverlayOrigin=[3, 4])).pixels
    assert np.argwhere(pixels == 255).tolist() == [[2, 3]]
    pixels = prepare(overlay(gray(), CORNER, OverlayOrigin=[0, 0])).pixels
    assert np.argwhere(pixels == 255).tolist() == [[0, 0]]
    assert prepare(overlay(gray(), CORNER, OverlayOrigin=[9, -9])).pixels.max() == 100


def test_all_groups_are_burnt_in() -> None:
    made = overlay(overlay(gray(), [[1]]), [[0, 0, 0, 1]], 0x601E)
    assert np.argwhere(prepare(made).pixels == 255).tolist() == [[0, 0], [0, 3]]


def test_overlay_covers_its_frames_only() -> None:
    """It starts at Image Frame Origin (PS3.3 C.9.2.1.4), the second frame here; without frames it is on all."""
    made = overlay(gray(4), [[1, 0, 0], [0, 1, 0]], NumberOfFramesInOverlay=2, ImageFrameOrigin=2)
    covered = [np.argwhere(prepare(made, frame=frame).pixels == 255).tolist() for frame in range(1, 5)]
    assert covered == [[], [[0, 0]], [[0, 1]], []]
    made = overlay(gray(2), [[1]])
    assert [prepare(made, frame=frame).pixels[0, 0] for frame in (1, 2)] == [255, 255]


def test_overlay_in_the_cells_is_read() -> None:
    """A retired form: Overlay Bit Position of each cell, above Bits Stored."""
    cells = np.full((3, 4), 100, "<u2")
    cells[1, 2] |= 1 << 12
    made = gray(PixelData=cells.tobytes())
    for element in Dataset(OverlayBitsAllocated=16, OverlayBitPosition=12, OverlayType="G"):
        made.add(element)
    assert np.argwhere(prepare(made).pixels == 255).tolist() == [[1, 2]]


def test_overlay_covers_color() -> None:
    pixels = np.full((3, 4, 3), 9, np.uint8)
    made = gray(SamplesPerPixel=3, PhotometricInterpretation="RGB", BitsAllocated=8, PixelData=pixels.tobytes())
    assert prepare(overlay(made, CORNER), color=True).pixels[0, :2].tolist() == [[255] * 3, [9] * 3]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"OverlayRows": 100}, "OverlayData (6000) has 2 bytes, too few for plane 1 of 100 x 2 bits"),
        ({"OverlayRows": 0}, "OverlayRows (6000) 0 and OverlayColumns 2 must be at least 1"),
        ({"OverlayRows": 65535, "OverlayColumns": 65535}, "too few for plane 1 of 65535 x 65535 bits"),
        ({"OverlayData": None}, "OverlayBitsAllocated (6000) 1 is not 16, which a plane in the pixels needs"),
        ({"OverlayData": None, "OverlayBitsAllocated": None}, "(6000) 0 is not an unused bit of 16"),
        ({"OverlayData": None, "OverlayBitPosition": None}, "OverlayData (6000) is missing"),
        ({"OverlayData": None, "OverlayBitsAllocated": 16, "OverlayBitPosition": 7}, "7 is not an unused bit of 16"),
        ({"OverlayData": None, "OverlayBitsAllocated": 16, "OverlayBitPosition": 16}, "16 is not an unused bit of 16"),
    ],
)
def test_invalid_overlay_is_left_out(attributes: dict[str, object], message: str) -> None:
    made = prepare(overlay(gray(), CORNER, **attributes))
    assert made.pixels.tolist() == [[100] * 4] * 3
    assert message in made.notes[0]


def test_overlay_whose_last_row_is_cut_off_is_printed() -> None:
    """Some programs round the length of Overlay Data down to whole bytes."""
    made = prepare(overlay(gray(), CORNER, OverlayRows=3, OverlayColumns=6, OverlayData=b"\xff\xff"))
    assert made.pixels.tolist() == [[255] * 4, [255] * 4, [255] * 4]
    assert (
        "2 bytes, too few for plane 1 of 3 x 6 bits (PS3.5 8.1.2): the rest of its last row is empty" in made.notes[0]
    )


def test_repeated_sign_is_not_an_overlay() -> None:
    """The upper bits of two's complement of 12 bits in 16 repeat the sign."""
    cells = np.array([[-100, 100, -1, 0]] * 3, "<i2")
    made = gray(PixelData=cells.tobytes(), BitsStored=12, HighBit=11, PixelRepresentation=1, WindowCenter="0.5")
    for element in Dataset(OverlayBitsAllocated=16, OverlayBitPosition=12, OverlayRows=3, OverlayColumns=4):
        made.add(element)
    assert prepare(made).pixels[0].tolist() == [28, 227, 127, 128]


def test_region_of_interest_is_not_printed() -> None:
    """Type R only marks pixels, PS3.3 C.9.2.1.1."""
    assert prepare(overlay(gray(), CORNER, OverlayType="R")).pixels.max() == 100


@pytest.mark.parametrize(
    ("attributes", "covered"),
    [
        ({"NumberOfFramesInOverlay": 1}, [1]),
        ({"NumberOfFramesInOverlay": 1, "ImageFrameOrigin": 2}, [2]),
        ({"ImageFrameOrigin": 3}, [3]),
        ({}, [1, 2, 3]),
    ],
)
def test_overlay_of_one_frame_is_on_one_frame(attributes: dict[str, object], covered: list[int]) -> None:
    """PS3.3 C.9.3.1.1; an overlay without frames is on all."""
    made = overlay(gray(3), CORNER, **attributes)
    assert [number for number in (1, 2, 3) if prepare(made, frame=number).pixels[0, 0] == 255] == covered


@given(
    st.integers(-5, 70000),
    st.integers(0, 20),
    st.lists(st.integers(-40000, 32767), max_size=3),
    st.integers(-3, 5),
    st.integers(-5, 5),
    st.binary(max_size=9).filter(lambda data: len(data) % 2 == 0),
)
def test_any_overlay_gives_image_or_image_error(
    rows: int, columns: int, origin: list[int], frames: int, first: int, data: bytes
) -> None:
    made = gray(2)
    values = {"OverlayRows": rows, "OverlayColumns": columns, "NumberOfFramesInOverlay": frames}
    for element in Dataset(OverlayData=data, ImageFrameOrigin=max(0, first), OverlayBitPosition=rows & 0xFF):
        made.add(element)
    for keyword, value in values.items():
        made.add(Element(Dataset(**{keyword: 1})[keyword].tag, "SL", value))
    made.add(Element(0x60000050, "SL", origin))
    with suppress(ImageError):
        assert prepare(made, frame=2).pixels.shape == (3, 4)
