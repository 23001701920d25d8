"""The number of tiles, precincts and code-blocks of a JPEG 2000 image, as its headers state them: ITU-T T.800 B."""

import struct
from collections.abc import Callable
from contextlib import suppress

import imagecodecs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from print_mgmt.images import ImageError, codestream
from print_mgmt.images.partition import ALWAYS_PARTS, check_partition

SIDE = 8192


def segment(code: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def style(*, resolutions: int = 1, block: int = 6, layers: int = 1, precinct: int | None = None) -> bytes:
    """COD: sizes of code-blocks and precincts are powers of two, the same in both directions."""
    sizes = b"" if precinct is None else bytes([precinct * 0x11]) * resolutions
    transform = bytes([resolutions - 1, block - 2, block - 2, 0, 1])
    return segment(0x52, struct.pack(">BBHB", precinct is not None, 0, layers, 0) + transform + sizes)


def grid(*, side: int = SIDE, tile: int = SIDE, start: int = 0, first: int = 0) -> bytes:
    """SIZ of a gray image from ``start`` to ``side``, with tiles from ``first`` on."""
    sides = (side, side, start, start, tile, tile, first, first)
    return segment(0x51, struct.pack(">H8LH", 0, *sides, 1) + b"\x07\x01\x01")


def stream_of(size: bytes, *styles: bytes, rest: bytes = b"") -> bytes:
    return b"\xff\x4f" + size + b"".join(styles) + (rest or segment(0x90, struct.pack(">HLBB", 0, 14, 0, 1)))


def tile_part(number: int, header: bytes) -> bytes:
    return segment(0x90, struct.pack(">HLBB", number, 14 + len(header), 0, 1)) + header + b"\xff\x93"


def parts_of(data: bytes) -> int:
    with pytest.raises(ImageError) as caught:
        check_partition(data)
    return int(str(caught.value).split()[5])


@pytest.mark.parametrize(
    ("coding", "parts"),
    [
        (style(precinct=0), 32 + SIDE**2 + SIDE**2),  # a code-block is not larger than its precinct
        (style(block=2), 32 + 1 + SIDE**2 // 16),
        (style(precinct=3, layers=10), 32 + 10 * SIDE**2 // 64 + SIDE**2 // 64),
        # Two resolutions: the lower one has one band, and the upper one three, whose precincts are half as large
        (style(resolutions=2, precinct=1, block=6), 32 + (1 + 4) * SIDE**2 // 16 + (1 + 12) * SIDE**2 // 16),
    ],
)
def test_parts_follow_from_the_coding_style(coding: bytes, parts: int) -> None:
    assert parts_of(stream_of(grid(), coding)) == parts


def test_tiles_count_as_parts() -> None:
    assert parts_of(stream_of(grid(side=255, tile=1), style())) == 255**2 * (32 + 1 + 1)


def test_parts_of_an_image_with_an_origin_are_counted() -> None:
    """Tiles of 1000 begin at 500, and the image begins at 600: code-blocks of 4 are cut at 1500, 2500 and so on."""
    cut = (1500 - 600) // 4 + (SIDE - 1500 + 3) // 4
    size = grid(tile=1000, start=600, first=500)
    assert parts_of(stream_of(size, style(block=2))) == 32 * 64 + 64 + cut**2


@pytest.mark.parametrize("code", [0x52, 0x53])
def test_style_of_a_tile_counts(code: int) -> None:
    coding = style(precinct=0)
    header = coding if code == 0x52 else segment(0x53, b"\0\x01" + coding[9:])
    whole = stream_of(grid(), style(), rest=tile_part(0, b"") + tile_part(1, header))
    assert parts_of(whole) == 32 + 2 * SIDE**2


def test_image_may_have_a_part_for_each_byte() -> None:
    small = stream_of(grid(side=2048, tile=2048), style(precinct=2, block=2))
    assert parts_of(small) > ALWAYS_PARTS
    check_partition(small + bytes(parts_of(small)))


def test_many_styles_are_refused() -> None:
    styles = (style(block=2 + number % 9, precinct=number % 16) for number in range(70))
    with pytest.raises(ImageError, match="more than 64 coding styles"):
        check_partition(stream_of(grid(side=8, tile=8), *styles))


@pytest.mark.parametrize("size", [grid(tile=0), grid(start=SIDE), grid(first=1), grid(start=9, tile=8)])
def test_tiles_that_do_not_cover_the_image_are_refused(size: bytes) -> None:
    with pytest.raises(ImageError, match="do not cover it"):
        check_partition(stream_of(size, style()))


def test_too_many_tiles_in_a_row_are_refused() -> None:
    with pytest.raises(ImageError, match="of 70000 tiles in one direction"):
        check_partition(stream_of(grid(side=70000, tile=1), style()))


@pytest.mark.parametrize("encode", [imagecodecs.jpeg2k_encode, imagecodecs.htj2k_encode])
@pytest.mark.parametrize("shape", [(24, 16), (2048, 2048), (2048, 2048, 3)])
def test_real_image_is_accepted(encode: Callable[..., bytes], shape: tuple[int, ...]) -> None:
    data = bytes(encode(np.zeros(shape, np.uint8), reversible=True))
    stream = codestream.read(data)
    assert stream is not None
    check_partition(data[stream.start :])


@given(st.binary(max_size=80))
def test_any_header_is_accepted_or_refused(rest: bytes) -> None:
    for begin in (b"\xff\x4f", stream_of(grid(), style())[:-12], stream_of(grid())[:-12]):
        with suppress(ImageError):
            check_partition(begin + rest)
