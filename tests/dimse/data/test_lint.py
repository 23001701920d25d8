"""Faults in values and pixels that a lenient reader tolerates: PS3.5 §6, PS3.6, PS3.3 §C.7.6.3."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SAMPLES

from dimse.data import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    VRS,
    Dataset,
    Element,
    dataset_faults,
    decode,
    encode,
    pixel_faults,
    read_file,
    tag_of,
)
from dimse.data.charset import charset_of
from dimse.data.check import check_value
from dimse.data.lint import value_faults
from dimse.data.values import encode_value

SQ = b"\x10\x20\x00\x05SQ\0\0"
VALUES, TEXT, TERMS, NUMBER = "PS3.5 §6.2", "PS3.5 §6.1", "PS3.3 §C.12.1.1.2", "PS3.6"


@pytest.mark.parametrize(
    ("keyword", "vr", "raw", "faults"),
    [
        ("Rows", "US", b"\1\0", []),
        ("Rows", "US", b"\1\0\2\0", [(NUMBER, "the number of values is 2, but the VM of Rows is 1")]),
        ("Rows", "US", b"\1", [(VALUES, "US needs a multiple of 2 bytes, got 1")]),
        ("FrameIncrementPointer", "AT", bytes(8), []),
        ("PixelData", "OW", b"\1\2", []),
        ("ReferencedImageBoxSequence", "SQ", b"\1", []),
        ("Modality", "CS", b"", []),
        ("Modality", "CS", b"MR", []),
        ("Modality", "CS", b" MR ", []),
        ("Modality", "CS", b"MR\0\0", [(VALUES, r"CS is padded with '\x00\x00', not with ' '")]),
        ("Modality", "CS", b"mr", [(VALUES, "CS cannot hold 'mr': only A-Z, 0-9, space and underscore are allowed")]),
        ("Modality", "CS", b"MR\\", [(NUMBER, "the number of values is 2, but the VM of Modality is 1")]),
        ("Modality", "CS", b"  ", []),
        ("StudyInstanceUID", "UI", b"1.2 ", [(VALUES, r"UI is padded with ' ', not with '\x00'")]),
        ("StudyInstanceUID", "UI", b"1.2\0", []),
        ("StudyDate", "DA", b"1993.04.22",
         [(VALUES, "DA cannot hold '1993.04.22': it must be written without '.'")]),
        ("PixelSpacing", "DS", b"0.50\\ .5 ", []),
        ("PixelSpacing", "DS", b"0,50\\.5 ", [(VALUES, "DS '0,50' should be 0.5")]),
        ("PixelSpacing", "DS", b"1\\1.2345678901234567",
         [(VALUES, "DS '1.2345678901234567' should be 1.23456789012346")]),
        ("PixelSpacing", "DS", b"0.5", [(NUMBER, "the number of values is 1, but the VM of PixelSpacing is 2")]),
        ("NumberOfFrames", "IS", b"1A", [(VALUES, "IS cannot hold '1A': it is not an integer of 32 bits")]),
        ("NumberOfFrames", "IS", b"1.0 ", [(VALUES, "IS '1.0' should be 1")]),
        ("NumberOfFrames", "IS", b"007 ", []),
        ("PatientName", "PN", b"M\xfcller", [(TEXT, "FCH is not a character of ISO-IR 6")]),
        ("PatientName", "PN", b"a^b^c^d^e^f ",
         [(VALUES, "PN cannot hold 'a^b^c^d^e^f': 6 components, at most 5 are allowed")]),
        ("AccessionNumber", "SH", b"x" * 17 + b" ",
         [(VALUES, "SH cannot hold 'xxxxxxxxxxxxxxxxx': 17 characters, at most 16 are allowed")]),
        ("ImageDisplayFormat", "ST", b"STANDARD\\2,3", []),
        ("SpecificCharacterSet", "CS", b"ISO_IR 100", []),
        ("SpecificCharacterSet", "CS", b"\\ISO 2022 IR 87 ", []),
        ("SpecificCharacterSet", "CS", b"ISO IR 100",
         [(TERMS, "'ISO IR 100' is not a defined term for a single set")]),
        ("WindowCenter", "DS", b"1\\2\\3 ", []),
        ("DataSetTrailingPadding", "OB", b"\0", []),
    ],
)  # fmt: skip
def test_value_faults_name_rule_and_fault(keyword: str, vr: str, raw: bytes, faults: list[tuple[str, str]]) -> None:
    assert [*value_faults(tag_of(keyword), vr, raw)] == faults


def test_text_faults_depend_on_the_character_set() -> None:
    latin = charset_of("ISO_IR 100")
    assert not [*value_faults(0x00100010, "PN", b"M\xfcller", charset=latin)]
    assert not [*value_faults(0x00100010, "PN", b"\xfc" * 64, charset=latin)], "characters count, not bytes"


def test_words_are_read_in_their_byte_order() -> None:
    (found,) = value_faults(0x7FE00010, "OW", b"\1", big_endian=True)
    assert found[0] == VALUES


@pytest.mark.parametrize(
    ("keyword", "allowed"),
    [("Rows", [1]), ("PixelSpacing", [2]), ("ContourData", [3, 6, 9]), ("ImageType", [2, 3, 4, 5, 6, 7, 8, 9]),
     ("PatientOrientation", [2]), ("VerticesOfThePolygonalShutter", [2, 4, 6, 8]),
     ("OtherPatientNames", [*range(1, 10)]), ("AcquisitionIndex", [*range(1, 10)]), ("ExposedArea", [1, 2])],
)  # fmt: skip
def test_multiplicity_is_checked(keyword: str, allowed: list[int]) -> None:
    counts = [n for n in range(1, 10) if not [*value_faults(tag_of(keyword), "US", b"\1\0" * n)]]
    assert counts == allowed


def test_private_elements_have_any_multiplicity() -> None:
    assert not [*value_faults(0x00091001, "CS", b"A\\B")]


@given(st.sampled_from(sorted(VRS)), st.binary(max_size=40), st.booleans())
def test_any_bytes_can_be_checked(vr: str, raw: bytes, big_endian: bool) -> None:
    for rule, what in value_faults(0x00091001, vr, raw, big_endian=big_endian):
        assert rule.startswith("PS3.")
        assert what.isprintable()


def test_many_wrong_values_are_one_fault() -> None:
    assert len([*value_faults(0x00091001, "CS", b"a\\" * 100_000)]) == 1


@given(st.text("aé^ ", max_size=20), st.floats(-1e9, 1e9), st.integers(-(2**31), 2**31 - 1), st.datetimes())
def test_settable_values_have_no_faults(text: str, number: float, count: int, moment: datetime) -> None:
    latin = charset_of("ISO_IR 100")
    values = {"PN": text[:4], "LO": text, "DS": number, "IS": count, "DA": moment, "TM": moment, "DT": moment}
    for vr, value in values.items():
        raw = bytes(encode_value(vr, check_value(vr, value), charset=latin))
        padded = raw + VRS[vr].pad * (len(raw) % 2)
        assert not [*value_faults(0x00091001, vr, padded, charset=latin)]


def test_dataset_faults_include_items() -> None:
    item = Dataset(SpecificCharacterSet="ISO_IR 126", CodeMeaning="Δι", CodeValue=b"\xe9 ")
    ds = Dataset(SpecificCharacterSet="ISO_IR 100", PatientName="Jérôme", ConceptNameCodeSequence=[Dataset(), item])
    ds.PatientSex = b"f "
    ds.add(Element(0x00091001, "UN", [Dataset(Rows=b"\1\0\2\0")]))
    for syntax in (EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE):
        found = [(finding.path, finding.rule) for finding in dataset_faults(decode(encode(ds, syntax), syntax))]
        assert found == [("(0009,1001)[0].(0028,0010)", NUMBER), ("(0010,0040)", VALUES)]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({}, []),
        ({"PixelData": bytes(2)}, ["(0028,0010) Rows: the attribute is missing"]),
        ({"PixelData": [b"", b"a", b"b"], "NumberOfFrames": 3}, ["(7FE0,0010) PixelData: 2 fragments for 3 frames"]),
        ({"PixelData": [b"", b"ab"]}, []),
        ({"PixelData": [b"", b"ab"], "NumberOfFrames": 0}, ["(0028,0008): the value is not a number of frames"]),
        ({"PixelData": bytes(2), "Rows": 1, "Columns": 1, "BitsAllocated": 16}, []),
        ({"PixelData": bytes(4), "Rows": 1, "Columns": 1, "BitsAllocated": 16},
         ["(7FE0,0010) PixelData: 4 bytes, but 1 frame of"]),
    ],
)  # fmt: skip
def test_pixel_faults_name_contradictions(values: dict[str, object], what: list[str]) -> None:
    found = [str(finding) for finding in pixel_faults(Dataset(**values))]
    assert len(found) == len(what)
    assert all(one.startswith(start) for one, start in zip(found, what, strict=True))


REAL = {
    "CT_small.dcm": {},
    "MR_small.dcm": {},
    "badVR.dcm": {"NumberOfFrames": "IS cannot hold '1A': it is not an integer of 32 bits"},
    "ExplVR_BigEnd.dcm": {
        "StudyDate": "DA cannot hold '1997.04.24': it must be written without '.'",
        "StudyTime": "TM cannot hold '14:04:38': it must be written without ':'",
    },
}


@pytest.mark.parametrize("name", REAL)
def test_findings_of_real_files_are_known(name: str) -> None:
    file = read_file(SAMPLES[f"test_files/{name}"])
    found = {
        element.keyword: what
        for element in file.dataset
        for _, what in value_faults(element.tag, element.VR, bytes(element.raw))
    }
    assert found == REAL[name]
