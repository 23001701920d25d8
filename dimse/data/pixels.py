"""Conversion of native Pixel Data to arrays and back: PS3.5 §8.1 and §8.2, PS3.3 §C.7.6.3, and §C.7.6.24 for floats.

Only this module of `dimse` uses numpy. Its functions import numpy, so that `import dimse` does not.
"""

from typing import TYPE_CHECKING, Any

from ..errors import DecodeError, EncodeError, Finding, shown
from .dataset import Dataset
from .dictionary import tag_of
from .frames import frame_count
from .source import path_of, place_of
from .syntax import TransferSyntax
from .vr import row_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["is_subsampled", "pixel_array", "set_pixels", "unpack_pixels"]

_RULE = "PS3.3 §C.7.6.3"
_KINDS = {0: "u", 1: "i"}  # kinds of dtype by Pixel Representation
_ONE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_WIDTHS = (8, 16, 32)  # values of Bits Allocated that are whole bytes
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}  # bits per pixel
_PADDING = 3  # up to this many bytes after the last frame are always padding
_SUBSAMPLED = ("YBR_FULL_422", "YBR_PARTIAL_422")  # two pixels share Cb and Cr, PS3.3 §C.7.6.3.1.2


def pixel_array(
    dataset: Dataset, syntax: TransferSyntax | None = None, *, report: list[Finding] | None = None
) -> "npt.NDArray[Any]":
    """Return the stored values of native Pixel Data: HxW, or HxWxS for S samples; several frames add an axis in front.

    The dtype follows Bits Allocated and Pixel Representation: unsigned or signed integers of 8, 16 or 32 bits. 1-bit
    pixels become uint8, Float Pixel Data becomes float32, and Double Float Pixel Data becomes float64. The array is a
    view of the bytes, except for 1-bit pixels and for pixels that share Cb and Cr. Bits above Bits Stored are
    unchanged. ``report`` receives a finding if bytes follow the pixels. The error for compressed Pixel Data names
    ``syntax``.

    Raises DecodeError for compressed Pixel Data, for missing or contradictory attributes, and for too few bytes.
    """
    keyword = next((keyword for keyword in _FLOATS if keyword in dataset), "PixelData")
    raw = _native_bytes(dataset, keyword, syntax)
    rows, columns = _positive_in(dataset, "Rows"), _positive_in(dataset, "Columns")
    frames, samples = frame_count(dataset) or 1, _positive_in(dataset, "SamplesPerPixel", 1)
    bits = _FLOATS.get(keyword) or _positive_in(dataset, "BitsAllocated")
    count = frames * rows * columns * samples
    size = (count * bits + 7) // 8
    photometric = dataset.get("PhotometricInterpretation")
    subsampled = samples * bits == 24 and photometric in _SUBSAMPLED and is_subsampled(raw, rows * columns, frames)
    if subsampled and columns % 2:
        raise _error(dataset, "Columns", f"{columns} is odd, but two pixels of {photometric!s} share Cb and Cr")
    size = size // 3 * 2 if subsampled else size
    what = f"{frames} frame{'s' * (frames != 1)} of {rows} x {columns} x {samples} at {bits} bits"
    comparison = f"{len(raw)} bytes, but {what} need{'s' * (frames == 1)} {size}"
    if len(raw) < size:
        raise _error(dataset, keyword, comparison)
    if len(raw) > size + size % 2 and report is not None:  # one byte makes an odd length even
        report.append(Finding(_path(dataset, keyword), None, _RULE, comparison))
    if keyword == "PixelData" and bits not in (1, *_WIDTHS):
        raise _error(dataset, "BitsAllocated", f"{bits} is not 1, 8, 16 or 32")
    kind = "f" if keyword in _FLOATS else _KINDS[_integer_in(dataset, "PixelRepresentation", 0) & 1]
    planar = samples > 1 and _integer_in(dataset, "PlanarConfiguration", 0) == 1
    pixels = unpack_pixels(raw, (frames, rows, columns, samples), bits, kind=kind, planar=planar, subsampled=subsampled)
    return pixels[0] if frames == 1 else pixels


def is_subsampled(raw: bytes | memoryview, pixels: int, frames: int) -> bool:
    """Return whether two pixels of native YBR_FULL_422 share Cb and Cr, as PS3.3 §C.7.6.3.1.2 requires.

    Some equipment writes three bytes per pixel. Then ``raw`` has three bytes for each of the ``pixels`` in each of the
    ``frames``, and only padding after them. More than three bytes after them are padding only if they are zeros, or if
    ``raw`` is not a whole number of frames with two bytes per pixel.
    """
    import numpy as np

    full = 3 * pixels * frames
    if len(raw) <= full + _PADDING:
        return len(raw) < full
    return len(raw) % (2 * pixels) <= 1 and bool(np.frombuffer(raw, np.uint8, offset=full).any())


def unpack_pixels(
    raw: bytes | memoryview,
    shape: tuple[int, int, int, int],
    bits: int,
    *,
    start: int = 0,
    kind: str = "u",
    planar: bool = False,
    subsampled: bool = False,
) -> "npt.NDArray[Any]":
    """Return native pixels as an array: FxHxW, or FxHxWxS for more than one sample (PS3.5 §8.1.1, PS3.3 §C.7.6.3.1).

    ``shape`` is F, H, W, S. A sample has ``bits`` bits: 1 to 32 for integers (``kind`` "u" or "i"), 32 or 64 for floats
    ("f"). Samples of 8, 16, 32 and 64 bits are a view of ``raw``; all others are unpacked, the lowest bit first, into
    unsigned integers, and begin at the bit ``start`` of the first byte. With ``planar``, the samples lie plane by
    plane. With ``subsampled``, two pixels have the samples Y Y Cb Cr, which become Y Cb Cr for each pixel; ``planar``
    is then ignored. ``raw`` may be longer than the pixels.
    """
    import numpy as np

    frames, rows, columns, samples = shape
    count = frames * rows * columns * samples
    if subsampled:  # with an index instead of `take`, this and the reshape below take twice as long
        pairs = np.frombuffer(raw, np.uint8, count // 3 * 2).reshape(-1, 4)
        pixels = pairs.take((0, 2, 3, 1, 2, 3), axis=1)
    elif bits in (*_WIDTHS, 64):
        pixels = np.frombuffer(raw, f"<{kind}{bits // 8}", count)
    else:
        pixels = _unpack_bits(raw, start, bits, count)
    if planar and not subsampled:
        return pixels.reshape(frames, samples, rows, columns).transpose(0, 2, 3, 1)
    return pixels.reshape(shape if samples > 1 else shape[:3])


def set_pixels(
    dataset: Dataset,
    array: "npt.NDArray[np.integer] | npt.NDArray[np.floating] | npt.NDArray[np.bool]",
    *,
    photometric: str,
    bits_stored: int | None = None,
    planar: int = 0,
) -> None:
    """Set the pixels of a Data Set, and the attributes of the Image Pixel module that describe them.

    ``array`` is HxW if ``photometric`` is MONOCHROME1, MONOCHROME2 or PALETTE COLOR, otherwise HxWx3; several frames
    add an axis in front. Integers of 8, 16 or 32 bits, and booleans, which take one bit, become Pixel Data; floats of
    32 or 64 bits become Float or Double Float Pixel Data. The value is a view of the array, and not a copy, if the
    bytes of the array have the order of the file. ``bits_stored`` is Bits Stored of integers; None means all bits.
    ``planar=1`` writes one plane after the other. Raises EncodeError, and changes nothing, for any other array or
    ``planar``, for more bits stored than the array has, and for a ``photometric`` whose pixels share Cb and Cr.
    """
    _check_description(photometric, planar)
    color = photometric not in _ONE_SAMPLE
    if array.ndim - color not in (2, 3) or (color and array.shape[-1] != 3) or not array.size:
        raise EncodeError(f"{photometric} pixels cannot be an array of shape {array.shape}", path="PixelData")
    keyword, bits = _element_for(array.dtype)
    stored = bits if bits_stored is None else bits_stored
    if not 0 < stored <= bits:
        raise EncodeError(f"{stored} bits cannot be stored in {bits}", path="BitsStored")
    frames = array.ndim - color == 3
    is_integer = keyword == "PixelData"
    attributes = {
        "SamplesPerPixel": 3 if color else 1,
        "PhotometricInterpretation": photometric,
        "PlanarConfiguration": planar if color else None,
        "NumberOfFrames": len(array) if frames else None,
        "Rows": array.shape[frames],
        "Columns": array.shape[frames + 1],
        "BitsAllocated": bits,
        "BitsStored": stored if is_integer else None,
        "HighBit": stored - 1 if is_integer else None,
        "PixelRepresentation": int(array.dtype.kind == "i") if is_integer else None,
        **dict.fromkeys(("PixelData", *_FLOATS)),
    }
    made = Dataset(**{name: value for name, value in attributes.items() if value is not None})
    made[keyword] = _in_file_order(array, color and planar == 1)
    for name in attributes:
        if name in dataset:
            del dataset[name]
    dataset.update(made)


def _check_description(photometric: str, planar: int) -> None:
    """Raise EncodeError if these values cannot describe the pixels of an array."""
    if planar not in (0, 1):
        raise EncodeError(f"{shown(planar)} is neither 0 nor 1", path="PlanarConfiguration")
    if photometric in _SUBSAMPLED:
        what = f"two pixels of {photometric} share Cb and Cr, but each pixel of an array has its own"
        raise EncodeError(what, path="PhotometricInterpretation")


# Reading


def _native_bytes(dataset: Dataset, keyword: str, syntax: TransferSyntax | None) -> memoryview | bytes:
    value = dataset.get(keyword)
    if isinstance(value, (memoryview, bytes)):
        return value
    vr = dataset[keyword].VR if keyword in dataset and value is not None else ""
    if vr and row_of(vr).kind != "stream":
        raise _error(dataset, keyword, f"VR {vr} cannot hold pixels")
    if vr or (syntax is not None and syntax.encapsulated):
        name = f" ({syntax.name})" if syntax else ""
        raise _error(dataset, keyword, f"native pixels are needed, not compressed Pixel Data{name}")
    raise _error(dataset, keyword, "the attribute is missing")


def _unpack_bits(raw: memoryview | bytes, start: int, bits: int, count: int) -> "npt.NDArray[Any]":
    import numpy as np

    octets = np.frombuffer(raw, np.uint8, (start + count * bits + 7) // 8)
    single = np.unpackbits(octets, bitorder="little")[start:][: count * bits]
    if bits == 1:
        return single
    width = next(width for width in _WIDTHS if width >= bits)
    wide = np.zeros((count, width), np.uint8)
    wide[:, :bits] = single.reshape(count, bits)
    return np.packbits(wide, bitorder="little").view(f"<u{width // 8}")


def _integer_in(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    value = dataset.get(keyword)
    if value is None:
        value = default
    if not isinstance(value, int):
        raise _error(dataset, keyword, "the attribute is missing" if value is None else "the value is not one integer")
    return value


def _positive_in(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    number = _integer_in(dataset, keyword, default)
    if number < 1:
        raise _error(dataset, keyword, f"{number} is less than 1")
    return number


def _error(dataset: Dataset, keyword: str, what: str) -> DecodeError:
    return DecodeError(what, path=_path(dataset, keyword), rule=_RULE)


def _path(dataset: Dataset, keyword: str) -> str:
    return f"{path_of(place_of(dataset._origin), tag_of(keyword))} {keyword}"


# Writing


def _element_for(dtype: "np.dtype[Any]") -> tuple[str, int]:
    """Return the keyword of the element for pixels of a dtype, and the bits per pixel."""
    bits = dtype.itemsize * 8
    if dtype.kind == "b":
        return "PixelData", 1
    if dtype.kind in _KINDS.values() and bits in _WIDTHS:
        return "PixelData", bits
    for keyword, width in _FLOATS.items():
        if dtype.kind == "f" and bits == width:
            return keyword, bits
    what = f"pixels must be bool, integers of 8, 16 or 32 bits, or floats of 32 or 64 bits, not {dtype}"
    raise EncodeError(what, path="PixelData")


def _in_file_order(array: "npt.NDArray[Any]", by_plane: bool) -> "npt.NDArray[Any]":
    """Return the pixels in the order of the file."""
    import numpy as np

    laid_out = np.moveaxis(array, -1, -3) if by_plane else array
    if array.dtype.kind != "b":
        return np.ascontiguousarray(laid_out, f"<{array.dtype.kind}{array.itemsize}")
    packed = np.packbits(laid_out, bitorder="little")
    return np.append(packed, np.zeros(packed.size % 2, np.uint8))
