"""PS3.5 §7 and Annex A: the bytes of Data Sets, field by field."""

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
    Value,
    decode,
    encode,
    encode_rope,
    syntax_of,
)
from dimse.data.skip import expected_length
from dimse.errors import DecodeError, EncodeError

SYNTAXES = [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE]
RLE = syntax_of("1.2.840.10008.1.2.5")

ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0" + bytes(4)
SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)
UNDEFINED = b"\xff\xff\xff\xff"


def film_box() -> Dataset:
    return Dataset(
        ImageDisplayFormat="STANDARD\\1,2",
        FilmSizeID="14INX17IN",
        MinDensity=20,
        ReferencedFilmSessionSequence=[
            Dataset(ReferencedSOPClassUID="1.2.840.10008.5.1.1.1", ReferencedSOPInstanceUID="1.2.3")
        ],
    )


def items(value: Value) -> list[Dataset]:
    assert isinstance(value, list)
    return [item for item in value if isinstance(item, Dataset)]


def first_item(value: Value) -> Dataset:
    return items(value)[0]


# One element of the short form and one of the long form, in each syntax.
ROWS = {
    IMPLICIT_LE: b"\x28\x00\x10\x00\x02\x00\x00\x00\x04\x00",  # group, element; length; value
    EXPLICIT_LE: b"\x28\x00\x10\x00US\x02\x00\x04\x00",  # ... VR, length
    EXPLICIT_BE: b"\x00\x28\x00\x10US\x00\x02\x00\x04",
}
PIXELS = {
    IMPLICIT_LE: b"\xe0\x7f\x10\x00\x02\x00\x00\x00\x01\x02",
    EXPLICIT_LE: b"\xe0\x7f\x10\x00OW\x00\x00\x02\x00\x00\x00\x01\x02",  # ... VR, reserved, length
    EXPLICIT_BE: b"\x7f\xe0\x00\x10OW\x00\x00\x00\x00\x00\x02\x02\x01",  # words swapped
}


@pytest.mark.parametrize("syntax", ROWS, ids=lambda syntax: syntax.name)
def test_headers_follow_tables_7_1_1_to_7_1_3(syntax: TransferSyntax) -> None:
    ds = Dataset(Rows=4, PixelData=b"\x01\x02")
    assert encode(ds, syntax) == ROWS[syntax] + PIXELS[syntax]
    assert decode(ROWS[syntax] + PIXELS[syntax], syntax) == ds


def test_values_are_padded_to_even_length() -> None:
    ds = Dataset(FilmOrientation="A", ReferencedSOPInstanceUID="1.2", ImageDisplayFormat="x")
    data = encode(ds, EXPLICIT_LE)
    assert b"CS\x02\x00A " in data
    assert b"UI\x04\x001.2\x00" in data
    assert b"ST\x02\x00x " in data
    assert encode(Dataset(PixelData=[b"\x01"]), RLE).endswith(b"\x02\0\0\0\x01\0" + SEQUENCE_END)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.name)
def test_nested_film_box_is_read_and_written(syntax: TransferSyntax) -> None:
    data = encode(film_box(), syntax)
    decoded = decode(data, syntax)
    assert decoded == film_box()
    assert encode(decoded, syntax) == data
    assert b"".join(encode_rope(decoded, syntax)) == data
    for other in SYNTAXES:
        assert encode(decoded, other) == encode(film_box(), other)


SEQUENCES = {
    "explicit": b"SQ\0\0\x12\0\0\0" + ITEM + b"\x0a\0\0\0" + ROWS[EXPLICIT_LE],
    "undefined item": b"SQ\0\0\x1a\0\0\0" + ITEM + UNDEFINED + ROWS[EXPLICIT_LE] + ITEM_END,
    "undefined sequence": b"SQ\0\0" + UNDEFINED + ITEM + b"\x0a\0\0\0" + ROWS[EXPLICIT_LE] + SEQUENCE_END,
    "both": b"SQ\0\0" + UNDEFINED + ITEM + UNDEFINED + ROWS[EXPLICIT_LE] + ITEM_END + SEQUENCE_END,
}


@pytest.mark.parametrize("form", SEQUENCES)
def test_defined_and_undefined_lengths_combine(form: str) -> None:
    data = b"\x10\x20\x00\x05" + SEQUENCES[form] + PIXELS[EXPLICIT_LE]  # then the Data Set goes on
    ds = decode(data, EXPLICIT_LE)
    assert ds == Dataset(ReferencedFilmSessionSequence=[Dataset(Rows=4)], PixelData=b"\x01\x02")
    assert encode(ds, EXPLICIT_LE) == data, "as it was"
    assert ds["ReferencedFilmSessionSequence"].undefined_length == (form in ("undefined sequence", "both"))
    assert first_item(ds.ReferencedFilmSessionSequence).undefined_length == (form in ("undefined item", "both"))


def test_undefined_lengths_are_written_on_request() -> None:
    item = Dataset(Rows=4)
    item.undefined_length = True
    ds = Dataset(ReferencedFilmSessionSequence=[item])
    ds["ReferencedFilmSessionSequence"].undefined_length = True
    assert encode(ds, EXPLICIT_LE) == b"\x10\x20\x00\x05" + SEQUENCES["both"]


def test_empty_sequences_and_items_are_kept() -> None:
    for data in (
        b"\x10\x20\x00\x05SQ\0\0" + bytes(4),
        b"\x10\x20\x00\x05SQ\0\0" + UNDEFINED + SEQUENCE_END,
        b"\x10\x20\x00\x05SQ\0\0\x08\0\0\0" + ITEM + bytes(4),
        b"\x10\x20\x00\x05SQ\0\0" + UNDEFINED + ITEM + UNDEFINED + ITEM_END + SEQUENCE_END,
    ):
        ds = decode(data, EXPLICIT_LE)
        assert ds.ReferencedFilmSessionSequence in ([], [Dataset()])
        assert encode(ds, EXPLICIT_LE) == data


def test_fragments_need_a_compressed_syntax() -> None:
    data = (
        b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED
        + ITEM + bytes(4)  # the Basic Offset Table, empty
        + ITEM + b"\x04\0\0\0" + b"\xff\xd8\xff\xd9"
        + SEQUENCE_END
    )  # fmt: skip
    ds = decode(data, RLE)
    assert ds.PixelData == [b"", b"\xff\xd8\xff\xd9"]
    assert encode(ds, RLE) == data
    assert encode(Dataset(PixelData=[b"", b"\xff\xd8\xff\xd9"]), RLE) == data
    with pytest.raises(EncodeError, match=r"^\(7FE0,0010\): fragments need a Transfer Syntax for compressed"):
        encode(ds, EXPLICIT_LE)
    with pytest.raises(EncodeError, match=r"^\(7FE0,0010\): RLE Lossless needs compressed Pixel Data"):
        encode(Dataset(PixelData=b"\0\0"), RLE)
    with pytest.raises(EncodeError, match="needs compressed"):
        encode(decode(PIXELS[EXPLICIT_LE], EXPLICIT_LE), RLE)
    assert encode(Dataset(Rows=4), RLE) == ROWS[EXPLICIT_LE], "without pixels nothing is compressed"


def test_binary_values_are_views() -> None:
    buffer = bytearray(PIXELS[EXPLICIT_LE])
    value = decode(buffer, EXPLICIT_LE).PixelData
    assert isinstance(value, memoryview)
    buffer[-2:] = b"\x07\x08"
    assert bytes(value) == b"\x07\x08"


def test_rope_keeps_large_values_apart() -> None:
    pixels = np.zeros((64, 64), "<u2")
    rope = encode_rope(Dataset(Rows=4, PixelData=pixels), EXPLICIT_LE)
    assert [len(piece) for piece in rope] == [len(ROWS[EXPLICIT_LE]) + 12, 8192]
    assert isinstance(rope[1], memoryview)
    assert np.shares_memory(np.frombuffer(rope[1], np.uint8), pixels)
    data = b"".join(rope)
    decoded = decode(data, EXPLICIT_LE)
    (back,) = encode_rope(decoded, EXPLICIT_LE)
    assert np.shares_memory(np.frombuffer(back, np.uint8), np.frombuffer(data, np.uint8)), "nobody asked for anything"
    decoded.Rows = 5
    back = encode_rope(decoded, EXPLICIT_LE)[1]
    assert np.shares_memory(np.frombuffer(back, np.uint8), np.frombuffer(data, np.uint8))
    assert encode_rope(Dataset(), EXPLICIT_LE) == []
    many = Dataset(PixelData=pixels)
    many.add(Element(0xFFFCFFFC, "OB", b"\0\0"))
    assert len(encode_rope(many, EXPLICIT_LE)) == 3


def test_any_flat_buffer_is_decoded() -> None:
    data = np.frombuffer(ROWS[EXPLICIT_LE], np.uint8).reshape(2, 5)
    assert decode(data.data, EXPLICIT_LE).Rows == 4
    assert len(decode(b"", EXPLICIT_LE)) == 0


# What is read leniently


def test_group_lengths_are_dropped_except_0000_and_0002() -> None:
    length = b"\0\0UL\x04\0\x0a\0\0\0"
    data = b"\x00\0" + length + b"\x02\0" + length + b"\x28\0" + length + ROWS[EXPLICIT_LE]
    ds = decode(data, EXPLICIT_LE)
    assert [element.tag for element in ds] == [0x00000000, 0x00020000, 0x00280010]
    implicit = b"\x28\0\0\0\x04\0\0\0\x0a\0\0\0" + ROWS[IMPLICIT_LE]
    assert decode(implicit, IMPLICIT_LE) == Dataset(Rows=4)


def test_order_and_duplicates_do_not_matter() -> None:
    data = PIXELS[EXPLICIT_LE] + ROWS[EXPLICIT_LE] + ROWS[EXPLICIT_LE][:-2] + b"\x05\0"
    ds = decode(data, EXPLICIT_LE)
    assert encode(ds, EXPLICIT_LE) == data, "nobody asked for anything"
    assert ds == Dataset(Rows=5, PixelData=b"\x01\x02")
    assert encode(ds, EXPLICIT_LE) == encode(Dataset(Rows=5, PixelData=b"\x01\x02"), EXPLICIT_LE), "in order"


def test_odd_lengths_are_read_and_written_even() -> None:
    ds = decode(b"\x10\x20\x40\x00CS\x01\0A", EXPLICIT_LE)
    assert ds.FilmOrientation == "A"
    assert encode(ds, EXPLICIT_LE) == b"\x10\x20\x40\x00CS\x02\0A "


def test_trailing_padding_element_is_kept() -> None:
    data = ROWS[EXPLICIT_LE] + b"\xfc\xff\xfc\xffOB\0\0\x02\0\0\0\0\0"
    ds = decode(data, EXPLICIT_LE)
    assert ds.DataSetTrailingPadding == b"\0\0"
    assert encode(ds, EXPLICIT_LE) == data


def test_un_of_a_known_attribute_gets_its_vr() -> None:
    data = b"\x28\0\x10\0UN\0\0\x02\0\0\0\x04\0"
    ds = decode(data, EXPLICIT_LE)
    assert (ds["Rows"].VR, ds.Rows) == ("US", 4)
    assert encode(ds, EXPLICIT_LE) == ROWS[EXPLICIT_LE]
    big = b"\0\x28\0\x10UN\0\0\0\0\0\x02\x04\0"  # little endian in a big endian Data Set
    assert decode(big, EXPLICIT_BE)["Rows"].VR == "UN"


UNKNOWN = b"\x10\x20\x00\x05UN\0\0"  # Referenced Film Session Sequence
ROWS_ITEM = ITEM + b"\x0a\0\0\0" + ROWS[IMPLICIT_LE]


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "as needed"])
@pytest.mark.parametrize("undefined", [True, False], ids=["delimited", "with a length"])
def test_un_of_a_known_sequence_is_parsed_in_implicit_vr(whole: bool, undefined: bool) -> None:
    length, end = (UNDEFINED, SEQUENCE_END) if undefined else (b"\x12\0\0\0", b"")
    ds = decode(UNKNOWN + length + ROWS_ITEM + end, EXPLICIT_LE, whole=whole)
    element = ds["ReferencedFilmSessionSequence"]
    assert (element.VR, element.undefined_length) == ("SQ", undefined), "PS3.5 §6.2.2"
    assert first_item(element.value).Rows == 4
    proper = encode(ds, EXPLICIT_LE)
    assert proper[4:6] == b"SQ"
    assert ROWS[EXPLICIT_LE] in proper
    assert decode(proper, EXPLICIT_LE) == ds
    assert decode(UNKNOWN + bytes(4), EXPLICIT_LE).ReferencedFilmSessionSequence == []


def test_explicit_vr_continues_after_un_in_implicit_vr() -> None:
    unknown = b"\x09\0\x01\x10UN\0\0" + UNDEFINED + ITEM + UNDEFINED + ROWS[IMPLICIT_LE] + ITEM_END + SEQUENCE_END
    inner = ITEM + UNDEFINED + unknown + ROWS[EXPLICIT_LE] + ITEM_END + SEQUENCE_END
    data = SQ + UNDEFINED + inner + ROWS[EXPLICIT_LE]
    for whole in (True, False):
        ds = decode(SQ + UNDEFINED + ITEM + UNDEFINED + data + ITEM_END + SEQUENCE_END, EXPLICIT_LE, whole=whole)
        middle = first_item(ds.ReferencedFilmSessionSequence)
        item = first_item(middle.ReferencedFilmSessionSequence)
        assert first_item(item[0x00091001].value).Rows == item.Rows == middle.Rows == 4


def test_un_without_items_stays_bytes() -> None:
    for content in (b"\1\2", b"12345678", ROWS_ITEM[:-2]):
        data = UNKNOWN + len(content).to_bytes(4, "little") + content
        ds = decode(data + ROWS[EXPLICIT_LE], EXPLICIT_LE)
        assert ds["ReferencedFilmSessionSequence"].VR == "UN"
        assert ds.ReferencedFilmSessionSequence == content
        assert ds.Rows == 4
        assert encode(ds, EXPLICIT_LE) == ROWS[EXPLICIT_LE] + data, "in order"
    with pytest.raises(DecodeError, match=r"^\(2010,0500\): a value of 18 bytes where 17 are left"):
        decode((UNKNOWN + b"\x12\0\0\0" + ROWS_ITEM)[:-1], EXPLICIT_LE)


@pytest.mark.parametrize("outer", [EXPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
def test_un_of_undefined_length_is_a_sequence_in_implicit_vr(outer: TransferSyntax) -> None:
    tag = b"\x09\0\x01\x10" if outer is EXPLICIT_LE else b"\0\x09\x10\x01"
    data = tag + b"UN\0\0" + UNDEFINED + ITEM + b"\x0a\0\0\0" + ROWS[IMPLICIT_LE] + SEQUENCE_END + ROWS[outer]
    ds = decode(data, outer)
    element = ds[0x00091001]
    assert element.VR == "UN"
    assert first_item(element.value).Rows == 4
    assert ds.Rows == 4
    assert encode(ds, outer) == data
    made = Dataset(Rows=4)
    made.add(Element(0x00091001, "UN", [Dataset(Rows=4)]))
    assert encode(made, outer) == data


def test_undefined_length_in_implicit_vr_is_a_sequence() -> None:
    data = b"\x09\0\x01\x10" + UNDEFINED + ITEM + b"\x0a\0\0\0" + ROWS[IMPLICIT_LE] + SEQUENCE_END
    ds = decode(data, IMPLICIT_LE)
    assert first_item(ds[0x00091001].value).Rows == 4
    assert encode(ds, IMPLICIT_LE) == data


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


def test_long_value_of_a_short_form_is_written_as_un() -> None:
    ds = Dataset(ContourData=[1.0] * 40000)
    data = encode(ds, EXPLICIT_LE)
    assert data[4:8] == b"UN\0\0"
    assert decode(data, EXPLICIT_LE) == ds
    with pytest.raises(EncodeError, match=r"^\(3006,0050\): DS of 79999|^\(3006,0050\): DS of 80000 bytes"):
        encode(ds, EXPLICIT_BE)


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
    with pytest.raises(EncodeError, match=r"^\(0010,0010\): 'é' cannot be written in the character set 126"):
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


# Untouched is byte for byte


def test_reading_a_value_does_not_change_how_it_is_written() -> None:
    data = b"\x28\0\x50\x10DS\x08\x0040.00\\50\x28\0\x51\x10DS\x04\x0001.5"
    ds = decode(data, EXPLICIT_LE)
    assert (ds.WindowCenter, ds.WindowWidth) == ([40.0, 50.0], 1.5)
    assert encode(ds, EXPLICIT_LE) == data


def test_changed_list_is_written() -> None:
    ds = decode(b"\x28\0\x50\x10DS\x08\x0040.00\\50", EXPLICIT_LE)
    centers = ds.WindowCenter
    assert isinstance(centers, list)
    centers.append(60.0)
    assert encode(ds, EXPLICIT_LE).endswith(b"40.00\\50\\60 ")


# What is wrong

ROW = ROWS[EXPLICIT_LE]
SQ = b"\x10\x20\x00\x05SQ\0\0"

WRONG = {
    "header cut off": (ROW[:5], EXPLICIT_LE, "", 0, "the header of an element is cut off"),
    "long header cut off": (PIXELS[EXPLICIT_LE][:10], EXPLICIT_LE, "", 0, "the header of an element is cut off"),
    "implicit header cut off": (ROW[:5], IMPLICIT_LE, "", 0, "the header of an element is cut off"),
    "value cut off": (ROW[:-1], EXPLICIT_LE, "(0028,0010)", 8, "a value of 2 bytes where 1 are left"),
    "implicit value cut off": (
        ROWS[IMPLICIT_LE][:-1], IMPLICIT_LE, "(0028,0010)", 8, "a value of 2 bytes where 1 are left",
    ),
    "4 GiB": (
        PIXELS[EXPLICIT_LE][:8] + b"\xfe\xff\xff\xff\1\2", EXPLICIT_LE, "(7FE0,0010)", 12,
        "a value of 4294967294 bytes where 2 are left",
    ),
    "4 GiB sequence": (
        SQ + b"\xfe\xff\xff\xff", EXPLICIT_LE, "(2010,0500)", 12, "a value of 4294967294 bytes where 0 are left",
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
    "stray item": (ITEM + bytes(4), EXPLICIT_LE, "(FFFE,E000)", 0, "a delimiter or item is out of place"),
    "stray delimiter": (ITEM_END, IMPLICIT_LE, "(FFFE,E00D)", 0, "a delimiter or item is out of place"),
    "element between items": (
        SQ + b"\x12\0\0\0" + ITEM + bytes(4) + ROW, EXPLICIT_LE, "(2010,0500)", 28,
        "(0028,0010) where an item should begin",
    ),
    "delimiter in the middle of a sequence": (
        SQ + b"\x10\0\0\0" + SEQUENCE_END + ITEM + bytes(4), EXPLICIT_LE, "(2010,0500)", 20,
        "(FFFE,E0DD) where an item should begin",
    ),
    "delimiter in the middle of an item": (
        SQ + b"\x1a\0\0\0" + ITEM + b"\x12\0\0\0" + ITEM_END + ROW, EXPLICIT_LE, "(2010,0500)[0].(FFFE,E00D)", 20,
        "a delimiter or item is out of place",
    ),
    "item beyond its sequence": (
        SQ + b"\x08\0\0\0" + ITEM + b"\x0a\0\0\0" + ROW, EXPLICIT_LE, "(2010,0500)", 20,
        "an item of 10 bytes ends beyond its sequence",
    ),
    "element beyond its item": (
        SQ + b"\x12\0\0\0" + ITEM + b"\x08\0\0\0" + ROW, EXPLICIT_LE, "(2010,0500)[0].(0028,0010)", 28,
        "a value of 2 bytes where 0 are left",
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
        "a value of 2 bytes where 1 are left",
    ),
    "sequences without items, one in the other": (
        (SQ + UNDEFINED) * 2, EXPLICIT_LE, "(2010,0500)", 20, "(2010,0500) where an item should begin",
    ),
    "two delimiters behind an item": (
        SQ + UNDEFINED + ITEM + bytes(4) + ITEM_END * 2, EXPLICIT_LE, "(2010,0500)", 36,
        "(FFFE,E00D) where an item should begin",
    ),
    "fragment cut off": (
        b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED + ITEM + b"\x04\0\0\0\1\2", RLE, "(7FE0,0010)", 20,
        "(FFFE,E000) of 4 bytes where a fragment should be",
    ),
    "no fragment": (
        b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED + ROW, RLE, "(7FE0,0010)", 20,
        "(0028,0010) of 152405 bytes where a fragment should be",
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


def test_wrong_value_cannot_change_its_syntax() -> None:
    ds = decode(b"\x28\0\x10\0US\x03\0\1\2\3", EXPLICIT_LE)
    with pytest.raises(EncodeError, match=r"^\(0028,0010\): US needs a multiple of 2 bytes"):
        encode(ds, EXPLICIT_BE)


def test_data_set_that_contains_itself_is_rejected() -> None:
    ds = Dataset(Rows=4)
    ds.ReferencedFilmSessionSequence = [ds]
    with pytest.raises(EncodeError, match=r"sequences nest deeper than 128"):
        encode(ds, EXPLICIT_LE)


def test_encode_error_names_the_path_in_an_item() -> None:
    with pytest.raises(EncodeError, match=r"^\(2010,0500\)\[1\]\.\(0010,0010\): 'é'"):
        encode(Dataset(ReferencedFilmSessionSequence=[Dataset(), Dataset(PatientName="é")]), EXPLICIT_LE)


@pytest.mark.parametrize(
    ("ds", "wrong", "what"),
    [
        (Dataset(Rows=[1, 2]), "x", r"^\(0028,0010\): US cannot hold its values: required argument is not an integer"),
        (Dataset(Rows=[1, 2]), 70000, r"^\(0028,0010\): US cannot hold its values: .*65535"),
        (Dataset(DataElement=[1, 2]), None, r"AT cannot hold its values: it is NoneType"),
        (Dataset(ReferencedImageSequence=[]), 5, r"^\(0008,1140\): int is not an item$"),
    ],
)
def test_list_with_wrong_values_is_rejected(ds: Dataset, wrong: object, what: str) -> None:
    (element,) = ds
    assert isinstance(element.value, list)
    element.value.append(wrong)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(EncodeError, match=what):
        encode(ds, EXPLICIT_LE)


def test_value_beyond_32_bits_is_rejected() -> None:
    whole = np.empty(1 << 32, np.uint8)  # never touched, so it takes no memory
    half = whole[: (1 << 31) + 2]
    with pytest.raises(EncodeError, match=r"^\(7FE0,0010\): a value of 4294967296 bytes is too long"):
        encode_rope(Dataset(PixelData=whole), EXPLICIT_LE)
    with pytest.raises(EncodeError, match=r"^\(2020,0110\): an item of 4294967\d+ bytes is too long"):
        encode_rope(Dataset(BasicGrayscaleImageSequence=[Dataset(PixelData=half, OverlayData=half)]), EXPLICIT_LE)
    with pytest.raises(EncodeError, match=r"^\(2020,0110\): a value of 4294967\d+ bytes is too long"):
        encode_rope(Dataset(BasicGrayscaleImageSequence=[Dataset(PixelData=half)] * 2), EXPLICIT_LE)
    with pytest.raises(EncodeError, match=r"^\(7FE0,0010\): an item of 4294967296 bytes is too long"):
        encode_rope(Dataset(PixelData=[b"", whole]), RLE)


def test_pixels_of_32_bits_are_swapped_whole() -> None:
    ds = Dataset(BitsAllocated=32, PixelData=b"\1\2\3\4")
    big = encode(ds, EXPLICIT_BE)
    assert big.endswith(b"\4\3\2\1")
    decoded = decode(big, EXPLICIT_BE)
    assert decoded.PixelData == b"\1\2\3\4"
    assert encode(decoded, EXPLICIT_BE) == big
    assert encode(decoded, EXPLICIT_LE) == encode(ds, EXPLICIT_LE)
    decoded.add(Element(0x00280100, "US", b"\x20\0\0"))
    assert encode(decoded, EXPLICIT_LE).endswith(b"\1\2\3\4"), "Bits Allocated is no number: words of 16 bits"


def test_buffers_of_any_layout_are_written() -> None:
    """Buffers with gaps, or of words with a byte order, are read like any other bytes."""
    data = encode(Dataset(Rows=5, Columns=7), EXPLICIT_LE)
    apart = memoryview(bytes(byte for pair in zip(data, data, strict=True) for byte in pair))[::2]
    words = np.frombuffer(data, ">u2").data
    for buffer in (apart, words):
        assert decode(buffer, EXPLICIT_LE) == Dataset(Rows=5, Columns=7)
        assert expected_length(buffer, EXPLICIT_LE) is None
    assert Dataset(PixelData=apart).PixelData == data
