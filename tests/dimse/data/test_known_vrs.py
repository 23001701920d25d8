"""Elements whose explicit VR differs from PS3.6: they are converted if their meaning is clear."""

import pytest

from dimse.data import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    Element,
    decode,
    encode,
    syntax_of,
    tag_of,
    take_known_vrs,
)
from dimse.errors import DecodeError


def with_known_vr(keyword: str, vr: str, value: object) -> Element:
    """Return an element that was encoded, decoded, and converted to its known VR."""
    written = Dataset()
    written.add(Element(tag_of(keyword), vr, value))
    dataset = decode(encode(written, EXPLICIT_LE), EXPLICIT_LE)
    take_known_vrs(dataset)
    return dataset[keyword]


@pytest.mark.parametrize(
    ("keyword", "vr", "value", "known", "right"),
    [
        ("NumberOfCopies", "DS", b"2.0 ", "IS", 2),
        ("NumberOfCopies", "UL", [2, 3], "IS", [2, 3]),
        ("NumberOfCopies", "FD", 2.0, "IS", 2),
        ("Rows", "IS", "512", "US", 512),
        ("Rows", "UL", 512, "US", 512),
        ("Rows", "OB", b"\0\2", "US", 512),
        ("WindowCenter", "FL", 1.5, "DS", 1.5),
        ("BorderDensity", "US", 150, "CS", "150"),
        ("BorderDensity", "DS", "150", "CS", "150"),
        ("ImageDisplayFormat", "LO", b"STANDARD\\1,1", "ST", "STANDARD\\1,1"),
        ("PatientName", "LO", b"Doe^Jane", "PN", "Doe^Jane"),
        ("SOPInstanceUID", "LO", b"1.2.3 ", "UI", "1.2.3"),
        ("PixelData", "UN", b"\1\2", "OW", b"\1\2"),
        ("LUTData", "UL", 1, "OW", b"\1\0\0\0"),
    ],
)
def test_meaningful_bytes_take_the_known_vr(keyword: str, vr: str, value: object, known: str, right: object) -> None:
    element = with_known_vr(keyword, vr, value)
    assert (element.VR, element.value) == (known, right)


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("NumberOfCopies", "DS", "2.5"),
        ("NumberOfCopies", "LO", "two"),
        ("Rows", "IS", 70_000),
        ("Rows", "IS", b"1\\\\2 "),
        ("Rows", "SS", -1),
        ("ContourData", "OB", b"\1\2"),
        ("WindowCenter", "FD", float("inf")),
        ("PixelData", "LT", "no pixels"),
        ("ReferencedImageSequence", "LO", "text"),
    ],
)
def test_meaningless_bytes_keep_their_vr(keyword: str, vr: str, value: object) -> None:
    assert vr == with_known_vr(keyword, vr, value).VR


@pytest.mark.parametrize(("keyword", "vr"), [("PixelPaddingValue", "SS"), ("PixelData", "OB"), ("LUTData", "US")])
def test_allowed_vr_stays(keyword: str, vr: str) -> None:
    assert vr == with_known_vr(keyword, vr, b"\1\0" if vr == "OB" else 1).VR


def test_unknown_element_stays() -> None:
    dataset = Dataset()
    dataset.add(Element(0x00091001, "US", 1))
    read = decode(encode(dataset, EXPLICIT_LE), EXPLICIT_LE)
    take_known_vrs(read)
    assert read[0x00091001].VR == "US"


def test_set_element_keeps_its_vr() -> None:
    dataset = decode(encode(Dataset(Columns=4), EXPLICIT_LE), EXPLICIT_LE)
    dataset.add(Element(tag_of("Rows"), "IS", "4"))
    dataset.add(Element(tag_of("ImageDisplayFormat"), "UT", b"x"))
    take_known_vrs(dataset)
    assert [element.VR for element in dataset] == ["IS", "US", "UT"]


def test_items_take_known_vrs_too() -> None:
    item = Dataset()
    item.add(Element(tag_of("Rows"), "IS", "4"))
    for syntax in (EXPLICIT_LE, EXPLICIT_BE):
        dataset = decode(encode(Dataset(ReferencedImageSequence=[item]), syntax), syntax)
        take_known_vrs(dataset)
        items = dataset.ReferencedImageSequence
        assert isinstance(items, list)
        (inner,) = items
        assert isinstance(inner, Dataset)
        assert inner.Rows == 4


def test_implicit_vr_has_the_known_vrs() -> None:
    dataset = decode(encode(Dataset(Rows=4), IMPLICIT_LE), IMPLICIT_LE)
    take_known_vrs(dataset)
    assert encode(dataset, IMPLICIT_LE) == encode(Dataset(Rows=4), IMPLICIT_LE)


def test_unreadable_sequence_stays() -> None:
    item = b"\xfe\xff\x00\xe0\x64\0\0\0"
    wrong = b"\x08\0\x40\x11SQ\0\0\x08\0\0\0" + item
    dataset = decode(wrong + encode(Dataset(Rows=4), EXPLICIT_LE), EXPLICIT_LE, isolate=True)
    take_known_vrs(dataset)
    assert dataset.Rows == 4
    with pytest.raises(DecodeError, match="ends beyond its sequence"):
        dataset.ReferencedImageSequence  # noqa: B018


@pytest.mark.parametrize(
    ("written", "right"), [(b"2.0 ", b"2 "), (b"2 ", b"2 "), (b"+2", b"+2"), (b"2.0\\3", b"2\\3 ")]
)
def test_number_in_another_vr_is_written_by_the_known_one(written: bytes, right: bytes) -> None:
    dataset = Dataset()
    dataset.add(with_known_vr("NumberOfCopies", "DS", written))
    assert encode(dataset, EXPLICIT_LE)[4:] == b"IS" + len(right).to_bytes(2, "little") + right


def test_value_that_is_not_a_number_keeps_its_vr() -> None:
    assert with_known_vr("Rows", "AT", 0x00100010).VR == "AT"


def test_fragments_keep_their_vr() -> None:
    syntax = syntax_of("1.2.840.10008.1.2.4.50")  # JPEG Baseline
    dataset = decode(encode(Dataset(PixelData=[b"", b"\1\2"]), syntax), syntax)
    take_known_vrs(dataset)
    assert dataset["PixelData"].VR == "OB"


def test_date_for_a_number_keeps_its_vr() -> None:
    assert with_known_vr("Rows", "DA", "20261130").VR == "DA"
