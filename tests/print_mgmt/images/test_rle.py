"""RLE Lossless, PS3.5 Annex G: runs, the order of segments, and broken frames."""

import struct
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rle_frames import encode, frame_of

from print_mgmt.images import ImageError, rle

FRAMES = st.builds(
    lambda seed, dtype, shape, levels: np.random.default_rng(seed).integers(0, levels, shape).astype(dtype),
    st.integers(0, 2**32),
    st.sampled_from(["u1", "u2", "u4"]),
    st.sampled_from([(1, 1), (3, 5), (2, 300), (4, 7, 3), (1, 131, 3)]),
    st.sampled_from([1, 2, 256, 2**16]),
)


@given(FRAMES)
def test_decode_inverts_encode(frame: NDArray[np.uint8]) -> None:
    assert np.array_equal(rle.decode(encode(frame), frame.shape, frame.itemsize), frame)


@given(FRAMES)
def test_decode_agrees_with_imagecodecs(frame: NDArray[np.uint8]) -> None:
    gray = frame if frame.ndim == 2 else frame[..., 0]
    data = encode(gray)
    theirs = imagecodecs.dicomrle_decode(data, gray.dtype.str)
    assert bytes(theirs) == rle.decode(data, gray.shape, gray.itemsize).tobytes()


def test_runs_are_packbits() -> None:
    """Two literal bytes, one byte three times, an ignored length byte, and a NUL that makes the length even.

    The ignored byte may also come first.
    """
    segment = b"\x01\x0a\x0b" + b"\xfe\x07" + b"\x80" + b"\x00"
    assert rle.decode(frame_of(b"\x80" + segment), (1, 5), 1).tolist() == [[10, 11, 7, 7, 7]]
    assert rle.decode(frame_of(segment), (1, 5), 1).tolist() == [[10, 11, 7, 7, 7]]


def test_words_have_their_high_byte_first() -> None:
    """Two segments, PS3.5 G.2."""
    assert rle.decode(frame_of(b"\x00\x12", b"\x00\x34"), (1, 1), 2).tolist() == [[0x1234]]


def test_rgb_has_a_segment_for_each_color() -> None:
    data = frame_of(b"\x00\x01", b"\x00\x02", b"\x00\x03")
    assert rle.decode(data, (1, 1, 3), 1).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes is shorter than its header"),
        (bytes(63), "63 bytes is shorter"),
        (bytes(64), "0 segments, where the image needs 1"),
        (frame_of(b"\x00\x01", b"\x00\x01"), "2 segments, where the image needs 1"),
        (frame_of(b"\x00\x01"), "ends after 1 of 4 bytes"),
        (frame_of(b"\x7f\x01"), "ends after 1 of 4 bytes"),
        (struct.pack("<16L", 1, 3, *[0] * 14) + b"\xfd\x00", "are not in order within"),
        (struct.pack("<16L", 1, 2**31, *[0] * 14), "are not in order within"),
    ],
)
def test_broken_frame_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        rle.decode(data, (2, 2), 1)


@pytest.mark.parametrize(
    "segment",
    [
        b"\x03\1\2\3\4\x00\5",  # a further run
        b"\xfc\x07",  # a run of 5 bytes
        b"\x03\1\2\3\4\x01",
    ],
)
def test_more_bytes_than_the_plane_are_reported(segment: bytes) -> None:
    report: list[str] = []
    rle.decode(frame_of(segment), (2, 2), 1, report=report)
    assert report == ["RLE segment has more bytes than its plane: data may be missing (PS3.5 G.3)"]


@pytest.mark.parametrize("padding", [b"", b"\0", b"\x80\0", bytes(9)])
def test_padding_is_not_reported(padding: bytes) -> None:
    report: list[str] = []
    rle.decode(frame_of(b"\x03\1\2\3\4" + padding), (2, 2), 1, report=report)
    rle.decode(frame_of(b"\x03\1\2\3\0" + padding), (1, 3), 1, report=report)  # a plane of odd length
    assert report == []


@pytest.mark.parametrize("size", [2, 10, 200])
def test_hole_in_the_runs_is_refused_or_reported(size: int) -> None:
    """Behind it, the decoder takes pixels for lengths of runs."""
    data = encode(np.random.default_rng(7).integers(0, 256, (64, 64)).astype(np.uint16))
    for at in range(64, len(data) - size, 191):
        report: list[str] = []
        try:
            rle.decode(data[:at] + data[at + size :], (64, 64), 2, report=report)
        except ImageError:
            continue
        assert report


def test_single_bits_in_bytes_that_break_off_are_refused() -> None:
    """They are more than packed bits would be, but fewer than a byte for each bit."""
    bits = np.random.default_rng(8).integers(0, 2, (8, 8)).astype(np.uint8)
    data = encode(bits)
    assert np.array_equal(rle.decode_bits(data, (8, 8)), bits)
    with pytest.raises(ImageError, match="ends after 40 of 64 bytes"):
        rle.decode_bits(frame_of(b"\x27" + bits.tobytes()[:40]), (8, 8))


@given(st.binary(max_size=40), st.integers(0, 70))
def test_any_segment_gives_pixels_or_image_error(segment: bytes, cut: int) -> None:
    """The result never has more pixels than the image, however long a run is."""
    with suppress(ImageError):
        assert rle.decode(frame_of(segment)[: 64 + cut], (3, 3), 1).shape == (3, 3)
