"""A Data Set as text."""

import numpy as np

from dimse.data import EXPLICIT_BE, EXPLICIT_LE, Dataset, Element, decode, dump, encode
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
