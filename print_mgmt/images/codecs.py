"""Compressed frames to cells: RLE here, the JPEG family by imagecodecs (the extra ``codecs``).

Which JPEG it is, the data itself says, since some files are labelled as another. Its header is held against
the Data Set before anything is decoded: a decoder makes room for whatever a header asks.
"""

import numpy as np
from numpy.typing import NDArray

from dimse.data import TransferSyntax

from . import codestream, rle
from .codestream import Codestream
from .errors import ImageError
from .stored import Cells

__all__ = ["decode"]

_RLE = "1.2.840.10008.1.2.5"


def decode(
    data: bytes, shape: tuple[int, ...], octets: int, syntax: TransferSyntax | None, *, ybr: bool
) -> tuple[Cells, bool]:
    """Return a frame as unsigned integers, HxW or HxWx3, and whether its colour is still YBR_FULL.

    ``shape``, ``octets`` (of a sample) and ``ybr`` are what the Data Set says; where the data knows better what
    its colours are, it counts. Raises ImageError for data that cannot be decoded, or is of another image.
    """
    stream = codestream.read(data)
    if stream is not None:
        _check(stream, shape, octets)
        ybr = ybr if stream.ybr is None else stream.ybr
        return _decoded(stream, data, shape, octets, ybr=ybr), ybr and stream.kind != "JPEG"
    if syntax is not None and syntax.uid != _RLE:
        raise ImageError(f"compressed Pixel Data ({syntax.name}) that cannot be decoded here: decompress it first")
    return rle.decode(data, shape, octets), ybr


def _check(stream: Codestream, shape: tuple[int, ...], octets: int) -> None:
    found = (stream.rows, stream.columns, stream.samples)
    expected = (*shape, 1)[:3]
    if found != expected:
        raise ImageError(f"{stream.kind} of {_size(found)}, where the Data Set says {_size(expected)} (PS3.5 8.2)")
    if stream.precision > 8 * octets:
        raise ImageError(f"{stream.kind} of {stream.precision} bits, where BitsAllocated is {8 * octets} (PS3.5 8.2)")


def _size(shape: tuple[int, ...]) -> str:
    return "{} rows, {} columns, {} samples".format(*shape)


def _decoded(stream: Codestream, data: bytes, shape: tuple[int, ...], octets: int, *, ybr: bool) -> Cells:
    try:
        array = _by_imagecodecs(stream, data, ybr=ybr)
    except ImportError as exc:
        raise ImageError(f"{stream.kind} needs imagecodecs: pip install 'dimse-print[codecs]'") from exc
    except Exception as exc:  # each codec has errors of its own
        raise ImageError(f"{stream.kind} data cannot be decoded: {' '.join(str(exc).split())}") from exc
    if array.shape != shape or array.dtype.kind not in "iu" or array.itemsize > octets:
        raise ImageError(f"{stream.kind} data became {array.dtype} of shape {array.shape}, not {shape}")
    wide = array.astype(f"{array.dtype.kind}{octets}", order="C", copy=False)  # the sign, where there is one, widens
    return wide.view(f"u{octets}")


def _by_imagecodecs(stream: Codestream, data: bytes, *, ybr: bool) -> NDArray[np.generic]:
    """Decode; baseline JPEG becomes RGB, all others keep the colours that were compressed."""
    import imagecodecs

    match stream.kind:
        case "JPEG-LS":
            return imagecodecs.jpegls_decode(data)
        case "JPEG 2000" | "HTJ2K":  # OpenJPEG knows both; the other decoder of HTJ2K goes on after an error
            return imagecodecs.jpeg2k_decode(data)
    if stream.samples != 3:
        return imagecodecs.jpeg8_decode(data)
    colorspace = "YCBCR" if ybr and stream.kind == "JPEG" else "RGB"
    return imagecodecs.jpeg8_decode(data, colorspace=colorspace, outcolorspace="RGB")
