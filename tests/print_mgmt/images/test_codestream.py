"""Headers of compressed images, read before they are decoded."""

import io
import struct
from collections.abc import Callable
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from print_mgmt.images import ImageError, codestream


@given(st.binary(max_size=80), st.sampled_from([b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "]))
def test_any_header_is_read_or_refused(rest: bytes, start: bytes) -> None:
    with suppress(ImageError):
        codestream.read(start + rest)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("name", "encode"), [("JPEG 2000", imagecodecs.jpeg2k_encode), ("HTJ2K", imagecodecs.htj2k_encode)]
)
def test_header_of_jpeg_2000_is_read(name: str, encode: Callable[..., bytes], dtype: type[np.unsignedinteger]) -> None:
    stream = codestream.read(bytes(encode(np.zeros((24, 16), dtype), reversible=True)))
    assert stream is not None
    assert (stream.kind, stream.rows, stream.columns, stream.samples) == (name, 24, 16, 1)
    assert stream.precision == 8 * np.dtype(dtype).itemsize


@pytest.mark.parametrize("shape", [(8, 8), (64, 256), (24, 16), (300, 1), (3, 2000), (100, 75), (9000, 2)])
def test_header_of_jpeg_xl_has_its_size(shape: tuple[int, int]) -> None:
    stream = codestream.read(bytes(imagecodecs.jpegxl_encode(np.zeros(shape, np.uint8), lossless=True)))
    assert stream is not None
    assert (stream.kind, stream.rows, stream.columns) == ("JPEG XL", *shape)


JPEG_XL_BOXES = b"\0\0\0\x0cJXL \r\n\x87\n"


def test_jpeg_xl_is_found_after_a_box_of_64_bit_length() -> None:
    data = bytes(imagecodecs.jpegxl_encode(np.zeros((24, 16), np.uint8), lossless=True))
    boxes = JPEG_XL_BOXES + struct.pack(">L4sQ", 1, b"free", 20) + bytes(4)
    stream = codestream.read(boxes + struct.pack(">L4s", 8 + len(data), b"jxlc") + data)
    assert stream is not None
    assert (stream.kind, stream.rows, stream.columns) == ("JPEG XL", 24, 16)


@pytest.mark.parametrize(
    ("boxes", "what"),
    [
        (b"", "the JPEG XL has no codestream"),
        (struct.pack(">L4s", 0, b"free"), "the JPEG XL has no codestream"),  # a box up to the end of the file
        (struct.pack(">L4s", 10, b"jxlc") + b"\xff\x0a", "the header of the JPEG XL ends too early"),
    ],
)
def test_jpeg_xl_without_a_header_is_refused(boxes: bytes, what: str) -> None:
    with pytest.raises(ImageError, match=what):
        codestream.read(JPEG_XL_BOXES + boxes)


def jpeg_xl_of_bits(*fields: tuple[int, int]) -> bytes:
    """A codestream whose header has these numbers, each in so many bits."""
    bits = "".join(f"{value:0{count}b}"[::-1] for value, count in fields if count)[::-1]
    return b"\xff\x0a" + int(bits, 2).to_bytes(40, "little")


SIZE = ((1, 1), (0, 5), (1, 3))  # 8 x 8
ALL_FIELDS = ((0, 1), (1, 1), (0, 3))  # not all_default, extra_fields, orientation


@pytest.mark.parametrize(
    "fields",
    [
        (*ALL_FIELDS, (0, 1), (0, 1), (1, 1)),
        (*ALL_FIELDS, (1, 1), *SIZE, (0, 1), (1, 1)),  # with an intrinsic size
        (*ALL_FIELDS, (0, 1), (1, 1), (1, 1), (2, 2), (0, 5), (1, 3), (1, 1)),  # with a preview of 8 * 8 x 8 * 8
        (*ALL_FIELDS, (0, 1), (1, 1), (0, 1), (3, 2), (0, 12), (0, 3), (1, 2), (0, 8), (1, 1)),
    ],
)
def test_jpeg_xl_animation_is_refused(fields: tuple[tuple[int, int], ...]) -> None:
    with pytest.raises(ImageError, match="the JPEG XL is an animation"):
        codestream.read(jpeg_xl_of_bits(*SIZE, *fields))
    still = codestream.read(jpeg_xl_of_bits(*SIZE, *fields[:-1], (0, 1)))
    assert still is not None
    assert (still.rows, still.columns) == (8, 8)


def test_animation_of_an_encoder_is_refused() -> None:
    with pytest.raises(ImageError, match="the JPEG XL is an animation"):
        codestream.read(bytes(imagecodecs.jpegxl_encode(np.zeros((2, 24, 16), np.uint8))))


def test_jpeg_with_components_r_g_b_is_rgb() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    data = bytearray(stream.getvalue())
    first = data.index(b"\xff\xc0") + 10  # the first component in the frame header
    data[first : first + 9 : 3] = b"RGB"
    named, other = codestream.read(bytes(data)), codestream.read(stream.getvalue())
    assert named is not None
    assert other is not None
    assert (named.ybr, other.ybr) == (False, True)


def test_jpeg_2000_is_read_from_its_own_box() -> None:
    """A box before it has the bytes of a smaller image, which the decoder does not read."""
    data = bytes(imagecodecs.jpeg2k_encode(np.zeros((24, 16), np.uint8), codecformat="jp2"))
    small = bytes(imagecodecs.jpeg2k_encode(np.zeros((8, 8), np.uint8), codecformat="j2k"))
    at = data.index(b"jp2c") - 4
    hidden = data[:at] + struct.pack(">L4s", 8 + len(small), b"xml ") + small + data[at:]
    stream = codestream.read(hidden)
    assert stream is not None
    assert (stream.rows, stream.columns, stream.start) == (24, 16, at + 16 + len(small))


def test_jp2_without_a_codestream_is_not_read() -> None:
    assert codestream.read(b"\0\0\0\x0cjP  \r\n\x87\n" + b"\xff\x4f\xff\x51" * 8) is None


def test_jpeg_2000_without_components_is_refused() -> None:
    size = struct.pack(">H4L16xH", 0, 8, 8, 0, 0, 0)
    header = b"\xff\x4f\xff\x51" + struct.pack(">H", 2 + len(size)) + size + b"\xff\x90\0\x02\xff\xd9"
    with pytest.raises(ImageError, match="has no components"):
        codestream.read(header)
