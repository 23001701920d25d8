"""Headers of compressed images, read before they are decoded."""

from collections.abc import Callable
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
