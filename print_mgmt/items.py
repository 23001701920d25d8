"""Converts images, Presentation LUTs and overlays to Data Sets, for an SCU, and from Data Sets, for an SCP.

Images are items of an image box (PS3.3 C.13.5): gray with 8 bits, gray with 12 of 16 bits, or RGB with 8 bits, plane by
plane. Some modalities send other images, which are also read: gray with 8 to 16 bits, color pixel by pixel, YBR_FULL
and YBR_FULL_422. Presentation LUTs conform to PS3.3 C.11.4, and overlays to the retired Image Overlay Box (PS3.4-1998
H.4.8): planes with one bit for each pixel.

The file of a Presentation LUT has 256 or 4096 lines with one whole number each: the P-Value for each pixel value from 0
on. The table has as many bits as the largest number needs, from 10 to 16. Empty lines and comments after ``#`` are
ignored.
"""

import os
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, Element, Value, tag_of
from dimse.data.dictionary import keyword_of
from dimse.data.pixels import is_subsampled, pixel_array, unpack_pixels
from dimse.errors import DecodeError, EncodeError

from .attributes import Refusal, refuse, shown
from .film import LUT_SHAPES, Overlay, PresentationLUT, PrintImage
from .status import INVALID_VALUE, MISSING_ATTRIBUTE, MISSING_VALUE
from .typed import integer, items, text

__all__ = [
    "IMAGE_TAGS",
    "from_item",
    "lut_dataset",
    "lut_from",
    "overlay_dataset",
    "overlay_from",
    "read_lut",
    "to_item",
]

Pixels = NDArray[np.uint8 | np.uint16]

_REQUIRED = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
)
# The attributes of an image item that are read
IMAGE_TAGS = frozenset(map(tag_of, (*_REQUIRED, "PlanarConfiguration", "PixelAspectRatio")))
# Attributes that an image box never has; `pixel_array` knows what they mean
_UNUSUAL = frozenset(map(tag_of, ("NumberOfFrames", "FloatPixelData", "DoubleFloatPixelData")))
_MAX_ASPECT = 100  # a greater Pixel Aspect Ratio is a mistake, or an attack on the renderer
_MAX_IS = 2**31 - 1  # the largest value of the VR IS, PS3.5 §6.2
_ALWAYS_PADDING = 2  # up to 2 bytes after the pixels, and one more for an even length, are padding in any image
_LUT_ENTRIES = (256, 4096)  # one for each value of 8 and of 12 bits
_LUT_BITS = range(10, 17)
_MAX_FILE = 1 << 20  # characters of the file of a LUT; the rest is not read
_MAX_SIDE = 0xFFFF  # rows or columns of an overlay, which have the VR US
_MAX_PLANE = 1 << 27  # bits of one overlay: a film of 14 x 17 inches has 97 million at 640 dpi; 128 MiB as bool
_ORIGINS = range(-(1 << 15), 1 << 15)  # Overlay Origin has the VR SS
_BLOCK = 1 << 20  # bits that are read at a time: other threads wait for the millisecond that a block takes
_GRAY, _COLOR = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "YBR_FULL", "YBR_FULL_422")


def to_item(image: PrintImage) -> Dataset:
    """Return the item for ``image``. Contiguous gray pixels are not copied; color is split into planes."""
    pixels = image.pixels
    item = Dataset()
    item.update(_description(pixels.shape, pixels.itemsize, image.PhotometricInterpretation, image.BitsStored))
    item.PixelData = np.ascontiguousarray(np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels)
    if image.PixelAspectRatio != (1, 1):
        item.PixelAspectRatio = list(image.PixelAspectRatio)
    return item


@lru_cache(maxsize=8)  # saves 14 us of 17 for each image after the first of its size
def _description(shape: tuple[int, ...], itemsize: int, photometric: str, stored: int) -> Dataset:
    """Return the attributes of an image without its pixels; they are usually the same for all images of a film."""
    is_color = len(shape) == 3
    description = Dataset(
        SamplesPerPixel=3 if is_color else 1,
        PhotometricInterpretation=photometric,
        Rows=shape[0],
        Columns=shape[1],
        BitsAllocated=8 * itemsize,
        BitsStored=stored,
        HighBit=stored - 1,
        PixelRepresentation=0,
    )
    if is_color:
        description.PlanarConfiguration = 1
    return description


def from_item(item: Dataset, *, color: bool, strict: bool = False) -> PrintImage:
    """Return the image of ``item``, for a color or a grayscale image box. Gray pixels are a view of Pixel Data.

    Padding after the pixels is ignored (PS3.5 8.1.1) and mentioned in ``notes``, unless ``strict``. Raises `Refusal`:
    0120 for a missing attribute, 0121 for an attribute without a value, 0106 for a value that cannot be printed.
    """
    try:
        header = dict(zip(_REQUIRED, item.values_of(*_REQUIRED), strict=True))
        for keyword, value in header.items():
            if value is None:
                raise _empty(keyword) if keyword in item else _missing(keyword)
        return _read_image(item, header, color=color, strict=strict)
    except DecodeError as exc:
        raise _invalid(keyword_of(exc.tag or 0) or "PixelData", exc.what) from exc


_Header = dict[str, Value]  # values of `_REQUIRED`


def _read_image(item: Dataset, header: _Header, *, color: bool, strict: bool) -> PrintImage:
    photometric = _photometric(header["PhotometricInterpretation"], color=color, strict=strict)
    if photometric != header["PhotometricInterpretation"]:
        item = item.copy()
        item.PhotometricInterpretation = photometric
    _check_numbers(header, SamplesPerPixel=3 if color else 1)
    allocated, stored = _integer(header, "BitsAllocated"), _integer(header, "BitsStored")
    if allocated not in ((8,) if color else (8, 16)) or not 8 <= stored <= allocated:
        found = f"{shown(header['BitsAllocated'])} with BitsStored {shown(header['BitsStored'])}"
        raise _invalid("BitsAllocated", f"{found}, not 8/8" + ("" if color else " or 16/8 to 16/16"))
    _check_numbers(header, HighBit=stored - 1, PixelRepresentation=0)
    if photometric == "YBR_FULL_422" and _integer(header, "Columns") % 2:
        raise _invalid("Columns", f"{_integer(header, 'Columns')} of YBR_FULL_422 is odd")
    if color:
        _check_planes(item, photometric)
    pixels = pixel_array(item) if color else _gray_pixels(item, header, allocated)
    notes = _check_excess(header["PixelData"], pixels, photometric, strict=strict)
    if pixels.size == 0 or pixels.ndim != (3 if color else 2):
        raise _invalid("Rows", f"{_integer(header, 'Rows')} with Columns {_integer(header, 'Columns')} make no image")
    return PrintImage(
        pixels=_to_rgb(pixels) if photometric.startswith("YBR") else pixels,
        PhotometricInterpretation="RGB" if color else photometric,
        BitsStored=stored,
        PixelAspectRatio=_aspect(item),
        notes=notes,
    )


def _photometric(value: Value, *, color: bool, strict: bool) -> str:
    """Return the Photometric Interpretation in capitals. Raises `Refusal` for one that cannot be printed."""
    allowed = _COLOR if color else _GRAY
    found = value if strict or not isinstance(value, str) else value.upper()
    if not isinstance(found, str) or found not in allowed:
        raise _invalid("PhotometricInterpretation", f"{shown(value)}, not {', '.join(allowed)}")
    return found


def _to_rgb(ybr: Pixels) -> NDArray[np.uint8]:
    from .images.color import rgb_of  # not at the top: few films have such pixels, and the import takes 8 ms

    return rgb_of(ybr.astype(np.uint8, copy=False))


def _gray_pixels(item: Dataset, header: _Header, allocated: int) -> Pixels:
    """Return the pixels of a gray image.

    Without `pixel_array`, which looks up each attribute again, the SCP takes 5 % fewer Python calls for an image.
    """
    rows, columns, data = header["Rows"], header["Columns"], header["PixelData"]
    if (
        not (isinstance(rows, int) and isinstance(columns, int) and isinstance(data, bytes | memoryview))
        or min(rows, columns) < 1
        or len(data) < rows * columns * allocated // 8
        or not _UNUSUAL.isdisjoint(item.by_tag())
    ):
        return pixel_array(item)
    pixels: Pixels = unpack_pixels(data, (1, rows, columns, 1), allocated)[0]
    return pixels


def _check_planes(item: Dataset, photometric: str) -> None:
    """Raise `Refusal` if Planar Configuration does not say where the samples are: by plane or by pixel, PS3.3 C.13.5.

    YBR_FULL_422 needs none: it is always by pixel (C.7.6.3.1.3).
    """
    if photometric == "YBR_FULL_422":
        return
    if "PlanarConfiguration" not in item:
        raise _missing("PlanarConfiguration")
    if item.get("PlanarConfiguration") is None:
        raise _empty("PlanarConfiguration")
    if integer(item, "PlanarConfiguration") not in (0, 1):
        raise _invalid("PlanarConfiguration", f"{shown(item.get('PlanarConfiguration'))}, neither 0 nor 1")


def _check_excess(data: Value, pixels: NDArray[np.generic], photometric: str, *, strict: bool) -> tuple[str, ...]:
    """Return a note about padding after the pixels. Raises `Refusal` if Rows or Columns may be wrong, or if ``strict``.

    If Rows or Columns is too small by one, the data have a whole row or column more, and the film would show noise. So
    the excess is padding only if it is less than a row and a column, or if no larger image has as many bytes.
    """
    raw = data if isinstance(data, bytes | memoryview) else b""
    length, needed = len(raw), pixels.nbytes
    rows, columns = pixels.shape[:2]
    if photometric == "YBR_FULL_422" and is_subsampled(raw, rows * columns, 1):
        needed = needed // 3 * 2
    size = needed // max(rows * columns, 1)
    excess, shortest = length - needed - needed % 2, min(rows, columns) * size
    if excess <= 0:
        return ()
    words = f"{length} bytes where {rows} x {columns} pixels need {needed}"
    if strict or (excess > max(_ALWAYS_PADDING, shortest - 1) and _may_be_larger(length, needed, rows, columns, size)):
        raise _invalid("PixelData", words)
    return (f"PixelData: {words}: the rest is ignored (PS3.5 8.1.1)",)


def _may_be_larger(length: int, needed: int, rows: int, columns: int, size: int) -> bool:
    """Return whether ``length`` bytes may be a larger image, of ``size`` bytes per pixel, or two or more images."""
    if length >= 2 * needed:
        return True
    lengths = range(length - _ALWAYS_PADDING - 1, length + 1)  # the larger image may have padding, too
    counts = [each // size for each in lengths if each % size == 0]
    return any(not count % height for count in counts for height in range(rows, count // columns + 1))


def _check_numbers(header: _Header, **numbers: int) -> None:
    for keyword, number in numbers.items():
        if header[keyword] != number:
            raise _invalid(keyword, f"{shown(header[keyword])} instead of {number}")


def _integer(header: _Header, keyword: str) -> int:
    value = header[keyword]
    return value if isinstance(value, int) else -1


def _missing(keyword: str) -> Refusal:
    return refuse(MISSING_ATTRIBUTE, keyword, "is missing")


def _empty(keyword: str) -> Refusal:
    return refuse(MISSING_VALUE, keyword, "has no value")


def _invalid(keyword: str, comment: str) -> Refusal:
    return refuse(INVALID_VALUE, keyword, comment)


def _aspect(item: Dataset) -> tuple[int, int]:
    value = item.get("PixelAspectRatio")
    if value is None:
        return (1, 1)
    match value:
        case [int(vertical), int(horizontal)] if 0 < vertical <= _MAX_IS and 0 < horizontal <= _MAX_IS:
            if 1 / _MAX_ASPECT <= vertical / horizontal <= _MAX_ASPECT:
                return (int(vertical), int(horizontal))
    raise _invalid("PixelAspectRatio", f"{shown(value)}, not two numbers from 1:{_MAX_ASPECT} to {_MAX_ASPECT}:1")


# --- Presentation LUT ---


def lut_dataset(lut: PresentationLUT) -> Dataset:
    """Return the Data Set for N-CREATE of a Presentation LUT, PS3.4 Table H.4-23. Raises `EncodeError`."""
    if lut.table is None:
        if lut.shape not in LUT_SHAPES:
            raise EncodeError(f"{lut.shape!r} is not one of {', '.join(LUT_SHAPES)}", path="PresentationLUTShape")
        return Dataset(PresentationLUTShape=lut.shape)
    table = np.asarray(lut.table)
    if table.ndim != 1 or len(table) not in _LUT_ENTRIES:
        raise EncodeError(f"has shape {table.shape}, not 256 or 4096 entries (PS3.3 C.11.4)", path="LUTData")
    if lut.bits not in _LUT_BITS:
        raise EncodeError(f"{lut.bits} bits for each entry, not 10 to 16 (PS3.3 C.11.4)", path="LUTDescriptor")
    if table.min() < 0 or int(table.max()) >> lut.bits:
        what = f"has entries from {table.min()} to {table.max()}, which {lut.bits} bits cannot hold"
        raise EncodeError(f"{what} (PS3.3 C.11.4)", path="LUTData")
    item = Dataset(LUTDescriptor=[len(table), 0, lut.bits])
    item.add(Element(tag_of("LUTData"), "OW", table.astype("<u2").tobytes()))
    return Dataset(PresentationLUTSequence=[item])


def lut_from(attributes: Dataset) -> PresentationLUT:
    """Return the LUT of a request, PS3.3 C.11.4. Raises `Refusal`: 0120 if it is missing, 0106 if it is wrong."""
    shape, tables = text(attributes, "PresentationLUTShape"), items(attributes, "PresentationLUTSequence")
    if shape and tables:
        raise _invalid("PresentationLUTShape", "contradicts PresentationLUTSequence: only one is allowed")
    if shape:
        return PresentationLUT(shape=shape)
    if tables:
        return _read_table(tables[0])
    raise refuse(MISSING_ATTRIBUTE, "PresentationLUTShape", "and PresentationLUTSequence are missing")


def _read_table(item: Dataset) -> PresentationLUT:
    descriptor = item.get("LUTDescriptor")
    match descriptor:
        case [int(entries), 0, int(bits)] if entries in _LUT_ENTRIES and bits in _LUT_BITS:
            table = _p_values(item.get("LUTData"))
            if len(table) != entries:
                raise _invalid("LUTData", f"has {len(table)} entries, not {entries}")
            if table.max() >> bits:
                raise _invalid("LUTData", f"has {table.max()}, more than {bits} bits hold")
            return PresentationLUT(table=table, bits=bits)
    raise _invalid("LUTDescriptor", f"{shown(descriptor)}, not 256 or 4096, 0, 10 to 16 (PS3.3 C.11.4)")


def _p_values(data: Value) -> NDArray[np.uint16]:
    """Return the entries in LUT Data, which is US or OW. Raises `Refusal` for other data."""
    if isinstance(data, bytes | memoryview) and len(data) % 2 == 0:
        return np.frombuffer(data, "<u2").astype(np.uint16)
    if isinstance(data, list) and all(isinstance(entry, int) and 0 <= entry <= 0xFFFF for entry in data):
        return np.array(data, np.uint16)
    raise _invalid("LUTData", "is not a list of 16-bit numbers")


def read_lut(path: str | os.PathLike[str]) -> PresentationLUT:
    """Read a table from a file. Raises `EncodeError` if it is not a table, OSError if it cannot be read."""
    with Path(path).open(encoding="utf-8-sig", errors="replace") as file:
        lines = file.read(_MAX_FILE).splitlines()
    entries = []
    for number, line in enumerate(lines, 1):
        entry = line.partition("#")[0].strip()
        if not entry:
            continue
        if not (entry.isascii() and entry.isdecimal()) or len(entry) > 5 or int(entry) > 0xFFFF:
            raise EncodeError(f"line {number}: {entry[:20]!r} is not an entry, 0 to 65535", path=os.fspath(path))
        entries.append(int(entry))
    if len(entries) not in _LUT_ENTRIES:
        raise EncodeError(f"has {len(entries)} entries, not 256 or 4096 (PS3.3 C.11.4)", path=os.fspath(path))
    bits = max(_LUT_BITS[0], max(entries).bit_length())
    return PresentationLUT(table=np.array(entries, np.uint16), bits=bits)


# --- overlay ---


def overlay_dataset(overlay: Overlay) -> Dataset:
    """Return the Data Set for N-CREATE of an Image Overlay Box, PS3.4-1998 H.4.8.

    Raises `EncodeError` for pixels that are not a plane of up to 65535 rows and columns.
    """
    if overlay.pixels.ndim != 2 or not 0 < min(overlay.pixels.shape) <= max(overlay.pixels.shape) <= _MAX_SIDE:
        what = f"has shape {overlay.pixels.shape}, not 1 to {_MAX_SIDE} rows x 1 to {_MAX_SIDE} columns (PS3.3 C.9.2)"
        raise EncodeError(what, path="OverlayData")
    rows, columns = overlay.pixels.shape
    data = np.packbits(overlay.pixels.ravel(), bitorder="little").tobytes()
    plane = Dataset(
        OverlayRows=rows,
        OverlayColumns=columns,
        OverlayType="G",
        OverlayOrigin=list(overlay.origin),
        OverlayBitsAllocated=1,
        OverlayBitPosition=0,
        OverlayData=data + bytes(len(data) % 2),
    )
    dataset = Dataset(
        OverlayForegroundDensity=overlay.OverlayForegroundDensity,
        OverlayBackgroundDensity=overlay.OverlayBackgroundDensity,
        OverlayMagnificationType=overlay.OverlayMagnificationType,
        OverlayOrImageMagnification="IMAGE",
    )
    if overlay.OverlayBackgroundDensity is None:
        del dataset["OverlayBackgroundDensity"]
    dataset.OverlayPixelDataSequence = [plane]
    return dataset


def overlay_from(attributes: Dataset, planes: list[Dataset], before: Overlay | None) -> Overlay | None:
    """Return the overlay of a box, with the first of ``planes`` or else the plane of ``before``; None without a plane.

    Raises `Refusal` for a plane that cannot be read.
    """
    if planes:
        pixels, origin = _plane_bits(planes[0]), _origin(planes[0])
    elif before is not None:
        pixels, origin = before.pixels, before.origin
    else:
        return None
    return Overlay(
        pixels=pixels,
        origin=origin,
        OverlayForegroundDensity=text(attributes, "OverlayForegroundDensity", "WHITE"),
        OverlayBackgroundDensity=text(attributes, "OverlayBackgroundDensity") or None,
        OverlayMagnificationType=text(attributes, "OverlayMagnificationType", "REPLICATE"),
    )


def _origin(plane: Dataset) -> tuple[int, int]:
    match plane.get("OverlayOrigin"):
        case [int(row), int(column)] if row in _ORIGINS and column in _ORIGINS:
            return row, column
        case origin:
            raise _invalid("OverlayOrigin", f"{shown(origin)}, not row and column (PS3.3 C.9.2)")


def _plane_bits(plane: Dataset) -> NDArray[np.bool_]:
    """Return the plane in Overlay Data, PS3.3 C.9.2, as an array of bool with rows and columns.

    The data have one bit for each pixel, or a cell of 8 or 16 bits, one of which is the pixel. Raises `Refusal` if the
    attributes about the bits are wrong, if the plane has too many pixels, or if the data are too short.
    """
    rows, columns, allocated = (
        integer(plane, keyword) for keyword in ("OverlayRows", "OverlayColumns", "OverlayBitsAllocated")
    )
    position, value = integer(plane, "OverlayBitPosition"), plane.get("OverlayData")
    data = value if isinstance(value, bytes | memoryview) else b""
    if allocated not in (1, 8, 16):
        raise _invalid("OverlayBitsAllocated", f"{allocated}, not 1, 8 or 16")
    if not 0 <= position < allocated:
        what = f"{position}, not 0 to {allocated - 1} (OverlayBitsAllocated {allocated})"
        raise _invalid("OverlayBitPosition", what)
    if rows * columns > _MAX_PLANE:
        raise _invalid("OverlayRows", f"{rows} x OverlayColumns {columns} are more than {_MAX_PLANE} bits")
    needed = (rows * columns * allocated + 7) // 8
    if len(data) < needed:
        cell = "bits" if allocated == 1 else f"cells of {allocated} bits"
        raise _invalid("OverlayData", f"of {len(data)} bytes, where {rows} x {columns} {cell} need {needed}")
    cells = np.frombuffer(data[:needed], np.uint8 if allocated == 1 else f"<u{allocated // 8}")
    bits = np.empty(rows * columns, np.bool_)
    for start in range(0, len(bits), _BLOCK):
        block = bits[start : start + _BLOCK]
        if allocated == 1:
            octets = cells[start // 8 : (start + _BLOCK) // 8]
            block[:] = np.unpackbits(octets, count=len(block), bitorder="little")
        else:
            np.not_equal(cells[start : start + _BLOCK] & (1 << position), 0, out=block)
    return bits.reshape(rows, columns)
