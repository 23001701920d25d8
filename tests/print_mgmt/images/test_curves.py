"""Choice among windows and tables, modality tables, padding, and floats: PS3.3 C.11.1, C.11.2, C.7.5.1.1.2."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dimse.data import Dataset
from print_mgmt.images import ImageError, Window, prepare


def image(pixels: list[int], dtype: str = "u2", /, **attributes: object) -> Dataset:
    array = np.array([pixels], dtype)
    bits = 8 * array.itemsize
    made: dict[str, object] = {
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": 1,
        "Columns": len(pixels),
        "BitsAllocated": bits,
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(dtype[0] == "i"),
        "PixelData": array.tobytes(),
    }
    return Dataset(**{**made, **attributes})


def table(explanation: str, *entries: int, first: int = 0, bits: int = 8) -> Dataset:
    data = np.array(entries, "<u2").tobytes()
    return Dataset(LUTDescriptor=[len(entries), first, bits], LUTData=data, LUTExplanation=explanation)


TWO_WINDOWS: dict[str, object] = {
    "WindowCenter": ["1", "50"],
    "WindowWidth": ["2", "99"],
    "WindowCenterWidthExplanation": ["NARROW", "WIDE"],
}


@pytest.mark.parametrize(
    ("choice", "seen"),
    [
        (None, [0, 255, 255, 255]),
        (1, [0, 255, 255, 255]),
        (2, [0, 1, 129, 255]),
        ("WIDE", [0, 1, 129, 255]),
        ("wide", [0, 1, 129, 255]),
        ("auto", [0, 3, 128, 255]),
        (Window(50.5, 100, "LINEAR_EXACT"), [0, 1, 127, 252]),
        (Window(50, 1), [0, 0, 255, 255]),
    ],
)
def test_window_is_chosen_by_number_explanation_or_given(choice: Window | int | str | None, seen: list[int]) -> None:
    made = image([0, 1, 50, 99], **TWO_WINDOWS)
    pixels = prepare(made, window=choice).pixels[0].tolist()
    assert np.abs(np.array(pixels) - seen).max() <= 1


@pytest.mark.parametrize("choice", [0, 3, "BONE"])
def test_choice_that_the_image_does_not_have_is_refused(choice: int | str) -> None:
    with pytest.raises(ImageError, match=r"no window .* in this image: it has 1 NARROW, 2 WIDE \(PS3.3 C.11.2\)"):
        prepare(image([0, 1], **TWO_WINDOWS), window=choice)


def test_tables_come_before_windows() -> None:
    """They are alternatives (C.11.2): a table is the first, and the windows follow."""
    made = image([0, 1, 2], VOILUTSequence=[table("", 0, 51, 255), table("INVERSE", 255, 51, 0)], **TWO_WINDOWS)
    assert prepare(made).pixels.tolist() == [[0, 51, 255]]
    assert prepare(made, window="INVERSE").pixels.tolist() == [[255, 51, 0]]
    assert prepare(made, window=3).pixels.tolist() == [[0, 255, 255]]


def test_table_that_is_not_chosen_need_not_be_right() -> None:
    made = image([0, 1, 9], VOILUTSequence=[Dataset(LUTExplanation="BROKEN")], **TWO_WINDOWS)
    assert prepare(made, window="NARROW").pixels.tolist() == [[0, 255, 255]]


def test_modality_table_comes_before_the_window() -> None:
    """Its output is what Window Center counts, and it is never negative."""
    made = image(
        [-1, 0, 1, 2],
        "i2",
        ModalityLUTSequence=[table("", 100, 40000, 65535, first=0, bits=16)],
        WindowCenter="32768",
        WindowWidth="65536",
    )
    assert prepare(made).pixels.tolist() == [[0, 0, 156, 255]]


def test_voi_table_maps_rescaled_values() -> None:
    """The first of them is -1024, a CT number."""
    made = image([0, 1024, 1025, 9999], RescaleIntercept="-1024", RescaleSlope="1")
    made.VOILUTSequence = [Dataset(LUTDescriptor=[2, 64513, 8], LUTData=bytes([0, 255]), LUTExplanation="")]
    assert prepare(made).pixels.tolist() == [[0, 255, 255, 255]]


def test_enhanced_object_keeps_a_table_in_its_functional_group() -> None:
    """Frame VOI LUT With LUT Macro, PS3.3 C.7.6.16.2.10b."""
    group = Dataset(FrameVOILUTSequence=[Dataset(VOILUTSequence=[table("", 255, 0)])])
    made = image([0, 1], PerFrameFunctionalGroupsSequence=[group])
    assert prepare(made).pixels.tolist() == [[255, 0]]


@pytest.mark.parametrize(("photometric", "black"), [("MONOCHROME1", 255), ("MONOCHROME2", 0)])
def test_padding_is_black_whatever_the_window(photometric: str, black: int) -> None:
    """It is no part of the image, even where its value is within the window: PS3.3 C.7.5.1.1.2."""
    window: dict[str, object] = {"WindowCenter": "50", "WindowWidth": "101"}
    made = image([0, 30, 99], PhotometricInterpretation=photometric, PixelPaddingValue=30, **window)
    assert prepare(made).pixels.tolist() == [[1, black, 254]]


def test_colour_knows_no_window() -> None:
    made = image([10, 20, 30], "u1", SamplesPerPixel=3, PhotometricInterpretation="RGB", Columns=1)
    assert prepare(made, color=True, window=Window(0, 1)).pixels.tolist() == [[[10, 20, 30]]]


def floats(values: list[float], keyword: str = "FloatPixelData", **attributes: object) -> Dataset:
    made = image([0] * len(values))
    del made.PixelData
    data = np.array(values, "<f4" if keyword == "FloatPixelData" else "<f8").tobytes()
    return Dataset(**{**{element.keyword: element.value for element in made}, keyword: data, **attributes})


@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
def test_floats_are_stretched_or_windowed(keyword: str) -> None:
    """PS3.3 C.7.6.24 and C.7.6.25."""
    assert prepare(floats([-1, 0, 1], keyword)).pixels.tolist() == [[0, 128, 255]]
    window = Window(0, 4, "LINEAR_EXACT")
    assert prepare(floats([-1, 0, 1], keyword), window=window).pixels.tolist() == [[64, 128, 191]]


def test_what_is_no_number_is_black_and_does_not_count() -> None:
    made = floats([float("nan"), float("inf"), -3.0, 7.0, -99.0], FloatPixelPaddingValue=-99.0)
    assert prepare(made).pixels.tolist() == [[0, 0, 0, 255, 0]]


@pytest.mark.parametrize("value", [1e38, -3.4e38])
def test_enormous_floats_overflow_to_black(value: float) -> None:
    assert prepare(floats([value], RescaleSlope="1e8")).pixels.tolist() == [[0]]
    assert prepare(floats([value * 1e200], "DoubleFloatPixelData", RescaleSlope="1e8")).pixels.shape == (1, 1)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4"])
@given(st.integers(0, 10**6), st.floats(-300, 300), st.floats(1, 600), st.sampled_from(["LINEAR", "SIGMOID"]))
def test_window_is_monotone_and_inverted_by_a_negative_slope(
    dtype: str, seed: int, centre: float, width: float, function: str
) -> None:
    pixels = np.sort(np.random.default_rng(seed).integers(0, 120, 40)).tolist()
    window = Window(centre, width, function)
    rising = prepare(image(pixels, dtype), window=window).pixels[0].astype(int)
    assert np.all(np.diff(rising) >= 0)
    falling = prepare(image(pixels, dtype, RescaleSlope="-1"), window=Window(-centre, width, function)).pixels[0]
    if function == "SIGMOID":  # symmetric about its centre; LINEAR is so about half a value less
        assert np.abs(rising + falling - 255).max() <= 1


@given(st.integers(0, 10**6))
def test_stretch_reaches_both_ends(seed: int) -> None:
    pixels: NDArray[np.int64] = np.random.default_rng(seed).integers(-500, 500, 9)
    seen = prepare(image(pixels.tolist(), "i2")).pixels[0]
    assert (seen[pixels.argmin()], seen[pixels.argmax()]) == (0, 255 if np.ptp(pixels) else 0)
