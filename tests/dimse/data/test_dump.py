"""A Data Set as text."""

import numpy as np
import pytest

from dimse.data import EXPLICIT_BE, EXPLICIT_LE, Dataset, Element, TransferSyntax, decode, dump, encode, syntax_of
from dimse.data.dump import rows_of
from dimse.uids import BasicFilmSession


def test_nested_data_set_is_indented() -> None:
    ds = Dataset(
        ImageDisplayFormat="STANDARD\\2,3",
        MinDensity=20,
        ReferencedFilmSessionSequence=[Dataset(ReferencedSOPClassUID=BasicFilmSession)],
        WindowCenter=[40, 50.5],
        PixelData=np.zeros(20, "<u2"),
    )
    ds.add(Element(0x00091001, "LO", "private"))
    assert dump(decode(encode(ds, EXPLICIT_LE), EXPLICIT_LE)).splitlines() == [
        "(0009,1001) LO     8    private",
        "(0028,1050) DS     8  WindowCenter  40\\50.5",
        "(2010,0010) ST    12  ImageDisplayFormat  STANDARD\\2,3",
        "(2010,0120) US     2  MinDensity  20",
        "(2010,0500) SQ     1  ReferencedFilmSessionSequence",
        "  item 1",
        "    (0008,1150) UI    22  ReferencedSOPClassUID  1.2.840.10008.5.1.1.1 (Basic Film Session SOP Class)",
        "(7FE0,0010) OW    40  PixelData  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ...",
    ]


def test_set_values_show_lengths_of_streams_only() -> None:
    assert dump(Dataset(Rows=4, ErrorComment="")).splitlines() == [
        "(0000,0902) LO        ErrorComment",
        "(0028,0010) US        Rows  4",
    ]
    assert dump(Dataset(PixelData=b"\1\2")) == "(7FE0,0010) OW     2  PixelData  01 02"
    assert dump(Dataset()) == ""


def test_fragments_show_their_lengths() -> None:
    assert dump(Dataset(PixelData=[b"", b"\1\2"])) == "(7FE0,0010) OB     2  PixelData  [0 bytes]\\[2 bytes]"


def test_private_creators_are_named() -> None:
    ds = Dataset()
    ds.add(Element(0x00090010, "LO", "ACME"))
    assert dump(ds) == "(0009,0010) LO        Private Creator  ACME"


def test_hostile_text_is_escaped() -> None:
    ds = Dataset()
    ds.add(Element(0x00100010, "PN", b"\x1b[2J\r\n\x07M\xfcller"))
    assert dump(ds).endswith(r"PatientName  \x1b[2J\r\n\x07Müller")
    bidi = Dataset(SpecificCharacterSet="ISO_IR 192", PatientName="\u202eevil")
    assert r"\u202eevil" in dump(bidi)


def test_wrong_value_shows_its_error() -> None:
    ds = Dataset()
    ds.add(Element(0x00280010, "US", b"\1\2\3"))
    assert dump(ds).endswith("Rows  ! US needs a multiple of 2 bytes, got 3")


def test_incomplete_words_show_their_error() -> None:
    raw = b"\x7f\xe0\x00\x10OW\0\0\0\0\0\x03\1\2\3"
    (line,) = dump(decode(raw, EXPLICIT_BE)).splitlines()
    assert line.startswith("(7FE0,0010) OW     3  PixelData  ! OW ")


def test_numbers_show_their_text() -> None:
    ds = Dataset(WindowCenter=["0.50", "1E2"], NumberOfFrames="007")
    assert [line.split("  ")[-1] for line in dump(ds).splitlines()] == ["007", "0.50\\1E2"]


def test_long_lines_are_cut() -> None:
    line = dump(Dataset(FilmSessionLabel="x" * 64), width=60)
    assert len(line) == 60
    assert line.endswith("xxx...")
    assert len(dump(Dataset(PixelPaddingValue=[1] * 9999))) == 120


JPEG = syntax_of("1.2.840.10008.1.2.4.50")  # JPEG Baseline
NESTED = Dataset(ReferencedFilmSessionSequence=[Dataset(ReferencedSOPClassUID="1.2")], PixelData=[b"", b"\1\2\3\4"])


def test_octets_show_offset_header_and_value() -> None:
    ds = decode(encode(NESTED, JPEG), JPEG)
    assert dump(ds, width=None, octets=True).splitlines() == [
        "(2010,0500) SQ     1  ReferencedFilmSessionSequence",
        "  @00000000  10 20 00 05 53 51 00 00 14 00 00 00",
        "  item 1",
        "    (0008,1150) UI     4  ReferencedSOPClassUID  1.2",
        "      @00000014  08 00 50 11 55 49 04 00 | 31 2e 32 00",
        "(7FE0,0010) OB     2  PixelData  [] [01 02 03 04]",
        "  @00000020  e0 7f 10 00 4f 42 00 00 ff ff ff ff",
    ]


def test_rows_show_items_and_fragments() -> None:
    assert [(header.depth, row) for header, row in rows_of(memoryview(encode(NESTED, JPEG)), JPEG)] == [
        (0, "(2010,0500) SQ ReferencedFilmSessionSequence: 20 bytes"),
        (1, "(FFFE,E000) Item: 12 bytes"),
        (2, "(0008,1150) UI     4  ReferencedSOPClassUID  1.2"),
        (0, "(7FE0,0010) OB PixelData: undefined length"),
        (1, "(FFFE,E000) Item: 0 bytes"),
        (1, "(FFFE,E000) fragment: 4 bytes"),
        (0, "(FFFE,E0DD) SequenceDelimitationItem: 0 bytes"),
    ]


def test_rows_are_cut_at_the_width() -> None:
    rows = [row for _, row in rows_of(memoryview(encode(NESTED, JPEG)), JPEG, width=20)]
    assert rows[0] == "(2010,0500) SQ Re..."
    assert max(map(len, rows)) == 20


def test_rows_show_group_lengths() -> None:
    data = b"\x10\0\0\0UL\4\0\x0a\0\0\0" + encode(Dataset(PatientName="x"), EXPLICIT_LE)
    rows = [row for _, row in rows_of(memoryview(data), EXPLICIT_LE)]
    assert rows == ["(0010,0000) UL     4  GroupLength  10", "(0010,0010) PN     2  PatientName  x"]


def test_rows_of_an_item_have_its_character_set() -> None:
    latin = Dataset(SpecificCharacterSet="ISO_IR 100", PatientName="é")
    ds = Dataset(SpecificCharacterSet="ISO_IR 192", PatientName="ü", RequestAttributesSequence=[latin])
    ds.ReferencedStudySequence = [latin, Dataset(PatientName="è")]
    rows = [row for _, row in rows_of(memoryview(encode(ds, EXPLICIT_LE)), EXPLICIT_LE)]
    assert [row[-1] for row in rows if "PatientName" in row] == ["é", "è", "ü", "é"]


def test_rows_show_a_tag_below_the_character_set() -> None:
    first = Dataset(DirectoryRecordType="PATIENT", SpecificCharacterSet="ISO_IR 100")
    ds = Dataset(DirectoryRecordSequence=[first, Dataset(DirectoryRecordType="STUDY")])
    rows = [row for _, row in rows_of(memoryview(encode(ds, EXPLICIT_LE)), EXPLICIT_LE)]
    assert rows[-1] == "(0004,1430) CS     6  DirectoryRecordType  STUDY"


def test_rows_show_a_stray_delimiter() -> None:
    data = b"\xfe\xff\x0d\xe0\0\0\0\0" + encode(Dataset(Rows=2), EXPLICIT_LE)
    rows = [(header.depth, row) for header, row in rows_of(memoryview(data), EXPLICIT_LE)]
    assert rows == [(0, "(FFFE,E00D) ItemDelimitationItem: 0 bytes"), (0, "(0028,0010) US     2  Rows  2")]


def test_rows_do_not_decode_a_long_character_set_with_each_element(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of more than 1024 bytes counts as empty."""
    ds = Dataset(SpecificCharacterSet=["ISO_IR 192"] * 1000, PatientName="é", PatientID="7")
    data, sizes = encode(ds, EXPLICIT_LE), list[int]()

    def counted(piece: bytes, syntax: TransferSyntax) -> Dataset:
        sizes.append(len(piece))
        return decode(piece, syntax)

    monkeypatch.setitem(rows_of.__globals__, "decode", counted)
    rows = [row for _, row in rows_of(memoryview(data), EXPLICIT_LE)]
    assert rows[-2].endswith("Ã©")
    assert sizes[1:] == [10, 10]
