"""The headers of a Data Set, in the order of its bytes."""

import pytest

from dimse.data import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, TransferSyntax, encode, tag_of
from dimse.data.dump import group_lengths, rows_of
from dimse.data.skip import headers_of

NESTED = Dataset(
    SpecificCharacterSet="ISO_IR 192",
    FilmSessionLabel="Prüfung",
    ReferencedImageSequence=[Dataset(StudyDescription="Ä"), Dataset(ReferencedImageSequence=[Dataset()])],
    NumberOfCopies=2,
)
UNDEFINED = b"\x20\x00\x05\x00SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff\x20\x00\x10\x00SH\2\0ab"
UNDEFINED += b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0\x20\x00\x13\x00IS\2\x001 "
FRAGMENTS = (
    b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0\4\0\0\0abcd\xfe\xff\xdd\xe0\0\0\0\0"
)


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
def test_headers_have_every_byte_once(syntax: TransferSyntax) -> None:
    view = memoryview(encode(NESTED, syntax))
    assert b"".join(bytes(view[header.offset : header.end]) for header in headers_of(view, syntax)) == bytes(view)


@pytest.mark.parametrize("data", [UNDEFINED, FRAGMENTS], ids=["undefined", "fragments"])
def test_delimited_values_have_every_byte_once(data: bytes) -> None:
    headers = list(headers_of(memoryview(data), EXPLICIT_LE))
    assert b"".join(data[header.offset : header.end] for header in headers) == data


def test_depth_is_that_of_sequences_and_items() -> None:
    assert [header.depth for header in headers_of(memoryview(UNDEFINED), EXPLICIT_LE)] == [0, 1, 2, 1, 0, 0]


def test_rows_say_what_each_element_says() -> None:
    rows = [row for _, row in rows_of(memoryview(encode(NESTED, EXPLICIT_LE)), EXPLICIT_LE)]
    assert "(2000,0050) LO     8  FilmSessionLabel  Prüfung" in rows
    assert any(row.endswith("StudyDescription  Ä") for row in rows)
    assert "(FFFE,E000) Item: 10 bytes" in rows


def test_group_lengths_are_told() -> None:
    length = b"\x00\x20\x00\x00\x04\0\0\0\x0a\0\0\0"
    data = length + encode(Dataset(NumberOfCopies=2), IMPLICIT_LE)
    assert dict(group_lengths(memoryview(data), IMPLICIT_LE)) == {0x2000: "(2000,0000) UL     4  GroupLength  10"}


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_what_is_cut_off_ends_the_rows(length: int) -> None:
    dataset = Dataset(NumberOfCopies=2)
    dataset.add(Element(tag_of("PatientID"), "LO", "abc"))
    data = memoryview(encode(dataset, EXPLICIT_LE)[:length])
    assert all(header.offset < len(data) for header, _ in rows_of(data, EXPLICIT_LE))
