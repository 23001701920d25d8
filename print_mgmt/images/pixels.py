"""The pixels of one frame: native, compressed, or floating point.

Only the requested frame is read. Native cells of 8, 16 and 32 bits are views of the bytes, unless chrominances are
subsampled; cells of other sizes up to 32 bits are unpacked (PS3.5 8.1.1).
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dimse.data import Dataset, Finding, TransferSyntax, Value, frames_of
from dimse.data.frames import Fragment, begins_frame, fragments_in
from dimse.data.pixels import is_subsampled, unpack_pixels

from . import codecs, codestream, color
from .errors import ImageError
from .frame import MAX_FRAMES, Frame, check_size, shown_values
from .lut import data_bytes
from .stored_values import Cells, Floats, fit_to_cells

__all__ = [
    "PIXELS",
    "Fragments",
    "Pixels",
    "floats_of",
    "fragments_of",
    "frame_count",
    "photometric_of",
    "pixels_of",
    "repacked_pixels",
]

Fragments = Callable[[], Sequence[Sequence[Fragment]]]  # returns the fragments of each frame

_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}  # bits of a pixel
PIXELS = ("PixelData", *_FLOATS)  # the attributes that may hold the pixels
_ONE_SAMPLE, _COLOR = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), ("RGB",)
_XYB = "XYB"  # a transform within JPEG XL
_YBR = ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422")
_TRANSFORMED = ("YBR_RCT", "YBR_ICT")  # transforms within JPEG 2000
_HALVED = ("YBR_FULL_422", "YBR_PARTIAL_422")  # two bytes per pixel if uncompressed
_WHOLE = (8, 16, 32)  # Bits Allocated of whole bytes
_UNCOMPRESSED = "1.2.840.10008.1.2.1.98"  # frames in fragments, as in compressed pixels, but not compressed
_DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"  # each frame is compressed by RFC 1951, PS3.5 A.4.13
_ACR_NEMA = "ACR-NEMA"  # Recognition Code: ACR-NEMA 1.0 or 2.0
_ALWAYS_PADDING = 3  # up to this many bytes after the last frame are padding, however short a frame is


@dataclass(frozen=True, slots=True)
class Pixels:
    """Cells of a frame, HxW or HxWx3, with their meaning: MONOCHROME1, MONOCHROME2, PALETTE COLOR or RGB.

    ``are_native``: the cells are unchanged, including the bits above Bits Stored. This has no meaning for RGB.
    """

    cells: Cells
    photometric: str
    are_native: bool = True


def repacked_pixels(frame: Frame, syntax: TransferSyntax | None) -> tuple[bytes | list[Fragment] | None, str]:
    """Return Pixel Data in the form that its Transfer Syntax requires, and a note; None if it needs no change.

    Some programs give compressed pixels a defined length. Others put native pixels into fragments.
    """
    if syntax is None:
        return None, ""
    value = _value(frame, "PixelData") if "PixelData" in frame.dataset else None
    if syntax.encapsulated and isinstance(value, bytes | memoryview) and (items := fragments_in(value)):
        return items, "PixelData has a length, though it is compressed (PS3.5 A.4)"
    if not syntax.encapsulated and isinstance(value, list):
        joined = b"".join(item for item in value[1:] if isinstance(item, bytes | memoryview))
        samples = frame.count("SamplesPerPixel", 1) * frame.count("BitsAllocated")
        needed = (frame.count("Rows") * frame.count("Columns") * samples * (_declared_frames(frame) or 1) + 7) // 8
        if 0 <= len(joined) - needed <= 1 and not begins_frame(joined):
            return joined, "PixelData is in fragments, though it is not compressed (PS3.5 A.4)"
    return None, ""


def frame_count(frame: Frame, fragments: Fragments) -> int:
    """Return the number of frames; ``fragments`` is called only for compressed pixels.

    A wrong Number of Frames, such as 0 or text, is ignored with a note, and the length of the data decides. Raises
    ImageError for an object without pixels, for more frames than bits of pixel data, and for more frames than the
    limit. Raises DecodeError if the frames of compressed pixels are unknown.
    """
    keyword = next((keyword for keyword in PIXELS if keyword in frame.dataset), None)
    if keyword is None:
        raise ImageError("no Pixel Data (7FE0,0010): not an image")
    data = _value(frame, keyword)
    if isinstance(data, list):
        return len(fragments())
    count = _declared_frames(frame)
    octets = len(data) if isinstance(data, bytes | memoryview) else 0
    if count is None and frame.values("NumberOfFrames"):
        return _count_by_length(frame, octets)
    if count is not None and count > max(8 * octets, 1):
        raise ImageError(f"{keyword} has {octets} bytes, too few for {count} frames (PS3.5 8.1.1)")
    return count or 1


def _count_by_length(frame: Frame, octets: int) -> int:
    """Return the number of frames that fill native data, except for a byte of padding; 1 if no number does.

    Subsampled pixels take two bytes; if no number of such frames fills the data, the pixels are not subsampled.
    """
    pixels = frame.count("Rows") * frame.count("Columns")
    sizes = [pixels * frame.count("SamplesPerPixel", 1) * frame.count("BitsAllocated")]
    if _TERMS.get(_letters(frame.text("PhotometricInterpretation"))) in _HALVED and not frame.count("Columns") % 2:
        sizes.insert(0, 16 * pixels)
    for bits in sizes:
        frames = 8 * octets // bits
        if 1 <= frames <= MAX_FRAMES and octets - (frames * bits + 7) // 8 <= 1:
            return frames
    return 1


def fragments_of(frame: Frame) -> Sequence[Sequence[Fragment]]:
    """Return the fragments of each frame of compressed Pixel Data.

    Raises DecodeError if the frames are unknown, and ImageError if Number of Frames is above the limit.
    """
    dataset, keywords = Dataset(), ("PixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths")
    for keyword in keywords:
        if keyword in frame.dataset:
            dataset.add(frame.dataset[keyword])
    count = _declared_frames(frame)
    if count is not None:
        dataset.NumberOfFrames = count
    report: list[Finding] = []
    fragments = frames_of(dataset, report=report)
    for finding in report:
        frame.note(str(finding))
    return fragments


def _declared_frames(frame: Frame) -> int | None:
    """Return Number of Frames; None if it is absent, or, with a note, if it is wrong.

    Raises ImageError if it is above the limit.
    """
    if not frame.values("NumberOfFrames"):
        return None
    number = next(iter(frame.numbers_or_none("NumberOfFrames")), None)
    if number is None or number < 1 or number % 1:
        shown = shown_values(frame.values("NumberOfFrames")[:1])
        frame.note(f"NumberOfFrames {shown} is not a number of frames: ignored (PS3.3 C.7.6.6.1)")
        return None
    if number > MAX_FRAMES:
        raise ImageError(f"NumberOfFrames {number:.0f} is more than the limit of {MAX_FRAMES}")
    return int(number)


def floats_of(frame: Frame) -> Floats | None:
    """Return Float or Double Float Pixel Data in double precision, HxW; None if the object has neither.

    Raises ImageError for a wrong size, and for too little or too much data.
    """
    for keyword, bits in _FLOATS.items():
        if keyword in frame.dataset:
            rows, columns = _shape(frame, 1)
            raw, _ = _frame_bytes(frame, keyword, bits * rows * columns)
            floats: Floats = unpack_pixels(raw, (1, rows, columns, 1), bits, kind="f")[0].astype(np.float64)
            return floats
    return None


def pixels_of(frame: Frame, syntax: TransferSyntax | None, fragments: Fragments) -> Pixels:
    """Return the cells of Pixel Data as unsigned integers; YBR becomes RGB.

    ``fragments`` is called only for compressed pixels. Raises ImageError for attributes that are missing or contradict
    each other, for too little or too much data, and for compressed pixels that cannot be decoded. Raises DecodeError if
    the frames of compressed pixels are unknown.
    """
    photometric = photometric_of(frame)
    shape = _shape(frame, 1 if photometric in _ONE_SAMPLE else 3)
    if (data := _compressed_bytes(frame, syntax, fragments)) is not None:
        cells, is_ybr, are_native = _decompress(frame, data, shape, syntax)
    else:
        cells, is_ybr, are_native = _read_native(frame, shape, photometric), photometric in _YBR, True
        if syntax is not None and syntax.is_unknown and cells.itemsize > 1:
            frame.note(f"{syntax.name}: its pixels are read as little endian (PS3.5 10.1)")
    if not is_ybr:
        return Pixels(cells, photometric if photometric in _ONE_SAMPLE else "RGB", are_native)
    return Pixels(_to_rgb(cells, photometric), "RGB")


def _compressed_bytes(frame: Frame, syntax: TransferSyntax | None, fragments: Fragments) -> bytes | None:
    """Return a compressed frame; None if the pixels are native.

    Some files with a compressed Transfer Syntax have Pixel Data without fragments: native pixels, or one frame of the
    JPEG family. Such Pixel Data are read with a note.
    """
    if isinstance(_value(frame, "PixelData"), list):
        frames = fragments()
        if syntax is not None and syntax.uid == _UNCOMPRESSED:
            _check_same_sizes(frames)
        return b"".join(frames[frame.number - 1])
    if syntax is None or not syntax.encapsulated:
        return None
    data = bytes(_bytes(frame))
    is_compressed = codestream.read(data) is not None
    if is_compressed and frame.number > 1:
        raise ImageError("PixelData is one compressed frame without fragments (PS3.5 A.4)")
    content = "one compressed frame" if is_compressed else "not compressed"
    frame.note(f"PixelData has no fragments, though the syntax is {syntax.name}: read as {content} (PS3.5 A.4)")
    return data if is_compressed else None


def _check_same_sizes(frames: Sequence[Sequence[Fragment]]) -> None:
    """Raise ImageError if uncompressed frames differ in size: a fragment is missing, and another took its place."""
    sizes = {sum(map(len, frame)) for frame in frames}
    if len(sizes) > 1:
        found = f"from {min(sizes)} to {max(sizes)} bytes"
        raise ImageError(f"uncompressed frames in fragments have {found}: data are missing (PS3.5 A.4)")


def photometric_of(frame: Frame) -> str:
    """Return Photometric Interpretation, one of the known terms; case and punctuation are corrected with a note.

    ACR-NEMA, the standard before DICOM, has only gray images, and no such attribute: they are MONOCHROME2. Raises
    ImageError if the term cannot be printed, or contradicts Samples per Pixel.
    """
    written = frame.text("PhotometricInterpretation")
    photometric = _TERMS.get(_letters(written))
    if not written and frame.term("RecognitionCode").startswith(_ACR_NEMA):
        photometric = "MONOCHROME2"
    if photometric is None:
        known = ", ".join(_TERMS.values())
        raise ImageError(f"PhotometricInterpretation {shown_values([written])} is not one of {known}: convert it first")
    if photometric != written:
        frame.note(f"PhotometricInterpretation {shown_values([written])} is read as {photometric} (PS3.3 C.7.6.3.1.2)")
    samples = frame.valid_number("SamplesPerPixel", 1 if photometric in _ONE_SAMPLE else 3)
    if samples != (1 if photometric in _ONE_SAMPLE else 3):
        raise ImageError(f"SamplesPerPixel {samples:g} contradicts {photometric} (PS3.3 C.7.6.3.1.1)")
    return photometric


def _letters(term: str) -> str:
    return "".join(filter(str.isalnum, term)).upper()


_TERMS = {_letters(term): term for term in (*_ONE_SAMPLE, *_COLOR, *_YBR, *_TRANSFORMED, _XYB)}


def _shape(frame: Frame, samples: int) -> tuple[int, ...]:
    rows, columns = frame.count("Rows"), frame.count("Columns")
    check_size(rows, columns)
    return (rows, columns) if samples == 1 else (rows, columns, samples)


def _frame_bytes(frame: Frame, keyword: str, bits: int) -> tuple[memoryview, int]:
    """Return the bytes of one frame of ``bits`` bits, and the bit (0 to 7) of the first byte where the frame begins.

    Some files have padding after the last frame: at most 3 bytes, or less than a frame, or only zeros. Any other data
    there means that an attribute is wrong, and the print would be wrong, too. Some ultrasound devices round an odd
    length down: the byte that is missing is read as 0. Raises ImageError for other data, and for too few bytes.
    """
    data, frames = _value(frame, keyword), _declared_frames(frame) or 1
    if not isinstance(data, bytes | memoryview):
        what = "is missing" if frame.dataset.get(keyword) is None else f"has the wrong VR {frame.dataset[keyword].VR}"
        raise ImageError(f"{keyword} {what} (PS3.3 C.7.6.3)")
    needed = (frames * bits + 7) // 8
    size = f"{frames} frame{'s' * (frames != 1)} of {frame.count('Rows')} x {frame.count('Columns')}"
    lengths = f"{keyword}: {len(data)} bytes where {size} need{'s' * (frames == 1)} {needed}"
    excess = len(data) - needed
    if excess == -1 and needed % 2 and data:
        frame.note(f"{lengths}: the last byte is read as 0 (PS3.5 8.1.1)")
        data, excess = bytes(data) + b"\0", 0
    is_padding = excess <= max(_ALWAYS_PADDING, bits // 8 - 1) or not np.frombuffer(data, np.uint8, offset=needed).any()
    if excess < 0 or not is_padding:
        raise ImageError(f"{lengths} (PS3.5 8.1.1)")
    if excess > needed % 2:
        frame.note(f"{lengths}: the rest is ignored (PS3.5 8.1.1)")
    start = (frame.number - 1) * bits
    return memoryview(data)[start // 8 : (start + bits + 7) // 8], start % 8


def _read_native(frame: Frame, shape: tuple[int, ...], photometric: str) -> Cells:
    if photometric in (*_TRANSFORMED, _XYB):
        codec = "JPEG XL" if photometric == _XYB else "JPEG 2000"
        raise ImageError(f"{photometric} is for {codec} only (PS3.3 C.7.6.3.1.2)")
    rows, columns, samples = (*shape, 1)[:3]
    allocated = frame.count("BitsAllocated")
    frames = _declared_frames(frame) or 1
    halved = photometric in _HALVED and is_subsampled(_bytes(frame), rows * columns, frames)
    if halved and columns % 2:
        raise ImageError(f"Columns {columns} of {photometric} must be even (PS3.3 C.7.6.3.1.2)")
    raw, start = _frame_bytes(frame, "PixelData", rows * columns * (16 if halved else samples * allocated))
    if allocated > max(_WHOLE):
        raise ImageError(f"BitsAllocated {allocated} is more than 32 (PS3.5 8.1.1)")
    planar = samples == 3 and frame.valid_number("PlanarConfiguration", 0) == 1
    sizes = (1, rows, columns, samples)
    cells: Cells = unpack_pixels(raw, sizes, allocated, start=start, planar=planar, subsampled=halved)[0]
    return cells


def _value(frame: Frame, keyword: str) -> Value:
    """Return the bytes or the fragments of pixels. The words of US and SS become bytes; other wrong VRs give None."""
    value = frame.dataset.get(keyword)
    first = value[0] if isinstance(value, list) and value else value
    if isinstance(first, bytes | memoryview | list | None):
        return value
    return data_bytes(value) if frame.dataset[keyword].VR in ("US", "SS") else None


def _bytes(frame: Frame) -> bytes | memoryview:
    value = _value(frame, "PixelData")
    return value if isinstance(value, bytes | memoryview) else b""


def _decompress(
    frame: Frame, data: bytes, shape: tuple[int, ...], syntax: TransferSyntax | None
) -> tuple[Cells, bool, bool]:
    """Return the cells of a frame, whether they are YBR, and whether they are unchanged native cells."""
    photometric, allocated = photometric_of(frame), frame.count("BitsAllocated")
    uid = syntax.uid if syntax is not None else ""
    if uid in (_UNCOMPRESSED, _DEFLATED_FRAMES):
        plain = frame.dataset.copy()
        plain.PixelData = data if uid == _UNCOMPRESSED else _inflate(frame, data, shape, allocated)
        plain.NumberOfFrames = 1
        return _read_native(Frame(plain, notes=frame.notes), shape, photometric), photometric in _YBR, True
    if allocated not in (1, *_WHOLE):
        raise ImageError(f"BitsAllocated {allocated} of compressed Pixel Data is not 1, 8, 16 or 32 (PS3.5 8.2)")
    decoded = codecs.decode(data, shape, allocated, syntax, ybr=photometric in _YBR)
    if decoded.fault:
        frame.note(decoded.fault)
    if decoded.precision is None:
        return decoded.values.view(f"u{decoded.values.itemsize}"), decoded.is_ybr, True
    return fit_to_cells(decoded.values, frame, decoded.precision), decoded.is_ybr, False


def _inflate(frame: Frame, data: bytes, shape: tuple[int, ...], allocated: int) -> bytes:
    """Return an inflated frame, cut to the length that the frame needs, rounded up to whole words.

    Data without an end, and data after the frame, are a note: data in the middle may be missing. Raises ImageError for
    broken data; too little data is not noticed here.
    """
    samples = shape[2] if len(shape) == 3 else 1
    needed = (shape[0] * shape[1] * samples * allocated + 7) // 8
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, needed + needed % 2)
        has_more = bool(inflater.decompress(inflater.unconsumed_tail, 1))
    except zlib.error as exc:
        raise ImageError(f"Deflated Image Frame cannot be inflated: {exc} (PS3.5 A.4.13)") from exc
    if has_more or not inflater.eof:
        found = "more bytes than the frame needs" if has_more else "no end"
        frame.note(f"Deflated Image Frame has {found}: data may be missing (PS3.5 A.4.13)")
    return inflated


def _to_rgb(cells: Cells, photometric: str) -> Cells:
    if cells.itemsize != 1:
        raise ImageError(f"{photometric} of {8 * cells.itemsize} bits: 8 are allowed (PS3.3 C.7.6.3.1.2)")
    ybr = cells.astype(np.uint8, copy=False)
    return color.rgb_of(color.full_range(ybr) if photometric == "YBR_PARTIAL_422" else ybr)
