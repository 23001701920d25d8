"""An image between what it was and what an image box takes: codes, and how bright each of them is."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..film.sheet import PrintImage
from .errors import ImageError
from .overlays import Mask
from .stored_values import BLOCK, Cells, Floats, Numbers, blocks, domain

__all__ = ["Background", "Codes", "Picture", "identity", "picture_of", "tabulate", "taken"]

Codes = NDArray[np.uint8 | np.uint16]
Background = Literal["WHITE", "BLACK"]  # what shows where a picture is transparent

_SAMPLES = {(): "MONOCHROME2", (3,): "RGB", (4,): "RGB"}
_ROWS = 64  # worked on at once: in double precision, an image is eight times as large
_TAKEN = 1 << 18  # codes that are looked up at once, so that their indices stay in the cache
_LUMA = (0.299, 0.587, 0.114)  # red, green, blue in Y of YBR_FULL
_IN_GRAY = "a colour image is printed in gray"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Pixels as ``codes``, HxW or HxWx3, and in ``curve`` the brightness 0 to 1 that each code stands for.

    ``layers`` say which pixels are covered, and by what: 0 is black, 1 is white; a later one covers those before.
    ``notes`` are those of the print image.
    """

    codes: Codes
    curve: Floats
    PhotometricInterpretation: str
    PixelAspectRatio: tuple[int, int] = (1, 1)
    PixelSpacing: tuple[float, float] | None = None
    layers: tuple[tuple[Mask, float], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_color(self) -> bool:
        """Whether it has colours that gray would lose."""
        return self.PhotometricInterpretation == "RGB"

    def in_gray(self, bits: int) -> PrintImage:
        """Return it as MONOCHROME1 or MONOCHROME2 of so many bits; colours by their luminance."""
        if self.is_color:
            return self._printed(self._luminance(bits), "MONOCHROME2", bits, _IN_GRAY)
        return self._printed(self._pixels(bits), self.PhotometricInterpretation, bits)

    def in_color(self) -> PrintImage:
        """Return it as RGB of 8 bits, which cannot say that its lowest value is white."""
        if self.PhotometricInterpretation == "MONOCHROME1":
            return replace(self, curve=1 - self.curve, PhotometricInterpretation="MONOCHROME2").in_color()
        pixels = self._pixels(8)
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        return self._printed(pixels, "RGB", 8)

    def _pixels(self, bits: int) -> Codes:
        """Return the pixels over the full range of so many bits: the codes themselves where they are that."""
        table = _rounded(self.curve, bits)
        if table.dtype == self.codes.dtype and np.array_equal(table, np.arange(table.size)):
            return self.codes
        return taken(table, self.codes)

    def _luminance(self, bits: int) -> Codes:
        """Work out luminances some rows at once: in double precision, three planes are far larger than the image."""
        tables = [self.curve * part for part in _LUMA]
        gray = np.empty(self.codes.shape[:2], _dtype(bits))
        for start in range(0, len(gray), _ROWS):
            block = self.codes[start : start + _ROWS]
            red, green, blue = (table.take(block[..., i]) for i, table in enumerate(tables))
            gray[start : start + _ROWS] = _rounded(red + green + blue, bits)
        return gray

    def _printed(self, pixels: Codes, photometric: str, bits: int, *notes: str) -> PrintImage:
        if self.layers:
            pixels = pixels.copy()  # they may be somebody's own
        for mask, brightness in self.layers:
            seen = 1 - brightness if photometric == "MONOCHROME1" else brightness
            pixels[mask] = _rounded(np.array(seen), bits)
        return PrintImage(
            pixels=pixels,
            PhotometricInterpretation=photometric,
            BitsStored=bits,
            PixelAspectRatio=self.PixelAspectRatio,
            PixelSpacing=self.PixelSpacing,
            notes=self.notes + notes,
        )


def _rounded(seen: NDArray[np.float64], bits: int) -> Codes:
    return np.floor(seen * ((1 << bits) - 1) + 0.5).astype(_dtype(bits))


def _dtype(bits: int) -> type[np.uint8 | np.uint16]:
    return np.uint8 if bits <= 8 else np.uint16


def picture_of(array: NDArray[np.generic], background: Background = "WHITE") -> Picture:
    """Return an array, gray HxW, colour HxWx3, or HxWx4 whose last sample is opacity, as a picture.

    Raises ImageError for any other shape or dtype, and for floats out of their range.
    """
    photometric = _SAMPLES.get(array.shape[2:])
    if array.ndim < 2 or photometric is None or array.size == 0:
        raise ImageError(f"an array of shape {array.shape} is not gray HxW or colour HxWx3 or HxWx4")
    codes = _codes(array)
    if codes.shape[2:] == (4,):
        codes = _opaque(codes, background)
    codes, curve = identity(codes)
    return Picture(codes=codes, curve=curve, PhotometricInterpretation=photometric)


def _codes(array: NDArray[np.generic]) -> NDArray[np.uint8 | np.uint16]:
    match array.dtype.kind, array.itemsize:
        case "u", (1 | 2) as octets:
            return array.astype(f"u{octets}", copy=False)
        case "f", _:
            low, high = float(array.min()), float(array.max())
            if not (low >= 0 and high <= 1):
                raise ImageError(f"floats must be 0 to 1, not {low:g} to {high:g}: scale them first")
            codes = np.empty(array.shape, np.uint16)
            for start in range(0, len(array), _ROWS):
                codes[start : start + _ROWS] = np.floor(array[start : start + _ROWS].astype(np.float64) * 65535 + 0.5)
            return codes
    raise ImageError(f"an array of {array.dtype}, not of uint8, uint16 or floats: scale and convert it first")


def _opaque(codes: NDArray[np.uint8 | np.uint16], background: Background) -> NDArray[np.uint8 | np.uint16]:
    """Return colours over the background, as far as their opacity lets it through."""
    highest = np.iinfo(codes.dtype).max
    behind = highest if background == "WHITE" else 0
    seen = np.empty((*codes.shape[:2], 3), codes.dtype)
    for start in range(0, len(codes), _ROWS):
        block = codes[start : start + _ROWS]
        opacity = block[..., 3:].astype(np.float64) / highest
        seen[start : start + _ROWS] = np.floor(block[..., :3] * opacity + behind * (1 - opacity) + 0.5)
    return seen


def identity(codes: Codes) -> tuple[Codes, Floats]:
    """Return codes whose whole range is seen, and their curve."""
    highest = (1 << 8 * codes.itemsize) - 1
    return codes, np.arange(highest + 1) / highest


def tabulate(pixels: Numbers, seen: Callable[[Numbers], Floats]) -> tuple[Codes, Floats]:
    """Work out ``seen`` once for each code that a pixel can hold; for each pixel where those are too many."""
    if pixels.dtype.kind == "u" and pixels.itemsize <= 2:
        return pixels.astype(f"u{pixels.itemsize}", copy=False), seen(domain(pixels))
    codes = np.empty(pixels.size, np.uint16)
    for index, block in enumerate(blocks(pixels)):
        codes[index * BLOCK :][: block.size] = np.floor(seen(block) * 65535 + 0.5)
    return identity(codes.reshape(pixels.shape))


def taken(table: Codes, codes: Cells) -> Codes:
    """Return the entries of a table for all codes: ``table[codes]`` in a quarter of the time, and in little memory."""
    out = np.empty(codes.shape + table.shape[1:], table.dtype)
    flat, target = codes.reshape(-1), out.reshape(-1, *table.shape[1:])
    for start in range(0, len(flat), _TAKEN):
        table.take(flat[start : start + _TAKEN], axis=0, out=target[start : start + _TAKEN], mode="clip")
    return out
