"""PS3.5 §7.5 and §6.2.2: sequences of any length, and elements in UN."""

from typing import Literal

import pytest
from elements import ITEM, ITEM_END, PIXELS, ROWS, SEQUENCE_END, SEQUENCES, UNDEFINED, first_item

from dimse.data import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    Element,
    Finding,
    TransferSyntax,
    decode,
    encode,
    syntax_of,
)
from dimse.errors import DecodeError

RLE = syntax_of("1.2.840.10008.1.2.5")
UNKNOWN = b"\x10\x20\x00\x05UN\0\0"  # Referenced Film Session Sequence
ROWS_ITEM = ITEM + b"\x0a\0\0\0" + ROWS[IMPLICIT_LE]
SQ = b"\x10\x20\x00\x05SQ\0\0"


@pytest.mark.parametrize("form", SEQUENCES)
def test_defined_and_undefined_lengths_combine(form: str) -> None:
    data = b"\x10\x20\x00\x05" + SEQUENCES[form] + PIXELS[EXPLICIT_LE]  # then the Data Set goes on
    ds = decode(data, EXPLICIT_LE)
    assert ds == Dataset(ReferencedFilmSessionSequence=[Dataset(Rows=4)], PixelData=b"\x01\x02")
    assert encode(ds, EXPLICIT_LE) == data, "as it was"
    assert ds["ReferencedFilmSessionSequence"].undefined_length == (form in ("undefined sequence", "both"))
    assert first_item(ds.ReferencedFilmSessionSequence).undefined_length == (form in ("undefined item", "both"))


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


def test_un_of_a_known_attribute_gets_its_vr() -> None:
    data = b"\x28\0\x10\0UN\0\0\x02\0\0\0\x04\0"
    ds = decode(data, EXPLICIT_LE)
    assert (ds["Rows"].VR, ds.Rows) == ("US", 4)
    assert encode(ds, EXPLICIT_LE) == ROWS[EXPLICIT_LE]
    big = b"\0\x28\0\x10UN\0\0\0\0\0\x02\x04\0"  # little endian in a big endian Data Set
    assert decode(big, EXPLICIT_BE)["Rows"].VR == "UN"


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


def test_empty_un_of_a_known_sequence_has_no_items() -> None:
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


@pytest.mark.parametrize("content", [b"\1\2", b"12345678", ROWS_ITEM[:-2]], ids=["short", "text", "cut item"])
def test_un_without_items_stays_bytes(content: bytes) -> None:
    data = UNKNOWN + len(content).to_bytes(4, "little") + content
    ds = decode(data + ROWS[EXPLICIT_LE], EXPLICIT_LE)
    assert ds["ReferencedFilmSessionSequence"].VR == "UN"
    assert ds.ReferencedFilmSessionSequence == content
    assert ds.Rows == 4
    assert encode(ds, EXPLICIT_LE) == ROWS[EXPLICIT_LE] + data, "in order"


def test_cut_un_is_rejected() -> None:
    with pytest.raises(DecodeError, match=r"^\(2010,0500\): a value of 18 bytes, but only 17 follow"):
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


def test_un_pixel_data_of_undefined_length_has_fragments() -> None:
    """By PS3.5 6.2.2, UN of undefined length is a sequence, but Pixel Data never is."""
    data = b"\xe0\x7f\x10\0UN\0\0" + UNDEFINED + ITEM + bytes(4) + ITEM + b"\2\0\0\0ab" + SEQUENCE_END
    element = decode(data, EXPLICIT_LE)["PixelData"]
    assert (element.VR, element.value) == ("OB", [b"", b"ab"])


def rewritten(data: bytes) -> bytes:
    """Return the pixels of a Data Set, encoded again after Rows was added."""
    ds = decode(data, RLE)
    ds.Rows = 4
    return encode(ds, RLE).removeprefix(ROWS[EXPLICIT_LE])


@pytest.mark.parametrize("count", [1, 2])
def test_fragment_without_its_padding_is_read(count: int) -> None:
    """Its length includes the padding."""
    fragment = ITEM + b"\4\0\0\0abc"
    data = b"\xe0\x7f\x10\0OB\0\0" + UNDEFINED + ITEM + bytes(4) + count * fragment + SEQUENCE_END
    report: list[Finding] = []
    ds = decode(data, RLE, report=report)
    assert rewritten(data) == data.replace(b"abc", b"abc\0"), "the padding is written"
    assert ds.PixelData == [b"", *[b"abc"] * count]
    what = "the padding of a fragment is missing, though its length includes it"
    assert [finding.what for finding in report] == [what] * count


@pytest.mark.parametrize("count", [1, 6, 8, 100])
def test_zeros_stand_for_the_delimiter_of_fragments(count: int) -> None:
    data = b"\xe0\x7f\x10\0OB\0\0" + UNDEFINED + ITEM + bytes(4) + ITEM + b"\2\0\0\0ab" + bytes(count)
    report: list[Finding] = []
    ds = decode(data, RLE, report=report)
    assert rewritten(data) == data[:-count] + SEQUENCE_END
    assert ds.PixelData == [b"", b"ab"]
    assert report[0].what == "zeros take the place of the delimiter"


@pytest.mark.parametrize("fragments", [b"", ITEM + bytes(4), ITEM + bytes(4) + ITEM + b"\2\0\0\0ab"])
@pytest.mark.parametrize("length", [UNDEFINED, None], ids=["delimited", "with a length"])
def test_fragments_do_not_take_the_delimiter_after_their_item(fragments: bytes, length: bytes | None) -> None:
    """The pixels of an icon lack their delimiter, and the delimiter of the sequence around them follows."""
    pixels = b"\xe0\x7f\x10\0OB\0\0" + UNDEFINED + fragments
    item = ITEM + len(pixels).to_bytes(4, "little") + pixels
    data = b"\x88\0\0\2SQ\0\0" + (length or len(item).to_bytes(4, "little")) + item + SEQUENCE_END
    with pytest.raises(DecodeError, match=r"^\(0088,0200\)\[0\]\.\(7FE0,0010\): the header of an item is cut off"):
        decode(data, RLE)


def test_undefined_length_in_implicit_vr_is_a_sequence() -> None:
    data = b"\x09\0\x01\x10" + UNDEFINED + ITEM + b"\x0a\0\0\0" + ROWS[IMPLICIT_LE] + SEQUENCE_END
    ds = decode(data, IMPLICIT_LE)
    assert first_item(ds[0x00091001].value).Rows == 4
    assert encode(ds, IMPLICIT_LE) == data


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE], ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("last", [ROWS, dict.fromkeys(ROWS, b"\xe0\x7f\x10\0OB\0\0\2\0\0\0ab")], ids=["Rows", "OB"])
@pytest.mark.parametrize("left", [2, 6, 7])
def test_header_that_leaves_its_item_is_cut_off(
    syntax: TransferSyntax, last: dict[TransferSyntax, bytes], left: int
) -> None:
    """The bytes after the item make no difference: a copy of the sequence alone shows the same error."""
    order: Literal["big", "little"] = "big" if syntax is EXPLICIT_BE else "little"
    content = ROWS[syntax] + last[syntax][:left]
    item = (b"\xff\xfe\xe0\0" if syntax is EXPLICIT_BE else ITEM) + len(content).to_bytes(4, order) + content
    explicit = b"\x40\0\x60\2SQ\0\0"
    headers = {IMPLICIT_LE: explicit[:4], EXPLICIT_LE: explicit, EXPLICIT_BE: b"\0\x40\2\x60SQ\0\0"}
    data = headers[syntax] + len(item).to_bytes(4, order) + item + last[syntax][left:]
    with pytest.raises(DecodeError, match=r"^\(0040,0260\)\[0\]: the header of an element is cut off"):
        decode(data, syntax)


@pytest.mark.parametrize(("syntax", "vr"), [(EXPLICIT_LE, "SV"), (EXPLICIT_BE, "UN")], ids=["little", "big endian"])
def test_sequence_that_is_a_number_is_read_like_un(syntax: TransferSyntax, vr: str) -> None:
    """Selector SV Value (0072,0082) with VR SQ, and bytes that are not items."""
    header = {EXPLICIT_LE: b"\x72\0\x82\0SQ\0\0\x08\0\0\0", EXPLICIT_BE: b"\0\x72\0\x82SQ\0\0\0\0\0\x08"}
    ds = decode(header[syntax] + b"abcdefgh", syntax)
    assert [element.VR for element in ds] == [vr]
    assert ds["SelectorSVValue"].value
    assert encode(ds, syntax) == header[syntax].replace(b"SQ", vr.encode()) + b"abcdefgh"


def test_zeros_do_not_pad_an_item_of_undefined_length() -> None:
    with pytest.raises(DecodeError, match="the item ends without its delimiter"):
        decode(SQ + UNDEFINED + ITEM + UNDEFINED + bytes(8), EXPLICIT_LE)


def test_item_may_repeat_the_character_set_around_it() -> None:
    charset, name = b"\x08\0\x05\0CS\x0a\0ISO_IR 126", b"\x10\0\x10\0PN\x02\0\xe9 "
    content = charset + name
    item = ITEM + len(content).to_bytes(4, "little") + content
    ds = decode(charset + SQ + len(item).to_bytes(4, "little") + item, EXPLICIT_LE)
    assert first_item(ds.ReferencedFilmSessionSequence).PatientName == "\u03b9"
