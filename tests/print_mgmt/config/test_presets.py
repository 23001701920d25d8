"""Presets: each prints a film within its limits, and refuses any other film."""

from importlib import resources

import pytest
from print_scu import GRAY, SUCCESS, Scu, ramp

from dimse.data import Dataset
from dimse.uids import BasicFilmBox, BasicFilmSession
from print_mgmt.config import PRESETS, ConfigError, PrinterConfig, preset


def test_presets_and_files_match() -> None:
    files = resources.files("print_mgmt.config").joinpath("printers").iterdir()
    assert sorted(file.name for file in files) == [f"{name}.toml" for name in sorted(PRESETS)]


def test_unknown_preset_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="preset: 'laser' is not one of agfa-ds3000, aycan"):
        preset("laser")


def test_generic_is_the_default() -> None:
    generic = preset("generic")
    assert generic == PrinterConfig(printer=generic.printer)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_print_a_film(name: str) -> None:
    config = preset(name)
    scu = Scu(GRAY, config, abstract_syntaxes=config.abstract_syntaxes)
    film_box, boxes = scu.film(ImageDisplayFormat="STANDARD\\1,1")
    assert scu.image(boxes[0], 1, ramp()).Status == SUCCESS
    answer = scu.print(BasicFilmBox, film_box)
    assert (answer.Status, len(answer.films)) == (SUCCESS, 1)


@pytest.mark.parametrize(
    ("name", "session", "film", "status"),
    [
        ("minimal", {}, {"ImageDisplayFormat": "STANDARD\\1,2"}, 0x0106),
        ("minimal", {}, {"FilmOrientation": "LANDSCAPE"}, 0x0106),
        ("minimal", {}, {"Trim": "YES"}, 0x0107),
        ("minimal", {}, {"BorderDensity": "WHITE"}, 0x0107),
        ("ihe-minimum", {}, {"ImageDisplayFormat": "STANDARD\\1,2"}, 0x0106),
        ("ihe-minimum", {"MediumType": "BLUE FILM"}, {"FilmSizeID": "8INX10IN"}, SUCCESS),
        ("dcmprscp", {}, {"ImageDisplayFormat": "STANDARD\\5,5"}, 0x0106),
        ("dcmprscp", {}, {"SmoothingType": "140"}, 0x0116),
        ("agfa-ds3000", {}, {"ImageDisplayFormat": "STANDARD\\6,6", "SmoothingType": "140"}, SUCCESS),
        ("agfa-ds3000", {}, {"ImageDisplayFormat": "STANDARD\\7,6"}, 0x0106),
        ("agfa-ds3000", {}, {"ConfigurationInformation": "PERCEPTION_LUT=LINEAR"}, SUCCESS),
        ("agfa-ds3000", {"Illumination": 2000}, {}, SUCCESS),
        ("kodak-8700", {"MediumType": "CURRENT"}, {"FilmSizeID": "CURRENT", "SmoothingType": "15"}, SUCCESS),
        ("kodak-8700", {}, {"ConfigurationInformation": "CS015"}, SUCCESS),
        ("kodak-8700", {}, {"ConfigurationInformation": "CS999"}, 0x0116),
        ("kodak-8700", {}, {"SmoothingType": "16"}, 0x0116),
        ("aycan", {}, {"MagnificationType": "CUBIC"}, 0x0116),
        ("aycan", {}, {"Trim": "NO"}, 0x0107),
        ("aycan", {}, {"FilmSizeID": "14INX17IN"}, 0x0106),
        ("strict", {}, {"Trim": "MAYBE"}, 0x0106),
        ("strict", {}, {"PatientID": "4711"}, 0x0105),
    ],
)
def test_presets_have_their_limits(name: str, session: dict[str, str], film: dict[str, str], status: int) -> None:
    """These are the limits of the real printers."""
    config = preset(name)
    scu = Scu(GRAY, config, abstract_syntaxes=config.abstract_syntaxes)
    answer = scu.film_box(scu.session(**session), **{"ImageDisplayFormat": "STANDARD\\1,1"} | film)
    assert answer.Status == status, answer.comment


def test_ihe_minimum_omits_the_class_in_n_create_rsp() -> None:
    """OmitSOPClassUIDFromCreateResponse of DCMTK."""
    assert not Scu(GRAY, preset("ihe-minimum")).create(BasicFilmSession, dataset=Dataset()).names_sop_class


def test_minimal_printer_prints_film_by_film() -> None:
    config = preset("minimal")
    scu = Scu(GRAY, config, abstract_syntaxes=config.abstract_syntaxes)
    session = scu.session()
    for _ in range(3):
        created = scu.film_box(session, ImageDisplayFormat="STANDARD\\1,1")
        assert created.Status == SUCCESS, created.comment
        uid = created.AffectedSOPInstanceUID
        assert uid
        assert scu.print(BasicFilmBox, uid).Status == 0xB603
        assert scu.print(BasicFilmSession, session).Status == 0x0211
        assert scu.delete(BasicFilmBox, uid).Status == SUCCESS
