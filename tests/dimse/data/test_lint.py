"""Faults that a lenient reader tolerates, and the report of them: PS3.5 §6 and §7, PS3.6."""

import struct
import zlib
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples import SAMPLES

from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    VRS,
    Dataset,
    Element,
    Finding,
    dataset_faults,
    decode,
    encode,
    pixel_faults,
    read_file,
    syntax_of,
    tag_of,
)
from dimse.data.charset import charset_of
from dimse.data.check import check_value
from dimse.data.lint import value_faults
from dimse.data.syntax import TransferSyntax
from dimse.data.values import encode_value
from dimse.errors import DecodeError

RLE = syntax_of("1.2.840.10008.1.2.5")
UNDEFINED = b"\xff\xff\xff\xff"
ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0"
ROWS = b"\x28\0\x10\0US\x02\0\x04\0"
COLUMNS = b"\x28\0\x11\0US\x02\0\x04\0"
SQ = b"\x10\x20\x00\x05SQ\0\0"
PIXELS = b"\xe0\x7f\x10\x00OB\0\0"


def findings(data: bytes, syntax: TransferSyntax = EXPLICIT_LE) -> list[str]:
    report: list[Finding] = []
    decode(data, syntax, report=report)
    return [str(finding) for finding in report]


def items(*contents: bytes) -> bytes:
    whole = b"".join(ITEM + struct.pack("<I", len(content)) + content for content in contents)
    return SQ + struct.pack("<I", len(whole)) + whole


TOLERATED = {
    "out of order": (COLUMNS + ROWS, "(0028,0010): it follows (0028,0011) (at byte 10) [PS3.5 §7.1]"),
    "twice": (ROWS + ROWS, "(0028,0010): it occurs twice (at byte 10) [PS3.5 §7.1]"),
    "odd length": (b"\x10\x20\x40\x00CS\x01\0A", "(2010,0040): its length is odd, 1 (at byte 0) [PS3.5 §7.1.1]"),
    "wrong VR": (
        b"\x28\0\x10\0UL\x04\0" + bytes(4), "(0028,0010): its VR is UL, where PS3.6 has US (at byte 0) [PS3.6]",
    ),
    "UN of what is known": (
        b"\x28\0\x10\0UN\0\0\x02\0\0\0\x04\0",
        "(0028,0010): its VR is UN, although PS3.6 knows it, as US (at byte 0) [PS3.5 §6.2.2]",
    ),
    "a VR still to come": (b"\x28\0\x10\0ZZ\0\0\0\0\0\0", "(0028,0010): ZZ is not a VR (at byte 0) [PS3.5 §6.2]"),
    "reserved bytes": (
        SQ[:6] + b"\1\0" + bytes(4), "(2010,0500): the reserved bytes are 01 00, not 00 00 (at byte 0) [PS3.5 §7.1.2]",
    ),
    "group length": (
        b"\x28\0\0\0UL\x04\0\x0a\0\0\0" + ROWS, "(0028,0000): group lengths are retired (at byte 0) [PS3.5 §7.2]",
    ),
    "wrong command group length": (
        b"\0\0\0\0UL\x04\0\x0b\0\0\0" + b"\0\0\0\1US\2\0\1\0" + ROWS,
        "(0000,0000): its group has 10 bytes, not 11 (at byte 12) [PS3.5 §7.2]",
    ),
    "a group for nobody": (
        b"\x05\0\x10\0LO\0\0", "(0005,0010): group 0005 is reserved (at byte 0) [PS3.5 §7.8]",
    ),
    "a private element without a creator": (
        b"\x09\0\x01\x10LO\0\0",
        "(0009,1001): its private block is not reserved, in (0009,0010) (at byte 0) [PS3.5 §7.8.1]",
    ),
    "a private element in no block": (
        b"\x09\0\x01\0LO\0\0", "(0009,0001): no private block can have this number (at byte 0) [PS3.5 §7.8.1]",
    ),
    "an odd item": (
        items(b"\x28\0\x10\0US\1\0\1"), "(2010,0500): item 1 has an odd length, 9 (at byte 12) [PS3.5 §7.5]",
    ),
    "a long item delimiter": (
        SQ + b"\x1a\0\0\0" + ITEM + UNDEFINED + ROWS + ITEM_END + b"\2\0\0\0",
        "(2010,0500)[0].(FFFE,E00D): a delimiter has the length 2, not 0 (at byte 30) [PS3.5 §7.5]",
    ),
    "a long sequence delimiter": (
        SQ + UNDEFINED + items(ROWS)[12:] + SEQUENCE_END + b"\2\0\0\0" + PIXELS + bytes(4),
        "(2010,0500): a delimiter has the length 2, not 0 (at byte 30) [PS3.5 §7.5]",
    ),
    "fragments outside of pixels": (
        b"\x28\0\0\x20OB\0\0" + UNDEFINED + SEQUENCE_END + bytes(4),
        "(0028,2000): OB has undefined length, which only sequences and Pixel Data may have (at byte 0) [PS3.5 §7.1.1]",
    ),
    "compressed pixels": (
        PIXELS + UNDEFINED + SEQUENCE_END + bytes(4),
        "(7FE0,0010): it is compressed, which Explicit VR Little Endian does not allow (at byte 0) [PS3.5 §A.4]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLERATED)
def test_tolerated_faults_are_reported(case: str) -> None:
    data, what = TOLERATED[case]
    found = findings(data)
    assert what in found
    assert len(found) == (3 if case == "an odd item" else 1), (
        "around an odd item the sequence is odd, and in it a value"
    )


@pytest.mark.parametrize("case", TOLERATED)
def test_faults_in_items_are_reported(case: str) -> None:
    data, what = TOLERATED[case]
    if case != "compressed pixels":  # an Icon Image has pixels of its own
        path, _, rest = what.partition(" (at byte")
        offset, _, rule = rest.partition(")")
        assert f"(2010,0500)[1].{path} (at byte {int(offset) + 28})" + rule in findings(items(b"", data))


def test_sound_forms_have_no_findings() -> None:
    private = (
        b"\x09\0\x10\0LO\4\0ACME" + b"\x09\0\x01\x10UN\0\0" + UNDEFINED + ITEM + bytes(4) + SEQUENCE_END + bytes(4)
    )
    delimited = SQ + UNDEFINED + ITEM + UNDEFINED + ROWS + ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)
    assert findings(private + ROWS + delimited + PIXELS + bytes(4)) == []
    assert findings(b"\x28\0\x06\1SS\2\0\1\0") == [], "US or SS"
    assert findings(b"") == []
    compressed = Dataset(Rows=4, PixelData=[b"", b"\1\2"])
    assert findings(encode(compressed, RLE), RLE) == []
    with_items = Dataset(Rows=4, ReferencedImageBoxSequence=[Dataset(Rows=1), Dataset()], PixelData=b"\0\0")
    for syntax in (IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE):
        assert findings(encode(with_items, syntax), syntax) == []


def test_compressed_pixels_match_the_syntax() -> None:
    odd = PIXELS + UNDEFINED + ITEM + bytes(4) + ITEM + b"\1\0\0\0\1" + SEQUENCE_END + bytes(4)
    assert findings(odd, RLE) == ["(7FE0,0010): a fragment has an odd length, 1 (at byte 20) [PS3.5 §7.5]"]
    # bytes that are native, in a syntax that has none of them
    report: list[Finding] = []
    decode(PIXELS + b"\2\0\0\0\1\2", RLE, report=report)
    assert [finding.what for finding in report] == ["it is native, which RLE Lossless does not allow"]


def test_implicit_vr_has_no_vr_faults() -> None:
    assert findings(b"\x28\0\x10\0\x02\0\0\0\x04\0" * 2, IMPLICIT_LE) == [
        "(0028,0010): it occurs twice (at byte 10) [PS3.5 §7.1]"
    ]


def test_bytes_after_a_deflated_data_set_are_reported() -> None:
    data = encode(Dataset(Rows=4), DEFLATED_LE)
    assert findings(data, DEFLATED_LE) == []
    assert findings(data + b"abc", DEFLATED_LE)[0].endswith("follow the deflated Data Set (at byte 12) [PS3.5 §A.5]")


def test_offsets_count_from_the_start_of_the_data() -> None:
    report: list[Finding] = []
    ds = decode(b"before" + COLUMNS + ROWS, EXPLICIT_LE, start=6, report=report)
    assert [finding.offset for finding in report] == [16]
    assert encode(ds, EXPLICIT_LE) == COLUMNS + ROWS
    assert ds == Dataset(Rows=4, Columns=4)


def test_decode_without_report_checks_nothing() -> None:
    data = COLUMNS + ROWS
    assert decode(data, EXPLICIT_LE) == decode(data, EXPLICIT_LE, report=[])


@pytest.mark.parametrize("rest", [b"\x1a", b"\r\n", b" ", b"\xff" * 6, b"GARBAGE"])
@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED_LE], ids=lambda one: one.name)
def test_bytes_too_few_for_an_element_are_passed_over(syntax: TransferSyntax, rest: bytes) -> None:
    dataset = Dataset(Rows=4, ReferencedImageSequence=[Dataset(Rows=5)])
    data = encode(dataset, EXPLICIT_LE if syntax is DEFLATED_LE else syntax) + rest
    if syntax is DEFLATED_LE:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = deflater.compress(data) + deflater.flush()
    assert decode(data, syntax) == dataset


def test_report_names_bytes_too_few_for_an_element() -> None:
    assert findings(ROWS + b"\r\n") == [
        "2 bytes, too few for an element, follow the last one (at byte 10) [PS3.5 §7.1]"
    ]


def test_header_of_a_known_element_that_is_cut_off_is_refused() -> None:
    with pytest.raises(DecodeError, match="the header of an element is cut off"):
        decode(ROWS + COLUMNS[:6], EXPLICIT_LE)


@pytest.mark.parametrize("tag", [ITEM_END, SEQUENCE_END], ids=["item", "sequence"])
def test_stray_delimiter_after_a_sequence_is_passed_over(tag: bytes) -> None:
    data, later = items(ROWS), b"\x10\x20\x10\x05SQ\0\0" + bytes(4)
    assert decode(data + tag + bytes(4) + later, EXPLICIT_LE) == decode(data + later, EXPLICIT_LE)
    assert f"a delimiter follows it, although it has a length (at byte {len(data)}) [PS3.5 §7.5]" in findings(
        data + tag + bytes(4) + later
    )


@pytest.mark.parametrize("tags", [[ITEM_END], [SEQUENCE_END], [ITEM_END, SEQUENCE_END]], ids=len)
def test_stray_delimiters_at_the_end_are_passed_over(tags: list[bytes]) -> None:
    data = ROWS + b"".join(tag + bytes(4) for tag in tags)
    assert decode(data, EXPLICIT_LE) == Dataset(Rows=4)
    assert findings(data)[0] == "a delimiter follows the last element (at byte 10) [PS3.5 §7.5]"


def test_stray_delimiter_among_elements_is_refused() -> None:
    with pytest.raises(DecodeError, match="a delimiter or item is out of place"):
        decode(ROWS + ITEM_END + bytes(4) + COLUMNS, EXPLICIT_LE)


@pytest.mark.parametrize("junk", [bytes(16), b"GARBAGE!", b"GAR", bytes(2), b"GARBAGE!" * 4], ids=len)
def test_junk_after_the_last_item_is_passed_over(junk: bytes) -> None:
    content = items(ROWS)[12:] + junk
    data = SQ + struct.pack("<I", len(content)) + content
    later = b"\x20\x20\x20\x00CS\x02\0AB"
    assert decode(data + later, EXPLICIT_LE).copy() == decode(items(ROWS) + later, EXPLICIT_LE)
    assert decode(items(data), EXPLICIT_LE) == decode(items(items(ROWS)), EXPLICIT_LE)
    what = f"{len(junk)} bytes that are not an item follow its last item (at byte 30) [PS3.5 §7.5]"
    assert f"(2010,0500): {what}" in findings(data + later)


def test_junk_before_another_item_is_refused() -> None:
    content = items(ROWS)[12:] + b"GARBAGE!" + items(ROWS)[12:]
    with pytest.raises(DecodeError, match="where an item should begin"):
        decode(SQ + struct.pack("<I", len(content)) + content, EXPLICIT_LE)


VALUES, TEXT, TERMS, NUMBER = "PS3.5 §6.2", "PS3.5 §6.1", "PS3.3 §C.12.1.1.2", "PS3.6"


@pytest.mark.parametrize(
    ("keyword", "vr", "raw", "faults"),
    [
        ("Rows", "US", b"\1\0", []),
        ("Rows", "US", b"\1\0\2\0", [(NUMBER, "2 values, where Rows has 1")]),
        ("Rows", "US", b"\1", [(VALUES, "US needs a multiple of 2 bytes, got 1")]),
        ("FrameIncrementPointer", "AT", bytes(8), []),
        ("PixelData", "OW", b"\1\2", []),
        ("ReferencedImageBoxSequence", "SQ", b"\1", []),
        ("Modality", "CS", b"", []),
        ("Modality", "CS", b"MR", []),
        ("Modality", "CS", b" MR ", []),
        ("Modality", "CS", b"MR\0\0", [(VALUES, r"CS is padded with '\x00\x00', not with ' '")]),
        ("Modality", "CS", b"mr", [(VALUES, "CS cannot hold 'mr': only [A-Z0-9_ ]* is allowed")]),
        ("Modality", "CS", b"MR\\", [(NUMBER, "2 values, where Modality has 1")]),
        ("Modality", "CS", b"  ", []),
        ("StudyInstanceUID", "UI", b"1.2 ", [(VALUES, r"UI is padded with ' ', not with '\x00'")]),
        ("StudyInstanceUID", "UI", b"1.2\0", []),
        ("StudyDate", "DA", b"1993.04.22",
         [(VALUES, "DA cannot hold '1993.04.22': it is written without .")]),
        ("PixelSpacing", "DS", b"0.50\\ .5 ", []),
        ("PixelSpacing", "DS", b"0,50\\.5 ", [(VALUES, "DS '0,50' should be 0.5")]),
        ("PixelSpacing", "DS", b"1\\1.2345678901234567",
         [(VALUES, "DS '1.2345678901234567' should be 1.23456789012346")]),
        ("PixelSpacing", "DS", b"0.5", [(NUMBER, "1 values, where PixelSpacing has 2")]),
        ("NumberOfFrames", "IS", b"1A", [(VALUES, "IS cannot hold '1A': needs an integer, got '1A'")]),
        ("NumberOfFrames", "IS", b"1.0 ", [(VALUES, "IS '1.0' should be 1")]),
        ("NumberOfFrames", "IS", b"007 ", []),
        ("PatientName", "PN", b"M\xfcller", [(TEXT, "FCH is not a character of the character set 6")]),
        ("PatientName", "PN", b"a^b^c^d^e^f ",
         [(VALUES, "PN cannot hold 'a^b^c^d^e^f': 6 components are more than 5")]),
        ("AccessionNumber", "SH", b"x" * 17 + b" ",
         [(VALUES, "SH cannot hold 'xxxxxxxxxxxxxxxxx': 17 characters are more than 16")]),
        ("ImageDisplayFormat", "ST", b"STANDARD\\2,3", []),
        ("SpecificCharacterSet", "CS", b"ISO_IR 100", []),
        ("SpecificCharacterSet", "CS", b"\\ISO 2022 IR 87 ", []),
        ("SpecificCharacterSet", "CS", b"ISO IR 100",
         [(TERMS, "'ISO IR 100' is not the term of a set")]),
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
def test_any_bytes_have_faults_or_none(vr: str, raw: bytes, big_endian: bool) -> None:
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
        ({"PixelData": bytes(2)}, ["(0028,0010) Rows: is missing"]),
        ({"PixelData": [b"", b"a", b"b"], "NumberOfFrames": 3}, ["(7FE0,0010) PixelData: 2 fragments for 3 frames"]),
        ({"PixelData": [b"", b"ab"]}, []),
        ({"PixelData": [b"", b"ab"], "NumberOfFrames": 0}, ["(0028,0008): it is not a number of frames; one frame is"]),
        ({"PixelData": bytes(2), "Rows": 1, "Columns": 1, "BitsAllocated": 16}, []),
        ({"PixelData": bytes(4), "Rows": 1, "Columns": 1, "BitsAllocated": 16},
         ["(7FE0,0010) PixelData: 4 bytes where 1 frames of"]),
    ],
)  # fmt: skip
def test_pixel_faults_name_contradictions(values: dict[str, object], what: list[str]) -> None:
    found = [str(finding) for finding in pixel_faults(Dataset(**values))]
    assert len(found) == len(what)
    assert all(one.startswith(start) for one, start in zip(found, what, strict=True))


REAL = {
    "CT_small.dcm": {},
    "MR_small.dcm": {},
    "badVR.dcm": {"NumberOfFrames": "IS cannot hold '1A': needs an integer, got '1A'"},
    "ExplVR_BigEnd.dcm": {
        "StudyDate": "DA cannot hold '1997.04.24': it is written without .",
        "StudyTime": "TM cannot hold '14:04:38': it is written without :",
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
