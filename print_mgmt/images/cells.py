"""The cells of one frame, wherever the pixels are: native, compressed, or floating point.

Only the frame that is asked for is touched. Native cells of 8, 16 and 32 bits are views of the bytes; of any other
number up to 32 they are unpacked, lowest bit first (PS3.5 §8.1.1).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dimse.data import Dataset, TransferSyntax
from dimse.data.frames import Fragment

from . import codecs, color
from .bounds import check_size
from .errors import ImageError
from .frame import Frame
from .stored import Cells, Floats

__all__ = ["Fragments", "Pixels", "floats_of", "frame_count", "pixels_of"]

Fragments = Callable[[], Sequence[Sequence[Fragment]]]  # of each frame, found when they are asked for

_FLOATS = {"FloatPixelData": "<f4", "DoubleFloatPixelData": "<f8"}
_GRAY, _COLOUR = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), ("RGB",)
_YBR = ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422")
_TRANSFORMED = ("YBR_RCT", "YBR_ICT")  # made and undone within JPEG 2000
_HALVED = ("YBR_FULL_422", "YBR_PARTIAL_422")  # two bytes a pixel where they are not compressed
_WHOLE = (8, 16, 32)  # Bits Allocated of whole numbers of bytes
_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"  # in fragments for their offset table only


@dataclass(frozen=True, slots=True)
class Pixels:
    """Cells of a frame, HxW or HxWx3, and what they are: MONOCHROME1, MONOCHROME2, PALETTE COLOR or RGB."""

    cells: Cells
    photometric: str


def frame_count(dataset: Dataset) -> int:
    """Return Number of Frames. Raises ImageError for an object without pixels."""
    if not any(keyword in dataset for keyword in ("PixelData", *_FLOATS)):
        raise ImageError("no Pixel Data (7FE0,0010): not an image")
    return Frame(dataset).count("NumberOfFrames", 1)


def floats_of(frame: Frame) -> Floats | None:
    """Return Float or Double Float Pixel Data in double precision, HxW; None where there is none."""
    for keyword, dtype in _FLOATS.items():
        if keyword in frame.dataset:
            shape = _shape(frame, 1)
            bits = 8 * np.dtype(dtype).itemsize * shape[0] * shape[1]
            raw, _ = _part(frame, keyword, bits)
            return np.frombuffer(raw, dtype).reshape(shape).astype(np.float64)
    return None


def pixels_of(frame: Frame, syntax: TransferSyntax | None, fragments: Fragments) -> Pixels:
    """Return the cells of Pixel Data as unsigned integers; YBR becomes RGB.

    ``fragments`` gives those of each frame, where they are compressed. Raises ImageError for attributes that are
    missing or contradict each other, and for too little data.
    """
    photometric = _photometric(frame)
    shape = _shape(frame, 1 if photometric in _GRAY else 3)
    if isinstance(frame.dataset.get("PixelData"), list) or (syntax is not None and syntax.encapsulated):
        cells, is_ybr = _decompressed(frame, b"".join(fragments()[frame.number - 1]), shape, syntax)
    else:
        cells, is_ybr = _native(frame, shape, photometric), photometric in (*_YBR, *_TRANSFORMED)
    if not is_ybr:
        return Pixels(cells, photometric if photometric in _GRAY else "RGB")
    return Pixels(_rgb(cells, photometric), "RGB")


def _photometric(frame: Frame) -> str:
    """Return Photometric Interpretation, which Samples per Pixel must go with."""
    photometric, known = frame.text("PhotometricInterpretation"), (*_GRAY, *_COLOUR, *_YBR, *_TRANSFORMED)
    if photometric not in known:
        raise ImageError(
            f"PhotometricInterpretation {photometric!r} is not one of {', '.join(known)}: convert it first"
        )
    samples = frame.first("SamplesPerPixel", 1 if photometric in _GRAY else 3)
    if samples != (1 if photometric in _GRAY else 3):
        raise ImageError(f"SamplesPerPixel {samples:g} does not go with {photometric} (PS3.3 C.7.6.3.1.1)")
    return photometric


def _shape(frame: Frame, samples: int) -> tuple[int, ...]:
    rows, columns = frame.count("Rows"), frame.count("Columns")
    check_size(rows, columns)
    return (rows, columns) if samples == 1 else (rows, columns, samples)


def _part(frame: Frame, keyword: str, bits: int) -> tuple[memoryview, int]:
    """Return the bytes that hold one frame of so many bits, and the bit of the first at which it begins.

    Some files have padding behind the last frame. What is as long as another frame is none: then some
    attribute is wrong, and with it what would be printed.
    """
    data, frames = frame.dataset.get(keyword), frame.count("NumberOfFrames", 1)
    if not isinstance(data, bytes | memoryview):
        raise ImageError(f"{keyword} is missing (PS3.3 C.7.6.3)")
    needed = (frames * bits + 7) // 8
    if len(data) < needed or len(data) - needed > max(1, bits // 8 - 1):
        size = f"{frames} frames of {frame.count('Rows')} x {frame.count('Columns')}"
        raise ImageError(f"{keyword}: {len(data)} bytes where {size} need {needed} (PS3.5 8.1.1)")
    start = (frame.number - 1) * bits
    return memoryview(data)[start // 8 : (start + bits + 7) // 8], start % 8


def _native(frame: Frame, shape: tuple[int, ...], photometric: str) -> Cells:
    if photometric in _TRANSFORMED:
        raise ImageError(f"{photometric} is for JPEG 2000 only (PS3.3 C.7.6.3.1.2)")
    rows, columns, samples = (*shape, 1)[:3]
    allocated = frame.count("BitsAllocated")
    if photometric in _HALVED and len(_bytes(frame)) < 3 * rows * columns * frame.count("NumberOfFrames", 1):
        raw, _ = _part(frame, "PixelData", 16 * rows * columns)
        return color.unpacked_422(raw, rows, columns)
    raw, bit = _part(frame, "PixelData", rows * columns * samples * allocated)
    cells = _unpacked(raw, bit, allocated, rows * columns * samples)
    if samples == 3 and frame.first("PlanarConfiguration", 0) == 1:
        return np.moveaxis(cells.reshape(samples, rows, columns), 0, -1)
    return cells.reshape(shape)


def _bytes(frame: Frame) -> bytes | memoryview:
    value = frame.dataset.get("PixelData")
    return value if isinstance(value, bytes | memoryview) else b""


def _unpacked(raw: memoryview, bit: int, allocated: int, count: int) -> Cells:
    """Return cells of any number of bits up to 32 as unsigned integers of 8, 16 or 32."""
    if allocated in _WHOLE:
        return np.frombuffer(raw, f"<u{allocated // 8}")
    if allocated > max(_WHOLE):
        raise ImageError(f"BitsAllocated {allocated} is more than 32 (PS3.5 8.1.1)")
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")[bit:][: count * allocated]
    room = next(width for width in _WHOLE if width >= allocated)
    wide = np.zeros((count, room), np.uint8)
    wide[:, :allocated] = bits.reshape(count, allocated)
    return np.packbits(wide, bitorder="little").view(f"<u{room // 8}")


def _decompressed(
    frame: Frame, data: bytes, shape: tuple[int, ...], syntax: TransferSyntax | None
) -> tuple[Cells, bool]:
    """Return the cells of a frame, and whether its colour is YBR."""
    photometric, allocated = frame.text("PhotometricInterpretation"), frame.count("BitsAllocated")
    if syntax is not None and syntax.uid == _UNCOMPRESSED:
        plain = frame.dataset.copy()
        plain.PixelData, plain.NumberOfFrames = data, 1
        return _native(Frame(plain), shape, photometric), photometric in _YBR
    if allocated not in _WHOLE:
        raise ImageError(f"BitsAllocated {allocated} of compressed Pixel Data is not 8, 16 or 32 (PS3.5 8.2)")
    return codecs.decode(data, shape, allocated // 8, syntax, ybr=photometric in _YBR)


def _rgb(cells: Cells, photometric: str) -> Cells:
    if cells.itemsize != 1:
        raise ImageError(f"{photometric} of {8 * cells.itemsize} bits: 8 are allowed (PS3.3 C.7.6.3.1.2)")
    ybr = cells.astype(np.uint8, copy=False)
    return color.rgb_of(color.full_range(ybr) if photometric == "YBR_PARTIAL_422" else ybr)
