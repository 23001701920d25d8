"""PS3.5 §A.4 and PS3.3 §C.7.6.3.1.8: the fragments of each frame, read and written."""

import struct
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dimse.data import (
    EXPLICIT_LE,
    IMPLICIT_LE,
    Dataset,
    TransferSyntax,
    decode,
    encode,
    frames_of,
    set_frames,
    syntax_of,
)
from dimse.data.frames import fragments_in, suits_pixels
from dimse.errors import DecodeError, EncodeError, Finding

JPEG = syntax_of("1.2.840.10008.1.2.4.50")
RLE = syntax_of("1.2.840.10008.1.2.5")


def compressed(*fragments: bytes, frames: object = None, table: bytes = b"") -> Dataset:
    ds = Dataset(PixelData=[table, *fragments])
    if frames is not None:
        ds.NumberOfFrames = frames
    return ds


def basic_table(*offsets: int) -> bytes:
    return struct.pack(f"<{len(offsets)}L", *offsets)


def extended_table(*numbers: int) -> bytes:
    return struct.pack(f"<{len(numbers)}Q", *numbers)


@pytest.mark.parametrize(
    ("dataset", "frames"),
    [
        (compressed(b"ab"), [[b"ab"]]),
        (compressed(b"ab", b"cd", frames=1), [[b"ab", b"cd"]]),
        (compressed(b"ab", b"cd", frames=2), [[b"ab"], [b"cd"]]),
        (compressed(b"ab", b"cd", b"ef", frames=2, table=basic_table(0, 20)), [[b"ab", b"cd"], [b"ef"]]),
        (compressed(b"ab", b"cd", b"ef", table=basic_table(0, 10)), [[b"ab"], [b"cd", b"ef"]]),
        (compressed(b"abc", b"cd", frames=2, table=basic_table(0, 12)), [[b"abc"], [b"cd"]]),
        (compressed(b"\xff\xd8a", b"b", b"\xff\xd8c", frames=2), [[b"\xff\xd8a", b"b"], [b"\xff\xd8c"]]),
        (compressed(b"\xff\x4f\xff\x51", b"\xff\x4f\xff\x51", b"b", frames=2),
         [[b"\xff\x4f\xff\x51"], [b"\xff\x4f\xff\x51", b"b"]]),
    ],
    ids=["one", "one of two", "two", "basic table", "no number", "odd length", "JPEG", "JPEG 2000"],
)  # fmt: skip
def test_fragments_belong_to_their_frames(dataset: Dataset, frames: list[list[bytes]]) -> None:
    assert frames_of(dataset) == frames


@pytest.mark.parametrize(
    "table",
    [
        basic_table(0),
        basic_table(0, 0xFFFFFFFF),
        basic_table(10, 0),
        basic_table(0, 0),
        basic_table(0, 11),
        basic_table(10, 20),
        b"\0\0\0",
    ],
    ids=["too few", "unknown", "backwards", "twice", "between", "not the first", "no numbers"],
)
def test_impossible_basic_table_is_ignored(table: bytes) -> None:
    assert frames_of(compressed(b"ab", b"cd", frames=2, table=table)) == [[b"ab"], [b"cd"]]
    with pytest.raises(
        DecodeError, match=r"^\(7FE0,0010\) PixelData: 3 fragments for 2 frames, and no usable offset table"
    ):
        frames_of(compressed(b"ab", b"cd", b"ef", frames=2, table=table))


def test_extended_table_tells_the_length_of_a_frame() -> None:
    ds = compressed(b"ab", b"c\0", b"ef", frames=2)
    ds.ExtendedOffsetTable = extended_table(0, 10)
    ds.ExtendedOffsetTableLengths = extended_table(2, 1)
    assert frames_of(ds) == [[b"ab"], [b"c"]]


def test_frames_beyond_the_extended_table_are_reported() -> None:
    ds, report = compressed(b"ab", b"cd", b"ef", frames=2), list[Finding]()
    ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = extended_table(0, 10), extended_table(2, 2)
    assert frames_of(ds, report=report) == [[b"ab"], [b"cd"]]
    assert [finding.what for finding in report] == [
        "3 fragments hold more frames than Number of Frames (2); the rest is ignored"
    ]


@pytest.mark.parametrize(
    ("offsets", "lengths"),
    [((0,), (2,)), ((0, 11), (2, 2)), ((0, 10), (2, 3)), ((0, 10), (0, 2)),
     ((0, 10), ()), ((0, 1 << 63), (2, 1 << 63)), ((0, 0), (2, 2)), ((10, 0), (2, 2))],
    ids=["too few", "between", "too long", "empty", "no lengths", "absurd", "twice", "backwards"],
)  # fmt: skip
def test_impossible_extended_table_is_ignored(offsets: tuple[int, ...], lengths: tuple[int, ...]) -> None:
    ds = compressed(b"ab", b"cd", frames=2)
    ds.ExtendedOffsetTable = extended_table(*offsets)
    ds.ExtendedOffsetTableLengths = extended_table(*lengths)
    assert frames_of(ds) == [[b"ab"], [b"cd"]]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (Dataset(), r"^\(7FE0,0010\) PixelData: no fragments of compressed Pixel Data"),
        (Dataset(PixelData=b"\1\2"), "no fragments"),
        (Dataset(PixelData=[b""]), "no fragments"),
        (compressed(b"ab", frames=2**31 - 1, table=basic_table(0)), "1 fragment for 2147483647 frames"),
        (compressed(b"x", b"\xff\xd8", b"\xff\xd8", frames=2), "3 fragments for 2 frames"),
    ],
)
def test_data_sets_without_frames_are_rejected(dataset: Dataset, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        frames_of(dataset)


def rle(*segments: bytes) -> bytes:
    """Return a frame of RLE, PS3.5 §G.5."""
    offsets = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    return struct.pack("<16L", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("table", [b"", basic_table(0, 10), basic_table(0, 18), basic_table(8, 18)], ids=len)
def test_empty_fragment_belongs_to_no_frame(at: int, table: bytes) -> None:
    fragments = [b"ab", b"cd"]
    fragments.insert(at, b"")
    assert frames_of(compressed(*fragments, frames=2, table=table)) == [[b"ab"], [b"cd"]]


def test_empty_frames_are_rejected() -> None:
    with pytest.raises(DecodeError, match="1 fragment for 1 frame,"):
        frames_of(compressed(b"", frames=1))


@pytest.mark.parametrize("begin", [rle(b"ab"), rle(b"ab", b"cd"), b"\xff\x0aab", b"\0\0\0\x0cJXL "], ids=len)
def test_first_bytes_of_a_codec_begin_a_frame(begin: bytes) -> None:
    assert frames_of(compressed(begin, b"xy", begin, b"z", frames=2)) == [[begin, b"xy"], [begin, b"z"]]


@pytest.mark.parametrize("table", [b"", basic_table(0)], ids=["no table", "table"])
@pytest.mark.parametrize("frames", [None, 1])
def test_first_bytes_within_jpeg_xl_begin_no_frame(frames: int | None, table: bytes) -> None:
    """FF 0A may stand anywhere in the codestream; in the first bytes of a frame, the size of the image follows."""
    fragments = [b"\xff\x0a\x4f\x40\x50\xdc", b"\xff\x0a\x13\x7e\x05\x3c"]
    report: list[Finding] = []
    assert frames_of(compressed(*fragments, frames=frames, table=table), report=report) == [fragments]
    assert not report


@pytest.mark.parametrize("begin", [b"\xff\xd8", b"\xff\x4f\xff\x51", rle(b"ab")], ids=["JPEG", "JPEG 2000", "RLE"])
@pytest.mark.parametrize("table", [b"", basic_table(0)], ids=["no table", "wrong table"])
def test_frames_beyond_number_of_frames_are_left_out(begin: bytes, table: bytes) -> None:
    dataset = compressed(begin, b"rest", begin, b"rest", begin, begin, frames=2, table=table)
    assert frames_of(dataset) == [[begin, b"rest"], [begin, b"rest"]]


def test_report_names_frames_beyond_number_of_frames() -> None:
    report: list[Finding] = []
    frames_of(compressed(b"\xff\xd8", b"\xff\xd8", b"\xff\xd8", frames=2), report=report)
    what = "3 fragments hold more frames than Number of Frames (2); the rest is ignored"
    assert [str(finding) for finding in report] == [f"(7FE0,0010) PixelData: {what} [PS3.5 §A.4]"]


@pytest.mark.parametrize("begin", [b"\xff\xd8", b"\xff\x4f\xff\x51", rle(b"ab")], ids=["JPEG", "JPEG 2000", "RLE"])
@pytest.mark.parametrize("table", [b"", basic_table(0)], ids=["no table", "table"])
def test_frames_beyond_the_only_one_are_reported(begin: bytes, table: bytes) -> None:
    report: list[Finding] = []
    frames = frames_of(compressed(begin, b"rest", begin, frames=1, table=table), report=report)
    assert frames == [[begin, b"rest"]]
    assert ["more frames than Number of Frames (1)" in finding.what for finding in report] == [True]


@pytest.mark.parametrize("begin", [b"\xff\xd8", b"\xff\x4f\xff\x51", rle(b"ab")], ids=["JPEG", "JPEG 2000", "RLE"])
def test_fragments_that_begin_frames_stand_for_number_of_frames(begin: bytes) -> None:
    report: list[Finding] = []
    assert frames_of(compressed(begin, begin + b"b", b"", begin), report=report) == [[begin], [begin + b"b"], [begin]]
    assert [finding.what for finding in report] == [
        "Number of Frames is missing, but each of 3 fragments begins a frame"
    ]


@pytest.mark.parametrize("begin", [b"\xff\xd8", b"\xff\x4f\xff\x51", rle(b"ab")], ids=["JPEG", "JPEG 2000", "RLE"])
def test_first_item_that_begins_a_frame_is_no_table(begin: bytes) -> None:
    report: list[Finding] = []
    assert frames_of(Dataset(PixelData=[begin, b"rest"]), report=report) == [[begin, b"rest"]]
    assert frames_of(Dataset(PixelData=[begin, begin + b"c"], NumberOfFrames=2)) == [[begin], [begin + b"c"]]
    assert [finding.what for finding in report] == ["the Basic Offset Table is missing: the first item is a fragment"]


ITEM, ITEM_DELIMITER, DELIMITER = b"\xfe\xff\0\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0" + bytes(4)
ITEMS = ITEM + bytes(4) + ITEM + b"\2\0\0\0ab"


@pytest.mark.parametrize("end", [b"", DELIMITER, DELIMITER + b"\0\0"], ids=["none", "delimiter", "padding"])
def test_items_of_defined_length_are_fragments(end: bytes) -> None:
    assert fragments_in(ITEMS + end) == [b"", b"ab"]


@pytest.mark.parametrize("raw", [b"", b"ab", ITEMS[:-1], ITEMS + b"ab", ITEMS + ITEM_DELIMITER + bytes(4)])
def test_other_bytes_are_no_fragments(raw: bytes) -> None:
    assert not fragments_in(raw)


def test_fragments_without_number_of_frames_are_one_frame() -> None:
    """Only the first fragment begins a frame."""
    report: list[Finding] = []
    assert frames_of(compressed(b"\xff\xd8", b"rest"), report=report) == [[b"\xff\xd8", b"rest"]]
    assert not report


@pytest.mark.parametrize("frames", [0, -1, b"1A", [1, 2]])
def test_wrong_number_of_frames_is_ignored(frames: object) -> None:
    assert frames_of(compressed(b"ab", b"cd", frames=frames)) == [[b"ab", b"cd"]]
    assert frames_of(compressed(b"ab", b"cd", frames=frames, table=basic_table(0, 10))) == [[b"ab"], [b"cd"]]


def test_set_frames_describes_them() -> None:
    ds = Dataset()
    set_frames(ds, [b"abc", [b"de", b"f"], memoryview(b"gh")])
    assert ds.PixelData == [basic_table(0, 12, 32), b"abc", b"de", b"f", b"gh"]
    assert ds.NumberOfFrames == 3
    set_frames(ds, [b"abc", b"de"], table="extended")
    assert ds.PixelData == [b"", b"abc", b"de"]
    assert (ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths) == (extended_table(0, 12), extended_table(3, 2))
    set_frames(ds, [b"abc", b"de"], table="none")
    assert ds == Dataset(PixelData=[b"", b"abc", b"de"], NumberOfFrames=2)


class Long(bytes):
    """A fragment that says it has 3 GiB and takes no memory."""

    def __len__(self) -> int:
        return 3 << 30


@pytest.mark.parametrize(
    ("frames", "table", "message"),
    [
        ([], "basic", r"^\(7FE0,0010\) PixelData: frames are missing or empty"),
        ([b""], "basic", r"^\(7FE0,0010\) PixelData: frames are missing or empty"),
        ([b"ab", []], "basic", r"^\(7FE0,0010\) PixelData: frames are missing or empty"),
        ([[b"ab", b"cd"]], "extended", "allows only one fragment per frame"),
        ([Long(), Long(), b"ab"], "basic", "an offset of 6442450960 needs an Extended Offset Table"),
    ],
    ids=["no frame", "no bytes", "no fragment", "two fragments", "an offset beyond 4 GiB"],
)
def test_impossible_frames_cannot_be_set(
    frames: list[bytes | list[bytes]], table: Literal["basic", "extended"], message: str
) -> None:
    ds = Dataset()
    with pytest.raises(EncodeError, match=message):
        set_frames(ds, frames, table=table)
    assert not len(ds)


@given(
    st.lists(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=3), min_size=1, max_size=5),
    st.sampled_from(["basic", "extended", "none"]),
)
def test_frames_of_undoes_set_frames(frames: list[list[bytes]], table: Literal["basic", "extended", "none"]) -> None:
    if table != "basic":
        frames = [[b"".join(frame)] for frame in frames]
    ds = Dataset()
    set_frames(ds, frames, table=table)
    assert frames_of(ds) == frames
    for frame, read in zip(frames, frames_of(decode(encode(ds, JPEG), JPEG)), strict=True):
        padded = [fragment + b"\0" * (len(fragment) % 2) for fragment in frame]
        assert read == (frame if table == "extended" else padded)


@pytest.mark.parametrize(
    ("dataset", "suitable"),
    [
        (Dataset(PatientID="1"), {EXPLICIT_LE, IMPLICIT_LE, JPEG, RLE}),
        (Dataset(PixelData=b"ab"), {EXPLICIT_LE, IMPLICIT_LE}),
        (decode(encode(Dataset(PixelData=b"ab"), EXPLICIT_LE), EXPLICIT_LE), {EXPLICIT_LE, IMPLICIT_LE}),
        (compressed(b"ab"), {JPEG, RLE}),
        (decode(encode(compressed(b"ab"), JPEG), JPEG), {JPEG}),
        (decode(encode(compressed(b"ab"), JPEG), JPEG).copy(), {JPEG}),
    ],
    ids=["no pixels", "native", "decoded native", "fragments", "decoded fragments", "copied fragments"],
)
def test_fragments_suit_only_the_syntax_of_their_source(dataset: Dataset, suitable: set[TransferSyntax]) -> None:
    assert {one for one in (EXPLICIT_LE, IMPLICIT_LE, JPEG, RLE) if suits_pixels(dataset, one)} == suitable
