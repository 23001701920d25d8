"""The words for a status, and the Specific Character Set that a client adds, PS3.3 C.12.1.1.2."""

from unittest.mock import Mock

import pytest
from drawable import undrawn
from printers import Odd, gray, printer

from dimse.data import Dataset
from dimse.errors import DecodeError
from dimse.message import NActionRQ, NCreateRQ, NGetRQ, NSetRQ, NSetRSP, Request
from dimse.uids import BasicGrayscalePrintManagementMeta
from print_mgmt import PrintClient, PrintFailed
from print_mgmt.scu.operations import Operations, in_charset
from print_mgmt.service import Answer
from print_mgmt.status import DEMAGNIFIED, NO_MEMORY, is_performed, meaning


@pytest.mark.parametrize(("comment", "shown"), [("", ""), (meaning(DEMAGNIFIED)[:64], ""), ("by half", ": by half")])
async def test_comment_that_repeats_the_status_is_not_shown(comment: str, shown: str) -> None:
    answer = Answer(Status=DEMAGNIFIED, comment=comment)
    async with Odd(lambda message: answer if isinstance(message, NSetRQ) else None).client() as client:
        report = await client.print_images([gray(1)])
    words = f"status B604H ({meaning(DEMAGNIFIED)}){shown}"
    assert report.warnings[0] == f"N-SET of image 1 of film 1: {words}"


def test_long_comment_is_cut() -> None:
    """A printer may send 64 KiB with each response, and the warnings are kept."""
    warnings: list[str] = []
    operations = Operations(Mock(), BasicGrayscalePrintManagementMeta, warnings, [], own_uids=True)
    operations.check("N-SET", NSetRSP(MessageIDBeingRespondedTo=1, Status=DEMAGNIFIED, ErrorComment="x" * 60_000))
    assert warnings == [f"N-SET: status B604H ({meaning(DEMAGNIFIED)}): {'x' * 253}..."]


async def test_error_does_not_repeat_the_status() -> None:
    answer = Answer(Status=NO_MEMORY, comment=meaning(NO_MEMORY))
    async with Odd(lambda message: answer if isinstance(message, NSetRQ) else None).client() as client:
        with pytest.raises(PrintFailed) as caught:
            await client.print_images([gray(1)])
    assert str(caught.value) == f"N-SET of image 1 of film 1: status C605H ({meaning(NO_MEMORY)})"


@pytest.mark.parametrize("request_type", [NCreateRQ, NSetRQ, NActionRQ])
async def test_canceled_operation_has_failed(request_type: type[Request]) -> None:
    """Print Management has no Cancel (FE00): the printer did not do what it was asked."""
    odd = Odd(lambda message: Answer(Status=0xFE00) if isinstance(message, request_type) else None)
    async with odd.client() as client:
        with pytest.raises(PrintFailed, match="FE00H"):
            await client.print_images([gray(1)])


def test_canceled_operation_is_not_performed() -> None:
    performed = [status for status in (0x0000, 0x0107, 0xB603, 0xC605, 0xFE00, 0xFF00) if is_performed(status)]
    assert performed == [0x0000, 0x0107, 0xB603]


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
            assert ["no font has" in warning for warning in client.warnings] == [True for _ in undrawn(text)]
    (film,) = films
    assert film.film_session.get("SpecificCharacterSet") == term
    assert film.film_session.FilmSessionLabel == text
    assert film.film_box.ConfigurationInformation == text
    assert film.sheet.annotations[0].TextString == text


def test_text_in_an_item_needs_a_character_set() -> None:
    written = in_charset(Dataset(ReferencedStudySequence=[Dataset(StudyDescription="Ärzte")]))
    assert written.SpecificCharacterSet == "ISO_IR 100"


def test_empty_value_needs_no_character_set() -> None:
    assert in_charset(Dataset(OtherPatientNames=["Ärzte", None])).SpecificCharacterSet == "ISO_IR 100"
    written = Dataset(OtherPatientNames=["Doe", None])
    assert in_charset(written) is written


def test_given_character_set_stays() -> None:
    written = Dataset(SpecificCharacterSet="ISO_IR 144", FilmSessionLabel="колено")
    assert in_charset(written) is written


def test_other_vrs_need_no_character_set() -> None:
    written = Dataset(ICCProfile=b"\xff\xfe", PrintPriority="HIGH")
    assert in_charset(written) is written


async def test_response_of_very_many_elements_is_an_error() -> None:
    """It would block the event loop for 0.2 s, on which the program may serve clients of its own."""
    element = bytes.fromhex("11001010") + b"LO" + bytes.fromhex("0200") + b"x "
    many = b"".join(element[:2] + (0x1000 + number).to_bytes(2, "little") + element[4:] for number in range(10_001))
    odd = Odd(raw=lambda message: many if isinstance(message, NGetRQ) else None)
    async with odd.client() as client:
        with pytest.raises(DecodeError, match=r"DecodeLimits\.elements"):
            await client.printer()
