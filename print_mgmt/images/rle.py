"""The decoder of RLE Lossless, PS3.5 Annex G.

A frame is a header of 16 numbers (the number of segments and up to 15 offsets), followed by the segments. A segment is
a byte plane: one byte of one sample of all pixels, row by row. The planes of the first sample come first, with the most
significant byte in front, then the planes of the next sample. A plane is compressed as a list of runs (PackBits). A run
is a length byte n from 0 to 127 and n + 1 literal bytes, or a length byte n from 129 to 255 and one byte that is
repeated 257 - n times. The length byte 128 is ignored.
"""

import struct

import numpy as np
from numpy.typing import NDArray

from .errors import ImageError

__all__ = ["decode", "decode_bits"]

_HEADER = struct.Struct("<16L")  # PS3.5 G.5: the number of segments, then up to 15 offsets
_IGNORED = 128
_PADDING = bytes((0, _IGNORED))

Cells = NDArray[np.uint8 | np.uint16 | np.uint32]


def decode(data: bytes, shape: tuple[int, ...], octets: int, *, report: list[str] | None = None) -> Cells:
    """Return a frame of ``shape``, HxW or HxWx3, with samples of 1, 2 or 4 ``octets``.

    ``report`` receives a fault that is tolerated: more runs than the frame needs. Raises ImageError if the data are not
    RLE of such a frame.
    """
    samples = shape[2] if len(shape) == 3 else 1
    size = shape[0] * shape[1]
    planes = [_unpack(segment, size, size, report) for segment in _segments(data, samples * octets)]
    big_endian = np.stack(planes, axis=-1).reshape(size, samples, octets)
    cells: Cells = big_endian.view(f">u{octets}")[..., 0].astype(f"u{octets}")
    return cells.reshape(shape)


def decode_bits(data: bytes, shape: tuple[int, ...], *, report: list[str] | None = None) -> NDArray[np.uint8]:
    """Return a frame of single bits, HxW. They are stored one per byte, or eight per byte with the lowest bit first.

    ``report`` is that of `decode`. Raises ImageError if the data are not RLE of such a frame.
    """
    size = shape[0] * shape[1]
    packed = (size + 7) // 8
    (segment,) = _segments(data, 1)
    plane = _unpack(segment, size, packed, report)
    if packed + 1 < len(plane) < size:  # the packed bits may have a byte of padding
        raise _too_short(len(plane), size)
    if len(plane) == size:
        bits = (plane != 0).astype(np.uint8)
    else:
        bits = np.unpackbits(plane[:packed], count=size, bitorder="little")
    unpacked: NDArray[np.uint8] = bits.reshape(shape)
    return unpacked


def _segments(data: bytes, expected: int) -> list[bytes]:
    if len(data) < _HEADER.size:
        raise ImageError(f"RLE of {len(data)} bytes is shorter than its header of 64 (PS3.5 G.5)")
    count, *offsets = _HEADER.unpack_from(data)
    if count != expected:
        raise ImageError(f"RLE has {count} segments, where the image needs {expected} (PS3.5 G.2)")
    starts = offsets[:count]
    ends = [*starts[1:], len(data)]
    if starts[0] < _HEADER.size or any(start > end for start, end in zip(starts, ends, strict=True)):
        raise ImageError(f"RLE segments at {starts} are not in order within {len(data)} bytes (PS3.5 G.5)")
    return [data[start:end] for start, end in zip(starts, ends, strict=True)]


def _unpack(segment: bytes, size: int, minimum: int, report: list[str] | None) -> NDArray[np.uint8]:
    """Return the first ``size`` bytes of the runs, and report further bytes that are not padding.

    If data in the middle are missing, the decoder takes pixels for lengths of runs, and often makes too many bytes.
    Raises ImageError if there are fewer than ``minimum``.
    """
    out = bytearray()
    at, end = 0, len(segment)
    while len(out) < size and at < end:
        length = segment[at]
        if length < _IGNORED:
            out += segment[at + 1 : at + 2 + length]
            at += length + 2
        else:
            if length > _IGNORED:
                out += segment[at + 1 : at + 2] * (257 - length)
                at += 1
            at += 1
    if len(out) < minimum:
        raise _too_short(len(out), minimum)
    excess = len(out) > size + size % 2 or segment[at:].strip(_PADDING)  # an odd plane may have a byte of padding
    if report is not None and not report and excess:
        report.append("RLE segment has more bytes than its plane: data may be missing (PS3.5 G.3)")
    return np.frombuffer(out, np.uint8, min(size, len(out)))


def _too_short(found: int, needed: int) -> ImageError:
    return ImageError(f"RLE segment ends after {found} of {needed} bytes (PS3.5 G.3)")
