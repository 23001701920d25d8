"""Stored values in the cells of Pixel Data: bits, sign and padding, PS3.5 §8.1.1 and PS3.3 C.7.5.1.1.2."""

import numpy as np
import pytest
from image_objects import image_of, shades

from dimse.data import EXPLICIT_LE, Dataset, Element, encode, read_file, tag_of
from print_mgmt.images import ImageError, prepare
from print_mgmt.images.frame import Frame
from print_mgmt.images.stored_values import fit_to_cells


def twelve_bits(center: int, high: int) -> dict[str, object]:
    """Return the attributes of 12 stored bits, and a window over all of their values."""
    return {"BitsStored": 12, "HighBit": high, "WindowCenter": str(center), "WindowWidth": "4096"}


def test_bits_above_high_bit_are_masked() -> None:
    """12 bits end at High Bit 11, and an overlay is above: PS3.5 §8.1.1."""
    values = 0x0000, 0xF000, 0x0FFF, 0x1FFF
    assert shades(*values, dtype="u2", bits=12, attributes=twelve_bits(2048, 11)) == [0, 0, 4095, 4095]


def test_value_ends_at_high_bit() -> None:
    """12 bits at the top of 16."""
    values = 0x0000, 0x000F, 0x0010, 0xFFF0
    assert shades(*values, dtype="u2", bits=12, attributes=twelve_bits(2048, 15)) == [0, 0, 1, 4095]


def test_sign_is_at_high_bit() -> None:
    """Two's complement has Bits Stored; the bits above need not repeat the sign."""
    values = 0x0800, -2048, 0x0FFF, -1, 0, 2047
    seen = shades(*values, bits=12, attributes=twelve_bits(0, 11))
    assert seen == [0, 0, 2047, 2047, 2048, 4095]


def test_second_rows_after_the_pixels_does_not_count() -> None:
    twice = encode(image_of(np.array([[1], [2]], np.uint8)), EXPLICIT_LE) + encode(Dataset(Rows=1), EXPLICIT_LE)
    assert prepare(read_file(twice)).pixels.shape == (2, 1)


@pytest.mark.parametrize(("stored", "high"), [(0, 0), (17, 16), (12, 16), (12, 10)])
def test_contradictory_bits_are_refused(stored: int, high: int) -> None:
    with pytest.raises(ImageError):
        shades(1, 2, BitsStored=stored, HighBit=high)


@pytest.mark.parametrize("dtype", ["u4", "i4"])
def test_values_of_32_bits_are_rescaled_and_windowed(dtype: str) -> None:
    window: dict[str, object] = {"RescaleSlope": "0.001", "WindowCenter": "50.5", "WindowWidth": "101"}
    assert shades(0, 25000, 50000, 100000, 1 << 30, dtype=dtype, attributes=window) == [0, 64, 128, 255, 255]


@pytest.mark.parametrize(("vr", "padding"), [("SS", -2000), ("US", 63536)])
def test_padding_does_not_count_for_the_stretch(vr: str, padding: int) -> None:
    """It is printed as the lowest value, even with the wrong one of US and SS."""
    made = image_of(np.array([[-2000, 100, 150, 200]], np.int16))
    made.add(Element(tag_of("PixelPaddingValue"), vr, padding))
    assert prepare(made).pixels.tolist() == [[0, 0, 128, 255]]


@pytest.mark.parametrize(("value", "limit"), [(-20, -10), (-10, -20)])
def test_padding_may_be_a_range(value: int, limit: int) -> None:
    """Pixel Padding Range Limit is on either side of Pixel Padding Value."""
    padding: dict[str, object] = {"PixelPaddingValue": value, "PixelPaddingRangeLimit": limit}
    assert shades(-20, -11, 0, 5, 10, attributes=padding) == [0, 0, 0, 128, 255]


@pytest.mark.parametrize(("dtype", "padding"), [("u2", 63536), ("i2", -32768)])
def test_padding_beyond_bits_stored_is_a_whole_cell(dtype: str, padding: int) -> None:
    """12 stored bits hold neither value; their low 12 bits, 2096 and 0, are pixels."""
    attributes = {**twelve_bits(2048 if dtype == "u2" else 0, 11), "PixelPaddingValue": padding}
    pixels = (padding, 2096, 0) if dtype == "u2" else (padding, 2047, 0)
    shown = [0, 2096, 0] if dtype == "u2" else [0, 4095, 2048]
    assert shades(*pixels, dtype=dtype, bits=12, attributes=attributes) == shown


@pytest.mark.parametrize(("value", "limit"), [(4000, 65535), (65535, 4000), (-2000, -32768), (-32768, -2000)])
def test_range_of_padding_may_end_beyond_bits_stored(value: int, limit: int) -> None:
    """The 12 stored bits hold one end of the range only; the cells have no sign above them."""
    padding: dict[str, object] = {"PixelPaddingValue": value, "PixelPaddingRangeLimit": limit}
    if limit > 0:
        unsigned = {**twelve_bits(2048, 11), **padding}
        assert shades(4095, 4000, 3999, 1, dtype="u2", bits=12, attributes=unsigned) == [0, 0, 3999, 1]
    else:
        signed = {**twelve_bits(0, 11), **padding, "PixelRepresentation": 1}
        cells = [number & 0xFFF for number in (-2048, -2000, -1999, 2047)]
        assert shades(*cells, dtype="u2", bits=12, attributes=signed) == [0, 0, 49, 4095]


def test_image_of_padding_is_black() -> None:
    assert shades(7, 7, PixelPaddingValue=7) == [0, 0]


def test_decoded_values_move_to_the_high_bit() -> None:
    frame = Frame(Dataset(BitsAllocated=16, BitsStored=12, HighBit=15))
    assert fit_to_cells(np.array([[1, 0xFFF]], np.uint16), frame, 12).tolist() == [[0x10, 0xFFF0]]
