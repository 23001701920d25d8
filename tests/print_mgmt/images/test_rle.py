"""RLE Lossless, PS3.5 Annex G: runs both ways, the order of segments, and what is no RLE."""

import struct
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from print_mgmt.images import ImageError, rle

FRAMES = st.builds(
    lambda seed, dtype, shape, levels: np.random.default_rng(seed).integers(0, levels, shape).astype(dtype),
    st.integers(0, 2**32),
    st.sampled_from(["u1", "u2", "u4"]),
    st.sampled_from([(1, 1), (3, 5), (2, 300), (4, 7, 3), (1, 131, 3)]),
    st.sampled_from([1, 2, 256, 2**16]),
)


def packed(*segments: bytes) -> bytes:
    offsets = [64 + sum(map(len, segments[:i])) for i in range(len(segments))]
    return struct.pack("<16L", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


@given(FRAMES)
def test_decode_undoes_encode(frame: NDArray[np.uint8]) -> None:
    if frame.dtype.itemsize == 4 and frame.ndim == 3:
        frame = frame.astype(np.uint16)
    assert np.array_equal(rle.decode(rle.encode(frame), frame.shape, frame.itemsize), frame)


@given(FRAMES)
def test_others_decode_what_is_encoded_here(frame: NDArray[np.uint8]) -> None:
    gray = frame if frame.ndim == 2 else frame[..., 0]
    theirs = imagecodecs.dicomrle_decode(rle.encode(gray), gray.dtype.str)
    assert bytes(theirs) == gray.tobytes()


def test_runs_are_packbits() -> None:
    """Two bytes as they are, one byte three times, a byte that says nothing; NUL makes it even."""
    segment = b"\x01\x0a\x0b" + b"\xfe\x07" + b"\x80" + b"\x00"
    assert rle.decode(packed(segment), (1, 5), 1).tolist() == [[10, 11, 7, 7, 7]]


def test_most_significant_byte_comes_first() -> None:
    """Of 16 bits there are two segments, of RGB three (PS3.5 G.2)."""
    assert rle.decode(packed(b"\x00\x12", b"\x00\x34"), (1, 1), 2).tolist() == [[0x1234]]
    assert rle.decode(packed(b"\x00\x01", b"\x00\x02", b"\x00\x03"), (1, 1, 3), 1).tolist() == [[[1, 2, 3]]]


def test_segments_are_even_and_rows_apart() -> None:
    """A run does not go on in the next row (PS3.5 G.3.1)."""
    data = rle.encode(np.zeros((3, 9), np.uint8))
    assert data[64:] == b"\xf8\x00" * 3
    assert len(rle.encode(np.arange(2, dtype=np.uint8)[None])) % 2 == 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes has no room for its header"),
        (bytes(63), "63 bytes has no room"),
        (bytes(64), "0 segments, where the image needs 1"),
        (packed(b"\x00\x01", b"\x00\x01"), "2 segments, where the image needs 1"),
        (packed(b"\x00\x01"), "ends after 1 of 4 bytes"),
        (packed(b"\x7f\x01"), "ends after 1 of 4 bytes"),
        (struct.pack("<16L", 1, 3, *[0] * 14) + b"\xfd\x00", "do not lie in"),
        (struct.pack("<16L", 1, 2**31, *[0] * 14), "do not lie in"),
    ],
)
def test_what_is_no_rle_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        rle.decode(data, (2, 2), 1)


@given(st.binary(max_size=40), st.integers(0, 70))
def test_any_segment_gives_pixels_or_an_image_error(segment: bytes, cut: int) -> None:
    """And never more pixels than the image has, however long a run is."""
    with suppress(ImageError):
        assert rle.decode(packed(segment)[: 64 + cut], (3, 3), 1).shape == (3, 3)


def test_more_than_fifteen_planes_do_not_fit_its_header() -> None:
    with pytest.raises(ImageError, match="no more than 15 segments, not 24"):
        rle.encode(np.zeros((1, 1, 3), np.uint64))
