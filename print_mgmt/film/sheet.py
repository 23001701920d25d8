"""What a film holds before and after rendering: ``Sheet`` goes in, ``Page`` comes out.

A sheet is a film box (PS3.3 C.13.3) with its image boxes (PS3.3 C.13.5) and annotations (PS3.3 C.13.7),
reduced to what decides how the film looks. The attributes keep their DICOM keywords and the values of
the standard, so a film box can be copied field by field. Nothing is checked here: ``render()`` raises for
what it cannot lay out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Annotation", "Cell", "Overlay", "Page", "PresentationLUT", "PrintImage", "Sheet"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrintImage:
    """An image as an image box takes it, PS3.3 C.13.5.

    ``pixels`` are HxW uint8 or uint16 (the value in the low ``BitsStored`` bits; higher bits are
    ignored), or HxWx3 uint8 for ``RGB``. The standard knows 8 and 12 bits stored; any number that the
    array can hold is rendered. ``PixelAspectRatio`` is vertical, horizontal size of a pixel. ``PixelSpacing``
    is the same in mm, where it is known: columns times the second is the Requested Image Size of true size.
    ``notes`` tell what was wrong with the image and passed over, and what was lost when it was made, one line each.
    """

    pixels: NDArray[np.uint8 | np.uint16]
    PhotometricInterpretation: str
    BitsStored: int = 8
    PixelAspectRatio: tuple[int, int] = (1, 1)
    PixelSpacing: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PresentationLUT:
    """A Presentation LUT, PS3.3 C.11.4: a ``shape``, IDENTITY or LIN OD, or a ``table``.

    The table has an entry of ``bits`` bits (10 to 16) for each value that a pixel can have, 256 or 4096:
    the P-Values, the lowest for the darkest.
    """

    shape: str = ""
    table: NDArray[np.uint16] | None = None
    bits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """A plane of an Image Overlay Box, retired in PS3.4 2004: bits to burn into the image.

    ``pixels`` (HxW) is True in the foreground; ``origin`` is the row and column of its first pixel in the
    image, from 1. Densities are BLACK, WHITE or hundredths of OD; without a background density the
    image shows through.
    """

    pixels: NDArray[np.bool_]
    origin: tuple[int, int] = (1, 1)
    OverlayForegroundDensity: str = "WHITE"
    OverlayBackgroundDensity: str | None = None
    OverlayMagnificationType: str = "REPLICATE"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """The text of one annotation box, PS3.3 C.13.7. Positions count from 1."""

    AnnotationPosition: int
    TextString: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """One image box of a sheet; a value that is not None overrides that of the sheet.

    Densities are hundredths of OD, ``RequestedImageSize`` is the width of the image in mm.
    """

    image: PrintImage | None = None
    Polarity: str = "NORMAL"
    MagnificationType: str | None = None
    SmoothingType: str | None = None
    MinDensity: int | None = None
    MaxDensity: int | None = None
    RequestedImageSize: float | None = None
    RequestedDecimateCropBehavior: str | None = None
    presentation_lut: PresentationLUT | None = None
    overlays: tuple[Overlay, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """One film box, ready to render; None leaves a value to the printer.

    ``cells`` are in the order of Image Box Position; image boxes past the last cell are empty. Densities
    are hundredths of OD, Illumination and ReflectedAmbientLight cd/m2.
    """

    ImageDisplayFormat: str
    FilmOrientation: str = "PORTRAIT"
    FilmSizeID: str = "14INX17IN"
    RequestedResolutionID: str = "STANDARD"
    MagnificationType: str = "BILINEAR"
    SmoothingType: str | None = None
    BorderDensity: str = "BLACK"
    EmptyImageDensity: str = "BLACK"
    MinDensity: int | None = None
    MaxDensity: int | None = None
    Trim: str = "NO"
    Illumination: int | None = None
    ReflectedAmbientLight: int | None = None
    presentation_lut: PresentationLUT | None = None
    AnnotationDisplayFormatID: str = ""
    annotations: tuple[Annotation, ...] = ()
    ICCProfile: bytes | None = None
    cells: tuple[Cell, ...] = ()

    @property
    def nbytes(self) -> int:
        """The bytes of its pixels, those of the overlays included; an overlay of several images counts once."""
        images = sum(cell.image.pixels.nbytes for cell in self.cells if cell.image is not None)
        overlays = {id(overlay): overlay for cell in self.cells for overlay in cell.overlays}
        return images + sum(overlay.pixels.nbytes for overlay in overlays.values())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """A rendered film.

    ``pixels`` are HxW uint8 or uint16 (over its full range) in gray, HxWx3 uint8 in color: 0 is black,
    the largest value white, in between P-Values of the film (PS3.14); from an imager with a characteristic curve
    they are what its device takes. ``width_mm`` and ``height_mm`` are the size of the film. ``notes`` tell
    each decision that the sheet did not make, one line each. ``ICCProfile`` says which light each number stands
    for: that of the film box in color, in gray one that is made of the densities; None: of the standard's film
    (PS3.14 D.2), and sRGB in color.
    """

    pixels: NDArray[np.uint8 | np.uint16]
    width_mm: float
    height_mm: float
    dpi: int
    notes: tuple[str, ...] = ()
    ICCProfile: bytes | None = None
