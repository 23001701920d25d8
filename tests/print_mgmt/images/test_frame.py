"""The size of a pixel, from several attributes, for aspect and true size."""

import numpy as np
import pytest
from image_objects import image_of

from dimse.data import Dataset, Element, tag_of
from print_mgmt.images import ImageError, prepare


def image(**attributes: object) -> Dataset:
    return image_of(np.zeros((1, 100), np.uint8), **attributes)


@pytest.mark.parametrize(
    ("attributes", "spacing"),
    [
        ({}, None),
        ({"PixelSpacing": ["0.5", "0.25"]}, (0.5, 0.25)),
        ({"ImagerPixelSpacing": ["0.1", "0.1"]}, (0.1, 0.1)),
        ({"NominalScannedPixelSpacing": ["0.2", "0.2"]}, (0.2, 0.2)),
        ({"PixelSpacing": ["0.5", "0.5"], "ImagerPixelSpacing": ["0.6", "0.6"]}, (0.5, 0.5)),
        ({"PixelSpacing": ["0", "0"], "ImagerPixelSpacing": ["0.6", "0.6"]}, (0.6, 0.6)),
        ({"PixelSpacing": None}, None),
    ],
)
def test_true_size_is_columns_times_spacing(attributes: dict[str, object], spacing: tuple[float, float] | None) -> None:
    """Requested Image Size is the width of the image in mm, PS3.3 C.13.5; spacing in the patient comes first."""
    assert prepare(image(**attributes)).PixelSpacing == spacing


def test_enhanced_frame_has_its_own_spacing() -> None:
    """Pixel Measures Macro, PS3.3 C.7.6.16.2.1; X-Ray: Frame Pixel Data Properties Macro."""
    groups = [Dataset(PixelMeasuresSequence=[Dataset(PixelSpacing=["0.7", "0.7"])])]
    assert prepare(image(PerFrameFunctionalGroupsSequence=groups)).PixelSpacing == (0.7, 0.7)
    groups = [Dataset(FramePixelDataPropertiesSequence=[Dataset(ImagerPixelSpacing=["0.3", "0.3"])])]
    assert prepare(image(SharedFunctionalGroupsSequence=groups)).PixelSpacing == (0.3, 0.3)


@pytest.mark.parametrize("item", [Dataset(), Dataset(PixelSpacing=["0", "0"]), Dataset(PixelSpacing=None)])
def test_invalid_frame_spacing_yields_to_the_next_place(item: Dataset) -> None:
    groups = [Dataset(PixelMeasuresSequence=[item])]
    made = image(SharedFunctionalGroupsSequence=groups, PixelSpacing=["0.4", "0.4"])
    assert prepare(made).PixelSpacing == (0.4, 0.4)


def test_array_has_no_true_size() -> None:
    assert prepare(np.zeros((2, 2), np.uint8)).PixelSpacing is None


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({}, (1, 1)),
        ({"PixelAspectRatio": [4, 3]}, (4, 3)),
        ({"PixelAspectRatio": [100, 50]}, (2, 1)),
        ({"PixelSpacing": ["0.5", "0.25"]}, (2, 1)),
        ({"ImagerPixelSpacing": ["0.1", "0.3"]}, (1, 3)),
        ({"PixelAspectRatio": [2, 1], "PixelSpacing": ["0.2", "0.1"]}, (2, 1)),
        ({"PixelSpacing": ["0", "0"]}, (1, 1)),
        ({"PixelSpacing": ["0.3333", "0.333300001"]}, (1, 1)),
    ],
)
def test_aspect_is_a_ratio_of_small_integers(attributes: dict[str, object], aspect: tuple[int, int]) -> None:
    """Pixel Aspect Ratio is IS; spacings of 0 mean unknown and are ignored."""
    assert prepare(image_of(np.array([[1, 2]], np.int16), **attributes)).PixelAspectRatio == aspect


@pytest.mark.parametrize("spacing", ["PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"])
def test_spacing_prevails_over_the_aspect_ratio(spacing: str) -> None:
    """Pixel Aspect Ratio is for images without a spacing, PS3.3 C.7.6.3.1.7. DCMTK decides in the same way."""
    attributes: dict[str, object] = {"PixelAspectRatio": [1, 1], spacing: ["0.5", "0.25"]}
    made = prepare(image_of(np.array([[1, 2]], np.int16), **attributes))
    assert made.PixelAspectRatio == (2, 1)
    what = "PixelAspectRatio 1:1 contradicts a spacing of 0.5 and 0.25 mm"
    assert made.notes == (f"{what}: ignored (PS3.3 C.7.6.3.1.7)",)


def test_rows_that_are_not_a_number_are_refused() -> None:
    made = image()
    made.add(Element(tag_of("Rows"), "OB", b"ab"))
    with pytest.raises(ImageError, match=r"^Rows 'ab' is not numeric$"):
        prepare(made)


def test_attribute_in_a_vr_of_bytes_is_read_as_text() -> None:
    made = image_of(np.array([[1, 2]], np.uint8))
    made.add(Element(tag_of("PhotometricInterpretation"), "OB", b"MONOCHROME1 "))
    assert prepare(made).PhotometricInterpretation == "MONOCHROME1"


@pytest.mark.parametrize("keyword", ["PhotometricInterpretation", "VOILUTFunction", "ShutterShape", "NumberOfFrames"])
def test_long_text_is_shown_in_part(keyword: str) -> None:
    made = image_of(np.array([[1, 2]], np.uint8), WindowCenter="1", WindowWidth="2")
    made.add(Element(tag_of(keyword), "OB", b"X" * 4000))
    try:
        lines = prepare(made).notes
    except ImageError as exc:
        lines = (str(exc),)
    assert any(keyword in line for line in lines)
    assert all(len(line) < 250 for line in lines)
