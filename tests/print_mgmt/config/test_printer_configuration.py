"""The answer to Printer Configuration Retrieval: PS3.3 C.13.13."""

from dataclasses import replace

from print_scu import CONFIG

from dimse.data import EXPLICIT_LE, Dataset, encode
from dimse.uids import BasicColorPrintManagementMeta, BasicGrayscalePrintManagementMeta, PresentationLUT
from print_mgmt.config import Medium, PrinterConfig, configuration_of, preset
from print_mgmt.typed import integer, items

MEDIA = (
    Medium(MediumType="BLUE FILM", FilmSizeID=("8INX10IN", "A4"), MinDensity=15, MaxDensity=310),
    Medium(MediumType="PAPER", FilmSizeID=("A3",), installed=False),
)
FORMATS = ("STANDARD\\1,1", "ROW\\1,2")
SMALL = replace(CONFIG, media=MEDIA, ImageDisplayFormat=FORMATS, RequestedResolutionID=("STANDARD",))


def configuration(config: PrinterConfig = CONFIG) -> list[Dataset]:
    return items(configuration_of(config), "PrinterConfigurationSequence")


def formats(config: PrinterConfig) -> list[Dataset]:
    return items(configuration(config)[0], "SupportedImageDisplayFormatsSequence")


def test_each_meta_sop_class_has_an_item() -> None:
    for item, meta in zip(
        configuration(), (BasicGrayscalePrintManagementMeta, BasicColorPrintManagementMeta), strict=True
    ):
        supported = item.SOPClassesSupported
        assert isinstance(supported, list)
        assert (supported[0], PresentationLUT in supported) == (meta, True)


def test_unsupported_meta_sop_class_has_no_item() -> None:
    assert len(configuration(preset("minimal"))) == 1


def test_installed_media_are_numbered() -> None:
    installed = items(configuration(SMALL)[0], "MediaInstalledSequence")
    assert [(film.ItemNumber, film.FilmSizeID, film.MaxDensity) for film in installed] == [
        (1, "8INX10IN", 310),
        (2, "A4", 310),
    ]


def test_other_media_are_listed_apart() -> None:
    other = items(configuration(SMALL)[0], "OtherMediaAvailableSequence")
    assert [film.FilmSizeID for film in other] == ["A3"]


def test_formats_are_listed_by_orientation_and_size() -> None:
    found = [(item.ImageDisplayFormat, item.FilmOrientation, item.FilmSizeID) for item in formats(SMALL)]
    assert len(set(found)) == len(found) == 2 * 2 * 3
    assert found[0] == (FORMATS[0], "PORTRAIT", "8INX10IN")


def test_format_has_the_pixels_of_a_box() -> None:
    first = formats(SMALL)[0]
    assert (first.Rows, first.Columns) == (round(248 / 25.4 * 320), round(197.2 / 25.4 * 320))
    assert first.PrinterPixelSpacing == [0.079375, 0.079375]


def test_configuration_of_the_highest_resolution_can_be_sent() -> None:
    finest = replace(CONFIG, imager=replace(CONFIG.imager, dpi=3855, high_dpi=3855, edge_mm=0.0))
    assert max(integer(item, "Rows") for item in formats(finest)) > 65500
    encode(configuration_of(finest), EXPLICIT_LE)


def test_format_of_unequal_boxes_has_no_pixels() -> None:
    rows = next(item for item in formats(SMALL) if item.ImageDisplayFormat == FORMATS[1])
    assert "Rows" not in rows


def test_format_without_room_is_left_out() -> None:
    config = replace(CONFIG, ImageDisplayFormat=("CUSTOM\\7", FORMATS[0]))
    assert {item.ImageDisplayFormat for item in formats(config)} == {FORMATS[0]}


def test_defaults_are_the_first_terms() -> None:
    item = configuration()[0]
    assert item.DefaultMagnificationType == "BILINEAR"
    assert item.OtherMagnificationTypesAvailable == ["CUBIC", "REPLICATE", "NONE"]
    assert (item.DecimateCropResult, item.MaximumCollatedFilms) == ("DEF DECIMATE", 64)
    assert item.MaximumMemoryAllocation == 0


def test_decimate_crop_result_is_that_of_the_imager() -> None:
    config = replace(CONFIG, RequestedDecimateCropBehavior=("CROP", "DECIMATE"))
    assert configuration(config)[0].DecimateCropResult == "DEF DECIMATE"
    config = replace(config, imager=replace(config.imager, RequestedDecimateCropBehavior="FAIL"))
    assert configuration(config)[0].DecimateCropResult == "DEF FAIL"


def test_minimal_printer_has_minimal_defaults() -> None:
    item = configuration(preset("minimal"))[0]
    assert (item.DecimateCropResult, item.MaximumCollatedFilms) == ("DECIMATE", 0)
    assert (item.DefaultPrinterResolutionID, item.DefaultSmoothingType) == ("STANDARD", None)


def test_change_of_a_configuration_changes_no_other() -> None:
    configuration(SMALL)[0].Manufacturer = "OTHER"
    assert configuration(SMALL)[0].Manufacturer != "OTHER"
