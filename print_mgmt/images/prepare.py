"""What a user has becomes what an image box takes (PS3.4 H.2.1, PS3.3 C.13.5).

An *image* is an array, a Data Set that holds one, or the path of a DICOM file. Everything that belongs to
the image and not to the film is settled here, since a printer knows none of it: bits and sign, rescale,
window, Planar Configuration, and the aspect of the pixels. What comes out is MONOCHROME1 or MONOCHROME2 of
8 or 12 bits over their full range, or RGB of 8 bits.

The range of an array follows from its dtype, never from the values in it: uint8 is 0 to 255, uint16 is 0
to 65535, floats are 0 to 1; 0 is black.
"""

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dimse.data import Dataset, TransferSyntax
from dimse.data.part10 import read_file
from dimse.data.pixels import pixel_array
from dimse.errors import DecodeError, DimseError

from ..film.sheet import PrintImage
from .curves import Cells, colour, grayscale, quantised
from .errors import ImageError
from .frame import Frame

__all__ = ["prepare"]

_SAMPLES = {"MONOCHROME1": 1, "MONOCHROME2": 1, "RGB": 3}  # per pixel, by Photometric Interpretation
_ASPECTS = ("PixelAspectRatio", "PixelSpacing", "ImagerPixelSpacing")  # all vertical, horizontal
_FINEST_ASPECT = 1000  # denominator: finer than any film shows
_STEEPEST_ASPECT = 100
_LUMA = (0.299, 0.587, 0.114)  # red, green, blue in Y of YBR_FULL, PS3.3 C.7.6.3.1.2


def prepare(
    image: NDArray[np.generic] | Dataset | str | os.PathLike[str],
    *,
    color: bool = False,
    bits: Literal[8, 12] = 8,
    frame: int = 1,
) -> PrintImage:
    """Make an image ready for an image box.

    An array is gray HxW or colour HxWx3, of uint8, uint16 or floats. With ``color`` the result is RGB of 8
    bits whatever the image; without, it is gray of ``bits``. ``frame`` counts from 1. Raises ImageError
    where the image cannot be printed, and OSError where the file cannot be read.

    Pixels that are right as they are, such as a uint8 array, are not copied.
    """
    if bits not in (8, 12):
        raise ImageError(f"bits {bits!r}: an image box takes 8 or 12 (PS3.3 C.13.5)")
    try:
        picture = _picture(image, frame)
    except DecodeError as exc:
        raise ImageError(str(exc)) from exc
    return _in_color(picture) if color else _in_gray(picture, bits)


@dataclass(frozen=True, slots=True)
class _Picture:
    """Pixels as codes, HxW or HxWx3, and the brightness 0 to 1 that each code stands for."""

    codes: NDArray[np.uint8 | np.uint16]
    curve: NDArray[np.float64]
    photometric: str
    aspect: tuple[int, int] = (1, 1)

    def at(self, bits: int) -> NDArray[np.uint8 | np.uint16]:
        """Return the pixels over the full range of so many bits: the codes themselves where they are that."""
        table = _rounded(self.curve, bits)
        if table.dtype == self.codes.dtype and np.array_equal(table, np.arange(table.size)):
            return self.codes
        return table.take(self.codes)  # half the time of table[codes]


def _rounded(seen: NDArray[np.float64], bits: int) -> NDArray[np.uint8 | np.uint16]:
    return np.floor(seen * ((1 << bits) - 1) + 0.5).astype(np.uint8 if bits <= 8 else np.uint16)


def _in_gray(picture: _Picture, bits: int) -> PrintImage:
    pixels, photometric = picture.codes, picture.photometric
    if photometric == "RGB":
        red, green, blue = ((picture.curve * part)[pixels[..., i]] for i, part in enumerate(_LUMA))
        pixels, photometric = _rounded(red + green + blue, bits), "MONOCHROME2"
    else:
        pixels = picture.at(bits)
    return PrintImage(
        pixels=pixels, PhotometricInterpretation=photometric, BitsStored=bits, PixelAspectRatio=picture.aspect
    )


def _in_color(picture: _Picture) -> PrintImage:
    if picture.photometric == "MONOCHROME1":
        picture = replace(picture, curve=1 - picture.curve)
    pixels = picture.at(8)
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, axis=2)
    return PrintImage(pixels=pixels, PhotometricInterpretation="RGB", PixelAspectRatio=picture.aspect)


def _picture(image: NDArray[np.generic] | Dataset | str | os.PathLike[str], frame: int) -> _Picture:
    match image:
        case np.ndarray():
            return _from_array(image)
        case Dataset():
            return _from_dataset(Frame(image, frame), None)
        case _:
            return _from_file(image, frame)


def _from_array(array: NDArray[np.generic]) -> _Picture:
    if array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)) or array.size == 0:
        raise ImageError(f"an array of shape {array.shape} is not gray HxW or colour HxWx3")
    photometric = "MONOCHROME2" if array.ndim == 2 else "RGB"
    match array.dtype.kind, array.itemsize:
        case "u", (1 | 2) as octets:
            curve = np.arange(1 << 8 * octets) / ((1 << 8 * octets) - 1)
            return _Picture(array.astype(f"u{octets}", copy=False), curve, photometric)
        case "f", _:
            low, high = array.min(), array.max()
            if not (low >= 0 and high <= 1):
                raise ImageError(f"floats must be 0 to 1, not {low:g} to {high:g}: scale them first")
            return _Picture(*quantised(array.astype(np.float64)), photometric)
    raise ImageError(f"an array of {array.dtype}, not of uint8, uint16 or floats: scale and convert it first")


def _from_file(path: str | os.PathLike[str], frame: int) -> _Picture:
    try:
        file = read_file(path)
        return _from_dataset(Frame(file.dataset, frame), file.syntax)
    except DimseError as exc:
        raise ImageError(f"{os.fspath(path)}: {exc}") from exc


def _from_dataset(frame: Frame, syntax: TransferSyntax | None) -> _Picture:
    if "PixelData" not in frame.dataset:
        raise ImageError("no Pixel Data (7FE0,0010): not an image")
    if syntax is not None and syntax.encapsulated:
        raise ImageError(f"compressed Pixel Data ({syntax.name}): decompress it first")
    photometric = frame.text("PhotometricInterpretation")
    if photometric not in _SAMPLES:
        known = ", ".join(_SAMPLES)
        raise ImageError(f"PhotometricInterpretation {photometric!r} is not one of {known}: convert it first")
    samples = frame.first("SamplesPerPixel", 1)
    if samples != _SAMPLES[photometric]:
        raise ImageError(f"SamplesPerPixel {samples:g} does not go with {photometric}")
    cells = _cells(frame, syntax)
    codes, curve = grayscale(cells, frame) if photometric != "RGB" else colour(cells, frame)
    return _Picture(codes, curve, photometric, _aspect(frame))


def _cells(frame: Frame, syntax: TransferSyntax | None) -> Cells:
    """Return one frame of Pixel Data as unsigned integers, HxW or HxWx3."""
    pixels = pixel_array(frame.dataset, syntax)
    dimensions = 2 if frame.first("SamplesPerPixel", 1) == 1 else 3
    frames = pixels if pixels.ndim > dimensions else pixels[np.newaxis]
    if not 1 <= frame.number <= len(frames):
        raise ImageError(f"frame {frame.number} of an image of {len(frames)}")
    one = frames[frame.number - 1]
    cells: Cells = one.astype(one.dtype.newbyteorder("="), copy=False).view(f"u{one.itemsize}")
    return cells


def _aspect(frame: Frame) -> tuple[int, int]:
    """Return vertical, horizontal size of a pixel as small integers, PS3.3 C.7.6.3.1.7."""
    for keyword in _ASPECTS:
        sizes = frame.numbers(keyword)
        if len(sizes) == 2 and min(sizes) > 0:
            ratio = Fraction(sizes[0] / sizes[1]).limit_denominator(_FINEST_ASPECT)
            if not 1 / _STEEPEST_ASPECT <= ratio <= _STEEPEST_ASPECT:
                raise ImageError(f"{keyword} {sizes} is too steep to print")
            return ratio.numerator, ratio.denominator
    return 1, 1
