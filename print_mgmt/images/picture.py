"""Pictures, the form between an input and an image box: codes, and a curve that gives the level of each code.

The range of an array follows from its dtype, never from its values, so a dark image stays dark. uint8 is 0 to 255,
uint16 is 0 to 65535, and floats are 0 to 1; 0 is black.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..film.sheet import PrintImage
from .errors import ImageError
from .frame import check_size
from .overlays import Mask
from .stored_values import BLOCK, Cells, Floats, Numbers, blocks, possible_codes

__all__ = ["Background", "Codes", "Picture", "identity", "picture_of", "tabulate", "look_up"]

Codes = NDArray[np.uint8 | np.uint16]
Background = Literal["WHITE", "BLACK"]  # the gray level where a picture is transparent

_SAMPLES = {(): "MONOCHROME2", (3,): "RGB", (4,): "RGB"}
_ROWS = 64  # rows converted at a time, because an image in double precision is eight times as large
_BATCH = 1 << 19  # codes looked up at a time: numpy makes an index of 8 bytes from each
_MANY = 1 << 18  # codes for which a table of pairs is made; for fewer, making it takes longer than it saves
_LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue in the Y of YBR_FULL
_IN_GRAY = "a color image is printed in gray"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """Pixels as ``codes``, HxW or HxWx3, and ``curve``, the level of each code from 0 to 1.

    Level 0 is white in MONOCHROME1, and otherwise black. ``layers`` are masks of covered pixels with their brightness,
    always 0 black to 1 white; later layers cover earlier ones. ``notes`` go to the print image.
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
        """Whether the picture has colors, which would be lost in gray."""
        return self.PhotometricInterpretation == "RGB"

    def in_gray(self, bits: int) -> PrintImage:
        """Return a gray print image, MONOCHROME1 or MONOCHROME2, of 8 or 12 ``bits``; colors become their luminance."""
        if self.is_color:
            return self._to_print_image(self._luminance(bits), "MONOCHROME2", bits, _IN_GRAY)
        return self._to_print_image(self._pixels(bits), self.PhotometricInterpretation, bits)

    def in_color(self) -> PrintImage:
        """Return a print image of RGB with 8 bits; MONOCHROME1 is inverted."""
        if self.PhotometricInterpretation == "MONOCHROME1":
            return replace(self, curve=1 - self.curve, PhotometricInterpretation="MONOCHROME2").in_color()
        pixels = self._pixels(8)
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[..., None], 3, axis=2)
        return self._to_print_image(pixels, "RGB", 8)

    def _pixels(self, bits: int) -> Codes:
        """Return the pixels over the full range of ``bits``: the codes themselves if the curve changes nothing."""
        table = _round_to_bits(self.curve, bits)
        if table.dtype == self.codes.dtype and (table == np.arange(table.size)).all():
            return self.codes
        return look_up(table, self.codes)

    def _luminance(self, bits: int) -> Codes:
        """Return the luminance of each pixel.

        It is computed for a few rows at a time: three planes in double precision take 8 times the image's memory.
        """
        tables = [self.curve * part for part in _LUMA]
        gray = np.empty(self.codes.shape[:2], _dtype(bits))
        for start in range(0, len(gray), _ROWS):
            block = self.codes[start : start + _ROWS]
            red, green, blue = (table.take(block[..., i]) for i, table in enumerate(tables))
            gray[start : start + _ROWS] = _round_to_bits(red + green + blue, bits)
        return gray

    def _to_print_image(self, pixels: Codes, photometric: str, bits: int, *notes: str) -> PrintImage:
        if self.layers:
            pixels = pixels.copy()  # they may belong to the caller
        for mask, brightness in self.layers:
            shown = 1 - brightness if photometric == "MONOCHROME1" else brightness
            pixels[mask] = _round_to_bits(np.array(shown), bits)
        return PrintImage(
            pixels=pixels,
            PhotometricInterpretation=photometric,
            BitsStored=bits,
            PixelAspectRatio=self.PixelAspectRatio,
            PixelSpacing=self.PixelSpacing,
            notes=self.notes + notes,
        )


def _round_to_bits(levels: NDArray[np.float64], bits: int) -> Codes:
    return np.floor(levels * ((1 << bits) - 1) + 0.5).astype(_dtype(bits))


def _dtype(bits: int) -> type[np.uint8 | np.uint16]:
    return np.uint8 if bits <= 8 else np.uint16


def picture_of(array: NDArray[np.generic], background: Background = "WHITE") -> Picture:
    """Return an array as a picture: gray HxW, color HxWx3, or HxWx4 with opacity as the last sample.

    The picture, and print images made from it, may share the memory of the array, so the array must not change.

    Raises ImageError for other shapes and dtypes, for floats outside of 0 to 1, for masked pixels, and for too many
    pixels.
    """
    photometric = _SAMPLES.get(array.shape[2:])
    if array.ndim < 2 or photometric is None or array.size == 0:
        raise ImageError(f"an array of shape {array.shape} is empty, or not gray HxW or color HxWx3 or HxWx4")
    check_size(*array.shape[:2])
    codes = _to_codes(_without_mask(array))
    if codes.shape[2:] == (4,):
        codes = _blend(codes, background)
    codes, curve = identity(codes)
    return Picture(codes=codes, curve=curve, PhotometricInterpretation=photometric)


def _without_mask(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return a masked array as a plain one. Raises ImageError if a pixel is masked: it has no value."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    if np.ma.is_masked(array):
        raise ImageError("an array with masked pixels: fill them first (numpy.ma.filled)")
    plain: NDArray[np.generic] = np.ma.getdata(array)
    return plain


def _to_codes(array: NDArray[np.generic]) -> NDArray[np.uint8 | np.uint16]:
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


def _blend(codes: NDArray[np.uint8 | np.uint16], background: Background) -> NDArray[np.uint8 | np.uint16]:
    """Return colors blended with the background by their opacity."""
    highest = np.iinfo(codes.dtype).max
    ground = highest if background == "WHITE" else 0
    blended = np.empty((*codes.shape[:2], 3), codes.dtype)
    for start in range(0, len(codes), _ROWS):
        block = codes[start : start + _ROWS]
        opacity = block[..., 3:].astype(np.float64) / highest
        blended[start : start + _ROWS] = np.floor(block[..., :3] * opacity + ground * (1 - opacity) + 0.5)
    return blended


def identity(codes: Codes) -> tuple[Codes, Floats]:
    """Return codes with the curve of their whole range, lowest black and highest white."""
    highest = (1 << 8 * codes.itemsize) - 1
    return codes, np.arange(highest + 1) / highest


def tabulate(pixels: Numbers, levels_of: Callable[[Numbers], Floats]) -> tuple[Codes, Floats]:
    """Return codes and curve of pixels whose levels, 0 to 1, ``levels_of`` computes.

    ``levels_of`` is called once with all `possible_codes` if the pixels have 8 or 16 bits without a sign. Otherwise, it
    is called for each block of the pixels themselves.
    """
    if pixels.dtype.kind == "u" and pixels.itemsize <= 2:
        return pixels.astype(f"u{pixels.itemsize}", copy=False), levels_of(possible_codes(pixels))
    codes = np.empty(pixels.size, np.uint16)
    for index, block in enumerate(blocks(pixels)):
        codes[index * BLOCK :][: block.size] = np.floor(levels_of(block) * 65535 + 0.5)
    return identity(codes.reshape(pixels.shape))


def look_up(table: Codes, codes: Cells) -> Codes:
    """Return ``table[codes]`` with little memory beyond the result. Codes beyond the table get its last entry.

    It takes half of the time of ``table[codes]`` for gray, and a quarter for a table of colors. Many gray codes of 8
    bits are looked up in pairs, which saves up to 45 % of that.
    """
    out = np.empty(codes.shape + table.shape[1:], table.dtype)
    flat, target = codes.reshape(-1), out.reshape(-1, *table.shape[1:])
    if codes.itemsize == 1 and table.ndim == 1 and codes.size >= _MANY:
        even, pair_of_entries = codes.size - codes.size % 2, f"u{2 * table.itemsize}"
        pairs = _table_of_pairs(table).view(pair_of_entries)
        _take(pairs, flat[:even].view("<u2"), target[:even].view(pair_of_entries))
        flat, target = flat[even:], target[even:]
    _take(table, flat, target)
    return out


def _table_of_pairs(table: Codes) -> Codes:
    """Return both entries of each pair of 8-bit codes; the first code of a pair is the lower byte of its number."""
    entries, pairs = table.take(np.arange(256), mode="clip"), np.empty((256, 256, 2), table.dtype)
    pairs[:, :, 0], pairs[:, :, 1] = entries, entries[:, None]
    return pairs.reshape(-1)


def _take(table: Codes, codes: Cells, out: Codes) -> None:
    for start in range(0, len(codes), _BATCH):
        table.take(codes[start : start + _BATCH], axis=0, out=out[start : start + _BATCH], mode="clip")
