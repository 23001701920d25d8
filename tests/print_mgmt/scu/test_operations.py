"""The Specific Character Set that a client adds, PS3.3 C.12.1.1.2."""

import pytest
from printers import gray, printer

from dimse.data import Dataset
from print_mgmt import PrintClient
from print_mgmt.scu.operations import in_charset


@pytest.mark.parametrize(
    ("text", "term"), [("knee", None), ("Prüfung", "ISO_IR 100"), ("колено", "ISO_IR 192"), ("膝", "ISO_IR 192")]
)
async def test_text_of_every_level_is_printed_as_written(text: str, term: str | None) -> None:
    async with printer() as (server, films):
        async with PrintClient(server.host, server.port) as client:
            await client.print_images(
                [gray(1)],
                FilmSessionLabel=text,
                ConfigurationInformation=text,
                AnnotationDisplayFormatID="LABEL",
                annotations=[text],
            )
            assert client.warnings == []
    (film,) = films
    assert film.film_session.get("SpecificCharacterSet") == term
    assert film.film_session.FilmSessionLabel == text
    assert film.film_box.ConfigurationInformation == text
    assert film.sheet.annotations[0].TextString == text


def test_text_in_an_item_needs_a_character_set() -> None:
    written = in_charset(Dataset(ReferencedStudySequence=[Dataset(StudyDescription="Ärzte")]))
    assert written.SpecificCharacterSet == "ISO_IR 100"


def test_given_character_set_stays() -> None:
    written = Dataset(SpecificCharacterSet="ISO_IR 144", FilmSessionLabel="колено")
    assert in_charset(written) is written


def test_other_vrs_need_no_character_set() -> None:
    written = Dataset(ICCProfile=b"\xff\xfe", PrintPriority="HIGH")
    assert in_charset(written) is written
