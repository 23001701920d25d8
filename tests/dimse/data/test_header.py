"""Headers that break the rules of PS3.5 §7: each is read, and each is reported."""

import struct

import pytest

from dimse.data import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    DecodeLimits,
    Finding,
    TransferSyntax,
    decode,
    encode,
    expected_length,
    read_file,
)
from dimse.errors import DecodeError

UNDEFINED = b"\xff\xff\xff\xff"
ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0" + bytes(4)
SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)
IMAGES = 0x00081140  # Referenced Image Sequence


def explicit(tag: int, vr: bytes, value: bytes, length: bytes | None = None) -> bytes:
    """Return an element in explicit VR; an unknown VR has a length of two bytes."""
    header = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in (b"SQ", b"UN", b"OW", b"UT"):
        return header + b"\0\0" + (length or struct.pack("<L", len(value))) + value
    return header + struct.pack("<H", len(value)) + value


def implicit(tag: int, value: bytes, length: bytes | None = None) -> bytes:
    return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + (length or struct.pack("<L", len(value))) + value


def item(content: bytes) -> bytes:
    return ITEM + struct.pack("<L", len(content)) + content


def long_item(content: bytes) -> bytes:
    return ITEM + UNDEFINED + content


MODALITY, NAME = explicit(0x00080060, b"CS", b"CT"), explicit(0x00100010, b"PN", b"Doe^Jane")
MODALITY_I, NAME_I = implicit(0x00080060, b"CT"), implicit(0x00100010, b"Doe^Jane")
CLASS, CLASS_I = explicit(0x00081150, b"UI", b"1.2.840.1\0"), implicit(0x00081150, b"1.2.840.1\0")


def images(content: bytes, length: bytes | None = None) -> bytes:
    return explicit(IMAGES, b"SQ", content, length)


def images_i(content: bytes, length: bytes | None = None) -> bytes:
    return implicit(IMAGES, content, length)


def shown(dataset: Dataset) -> dict[str, object]:
    """Return the values by keyword or tag; a sequence gives the values of its items."""
    values: dict[str, object] = {}
    for element in dataset:
        value = element.value
        if isinstance(value, list) and element.VR in ("SQ", "UN"):
            value = [shown(part) for part in value if isinstance(part, Dataset)]  # type: ignore[misc]
        values[element.keyword or str(element.tag)] = bytes(value) if isinstance(value, memoryview) else value
    return values


def read(data: bytes, syntax: TransferSyntax = EXPLICIT_LE) -> tuple[dict[str, object], list[str]]:
    """Return the values and the findings. The values do not depend on when items are parsed."""
    report: list[Finding] = []
    values = shown(decode(data, syntax, report=report))
    assert shown(decode(data, syntax, whole=False)) == values
    return values, [finding.what for finding in report]


# Bytes after the Data Set


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 16, 20, 512, 200_000])
@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
def test_zeros_after_the_data_set_are_reported(syntax: TransferSyntax, count: int) -> None:
    data = encode(Dataset(Modality="CT", PixelData=b"\1\2\3\0"), syntax)
    values, report = read(data + bytes(count), syntax)
    assert list(values) == ["Modality", "PixelData"]
    assert report == [f"{count} zero bytes follow the last element"]
    assert encode(decode(data + bytes(count), syntax), syntax) == data


def test_zeros_before_an_element_are_not_padding() -> None:
    with pytest.raises(DecodeError, match="not a VR"):
        decode(MODALITY + bytes(30) + NAME + b"\1", EXPLICIT_LE)


def test_zeros_pad_an_item() -> None:
    values, report = read(images(item(CLASS + bytes(10)) + item(CLASS)) + NAME)
    assert values["ReferencedImageSequence"] == [{"ReferencedSOPClassUID": "1.2.840.1"}] * 2
    assert report == ["10 zero bytes follow the last element"]
    values, _ = read(images_i(item(CLASS_I + bytes(10)) + item(CLASS_I)) + NAME_I, IMPLICIT_LE)
    assert values["ReferencedImageSequence"] == [{"ReferencedSOPClassUID": "1.2.840.1"}] * 2


# Headers without a VR


@pytest.mark.parametrize("code", [b"  ", b"--", b"\0\0", b"??", b"lo", b"\xff\xff", b"L ", b"12"])
@pytest.mark.parametrize("value", [b"ACME", b"", b"AB"], ids=len)
def test_element_without_vr_takes_it_from_the_dictionary(code: bytes, value: bytes) -> None:
    data = MODALITY + explicit(0x00080070, code, value) + NAME
    values, report = read(data)
    assert values == {"Modality": "CT", "Manufacturer": value.decode() or None, "PatientName": "Doe^Jane"}
    assert decode(data, EXPLICIT_LE)["Manufacturer"].VR == "LO"
    assert len(report) == 1
    assert report[0].endswith("is not a VR")


def test_unknown_element_without_vr_is_bytes() -> None:
    values, _ = read(explicit(0x00090010, b"LO", b"ACME") + explicit(0x00091001, b"--", b"\1\2") + NAME)
    assert values["(0009,1001)"] == b"\1\2"


def test_elements_without_vr_follow_each_other() -> None:
    values, report = read(explicit(0x00080060, b"  ", b"CT") + explicit(0x00100010, b"  ", b"Doe^Jane"))
    assert values == {"Modality": "CT", "PatientName": "Doe^Jane"}
    assert len(report) == 2


def test_element_without_vr_may_have_a_long_length() -> None:
    long = struct.pack("<HH2sHL", 0x0028, 0x3006, b"  ", 0, 4) + b"\1\2\3\4"
    values, _ = read(MODALITY + long + explicit(0x00280010, b"US", b"\1\0").replace(b"\x28\0\x10\0", b"\x28\0\x10\x40"))
    assert values["LUTData"] == b"\1\2\3\4"


def test_two_capital_letters_may_have_a_short_length() -> None:
    values, _ = read(MODALITY + explicit(0x00080070, b"ZZ", b"ACME") + NAME)
    assert values == {"Modality": "CT", "Manufacturer": b"ACME", "PatientName": "Doe^Jane"}


CREATOR = explicit(0x00090010, b"LO", b"ACME")


def with_short_length(vr: bytes, value: bytes) -> bytes:
    """Return a private element whose length has two bytes, though its VR needs four."""
    return struct.pack("<HH2sH", 0x0009, 0x1001, vr, len(value)) + value


@pytest.mark.parametrize("vr", [b"UN", b"OB", b"UT"])
def test_long_vr_may_have_a_short_length(vr: bytes) -> None:
    values, report = read(MODALITY + CREATOR + with_short_length(vr, b"hello!") + NAME)
    assert list(values) == ["Modality", "(0009,0010)", "(0009,1001)", "PatientName"]
    assert values["(0009,1001)"] in (b"hello!", "hello!")
    assert report == [f"the length of {vr.decode()} has 2 bytes, not 4"]


def test_last_element_of_an_item_may_have_a_short_length() -> None:
    values, report = read(images(item(CREATOR + with_short_length(b"UN", b"hello!"))) + NAME)
    assert values["ReferencedImageSequence"] == [{"(0009,0010)": "ACME", "(0009,1001)": b"hello!"}]
    assert report == ["the length of UN has 2 bytes, not 4"]


def test_short_length_that_leads_nowhere_is_rejected() -> None:
    with pytest.raises(DecodeError, match="a value of 1819043176 bytes, but only"):
        decode(MODALITY + CREATOR + with_short_length(b"UN", b"hello!") + b"\1" + NAME, EXPLICIT_LE)


def test_element_without_vr_is_read_in_an_item() -> None:
    values, report = read(images(item(explicit(0x00081150, b"--", b"1.2\0") + explicit(0x00081155, b"UI", b"1.3\0"))))
    assert values["ReferencedImageSequence"] == [{"ReferencedSOPClassUID": "1.2", "ReferencedSOPInstanceUID": "1.3"}]
    assert report == ["b'--' is not a VR".removeprefix("b")]


def test_implicit_element_among_explicit_ones_is_read() -> None:
    values, report = read(MODALITY + implicit(0x00080070, b"ACME") + NAME)
    assert values == {"Modality": "CT", "Manufacturer": "ACME", "PatientName": "Doe^Jane"}
    assert len(report) == 1


def test_header_that_leads_nowhere_is_rejected() -> None:
    with pytest.raises(DecodeError, match=r"^\(0008,0070\): b'--' is not a VR; is this Implicit VR\?"):
        decode(MODALITY + struct.pack("<HH2sH", 8, 0x70, b"--", 3) + b"ACME" + NAME, EXPLICIT_LE)


def test_pixels_are_found_after_an_element_without_vr() -> None:
    data = MODALITY + explicit(0x00080070, b"  ", b"ACME") + NAME + explicit(0x7FE00010, b"OW", b"\1\2\3\4")
    assert list(shown(read_file(data, stop_before_pixels=True).dataset)) == ["Modality", "Manufacturer", "PatientName"]
    assert expected_length(data[:-4], EXPLICIT_LE) == len(data)


# Delimiters where there is a length

SEQUENCES = {
    "the sequence's, counted": images(item(CLASS) + SEQUENCE_END),
    "the sequence's, not counted": images(item(CLASS)) + SEQUENCE_END,
    "the item's, counted": images(item(CLASS + ITEM_END)),
    "the item's, not counted": images(item(CLASS) + ITEM_END),
    "both, counted": images(item(CLASS + ITEM_END) + SEQUENCE_END),
    "neither, although the item needs one": images(long_item(CLASS)),
    "the sequence's alone, counted": images(long_item(CLASS) + SEQUENCE_END),
    "the sequence's alone": images(long_item(CLASS) + SEQUENCE_END, UNDEFINED),
    "the item's in an undefined sequence": images(item(CLASS) + ITEM_END + SEQUENCE_END, UNDEFINED),
    "both in implicit VR": images_i(item(CLASS_I + ITEM_END) + SEQUENCE_END),
    "not counted in implicit VR": images_i(item(CLASS_I)) + SEQUENCE_END,
}


@pytest.mark.parametrize("case", SEQUENCES)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_extra_or_missing_delimiter_is_reported(case: str, depth: int) -> None:
    is_implicit = "implicit" in case
    sequence, around = SEQUENCES[case], images_i if is_implicit else images
    right: object = {"ReferencedSOPClassUID": "1.2.840.1"}
    for _ in range(depth):
        sequence = around(item(sequence))
        right = {"ReferencedImageSequence": [right]}
    data = MODALITY_I + sequence + NAME_I if is_implicit else MODALITY + sequence + NAME
    values, report = read(data, IMPLICIT_LE if is_implicit else EXPLICIT_LE)
    assert values == {"Modality": "CT", "ReferencedImageSequence": [right], "PatientName": "Doe^Jane"}
    assert any("delimiter" in what for what in report)


@pytest.mark.parametrize("case", SEQUENCES)
def test_items_with_odd_delimiters_are_read(case: str) -> None:
    once = SEQUENCES[case]
    twice = decode(once + NAME[:0], IMPLICIT_LE if "implicit" in case else EXPLICIT_LE)
    copied = encode(twice.copy(), EXPLICIT_LE)
    assert shown(decode(copied, EXPLICIT_LE)) == {"ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2.840.1"}]}


def test_undefined_item_without_an_end_is_rejected() -> None:
    with pytest.raises(DecodeError, match="the item ends without its delimiter"):
        decode(images(long_item(CLASS), UNDEFINED), EXPLICIT_LE)


# Sequences without items


@pytest.mark.parametrize("content", [b"NAMED TYPE", bytes(8), b"\1\2", b"x" * 40_000, bytes(4) + ITEM])
def test_known_sequence_without_items_is_bytes(content: bytes) -> None:
    for sequence, before, after, syntax in (
        (images(content), MODALITY, NAME, EXPLICIT_LE),
        (images_i(content), MODALITY_I, NAME_I, IMPLICIT_LE),
    ):
        values, report = read(before + sequence + after, syntax)
        assert values == {"Modality": "CT", "ReferencedImageSequence": content, "PatientName": "Doe^Jane"}
        assert report == ["the value does not begin with an item"]
        assert decode(before + sequence + after, syntax)["ReferencedImageSequence"].VR == "UN"


def test_known_sequence_in_an_item_may_be_bytes() -> None:
    values, _ = read(images_i(item(images_i(b"text")) + item(CLASS_I)) + NAME_I, IMPLICIT_LE)
    assert values["ReferencedImageSequence"] == [
        {"ReferencedImageSequence": b"text"},
        {"ReferencedSOPClassUID": "1.2.840.1"},
    ]


def test_text_in_place_of_a_sequence_survives_implicit_vr() -> None:
    dataset = decode(explicit(0x00120064, b"LO", b"Anonymizer") + NAME, EXPLICIT_LE)
    again = decode(encode(dataset, IMPLICIT_LE), IMPLICIT_LE)
    assert shown(again) == {"PatientName": "Doe^Jane", "DeidentificationMethodCodeSequence": b"Anonymizer"}


# The other VR in an item

INSTANCE, INSTANCE_I = explicit(0x00081155, b"UI", b"1.2.3\0"), implicit(0x00081155, b"1.2.3\0")
TWO = {"ReferencedSOPClassUID": "1.2.840.1", "ReferencedSOPInstanceUID": "1.2.3"}


@pytest.mark.parametrize(
    "sequence",
    [
        images(item(CLASS_I + INSTANCE_I)),
        images(long_item(CLASS_I + INSTANCE_I + ITEM_END) + SEQUENCE_END, UNDEFINED),
        images(long_item(CLASS_I + INSTANCE_I + ITEM_END)),
    ],
    ids=["lengths", "delimiters", "a delimited item"],
)
def test_implicit_item_among_explicit_elements_is_read(sequence: bytes) -> None:
    values, report = read(MODALITY + sequence + NAME)
    assert values == {"Modality": "CT", "ReferencedImageSequence": [TWO], "PatientName": "Doe^Jane"}
    assert report == ["item 1 is in Implicit VR"]


@pytest.mark.parametrize(
    "sequence",
    [
        images_i(item(CLASS + INSTANCE)),
        images_i(long_item(CLASS + INSTANCE + ITEM_END) + SEQUENCE_END, UNDEFINED),
    ],
    ids=["lengths", "delimiters"],
)
def test_explicit_item_among_implicit_elements_is_read(sequence: bytes) -> None:
    values, report = read(MODALITY_I + sequence + NAME_I, IMPLICIT_LE)
    assert values == {"Modality": "CT", "ReferencedImageSequence": [TWO], "PatientName": "Doe^Jane"}
    assert report == ["item 1 is in Explicit VR"]


def test_long_item_of_the_other_vr_is_read() -> None:
    pixels = explicit(
        0x7FE00010, b"OW", bytes(2_000_000)
    )  # "UI" and its length make 674,133 if they are read as one length
    values, _ = read(images_i(item(CLASS + pixels)) + NAME_I, IMPLICIT_LE)
    assert values["ReferencedImageSequence"] == [{"ReferencedSOPClassUID": "1.2.840.1", "PixelData": bytes(2_000_000)}]


def test_items_of_one_sequence_may_differ() -> None:
    values, _ = read(images(item(CLASS + INSTANCE) + item(CLASS_I + INSTANCE_I) + item(CLASS + INSTANCE)) + NAME)
    assert values["ReferencedImageSequence"] == [TWO] * 3


def test_sequences_in_an_item_of_the_other_vr_are_read() -> None:
    inner = images_i(item(images_i(item(CLASS_I)) + INSTANCE_I))
    values, _ = read(MODALITY + images(item(images(item(inner)) + INSTANCE)) + NAME)
    assert shown(decode(inner, IMPLICIT_LE)) == {
        "ReferencedImageSequence": [
            {"ReferencedImageSequence": [{"ReferencedSOPClassUID": "1.2.840.1"}], "ReferencedSOPInstanceUID": "1.2.3"}
        ]
    }
    assert list(values) == ["Modality", "ReferencedImageSequence", "PatientName"]


@pytest.mark.parametrize("undefined", [True, False])
def test_unknown_sequences_may_have_explicit_items(undefined: bool) -> None:
    content, creator = item(CLASS + INSTANCE), explicit(0x20010010, b"LO", b"ACME")
    unknown = explicit(0x20011001, b"UN", content + SEQUENCE_END, UNDEFINED)
    known = explicit(IMAGES, b"UN", content)
    values, _ = read(creator + unknown if undefined else known + NAME)
    assert values["(2001,1001)" if undefined else "ReferencedImageSequence"] == [TWO]


# Faults within a sequence that has a length

BROKEN = images(ITEM + struct.pack("<L", 100) + bytes(4))
BROKEN_I = images_i(item(implicit(0x00280010, b"\4\0", b"\x50\0\0\0")))


@pytest.mark.parametrize(
    ("data", "syntax", "what"),
    [
        (MODALITY + BROKEN + NAME, EXPLICIT_LE, "an item of 100 bytes ends beyond its sequence"),
        (MODALITY + images(item(BROKEN)) + NAME, EXPLICIT_LE, "an item of 100 bytes ends beyond its sequence"),
        (MODALITY_I + BROKEN_I + NAME_I, IMPLICIT_LE, "a value of 80 bytes, but only 2 follow"),
    ],
    ids=["a sequence", "in an item", "implicit"],
)
def test_broken_sequence_spoils_nothing_else(data: bytes, syntax: TransferSyntax, what: str) -> None:
    with pytest.raises(DecodeError, match=what):
        decode(data, syntax)
    report: list[Finding] = []
    for dataset in (decode(data, syntax, isolate=True), decode(data, syntax, report=report)):
        assert (dataset.Modality, dataset.PatientName) == ("CT", "Doe^Jane")
        assert encode(dataset, syntax) == data
        for one in (dataset, dataset.copy()):
            with pytest.raises(DecodeError, match=what):
                one.ReferencedImageSequence  # noqa: B018
    assert [finding.what for finding in report] == [what]


def test_exceeded_limit_is_not_isolated() -> None:
    data = images(item(CLASS) * 3) + NAME
    with pytest.raises(DecodeError, match="more than 2 items"):
        decode(data, EXPLICIT_LE, limits=DecodeLimits(items=2), isolate=True)


# A whole Data Set in the other VR encoding

STUDY = Dataset(
    SpecificCharacterSet="ISO_IR 100",
    PatientName="R\xd6NTGEN",
    PixelRepresentation=1,
    SmallestImagePixelValue=-3,
    ReferencedImageSequence=[Dataset(ReferencedSOPClassUID="1.2")],
)
OTHER = [(EXPLICIT_LE, IMPLICIT_LE), (IMPLICIT_LE, EXPLICIT_LE)]


@pytest.mark.parametrize(("written", "named"), OTHER)
def test_data_set_is_read_in_the_other_vr_encoding(written: TransferSyntax, named: TransferSyntax) -> None:
    assert decode(encode(STUDY, written), named) == STUDY


@pytest.mark.parametrize(("written", "named"), OTHER)
def test_report_names_the_other_vr_encoding(written: TransferSyntax, named: TransferSyntax) -> None:
    report: list[Finding] = []
    decode(encode(STUDY, written), named, report=report)
    kind = written.name.split()[0]
    assert [str(finding) for finding in report] == [
        f"the Data Set is in {kind} VR, not in {named.name} (at byte 0) [PS3.5 §10]"
    ]


@pytest.mark.parametrize(("written", "named"), OTHER)
def test_untouched_data_set_is_written_in_the_named_syntax(written: TransferSyntax, named: TransferSyntax) -> None:
    assert encode(decode(encode(STUDY, written), named), named) == encode(STUDY, named)


@pytest.mark.parametrize(("written", "named"), OTHER)
def test_expected_length_knows_the_other_vr_encoding(written: TransferSyntax, named: TransferSyntax) -> None:
    data = encode(Dataset(Rows=1, Columns=1, PixelData=bytes(1000)), written)
    assert expected_length(data[:-900], named) == len(data)


def test_length_of_a_long_first_value_is_not_taken_for_a_vr() -> None:
    text = Dataset(TextValue="x" * 0x5554)  # the length can be read as "TU" in one byte order, and as "UT" in the other
    assert decode(encode(text, IMPLICIT_LE), IMPLICIT_LE) == text


@pytest.mark.parametrize("tag", [0x00080070, 0x00080060, 0x00081150, 0x00280010])
@pytest.mark.parametrize("content", [item(CLASS_I), long_item(CLASS_I + ITEM_END)], ids=["defined", "undefined"])
@pytest.mark.parametrize("whole", [False, True])
def test_items_in_another_vr_are_a_sequence(tag: int, content: bytes, whole: bool) -> None:
    data = implicit(tag, content + SEQUENCE_END, UNDEFINED) + implicit(0x00400001, b"AB")
    dataset = decode(data, IMPLICIT_LE, whole=whole)
    assert dataset[tag].value == [Dataset(ReferencedSOPClassUID="1.2.840.1")]
    assert dataset[0x00400001].value == "AB"


def test_report_names_items_in_another_vr() -> None:
    report: list[Finding] = []
    data = implicit(0x00080070, long_item(CLASS_I + ITEM_END) + SEQUENCE_END, UNDEFINED)
    decode(data, IMPLICIT_LE, report=report)
    assert [finding.what for finding in report] == [
        "LO has undefined length, which only sequences and Pixel Data may have"
    ]
