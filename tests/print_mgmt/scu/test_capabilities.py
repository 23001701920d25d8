"""The pixels that a printer can use, by its Printer Configuration: PS3.3 C.13.13."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import Dataset
from dimse.uids import BasicColorPrintManagementMeta, BasicGrayscalePrintManagementMeta
from print_mgmt.config import PrinterConfig, configuration_of, preset
from print_mgmt.film import PrintImage, Sheet, lay_out
from print_mgmt.film.placement import pixel_box
from print_mgmt.scu.capabilities import bits_of, box_of, format_of, item_of, reduced
from print_mgmt.typed import items

GRAY, COLOR = BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta


def item(config: PrinterConfig) -> Dataset:
    found = item_of(configuration_of(config), GRAY)
    assert found is not None
    return found


def image(rows: int, columns: int, bits: int = 8) -> PrintImage:
    high = (1 << bits) - 1
    pixels = np.linspace(0, high, rows * columns).reshape(rows, columns)
    return PrintImage(
        pixels=pixels.astype(np.uint8 if bits == 8 else np.uint16),
        PhotometricInterpretation="MONOCHROME2",
        BitsStored=bits,
    )


@pytest.mark.parametrize("display_format", [r"STANDARD\1,1", r"STANDARD\2,3", r"STANDARD\4,5"])
@pytest.mark.parametrize("orientation", ["PORTRAIT", "LANDSCAPE"])
@pytest.mark.parametrize("resolution", ["STANDARD", "HIGH"])
def test_box_size_comes_from_the_configuration(display_format: str, orientation: str, resolution: str) -> None:
    config = PrinterConfig()
    sheet = Sheet(ImageDisplayFormat=display_format, FilmOrientation=orientation, FilmSizeID="8INX10IN")
    film = Dataset(
        ImageDisplayFormat=display_format,
        FilmOrientation=orientation,
        FilmSizeID="8INX10IN",
        RequestedResolutionID=resolution,
    )
    box = pixel_box(lay_out(sheet, config.imager).boxes[0], config.imager.resolution(resolution))
    found = box_of(item(config), film)
    assert found is not None
    assert abs(found[0] - box.height) <= 1
    assert abs(found[1] - box.width) <= 1


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (1, r"STANDARD\1,1"),
        (2, r"STANDARD\1,2"),  # on a PORTRAIT film, boxes of two columns would be slender
        (5, r"STANDARD\2,3"),
        (7, r"STANDARD\3,3"),
        (20, r"STANDARD\4,5"),
        (100, r"STANDARD\4,5"),
    ],
)
def test_format_has_the_fewest_boxes(images: int, expected: str) -> None:
    film = Dataset(FilmSizeID="14INX17IN", FilmOrientation="PORTRAIT")
    assert format_of(item(PrinterConfig()), film, images) == expected


def test_unknown_film_has_no_format() -> None:
    assert format_of(item(preset("minimal")), Dataset(FilmSizeID="A3"), 4) is None


def test_missing_attributes_are_the_printers_defaults() -> None:
    """PORTRAIT, the first installed film, and the default resolution."""
    film = Dataset(ImageDisplayFormat=r"STANDARD\1,1", FilmOrientation="PORTRAIT", FilmSizeID="14INX17IN")
    assert box_of(item(PrinterConfig()), Dataset()) == box_of(item(PrinterConfig()), film)


@pytest.mark.parametrize("layout", [r"ROW\1,2", r"STANDARD\9,9"], ids=["unequal boxes", "unknown format"])
def test_box_size_of_an_unlisted_format_is_unknown(layout: str) -> None:
    assert box_of(item(PrinterConfig()), Dataset(ImageDisplayFormat=layout)) is None


def test_box_size_without_a_configuration_is_unknown() -> None:
    assert box_of(Dataset(), Dataset()) is None


def test_format_without_rows_is_not_used() -> None:
    odd = item(PrinterConfig()).copy()
    for row in items(odd, "SupportedImageDisplayFormatsSequence"):
        row.Rows = 0
    assert box_of(odd, Dataset()) is None
    assert format_of(odd, Dataset(), 1) is None


def test_bits_need_memory_and_printing_depth() -> None:
    assert bits_of(item(PrinterConfig())) == 12
    assert bits_of(item(replace(PrinterConfig(), PrintingBitDepth=8))) == 8
    assert bits_of(item(replace(PrinterConfig(), PrintingBitDepth=10))) == 12, "8 bits would lose two of them"
    assert bits_of(item(preset("minimal"))) == 8
    assert bits_of(Dataset()) == 8


@pytest.mark.parametrize("meta", [GRAY, COLOR])
def test_each_meta_sop_class_has_its_item(meta: str) -> None:
    found = item_of(configuration_of(PrinterConfig()), meta)
    assert found is not None
    assert isinstance(found.SOPClassesSupported, list)
    assert found.SOPClassesSupported[0] == meta


def test_unsupported_meta_sop_class_has_no_item() -> None:
    assert item_of(configuration_of(preset("minimal")), COLOR) is None
    assert item_of(Dataset(), GRAY) is None


def test_supported_sop_class_may_be_a_single_value() -> None:
    told = Dataset(PrinterConfigurationSequence=[Dataset(SOPClassesSupported=GRAY)])
    assert item_of(told, GRAY) is not None


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.sampled_from([8, 12]))
def test_images_are_reduced_only_to_fit(rows: int, columns: int, height: int, width: int, bits: int) -> None:
    """No image is enlarged, and reduction keeps the mean, because it averages the area under each pixel."""
    own = image(rows, columns, bits)
    made = reduced(own, (height, width))
    if rows <= height and columns <= width:
        assert made is own
        return
    assert made.pixels.dtype == own.pixels.dtype
    assert (made.BitsStored, made.PhotometricInterpretation) == (bits, "MONOCHROME2")
    assert made.pixels.shape[0] <= max(height, 1)
    assert made.pixels.shape[1] <= max(width, 1)
    assert abs(made.pixels.mean() - own.pixels.mean()) <= 1


def test_reduced_image_keeps_its_size_in_mm() -> None:
    own = replace(image(100, 50), PixelAspectRatio=(2, 1), PixelSpacing=(1.0, 0.5))
    made = reduced(own, (80, 80))
    assert made.pixels.shape == (80, 20)
    assert made.PixelAspectRatio == (1, 1)
    assert made.PixelSpacing == (1.25, 1.25)


def test_color_planes_are_reduced_separately() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:20, :, 0], pixels[:, :20, 1], pixels[..., 2] = 200, 100, 50
    made = reduced(PrintImage(pixels=pixels, PhotometricInterpretation="RGB"), (20, 20))
    assert np.array_equal(made.pixels, pixels[::2, ::2])
