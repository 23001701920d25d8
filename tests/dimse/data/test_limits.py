"""Hostile Data Sets: each limit raises DecodeError before the Data Set does harm."""

import struct

import pytest
from delimited import delimit

from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    DecodeLimits,
    TransferSyntax,
    decode,
    encode,
    syntax_of,
)
from dimse.errors import DecodeError

RLE = syntax_of("1.2.840.10008.1.2.5")
UNDEFINED = b"\xff\xff\xff\xff"
SQ = b"\x10\x20\x00\x05SQ\0\0"
ITEM = b"\xfe\xff\x00\xe0"


def test_many_nested_sequences_exceed_the_depth() -> None:
    data = (SQ + UNDEFINED + ITEM + UNDEFINED) * 100_000
    with pytest.raises(DecodeError, match=r"sequences nest deeper than 64") as caught:
        decode(data, EXPLICIT_LE)
    assert caught.value.path.count("[0]") == 64
    implicit = (SQ[:4] + UNDEFINED + ITEM + UNDEFINED) * 100_000
    with pytest.raises(DecodeError, match=r"sequences nest deeper than 64"):
        decode(implicit, IMPLICIT_LE)


def test_nested_defined_lengths_exceed_the_depth() -> None:
    data = b""
    for _ in range(65):
        item = ITEM + struct.pack("<I", len(data)) + data
        data = SQ + struct.pack("<I", len(item)) + item
    with pytest.raises(DecodeError, match=r"sequences nest deeper than 64"):
        decode(data, EXPLICIT_LE)
    assert len(decode(data, EXPLICIT_LE, limits=DecodeLimits(depth=65))) == 1


@pytest.mark.parametrize("depth", [1, 2, 64])
def test_nested_unknown_sequences_keep_bytes_below_the_depth(depth: int) -> None:
    data = b""
    for _ in range(170):
        item = ITEM + struct.pack("<I", len(data)) + data
        data = b"\x08\0\x40\x11UN\0\0" + struct.pack("<I", len(item)) + item
    ds = decode(data, EXPLICIT_LE, limits=DecodeLimits(depth=depth))
    levels = 0
    while isinstance(items := ds.ReferencedImageSequence, list):
        assert isinstance(items[0], Dataset)
        ds, levels = items[0], levels + 1
    assert levels == depth
    assert ds["ReferencedImageSequence"].VR == "UN"


FLOODS = {
    "elements": (b"", b"\x28\0\x10\0US\0\0"),
    "items": (SQ + struct.pack("<I", 2_000_000 * 8), ITEM + bytes(4)),
    "sequences": (b"", SQ + bytes(4)),
    "undefined sequences": (b"", SQ + UNDEFINED + b"\xfe\xff\xdd\xe0" + bytes(4)),
    "group lengths": (b"", b"\x28\0\0\0UL\x04\0" + bytes(4)),
    "fragments": (b"\xe0\x7f\x10\0OB\0\0" + UNDEFINED, ITEM + bytes(4)),
}  # the start of a Data Set, and the bytes that follow two million times


@pytest.mark.parametrize("kind", FLOODS)
def test_two_million_elements_exceed_the_limit(kind: str) -> None:
    start, repeated = FLOODS[kind]
    with pytest.raises(DecodeError, match=r"more than (50000|49999) (elements|items|fragments)"):
        decode(start + repeated * 2_000_000, RLE)


def test_two_million_elements_in_an_item_exceed_the_limit() -> None:
    elements = b"\x28\0\x10\0\0\0\0\0" * 2_000_000
    data = SQ[:4] + struct.pack("<I", len(elements) + 8) + ITEM + struct.pack("<I", len(elements)) + elements
    with pytest.raises(DecodeError, match=r"^\(2010,0500\)\[0\]\.\(0028,0010\): more than 50000 elements"):
        decode(data, IMPLICIT_LE)


def test_two_million_implicit_elements_exceed_the_limit() -> None:
    with pytest.raises(DecodeError, match=r"^\(0028,0010\): more than 50000 elements"):
        decode(b"\x28\0\x10\0\0\0\0\0" * 2_000_000, IMPLICIT_LE)


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE], ids=lambda syntax: syntax.name)
def test_limit_of_elements_is_exact(syntax: TransferSyntax) -> None:
    data = encode(Dataset(Rows=1, Columns=2), syntax)
    assert len(decode(data, syntax, limits=DecodeLimits(elements=2))) == 2
    with pytest.raises(DecodeError, match="more than 1 elements"):
        decode(data, syntax, limits=DecodeLimits(elements=1))


def test_deflated_bomb_is_rejected() -> None:
    data = encode(Dataset(PixelData=bytes(10_000_000)), DEFLATED_LE)
    assert len(data) < 20_000
    with pytest.raises(DecodeError, match="inflates to more than 1000000 bytes"):
        decode(data, DEFLATED_LE, limits=DecodeLimits(inflated=1_000_000))


@pytest.mark.parametrize(
    ("dataset", "syntax", "fault"),
    [
        (
            Dataset(ReferencedImageBoxSequence=[Dataset(), Dataset()]),
            EXPLICIT_LE,
            r"\(2010,0510\): more than 1 items",
        ),
        (Dataset(PixelData=[b"", b"\1\2"]), RLE, r"\(7FE0,0010\): more than 1 fragments"),
    ],
    ids=["items", "fragments"],
)
def test_limit_of_items_is_exact(dataset: Dataset, syntax: TransferSyntax, fault: str) -> None:
    data = encode(dataset, syntax)
    assert len(decode(data, syntax, limits=DecodeLimits(items=2))) == 1
    with pytest.raises(DecodeError, match=f"^{fault}"):
        decode(data, syntax, limits=DecodeLimits(items=1))


def test_fragments_count_as_elements_in_items_too() -> None:
    pixels = Dataset(PixelData=[b""] * 30)
    data = encode(Dataset(ReferencedImageBoxSequence=[pixels] * 3), RLE)
    assert len(decode(data, RLE, limits=DecodeLimits(elements=120))) == 1
    with pytest.raises(DecodeError, match=r"^\(2010,0510\)\[2\]\.\(7FE0,0010\): more than 80 elements"):
        decode(data, RLE, limits=DecodeLimits(elements=80))


def test_limit_of_size_is_exact() -> None:
    data = encode(Dataset(Rows=1), EXPLICIT_LE)
    assert len(decode(data, EXPLICIT_LE, limits=DecodeLimits(size=10))) == 1
    with pytest.raises(DecodeError, match=r"^10 bytes exceed the limit of 9"):
        decode(data, EXPLICIT_LE, limits=DecodeLimits(size=9))


def test_limits_apply_to_items_parsed_later() -> None:
    data = encode(Dataset(ReferencedImageBoxSequence=[Dataset(ReferencedImageSequence=[Dataset()])]), EXPLICIT_LE)
    for limits, what in (
        (DecodeLimits(depth=1), "nest deeper than 1"),
        (DecodeLimits(elements=1), "more than 1 elements"),
    ):
        ds = decode(data, EXPLICIT_LE, limits=limits, whole=False)
        with pytest.raises(DecodeError, match=rf"^\(2010,0510\)\[0\].*{what}"):
            ds.ReferencedImageBoxSequence  # noqa: B018


@pytest.mark.parametrize("levels", [1, 3, 5, 9])
def test_limits_apply_between_delimiters(levels: int) -> None:
    ds = inner = Dataset(Rows=1)
    for _ in range(levels):
        ds = Dataset(Rows=1, ReferencedImageSequence=[ds, Dataset()])
    delimit(ds)
    assert inner.Rows == 1
    data = encode(ds, EXPLICIT_LE)
    for limits in (DecodeLimits(depth=levels - 1), DecodeLimits(elements=2 * levels), DecodeLimits(elements=1)):
        with pytest.raises(DecodeError) as at_once:
            decode(data, EXPLICIT_LE, limits=limits)
        with pytest.raises(DecodeError) as later:
            decode(data, EXPLICIT_LE, limits=limits, whole=False)
        assert str(later.value) == str(at_once.value)
    for depth in range(levels, levels + 6):
        assert decode(data, EXPLICIT_LE, limits=DecodeLimits(depth=depth), whole=False) == ds


# In quadratic time these would take more than a minute.

MANY = 20_000
LATIN, GREEK = (b"\x08\0\x05\0CS\x0a\0ISO_IR " + number for number in (b"100", b"126"))
EMPTY = SQ + UNDEFINED + b"\xfe\xff\xdd\xe0" + bytes(4)


def test_many_sequences_in_un_are_read_in_linear_time() -> None:
    common = b"\x28\0\x10\0US\x02\0\1\0" * MANY
    unknown = b"\x29\0\x01\x10UN\0\0" + UNDEFINED + ITEM + bytes(4) + b"\xfe\xff\xdd\xe0" + bytes(4)
    assert len(decode(common + unknown * MANY, EXPLICIT_LE, limits=DecodeLimits(elements=1_000_000))) == 2


def test_many_character_sets_are_read_in_linear_time() -> None:
    many = (LATIN + EMPTY + GREEK + EMPTY) * (MANY // 2) + b"\x28\0\x10\0US\x02\0\1\0" * MANY
    whole = SQ + struct.pack("<I", len(many) + 8) + ITEM + struct.pack("<I", len(many)) + many
    assert len(decode(whole, EXPLICIT_LE, limits=DecodeLimits(elements=1_000_000))) == 1
    assert len(decode(many, EXPLICIT_LE, limits=DecodeLimits(elements=1_000_000))) == 3


def test_search_for_the_character_set_is_bounded() -> None:
    data = b"\0\0\1\0UI\0\0" * 4_000_000
    with pytest.raises(DecodeError, match="more than 50000 elements"):
        decode(data, EXPLICIT_LE)
