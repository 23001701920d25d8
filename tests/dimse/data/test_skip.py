"""Walks over headers: the size hint, and every header of a Data Set in the order of its bytes."""

import numpy as np
import pytest

from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    Element,
    TransferSyntax,
    encode,
    encode_rope,
    expected_length,
    syntax_of,
    tag_of,
)
from dimse.data.dump import group_lengths, rows_of
from dimse.data.skip import headers_of

SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE]


def image_box(undefined: bool) -> Dataset:
    image = Dataset(Rows=512, Columns=512, PixelData=np.zeros((512, 512), np.uint8))
    image.undefined_length = undefined
    ds = Dataset(ImageBoxPosition=1, BasicGrayscaleImageSequence=[image])
    ds["BasicGrayscaleImageSequence"].undefined_length = undefined
    return ds


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("undefined", [False, True])
def test_pixels_of_an_image_box_give_a_hint(syntax: TransferSyntax, undefined: bool) -> None:
    data = encode(image_box(undefined), syntax)
    hint = expected_length(data[:1000], syntax)
    assert hint == len(data) - (16 if undefined else 0), "without the delimiters"


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_pixels_of_an_image_give_a_hint(syntax: TransferSyntax) -> None:
    rope = encode_rope(Dataset(PatientName="A", PixelData=bytes(100_000)), syntax)
    assert expected_length(rope[0], syntax) == sum(map(len, rope))


def test_complete_or_undefined_values_give_no_hint() -> None:
    whole = encode(Dataset(Rows=4, ReferencedFilmSessionSequence=[Dataset(Columns=5)]), EXPLICIT_LE)
    assert expected_length(whole, EXPLICIT_LE) is None, "all is there"
    assert expected_length(b"", EXPLICIT_LE) is None
    assert expected_length(whole[:3], EXPLICIT_LE) is None, "a header is cut off"
    assert expected_length(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff", EXPLICIT_LE) is None, "undefined"
    assert expected_length(encode(Dataset(Rows=4), DEFLATED_LE), DEFLATED_LE) is None


def test_expected_length_reads_at_most_1000_headers() -> None:
    many = b"\x28\0\x10\0US\0\0" * 1000
    assert expected_length(many[8:] + b"\x28\0\x10\0US\2\0", EXPLICIT_LE) == 8002
    assert expected_length(many + b"\x28\0\x10\0US\2\0", EXPLICIT_LE) is None


def test_any_flat_buffer_gives_a_hint() -> None:
    data = np.frombuffer(encode(image_box(False), EXPLICIT_LE)[:64], np.uint16)
    assert expected_length(data.data, EXPLICIT_LE) is not None


def test_fragments_give_no_hint() -> None:
    rle = syntax_of("1.2.840.10008.1.2.5")
    assert expected_length(encode(Dataset(PixelData=[b"", bytes(9000)]), rle)[:40], rle) is None


NESTED = Dataset(
    SpecificCharacterSet="ISO_IR 192",
    FilmSessionLabel="Prüfung",
    ReferencedImageSequence=[Dataset(StudyDescription="Ä"), Dataset(ReferencedImageSequence=[Dataset()])],
    NumberOfCopies=2,
)
DELIMITED = b"\x20\x00\x05\x00SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff\x20\x00\x10\x00SH\2\0ab"
DELIMITED += b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0\x20\x00\x13\x00IS\2\x001 "
FRAGMENTS = (
    b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0\xfe\xff\0\xe0\4\0\0\0abcd\xfe\xff\xdd\xe0\0\0\0\0"
)


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
def test_headers_have_every_byte_once(syntax: TransferSyntax) -> None:
    view = memoryview(encode(NESTED, syntax))
    assert b"".join(bytes(view[header.offset : header.end]) for header in headers_of(view, syntax)) == bytes(view)


@pytest.mark.parametrize(
    "data",
    [DELIMITED, FRAGMENTS, FRAGMENTS.replace(b"OB", b"UN")],
    ids=["undefined", "fragments", "unknown pixels"],
)
def test_delimited_values_have_every_byte_once(data: bytes) -> None:
    headers = list(headers_of(memoryview(data), EXPLICIT_LE))
    assert b"".join(data[header.offset : header.end] for header in headers) == data


def test_fragments_of_unknown_pixels_are_values() -> None:
    headers = list(headers_of(memoryview(FRAGMENTS.replace(b"OB", b"UN")), EXPLICIT_LE))
    assert [header.end - header.start for header in headers] == [0, 0, 4, 0]


def test_depth_counts_sequences_and_items() -> None:
    assert [header.depth for header in headers_of(memoryview(DELIMITED), EXPLICIT_LE)] == [0, 1, 2, 1, 0, 0]


def test_rows_show_each_element() -> None:
    rows = [row for _, row in rows_of(memoryview(encode(NESTED, EXPLICIT_LE)), EXPLICIT_LE)]
    assert "(2000,0050) LO     8  FilmSessionLabel  Prüfung" in rows
    assert any(row.endswith("StudyDescription  Ä") for row in rows)
    assert "(FFFE,E000) Item: 10 bytes" in rows


def test_group_lengths_are_shown() -> None:
    length = b"\x00\x20\x00\x00\x04\0\0\0\x0a\0\0\0"
    data = length + encode(Dataset(NumberOfCopies=2), IMPLICIT_LE)
    assert dict(group_lengths(memoryview(data), IMPLICIT_LE)) == {0x2000: "(2000,0000) UL     4  GroupLength  10"}


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_cut_off_header_ends_the_rows(length: int) -> None:
    dataset = Dataset(NumberOfCopies=2)
    dataset.add(Element(tag_of("PatientID"), "LO", "abc"))
    data = memoryview(encode(dataset, EXPLICIT_LE)[:length])
    assert all(header.offset < len(data) for header, _ in rows_of(data, EXPLICIT_LE))
