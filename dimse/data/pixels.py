"""Native Pixel Data to arrays and back: PS3.5 §8.1 and §8.2, PS3.3 §C.7.6.3.

The only numpy in this package. It is imported in the functions that need it, so that talking DICOM does not.
"""

from typing import TYPE_CHECKING, Any

from ..errors import DecodeError, EncodeError
from .dataset import Dataset, path_of
from .dictionary import tag_of
from .syntax import TransferSyntax

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["pixel_array", "set_pixels"]

_KINDS = {0: "u", 1: "i"}  # by Pixel Representation
_ONE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_WIDTHS = (8, 16, 32)  # Bits Allocated of whole bytes


def pixel_array(dataset: Dataset, syntax: TransferSyntax | None = None) -> "npt.NDArray[Any]":
    """The stored values of native Pixel Data: HxW, or HxWx3 for colour; of several frames FxHxW, FxHxWx3.

    The dtype is unsigned or signed, of 8, 16 or 32 bits, as Bits Allocated and Pixel Representation say; 1-bit pixels
    become uint8. It is a view of the bytes, but for 1-bit pixels; bits above Bits Stored are as they came.
    ``syntax`` names, in the error, what the pixels are compressed with. Raises DecodeError for compressed Pixel Data,
    for attributes that are missing or contradict each other, and for data of any other length than they say.
    """
    import numpy as np

    raw = _raw(dataset, syntax)
    rows, columns = _count(dataset, "Rows"), _count(dataset, "Columns")
    frames, samples = _count(dataset, "NumberOfFrames", 1), _count(dataset, "SamplesPerPixel", 1)
    bits = _count(dataset, "BitsAllocated")
    planar = samples > 1 and _number(dataset, "PlanarConfiguration", 0) == 1
    count = frames * rows * columns * samples
    size = (count * bits + 7) // 8
    if len(raw) not in (size, size + size % 2):  # one byte makes an odd length even
        said = f"{frames} frames of {rows} x {columns} x {samples} at {bits} bits"
        raise _wrong(dataset, "PixelData", f"{len(raw)} bytes where {said} need {size}")
    if bits == 1:
        pixels = np.unpackbits(np.frombuffer(raw, np.uint8), bitorder="little")
    elif bits in _WIDTHS:
        dtype = np.dtype(f"<{_KINDS[_number(dataset, 'PixelRepresentation', 0) & 1]}{bits // 8}")
        pixels = np.frombuffer(raw[:size], dtype)
    else:
        raise _wrong(dataset, "BitsAllocated", f"{bits} is not 1, 8, 16 or 32")
    shape = (frames, samples, rows, columns) if planar else (frames, rows, columns, samples)
    pixels = pixels[:count].reshape(shape)
    pixels = pixels.transpose(0, 2, 3, 1) if planar else pixels
    pixels = pixels[..., 0] if samples == 1 else pixels
    return pixels[0] if frames == 1 else pixels


def set_pixels(
    dataset: Dataset,
    array: "npt.NDArray[np.integer]",
    *,
    photometric: str,
    bits_stored: int | None = None,
    planar: int = 0,
) -> None:
    """Put an image into a Data Set: Pixel Data and the attributes of the Image Pixel module that describe it.

    ``array`` is HxW, or HxWx3 where ``photometric`` is not MONOCHROME1, MONOCHROME2 or PALETTE COLOR; with one axis
    more in front for frames. Integers of 8, 16 or 32 bits. Pixel Data is the array itself where its bytes lie as they
    are written. ``planar`` 1 writes one plane after the other. Raises EncodeError for any other array.
    """
    import numpy as np

    colour = photometric not in _ONE_SAMPLE
    if array.ndim - colour not in (2, 3) or (colour and array.shape[-1] != 3) or not array.size:
        raise EncodeError(f"an array of shape {array.shape} is no {photometric} image", path="PixelData")
    bits = array.itemsize * 8
    if array.dtype.kind not in _KINDS.values() or bits not in _WIDTHS:
        raise EncodeError(f"pixels are integers of 8, 16 or 32 bits, not {array.dtype}", path="PixelData")
    stored = bits if bits_stored is None else bits_stored
    if not 0 < stored <= bits:
        raise EncodeError(f"{stored} bits cannot be stored in {bits}", path="BitsStored")
    frames = array.ndim - colour == 3
    rows, columns = array.shape[frames : frames + 2]
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = photometric
    _set_or_drop(dataset, "PlanarConfiguration", planar if colour else None)
    _set_or_drop(dataset, "NumberOfFrames", len(array) if frames else None)
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, stored, stored - 1
    dataset.PixelRepresentation = int(array.dtype.kind == "i")
    laid_out = np.moveaxis(array, -1, -3) if colour and planar else array
    dataset.PixelData = np.ascontiguousarray(laid_out, f"<{array.dtype.kind}{array.itemsize}")


def _raw(dataset: Dataset, syntax: TransferSyntax | None) -> memoryview | bytes:
    value = dataset.get("PixelData")
    if isinstance(value, list) or (syntax is not None and syntax.encapsulated):
        raise _wrong(dataset, "PixelData", f"compressed Pixel Data{f' ({syntax.name})' if syntax else ''}")
    if not isinstance(value, (memoryview, bytes)):
        raise _wrong(dataset, "PixelData", "is missing")
    return value


def _number(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    value = dataset.get(keyword)
    if value is None:
        value = default
    if not isinstance(value, int):
        raise _wrong(dataset, keyword, "is missing" if value is None else "is not one integer")
    return value


def _count(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    number = _number(dataset, keyword, default)
    if number < 1:
        raise _wrong(dataset, keyword, f"{number} is less than 1")
    return number


def _wrong(dataset: Dataset, keyword: str, what: str) -> DecodeError:
    return DecodeError(what, path=f"{path_of(dataset._origin[1], tag_of(keyword))} {keyword}")


def _set_or_drop(dataset: Dataset, keyword: str, value: int | None) -> None:
    if value is not None:
        dataset[keyword] = value
    elif keyword in dataset:
        del dataset[keyword]
