"""RLE Lossless, PS3.5 Annex G: each byte of the samples is a plane of its own, packed row by row.

A frame is a header of 16 numbers, how many segments there are and where each begins, and the segments: the
planes of the first sample from the most significant byte down, then those of the next. A segment is runs
(PackBits): a length byte n of 0 to 127 and n + 1 bytes as they are, or of 129 to 255 and one byte for
257 - n times; 128 says nothing.
"""

import struct
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

__all__ = ["decode", "decode_bits", "encode"]

_HEADER = struct.Struct("<16L")  # PS3.5 §G.5: the number of segments, then up to 15 offsets
_MOST_SEGMENTS = 15
_LONGEST = 128  # bytes of a run
_NOTHING = 128

Cells = NDArray[np.uint8 | np.uint16 | np.uint32]


def encode(cells: Cells) -> bytes:
    """Return one frame, HxW or HxWx3, of unsigned integers, as RLE. Raises ImageError for too many byte planes."""
    planes = _planes(cells)
    if len(planes) > _MOST_SEGMENTS:
        raise ImageError(f"RLE has no more than {_MOST_SEGMENTS} segments, not {len(planes)} (PS3.5 G.3)")
    segments = [_padded(b"".join(map(_packed, plane))) for plane in planes]
    starts = _HEADER.size + np.cumsum([0, *(len(segment) for segment in segments)])[:-1]
    offsets = [*starts.tolist(), *[0] * (_MOST_SEGMENTS - len(segments))]
    return _HEADER.pack(len(segments), *offsets) + b"".join(segments)


def decode(data: bytes, shape: tuple[int, ...], octets: int) -> Cells:
    """Return the frame of ``shape``, HxW or HxWx3, whose samples have 1, 2 or 4 ``octets``.

    Raises ImageError for what is no RLE of such a frame.
    """
    samples = shape[2] if len(shape) == 3 else 1
    size = shape[0] * shape[1]
    planes = [_unpacked(segment, size, size) for segment in _segments(data, samples * octets)]
    # Planes of a sample: most significant byte first, as a big endian integer lies
    lying = np.stack(planes, axis=-1).reshape(size, samples, octets)
    cells: Cells = lying.view(f">u{octets}")[..., 0].astype(f"u{octets}")
    return cells.reshape(shape)


def decode_bits(data: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return a frame of single bits, HxW: written as a byte for each, or as eight to a byte, lowest first.

    Raises ImageError for what is no RLE of such a frame.
    """
    size = shape[0] * shape[1]
    packed = (size + 7) // 8
    (segment,) = _segments(data, 1)
    plane = _unpacked(segment, size, packed)
    if len(plane) == size:
        bits = (plane != 0).astype(np.uint8)
    else:
        bits = np.unpackbits(plane[:packed], count=size, bitorder="little")
    unpacked: NDArray[np.uint8] = bits.reshape(shape)
    return unpacked


def _planes(cells: Cells) -> NDArray[np.uint8]:
    """Return the bytes as planes of rows, in the order of the segments."""
    samples = cells[..., None] if cells.ndim == 2 else cells
    rows, columns = cells.shape[:2]
    big = np.ascontiguousarray(samples, dtype=cells.dtype.newbyteorder(">"))
    return np.moveaxis(big.view(np.uint8).reshape(rows, columns, -1), -1, 0)


def _packed(row: NDArray[np.uint8]) -> bytes:
    """Return a row as runs: repeated bytes where there are three of them, else as they are."""
    edges = np.flatnonzero(np.diff(row)) + 1
    starts = [0, *edges.tolist(), len(row)]
    data, out, literal = row.tobytes(), bytearray(), 0
    for start, end in pairwise(starts):
        if end - start < 3:  # a repetition of two gains nothing within other bytes
            continue
        _add_literals(out, data[literal:start])
        for length in _lengths(end - start):
            out += bytes((257 - length, data[start])) if length > 1 else bytes((0, data[start]))
        literal = end
    _add_literals(out, data[literal:])
    return bytes(out)


def _add_literals(out: bytearray, data: bytes) -> None:
    for start in range(0, len(data), _LONGEST):
        part = data[start : start + _LONGEST]
        out.append(len(part) - 1)
        out += part


def _lengths(count: int) -> list[int]:
    whole, rest = divmod(count, _LONGEST)
    return [_LONGEST] * whole + [rest] * (rest > 0)


def _padded(segment: bytes) -> bytes:
    return segment + b"\0" * (len(segment) % 2)


def _segments(data: bytes, expected: int) -> list[bytes]:
    if len(data) < _HEADER.size:
        raise ImageError(f"RLE of {len(data)} bytes has no room for its header of 64 (PS3.5 G.5)")
    count, *offsets = _HEADER.unpack_from(data)
    if count != expected:
        raise ImageError(f"RLE has {count} segments, where the image needs {expected} (PS3.5 G.2)")
    starts = offsets[:count]
    ends = [*starts[1:], len(data)]
    if starts[0] < _HEADER.size or any(start > end for start, end in zip(starts, ends, strict=True)):
        raise ImageError(f"RLE segments at {starts} do not lie in {len(data)} bytes one after the other (PS3.5 G.5)")
    return [data[start:end] for start, end in zip(starts, ends, strict=True)]


def _unpacked(segment: bytes, size: int, least: int) -> NDArray[np.uint8]:
    """Return the first ``size`` bytes of the runs; what follows them pads.

    Raises ImageError where there are fewer than ``least``.
    """
    out = bytearray()
    at, end = 0, len(segment)
    while len(out) < size and at < end:
        length = segment[at]
        if length < _NOTHING:
            out += segment[at + 1 : at + 2 + length]
            at += length + 2
        else:
            if length > _NOTHING:
                out += segment[at + 1 : at + 2] * (257 - length)
                at += 1
            at += 1
    if len(out) < least:
        raise ImageError(f"RLE segment ends after {len(out)} of {least} bytes (PS3.5 G.3)")
    return np.frombuffer(out, np.uint8, min(size, len(out)))
