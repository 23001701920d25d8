"""The size in the header of JPEG XL, ISO/IEC 18181-1: a codestream, or a file of boxes with a codestream in it."""

import struct

from .errors import ImageError

__all__ = ["BOXES", "CODESTREAM", "codestream_of", "size_of"]

CODESTREAM = b"\xff\x0a"
BOXES = b"\0\0\0\x0cJXL \r\n\x87\n"
_WIDTHS = (9, 13, 18, 30)  # bits of a side, by the two bits before it
_RATIOS = ((1, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # columns to rows; 0 is none of them


def codestream_of(data: bytes) -> tuple[bytes, bool]:
    """Return the codestream, or the beginning of it, and whether it is a JPEG that can be had back.

    Raises ImageError where there is none.
    """
    if data.startswith(CODESTREAM):
        return data, False
    at, from_jpeg = 0, False
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, at)
        from_jpeg |= kind == b"jbrd"
        start = at + (16 if length == 1 else 8)
        if kind in (b"jxlc", b"jxlp"):
            return data[start + 4 * (kind == b"jxlp") :], from_jpeg
        if length == 1 and at + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, at + 8)
        if length < 8:
            break
        at += length
    raise ImageError("JPEG XL without a codestream")


def size_of(codestream: bytes) -> tuple[int, int]:
    """Return rows and columns: SizeHeader of 18181-1, its bits from the lowest on. Raises ImageError."""
    if not codestream.startswith(CODESTREAM) or len(codestream) < 12:
        raise ImageError("JPEG XL whose header ends too early")
    bits = int.from_bytes(codestream[2:12], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & (1 << count) - 1
        bits >>= count
        return value

    def side(small: int) -> int:
        return 8 * (take(5) + 1) if small else take(_WIDTHS[take(2)]) + 1

    small = take(1)
    rows = side(small)
    ratio = take(3)
    across, down = _RATIOS[ratio]
    return rows, rows * across // down if ratio else side(small)
