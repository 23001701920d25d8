"""The item of an image box's image sequence: written from a `PrintImage`, and read into one.

PS3.3 C.13.5 allows gray of 8 bits or of 12 in 16, and RGB of 8 bits by planes. That is what is
written. What is read may also be what modalities send though they must not: gray of any depth
from 8 to 16 bits, colour by pixel, YBR_FULL and YBR_FULL_422.
"""

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, Finding, tag_of
from dimse.data.dictionary import keyword_of
from dimse.data.pixels import pixel_array
from dimse.errors import DecodeError, ServiceError

from ..film import PrintImage
from ..typed import integer, text
from .color import rgb_of

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


def from_item(item: Dataset, *, color: bool) -> PrintImage:
    """The image of ``item``, for a color or a grayscale image box. Gray pixels are a view.

    Raises `ServiceError`: 0120 for what is missing, 0121 for what has no value, 0106 for what cannot be printed.
    """
    for keyword in _REQUIRED:
        if keyword not in item:
            raise _refused(_MISSING, "Missing attribute", keyword, "is missing")
    try:
        for keyword in _REQUIRED:
            if keyword != "PixelData" and item.get(keyword) is None:
                raise _refused(_NO_VALUE, "Missing attribute value", keyword, "has no value")
        return _read(item, color=color)
    except DecodeError as exc:
        raise _invalid(keyword_of(exc.tag or 0) or "PixelData", exc.what) from exc


def _read(item: Dataset, *, color: bool) -> PrintImage:
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
    excess: list[Finding] = []
    pixels = pixel_array(item, report=excess)
    if excess:  # Rows or Columns are wrong, so this would print as noise
        raise _invalid("PixelData", excess[0].what)
    if pixels.size == 0 or pixels.ndim != (3 if color else 2):
        raise _invalid("Rows", f"{integer(item, 'Rows')} with Columns {integer(item, 'Columns')} make no image")
    return PrintImage(
        pixels=rgb_of(pixels.astype(np.uint8, copy=False)) if photometric.startswith("YBR") else pixels,
        PhotometricInterpretation="RGB" if color else photometric,
        BitsStored=stored,
        PixelAspectRatio=_aspect(item),
    )


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
        case [int(vertical), int(horizontal)] if vertical > 0 and horizontal > 0:
            if 1 / _STEEPEST_ASPECT <= vertical / horizontal <= _STEEPEST_ASPECT:
                return (int(vertical), int(horizontal))
    raise _invalid("PixelAspectRatio", f"{value!a}")
