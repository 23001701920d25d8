"""Films before and after rendering: ``render()`` makes a ``Page`` of a ``Sheet``.

A sheet is a film box (PS3.3 C.13.3) with its image boxes (PS3.3 C.13.5) and annotations (PS3.3 C.13.7). It has only
the attributes that change how the film looks. They keep their DICOM keywords and the values of the standard, so a
film box can be copied field by field. Nothing is checked here; ``render()`` raises an error for an invalid sheet.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Annotation", "Cell", "Overlay", "Page", "PresentationLUT", "PrintImage", "Sheet"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PrintImage:
    """The image of an image box, PS3.3 C.13.5.

    ``pixels`` are HxW uint8 or uint16, or HxWx3 uint8 for ``RGB``. The value is in the low ``BitsStored`` bits; higher
    bits are ignored. The standard allows 8 and 12 bits stored; any number that fits in the array is rendered.

    ``PixelAspectRatio`` is the vertical and the horizontal size of a pixel, as integers without a unit.
    ``PixelSpacing`` is the vertical and the horizontal size in mm, if known. To print in true size, set
    RequestedImageSize to the number of columns times the horizontal size.

    ``notes`` has one line for each fault of the original image that was ignored, and for each part of the original that
    is missing here.
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

    The table has a P-Value of ``bits`` bits (10 to 16) for each pixel value, 256 or 4096 in all. Low P-Values are dark.
    """

    shape: str = ""
    table: NDArray[np.uint16] | None = None
    bits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """A plane of an overlay box (PS3.4-1998 H.4.8, PS3.4-2004 H.4.12), both retired: bits to burn into the image.

    ``pixels`` (HxW) is True in the foreground; ``origin`` is the row and column of its first pixel in the image,
    counted from 1. Densities are BLACK, WHITE or hundredths of OD. Without a background density, the image shows
    through.
    """

    pixels: NDArray[np.bool_]
    origin: tuple[int, int] = (1, 1)
    OverlayForegroundDensity: str = "WHITE"
    OverlayBackgroundDensity: str | None = None
    OverlayMagnificationType: str = "REPLICATE"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotation:
    """The text of one annotation box, PS3.3 C.13.7. Positions are counted from 1."""

    AnnotationPosition: int
    TextString: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """One image box of a sheet. A value other than None overrides the value of the sheet.

    Densities are hundredths of OD. ``RequestedImageSize`` is the width of the image in mm.
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
    """One film box, ready to render. None leaves a value to the printer.

    ``cells`` are in the order of Image Box Position; image boxes after the last cell are empty. Densities are
    hundredths of OD; BorderDensity and EmptyImageDensity may be BLACK or WHITE instead. Illumination and
    ReflectedAmbientLight are cd/m2.
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
        """The size of all images and overlays in bytes.

        An overlay that several cells share counts once; an image counts once for each cell.
        """
        images = sum([cell.image.pixels.nbytes for cell in self.cells if cell.image is not None])
        overlays = {id(overlay): overlay for cell in self.cells for overlay in cell.overlays}
        return images + sum(overlay.pixels.nbytes for overlay in overlays.values())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Page:
    """A rendered film.

    ``pixels`` are HxW uint8 or uint16 (full range) for gray, and HxWx3 uint8 for color. 0 is black and the largest
    value is white. Gray values are P-Values of the film (PS3.14), or, if the imager has a characteristic curve, the
    values that its device takes. ``width_mm`` and ``height_mm`` are the size of the film. ``notes`` has one line for
    each decision that the renderer made.

    ``ICCProfile`` gives the light that each value stands for. A profile for gray is made from the densities; a profile
    for color comes from the film box. None stands for the film of PS3.14 D.2 if the page is gray, and for sRGB if it is
    in color.
    """

    pixels: NDArray[np.uint8 | np.uint16]
    width_mm: float
    height_mm: float
    dpi: int
    notes: tuple[str, ...] = ()
    ICCProfile: bytes | None = None
