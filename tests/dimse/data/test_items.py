"""Sequences that are parsed on demand, and pixels in another byte order."""

import pytest
from elements import ITEM, first_item, sequence_of

from dimse.data import EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE, Dataset, Element, decode, encode, syntax_of
from dimse.errors import DecodeError

ROWS = b"\x28\0\x10\0US\x02\0\x04\0"


def test_pixels_of_32_bits_are_swapped_whole() -> None:
    ds = Dataset(BitsAllocated=32, PixelData=b"\1\2\3\4")
    big = encode(ds, EXPLICIT_BE)
    assert big.endswith(b"\4\3\2\1")
    decoded = decode(big, EXPLICIT_BE)
    assert decoded.PixelData == b"\1\2\3\4"
    assert encode(decoded, EXPLICIT_BE) == big
    assert encode(decoded, EXPLICIT_LE) == encode(ds, EXPLICIT_LE)
    decoded.add(Element(0x00280100, "US", b"\x20\0\0"))
    assert encode(decoded, EXPLICIT_LE).endswith(b"\1\2\3\4"), "Bits Allocated is not a number, so words have 16 bits"


@pytest.mark.parametrize(
    "data",
    [
        bytes(encode(Dataset(BitsAllocated=32), EXPLICIT_BE)) + b"\x7f\xe0\0\x10OW\0\0\0\0\0\6" + bytes(6),
        bytes(encode(Dataset(BitsAllocated=16), IMPLICIT_LE)) + b"\xe0\x7f\x10\0\3\0\0\0" + bytes(3),
    ],
    ids=["32 bits", "16 bits"],
)
def test_pixels_of_incomplete_words_have_no_value(data: bytes) -> None:
    syntax = EXPLICIT_BE if data[0] == 0 else syntax_of("1.2.840.113619.5.2")
    pixels = decode(data, syntax)["PixelData"]
    with pytest.raises(DecodeError, match=r"\(7FE0,0010\): OW .*multiple of"):
        _ = pixels.value


def test_error_in_an_item_is_raised_now_or_on_access() -> None:
    cases = {
        sequence_of(
            ROWS[:6] + b"\3\0\1\2"
        ): "(2010,0500)[0].(0028,0010): a value of 3 bytes, but only 2 follow (at byte 28) [PS3.5 §7.1.1]",
        sequence_of()[:8] + b"\x0c\0\0\0" + ITEM + bytes(4) + ITEM[:4]: (
            "(2010,0500): the header of an item is cut off (at byte 20) [PS3.5 §7.5]"
        ),
        sequence_of(ROWS, ROWS[:5]): "(2010,0500)[1]: the header of an element is cut off (at byte 38) [PS3.5 §7.1]",
    }
    for data, what in cases.items():
        with pytest.raises(DecodeError) as at_once:
            decode(data, EXPLICIT_LE)
        ds = decode(data, EXPLICIT_LE, whole=False)
        with pytest.raises(DecodeError) as later:
            first_item(ds.ReferencedFilmSessionSequence)
        assert str(at_once.value) == str(later.value) == what
        assert encode(decode(data, EXPLICIT_LE, whole=False), EXPLICIT_LE) == data


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "as needed"])
def test_copy_owns_its_items(whole: bool) -> None:
    ds = decode(sequence_of(ROWS), EXPLICIT_LE, whole=whole)
    twin = ds.copy()
    first_item(twin.ReferencedFilmSessionSequence).Rows = 5
    assert first_item(ds.ReferencedFilmSessionSequence).Rows == 4


@pytest.mark.parametrize("levels", [0, 1, 2, 3])
def test_pixels_of_32_bits_in_an_item_are_swapped_whole(levels: int) -> None:
    ds = Dataset(BitsAllocated=32, PixelData=b"\1\2\3\4")
    for _ in range(levels):
        ds = Dataset(IconImageSequence=[ds])
    decoded = decode(encode(ds, EXPLICIT_BE), EXPLICIT_BE)
    for _ in range(levels):
        decoded = first_item(decoded.IconImageSequence)
    assert decoded.PixelData == b"\1\2\3\4"
