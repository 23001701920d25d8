"""An image between what it was and what an image box takes: codes, and how bright each of them is."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..film.sheet import PrintImage
from .color import LUMA
from .curves import Codes, taken
from .overlays import Mask
from .stored import Floats

__all__ = ["Picture"]

_ROWS = 64
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
    def is_colour(self) -> bool:
        """Whether it has colours that gray would lose."""
        return self.PhotometricInterpretation == "RGB"

    def in_gray(self, bits: int) -> PrintImage:
        """Return it as MONOCHROME1 or MONOCHROME2 of so many bits; colours by their luminance."""
        if self.is_colour:
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
        tables = [self.curve * part for part in LUMA]
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
