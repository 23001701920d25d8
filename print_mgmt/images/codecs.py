"""Decodes compressed frames: RLE with `rle`, the JPEG family with imagecodecs (the extra ``codecs``).

The data determine the codec, because some files have a wrong Transfer Syntax. Data without a known header are taken for
RLE, whose header does not identify it. The header of the data is compared with the Data Set before decoding, because
decoders allocate memory for any size in a header.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from dimse.data import TransferSyntax

from . import codestream, rle, tile_parts
from .codestream import Codestream, with_end
from .errors import ImageError
from .frame import check_expansion
from .jpeg_scans import decode_whole
from .partition import check_partition

__all__ = ["Decoded", "decode"]

_RLE = "1.2.840.10008.1.2.5"
_JPEG_XL_RECOMPRESSED = "1.2.840.10008.1.2.4.111"  # the decoder returns the pixels of the original JPEG as RGB
_BY_LIBJPEG = ("JPEG", "JPEG lossless")
_BY_OPENJPEG = ("JPEG 2000", "HTJ2K")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The decoded values of a frame, HxW or HxWx3; ``is_ybr`` says whether they are still YBR.

    ``precision`` is the number of bits of a value, or of its cell if the header does not say; it is None for RLE, which
    keeps all bits of a cell. ``fault`` is the fault in the data that was tolerated, if there is one.
    """

    values: NDArray[np.integer]
    is_ybr: bool
    precision: int | None
    fault: str = ""


def decode(data: bytes, shape: tuple[int, ...], bits: int, syntax: TransferSyntax | None, *, ybr: bool) -> Decoded:
    """Return a decoded frame.

    ``shape`` (HxW or HxWx3), ``bits`` (Bits Allocated) and ``ybr`` (whether the colors are YBR) come from the Data Set.
    If the data name a color space, it prevails over ``ybr``. ``syntax`` is None if it is unknown. Data without a known
    header are taken for RLE, unless ``syntax`` names another codec. Raises ImageError for data that cannot be decoded
    or have another size.
    """
    octets, uid = max(bits // 8, 1), syntax.uid if syntax is not None else ""
    stream = codestream.read(data)
    if stream is not None:
        _check_header(stream, data, shape, octets)
        ybr = ybr and uid != _JPEG_XL_RECOMPRESSED if stream.ybr is None else stream.ybr
        values, fault = _decode_whole_stream(stream, data, shape, octets, ybr=ybr)
        return Decoded(values, ybr and stream.kind != "JPEG", stream.precision or 8 * octets, fault)
    if syntax is not None and syntax.encapsulated and uid != _RLE:
        name = syntax.name
        if "JPEG" in name:
            known = "a JPEG, JPEG-LS, JPEG 2000 or JPEG XL image"
            raise ImageError(f"compressed Pixel Data ({name}) is broken: it does not begin like {known}")
        raise ImageError(f"compressed Pixel Data ({name}) cannot be decoded: decompress it first")
    report: list[str] = []
    if bits == 1:
        return Decoded(rle.decode_bits(data, shape, report=report), ybr, None, "".join(report))
    return Decoded(rle.decode(data, shape, octets, report=report), ybr, None, "".join(report))


def _check_header(stream: Codestream, data: bytes, shape: tuple[int, ...], octets: int) -> None:
    expected = (*shape, 1)[:3]
    found = (stream.rows, stream.columns, stream.samples or expected[2])
    if found != expected:
        raise ImageError(f"{stream.kind} of {_size(found)}, but the Data Set has {_size(expected)} (PS3.5 8.2)")
    if stream.precision > 8 * octets:
        raise ImageError(f"{stream.kind} of {stream.precision} bits, but BitsAllocated is {8 * octets} (PS3.5 8.2)")
    check_expansion(expected[0] * expected[1] * expected[2] * octets, len(data), stream.kind)
    if stream.kind in _BY_OPENJPEG:
        check_partition(data[stream.start :])


def _size(shape: tuple[int, ...]) -> str:
    return "{} rows, {} columns, {} samples".format(*shape)


def _decode_whole_stream(
    stream: Codestream, data: bytes, shape: tuple[int, ...], octets: int, *, ybr: bool
) -> tuple[NDArray[np.integer], str]:
    """Return the decoded values, and the fault that was tolerated: data may lack only the marker of their end.

    The decoder of JPEG-LS, `decode_whole` and `_decode_tile_parts` refuse data of which a byte is missing.
    """
    try_decode = partial(_decode_stream, stream, shape=shape, octets=octets, ybr=ybr)
    if stream.kind in _BY_OPENJPEG:
        return _decode_tile_parts(stream, data, try_decode)
    whole, report = data if stream.kind == "JPEG XL" else with_end(data), list[str]()
    try:
        values = try_decode(whole, had_end=whole is data, report=report)
    except ImageError as exc:
        if whole is data:
            raise
        raise _cut_off(stream, data) from exc
    if whole is not data and not report:
        return values, _without_end(stream)
    return values, "; ".join(report)


def _decode_tile_parts(
    stream: Codestream, data: bytes, try_decode: Callable[[bytes], NDArray[np.integer]]
) -> tuple[NDArray[np.integer], str]:
    """Return the decoded values of JPEG 2000 or HTJ2K, and the faults that were tolerated."""
    boxes, parts = data[: stream.start], tile_parts.read(data[stream.start :])
    try:
        values, faults = tile_parts.decode_whole(parts, lambda codestream: try_decode(boxes + codestream))
    except ImageError as exc:
        if parts.has_end:
            raise
        raise _cut_off(stream, data) from exc
    if not (parts.has_end or faults):
        return values, _without_end(stream)
    return values, "; ".join(f"{stream.kind} data {fault}" for fault in faults)


def _cut_off(stream: Codestream, data: bytes) -> ImageError:
    return ImageError(f"{stream.kind} data of {len(data)} bytes are cut off: they have no end of image")


def _without_end(stream: Codestream) -> str:
    return f"{stream.kind} data have no end of image, but are complete (PS3.5 8.2)"


def _decode_stream(
    stream: Codestream,
    data: bytes,
    *,
    shape: tuple[int, ...],
    octets: int,
    ybr: bool,
    had_end: bool = True,
    report: list[str] | None = None,
) -> NDArray[np.integer]:
    try_decode = partial(_try_imagecodecs, stream, ybr=ybr)
    if stream.kind in _BY_LIBJPEG:
        array = decode_whole(data, try_decode, had_end=had_end, report=report)
    else:
        array = try_decode(data)
    if array.shape != shape or array.dtype.kind not in "iu" or array.itemsize > octets:
        found = f"{array.dtype} of shape {array.shape}"
        wanted = f"integers of at most {octets} {'byte' if octets == 1 else 'bytes'} of shape {shape}"
        raise ImageError(f"{stream.kind} data became {found}, not {wanted}")
    whole: NDArray[np.integer] = array.astype(f"{array.dtype.kind}{octets}", order="C", copy=False)
    return whole


def _try_imagecodecs(stream: Codestream, data: bytes, *, ybr: bool) -> NDArray[np.generic]:
    try:
        return _call_imagecodecs(stream, data, ybr=ybr)
    except ImportError as exc:
        raise ImageError(f"{stream.kind} needs imagecodecs: pip install 'dimse-print[codecs]'") from exc
    except Exception as exc:  # each codec has its own errors
        raise ImageError(f"{stream.kind} data cannot be decoded: {' '.join(str(exc).split())}") from exc


def _call_imagecodecs(stream: Codestream, data: bytes, *, ybr: bool) -> NDArray[np.generic]:
    """Return the decoded pixels, in the color space of the encoder's input or in RGB.

    These become RGB: lossy JPEG, JPEG XL in XYB or made from a JPEG, and JPEG 2000 in sYCC or with subsampled colors.
    """
    import imagecodecs

    match stream.kind:
        case "JPEG-LS":
            return imagecodecs.jpegls_decode(data)
        case "JPEG 2000" | "HTJ2K":  # OpenJPEG decodes both; the separate decoder for HTJ2K ignores errors
            return imagecodecs.jpeg2k_decode(data)
        case "JPEG XL":
            return imagecodecs.jpegxl_decode(data, index=0)
    if stream.samples != 3:
        return imagecodecs.jpeg8_decode(data)
    colorspace = "YCBCR" if ybr and stream.kind == "JPEG" else "RGB"
    return imagecodecs.jpeg8_decode(data, colorspace=colorspace, outcolorspace="RGB")
