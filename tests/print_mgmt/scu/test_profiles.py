"""Profiles of printers: their limits are checked before anything is sent."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from printers import gray, printer

from dimse.data import Dataset
from dimse.errors import EncodeError
from dimse.uids import BasicAnnotationBox, ImplicitVRLittleEndian
from print_mgmt import ConfigError, PrintClient, Profile, preset, profile
from print_mgmt.attributes import choose
from print_mgmt.film import PresentationLUT
from print_mgmt.scu import PROFILES

TABLE = PresentationLUT(table=np.arange(256, dtype=np.uint16) * 4, bits=10)
DEEP = PresentationLUT(table=np.arange(4096, dtype=np.uint16), bits=12)


@pytest.mark.parametrize("name", PROFILES)
async def test_preset_prints_options_its_profile_supports(name: str) -> None:
    """The preset of that printer answers without failures and warnings."""
    async with printer(config=preset(name)) as (server, films):
        async with PrintClient(server.host, server.port, profile=profile(name), bits="auto") as client:
            report = await client.print_images([gray(1)], FilmOrientation="PORTRAIT", NumberOfCopies=1)
    assert (report.films, report.warnings, len(films)) == (1, (), 1)
    (cell,) = films[0].sheet.cells
    assert cell.image is not None
    assert cell.image.BitsStored == profile(name).bits


@pytest.mark.parametrize(
    ("name", "attributes", "words"),
    [
        (
            "agfa-ds3000",
            {"ImageDisplayFormat": r"STANDARD\7,7"},
            r"'STANDARD\7,7': agfa-ds3000 has STANDARD\1,1",
        ),
        ("agfa-ds3000", {"FilmSizeID": "A4"}, "FilmSizeID 'A4', not 14INX17IN, 14INX14IN"),
        ("ihe-minimum", {"ImageDisplayFormat": r"STANDARD\1,2"}, r"ihe-minimum has STANDARD\1,1"),
        ("minimal", {"FilmOrientation": "LANDSCAPE"}, "FilmOrientation 'LANDSCAPE', not PORTRAIT"),
    ],
)
def test_unsupported_value_is_refused_before_sending(name: str, attributes: dict[str, Any], words: str) -> None:
    with pytest.raises(EncodeError) as caught:
        profile(name).supported(choose(attributes))
    assert words in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "attributes", "kept", "words"),
    [
        ("agfa-ds3000", {"SmoothingType": "150"}, (), "SmoothingType '150', not 140, 0, 20"),
        ("agfa-ds3000", {"SmoothingType": "140"}, ("SmoothingType",), ""),
        ("kodak-8700", {"SmoothingType": "16"}, (), "SmoothingType '16', not 0, 1"),
        ("kodak-8700", {"ConfigurationInformation": "CS015"}, ("ConfigurationInformation",), ""),
        ("kodak-8700", {"ConfigurationInformation": "CS016"}, (), "ConfigurationInformation 'CS016'"),
        ("kodak-8700", {"FilmSizeID": "CURRENT"}, ("FilmSizeID",), ""),
        ("aycan", {"Trim": "YES"}, (), "Trim is not supported"),
        ("aycan", {"MagnificationType": "CUBIC"}, (), "MagnificationType 'CUBIC', not REPLICATE"),
    ],
)
def test_unsupported_attribute_is_left_out(
    name: str, attributes: dict[str, Any], kept: tuple[str, ...], words: str
) -> None:
    """Supported values are sent as given: CURRENT is a film size for a Kodak."""
    supported = profile(name).supported(choose(attributes))
    assert [element.keyword for element in supported.chosen.film_box] == ["ImageDisplayFormat", *kept]
    if not words:
        assert supported.warnings == ()
        return
    (warning,) = supported.warnings
    assert warning.startswith(f"left out: {words}")
    assert warning.endswith(f"(profile {name})")


async def test_report_warns_of_left_out_attributes() -> None:
    async with printer(config=preset("aycan")) as (server, films):
        async with PrintClient(server.host, server.port, profile=profile("aycan")) as client:
            report = await client.print_images([gray(1)], Trim="YES", RequestedImageSize=50, Polarity="REVERSE")
    assert [warning.split()[2] for warning in report.warnings] == ["Trim", "RequestedImageSize"]
    assert films[0].sheet.cells[0].Polarity == "REVERSE"


async def test_agfas_session_refers_to_the_lut() -> None:
    """CP 173; its table must have an entry for each pixel value."""
    agfa = profile("agfa-ds3000")
    async with printer(config=preset("agfa-ds3000")) as (server, films):
        async with PrintClient(server.host, server.port, profile=agfa) as client:
            await client.print_images([gray(1)], presentation_lut=TABLE)
            with pytest.raises(EncodeError, match="LUTData: has 4096 entries: agfa-ds3000 needs 256 for 8 bits"):
                await client.print_images([gray(1)], presentation_lut=DEEP)
    assert "ReferencedPresentationLUTSequence" in films[0].film_session
    assert "ReferencedPresentationLUTSequence" not in films[0].film_box
    assert films[0].sheet.presentation_lut is not None


LONGEST = (("agfa-ds3000", 32), ("kodak-8700", 64))  # printers, and the most characters of an annotation on them


@pytest.mark.parametrize(("name", "longest"), LONGEST)
def test_annotations_use_the_first_format_of_the_printer(name: str, longest: int) -> None:
    supported = profile(name).supported(choose({}), ["x" * longest])
    assert supported.annotations == ("x" * longest,)
    assert supported.chosen.film_box.AnnotationDisplayFormatID == next(
        iter(profile(name).config.imager.annotation_formats)
    )


@pytest.mark.parametrize(("name", "longest"), LONGEST)
def test_annotation_that_is_too_long_for_the_printer_is_refused(name: str, longest: int) -> None:
    with pytest.raises(EncodeError, match=f"TextString: .*: {name} writes at most {longest} characters"):
        profile(name).supported(choose({}), ["x" * (longest + 1)])


async def test_aycan_gets_the_annotation_as_the_label() -> None:
    async with printer(config=preset("aycan")) as (server, films):
        async with PrintClient(server.host, server.port, profile=profile("aycan")) as client:
            await client.print_images([gray(1)], annotations=["left knee"])
    assert films[0].film_session.FilmSessionLabel == "left knee"


def test_aycan_refuses_a_second_annotation() -> None:
    with pytest.raises(EncodeError, match="annotations: 2: aycan writes only one"):
        profile("aycan").supported(choose({}), ["left", "knee"])


@pytest.mark.parametrize("name", ["dcmprscp", "minimal"])
def test_printer_without_annotations_refuses_one(name: str) -> None:
    with pytest.raises(EncodeError, match=f"annotations: {name} writes none"):
        profile(name).supported(choose({}), ["left"])


def test_chosen_annotation_format_stays() -> None:
    *_, last = profile("kodak-8700").config.imager.annotation_formats
    supported = profile("kodak-8700").supported(choose({"AnnotationDisplayFormatID": last}), ["left"])
    assert supported.chosen.film_box.AnnotationDisplayFormatID == last


async def test_only_supported_sop_classes_are_proposed() -> None:
    async with printer() as (server, _):
        for name, syntaxes in (("minimal", (ImplicitVRLittleEndian,)), ("aycan", None)):
            async with PrintClient(server.host, server.port, profile=profile(name)) as client:
                rq = client.association.associate_rq
                assert rq is not None
                contexts = {each.abstract_syntax: each.transfer_syntaxes for each in rq.presentation_contexts}
                assert (BasicAnnotationBox in contexts) == (name != "minimal")
                assert syntaxes is None or set(contexts.values()) == {syntaxes}


async def test_unsupported_bits_are_refused() -> None:
    async with printer() as (server, _):
        async with PrintClient(server.host, server.port, profile=profile("minimal"), bits=12) as client:
            with pytest.raises(EncodeError, match=r"BitsStored: 12: minimal supports 8$"):
                await client.print_images([gray(1)])


def test_profile_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("ImageDisplayFormat = ['STANDARD\\1,1']\n[printer]\nPrinterName = \"OWN\"\n")
    own = profile(str(path))
    assert isinstance(own, Profile)
    with pytest.raises(EncodeError, match=r"own\.toml has"):
        own.supported(choose({"ImageDisplayFormat": r"STANDARD\1,2"}))


def test_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="profile: 'nobody' is not one of agfa-ds3000, aycan"):
        profile("nobody")


def test_missing_file_of_a_profile_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        profile(str(tmp_path / "nothing.toml"))


def test_wrong_file_of_a_profile_is_a_config_error(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("dpi = 3")
    with pytest.raises(ConfigError, match="unknown key"):
        profile(str(path))


def test_wrong_attribute_of_an_item_is_left_out() -> None:
    study = Dataset(StudyID="7", Modality=["CT", "MR"])
    supported = profile("kodak-8700").supported(choose({"ProposedStudySequence": [study]}))
    assert supported.chosen.film_session.ProposedStudySequence == [Dataset(StudyID="7")]
    assert "Modality" in supported.warnings[0]


def test_chosen_attributes_stay_unchanged() -> None:
    chosen = choose({"Trim": "YES"})
    profile("aycan").supported(chosen, ["label"])
    assert chosen.film_box == Dataset(Trim="YES")
    assert len(chosen.film_session) == 0
