"""PS3.5 §7 and Annex A: the bytes of Data Sets, field by field."""

import zlib

import numpy as np
import pytest
from elements import (
    ITEM,
    ITEM_END,
    PIXELS,
    ROWS,
    SEQUENCE_END,
    SEQUENCES,
    UNDEFINED,
    first_item,
    items,
    sequence_of,
)

from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    DecodeLimits,
    TransferSyntax,
    decode,
    encode,
    encode_rope,
    syntax_of,
)
from dimse.errors import DecodeError, EncodeError, Finding

SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE]
RLE = syntax_of("1.2.840.10008.1.2.5")


def film_box() -> Dataset:
    return Dataset(
        ImageDisplayFormat="STANDARD\\1,2",
        FilmSizeID="14INX17IN",
        MinDensity=20,
        ReferencedFilmSessionSequence=[
            Dataset(ReferencedSOPClassUID="1.2.840.10008.5.1.1.1", ReferencedSOPInstanceUID="1.2.3")
        ],
    )


@pytest.mark.parametrize("syntax", ROWS, ids=lambda syntax: syntax.name)
def test_headers_follow_tables_7_1_1_to_7_1_3(syntax: TransferSyntax) -> None:
    ds = Dataset(Rows=4, PixelData=b"\x01\x02")
    assert encode(ds, syntax) == ROWS[syntax] + PIXELS[syntax]
    assert decode(ROWS[syntax] + PIXELS[syntax], syntax) == ds


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_nested_film_box_is_read_and_written(syntax: TransferSyntax) -> None:
    data = encode(film_box(), syntax)
    decoded = decode(data, syntax)
    assert decoded == film_box()
    assert encode(decoded, syntax) == data
    assert b"".join(encode_rope(decoded, syntax)) == data
    for other in SYNTAXES:
        assert encode(decoded, other) == encode(film_box(), other)


def test_binary_values_are_views() -> None:
    buffer = bytearray(PIXELS[EXPLICIT_LE])
    value = decode(buffer, EXPLICIT_LE).PixelData
    assert isinstance(value, memoryview)
    buffer[-2:] = b"\x07\x08"
    assert bytes(value) == b"\x07\x08"


def test_any_flat_buffer_is_decoded() -> None:
    data = np.frombuffer(ROWS[EXPLICIT_LE], np.uint8).reshape(2, 5)
    assert decode(data.data, EXPLICIT_LE).Rows == 4
    assert len(decode(b"", EXPLICIT_LE)) == 0


# Lenient reading


def test_group_lengths_are_dropped_except_0000_and_0002() -> None:
    length = b"\0\0UL\x04\0\x0a\0\0\0"
    data = b"\x00\0" + length + b"\x02\0" + length + b"\x28\0" + length + ROWS[EXPLICIT_LE]
    ds = decode(data, EXPLICIT_LE)
    assert [element.tag for element in ds] == [0x00000000, 0x00020000, 0x00280010]
    implicit = b"\x28\0\0\0\x04\0\0\0\x0a\0\0\0" + ROWS[IMPLICIT_LE]
    assert decode(implicit, IMPLICIT_LE) == Dataset(Rows=4)


def test_order_does_not_matter_and_the_first_element_counts() -> None:
    """DCMTK ignores the second element, too."""
    data = PIXELS[EXPLICIT_LE] + ROWS[EXPLICIT_LE] + ROWS[EXPLICIT_LE][:-2] + b"\x05\0"
    ds = decode(data, EXPLICIT_LE)
    assert encode(ds, EXPLICIT_LE) == data, "nothing was accessed"
    assert ds == Dataset(Rows=4, PixelData=b"\x01\x02")
    assert encode(ds, EXPLICIT_LE) == encode(Dataset(Rows=4, PixelData=b"\x01\x02"), EXPLICIT_LE), "in order"


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("form", SEQUENCES)
def test_first_element_counts_in_items_and_for_sequences(form: str, whole: bool) -> None:
    tag = b"\x28\0\0\x30"  # Modality LUT Sequence
    four, five = SEQUENCES[form], SEQUENCES[form].replace(ROWS[EXPLICIT_LE], ROWS[EXPLICIT_LE][:-2] + b"\5\0")
    twice = tag + four + tag + five + PIXELS[EXPLICIT_LE] + PIXELS[EXPLICIT_LE].replace(b"\1\2", b"\3\4")
    ds = decode(twice, EXPLICIT_LE, whole=whole)
    assert ds == Dataset(ModalityLUTSequence=[Dataset(Rows=4)], PixelData=b"\1\2")
    assert first_item(decode(sequence_of(twice), EXPLICIT_LE, whole=whole).ReferencedFilmSessionSequence) == ds


@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE])
def test_first_pixel_representation_counts(syntax: TransferSyntax) -> None:
    def representation(value: int) -> bytes:
        return encode(Dataset(PixelRepresentation=value), syntax)

    padding = b"\x28\0\x20\x01\2\0\0\0\xfe\xff"
    item = ITEM + len(padding).to_bytes(4, "little") + padding
    unknown = b"UN\0\0" if syntax is EXPLICIT_LE else b""
    sequence = b"\x88\0\0\2" + unknown + len(item).to_bytes(4, "little") + item
    ds = decode(representation(1) + representation(0) + sequence, syntax)
    assert first_item(ds.IconImageSequence).PixelPaddingValue == -2


def test_odd_lengths_are_read_and_written_even() -> None:
    ds = decode(b"\x10\x20\x40\x00CS\x01\0A", EXPLICIT_LE)
    assert ds.FilmOrientation == "A"
    assert encode(ds, EXPLICIT_LE) == b"\x10\x20\x40\x00CS\x02\0A "


def test_trailing_padding_element_is_kept() -> None:
    data = ROWS[EXPLICIT_LE] + b"\xfc\xff\xfc\xffOB\0\0\x02\0\0\0\0\0"
    ds = decode(data, EXPLICIT_LE)
    assert ds.DataSetTrailingPadding == b"\0\0"
    assert encode(ds, EXPLICIT_LE) == data


def test_future_vr_has_the_long_form() -> None:
    data = b"\x09\0\x01\x10ZZ\0\0\x02\0\0\0\1\2"
    ds = decode(data, EXPLICIT_LE)
    assert (ds[0x00091001].VR, ds[0x00091001].value) == ("ZZ", b"\1\2")
    ds[0x00091001].value  # noqa: B018
    assert encode(ds, EXPLICIT_LE) == data


def test_us_or_ss_follows_the_pixel_representation_around_it() -> None:
    padding = b"\x28\0\x20\x01\x02\0\0\0\xfe\xff"
    signed, unsigned = b"\x28\0\x03\x01\x02\0\0\0\x01\0", b"\x28\0\x03\x01\x02\0\0\0\0\0"
    in_item = b"\x28\0\x00\x30\x12\0\0\0" + ITEM + b"\x0a\0\0\0" + padding
    assert decode(padding, IMPLICIT_LE).PixelPaddingValue == 0xFFFE
    assert decode(signed + padding, IMPLICIT_LE).PixelPaddingValue == -2
    assert decode(unsigned + padding, IMPLICIT_LE).PixelPaddingValue == 0xFFFE
    assert first_item(decode(signed + in_item, IMPLICIT_LE).ModalityLUTSequence).PixelPaddingValue == -2


# Specific Character Set


def test_text_is_read_in_the_set_of_its_data_set() -> None:
    name = b"\x10\0\x10\0PN\x02\0\xe9 "
    latin = b"\x08\0\x05\0CS\x0a\0ISO_IR 100"
    greek = b"\x08\0\x05\0CS\x0a\0ISO_IR 126"
    both = ITEM + b"\x0a\0\0\0" + name + ITEM + b"\x1c\0\0\0" + greek + name
    data = latin + b"\x10\x20\x00\x05SQ\0\0\x36\0\0\0" + both
    ds = decode(data, EXPLICIT_LE)
    inherited, own = items(ds.ReferencedFilmSessionSequence)
    assert (inherited.PatientName, own.PatientName) == ("é", "\u03b9")
    assert encode(ds, EXPLICIT_LE) == data


def test_new_character_set_rewrites_the_text() -> None:
    ds = decode(b"\x08\0\x05\0CS\x0a\0ISO_IR 100\x10\0\x10\0PN\x02\0\xe9 ", EXPLICIT_LE)
    ds.SpecificCharacterSet = "ISO_IR 192"
    assert encode(ds, EXPLICIT_LE).endswith(b"PN\x02\0\xc3\xa9")
    ds.SpecificCharacterSet = "ISO_IR 126"
    with pytest.raises(EncodeError, match=r"^\(0010,0010\): 'é' cannot be written in ISO-IR 126"):
        encode(ds, EXPLICIT_LE)


def test_undeclared_latin_1_is_written_back() -> None:
    data = b"\x10\0\x10\0PN\x02\0\xe9 "
    ds = decode(data, EXPLICIT_LE)
    assert ds.PatientName == "é"
    assert encode(ds, EXPLICIT_LE) == data


def test_unreadable_character_set_is_ignored() -> None:
    ds = decode(b"\x08\0\x05\0US\x03\0abc\x10\0\x10\0PN\x02\0\xe9 ", EXPLICIT_LE)
    assert ds.PatientName == "é"
    assert encode(ds, EXPLICIT_LE)[-2:] == b"\xe9 "


# Untouched values


def test_reading_a_value_does_not_change_how_it_is_written() -> None:
    data = b"\x28\0\x50\x10DS\x08\x0040.00\\50\x28\0\x51\x10DS\x04\x0001.5"
    ds = decode(data, EXPLICIT_LE)
    assert (ds.WindowCenter, ds.WindowWidth) == ([40.0, 50.0], 1.5)
    assert encode(ds, EXPLICIT_LE) == data


# Errors

ROW = ROWS[EXPLICIT_LE]
SQ = b"\x10\x20\x00\x05SQ\0\0"

WRONG = {
    "header cut off": (ROW[:5], EXPLICIT_LE, "", 0, "the header of an element is cut off"),
    "long header cut off": (PIXELS[EXPLICIT_LE][:10], EXPLICIT_LE, "", 0, "the header of an element is cut off"),
    "implicit header cut off": (ROW[:5], IMPLICIT_LE, "", 0, "the header of an element is cut off"),
    "value cut off": (ROW[:-1], EXPLICIT_LE, "(0028,0010)", 8, "a value of 2 bytes, but only 1 follow"),
    "implicit value cut off": (
        ROWS[IMPLICIT_LE][:-1], IMPLICIT_LE, "(0028,0010)", 8, "a value of 2 bytes, but only 1 follow",
    ),
    "4 GiB": (
        PIXELS[EXPLICIT_LE][:8] + b"\xfe\xff\xff\xff\1\2", EXPLICIT_LE, "(7FE0,0010)", 12,
        "a value of 4294967294 bytes, but only 2 follow",
    ),
    "4 GiB sequence": (
        SQ + b"\xfe\xff\xff\xff", EXPLICIT_LE, "(2010,0500)", 12, "a value of 4294967294 bytes, but only 0 follow",
    ),
    "no VR": (
        ROWS[IMPLICIT_LE] + b"\1", EXPLICIT_LE, "(0028,0010)", 0, r"b'\x02\x00' is not a VR; is this Implicit VR?",
    ),
    "undefined length of text": (
        b"\x10\x20\x00\x05UT\0\0" + UNDEFINED, EXPLICIT_LE, "(2010,0500)", 0, "UT cannot have undefined length",
    ),
    "undefined length of a number": (
        b"\x28\0\x10\0" + UNDEFINED, IMPLICIT_LE, "(0028,0010)", 0, "US cannot have undefined length",
    ),
    "stray item": (ITEM + bytes(4), EXPLICIT_LE, "(FFFE,E000)", 0, "this tag is out of place"),
    "stray delimiter": (ITEM_END, IMPLICIT_LE, "(FFFE,E00D)", 0, "this tag is out of place"),
    "element between items": (
        SQ + b"\x12\0\0\0" + ITEM + bytes(4) + ROW, EXPLICIT_LE, "(2010,0500)", 28,
        "(0028,0010) stands where an item should begin",
    ),
    "delimiter in the middle of a sequence": (
        SQ + b"\x10\0\0\0" + SEQUENCE_END + ITEM + bytes(4), EXPLICIT_LE, "(2010,0500)", 20,
        "(FFFE,E0DD) stands where an item should begin",
    ),
    "delimiter in the middle of an item": (
        SQ + b"\x1a\0\0\0" + ITEM + b"\x12\0\0\0" + ITEM_END + ROW, EXPLICIT_LE, "(2010,0500)[0].(FFFE,E00D)", 20,
        "this tag is out of place",
    ),
    "item beyond its sequence": (
        SQ + b"\x08\0\0\0" + ITEM + b"\x0a\0\0\0" + ROW, EXPLICIT_LE, "(2010,0500)", 20,
        "an item of 10 bytes ends beyond its sequence",
    ),
    "element beyond its item": (
        SQ + b"\x12\0\0\0" + ITEM + b"\x08\0\0\0" + ROW, EXPLICIT_LE, "(2010,0500)[0].(0028,0010)", 28,
        "a value of 2 bytes, but only 0 follow",
    ),
    "item without its delimiter": (
        SQ + UNDEFINED + ITEM + UNDEFINED + ROW, EXPLICIT_LE, "(2010,0500)[0].(FFFE,E00D)", 30,
        "the item ends without its delimiter",
    ),
    "sequence without its delimiter": (
        SQ + UNDEFINED + ITEM + bytes(4), EXPLICIT_LE, "(2010,0500)", 20, "the header of an item is cut off",
    ),
    "fragments without their delimiter": (
        b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED, RLE, "(7FE0,0010)", 12, "the header of an item is cut off",
    ),
    "element cut off between delimiters": (
        SQ + UNDEFINED + ITEM + UNDEFINED + ROW[:9], EXPLICIT_LE, "(2010,0500)[0].(0028,0010)", 28,
        "a value of 2 bytes, but only 1 follow",
    ),
    "sequences without items, one in the other": (
        (SQ + UNDEFINED) * 2, EXPLICIT_LE, "(2010,0500)", 20, "(2010,0500) stands where an item should begin",
    ),
    "two delimiters after an item": (
        SQ + UNDEFINED + ITEM + bytes(4) + ITEM_END * 2, EXPLICIT_LE, "(2010,0500)", 36,
        "(FFFE,E00D) stands where an item should begin",
    ),
    "fragment cut off": (
        b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED + ITEM + b"\x04\0\0\0\1\2", RLE, "(7FE0,0010)", 20,
        "a fragment of 4 bytes, but only 2 follow",
    ),
    "no fragment": (
        b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED + ROW, RLE, "(7FE0,0010)", 20,
        "(0028,0010) stands where a fragment should begin",
    ),
    "not deflated": (
        b"\xff" * 10, DEFLATED_LE, "", 0,
        "the Data Set is not deflated as in RFC 1951: Error -3 while decompressing data: invalid block type",
    ),
    "deflated, cut off": (
        encode(Dataset(Rows=4), DEFLATED_LE)[:4], DEFLATED_LE, "", 4, "the deflated Data Set is cut off",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_decode_error_names_the_fault_and_the_place(case: str) -> None:
    data, syntax, path, offset, what = WRONG[case]
    with pytest.raises(DecodeError) as caught:
        decode(data, syntax)
    assert (caught.value.what, caught.value.path, caught.value.offset) == (what, path, offset)
    assert caught.value.rule.startswith("PS3.5 §")
    assert str(caught.value).endswith(f"[{caught.value.rule}]")
    with pytest.raises(DecodeError) as later:
        look_at_items(decode(data, syntax, whole=False))
    assert str(later.value) == str(caught.value)


def look_at_items(ds: Dataset) -> None:
    for element in ds:
        for item in element.value if isinstance(element.value, list) else ():
            if isinstance(item, Dataset):
                look_at_items(item)


# Data that are cut off


def test_header_of_zlib_is_accepted_and_reported() -> None:
    """PS3.5 A.5 demands RFC 1951."""
    ds = Dataset(Rows=4)
    report: list[Finding] = []
    assert decode(zlib.compress(encode(ds, EXPLICIT_LE)), DEFLATED_LE, report=report) == ds
    assert [finding.what for finding in report] == ["the deflated Data Set has a header of zlib (RFC 1950)"]


def test_cut_off_deflated_data_set_has_the_elements_before_its_end() -> None:
    data = encode(Dataset(PatientName="Doe^John", Rows=3), DEFLATED_LE)
    errors: list[DecodeError] = []
    ds = decode(data[:-3], DEFLATED_LE, cut_off=errors)
    assert [element.tag for element in ds] == [0x00100010]
    assert [error.rule for error in errors] == ["PS3.5 §A.5", "PS3.5 §7.1"]


@pytest.mark.parametrize(("length", "after"), [(UNDEFINED, b""), (b"\x14\0\0\0", bytes(6))], ids=["file", "item"])
def test_cut_off_item_has_the_elements_before_its_end(length: bytes, after: bytes) -> None:
    """The last element needs 4 bytes, but the file or the item ends after 1 or 2."""
    too_long = b"\x28\0\x11\0UL\4\0\1" + after
    data = b"\x10\x20\x00\x05SQ\0\0" + UNDEFINED + ITEM + length + ROWS[EXPLICIT_LE] + too_long
    errors: list[DecodeError] = []
    ds = decode(data, EXPLICIT_LE, cut_off=errors)
    assert ds.ReferencedFilmSessionSequence == [Dataset(Rows=4)]
    assert ["a value of 4 bytes, but only" in str(error) for error in errors] == [True]


def test_cut_off_data_set_beyond_a_limit_is_refused() -> None:
    data = encode(Dataset(PatientName="x", Rows=2, Columns=3), EXPLICIT_LE)
    with pytest.raises(DecodeError, match=r"more than 2 elements .*\[DecodeLimits.elements\]"):
        decode(data, EXPLICIT_LE, limits=DecodeLimits(elements=2), cut_off=[])


def test_first_header_of_12_bytes_may_be_cut_off_in_implicit_vr() -> None:
    errors: list[DecodeError] = []
    assert not len(decode(b"\x28\0\x10\0OB\0\0", IMPLICIT_LE, cut_off=errors))
    assert ["a value of 16975 bytes, but only 0 follow" in str(error) for error in errors] == [True]
