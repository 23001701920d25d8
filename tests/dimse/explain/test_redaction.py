"""Redacted recordings: the fields that stay, and the fields that are hidden."""

import pytest
from recordings import NAMES, said_in, steps_of

from dimse.data import EXPLICIT_LE, Dataset, Element, Tag, encode
from dimse.explain import REQUESTOR, Field
from dimse.explain.redaction import redacted
from dimse.message import NCreateRQ, encode_command
from dimse.ul import (
    PDV,
    AssociateRQ,
    PDataTF,
    PresentationContextRQ,
    UserIdentityRQ,
    encode_pdu,
)

PATIENT = {
    "PatientName": "Doe^Jane",
    "PatientID": "4711",
    "PatientBirthDate": "19700101",
    "PatientSex": "F",
    "StudyDate": "20200202",
    "StudyTime": "101112",
    "AccessionNumber": "A77",
    "StudyInstanceUID": "1.2.3.4.5.6",
    "TextString": "Jane, left knee",
    "FilmSessionLabel": "knee of Jane",
}
HARMLESS = {"FilmOrientation": "PORTRAIT", "ImageDisplayFormat": "STANDARD\\1,1", "NumberOfCopies": "2"}


def fields(dataset: Dataset) -> dict[str, Field]:
    """Return the fields of a redacted N-CREATE of ``dataset``."""
    asked = AssociateRQ(
        called_ae_title="A",
        calling_ae_title="B",
        presentation_contexts=(PresentationContextRQ(1, "1.2.840.10008.5.1.1.9", ("1.2.840.10008.1.2.1",)),),
        user_information=(UserIdentityRQ(1, False, b"jane"),),
    )
    command = encode_command(
        NCreateRQ(MessageID=1, AffectedSOPClassUID="1.2.840.10008.5.1.1.1", AffectedSOPInstanceUID="1.2.3.9", Data=b"x")
    )
    data = PDataTF((PDV(1, encode(dataset, EXPLICIT_LE), False, True),))
    wire = b"".join(b"".join(encode_pdu(pdu)) for pdu in (asked, PDataTF((PDV(1, command, True, True),)), data))
    steps = [redacted(step) for step in steps_of([(REQUESTOR, wire, None)])]
    return {one.name: one for step in steps for one in step.fields}


@pytest.mark.parametrize("keyword", PATIENT)
def test_patient_data_is_hidden(keyword: str) -> None:
    found = fields(Dataset(**{keyword: PATIENT[keyword]}))[keyword]
    assert found.secret
    assert PATIENT[keyword] not in found.value


@pytest.mark.parametrize("keyword", HARMLESS)
def test_terms_and_numbers_stay(keyword: str) -> None:
    found = fields(Dataset(**{keyword: HARMLESS[keyword]}))[keyword]
    assert not found.secret
    assert found.value == HARMLESS[keyword]


def test_private_element_is_hidden() -> None:
    dataset = Dataset()
    dataset.add(Element(Tag(0x00090010), "CS", "JANE"))
    (found,) = [one for one in fields(dataset).values() if one.tag == 0x00090010]
    assert found.secret


def test_instance_uid_and_user_name_are_hidden() -> None:
    found = fields(Dataset(NumberOfCopies=1))
    assert found["AffectedSOPInstanceUID"].secret
    assert found["Primary-field"].secret
    assert not found["AffectedSOPClassUID"].secret
    assert not found["Called-AE-title"].secret


@pytest.mark.parametrize("name", NAMES)
def test_hidden_fields_keep_their_places(name: str) -> None:
    for step in steps_of(said_in(name)):
        assert [one.ranges for one in redacted(step).fields] == [one.ranges for one in step.fields]


def test_rule_stays_without_the_value() -> None:
    steps = [redacted(step) for step in steps_of(said_in("raw-dcmprscp-echo-on-wrong-context"))]
    errors = [error for step in steps for error in step.errors]
    assert errors == ["breaks a rule [PS3.8 §9.3.2.2]"]
