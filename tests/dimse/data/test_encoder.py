"""PS3.5 §7: encoding in pieces, by the rules, and values that cannot be written."""

from collections.abc import Callable

import numpy as np
import pytest
from elements import ITEM, PIXELS, ROWS, SEQUENCE_END, SEQUENCES, UNDEFINED
from numpy.typing import NDArray

from dimse.data import (
    EXPLICIT_BE,
    EXPLICIT_LE,
    Dataset,
    Element,
    TransferSyntax,
    decode,
    encode,
    encode_rope,
    syntax_of,
)
from dimse.data.skip import expected_length
from dimse.errors import EncodeError

RLE = syntax_of("1.2.840.10008.1.2.5")


def test_values_are_padded_to_even_length() -> None:
    ds = Dataset(FilmOrientation="A", ReferencedSOPInstanceUID="1.2", ImageDisplayFormat="x")
    data = encode(ds, EXPLICIT_LE)
    assert b"CS\x02\x00A " in data
    assert b"UI\x04\x001.2\x00" in data
    assert b"ST\x02\x00x " in data
    assert encode(Dataset(PixelData=[b"\x01"]), RLE).endswith(b"\x02\0\0\0\x01\0" + SEQUENCE_END)


def test_undefined_lengths_are_written_on_request() -> None:
    item = Dataset(Rows=4)
    item.undefined_length = True
    ds = Dataset(ReferencedFilmSessionSequence=[item])
    ds["ReferencedFilmSessionSequence"].undefined_length = True
    assert encode(ds, EXPLICIT_LE) == b"\x10\x20\x00\x05" + SEQUENCES["both"]


FRAGMENTS = [b"", b"\xff\xd8\xff\xd9"]


def test_fragments_are_read_and_written() -> None:
    data = (
        b"\xe0\x7f\x10\x00OB\0\0" + UNDEFINED
        + ITEM + bytes(4)  # the Basic Offset Table, empty
        + ITEM + b"\x04\0\0\0" + b"\xff\xd8\xff\xd9"
        + SEQUENCE_END
    )  # fmt: skip
    ds = decode(data, RLE)
    assert ds.PixelData == FRAGMENTS
    assert encode(ds, RLE) == data
    assert encode(Dataset(PixelData=FRAGMENTS), RLE) == data


def test_fragments_need_a_compressed_syntax() -> None:
    ds = Dataset(PixelData=FRAGMENTS)
    with pytest.raises(EncodeError, match=r"^\(7FE0,0010\): fragments need a Transfer Syntax for compressed"):
        encode(ds, EXPLICIT_LE)


def test_compressed_syntax_needs_fragments() -> None:
    with pytest.raises(EncodeError, match=r"^\(7FE0,0010\): RLE Lossless needs compressed Pixel Data"):
        encode(Dataset(PixelData=b"\0\0"), RLE)
    with pytest.raises(EncodeError, match="needs compressed"):
        encode(decode(PIXELS[EXPLICIT_LE], EXPLICIT_LE), RLE)
    assert encode(Dataset(Rows=4), RLE) == ROWS[EXPLICIT_LE], "nothing is compressed without pixels"


def test_rope_keeps_large_values_apart() -> None:
    pixels = np.zeros((64, 64), "<u2")
    rope = encode_rope(Dataset(Rows=4, PixelData=pixels), EXPLICIT_LE)
    assert [len(piece) for piece in rope] == [len(ROWS[EXPLICIT_LE]) + 12, 8192]
    assert isinstance(rope[1], memoryview)
    assert np.shares_memory(np.frombuffer(rope[1], np.uint8), pixels)


def test_rope_shares_the_bytes_that_were_decoded() -> None:
    data = encode(Dataset(Rows=4, PixelData=bytes(8192)), EXPLICIT_LE)
    decoded = decode(data, EXPLICIT_LE)
    (untouched,) = encode_rope(decoded, EXPLICIT_LE)
    assert np.shares_memory(np.frombuffer(untouched, np.uint8), np.frombuffer(data, np.uint8))
    decoded.Rows = 5
    pixels = encode_rope(decoded, EXPLICIT_LE)[1]
    assert np.shares_memory(np.frombuffer(pixels, np.uint8), np.frombuffer(data, np.uint8))


def test_rope_of_an_empty_data_set_has_no_pieces() -> None:
    assert encode_rope(Dataset(), EXPLICIT_LE) == []


def test_rope_goes_on_after_a_large_value() -> None:
    ds = Dataset(PixelData=bytes(8192))
    ds.add(Element(0xFFFCFFFC, "OB", b"\0\0"))
    assert len(encode_rope(ds, EXPLICIT_LE)) == 3


def test_long_value_of_a_short_form_is_written_as_un() -> None:
    ds = Dataset(ContourData=[1.0] * 40000)
    data = encode(ds, EXPLICIT_LE)
    assert data[4:8] == b"UN\0\0"
    assert decode(data, EXPLICIT_LE) == ds
    with pytest.raises(EncodeError, match=r"^\(3006,0050\): DS of 79999|^\(3006,0050\): DS of 80000 bytes"):
        encode(ds, EXPLICIT_BE)


def test_changed_list_is_written() -> None:
    ds = decode(b"\x28\0\x50\x10DS\x08\x0040.00\\50", EXPLICIT_LE)
    centers = ds.WindowCenter
    assert isinstance(centers, list)
    centers.append(60.0)
    assert encode(ds, EXPLICIT_LE).endswith(b"40.00\\50\\60 ")


def test_wrong_value_cannot_change_its_syntax() -> None:
    ds = decode(b"\x28\0\x10\0US\x03\0\1\2\3", EXPLICIT_LE)
    with pytest.raises(EncodeError, match=r"^\(0028,0010\): US needs a multiple of 2 bytes"):
        encode(ds, EXPLICIT_BE)


def test_data_set_that_contains_itself_is_rejected() -> None:
    ds = Dataset(Rows=4)
    ds.ReferencedFilmSessionSequence = [ds]
    with pytest.raises(EncodeError, match=r"sequences nest deeper than 128"):
        encode(ds, EXPLICIT_LE)


def nested(levels: int) -> Dataset:
    """Return a Data Set with sequences within sequences."""
    ds = Dataset(Rows=4)
    for _ in range(levels):
        ds = Dataset(ReferencedFilmSessionSequence=[ds])
    return ds


def test_bound_on_nesting_is_exact() -> None:
    assert encode(nested(128), EXPLICIT_LE).count(b"SQ") == 128
    with pytest.raises(EncodeError, match=r"sequences nest deeper than 128"):
        encode(nested(129), EXPLICIT_LE)


def test_unreadable_items_cannot_change_their_syntax() -> None:
    overlong_item = b"\xfe\xff\x00\xe0\x64\0\0\0"
    ds = decode(b"\x08\0\x40\x11SQ\0\0\x08\0\0\0" + overlong_item, EXPLICIT_LE, isolate=True)
    with pytest.raises(EncodeError, match=r"^\(0008,1140\): an item of 100 bytes ends beyond its sequence"):
        encode(ds, EXPLICIT_BE)


def test_encode_error_names_the_path_in_an_item() -> None:
    with pytest.raises(EncodeError, match=r"^\(2010,0500\)\[1\]\.\(0010,0010\): 'é'"):
        encode(Dataset(ReferencedFilmSessionSequence=[Dataset(), Dataset(PatientName="é")]), EXPLICIT_LE)


@pytest.mark.parametrize(
    ("ds", "wrong", "what"),
    [
        (Dataset(Rows=[1, 2]), "x", r"^\(0028,0010\): US cannot hold its values: type str, not an integer"),
        (Dataset(Rows=[1, 2]), 70000, r"^\(0028,0010\): US cannot hold its values: .*65535"),
        (Dataset(DataElement=[1, 2]), None, r"AT cannot hold its values: type NoneType"),
        (Dataset(ReferencedImageSequence=[]), 5, r"^\(0008,1140\): int is not an item$"),
    ],
)
def test_list_with_wrong_values_is_rejected(ds: Dataset, wrong: object, what: str) -> None:
    (element,) = ds
    assert isinstance(element.value, list)
    element.value.append(wrong)  # type: ignore[arg-type]  # that is the point
    with pytest.raises(EncodeError, match=what):
        encode(ds, EXPLICIT_LE)


Bytes = NDArray[np.uint8]


@pytest.mark.parametrize(
    ("make", "syntax", "fault"),
    [
        (
            lambda whole, _: Dataset(PixelData=whole),
            EXPLICIT_LE,
            r"\(7FE0,0010\): a value of 4294967296 bytes is too long",
        ),
        (
            lambda _, half: Dataset(BasicGrayscaleImageSequence=[Dataset(PixelData=half, OverlayData=half)]),
            EXPLICIT_LE,
            r"\(2020,0110\): an item of 4294967\d+ bytes is too long",
        ),
        (
            lambda _, half: Dataset(BasicGrayscaleImageSequence=[Dataset(PixelData=half)] * 2),
            EXPLICIT_LE,
            r"\(2020,0110\): a value of 4294967\d+ bytes is too long",
        ),
        (
            lambda whole, _: Dataset(PixelData=[b"", whole]),
            RLE,
            r"\(7FE0,0010\): an item of 4294967296 bytes is too long",
        ),
    ],
    ids=["value", "item", "sequence", "fragment"],
)
def test_length_beyond_32_bits_is_rejected(
    make: Callable[[Bytes, Bytes], Dataset], syntax: TransferSyntax, fault: str
) -> None:
    whole = np.empty(1 << 32, np.uint8)  # never touched, so it takes no memory
    with pytest.raises(EncodeError, match=f"^{fault}"):
        encode_rope(make(whole, whole[: (1 << 31) + 2]), syntax)


def test_buffers_of_any_layout_are_written() -> None:
    """Strided buffers, and buffers of big-endian words."""
    data = encode(Dataset(Rows=5, Columns=7), EXPLICIT_LE)
    apart = memoryview(bytes(byte for pair in zip(data, data, strict=True) for byte in pair))[::2]
    words = np.frombuffer(data, ">u2").data
    for buffer in (apart, words):
        assert decode(buffer, EXPLICIT_LE) == Dataset(Rows=5, Columns=7)
        assert expected_length(buffer, EXPLICIT_LE) is None
    assert Dataset(PixelData=apart).PixelData == data
