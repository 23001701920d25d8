"""What a compressed image says of itself, before it is decoded.

The frame header of JPEG and JPEG-LS (ITU-T T.81 B.2.2, T.87 C.2.2), the SIZ and COD segments of JPEG 2000
(T.800 A.5.1, A.6.1). A decoder makes room for what they say, so they are read first and held against the
Data Set.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import ImageError

__all__ = ["Codestream", "read"]

_SOI, _SOC, _END = b"\xff\xd8", b"\xff\x4f\xff\x51", b"\xff\xd9"  # EOI and EOC are the same
_JP2 = b"\0\0\0\x0cjP  "  # how the file format of JPEG 2000 begins, T.800 I.5.1
_SOS, _APP0, _APP14 = 0xDA, 0xE0, 0xEE
_JPEGS = {0xC0: "JPEG", 0xC1: "JPEG", 0xC2: "JPEG", 0xC3: "JPEG lossless", 0xF7: "JPEG-LS"}  # by SOF
_NO_FRAMES = {0xC4, 0xC8, 0xCC}  # DHT, JPG and DAC, among the SOFs
_BARE = {0x01, *range(0xD0, 0xD9)}  # TEM, RSTm and SOI: no segment follows
_SIZES = struct.Struct(">2x4L16xH")  # Xsiz, Ysiz, XOsiz, YOsiz, Csiz


@dataclass(frozen=True, slots=True, kw_only=True)
class Codestream:
    """What the header says. ``kind`` is JPEG, JPEG lossless, JPEG-LS, JPEG 2000 or HTJ2K.

    ``ybr`` says whether its three components are luminance and chrominance; None where it does not tell.
    """

    kind: str
    rows: int
    columns: int
    samples: int
    precision: int
    ybr: bool | None = None


def read(data: bytes) -> Codestream | None:
    """Return what ``data`` says of itself; None where it is neither JPEG nor JPEG 2000.

    Raises ImageError for a header that is broken, and for data that ends before the image does.
    """
    soc = data.find(_SOC) if data.startswith((_SOC, _JP2)) else -1  # a JP2 file has boxes before it
    if not data.startswith(_SOI) and soc < 0:
        return None
    try:
        stream = _jpeg(data) if data.startswith(_SOI) else _jpeg2000(data[soc:])
    except (IndexError, struct.error) as exc:
        raise ImageError("the header of a compressed image ends too early") from exc
    if data.rfind(_END) < 0:
        raise ImageError(f"{stream.kind} data of {len(data)} bytes is cut off: no end of image in it")
    return stream


def _segments(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the code and the content of each marker segment."""
    while at < len(data):
        if data[at] != 0xFF:
            raise ImageError(f"byte {at} of a compressed image is no marker")
        code = data[at + 1]
        at += 1 if code == 0xFF else 2  # any number of FF may fill up
        if code != 0xFF and code not in _BARE:
            (length,) = struct.unpack_from(">H", data, at)
            yield code, data[at + 2 : at + length]
            at += max(length, 2)


def _jpeg(data: bytes) -> Codestream:
    adobe, jfif = b"", False
    for code, content in _segments(data, 2):
        if code in _JPEGS:
            return _frame(_JPEGS[code], content, adobe, jfif)
        if 0xC0 <= code <= 0xCF and code not in _NO_FRAMES:
            raise ImageError(f"JPEG of process SOF{code - 0xC0} is not supported: hierarchical or arithmetic")
        if code == _SOS:
            break
        if code == _APP0 and content.startswith(b"JFIF"):
            jfif = True
        if code == _APP14 and content.startswith(b"Adobe"):
            adobe = content
    raise ImageError("JPEG without a frame header")


def _frame(kind: str, content: bytes, adobe: bytes, jfif: bool) -> Codestream:
    precision, rows, columns, samples = struct.unpack_from(">BHHB", content)
    components = [content[at : at + 3] for at in range(6, 6 + 3 * samples, 3)]
    return Codestream(
        kind=kind,
        rows=rows,
        columns=columns,
        samples=samples,
        precision=precision,
        ybr=_is_ybr(components, adobe, jfif) if kind == "JPEG" and samples == 3 else None,
    )


def _is_ybr(components: list[bytes], adobe: bytes, jfif: bool) -> bool | None:
    """Return what the Adobe segment says, else the names, the sizes of the components, and JFIF."""
    if len(adobe) >= 12 and adobe[11] in (0, 1):
        return adobe[11] == 1
    if bytes(component[0] for component in components) == b"RGB":
        return False
    subsampled = len({component[1] for component in components}) > 1
    return True if subsampled or jfif else None


def _jpeg2000(data: bytes) -> Codestream:
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
    right, bottom, left, top, samples = _SIZES.unpack_from(size)
    return Codestream(
        kind=kind,
        rows=bottom - top,
        columns=right - left,
        samples=samples,
        precision=max((depth & 0x7F) + 1 for depth in size[_SIZES.size :: 3]),
        ybr=False if transformed else None,  # the decoder undoes its transform, and RGB comes out
    )
