"""JPEG 2000 data that lack tiles, tile-parts, packets or bytes: ITU-T T.800 A.4.2 and B.10."""

import struct

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from print_mgmt.images import ImageError, codecs, tile_parts
from print_mgmt.images.codecs import Decoded

EOC = b"\xff\xd9"
GRAY = (np.add.outer(np.arange(64) ** 2 // 16, np.arange(64) * 3 % 190) % 256).astype(np.uint8)
LOSSY = bytes(imagecodecs.jpeg2k_encode(GRAY, level=40, codecformat="j2k"))
LOSSLESS = bytes(imagecodecs.jpeg2k_encode(GRAY, level=0, codecformat="j2k", reversible=True))
HIGH_THROUGHPUT = bytes(imagecodecs.htj2k_encode(GRAY, reversible=True, resolutions=3))
TILED = bytes(imagecodecs.htj2k_encode(GRAY, reversible=True, resolutions=2, tile=(32, 32)))
ONE_PACKET = bytes(imagecodecs.jpeg2k_encode(GRAY, level=0, codecformat="j2k", reversible=True, resolutions=1))
KINDS = {"lossy": LOSSY, "lossless": LOSSLESS, "HTJ2K": HIGH_THROUGHPUT, "tiled": TILED}


def decode(data: bytes) -> Decoded:
    return codecs.decode(data, GRAY.shape, 8, None, ybr=False)


def values_of(data: bytes) -> NDArray[np.integer]:
    """Return the pixels of a whole codestream, by the decoder alone."""
    values: NDArray[np.integer] = imagecodecs.jpeg2k_decode(data)
    return values


def last_body(data: bytes) -> int:
    return data.rindex(b"\xff\x93") + 2


def with_length(data: bytes, length: int) -> bytes:
    """Return a codestream with another Psot of its last tile-part."""
    at = data.rindex(b"\xff\x90") + 6
    return data[:at] + struct.pack(">L", length) + data[at + 4 :]


def with_layers(data: bytes, count: int) -> bytes:
    """Return a codestream that claims to have more quality layers than it has."""
    at = data.index(b"\xff\x52") + 6
    return data[:at] + struct.pack(">H", count) + data[at + 2 :]


def tile_part(tile: int, number: int, count: int, body: bytes, header: bytes = b"") -> bytes:
    sot = struct.pack(">HHLBB", 10, tile, 14 + len(header) + len(body), number, count)
    return b"\xff\x90" + sot + header + b"\xff\x93" + body


def packet_ends(data: bytes) -> list[int]:
    """Return offsets in the data of the only tile-part at which the decoder misses no byte: ends of packets."""
    start, ends = last_body(data), []
    for end in range(start + 1, len(data) - 2):
        try:
            imagecodecs.jpeg2k_decode(with_length(data[:end], 0) + EOC)
        except imagecodecs.Jpeg2kError:
            continue
        ends.append(end - start)
    return ends


@pytest.mark.parametrize("kind", KINDS)
def test_whole_codestream_is_decoded(kind: str) -> None:
    decoded = decode(KINDS[kind])
    assert np.array_equal(decoded.values, values_of(KINDS[kind]))
    assert decoded.fault == ""


@pytest.mark.parametrize("kind", KINDS)
def test_codestream_with_open_tile_part_is_decoded(kind: str) -> None:
    decoded = decode(with_length(KINDS[kind], 0))
    assert np.array_equal(decoded.values, values_of(KINDS[kind]))
    assert decoded.fault == ""


def test_open_tile_part_that_ends_in_empty_packets_is_complete() -> None:
    """A flat image has all its data in the first packets."""
    flat = np.full((64, 64), 85, np.uint8)
    data = with_length(bytes(imagecodecs.jpeg2k_encode(flat, level=0, codecformat="j2k", reversible=True)), 0)
    assert data[-3:-2] == b"\x80"
    decoded = decode(data)
    assert np.array_equal(decoded.values, flat)
    assert decoded.fault == ""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [b"", EOC, bytes(4)], ids=["nothing", "end", "padding"])
def test_open_tile_part_cut_anywhere_is_refused(kind: str, tail: bytes) -> None:
    """At the end of a packet, too, where the decoder gives an image of less detail."""
    data = with_length(KINDS[kind], 0).removesuffix(EOC)
    for cut in range(last_body(data), len(data), 7 if len(data) > 1500 else 1):
        with pytest.raises(ImageError):
            decode(data[:cut] + tail)


@pytest.mark.parametrize("kind", KINDS)
def test_codestream_cut_anywhere_is_refused(kind: str) -> None:
    data = KINDS[kind].removesuffix(EOC)
    for cut in range(0, len(data), 11):
        with pytest.raises(ImageError):
            decode(data[:cut])


def test_missing_layer_is_refused() -> None:
    """The tile-part has the length in its header, but packets are missing."""
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(with_layers(LOSSLESS, 2))


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize("tail", [b"", EOC], ids=["no end", "end"])
def test_missing_tile_part_is_refused(count: int, tail: bytes) -> None:
    """Its number may be known from the first tile-part (TNsot)."""
    start, main = last_body(LOSSY), LOSSY[: LOSSY.index(b"\xff\x90")]
    body = LOSSY[start:-2]
    for end in packet_ends(LOSSY):
        first, second = tile_part(0, 0, count, body[:end]), tile_part(0, 1, 2, body[end:])
        assert np.array_equal(decode(main + first + second + EOC).values, values_of(LOSSY))
        with pytest.raises(ImageError, match=r"cut off|break off|cannot be decoded"):
            decode(main + first + tail)


@pytest.mark.parametrize("missing", range(4))
def test_missing_tile_is_refused(missing: int) -> None:
    main, *tiles = TILED.removesuffix(EOC).split(b"\xff\x90\0\x0a")
    del tiles[missing]
    with pytest.raises(ImageError, match="JPEG 2000 data break off: they have 3 of 4 tiles"):
        decode(b"\xff\x90\0\x0a".join([main, *tiles]) + EOC)


def test_codestream_without_tile_parts_is_refused() -> None:
    with pytest.raises(ImageError, match="they have no tile-part"):
        decode(LOSSY[: LOSSY.index(b"\xff\x90") + 12] + EOC)


@pytest.mark.parametrize("kind", ["lossless", "tiled"])
@pytest.mark.parametrize("size", [1, 3, 50])
def test_hole_in_a_tile_part_is_refused(kind: str, size: int) -> None:
    data = KINDS[kind]
    for at in range(data.index(b"\xff\x93") + 2, len(data) - 100, 97):
        with pytest.raises(ImageError):
            decode(data[:at] + data[at + size :])


def test_hole_of_two_bytes_is_refused_or_reported() -> None:
    """The length of the tile-part may count the end of image; some decoders read such data."""
    start = last_body(LOSSLESS)
    for at in range(start, len(LOSSLESS) - 100, 97):
        try:
            decoded = decode(LOSSLESS[:at] + LOSSLESS[at + 2 :])
        except ImageError:
            continue
        assert "a tile-part of 2 bytes less than its length: data may be missing" in decoded.fault


def test_hole_in_an_open_tile_part_is_refused_or_reported() -> None:
    data, start = with_length(LOSSLESS, 0), last_body(LOSSLESS)
    for at in range(start, len(data) - 200, 97):
        try:
            decoded = decode(data[:at] + data[at + 100 :])
        except ImageError:
            continue
        assert "bytes after the last packet: data before them may be missing" in decoded.fault


def test_length_that_counts_the_end_of_image_is_reported() -> None:
    length = len(LOSSY) - LOSSY.rindex(b"\xff\x90")
    decoded = decode(with_length(LOSSY, length))
    assert np.array_equal(decoded.values, values_of(LOSSY))
    assert "a tile-part of 2 bytes less than its length: data may be missing" in decoded.fault


def header_size(body: bytes) -> int:
    """Return the size of the packet header of `ONE_PACKET`: packed apart from its data, it gives the same pixels."""
    for size in range(1, len(body)):
        try:
            values = values_of(packed(body, size))
        except imagecodecs.Jpeg2kError:
            continue
        if np.array_equal(values, GRAY):
            return size
    raise AssertionError


def packed(body: bytes, size: int) -> bytes:
    """Return `ONE_PACKET` with the header of its packet in a segment PPT."""
    segment = b"\xff\x61" + struct.pack(">HB", size + 3, 0) + body[:size]
    return ONE_PACKET[: ONE_PACKET.index(b"\xff\x90")] + tile_part(0, 0, 1, body[size:], segment) + EOC


def test_packed_packet_headers_are_decoded() -> None:
    body = ONE_PACKET[last_body(ONE_PACKET) : -2]
    decoded = decode(packed(body, header_size(body)))
    assert np.array_equal(decoded.values, GRAY)
    assert decoded.fault == ""


def test_missing_layer_of_packed_packet_headers_is_refused() -> None:
    body = ONE_PACKET[last_body(ONE_PACKET) : -2]
    with pytest.raises(ImageError, match="cannot be decoded"):
        decode(with_layers(packed(body, header_size(body)), 2))


def test_packet_headers_in_the_main_header_are_reported() -> None:
    """PPM: the decoder takes missing packet headers for empty packets."""
    body = ONE_PACKET[last_body(ONE_PACKET) : -2]
    size = header_size(body)
    segment = b"\xff\x60" + struct.pack(">HBL", size + 7, 0, size) + body[:size]
    main = ONE_PACKET[: ONE_PACKET.index(b"\xff\x90")] + segment
    decoded = decode(main + tile_part(0, 0, 1, body[size:]) + EOC)
    assert np.array_equal(decoded.values, GRAY)
    assert decoded.fault == "JPEG 2000 data have all packet headers in front: packets may be missing (T.800 A.7.4)"


@pytest.mark.parametrize(("length", "calls"), [(None, 1), (0, 3)], ids=["known", "open"])
def test_codestream_is_decoded_once_if_lengths_are_known(length: int | None, calls: int) -> None:
    """An open tile-part is decoded twice, and a third call fails before the pixels."""
    data = LOSSY if length is None else with_length(LOSSY, length)
    seen: list[bytes] = []

    def call(data: bytes) -> NDArray[np.integer]:
        seen.append(data)
        try:
            return values_of(data)
        except imagecodecs.Jpeg2kError as exc:
            raise ImageError(str(exc)) from exc

    tile_parts.decode_whole(tile_parts.read(data), call)
    assert len(seen) == calls
