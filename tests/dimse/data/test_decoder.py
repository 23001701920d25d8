"""Decoding on demand: only accessed parts are decoded, and the others are written back unchanged."""

import struct

import numpy as np
import pytest
from elements import first_item, sequence_of

from dimse.data import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    DecodeLimits,
    Element,
    decode,
    encode,
    encode_rope,
    syntax_of,
)
from dimse.errors import DecodeError, EncodeError

RLE = syntax_of("1.2.840.10008.1.2.5")
UNDEFINED = b"\xff\xff\xff\xff"
ITEM = b"\xfe\xff\x00\xe0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)
SQ = b"\x10\x20\x00\x05SQ\0\0"
ROWS = b"\x28\0\x10\0US\x02\0\x04\0"
LATIN = b"\x08\0\x05\0CS\x0a\0ISO_IR 100"
GREEK = LATIN.replace(b"100", b"126")
NAME = b"\x10\0\x10\0PN\x02\0\xe9 "


# Improper: an odd length and a group length, in an item.
IMPROPER = sequence_of(b"\x28\0\0\0UL\4\0" + bytes(4) + b"\x10\x20\x40\x00CS\x01\0A")
PROPER = sequence_of(b"\x10\x20\x40\x00CS\x02\0A ")


def test_untouched_data_set_is_one_piece() -> None:
    data = ROWS + IMPROPER + b"\xe0\x7f\x10\0OW\0\0\0\x20\0\0" + bytes(0x2000)
    ds = decode(data, EXPLICIT_LE)
    (piece,) = encode_rope(ds, EXPLICIT_LE)
    assert np.shares_memory(np.frombuffer(piece, np.uint8), np.frombuffer(data, np.uint8))
    assert piece == data


def test_copy_is_written_by_the_rules() -> None:
    ds = decode(IMPROPER + ROWS, EXPLICIT_LE)
    assert encode(ds.copy(), EXPLICIT_LE) == ROWS + PROPER
    assert encode(ds, EXPLICIT_LE) == ROWS + IMPROPER, "in order, because the copy accessed the elements"


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "as needed"])
def test_untouched_sequence_is_written_back(whole: bool) -> None:
    ds = decode(ROWS + IMPROPER, EXPLICIT_LE, whole=whole)
    ds.Rows = 5
    assert encode(ds, EXPLICIT_LE) == ROWS[:-2] + b"\5\0" + IMPROPER
    assert first_item(ds.ReferencedFilmSessionSequence).FilmOrientation == "A"
    assert encode(ds, EXPLICIT_LE) == ROWS[:-2] + b"\5\0" + PROPER


def test_untouched_delimited_items_are_written_back() -> None:
    sequence = SQ + UNDEFINED + IMPROPER[12:] + SEQUENCE_END
    fragments = b"\xe0\x7f\x10\0OB\0\0" + UNDEFINED + ITEM + bytes(4) + ITEM + b"\1\0\0\0\1" + SEQUENCE_END
    ds = decode(ROWS + sequence + fragments, RLE)
    ds.Rows = 5
    assert encode(ds, RLE) == ROWS[:-2] + b"\5\0" + sequence + fragments
    assert ds.PixelData == [b"", b"\1"]
    assert b"\2\0\0\0\1\0" + SEQUENCE_END in encode(ds, RLE)
    implicit = decode(encode(ds, RLE), RLE)
    with pytest.raises(EncodeError, match="fragments need a Transfer Syntax for compressed"):
        encode(implicit, IMPLICIT_LE)


def test_untouched_sequence_is_encoded_for_another_syntax() -> None:
    for change in ("undefined_length", "VR", "syntax", "charset"):
        ds = decode(LATIN + sequence_of(NAME), EXPLICIT_LE)
        sequence = ds["ReferencedFilmSessionSequence"]
        syntax = EXPLICIT_LE
        expected = LATIN + sequence_of(NAME)
        match change:
            case "undefined_length":
                sequence.undefined_length = True
                expected = LATIN + SQ + UNDEFINED + sequence_of(NAME)[12:] + SEQUENCE_END
            case "VR":
                sequence.VR = "UN"
                implicit = encode(Dataset(PatientName=b"\xe9 "), IMPLICIT_LE)
                expected = LATIN + SQ.replace(b"SQ", b"UN") + UNDEFINED + sequence_of(implicit)[12:] + SEQUENCE_END
            case "syntax":
                syntax = EXPLICIT_BE
                expected = encode(Dataset(SpecificCharacterSet="ISO_IR 100", PatientName="é"), EXPLICIT_BE)[-10:]
            case "charset":
                ds.SpecificCharacterSet = "ISO_IR 192"
                expected = LATIN.replace(b"100", b"192") + sequence_of(NAME[:-2] + b"\xc3\xa9")
        assert encode(ds, syntax).endswith(expected), change


def test_compressed_icons_stay_compressed_or_are_rejected() -> None:
    icon = b"\xe0\x7f\x10\0OB\0\0" + UNDEFINED + ITEM + bytes(4) + SEQUENCE_END
    ds = decode(ROWS + sequence_of(icon), RLE)
    ds.Rows = 5
    assert encode(ds, RLE) == ROWS[:-2] + b"\5\0" + sequence_of(icon)
    with pytest.raises(EncodeError, match=r"^\(2010,0500\)\[0\]\.\(7FE0,0010\): fragments need"):
        encode(ds, EXPLICIT_LE)


def test_header_cut_off_in_an_item_is_an_error() -> None:
    with pytest.raises(DecodeError, match=r"^\(2010,0500\)\[0\]: the header of an element is cut off \(at byte 16\)"):
        decode(b"\x10\x20\x00\x05\x0d\0\0\0" + ITEM + b"\5\0\0\0" + ROWS[:5], IMPLICIT_LE)


def test_late_character_set_applies_to_all_elements() -> None:
    ds = decode(sequence_of(NAME) + NAME + GREEK, EXPLICIT_LE)
    assert ds.PatientName == first_item(ds.ReferencedFilmSessionSequence).PatientName == "\u03b9"


def test_first_of_two_character_sets_counts() -> None:
    assert decode(LATIN + NAME + GREEK, EXPLICIT_LE).PatientName == "\xe9"


def test_late_character_set_of_an_item_applies_to_the_item() -> None:
    ds = decode(sequence_of(NAME + GREEK), EXPLICIT_LE)
    assert first_item(ds.ReferencedFilmSessionSequence).PatientName == "\u03b9"


def test_late_character_set_applies_to_a_sequence_after_it() -> None:
    ds = decode(LATIN + sequence_of(NAME + GREEK + sequence_of(NAME)), EXPLICIT_LE)
    outer = first_item(ds.ReferencedFilmSessionSequence)
    assert first_item(outer.ReferencedFilmSessionSequence).PatientName == "\u03b9"


def test_character_set_applies_in_implicit_vr() -> None:
    ds = decode(encode(Dataset(SpecificCharacterSet="ISO_IR 126", PatientName="\u03b9"), IMPLICIT_LE), IMPLICIT_LE)
    assert ds.PatientName == "\u03b9"
    assert decode(b"", EXPLICIT_LE) == Dataset()


def test_group_length_is_dropped_in_any_form() -> None:
    for header in (b"UL\4\0", b"UN\0\0\4\0\0\0", b"OB\0\0\4\0\0\0"):
        ds = decode(b"\x28\0\0\0" + header + bytes(4) + ROWS, EXPLICIT_LE)
        assert [element.tag for element in ds] == [0x00280010]


def test_long_runs_of_common_elements_are_read() -> None:
    """Runs end at odd and unusual lengths, and at VRs of the long form."""
    ds, data = Dataset(), b""
    for number in range(1, 400):
        length = number % 70
        vr, form = ("LO", "<HH2sH") if number % 7 else ("UT", "<HH2s2xI")
        data += struct.pack(form, 0x29, number, vr.encode(), length) + b"x" * length
        ds.add(Element(0x00290000 + number, vr, b"x" * length))
    assert decode(data, EXPLICIT_LE) == ds
    with pytest.raises(DecodeError, match=r"^\(0029,018F\): a value of 49 bytes, but only 48 follow"):
        decode(data[:-1], EXPLICIT_LE)


STREAM = b"\x28\0\x01\x12OW\0\0\4\0\0\0" + bytes(4)  # a red palette


def test_stream_among_common_elements_is_found() -> None:
    ds = decode(ROWS + STREAM + b"\x28\0\x11\0US\2\0\5\0", EXPLICIT_LE)
    assert [element.keyword for element in ds] == ["Rows", "Columns", "RedPaletteColorLookupTableData"]
    assert ds.RedPaletteColorLookupTableData == bytes(4)


def test_first_of_two_equal_streams_counts() -> None:
    ds = decode(STREAM + STREAM[:-1] + b"\7", EXPLICIT_LE)
    assert ds.RedPaletteColorLookupTableData == bytes(4)


def test_pixel_representation_before_a_stream_decides() -> None:
    signed, smallest = b"\x28\0\x03\1US\2\0\1\0", b"\x28\0\x06\1UN\0\0\2\0\0\0\xfe\xff"
    assert decode(STREAM + signed + STREAM + smallest, EXPLICIT_LE).SmallestImagePixelValue == -2
    assert decode(STREAM + STREAM + smallest, EXPLICIT_LE).SmallestImagePixelValue == 0xFFFE


@pytest.mark.parametrize("kept", [4, 9, 13])
def test_stream_that_is_cut_off_is_an_error(kept: int) -> None:
    with pytest.raises(DecodeError):
        decode(ROWS + STREAM[:kept], EXPLICIT_LE)


def test_stream_counts_towards_the_limit() -> None:
    with pytest.raises(DecodeError, match="more than 1 elements"):
        decode(STREAM + STREAM, EXPLICIT_LE, limits=DecodeLimits(elements=1))
