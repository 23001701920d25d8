"""The item of an image box's image sequence: written from a `PrintImage`, and read into one.

PS3.3 C.13.5 allows gray of 8 bits or of 12 in 16, and RGB of 8 bits by planes. That is what is
written. What is read may also be what modalities send though they must not: gray of any depth
from 8 to 16 bits, colour by pixel, YBR_FULL and YBR_FULL_422.
"""

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, tag_of
from dimse.data.dictionary import keyword_of
from dimse.data.pixels import pixel_array
from dimse.errors import DecodeError, ServiceError

from .film import PrintImage
from .images.color import rgb_of
from .typed import integer, text

__all__ = ["from_item", "to_item"]

_MISSING, _NO_VALUE, _INVALID = 0x0120, 0x0121, 0x0106

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
_STEEPEST_ASPECT = 100  # a pixel longer than that is a mistake, or an attack on the renderer
_LARGEST_IS = 2**31 - 1  # PS3.5 §6.2
_LEAST_EXCESS = 2  # bytes behind the pixels, and one to make their number even: padding, however small the image
_GRAY, _COLOR = ("MONOCHROME1", "MONOCHROME2"), ("RGB", "YBR_FULL", "YBR_FULL_422")


def to_item(image: PrintImage) -> Dataset:
    """The item for ``image``. Gray pixels are not copied; colour is split into planes."""
    rows, columns = image.pixels.shape[:2]
    is_color = image.pixels.ndim == 3
    item = Dataset(
        SamplesPerPixel=3 if is_color else 1,
        PhotometricInterpretation=image.PhotometricInterpretation,
        Rows=rows,
        Columns=columns,
        BitsAllocated=8 * image.pixels.itemsize,
        BitsStored=image.BitsStored,
        HighBit=image.BitsStored - 1,
        PixelRepresentation=0,
    )
    if is_color:
        item.PlanarConfiguration = 1
    if image.PixelAspectRatio != (1, 1):
        item.PixelAspectRatio = list(image.PixelAspectRatio)
    pixels = np.moveaxis(image.pixels, -1, 0) if is_color else image.pixels
    item.PixelData = np.ascontiguousarray(pixels)
    return item


def from_item(item: Dataset, *, color: bool, strict: bool = False) -> PrintImage:
    """The image of ``item``, for a color or a grayscale image box. Gray pixels are a view.

    Padding behind the pixels is passed over (PS3.5 8.1.1), unless ``strict``, and told in ``notes``.
    Raises `ServiceError`: 0120 for what is missing, 0121 for what has no value, 0106 for what cannot be printed.
    """
    for keyword in _REQUIRED:
        if keyword not in item:
            raise _refused(_MISSING, "Missing attribute", keyword, "is missing")
    try:
        for keyword in _REQUIRED:
            if keyword != "PixelData" and item.get(keyword) is None:
                raise _refused(_NO_VALUE, "Missing attribute value", keyword, "has no value")
        return _read(item, color=color, strict=strict)
    except DecodeError as exc:
        raise _invalid(keyword_of(exc.tag or 0) or "PixelData", exc.what) from exc


def _read(item: Dataset, *, color: bool, strict: bool) -> PrintImage:
    photometric = text(item, "PhotometricInterpretation")
    if photometric not in (_COLOR if color else _GRAY):
        raise _invalid("PhotometricInterpretation", f"{photometric!a}")
    _expect(item, "SamplesPerPixel", 3 if color else 1)
    allocated, stored = integer(item, "BitsAllocated"), integer(item, "BitsStored")
    if allocated not in ((8,) if color else (8, 16)) or not 8 <= stored <= allocated:
        raise _invalid("BitsAllocated", f"{allocated} with BitsStored {stored}")
    _expect(item, "HighBit", stored - 1)
    _expect(item, "PixelRepresentation", 0)
    if photometric == "YBR_FULL_422" and integer(item, "Columns") % 2:
        raise _invalid("Columns", f"{integer(item, 'Columns')} of YBR_FULL_422 is odd")
    if color:
        _check_planes(item, photometric)
    pixels = pixel_array(item)
    notes = _check_excess(item, pixels, photometric, strict=strict)
    if pixels.size == 0 or pixels.ndim != (3 if color else 2):
        raise _invalid("Rows", f"{integer(item, 'Rows')} with Columns {integer(item, 'Columns')} make no image")
    return PrintImage(
        pixels=rgb_of(pixels.astype(np.uint8, copy=False)) if photometric.startswith("YBR") else pixels,
        PhotometricInterpretation="RGB" if color else photometric,
        BitsStored=stored,
        PixelAspectRatio=_aspect(item),
        notes=notes,
    )


def _check_planes(item: Dataset, photometric: str) -> None:
    """See that it is said whether colours lie by plane or by pixel, PS3.3 C.13.5: either way is as long.

    Pairs of pixels that share their chrominances lie by pixel whatever is said (C.7.6.3.1.3).
    """
    if photometric == "YBR_FULL_422":
        return
    if "PlanarConfiguration" not in item:
        raise _refused(_MISSING, "Missing attribute", "PlanarConfiguration", "is missing")
    if item.get("PlanarConfiguration") is None:
        raise _refused(_NO_VALUE, "Missing attribute value", "PlanarConfiguration", "has no value")
    if integer(item, "PlanarConfiguration") not in (0, 1):
        raise _invalid("PlanarConfiguration", f"{integer(item, 'PlanarConfiguration')}, neither 0 nor 1")


def _check_excess(item: Dataset, pixels: NDArray[np.generic], photometric: str, *, strict: bool) -> tuple[str, ...]:
    """Return a note of padding behind the pixels. Raises `ServiceError` where Rows or Columns must be wrong.

    Were they off by one, there would be a row or a column more than they say, and noise on the film.
    """
    data = item.get("PixelData")
    has = len(data) if isinstance(data, bytes | memoryview) else 0
    needed = pixels.nbytes
    if photometric == "YBR_FULL_422" and has < needed:
        needed = needed // 3 * 2
    rows, columns = pixels.shape[:2]
    excess, least = has - needed - needed % 2, min(rows, columns) * (needed // max(rows * columns, 1))
    if excess <= 0:
        return ()
    words = f"{has} bytes where {rows} x {columns} pixels need {needed}"
    if strict or excess > max(_LEAST_EXCESS, least - 1):
        raise _invalid("PixelData", words)
    return (f"PixelData: {words}: the rest is passed over (PS3.5 8.1.1)",)


def _expect(item: Dataset, keyword: str, value: int) -> None:
    found = integer(item, keyword)
    if found != value:
        raise _invalid(keyword, f"{found}, where {value} is right")


def _invalid(keyword: str, comment: str) -> ServiceError:
    return _refused(_INVALID, "Invalid attribute value", keyword, comment)


def _refused(status: int, meaning: str, keyword: str, comment: str) -> ServiceError:
    """The error for an attribute of the item; ``comment`` follows its keyword."""
    return ServiceError(status, meaning, comment=f"{keyword} {comment}", offending=(tag_of(keyword),))


def _aspect(item: Dataset) -> tuple[int, int]:
    value = item.get("PixelAspectRatio")
    if value is None:
        return (1, 1)
    match value:
        case [int(vertical), int(horizontal)] if 0 < vertical <= _LARGEST_IS and 0 < horizontal <= _LARGEST_IS:
            if 1 / _STEEPEST_ASPECT <= vertical / horizontal <= _STEEPEST_ASPECT:
                return (int(vertical), int(horizontal))
    raise _invalid("PixelAspectRatio", f"{value!a}")
