"""Faults in the structure of a Data Set that a lenient reader tolerates: PS3.5 §7."""

import struct
import zlib

import pytest
from elements import sequence_of

from dimse.data import (
    DEFLATED_LE,
    EXPLICIT_BE,
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    Finding,
    decode,
    encode,
    syntax_of,
)
from dimse.data.syntax import TransferSyntax
from dimse.errors import DecodeError

RLE = syntax_of("1.2.840.10008.1.2.5")
UNDEFINED = b"\xff\xff\xff\xff"
ITEM = b"\xfe\xff\x00\xe0"
ITEM_END = b"\xfe\xff\x0d\xe0"
SEQUENCE_END = b"\xfe\xff\xdd\xe0"
ROWS = b"\x28\0\x10\0US\x02\0\x04\0"
COLUMNS = b"\x28\0\x11\0US\x02\0\x04\0"
SQ = b"\x10\x20\x00\x05SQ\0\0"
PIXELS = b"\xe0\x7f\x10\x00OB\0\0"


def findings(data: bytes, syntax: TransferSyntax = EXPLICIT_LE) -> list[str]:
    report: list[Finding] = []
    decode(data, syntax, report=report)
    return [str(finding) for finding in report]


TOLERATED = {
    "out of order": (COLUMNS + ROWS, "(0028,0010): the element follows (0028,0011) (at byte 10) [PS3.5 §7.1]"),
    "twice": (ROWS + ROWS, "(0028,0010): the element occurs twice (at byte 10) [PS3.5 §7.1]"),
    "twice, apart": (ROWS + COLUMNS + ROWS, "(0028,0010): the element occurs twice (at byte 20) [PS3.5 §7.1]"),
    "odd length": (b"\x10\x20\x40\x00CS\x01\0A", "(2010,0040): the length is odd: 1 (at byte 0) [PS3.5 §7.1.1]"),
    "wrong VR": (
        b"\x28\0\x10\0UL\x04\0" + bytes(4), "(0028,0010): the VR is UL, but PS3.6 defines US (at byte 0) [PS3.6]",
    ),
    "UN of a known attribute": (
        b"\x28\0\x10\0UN\0\0\x02\0\0\0\x04\0",
        "(0028,0010): the VR is UN, although PS3.6 defines US (at byte 0) [PS3.5 §6.2.2]",
    ),
    "a future VR": (b"\x28\0\x10\0ZZ\0\0\0\0\0\0", "(0028,0010): ZZ is not a VR (at byte 0) [PS3.5 §6.2]"),
    "reserved bytes": (
        SQ[:6] + b"\1\0" + bytes(4), "(2010,0500): the reserved bytes are 01 00, not 00 00 (at byte 0) [PS3.5 §7.1.2]",
    ),
    "group length": (
        b"\x28\0\0\0UL\x04\0\x0a\0\0\0" + ROWS, "(0028,0000): group lengths are retired (at byte 0) [PS3.5 §7.2]",
    ),
    "wrong command group length": (
        b"\0\0\0\0UL\x04\0\x0b\0\0\0" + b"\0\0\0\1US\2\0\1\0" + ROWS,
        "(0000,0000): the group has 10 bytes, not 11 (at byte 12) [PS3.5 §7.2]",
    ),
    "a reserved group": (
        b"\x05\0\x10\0LO\0\0", "(0005,0010): group 0005 is not allowed (at byte 0) [PS3.5 §7.8]",
    ),
    "a private element without a creator": (
        b"\x09\0\x01\x10LO\0\0",
        "(0009,1001): the private block is not reserved: (0009,0010) is missing (at byte 0) [PS3.5 §7.8.1]",
    ),
    "a private element in no block": (
        b"\x09\0\x01\0LO\0\0", "(0009,0001): no private block has this element number (at byte 0) [PS3.5 §7.8.1]",
    ),
    "an odd item": (
        sequence_of(b"\x28\0\x10\0US\1\0\1"), "(2010,0500): item 1 has an odd length: 9 (at byte 12) [PS3.5 §7.5]",
    ),
    "a long item delimiter": (
        SQ + b"\x1a\0\0\0" + ITEM + UNDEFINED + ROWS + ITEM_END + b"\2\0\0\0",
        "(2010,0500)[0].(FFFE,E00D): a delimiter has length 2, not 0 (at byte 30) [PS3.5 §7.5]",
    ),
    "a long sequence delimiter": (
        SQ + UNDEFINED + sequence_of(ROWS)[12:] + SEQUENCE_END + b"\2\0\0\0" + PIXELS + bytes(4),
        "(2010,0500): a delimiter has length 2, not 0 (at byte 30) [PS3.5 §7.5]",
    ),
    "fragments outside of pixels": (
        b"\x28\0\0\x20OB\0\0" + UNDEFINED + SEQUENCE_END + bytes(4),
        "(0028,2000): OB has undefined length, which only sequences and Pixel Data may have (at byte 0) [PS3.5 §7.1.1]",
    ),
    "compressed pixels": (
        PIXELS + UNDEFINED + SEQUENCE_END + bytes(4),
        "(7FE0,0010): compressed pixels, which Explicit VR Little Endian does not allow (at byte 0) [PS3.5 §A.4]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", TOLERATED)
def test_tolerated_faults_are_reported(case: str) -> None:
    data, what = TOLERATED[case]
    found = findings(data)
    assert what in found
    assert len(found) == (3 if case == "an odd item" else 1), (
        "an odd item makes its sequence odd, and contains an odd value"
    )


@pytest.mark.parametrize("case", TOLERATED)
def test_faults_in_items_are_reported(case: str) -> None:
    data, what = TOLERATED[case]
    if case != "compressed pixels":  # an Icon Image has its own pixels
        path, _, rest = what.partition(" (at byte")
        offset, _, rule = rest.partition(")")
        assert f"(2010,0500)[1].{path} (at byte {int(offset) + 28})" + rule in findings(sequence_of(b"", data))


PRIVATE = b"\x09\0\x10\0LO\4\0ACME" + b"\x09\0\x01\x10UN\0\0" + UNDEFINED + ITEM + bytes(4) + SEQUENCE_END + bytes(4)
DELIMITED = SQ + UNDEFINED + ITEM + UNDEFINED + ROWS + ITEM_END + bytes(4) + SEQUENCE_END + bytes(4)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x28\0\x06\1SS\2\0\1\0", PRIVATE + ROWS + DELIMITED + PIXELS + bytes(4)],
    ids=["empty", "US or SS", "delimited"],
)
def test_sound_bytes_have_no_findings(data: bytes) -> None:
    assert findings(data) == []


def test_compressed_pixels_have_no_findings() -> None:
    compressed = Dataset(Rows=4, PixelData=[b"", b"\1\2"])
    assert findings(encode(compressed, RLE), RLE) == []


@pytest.mark.parametrize("syntax", [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE, DEFLATED_LE], ids=lambda syntax: syntax.name)
def test_encoded_items_have_no_findings(syntax: TransferSyntax) -> None:
    with_items = Dataset(Rows=4, ReferencedImageBoxSequence=[Dataset(Rows=1), Dataset()], PixelData=b"\0\0")
    assert findings(encode(with_items, syntax), syntax) == []


def test_compressed_pixels_match_the_syntax() -> None:
    odd = PIXELS + UNDEFINED + ITEM + bytes(4) + ITEM + b"\1\0\0\0\1" + SEQUENCE_END + bytes(4)
    assert findings(odd, RLE) == ["(7FE0,0010): a fragment has an odd length: 1 (at byte 20) [PS3.5 §7.5]"]
    # bytes that are native, in a syntax that has none of them
    report: list[Finding] = []
    decode(PIXELS + b"\2\0\0\0\1\2", RLE, report=report)
    assert [finding.what for finding in report] == ["native pixels, which RLE Lossless does not allow"]


def test_unknown_pixels_have_the_faults_of_fragments() -> None:
    """The decoder reads them as fragments, so they are not checked as the items of a sequence."""
    fragments = ITEM + bytes(4) + ITEM + b"\x09\0\0\0" + PIXELS[:8] + b"\1"
    assert findings(PIXELS[:4] + b"UN\0\0" + UNDEFINED + fragments + SEQUENCE_END + bytes(4), RLE) == [
        "(7FE0,0010): the VR is UN, although PS3.6 defines OB or OW (at byte 0) [PS3.5 §6.2.2]",
        "(7FE0,0010): a fragment has an odd length: 9 (at byte 20) [PS3.5 §7.5]",
    ]


def test_implicit_vr_has_no_vr_faults() -> None:
    assert findings(b"\x28\0\x10\0\x02\0\0\0\x04\0" * 2, IMPLICIT_LE) == [
        "(0028,0010): the element occurs twice (at byte 10) [PS3.5 §7.1]"
    ]


def test_bytes_after_a_deflated_data_set_are_reported() -> None:
    data = encode(Dataset(Rows=4), DEFLATED_LE)
    assert findings(data, DEFLATED_LE) == []
    assert findings(data + b"abc", DEFLATED_LE)[0].endswith("follow the deflated Data Set (at byte 12) [PS3.5 §A.5]")


def test_offsets_count_from_the_start_of_the_data() -> None:
    report: list[Finding] = []
    ds = decode(b"before" + COLUMNS + ROWS, EXPLICIT_LE, start=6, report=report)
    assert [finding.offset for finding in report] == [16]
    assert encode(ds, EXPLICIT_LE) == COLUMNS + ROWS
    assert ds == Dataset(Rows=4, Columns=4)


def test_decode_without_report_checks_nothing() -> None:
    data = COLUMNS + ROWS
    assert decode(data, EXPLICIT_LE) == decode(data, EXPLICIT_LE, report=[])


JUNK = {
    "one byte": b"\x1a",
    "a line end": b"\r\n",
    "6 x FF": b"\xff" * 6,
    "7 letters": b"GARBAGE",
    "8 x FF": b"\xff" * 8,
    "spaces": b" " * 40,
    "text": b"junk junk junk junk",
    "zeros and a byte": bytes(7) + b"\1",
    "a block": b"\xcc" * 4096,
    "a private element without a creator": b"\x09\0\x01\x10\xff\xff\xff\x7f",
    "an end of data": b"\r\n--boundary--\r\n",
}


@pytest.mark.parametrize("rest", JUNK.values(), ids=JUNK.keys())
@pytest.mark.parametrize("syntax", [EXPLICIT_LE, IMPLICIT_LE, EXPLICIT_BE, DEFLATED_LE], ids=lambda one: one.name)
def test_junk_after_the_last_element_is_ignored(syntax: TransferSyntax, rest: bytes) -> None:
    dataset = Dataset(Rows=4, ReferencedImageSequence=[Dataset(Rows=5)])
    proper = encode(dataset, EXPLICIT_LE if syntax is DEFLATED_LE else syntax)
    data = proper + rest
    if syntax is DEFLATED_LE:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = deflater.compress(data) + deflater.flush()
    report: list[Finding] = []
    trailing: list[Finding] = []
    assert decode(data, syntax, report=report, trailing=trailing) == dataset
    assert report == trailing == [Finding("", len(proper), "PS3.5 §7.1", trailing[0].what)]
    assert trailing[0].what.startswith(
        f"{len(rest)} bytes, too few" if len(rest) < 8 else f"{len(rest)} bytes that are"
    )
    if syntax is not DEFLATED_LE:
        assert encode(decode(data, syntax, whole=False), syntax) == proper


def test_zeros_after_the_last_element_are_named() -> None:
    trailing: list[Finding] = []
    assert decode(ROWS + bytes(30), EXPLICIT_LE, trailing=trailing) == Dataset(Rows=4)
    assert list(map(str, trailing)) == ["30 zero bytes follow the last element (at byte 10) [PS3.5 §7.1]"]


DOUBT = {
    "a value cut off": COLUMNS[:6] + b"\x40\0\4\0",
    "a known tag without a VR": b"\x28\0\x11\0\xff\xff\xff\xff",
    "a known element after junk": b"\xff" * 8 + COLUMNS,
    "an item after junk": b"\xff" * 8 + ITEM + bytes(4),
    "a private element cut off": b"\x09\0\x10\0LO\4\0TEST" + b"\x09\0\1\x10LO\x40\0half",
    "a private creator cut off": b"\x09\0\x10\0LO\x40\0TEST",
    "more than a block": b"\xcc" * 4097,
}


@pytest.mark.parametrize("rest", DOUBT.values(), ids=DOUBT.keys())
def test_bytes_that_may_be_elements_are_refused(rest: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(ROWS + rest, EXPLICIT_LE)


@pytest.mark.parametrize("rest", [b"\x28\0\x11\0\4\0\0\0\2\0", b"\xff" * 7 + b"\x28\0\x11\0\2\0\0\0\2\0"])
def test_bytes_that_may_be_implicit_elements_are_refused(rest: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(b"\x28\0\x10\0\2\0\0\0\4\0" + rest, IMPLICIT_LE)


def test_junk_alone_is_not_a_data_set() -> None:
    with pytest.raises(DecodeError):
        decode(b"junk junk junk junk", EXPLICIT_LE)


def test_header_of_a_known_element_that_is_cut_off_is_refused() -> None:
    with pytest.raises(DecodeError, match="the header of an element is cut off"):
        decode(ROWS + COLUMNS[:6], EXPLICIT_LE)


AFTER_PIXELS = {
    "a header cut off": COLUMNS[:6],
    "a value cut off": b"\xfc\xff\xfc\xffOB\0\0\0\2\0\0ab",
    "an item": ITEM + bytes(4) + b"1234567890",
    "a sequence cut off": b"\xfa\xff\xfa\xffSQ\0\0\x40\0\0\0" + ITEM + b"\x20\0\0\0\0",
}


@pytest.mark.parametrize("after", AFTER_PIXELS.values(), ids=AFTER_PIXELS.keys())
@pytest.mark.parametrize(
    ("syntax", "pixels"),
    [
        (EXPLICIT_LE, PIXELS + b"\2\0\0\0ab"),
        (RLE, PIXELS + UNDEFINED + ITEM + bytes(4) + SEQUENCE_END + bytes(4)),
    ],
    ids=["native", "RLE"],
)
def test_bytes_after_pixel_data_are_ignored(syntax: TransferSyntax, pixels: bytes, after: bytes) -> None:
    assert decode(ROWS + pixels + after, syntax) == decode(ROWS + pixels, syntax)
    (found,) = findings(ROWS + pixels + after, syntax)
    assert ", after Pixel Data (at byte " in found


def test_bytes_after_pixel_data_are_not_written() -> None:
    data = ROWS + PIXELS + b"\2\0\0\0ab"
    assert encode(decode(data + COLUMNS[:6], EXPLICIT_LE), EXPLICIT_LE) == data


def test_pixel_data_that_is_cut_off_is_refused() -> None:
    with pytest.raises(DecodeError, match="a value of 4 bytes, but only 2 follow"):
        decode(ROWS + PIXELS + b"\4\0\0\0ab", EXPLICIT_LE)


@pytest.mark.parametrize("tag", [ITEM_END, SEQUENCE_END], ids=["item", "sequence"])
def test_stray_delimiter_after_a_sequence_is_ignored(tag: bytes) -> None:
    data, later = sequence_of(ROWS), b"\x10\x20\x10\x05SQ\0\0" + bytes(4)
    assert decode(data + tag + bytes(4) + later, EXPLICIT_LE) == decode(data + later, EXPLICIT_LE)
    assert f"a delimiter follows a sequence that has a length (at byte {len(data)}) [PS3.5 §7.5]" in findings(
        data + tag + bytes(4) + later
    )


@pytest.mark.parametrize("tags", [[ITEM_END], [SEQUENCE_END], [ITEM_END, SEQUENCE_END]], ids=len)
def test_stray_delimiters_at_the_end_are_ignored(tags: list[bytes]) -> None:
    data = ROWS + b"".join(tag + bytes(4) for tag in tags)
    assert decode(data, EXPLICIT_LE) == Dataset(Rows=4)
    assert findings(data)[0] == "a delimiter follows the last element (at byte 10) [PS3.5 §7.5]"


def test_stray_delimiter_among_elements_is_refused() -> None:
    with pytest.raises(DecodeError, match="this tag is out of place"):
        decode(ROWS + ITEM_END + bytes(4) + COLUMNS, EXPLICIT_LE)


@pytest.mark.parametrize("junk", [bytes(16), b"GARBAGE!", b"GAR", bytes(2), b"GARBAGE!" * 4], ids=len)
def test_junk_after_the_last_item_is_ignored(junk: bytes) -> None:
    content = sequence_of(ROWS)[12:] + junk
    data = SQ + struct.pack("<I", len(content)) + content
    later = b"\x20\x20\x20\x00CS\x02\0AB"
    assert decode(data + later, EXPLICIT_LE).copy() == decode(sequence_of(ROWS) + later, EXPLICIT_LE)
    assert decode(sequence_of(data), EXPLICIT_LE) == decode(sequence_of(sequence_of(ROWS)), EXPLICIT_LE)
    what = f"{len(junk)} bytes that are not an item follow the last item (at byte 30) [PS3.5 §7.5]"
    assert f"(2010,0500): {what}" in findings(data + later)


def test_junk_before_another_item_is_refused() -> None:
    content = sequence_of(ROWS)[12:] + b"GARBAGE!" + sequence_of(ROWS)[12:]
    with pytest.raises(DecodeError, match="where an item should begin"):
        decode(SQ + struct.pack("<I", len(content)) + content, EXPLICIT_LE)


def test_fault_after_empty_pixel_data_is_refused() -> None:
    empty_pixels = b"\xe0\x7f\x09\x00OD\0\0" + bytes(4)
    with pytest.raises(DecodeError, match="a value of 4 bytes, but only 2 follow"):
        decode(ROWS + empty_pixels + PIXELS + b"\4\0\0\0ab", EXPLICIT_LE)


@pytest.mark.parametrize("tag", [ITEM, ITEM_END, SEQUENCE_END])
@pytest.mark.parametrize("in_item", [False, True])
def test_delimiter_with_a_vr_is_reported(tag: bytes, in_item: bool) -> None:
    """Decoding keeps it as an element, so that the bytes after it are read as they were meant."""
    data = ROWS + tag + b"CS\x0a\0ISO_IR 192"
    if in_item:
        data = SQ + struct.pack("<I", len(data) + 8) + ITEM + struct.pack("<I", len(data)) + data
    (finding,) = findings(data)
    assert "an item or delimiter has no VR, but CS was found" in finding


GROUP = b"\x10\0\0\0UL\x04\0\x10\0\0\0" + b"\x10\0\x10\0PN\x08\0Doe^Jane"  # its length is right


@pytest.mark.parametrize(
    "data", [sequence_of(GROUP + bytes(8)), GROUP + ITEM_END + bytes(4), GROUP + SEQUENCE_END + bytes(4)]
)
def test_group_length_counts_only_elements(data: bytes) -> None:
    assert not any("the group has" in finding for finding in findings(data))
