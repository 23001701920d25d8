"""Identity from attributes that the client sent."""

from threading import get_ident

import pytest
from accepted import accepted_film
from listening import META, client

from dimse.data import EXPLICIT_LE, Dataset, Element, decode
from print_mgmt import ConfigError, Film, PrintServer
from print_mgmt.model import Attributes
from print_mgmt.site.identify import Findings, SentSource


def private(creator: object = "ACME 1.0", value: object = "4711", vr: str = "LO", block: int = 0x10) -> Dataset:
    dataset = Dataset()
    dataset.add(Element(0x0019_0000 | block, "LO" if isinstance(creator, str) else "UN", creator))
    dataset.add(Element(0x0019_0001 | block << 8, vr, value))
    return dataset


async def found(source: SentSource, *sent: Dataset) -> dict[str, str]:
    findings: Findings = await source.find(accepted_film(sent=sent), Dataset())
    return dict(findings.values)


async def test_attributes_of_the_client_are_copied() -> None:
    sent = Dataset(PatientID="4711", PatientName="Doe^Jane", Modality="CT")
    assert await found(SentSource(), Dataset(), sent) == {"PatientID": "4711", "PatientName": "Doe^Jane"}


async def test_attributes_are_searched_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may send 5,000 attributes with each of the 256 image boxes of a film."""
    threads: list[int] = []

    def sent(_: Film) -> Attributes:
        threads.append(get_ident())
        return Attributes(film_box=Dataset(PatientID="4711"))

    monkeypatch.setattr(Film, "sent", property(sent))
    assert (await SentSource().find(accepted_film(), Dataset())).values == {"PatientID": "4711"}
    assert get_ident() not in threads


async def test_attribute_is_copied_from_another() -> None:
    source = SentSource(attributes={"PatientID": "OwnerID", "AccessionNumber": "(2000,0050)"})
    assert await found(source, Dataset(OwnerID="7", FilmSessionLabel="A7")) == {
        "PatientID": "7",
        "AccessionNumber": "A7",
    }


@pytest.mark.parametrize(
    "dataset",
    [
        private(),
        private(block=0x42),
        private(b"ACME 1.0", b"4711 ", "UN"),
        private(value=b"4711\0", vr="UN"),
        private(value=4711, vr="US"),
    ],
)
async def test_private_attribute_is_found_by_its_creator(dataset: Dataset) -> None:
    assert await found(SentSource(attributes={"PatientID": "(0019,xx01,ACME 1.0)"}), dataset) == {"PatientID": "4711"}


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 192", "GB18030", None])
async def test_private_text_is_read_in_the_character_set_of_the_client(charset: str | None) -> None:
    codec = {"ISO_IR 192": "utf-8", "GB18030": "gb18030"}.get(charset or "", "latin-1")
    dataset = private(b"ACME 1.0", "Hürlimann".encode(codec) + b" ", "UN")
    dataset.SpecificCharacterSet = charset
    source = SentSource(attributes={"PatientName": "(0019,xx01,ACME 1.0)"})
    assert await found(source, dataset) == {"PatientName": "Hürlimann"}


async def test_value_that_is_a_list_is_noted() -> None:
    """A backslash separates two values, as in a label that names a file of Windows."""
    session = Dataset()
    session.add(Element(0x2000_0050, "LO", "A7\\B8"))
    source = SentSource(attributes={"AccessionNumber": "FilmSessionLabel"})
    findings = await source.find(accepted_film(sent=[session]), Dataset())
    assert (dict(findings.values), [*findings.notes]) == (
        {},
        ["(2000,0050): 2 values or items, where one value is needed"],
    )


async def test_private_attribute_of_another_creator_is_left() -> None:
    assert await found(SentSource(attributes={"PatientID": "(0019,xx01,ACME 1.0)"}), private("OTHER")) == {}


@pytest.mark.parametrize("place", ["PatientShoe", "(0019,10)", "(0018,xx01,ACME)", "(0019,xx01)"])
def test_wrong_place_is_refused(place: str) -> None:
    with pytest.raises(ConfigError, match=r"attributes\.PatientID: .* is not a keyword"):
        SentSource(attributes={"PatientID": place})


def test_unknown_target_is_refused() -> None:
    with pytest.raises(ConfigError, match="'PixelData' is not one of PatientName"):
        SentSource(attributes={"PixelData": "PatientID"})


async def test_patient_of_a_real_client_is_found() -> None:
    films: list[Film] = []
    async with PrintServer(films.append, port=0) as server:
        async with client(server, META) as scu:
            await scu.fill_film(PatientID="4711")
            await scu.action()
    assert (await SentSource().find(films[0], Dataset())).values == {"PatientID": "4711"}


async def test_unreadable_attribute_is_a_note() -> None:
    unreadable = decode(b"\x28\0\x10\0US\3\0\1\2\3", EXPLICIT_LE)
    source = SentSource(attributes={"PatientID": "(0028,0010)"})
    findings = await source.find(accepted_film(sent=(unreadable, Dataset(Rows=4711))), Dataset())
    assert dict(findings.values) == {"PatientID": "4711"}
    assert [note for note in findings.notes if "US needs a multiple of 2 bytes" in note] == findings.notes
