"""Choice among windows and tables, modality tables, padding, and floats: PS3.3 C.11.1, C.11.2, C.7.5.1.1.2."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_objects import image_of
from numpy.typing import NDArray

from dimse.data import Dataset
from print_mgmt.images import ImageError, Window, prepare


def image(pixels: list[int], dtype: str = "u2", /, **attributes: object) -> Dataset:
    return image_of(np.array([pixels], dtype), **attributes)


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
def test_window_is_chosen_by_number_or_explanation(choice: Window | int | str | None, seen: list[int]) -> None:
    made = image([0, 1, 50, 99], **TWO_WINDOWS)
    pixels = prepare(made, window=choice).pixels[0].tolist()
    assert np.abs(np.array(pixels) - seen).max() <= 1


def test_number_of_a_window_is_not_its_explanation() -> None:
    made = image([0, 1, 2, 3], **{**TWO_WINDOWS, "WindowCenterWidthExplanation": ["2", "1"]})
    by_number = [prepare(made, window=number).pixels.tolist() for number in (1, 2)]
    assert by_number == [prepare(made, window=text).pixels.tolist() for text in ("2", "1")]


@pytest.mark.parametrize("choice", [0, 3, "BONE"])
def test_missing_window_is_refused(choice: int | str) -> None:
    has = r"it has 1 NARROW, 2 WIDE \(PS3.3 C.11.2\)"
    with pytest.raises(ImageError, match=f"no VOI LUT or window .* in this image: {has}"):
        prepare(image([0, 1], **TWO_WINDOWS), window=choice)


def test_tables_come_before_windows() -> None:
    """They are alternatives (C.11.2): tables have the first numbers, windows follow."""
    made = image([0, 1, 2], VOILUTSequence=[table("", 0, 51, 255), table("INVERSE", 255, 51, 0)], **TWO_WINDOWS)
    assert prepare(made).pixels.tolist() == [[0, 51, 255]]
    assert prepare(made, window="INVERSE").pixels.tolist() == [[255, 51, 0]]
    assert prepare(made, window=3).pixels.tolist() == [[0, 255, 255]]


def test_unchosen_table_may_be_broken() -> None:
    made = image([0, 1, 9], VOILUTSequence=[Dataset(LUTExplanation="BROKEN")], **TWO_WINDOWS)
    assert prepare(made, window="NARROW").pixels.tolist() == [[0, 255, 255]]


def test_modality_table_comes_before_the_window() -> None:
    """Window Center is in units of its output, which is never negative."""
    made = image(
        [-1, 0, 1, 2],
        "i2",
        ModalityLUTSequence=[table("", 100, 40000, 65535, first=0, bits=16)],
        WindowCenter="32768",
        WindowWidth="65536",
    )
    assert prepare(made).pixels.tolist() == [[0, 0, 156, 255]]


def test_voi_table_maps_rescaled_values() -> None:
    """The first value is -1024, a CT number."""
    made = image([0, 1024, 1025, 9999], RescaleIntercept="-1024", RescaleSlope="1")
    made.VOILUTSequence = [Dataset(LUTDescriptor=[2, 64513, 8], LUTData=bytes([0, 255]), LUTExplanation="")]
    assert prepare(made).pixels.tolist() == [[0, 255, 255, 255]]


def test_enhanced_object_has_tables_in_functional_groups() -> None:
    """Frame VOI LUT With LUT Macro, PS3.3 C.7.6.16.2.10b."""
    group = Dataset(FrameVOILUTSequence=[Dataset(VOILUTSequence=[table("", 255, 0)])])
    made = image([0, 1], PerFrameFunctionalGroupsSequence=[group])
    assert prepare(made).pixels.tolist() == [[255, 0]]


WINDOW: dict[str, object] = {"WindowCenter": "100", "WindowWidth": "200"}


@pytest.mark.parametrize(
    "item",
    [
        Dataset(),
        Dataset(WindowCenter=["0", "0"], WindowWidth=["0", "0"]),
        Dataset(WindowCenter=None, WindowWidth=None),
        Dataset(WindowCenter="100"),
        Dataset(VOILUTSequence=[Dataset()]),
        Dataset(VOILUTSequence=[]),
    ],
)
def test_invalid_frame_window_yields_to_the_next_place(item: Dataset) -> None:
    """Per frame, shared, top level: the first valid window of any place is used."""
    right = prepare(image([0, 50, 100, 4000], **WINDOW)).pixels.tolist()
    group, good = Dataset(FrameVOILUTSequence=[item]), Dataset(FrameVOILUTSequence=[Dataset(**WINDOW)])
    made = image([0, 50, 100, 4000], SharedFunctionalGroupsSequence=[group], **WINDOW)
    assert prepare(made).pixels.tolist() == right
    made = image([0, 50, 100, 4000], SharedFunctionalGroupsSequence=[good], PerFrameFunctionalGroupsSequence=[group])
    assert prepare(made).pixels.tolist() == right


def test_frame_window_comes_before_that_of_the_object() -> None:
    group = Dataset(FrameVOILUTSequence=[Dataset(**WINDOW)])
    made = image([0, 50, 4000], SharedFunctionalGroupsSequence=[group], WindowCenter="2000", WindowWidth="4000")
    assert prepare(made).pixels.tolist() == prepare(image([0, 50, 4000], **WINDOW)).pixels.tolist()


@pytest.mark.parametrize(
    "item",
    [
        Dataset(),
        Dataset(RescaleSlope=None),
        Dataset(RescaleSlope="0", RescaleIntercept="0"),
        Dataset(RescaleSlope="1e30", RescaleIntercept="0"),
    ],
)
def test_invalid_frame_rescale_yields_to_the_next_place(item: Dataset) -> None:
    rescale: dict[str, object] = {"RescaleSlope": "2", "RescaleIntercept": "-10"}
    right = prepare(image([0, 30, 60], **WINDOW, **rescale)).pixels.tolist()
    group = Dataset(PixelValueTransformationSequence=[item])
    good = Dataset(PixelValueTransformationSequence=[Dataset(**rescale)])
    made = image([0, 30, 60], **WINDOW, **rescale, SharedFunctionalGroupsSequence=[group])
    assert prepare(made).pixels.tolist() == right
    groups: dict[str, object] = {"SharedFunctionalGroupsSequence": [good], "PerFrameFunctionalGroupsSequence": [group]}
    assert prepare(image([0, 30, 60], **WINDOW, **groups)).pixels.tolist() == right


@pytest.mark.parametrize(("photometric", "black"), [("MONOCHROME1", 255), ("MONOCHROME2", 0)])
def test_padding_is_black_with_any_window(photometric: str, black: int) -> None:
    """It does not belong to the image, even if its value is within the window: PS3.3 C.7.5.1.1.2."""
    window: dict[str, object] = {"WindowCenter": "50", "WindowWidth": "101"}
    made = image([0, 30, 99], PhotometricInterpretation=photometric, PixelPaddingValue=30, **window)
    assert prepare(made).pixels.tolist() == [[1, black, 254]]


@pytest.mark.parametrize("written", ["MONOCHROME 1", "MONOCHROME_1"])
def test_padding_is_black_though_monochrome1_is_misspelled(written: str) -> None:
    made = image([0, 30, 99], PhotometricInterpretation=written, PixelPaddingValue=30, WindowCenter=50, WindowWidth=101)
    assert prepare(made).pixels.tolist() == [[1, 255, 254]]
    assert prepare(made, color=True).pixels[..., 0].tolist() == [[254, 0, 1]]


def test_windows_do_not_apply_to_color() -> None:
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


def test_nan_and_infinity_are_padding() -> None:
    made = floats([float("nan"), float("inf"), -3.0, 7.0, -99.0], FloatPixelPaddingValue=-99.0)
    assert prepare(made).pixels.tolist() == [[0, 0, 0, 255, 0]]


@pytest.mark.parametrize("value", [1e38, -3.4e38])
def test_enormous_floats_overflow_to_black(value: float) -> None:
    made = floats([value * 1e263, 0.0, 1.0], "DoubleFloatPixelData", RescaleSlope="1e8")
    assert prepare(made).pixels.tolist() == [[0, 0, 255]]


@pytest.mark.parametrize(("value", "seen"), [(0.0, 0), (0.4, 102), (1.0, 255), (1e38, 255), (-2.0, 0)])
def test_floats_of_one_value_use_0_to_1(value: float, seen: int) -> None:
    """They have no bits with a range, and an image of one value should not be black."""
    assert prepare(floats([value, value])).pixels.tolist() == [[seen, seen]]


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4"])
@given(st.integers(0, 10**6), st.floats(-300, 300), st.floats(1, 600), st.sampled_from(["LINEAR", "SIGMOID"]))
def test_window_is_monotone_and_inverted_by_a_negative_slope(
    dtype: str, seed: int, center: float, width: float, function: str
) -> None:
    pixels = np.sort(np.random.default_rng(seed).integers(0, 120, 40)).tolist()
    window = Window(center, width, function)
    rising = prepare(image(pixels, dtype), window=window).pixels[0].astype(int)
    assert np.all(np.diff(rising) >= 0)
    falling = prepare(image(pixels, dtype, RescaleSlope="-1"), window=Window(-center, width, function)).pixels[0]
    if function == "SIGMOID":  # symmetric about its center; LINEAR is so about half a value less
        assert np.abs(rising + falling - 255).max() <= 1


@given(st.integers(0, 10**6))
def test_stretch_reaches_both_ends(seed: int) -> None:
    pixels: NDArray[np.int64] = np.random.default_rng(seed).integers(-500, 500, 9)
    seen = prepare(image(pixels.tolist(), "i2")).pixels[0]
    assert (seen[pixels.argmin()], seen[pixels.argmax()]) == (0, 255 if np.ptp(pixels) else 0)


# Without a window

SC = "1.2.840.10008.5.1.4.1.1.7"
XA = "1.2.840.10008.5.1.4.1.1.12"


@pytest.mark.parametrize(
    ("pixels", "dtype", "attributes", "seen"),
    [
        ([10, 20, 200], "u1", {}, [10, 20, 200]),
        ([-128, 0, 127], "i1", {}, [0, 128, 255]),
        ([0, 51], "u2", {"BitsStored": 8, "HighBit": 7}, [0, 51]),
        ([0, 257, 51 * 257], "u2", {"SOPClassUID": f"{SC}.3"}, [0, 1, 51]),
        ([0, 257, 51 * 257], "u2", {"PresentationLUTShape": "IDENTITY"}, [0, 1, 51]),
        ([0, 257, 51 * 257], "u2", {}, [0, 5, 255]),
        ([0, 257, 51 * 257], "u2", {"PresentationLUTShape": "IDENTITY", "NumberOfFrames": 1}, [0, 5, 255]),
        ([10, 20], "u1", {"RescaleSlope": "-1", "RescaleIntercept": "0"}, [245, 235]),
    ],
    ids=["8 bits", "signed", "8 of 16", "word SC", "P-Values", "16 bits", "enhanced", "rescaled"],
)
def test_p_values_and_8_bits_use_the_range_of_their_bits(
    pixels: list[int], dtype: str, attributes: dict[str, object], seen: list[int]
) -> None:
    """PS3.3 A.8.3.4, A.8.4.4: without a VOI LUT they are P-Values. Other values are stretched."""
    assert prepare(image(pixels, dtype, **attributes)).pixels.tolist() == [seen]


@pytest.mark.parametrize(("shape", "photometric"), [("INVERSE", "MONOCHROME2"), ("IDENTITY", "MONOCHROME1")])
def test_lut_shape_does_not_invert_but_is_noted(shape: str, photometric: str) -> None:
    """DCMTK and dcm4che let the shape decide; by PS3.3 C.8.11.3 the two attributes never differ."""
    made = prepare(image([0, 51], "u1", PresentationLUTShape=shape, PhotometricInterpretation=photometric))
    assert (made.pixels.tolist(), made.PhotometricInterpretation) == ([[0, 51]], photometric)
    assert made.notes == (f"PresentationLUTShape {shape} contradicts {photometric}: ignored (PS3.3 C.8.11.3)",)


def test_auto_window_stretches_p_values() -> None:
    assert prepare(image([10, 20, 30], "u1"), window="auto").pixels.tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_frames_of_one_object_share_a_range(number: int) -> None:
    """Equal rescaled values of two frames are equal on the film."""
    groups = [
        Dataset(PixelValueTransformationSequence=[Dataset(RescaleSlope=str(slope), RescaleIntercept="0")])
        for slope in (1, 1, 2)
    ]
    made = image([0, 100, 50, 100, 100, 200], Rows=1, Columns=2, NumberOfFrames=3)
    made.PerFrameFunctionalGroupsSequence = groups
    expected = {1: [0, 64], 2: [32, 64], 3: [128, 255]}[number]
    assert prepare(made, frame=number).pixels.tolist() == [expected]


def test_broken_frame_does_not_count_for_the_range() -> None:
    made = image([0, 100, 50, 200], Columns=2, NumberOfFrames=2)
    made.PerFrameFunctionalGroupsSequence = [
        Dataset(),
        Dataset(PixelValueTransformationSequence=[Dataset(RescaleSlope="1e300", RescaleIntercept="0")]),
    ]
    assert prepare(made).pixels.tolist() == [[0, 255]]


# Angiography


@pytest.mark.parametrize(
    ("sop_class", "relationship", "is_applied"),
    [
        (f"{XA}.1", "LOG", False),
        (f"{XA}.1", "DISP", False),
        (f"{XA}.2", "LOG", False),
        (f"{XA}.3", "DISP", False),
        (f"{XA}.1", None, False),
        (f"{XA}.1", "LIN", True),
        (SC, "LOG", True),
    ],
)
@pytest.mark.parametrize("kind", ["table", "rescale"])
def test_rescale_of_angiography_is_not_applied(
    kind: str, sop_class: str, relationship: str | None, is_applied: bool
) -> None:
    """PS3.3 C.8.7.1.1.2: it leads back to the intensity of the beam; windows apply to stored values."""
    modality: dict[str, object] = {"RescaleSlope": "100", "RescaleIntercept": "0"}
    if kind == "table":
        modality = {"ModalityLUTSequence": [table("", 0, 100, 200, 300, bits=16)]}
    window: dict[str, object] = {"WindowCenter": "2", "WindowWidth": "4"}
    described: dict[str, object] = {"SOPClassUID": sop_class, "PixelIntensityRelationship": relationship}
    seen = [0, 255, 255, 255] if is_applied else [0, 85, 170, 255]
    assert prepare(image([0, 1, 2, 3], **modality, **window, **described)).pixels.tolist() == [seen]


# Broken tables


def test_window_replaces_a_broken_table() -> None:
    """They are alternatives, C.11.2.1."""
    broken = Dataset(LUTDescriptor=[4096, 0, 12], LUTData=bytes(6))
    made = prepare(image([0, 1, 2, 3], VOILUTSequence=[broken], WindowCenter="2", WindowWidth="4"))
    assert made.pixels.tolist() == [[0, 85, 170, 255]]
    assert any("LUTData has 3 of 4096 entries: ignored" in note for note in made.notes)


def test_short_modality_table_serves_its_entries() -> None:
    short = Dataset(LUTDescriptor=[256, 0, 16], LUTData=np.array([0, 10, 20], "<u2").tobytes())
    window: dict[str, object] = {"WindowCenter": "10.5", "WindowWidth": "21"}
    assert prepare(image([0, 1, 2], ModalityLUTSequence=[short], **window)).pixels.tolist() == [[0, 128, 255]]
    with pytest.raises(ImageError, match=r"ModalityLUTSequence\[0\] LUTData has 3 of the 256 entries"):
        prepare(image([0, 1, 3], ModalityLUTSequence=[short], **window))


def test_table_of_too_few_bits_is_noted() -> None:
    """It is used as the descriptor says, C.11.2.1.1, unless the user has it spread over its largest entry."""
    made = image([0, 1], VOILUTSequence=[table("", 0, 4095, bits=16)])
    dark = prepare(made, bits=12)
    assert dark.pixels.tolist() == [[0, 256]]
    assert "VOILUTSequence[0] LUTDescriptor says 16 bits, but the largest entry is 4095" in dark.notes[0]
    assert prepare(made, bits=12, scale_lut=True).pixels.tolist() == [[0, 4095]]


def test_table_of_too_many_bits_uses_its_entries() -> None:
    made = prepare(image([0, 1, 2], VOILUTSequence=[table("", 0, 2048, 4095, bits=8)]))
    assert made.pixels.tolist() == [[0, 128, 255]]
    assert "more than the 8 bits" in made.notes[0]
    assert len(made.notes) == 1, "its largest entry is white"
