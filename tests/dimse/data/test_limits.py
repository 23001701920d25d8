"""What a hostile Data Set may not do: each limit ends in a DecodeError, long before it hurts."""

import struct

import pytest

from dimse.data import DEFLATED_LE, EXPLICIT_LE, IMPLICIT_LE, Dataset, Limits, TransferSyntax, decode, encode, syntax_of
from dimse.errors import DecodeError

RLE = syntax_of("1.2.840.10008.1.2.5")
UNDEFINED = b"\xff\xff\xff\xff"
SQ = b"\x10\x20\x00\x05SQ\0\0"
ITEM = b"\xfe\xff\x00\xe0"


def test_100_000_sequences_within_sequences() -> None:
    data = (SQ + UNDEFINED + ITEM + UNDEFINED) * 100_000
    with pytest.raises(DecodeError, match=r"sequences nest deeper than 64") as caught:
        decode(data, EXPLICIT_LE)
    assert caught.value.path.count("[0]") == 64
    implicit = (SQ[:4] + UNDEFINED + ITEM + UNDEFINED) * 100_000
    with pytest.raises(DecodeError, match=r"sequences nest deeper than 64"):
        decode(implicit, IMPLICIT_LE)


def test_nesting_by_explicit_length() -> None:
    data = b""
    for _ in range(65):
        item = ITEM + struct.pack("<I", len(data)) + data
        data = SQ + struct.pack("<I", len(item)) + item
    with pytest.raises(DecodeError, match=r"sequences nest deeper than 64"):
        decode(data, EXPLICIT_LE)
    assert len(decode(data, EXPLICIT_LE, limits=Limits(depth=65))) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"\x28\0\x10\0US\0\0" * 2_000_000,
        SQ + struct.pack("<I", 2_000_000 * 8) + (ITEM + bytes(4)) * 2_000_000,
        (SQ + bytes(4)) * 2_000_000,
        (SQ + UNDEFINED + b"\xfe\xff\xdd\xe0" + bytes(4)) * 2_000_000,
        (b"\x28\0\0\0UL\x04\0" + bytes(4)) * 2_000_000,
        b"\xe0\x7f\x10\0OB\0\0" + UNDEFINED + (ITEM + bytes(4)) * 2_000_000,
    ],
    ids=["elements", "items", "sequences", "undefined sequences", "group lengths", "fragments"],
)
def test_two_million(data: bytes) -> None:
    with pytest.raises(DecodeError, match="more than 50000 elements"):
        decode(data, RLE)


def test_two_million_in_implicit_vr() -> None:
    with pytest.raises(DecodeError, match=r"^\(0028,0010\): more than 50000 elements"):
        decode(b"\x28\0\x10\0\0\0\0\0" * 2_000_000, IMPLICIT_LE)


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE], ids=lambda syntax: syntax.name)
def test_as_many_elements_as_the_limit_says(syntax: TransferSyntax) -> None:
    data = encode(Dataset(Rows=1, Columns=2), syntax)
    assert len(decode(data, syntax, limits=Limits(elements=2))) == 2
    with pytest.raises(DecodeError, match="more than 1 elements"):
        decode(data, syntax, limits=Limits(elements=1))


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE], ids=lambda syntax: syntax.name)
def test_a_long_text_is_refused_before_it_is_decoded(syntax: TransferSyntax) -> None:
    data = encode(Dataset(TextValue="x" * 100), syntax)
    with pytest.raises(DecodeError, match=r"^\(0040,A160\): UT of 100 bytes, more than 99"):
        decode(data, syntax, limits=Limits(value=99))
    assert decode(data, syntax, limits=Limits(value=100)).TextValue == "x" * 100


def test_streams_may_be_as_long_as_they_are() -> None:
    data = encode(Dataset(PixelData=bytes(1000)), IMPLICIT_LE)
    assert decode(data, IMPLICIT_LE, limits=Limits(value=10)).PixelData == bytes(1000)


def test_a_deflated_bomb() -> None:
    data = encode(Dataset(PixelData=bytes(10_000_000)), DEFLATED_LE)
    assert len(data) < 20_000
    with pytest.raises(DecodeError, match="inflates to more than 1000000 bytes"):
        decode(data, DEFLATED_LE, limits=Limits(inflated=1_000_000))
