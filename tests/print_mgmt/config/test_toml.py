"""Configurations in TOML, and errors that name their key."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.config import Caller, ConfigError, PrinterConfig, load_config, read_config
from print_mgmt.film import Rect

WHOLE = r"""
strict = true
implicit_only = true
sop_classes = ["BasicColorPrintManagementMeta"]
ImageDisplayFormat = ['STANDARD\1,1', 'CUSTOM\2']
BitsStored = [8]
film_boxes = 3

[printer]
PrinterName = "FILM1"

[imager]
dpi = 300
edge_mm = 5
slide_mm = [30, 20.5]
annotation_formats.TOP = [[3, 3, -3, 6]]
annotation_formats.NONE = []
custom_formats.2 = [[3, 3, 50, 50], [60, 3, 50, 50]]
curve = { densities = [0.2, 3.0], values = [0, 255] }

[[media]]
MediumType = "BLUE FILM"
FilmSizeID = ["A4"]
installed = false

[aliases.MediumType]
CURRENT = "BLUE FILM"

[callers."AGFA*"]
job_reference = false
"""


def test_keys_of_every_table_are_read() -> None:
    config = read_config(WHOLE)
    assert (config.strict, config.implicit_only, config.film_boxes) == (True, True, 3)
    assert config.ImageDisplayFormat == (r"STANDARD\1,1", r"CUSTOM\2")
    assert config.printer.PrinterName == "FILM1"
    assert (config.imager.dpi, config.imager.edge_mm, config.imager.slide_mm) == (300, 5, (30, 20.5))
    assert config.imager.annotation_formats == {"TOP": (Rect(3, 3, -3, 6),), "NONE": ()}
    assert config.imager.custom_formats[2][1] == Rect(60, 3, 50, 50)
    assert config.imager.curve is not None
    assert list(config.imager.curve.values) == [0, 255]
    assert [(medium.FilmSizeID, medium.installed) for medium in config.media] == [(("A4",), False)]
    assert config.aliases == {"MediumType": {"CURRENT": "BLUE FILM"}}
    assert config.callers == {"AGFA*": Caller(job_reference=False)}


def test_empty_file_is_the_default() -> None:
    assert read_config("") == PrinterConfig()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("strict = yes", "TOML: Invalid value (at line 1"),
        ("strict = 1", "strict: 1 is not true or false"),
        ("film_boxes = true", "film_boxes: True is not a whole number"),
        ("film_boxes = 2.5", "film_boxes: 2.5 is not a whole number"),
        ("filmboxes = 2", "filmboxes: unknown key: did you mean film_boxes? The keys are film_boxes, "),
        ("nothing_like_it = 2", "nothing_like_it: unknown key. The keys are "),
        ("[listen]\nport = 1", "listen: is a table of a site, but one printer is needed; see docs/printers.md"),
        ("Trim = 'YES'", "Trim: 'YES' is not an array"),
        ("Trim = ['YES', 2]", "Trim[1]: 2 is not text"),
        ("Trim = ['MAYBE']", "Trim: 'MAYBE' is not one of NO, YES (PS3.3 C.13)"),
        ("printer = 'X'", "printer: 'X' is not a table"),
        ("[printer]\nName = 'X'", "printer.Name: unknown key. The keys are PrinterName, "),
        ("[[media]]\nMediumType = 'PAPER'", "media[0]: missing keys: FilmSizeID"),
        ("[[media]]\nMinDensity = 5", "media[0]: missing keys: MediumType, FilmSizeID"),
        ("film_boxes = " + 5000 * "1", "TOML: a number has too many digits"),
        ("[[media]]\nMediumType = 'PAPER'\nFilmSizeID = ['B5']", "media[0].FilmSizeID: 'B5' is not one of"),
        ("[imager]\nslide_mm = [1]", "imager.slide_mm: 1 values instead of 2"),
        ("[imager]\nslide_mm = ['a', 1]", "imager.slide_mm[0]: 'a' is not a number"),
        ("[imager.custom_formats]\none = []", "imager.custom_formats.one: the key is not a whole number"),
        ("[imager]\nannotation_formats.X = [[1, 2]]", "imager.annotation_formats.X[0]: 2 values instead of 4"),
        ("[imager]\ndpi = 0", "imager: dpi 0: is not a resolution"),
        ("[imager]\ncurve = { densities = [1], values = [2] }", "imager.curve: "),
        ("[callers]\nX = 3", "callers.X: 3 is not a table"),
    ],
)
def test_error_names_the_key(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_config(text)
    assert str(caught.value).startswith(words)


def test_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "printer.toml").write_text("strict = true")
    assert load_config(tmp_path / "printer.toml").strict


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"strict = 1", r"printer\.toml:1: strict: 1 is not true or false"),
        (b"#\n# \xff", r"printer\.toml:2: the byte FF is not UTF-8"),
        (b"#\r#\r\n# \xff", r"printer\.toml:3: the byte FF is not UTF-8"),
    ],
)
def test_error_names_file_and_line(content: bytes, error: str, tmp_path: Path) -> None:
    (tmp_path / "printer.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=error):
        load_config(tmp_path / "printer.toml")


def test_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_config(tmp_path / "missing.toml")


_KEYS = st.sampled_from([*PrinterConfig.__dataclass_fields__, "x"])
_VALUES = st.sampled_from(
    ["1", "-1", "'x'", "true", "[]", "[1]", "['BLACK']", "{}", "[{}]", "1.5", "1979-05-27", "{a=1}"]
)


@given(_KEYS, _VALUES)
def test_any_table_is_a_configuration_or_a_named_error(key: str, value: str) -> None:
    error = ""
    try:
        read_config(f"{key} = {value}")
    except ConfigError as exc:
        error = str(exc)
    assert error.startswith(key) or not error


def test_densities_of_the_imager_are_those_of_film() -> None:
    config = read_config("[imager]\nMaxDensity = 280")
    films = {medium.MediumType: config.imager_with(medium).MaxDensity for medium in config.media}
    assert films["BLUE FILM"] == 280
    assert films["PAPER"] == 210


def test_other_keys_of_the_imager_leave_the_densities() -> None:
    assert read_config("[imager]\ndpi = 300").imager == replace(PrinterConfig().imager, dpi=300)


def test_nested_values_are_bounded() -> None:
    with pytest.raises(ConfigError, match=r"^TOML: the values are nested too deeply$"):
        read_config("a = " + "[" * 100_000)


def test_wrong_toml_has_no_line(tmp_path: Path) -> None:
    path = tmp_path / "printer.toml"
    path.write_text("film_boxes = ")
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert caught.value.key == str(path)
