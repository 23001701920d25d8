"""PS3.5 §8 and PS3.3 §C.7.6.3: native Pixel Data and arrays."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dimse.data import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    Element,
    Finding,
    TransferSyntax,
    decode,
    encode,
    pixel_array,
    set_pixels,
    syntax_of,
)
from dimse.data.pixels import unpack_pixels
from dimse.errors import DecodeError, EncodeError

JPEG = syntax_of("1.2.840.10008.1.2.4.50")


def image(**attributes: object) -> Dataset:
    ds = Dataset(Rows=2, Columns=3, BitsAllocated=16, PixelData=np.arange(6, dtype="<u2"))
    ds.update(Dataset(**attributes))
    return ds


def test_array_is_a_view() -> None:
    data = bytearray(encode(image(), EXPLICIT_LE))
    pixels = pixel_array(decode(data, EXPLICIT_LE))
    assert pixels.tolist() == [[0, 1, 2], [3, 4, 5]]
    data[-2:] = b"\xff\xff"
    assert pixels[1, 2] == 0xFFFF


@pytest.mark.parametrize(
    ("bits", "signed", "dtype"),
    [(8, 0, "u1"), (8, 1, "i1"), (16, 0, "<u2"), (16, 1, "<i2"), (32, 0, "<u4"), (32, 1, "<i4")],
)
def test_dtype_follows_the_attributes(bits: int, signed: int, dtype: str) -> None:
    raw = np.arange(6, dtype="u1").repeat(bits // 8).tobytes()
    pixels = pixel_array(image(BitsAllocated=bits, PixelRepresentation=signed, PixelData=raw))
    assert pixels.dtype == np.dtype(dtype)
    assert pixels.shape == (2, 3)
    assert pixels.tobytes() == raw


def test_single_bits_are_read_lowest_first() -> None:
    ds = image(BitsAllocated=1, PixelData=b"\x26\0")
    assert pixel_array(ds).tolist() == [[0, 1, 1], [0, 0, 1]]
    ds = image(BitsAllocated=1, NumberOfFrames=2, PixelData=b"\x26\x08")
    assert pixel_array(ds).tolist() == [[[0, 1, 1], [0, 0, 1]], [[0, 0, 0], [0, 0, 1]]], "frames without a gap"


def test_packed_pixels_of_12_bits_are_unpacked() -> None:
    raw = bytes.fromhex("21 43 65 87 a9 cb ff 0f 00")  # lowest bits first
    pixels = unpack_pixels(raw, (1, 2, 3, 1), 12)
    assert pixels.tolist() == [[[0x321, 0x654, 0x987], [0xCBA, 0xFFF, 0x000]]]


def test_color_is_read_by_pixel_and_by_plane() -> None:
    ds = image(BitsAllocated=8, SamplesPerPixel=3, PlanarConfiguration=0, PixelData=bytes(range(18)))
    assert pixel_array(ds)[0, 1].tolist() == [3, 4, 5]
    ds.PlanarConfiguration = 1
    assert pixel_array(ds)[0, 1].tolist() == [1, 7, 13]
    assert pixel_array(ds).shape == (2, 3, 3)
    ds.NumberOfFrames = 2
    ds.PixelData = bytes(range(36))
    assert pixel_array(ds)[1, 0, 1].tolist() == [19, 25, 31]


def test_pixels_of_odd_length_are_read() -> None:
    ds = image(Rows=1, BitsAllocated=8, PixelData=b"\1\2\3\0")
    assert pixel_array(ds).tolist() == [[1, 2, 3]]
    ds.add(Element(0x7FE00010, "OB", b"\1\2\3"))
    assert pixel_array(ds).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(("vr", "bits"), [("OW", 16), ("OW", 8), ("OB", 8)])
def test_big_endian_pixels_are_swapped(vr: str, bits: int) -> None:
    ds = image(BitsAllocated=bits)
    ds.add(Element(0x7FE00010, vr, np.arange(6, dtype=f"<u{bits // 8}")))
    decoded = decode(encode(ds, EXPLICIT_BE), EXPLICIT_BE)
    assert pixel_array(decoded, EXPLICIT_BE).tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    ("syntax", "named"),
    [(JPEG, r"not compressed Pixel Data \(JPEG Baseline \(Process 1\)\)"), (None, "not compressed Pixel Data")],
    ids=["known syntax", "unknown syntax"],
)
def test_compressed_pixels_are_named(syntax: TransferSyntax | None, named: str) -> None:
    with pytest.raises(DecodeError, match=rf"^\(7FE0,0010\) PixelData: native .*, {named} \[PS3\.3 §C\.7\.6\.3\]$"):
        pixel_array(image(PixelData=[b"", b"\1\2"]), syntax)


def test_compressed_syntax_is_named_without_pixels() -> None:
    with pytest.raises(DecodeError, match="JPEG Baseline"):
        pixel_array(Dataset(), JPEG)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"PixelData": None}, r"\(7FE0,0010\) PixelData: the attribute is missing"),
        ({"Rows": None}, r"\(0028,0010\) Rows: the attribute is missing"),
        ({"Rows": [1, 2]}, r"\(0028,0010\) Rows: the value is not one integer"),
        ({"Columns": 0}, r"\(0028,0011\) Columns: 0 is less than 1"),
        ({"Rows": 0}, r"\(0028,0010\) Rows: 0 is less than 1"),
        ({"BitsAllocated": 12, "PixelData": bytes(10)}, r"\(0028,0100\) BitsAllocated: 12 is not 1, 8, 16 or 32"),
        ({"BitsAllocated": None}, r"\(0028,0100\) BitsAllocated: the attribute is missing"),
        ({"Rows": 65535, "Columns": 65535}, r"PixelData: 12 bytes, but 1 frame of 65535 x 65535 x 1 at 16 bits needs"),
        ({"PixelData": bytes(10)}, r"10 bytes, but 1 frame of 2 x 3 x 1 at 16 bits needs 12"),
    ],
)
def test_contradictory_attributes_are_rejected(attributes: dict[str, object], message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        pixel_array(image(**attributes))


def test_bytes_after_the_pixels_are_reported() -> None:
    report: list[Finding] = []
    assert pixel_array(image(PixelData=bytes(14)), report=report).shape == (2, 3)
    (found,) = report
    assert str(found) == (
        "(7FE0,0010) PixelData: 14 bytes, but 1 frame of 2 x 3 x 1 at 16 bits needs 12 [PS3.3 §C.7.6.3]"
    )
    assert pixel_array(image(PixelData=bytes(12)), report=report).shape == (2, 3)
    assert pixel_array(image(Rows=1, BitsAllocated=8, PixelData=bytes(4)), report=report).shape == (1, 3)
    assert len(report) == 1


@pytest.mark.parametrize(
    ("keyword", "dtype"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")], ids=["float", "double"]
)
def test_floating_point_pixels_are_read(keyword: str, dtype: str) -> None:
    ds = Dataset(Rows=2, Columns=3, SamplesPerPixel=1)
    ds[keyword] = np.arange(6, dtype=dtype)
    pixels = pixel_array(ds)
    assert (pixels.dtype, pixels.tolist()) == (np.dtype(dtype), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
    with pytest.raises(DecodeError, match=rf"{keyword}: 0 bytes|{keyword}: the attribute is missing"):
        pixel_array(Dataset(Rows=2, Columns=3, **{keyword: b""}))


def test_pixels_that_share_their_color_are_doubled() -> None:
    ds = image(
        Columns=2,
        BitsAllocated=8,
        SamplesPerPixel=3,
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=bytes([10, 11, 20, 30, 12, 13, 21, 31]),
    )
    assert pixel_array(ds).tolist() == [[[10, 20, 30], [11, 20, 30]], [[12, 21, 31], [13, 21, 31]]]
    ds.PixelData = bytes(range(12))  # some devices write full Cb and Cr for each pixel
    assert pixel_array(ds)[1, 1].tolist() == [9, 10, 11]


def test_pixels_of_a_second_frame_share_their_color_too() -> None:
    """Number of Frames is missing, so the object has one frame (PS3.3 C.7.6.3); the second frame is no padding."""
    ds = image(Columns=2, BitsAllocated=8, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData = bytes([10, 11, 20, 30, 12, 13, 21, 31]) * 2
    report: list[Finding] = []
    assert pixel_array(ds, report=report).tolist() == [[[10, 20, 30], [11, 20, 30]], [[12, 21, 31], [13, 21, 31]]]
    assert [finding.what for finding in report] == ["16 bytes, but 1 frame of 2 x 2 x 3 at 8 bits needs 8"]


@pytest.mark.parametrize("padding", [bytes(4), b"\1\2\3"])
def test_padding_is_no_frame_of_pixels_that_share_their_color(padding: bytes) -> None:
    ds = image(Columns=2, BitsAllocated=8, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData = bytes(range(12)) + padding
    assert pixel_array(ds)[1, 1].tolist() == [9, 10, 11]


@pytest.mark.parametrize("rows", [2, 3])
def test_pixels_that_share_their_color_need_even_columns(rows: int) -> None:
    ds = image(Rows=rows, BitsAllocated=8, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422")
    ds.PixelData = bytes(6 * rows)
    with pytest.raises(DecodeError, match="Columns: 3 is odd, but two pixels of YBR_FULL_422 share Cb and Cr"):
        pixel_array(ds)


def test_native_pixels_in_a_compressed_syntax_are_read() -> None:
    assert pixel_array(image(), JPEG).tolist() == [[0, 1, 2], [3, 4, 5]]


def test_error_names_the_path_of_an_image_in_an_item() -> None:
    box = Dataset(BasicGrayscaleImageSequence=[Dataset(PixelData=bytes(2))])
    items = decode(encode(box, EXPLICIT_LE), EXPLICIT_LE).BasicGrayscaleImageSequence
    assert isinstance(items, list)
    assert isinstance(items[0], Dataset)
    with pytest.raises(DecodeError, match=r"^\(2020,0110\)\[0\]\.\(0028,0010\) Rows: the attribute is missing"):
        pixel_array(items[0])


def test_set_pixels_describes_a_gray_image() -> None:
    ds = Dataset(PlanarConfiguration=0, NumberOfFrames=3)
    pixels = np.arange(6, dtype=np.int16).reshape(2, 3)
    set_pixels(ds, pixels, photometric="MONOCHROME2", bits_stored=12)
    described = Dataset(
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        Rows=2,
        Columns=3,
        BitsAllocated=16,
        BitsStored=12,
        HighBit=11,
        PixelRepresentation=1,
        PixelData=pixels,
    )
    assert ds == described
    value = ds.PixelData
    assert isinstance(value, memoryview)
    assert np.shares_memory(np.frombuffer(value, np.uint8), pixels)


def test_set_pixels_describes_a_color_image() -> None:
    ds = Dataset()
    pixels = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    set_pixels(ds, pixels, photometric="RGB", planar=1)
    assert (ds.SamplesPerPixel, ds.PlanarConfiguration, ds.Rows, ds.Columns) == (3, 1, 2, 3)
    assert ds.PixelData == bytes([*range(0, 18, 3), *range(1, 18, 3), *range(2, 18, 3)])


def test_set_pixels_drops_attributes_of_other_pixels() -> None:
    ds = Dataset()
    set_pixels(ds, np.zeros((2, 3), np.int16), photometric="MONOCHROME2")
    set_pixels(ds, np.zeros((2, 3), np.float32), photometric="MONOCHROME2")
    assert ds.BitsAllocated == 32
    assert not {"PixelData", "BitsStored", "HighBit", "PixelRepresentation"} & {element.keyword for element in ds}
    set_pixels(ds, np.zeros((2, 3), np.float64), photometric="MONOCHROME2")
    assert "FloatPixelData" not in ds
    set_pixels(ds, np.zeros((3, 3, 3), bool), photometric="MONOCHROME2")
    assert (ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelData) == (1, 1, 0, bytes(4))


@pytest.mark.parametrize(
    ("array", "photometric", "bits", "message"),
    [
        (np.zeros(3, np.uint8), "MONOCHROME2", None, r"MONOCHROME2 pixels cannot be an array of shape \(3,\)"),
        (np.zeros((2, 3, 4), np.uint8), "RGB", None, r"RGB pixels cannot be an array of shape \(2, 3, 4\)"),
        (np.zeros((2, 3), np.float16), "MONOCHROME2", None, "or floats of 32 or 64 bits, not float16"),
        (np.zeros((2, 3), np.uint64), "MONOCHROME2", None, "not uint64"),
        (np.zeros((2, 3), np.uint8), "MONOCHROME2", 12, "BitsStored: 12 bits cannot be stored in 8"),
        (np.zeros((2, 3), np.uint8), "MONOCHROME2", 0, "BitsStored: 0 bits"),
        (np.zeros((0, 3), np.uint8), "MONOCHROME2", None, "MONOCHROME2 pixels cannot be an array of shape"),
        (np.zeros((70000, 1), np.uint8), "MONOCHROME2", None, r"\(0028,0010\): US cannot hold 70000"),
    ],
)
def test_other_arrays_are_rejected(
    array: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", photometric: str, bits: int | None, message: str
) -> None:
    with pytest.raises(EncodeError, match=message):
        set_pixels(Dataset(), array, photometric=photometric, bits_stored=bits)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"photometric": "RGB", "planar": 2}, "PlanarConfiguration: 2 is neither 0 nor 1"),
        ({"photometric": "YBR_FULL_422"}, "PhotometricInterpretation: two pixels of YBR_FULL_422 share Cb and Cr"),
        ({"photometric": "lower"}, r"\(0028,0004\): CS cannot hold 'lower'"),
    ],
)
def test_refused_pixels_change_nothing(arguments: dict[str, Any], message: str) -> None:
    """Uncompressed YBR_FULL_422 has one Cb and Cr for two pixels, PS3.3 C.7.6.3.1.2."""
    ds = image()
    with pytest.raises(EncodeError, match=f"^{message}"):
        set_pixels(ds, np.zeros((2, 2, 3), np.uint8), **arguments)
    assert ds == image()


@pytest.mark.parametrize(("vr", "value"), [("US", [1, 2]), ("UL", 1), ("UT", "text")])
def test_pixels_in_a_vr_of_values_are_refused(vr: str, value: object) -> None:
    ds = image()
    ds.add(Element(0x7FE00010, vr, value))
    with pytest.raises(DecodeError, match=rf"^\(7FE0,0010\) PixelData: VR {vr} cannot hold pixels"):
        pixel_array(ds)


@given(
    st.sampled_from(["?", "u1", "i1", "<u2", ">u2", "<i2", ">i2", "<u4", ">i4", "<f4", ">f8"]).flatmap(
        lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=2, max_dims=3, max_side=5))
    ),
    st.booleans(),
    st.sampled_from([0, 1]),
    st.sampled_from([IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE]),
)
def test_pixel_array_undoes_set_pixels(
    array: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", is_color: bool, planar: int, syntax: TransferSyntax
) -> None:
    if is_color:
        array = np.stack([array, array, np.flip(array)], axis=-1)
    ds = Dataset()
    set_pixels(ds, array, photometric="RGB" if is_color else "MONOCHROME1", planar=planar)
    back = pixel_array(decode(encode(ds, syntax), syntax), syntax)
    one = array.ndim - is_color == 3 and len(array) == 1
    assert np.array_equal(back, array[0] if one else array, equal_nan=array.dtype.kind == "f")
