"""Redacted recordings: the fields that stay, and the fields that are hidden."""

from struct import pack

import pytest
from recordings import NAMES, steps_in, steps_of

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
from dimse.ul.forge import forge_item, forge_pdu

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


def element(tag: int, vr: str, value: bytes) -> bytes:
    """Return an element in Explicit VR Little Endian, right or wrong."""
    return pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value


def fields(dataset: Dataset | bytes) -> dict[str, Field]:
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
    encoded = dataset if isinstance(dataset, bytes) else encode(dataset, EXPLICIT_LE)
    data = PDataTF((PDV(1, encoded, False, True),))
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


@pytest.mark.parametrize("vr", ["AT", "CS", "DS", "FD", "FL", "IS", "SL", "SS", "UI", "UL", "US"])
def test_name_with_a_wrong_vr_is_hidden(vr: str) -> None:
    found = fields(element(0x00080090, vr, b"DOE JANE"))["ReferringPhysicianName"]
    assert found.secret
    assert found.value == "hidden"


@pytest.mark.parametrize(
    ("tag", "vr", "value", "name"),
    [
        (0x00080060, "CS", b"Doe^Jane", "Modality"),
        (0x00080060, "CS", b"A NAME OF MANY LETTERS", "Modality"),
        (0x00201209, "IS", b"Doe^Jane", "NumberOfSeriesRelatedInstances"),
        (0x00180050, "DS", b"1.5 Jane", "SliceThickness"),
        (0x00280010, "US", b"Jan", "Rows"),
        (0x00280010, "US", b"Jane", "Rows"),
        (0x00280009, "AT", b"Jane D", "FrameIncrementPointer"),
        (0x00080016, "UI", b"1.2.840.10008.1.1 Doe^Jane", "SOPClassUID"),
        (0x00080000, "UL", b"Doe^Jane", "GroupLength"),
        (0x0008FFF0, "CS", b"JANE", "Unknown element"),
        (0x20100010, "ST", rb"STANDARD\1,1 Jane ", "ImageDisplayFormat"),
    ],
)
def test_value_that_its_vr_forbids_is_hidden(tag: int, vr: str, value: bytes, name: str) -> None:
    assert fields(element(tag, vr, value))[name].secret


@pytest.mark.parametrize(
    ("tag", "vr", "value", "name"),
    [
        (0x00080060, "CS", b"CT", "Modality"),
        (0x00080008, "CS", rb"ORIGINAL\PRIMARY ", "ImageType"),
        (0x00280030, "DS", rb"1.5e-1\ -.5", "PixelSpacing"),
        (0x00280010, "US", b"\x00\x02", "Rows"),
        (0x00281101, "US", bytes(6), "RedPaletteColorLookupTableDescriptor"),
        (0x00080016, "UI", b"1.2.840.10008.1.1\0", "SOPClassUID"),
        (0x20100010, "ST", rb"ROW\2,1,2", "ImageDisplayFormat"),
        (0x20100010, "ST", b"SLIDE ", "ImageDisplayFormat"),
    ],
)
def test_value_that_its_vr_allows_stays(tag: int, vr: str, value: bytes, name: str) -> None:
    assert not fields(element(tag, vr, value))[name].secret


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
    for step in steps_in(name):
        assert [one.ranges for one in redacted(step).fields] == [one.ranges for one in step.fields]


def test_redacted_error_keeps_its_section() -> None:
    steps = [redacted(step) for step in steps_in("raw-dcmprscp-echo-on-wrong-context")]
    errors = [error for step in steps for error in step.errors]
    assert errors == ["breaks a rule [PS3.8 §9.3.2.2]"]


def test_summary_of_a_release_has_no_errors() -> None:
    (step,) = map(redacted, steps_of([(REQUESTOR, forge_pdu(5, b"Doe^Jane"), None)]))
    assert step.errors
    assert (step.words, [turn.summary for turn in step.turns]) == ("", [""])


ASSOCIATE = bytes((0, 1, 0, 0)) + b" " * 32 + bytes(32)
SECRET = b"Doe^Jane"


def shown_bytes(user_information: bytes) -> bytes:
    """Return the bytes that the redacted explanation of an A-ASSOCIATE-RQ with this User Information shows."""
    wire = forge_pdu(1, ASSOCIATE + forge_item(0x50, user_information))
    steps = [redacted(step) for step in steps_of([(REQUESTOR, wire, None)])]
    return b"".join(one.data for step in steps for one in step.fields if not one.secret)


@pytest.mark.parametrize(
    "items",
    [
        forge_item(0x5A, SECRET),
        forge_item(0xEE, forge_item(0x5A, SECRET)),
        forge_item(0x51, b"\0\0\0\0" + SECRET),
        forge_item(0x52, SECRET),
        forge_item(0x53, b"\0\0\0\0" + SECRET),
        forge_item(0x54, b"\0\x50" + SECRET),
        forge_item(0x54, b"\0\10" + SECRET + b"\0\0"),
        forge_item(0x55, b"\1\0" + SECRET),
        forge_item(0x56, b"\0\x50" + SECRET),
        forge_item(0x57, b"\0\10" + SECRET + b"\0\0\0\0"),
        b"\x51\0\0\xff" + SECRET,
        b"\xee\0\0\2\0\0" + SECRET[:3],
    ],
    ids=bytes.hex,
)
def test_bytes_that_no_item_explains_are_hidden(items: bytes) -> None:
    assert SECRET[:3] not in shown_bytes(items)


def test_items_of_the_standard_stay() -> None:
    items = forge_item(0x51, b"\0\0\x40\0") + forge_item(0x52, b"1.2.3") + forge_item(0x55, b"VERSION 1.0")
    role, extended = forge_item(0x54, b"\0\3" + b"1.2" + b"\1\0"), forge_item(0x56, b"\0\3" + b"1.2" + b"\1\1")
    assert shown_bytes(items + role + extended).endswith(items + role + extended)
