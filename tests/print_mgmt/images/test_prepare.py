"""Preparation of images of all kinds: real files, compared with pydicom, and made ones."""

import os
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from cycles import cycles_left
from hypothesis import given
from hypothesis import strategies as st
from image_objects import image_of, shades
from pydicom.data import get_testdata_file
from pydicom.pixels import apply_modality_lut, apply_windowing

from dimse.data import EXPLICIT_LE, Dataset, Element, encode, tag_of
from print_mgmt.film import PrintImage
from print_mgmt.images import ImageError, prepare

WINDOWED = [
    *("MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"),
    *("examples_overlay.dcm", "dicomdirtests/77654033/CR1/6154", "dicomdirtests/77654033/CT2/17106"),
    *("dicomdirtests/98892001/CT2N/6293", "dicomdirtests/98892001/CT5N/2062"),
    *("dicomdirtests/98892003/MR1/15820", "dicomdirtests/98892003/MR700/4467"),
]
COLOR = [
    *("examples_rgb_color.dcm", "SC_rgb_small_odd.dcm", "SC_rgb_small_odd_big_endian.dcm"),
    *("ExplVR_BigEnd.dcm", "SC_rgb_jpeg_dcmd.dcm"),
]


def path_of(name: str) -> str:
    path = get_testdata_file(name)
    assert isinstance(path, str)
    return path


def theirs(name: str) -> pydicom.FileDataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path_of(name))


# Real files


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("name", WINDOWED)
def test_rescale_and_first_window_agree_with_pydicom(name: str, bits: int) -> None:
    """The range is that of 8 or 12 bits, and values are rounded to the nearest."""
    other = theirs(name)
    values = apply_modality_lut(other.pixel_array, other).astype(np.float64)
    low, high = _range_of(other)
    expected = (apply_windowing(values, other, index=0) - low) / (high - low) * ((1 << bits) - 1)
    image = prepare(path_of(name), bits=12 if bits == 12 else 8, overlays="NONE")
    assert image.BitsStored == bits
    assert image.pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert image.PhotometricInterpretation == other.PhotometricInterpretation
    assert np.abs(image.pixels - expected).max() <= 0.5 + 1e-6


def _range_of(other: pydicom.FileDataset) -> tuple[float, float]:
    """Return the output range of pydicom's window: the stored values, rescaled."""
    signed, bits = other.PixelRepresentation, other.BitsStored
    ends = np.array([-(1 << bits - 1), (1 << bits - 1) - 1] if signed else [0, (1 << bits) - 1])
    ends = ends * float(other.get("RescaleSlope", 1)) + float(other.get("RescaleIntercept", 0))
    return float(ends.min()), float(ends.max())


def test_image_without_window_is_stretched() -> None:
    """CT_small has no window, and -2000 (outside the scanner's circle) would be its padding."""
    values = theirs("CT_small.dcm").pixel_array.astype(np.float64)
    low, high = values[values != -2000].min(), values.max()
    image = prepare(path_of("CT_small.dcm"))
    assert np.abs(image.pixels - (values - low).clip(0) / (high - low) * 255).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("name", COLOR)
def test_color_is_kept(name: str) -> None:
    image = prepare(path_of(name), color=True)
    assert image.PhotometricInterpretation == "RGB"
    assert np.array_equal(image.pixels, theirs(name).pixel_array)


@pytest.mark.parametrize("bits", [8, 12])
def test_color_becomes_gray_by_luminance(bits: int) -> None:
    """0.299 R + 0.587 G + 0.114 B: the Y of YBR_FULL."""
    expected = theirs("examples_rgb_color.dcm").pixel_array @ [0.299, 0.587, 0.114]
    image = prepare(path_of("examples_rgb_color.dcm"), bits=12 if bits == 12 else 8)
    assert (image.PhotometricInterpretation, image.BitsStored) == ("MONOCHROME2", bits)
    assert np.abs(image.pixels - expected * ((1 << bits) - 1) / 255).max() <= 0.5 + 1e-6


def test_monochrome1_is_inverted_in_color_only() -> None:
    """In RGB the lowest value is always black."""
    path = path_of("dicomdirtests/77654033/CR1/6154")
    gray, color = prepare(path), prepare(path, color=True)
    assert gray.PhotometricInterpretation == "MONOCHROME1"
    for plane in range(3):
        assert np.array_equal(color.pixels[..., plane], 255 - gray.pixels)


def test_spacing_gives_the_aspect() -> None:
    """Pixel Spacing is the distance of rows, then of columns: vertical, horizontal."""
    vertical, horizontal = prepare(path_of("dicomdirtests/98892001/CT2N/6293")).PixelAspectRatio
    assert vertical / horizontal == pytest.approx(0.545455 / 0.596847, abs=1e-6)
    assert max(vertical, horizontal) <= 1000
    assert prepare(path_of("CT_small.dcm")).PixelAspectRatio == (1, 1)


def test_one_frame_of_many_is_printed() -> None:
    frames = theirs("rtdose.dcm").pixel_array.astype(np.float64)
    for number in (1, 7, 15):
        spread = (frames[number - 1] - frames.min()) / np.ptp(frames)
        assert np.abs(prepare(path_of("rtdose.dcm"), frame=number).pixels - spread * 255).max() <= 0.51
    for number in (-1, 0, 16):
        with pytest.raises(ImageError, match=f"there is no frame {number}: the image has 15"):
            prepare(path_of("rtdose.dcm"), frame=number)


def test_single_bits_are_black_and_white() -> None:
    mask = theirs("liver_1frame.dcm").pixel_array
    assert np.array_equal(prepare(path_of("liver_1frame.dcm")).pixels, mask * 255)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rtplan.dcm", r"no Pixel Data \(7FE0,0010\): not an image"),
        ("MR_truncated.dcm", "8192 bytes, but only 8130 follow"),
    ],
)
def test_error_names_file_and_reason(name: str, message: str) -> None:
    """The error is one line, as in a list of many files."""
    path = path_of(name)
    with pytest.raises(ImageError, match=message) as caught:
        prepare(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_other_file_is_not_a_dicom_file(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(b"Dear colleague," + bytes(200))
    with pytest.raises(ImageError, match=r"letter\.txt: not a DICOM file"):
        prepare(path)


def test_data_set_that_breaks_off_after_its_pixels_is_printed(tmp_path: Path) -> None:
    """Data Set Trailing Padding, the last element, is often cut off."""
    path, padding = tmp_path / "cut.dcm", b"\xfc\xff\xfc\xffOB\0\0\0\1\0\0half"
    made = image_of(np.array([[1, 2, 3]], np.int16))
    path.write_bytes(encode(made, EXPLICIT_LE) + padding)
    image = prepare(path)
    assert image.pixels.tolist() == [[0, 128, 255]]
    assert "the Data Set breaks off after its pixels: (FFFC,FFFC): a value of 256 bytes, but" in image.notes[0]


def test_data_set_that_breaks_off_in_its_pixels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    path.write_bytes(encode(image_of(np.array([[1, 2, 3]], np.int16)), EXPLICIT_LE)[:-1])
    with pytest.raises(ImageError, match=r"cut.dcm: \(7FE0,0010\): a value of 6 bytes, but only 5 follow"):
        prepare(path)


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        prepare(os.fspath(tmp_path / "gone.dcm"))


def test_impossible_file_name_is_refused() -> None:
    with pytest.raises(ImageError, match="NUL"):
        prepare("film\0.dcm")


# Rescale and window


def test_negative_slope_inverts_the_image() -> None:
    assert shades(0, 1, 2, RescaleSlope="-1", RescaleIntercept="10") == [255, 128, 0]


def test_first_of_several_windows_is_used() -> None:
    assert shades(0, 1, 10, 99, WindowCenter=["1", "50"], WindowWidth=["2", "99"]) == [0, 255, 255, 255]


def test_empty_window_is_ignored() -> None:
    assert shades(5, 10, 15, WindowCenter=None, WindowWidth=None) == [0, 128, 255]


@pytest.mark.parametrize(("dtype", "value", "seen"), [("u2", 51 * 257, 51), ("i2", 0, 128), ("u4", 2**32 - 1, 255)])
def test_image_of_one_value_uses_the_range_of_its_bits(dtype: str, value: int, seen: int) -> None:
    """It has the brightness of its value within that range."""
    assert shades(value, value, dtype=dtype) == [seen, seen]


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"RescaleSlope": "1e300"}, r"RescaleSlope 1e\+300 or RescaleIntercept 0 is not between"),
        ({"SamplesPerPixel": 3}, "SamplesPerPixel 3 contradicts MONOCHROME2"),
        ({"PhotometricInterpretation": None}, "PhotometricInterpretation ''"),
        ({"Rows": 2}, "Pixel"),
        ({"ModalityLUTSequence": [Dataset(LUTDescriptor=[2, 0, 17], LUTData=bytes(4))]}, r"LUTDescriptor \[2, 0, 17\]"),
    ],
)
def test_error_names_the_wrong_attribute(attributes: dict[str, object], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        prepare(image_of(np.array([[1, 2]], np.int16), **attributes))


@pytest.mark.parametrize(
    ("attributes", "note"),
    [
        ({"WindowCenter": "1", "WindowWidth": "0"}, "WindowWidth 0 must be at least 1"),
        ({"WindowCenter": "1", "WindowWidth": "0.5"}, "WindowWidth 0.5 must be at least 1"),
        ({"WindowCenter": "1", "WindowWidth": "-9", "VOILUTFunction": "SIGMOID"}, "must be positive"),
        ({"WindowCenter": b"AUTO", "WindowWidth": "9"}, "WindowCenter or WindowWidth is not a number"),
        ({"VOILUTSequence": [Dataset()]}, r"VOILUTSequence[0] has no LUTDescriptor"),
        ({"ModalityLUTSequence": [Dataset()]}, r"ModalityLUTSequence[0] has no LUTDescriptor"),
        ({"ModalityLUTSequence": [Dataset(LUTDescriptor=[4, 0, 16])]}, r"ModalityLUTSequence[0] has no LUTData"),
        ({"ModalityLUTSequence": [Dataset(LUTData=b"12345678")]}, r"ModalityLUTSequence[0] has no LUTDescriptor: "),
        ({"VOILUTSequence": [Dataset(LUTDescriptor=[4, 0, 16])]}, r"VOILUTSequence[0] has no LUTData"),
        ({"PixelSpacing": ["1", "0.001"]}, "PixelSpacing 1 to 0.001: one side of a pixel"),
        ({"PixelSpacing": b"N/A "}, "PixelSpacing 'N/A' is not numeric"),
        ({"RescaleSlope": "0"}, "RescaleSlope 0 would make all pixels equal"),
        ({"PhotometricInterpretation": b"Monochrome 2"}, "'Monochrome 2' is read as MONOCHROME2"),
    ],
)
def test_wrong_attribute_beside_the_pixels_is_ignored(attributes: dict[str, object], note: str) -> None:
    """There is a note; the values are stretched as without a window."""
    made = prepare(image_of(np.array([[1, 2, 3]], np.int16), **attributes))
    assert made.pixels.tolist() == [[0, 128, 255]]
    assert any(note in words for words in made.notes)


@pytest.mark.parametrize("function", [b"CUBIC ", b"linear", b" LINEAR "])
def test_unknown_window_function_is_linear(function: bytes) -> None:
    window: dict[str, object] = {"WindowCenter": "2", "WindowWidth": "3", "VOILUTFunction": function}
    assert shades(0, 1, 2, 3, attributes=window) == [0, 64, 191, 255]


def test_next_window_replaces_a_wrong_one() -> None:
    assert shades(0, 1, 10, 99, WindowCenter=["0", "1"], WindowWidth=["0", "2"]) == [0, 255, 255, 255]


def test_number_in_a_text_vr_is_read() -> None:
    """A wrong VR does not lose a value with a plain meaning."""
    made = image_of(np.array([[0, 1, 10]], np.int16), WindowWidth="2")
    made.add(Element(tag_of("WindowCenter"), "LO", "1"))
    assert prepare(made).pixels.tolist() == [[0, 255, 255]]


def test_aspect_in_decimals_is_read_as_a_ratio() -> None:
    made = image_of(np.array([[0, 1]], np.int16))
    made.add(Element(tag_of("PixelAspectRatio"), "IS", b"1.5\\1.0 "))
    assert prepare(made).PixelAspectRatio == (3, 2)


HOSTILE = st.fixed_dictionaries(
    {},
    optional={
        "BitsStored": st.integers(0, 65535),
        "HighBit": st.integers(0, 65535),
        "PixelRepresentation": st.integers(0, 3),
        "RescaleSlope": st.sampled_from(["0", "-1", "1e308", "-1e-308", "0.1"]),
        "RescaleIntercept": st.sampled_from(["0", "1e308", "-1024"]),
        "WindowCenter": st.sampled_from(["0", "1e308", "-1e308", "40", b"forty "]),
        "WindowWidth": st.sampled_from(["0", "1", "1e308", "1e-308", "400"]),
        "VOILUTFunction": st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID", "", "X"]),
        "PixelPaddingValue": st.integers(0, 65535),
        "PixelPaddingRangeLimit": st.integers(0, 65535),
        "PixelAspectRatio": st.lists(st.integers(-(2**31), 2**31 - 1), max_size=3),
        "PhotometricInterpretation": st.sampled_from(["MONOCHROME1", "MONOCHROME2", "RGB"]),
        "SamplesPerPixel": st.sampled_from([0, 1, 3]),
        "Rows": st.integers(0, 3),
        "NumberOfFrames": st.integers(-1, 3),
    },
)


@given(HOSTILE, st.sampled_from(["u1", "i2", "u2", "i4"]), st.booleans())
def test_any_attributes_give_image_or_image_error(attributes: dict[str, object], dtype: str, color: bool) -> None:
    made = image_of(np.arange(6).astype(dtype).reshape(2, 3))
    for keyword, value in attributes.items():
        if keyword.startswith("PixelPadding"):
            made.add(Element(tag_of(keyword), "US", value))
        else:
            made[keyword] = value
    try:
        image = prepare(made, color=color)
    except ImageError:
        return
    assert image.pixels.ndim == (3 if color else 2)


def test_enhanced_object_has_windows_in_functional_groups() -> None:
    """PS3.3 C.7.6.16: the groups of the frame come before the shared ones."""

    def window(center: str) -> list[Dataset]:
        return [Dataset(WindowCenter=center, WindowWidth="2")]

    enhanced = image_of(
        np.array([[0, 10, 20], [0, 10, 20]], np.uint16),
        Rows=1,
        NumberOfFrames=2,
        SharedFunctionalGroupsSequence=[
            Dataset(
                FrameVOILUTSequence=window("99.5"),
                PixelMeasuresSequence=[Dataset(PixelSpacing=["2", "1"])],
                PixelValueTransformationSequence=[Dataset(RescaleSlope="1", RescaleIntercept="5")],
            )
        ],
        PerFrameFunctionalGroupsSequence=[
            Dataset(FrameVOILUTSequence=window("10.5")),
            Dataset(FrameVOILUTSequence=window("20.5")),
        ],
    )
    first, second = prepare(enhanced), prepare(enhanced, frame=2)
    assert first.pixels.tolist() == [[0, 255, 255]]
    assert second.pixels.tolist() == [[0, 0, 255]]
    assert second.PixelAspectRatio == (2, 1)


@pytest.mark.parametrize("bits", [0, 10, 16])
def test_image_boxes_take_8_or_12_bits(bits: int) -> None:
    with pytest.raises(ImageError, match=f"bits {bits}"):
        prepare(np.zeros((2, 2), np.uint8), bits=bits)  # type: ignore[arg-type]


def test_prepared_image_is_a_print_image() -> None:
    assert isinstance(prepare(np.zeros((2, 2), np.uint8)), PrintImage)


def test_prepared_image_leaves_no_cycle() -> None:
    """A cycle would keep the pixels of each image until the garbage collector finds it."""
    path = get_testdata_file("CT_small.dcm")
    with cycles_left() as left:
        prepare(path)
    assert left == set()
