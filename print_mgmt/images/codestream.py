"""The headers of compressed images, read before they are decoded.

These are the frame header of JPEG and JPEG-LS (ITU-T T.81 B.2.2, T.87 C.2.2), the SIZ and COD segments of JPEG 2000
(T.800 A.5.1, A.6.1), and the SizeHeader of JPEG XL (ISO/IEC 18181-1). A decoder allocates memory for the size in a
header, so the header is compared with the Data Set first.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import ImageError

__all__ = ["Codestream", "read", "with_end"]

_SOI, _SOC = b"\xff\xd8", b"\xff\x4f\xff\x51"
_SCAN, _END = b"\xff\xda", b"\xff\xd9"  # SOS and EOI; data never contain them
_JP2 = b"\0\0\0\x0cjP  "  # the first bytes of a JP2 file, T.800 I.5.1
_COLR = re.compile(rb"colr\x01..(.{4})", re.DOTALL)  # T.800 I.5.3.3: an enumerated color space
_SYCC = (18).to_bytes(4, "big")
_SOS, _APP0, _APP14 = 0xDA, 0xE0, 0xEE
_JPEGS = {0xC0: "JPEG", 0xC1: "JPEG", 0xC2: "JPEG", 0xC3: "JPEG lossless", 0xF7: "JPEG-LS"}  # by SOF
_NOT_SOF = {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC: among the codes of SOF, but without a frame
_WITHOUT_SEGMENT = {0x01, *range(0xD0, 0xD9)}  # TEM, RSTm and SOI: no segment follows
_SIZES = struct.Struct(">2x4L16xH")  # Xsiz, Ysiz, XOsiz, YOsiz, Csiz
_JXL = b"\xff\x0a"
_JXL_HEADER = 32  # bytes that hold SizeHeader, and ImageMetadata up to its flag of an animation
_JXL_BOXES = b"\0\0\0\x0cJXL \r\n\x87\n"
_WIDTHS = (9, 13, 18, 30)  # bits of a height or width, by the two bits before it
_RATIOS = ((1, 1), (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # columns to rows; index 0 means no ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestream:
    """The facts in a header. ``kind`` is JPEG, JPEG lossless, JPEG-LS, JPEG 2000, HTJ2K or JPEG XL.

    ``ybr``: whether the decoder returns luminance and chrominances unless it is told to convert; None if the header
    does not say. ``samples`` and ``precision`` are 0 if the header does not give them. ``start`` is the offset of
    JPEG 2000 in its file.
    """

    kind: str
    rows: int
    columns: int
    samples: int = 0
    precision: int = 0
    ybr: bool | None = None
    start: int = 0


def read(data: bytes) -> Codestream | None:
    """Return the facts in the header of ``data``; None if the data are not of the JPEG family.

    Raises ImageError for a broken header.
    """
    if data.startswith((_JXL, _JXL_BOXES)):
        codestream, from_jpeg = _jpeg_xl(data)
        rows, columns = _jpeg_xl_header(codestream)
        return Codestream(kind="JPEG XL", rows=rows, columns=columns, ybr=False if from_jpeg else None)
    start = _start_in_boxes(data) if data.startswith(_JP2) else 0
    is_jpeg = data.startswith(_SOI)
    if not is_jpeg and not data.startswith(_SOC, start):
        return None
    try:
        stream = _jpeg(data) if is_jpeg else _jpeg2000(data[start:], data[:start])
    except (IndexError, struct.error) as exc:
        raise ImageError("the header of a compressed image ends too early") from exc
    return stream


def with_end(data: bytes) -> bytes:
    """Return the data of a JPEG or JPEG-LS with an end of image.

    If the end is missing, it is added in place of the padding. An end of image before the last scan does not count: it
    belongs to a thumbnail.
    """
    if data.rfind(_END) > data.rfind(_SCAN):
        return data
    stripped = data.rstrip(b"\0")
    if stripped.endswith(b"\xff"):  # a zero after FF belongs to the data (T.81 B.1.1.5)
        stripped += b"\0"
    return stripped + _END


def _segments(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the code and the content of each marker segment."""
    while at < len(data):
        if data[at] != 0xFF:
            raise ImageError(f"byte {at} of a compressed image is not a marker")
        code = data[at + 1]
        at += 1 if code == 0xFF else 2  # any number of fill bytes FF is allowed
        if code != 0xFF and code not in _WITHOUT_SEGMENT:
            (length,) = struct.unpack_from(">H", data, at)
            yield code, data[at + 2 : at + length]
            at += max(length, 2)


def _jpeg(data: bytes) -> Codestream:
    adobe, jfif = b"", False
    for code, content in _segments(data, 2):
        if code in _JPEGS:
            return _frame(_JPEGS[code], content, adobe, jfif)
        if 0xC0 <= code <= 0xCF and code not in _NOT_SOF:
            raise ImageError(f"JPEG of process SOF{code - 0xC0} is not supported: it is hierarchical or arithmetic")
        if code == _SOS:
            break
        if code == _APP0 and content.startswith(b"JFIF"):
            jfif = True
        if code == _APP14 and content.startswith(b"Adobe"):
            adobe = content
    raise ImageError("the JPEG has no frame header")


def _frame(kind: str, content: bytes, adobe: bytes, jfif: bool) -> Codestream:
    precision, rows, columns, samples = struct.unpack_from(">BHHB", content)
    components = [content[at : at + 3] for at in range(6, 6 + 3 * samples, 3)]
    return Codestream(
        kind=kind,
        rows=rows,
        columns=columns,
        samples=samples,
        precision=precision,
        ybr=_is_ybr(kind, components, adobe, jfif) if samples == 3 else None,
    )


def _is_ybr(kind: str, components: list[bytes], adobe: bytes, jfif: bool) -> bool | None:
    """Return whether components are YCbCr: by the Adobe segment (T.872 6.5.3), else by the names of the components.

    In lossy JPEG, components of different size or a JFIF segment also mean YCbCr. In lossless JPEG they do not, since
    many encoders always write JFIF. The result is None if the header does not say.
    """
    if len(adobe) >= 12 and adobe[11] in (0, 1):
        return adobe[11] == 1
    if bytes(component[0] for component in components) == b"RGB":
        return False
    if kind != "JPEG":
        return None
    subsampled = len({component[1] for component in components}) > 1
    return True if subsampled or jfif else None


def _jpeg2000(data: bytes, boxes: bytes) -> Codestream:
    """Return the facts in the main header and in the boxes before it.

    The decoder inverts the color transform of the codestream, and converts sYCC and subsampled components to RGB.
    """
    kind, size, transformed = "JPEG 2000", b"", False
    for code, content in _segments(data, 2):
        match code:
            case 0x51:  # SIZ
                size = content
            case 0x52:  # COD
                transformed = content[4] == 1
            case 0x50:  # CAP
                kind = "HTJ2K"
            case 0x90:  # SOT: the main header ends
                break
    space = _COLR.search(boxes)
    is_sycc = (space is not None and space[1] == _SYCC) or len(set(_separations(size))) > 1
    right, bottom, left, top, samples = _SIZES.unpack_from(size)
    depths = size[_SIZES.size :: 3]
    if not depths:
        raise ImageError("the JPEG 2000 has no components")
    return Codestream(
        kind=kind,
        rows=bottom - top,
        columns=right - left,
        samples=samples,
        precision=max((depth & 0x7F) + 1 for depth in depths),
        ybr=False if transformed or is_sycc else None,
        start=len(boxes),
    )


def _separations(size: bytes) -> list[bytes]:
    """Return XRsiz and YRsiz of each component, the horizontal and the vertical distance of its samples."""
    components = size[_SIZES.size :]
    return [components[at + 1 : at + 3] for at in range(0, len(components), 3)]


def _start_in_boxes(data: bytes) -> int:
    """Return the offset of the codestream in a JP2 file, T.800 I.5.4; the length of ``data`` if there is none.

    The boxes are followed from the first one: a search for the name of a box may find the same bytes in another box.
    """
    return next((start for kind, start in _boxes(data) if kind == b"jp2c"), len(data))


def _boxes(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the kind of each box of a JP2 file or of JPEG XL, and the offset of its content: T.800 I.4."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, at)
        yield kind, at + (16 if length == 1 else 8)
        if length == 1 and at + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, at + 8)
        if length < 8:
            return
        at += length


def _jpeg_xl(data: bytes) -> tuple[bytes, bool]:
    """Return the codestream, or its first part, and whether the original JPEG can be restored.

    Raises ImageError if there is no codestream.
    """
    if data.startswith(_JXL):
        return data, False
    from_jpeg = False
    for kind, start in _boxes(data):
        from_jpeg |= kind == b"jbrd"
        if kind in (b"jxlc", b"jxlp"):
            return data[start + 4 * (kind == b"jxlp") :], from_jpeg
    raise ImageError("the JPEG XL has no codestream")


class _Bits:
    """The bits of a JPEG XL header, in which the lowest bit of each byte comes first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        """Return the number in the next ``count`` bits; zeros follow the last bit."""
        value = self._left & (1 << count) - 1
        self._left >>= count
        return value


def _jpeg_xl_header(codestream: bytes) -> tuple[int, int]:
    """Return the rows and columns in SizeHeader.

    Raises ImageError if the header is cut off, and for an animation, whose frames would all be decoded.
    """
    if not codestream.startswith(_JXL) or len(codestream) < 12:
        raise ImageError("the header of the JPEG XL ends too early")
    bits = _Bits(codestream[2:_JXL_HEADER])
    size = _jpeg_xl_size(bits)
    has_defaults = bits.take(1)
    if not has_defaults and bits.take(1):  # ImageMetadata with extra fields, the first of which is the orientation
        bits.take(3)
        if bits.take(1):
            _jpeg_xl_size(bits)  # the intrinsic size
        if bits.take(1):
            _skip_preview(bits)
        if bits.take(1):
            raise ImageError("the JPEG XL is an animation, not a single frame (PS3.5 A.4)")
    return size


def _jpeg_xl_size(bits: _Bits) -> tuple[int, int]:
    def side(small: int) -> int:
        return 8 * (bits.take(5) + 1) if small else bits.take(_WIDTHS[bits.take(2)]) + 1

    small = bits.take(1)
    rows = side(small)
    ratio = bits.take(3)
    across, down = _RATIOS[ratio]
    return rows, rows * across // down if ratio else side(small)


def _skip_preview(bits: _Bits) -> None:
    """Skip the size of a preview image, PreviewHeader."""
    widths = (0, 0, 5, 9) if bits.take(1) else (6, 8, 10, 12)
    bits.take(widths[bits.take(2)])
    if not bits.take(3):  # no ratio of width and height
        bits.take(widths[bits.take(2)])
