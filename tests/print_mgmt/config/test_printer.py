"""Right and wrong configurations of a printer."""

import sys
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from dimse.uids import BasicAnnotationBox, BasicGrayscalePrintManagementMeta, PresentationLUT
from print_mgmt.attributes import row_of
from print_mgmt.config import Caller, ConfigError, Medium, PrinterConfig, tables_of
from print_mgmt.model import Printer


def test_default_accepts_the_whole_standard() -> None:
    config = PrinterConfig()
    assert config.abstract_syntaxes[0] == BasicGrayscalePrintManagementMeta
    assert PresentationLUT in config.abstract_syntaxes
    assert all(config.medium(medium, "A4") for medium in ("BLUE FILM", "PAPER", "MAMMO CLEAR FILM"))
    assert config.medium("BLUE FILM", "7INX9IN") is None


def test_configuration_is_frozen() -> None:
    config = PrinterConfig()
    with pytest.raises(FrozenInstanceError):
        config.film_boxes = 3  # type: ignore[misc]  # that is the point


def test_configurations_compare_by_value() -> None:
    config = PrinterConfig()
    assert config == PrinterConfig()
    assert hash(config) == hash(PrinterConfig())
    assert config != replace(config, film_boxes=3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sop_classes": ()}, "sop_classes: at least one value is needed (PS3.4 Annex H)"),
        ({"sop_classes": ("CTImageStorage",)}, "sop_classes: 'CTImageStorage' is not one of BasicGrayscale"),
        ({"media": ()}, "media: a printer needs at least one medium"),
        ({"PrintPriority": ("SOON",)}, "PrintPriority: 'SOON' is not one of HIGH, MED, LOW (PS3.3 C.13)"),
        ({"FilmOrientation": ()}, "FilmOrientation: at least one value is needed"),
        ({"MagnificationType": ("LANCZOS",)}, "MagnificationType: 'LANCZOS' is not one of"),
        ({"BorderDensity": ("GREY",)}, "BorderDensity: 'GREY' is not one of BLACK, WHITE, i"),
        ({"unsupported": ("Trimm",)}, "unsupported: 'Trimm' is not a DICOM keyword: did you mean Trim"),
        ({"unsupported": ("Trim", "ImageBoxPosition")}, "unsupported: ImageBoxPosition cannot be left out: no film"),
        ({"aliases": {"Nothing": {}}}, "aliases: 'Nothing' is not a DICOM keyword"),
        ({"film_boxes": 0}, "film_boxes: 0 must be at least 1"),
        ({"memory": -1}, "memory: -1 must be at least 1"),
        ({"BitsStored": (10,)}, "BitsStored: (10,) must be 8, 12 or both (PS3.3 C.13.5)"),
        ({"BitsStored": ()}, "BitsStored: () must be"),
        ({"printer": Printer(PrinterName=65 * "X")}, "printer.PrinterName: "),
        ({"printer": Printer(Manufacturer="A\\B")}, r"printer.Manufacturer: 'A\\B': a backslash is not allowed"),
        ({"printer": Printer(DateOfLastCalibration="yesterday")}, "printer.DateOfLastCalibration: "),
    ],
)
def test_wrong_configuration_names_its_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        replace(PrinterConfig(), **changes)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"FilmSizeID": ()}, "FilmSizeID: at least one"),
        ({"FilmSizeID": ("7INX9IN",)}, "FilmSizeID: '7INX9IN' is not one of 8INX10IN"),
        ({"MaxDensity": 1001}, "MaxDensity: 1001 is not a density, 0 to 1000"),
        ({"MinDensity": -1}, "MinDensity: -1 is not a density, 0 to 1000"),
    ],
)
def test_wrong_medium_names_its_field(changes: dict[str, Any], words: str) -> None:
    values: dict[str, Any] = {"MediumType": "PAPER", "FilmSizeID": ("A4",)} | changes
    with pytest.raises(ConfigError) as caught:
        Medium(**values)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("medium", "densities"),
    [
        ({"MediumType": "BLUE FILM"}, (15, 280)),
        ({"MediumType": "BLUE FILM", "MaxDensity": 250}, (15, 250)),
        ({"MediumType": "PAPER"}, (5, 210)),
        ({"MediumType": "PAPER", "MinDensity": 8}, (8, 210)),
    ],
)
def test_medium_has_the_densities_of_its_imager(medium: dict[str, Any], densities: tuple[int, int]) -> None:
    imager = replace(PrinterConfig().imager, MinDensity=15, MaxDensity=280)
    media = (Medium(FilmSizeID=("A4",), **medium),)
    made = PrinterConfig(imager=imager, media=media).imager_with(media[0])
    assert (made.MinDensity, made.MaxDensity) == densities


def test_paper_imager_gives_paper_its_densities() -> None:
    paper = Medium(MediumType="PAPER", FilmSizeID=("A4",))
    imager = replace(PrinterConfig().imager, reflective=True, MinDensity=9, MaxDensity=190)
    assert PrinterConfig(imager=imager).imager_with(paper).MaxDensity == 190


def test_densities_that_are_not_a_range_name_their_medium() -> None:
    media = (Medium(MediumType="BLUE FILM", FilmSizeID=("A4",), MinDensity=320),)
    with pytest.raises(ConfigError, match=r"^media\[0\]\.MinDensity: 320 to 320 is not a range of densities"):
        PrinterConfig(media=media)


def test_single_densities_are_terms() -> None:
    """dcmprscp lists 150 and 20 as Border Densities."""
    table = tables_of(replace(PrinterConfig(), BorderDensity=("150", "BLACK"))).film_box
    row = row_of(table, "BorderDensity")
    assert row is not None
    assert (row.default, row.values.allows("150"), row.values.allows("20")) == ("150", True, False)


@pytest.mark.parametrize("keyword", ["NumberOfCopies", "TextString", "OwnerID"])
def test_any_optional_attribute_can_be_left_out(keyword: str) -> None:
    tables = tables_of(replace(PrinterConfig(), unsupported=(keyword,)))
    row = row_of(tables.film_session + tables.annotation_box, keyword)
    assert row is not None
    assert not row.supported


def test_paper_reflects_light() -> None:
    config = PrinterConfig()
    paper, film = config.medium("PAPER", "A4"), config.medium("CLEAR FILM", "A4")
    assert paper is not None
    assert film is not None
    assert config.imager_with(paper).reflective
    assert not config.imager_with(film).reflective
    assert config.imager_with(film).MaxDensity == 320


def test_callers_match_patterns() -> None:
    config = replace(PrinterConfig(), callers={"CT?": Caller(may_print=False)})
    assert not config.caller("CT1").may_print
    assert config.caller("CT10").may_print
    assert config.caller("ct1").may_print, "AE titles are case sensitive"


def test_spaces_around_a_caller_have_no_meaning() -> None:
    config = replace(PrinterConfig(), callers={" CT1 ": Caller(may_print=False)})
    assert not config.caller("CT1").may_print


def test_callers_match_brackets_literally() -> None:
    config = replace(PrinterConfig(), callers={"CT[12]*": Caller(may_print=False)})
    assert not config.caller("CT[12]A").may_print
    assert config.caller("CT1").may_print


def test_annotation_boxes_need_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    config = PrinterConfig()
    assert config.as_installed() is config
    monkeypatch.setitem(sys.modules, "PIL", None)
    installed = config.as_installed()
    assert set(config.abstract_syntaxes) - set(installed.abstract_syntaxes) == {BasicAnnotationBox}
    row = row_of(tables_of(installed).film_box, "AnnotationDisplayFormatID")
    assert row is not None
    assert not row.supported


def test_annotation_boxes_need_freetype(monkeypatch: pytest.MonkeyPatch) -> None:
    features = pytest.importorskip("PIL.features")
    monkeypatch.setattr(features, "check", lambda feature: feature != "freetype2")
    assert BasicAnnotationBox not in PrinterConfig().as_installed().abstract_syntaxes


def test_printer_without_annotations_needs_no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    config = PrinterConfig(sop_classes=("BasicGrayscalePrintManagementMeta",))
    assert config.as_installed() is config
