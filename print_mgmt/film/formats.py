"""Film sizes and Image Display Formats, PS3.3 C.13.3. `layout` places the boxes of a format on a film.

Sizes are in millimeters. An Image Display Format is one of these:

======================  ==========================================================================
``STANDARD\\C,R``        C columns by R rows of equal boxes, numbered row by row
``ROW\\R1,R2,...``       rows of equal height, the first with R1 boxes, numbered row by row
``COL\\C1,C2,...``       columns of equal width, the first with C1 boxes, numbered column by column
``SLIDE, SUPERSLIDE``   as many 35 mm or 40 mm slides as the film holds, numbered row by row
``CUSTOM\\i``            the boxes of the printer: `Imager.custom_formats`
======================  ==========================================================================
"""

import re
from typing import NamedTuple

from .errors import LayoutError, require

__all__ = [
    "FILM_SIZES",
    "MAX_BOXES",
    "MAX_SIDE",
    "MM_PER_INCH",
    "ORIENTATIONS",
    "Format",
    "Rect",
    "film_size",
    "read_format",
]

# fmt: off
# Film Size ID: width, height in mm, portrait
FILM_SIZES = {
    "8INX10IN":    (203.2, 254.0),
    "8_5INX11IN":  (215.9, 279.4),
    "10INX12IN":   (254.0, 304.8),
    "10INX14IN":   (257.0, 364.0),  # the standard gives this size in cm: JIS B4, not 10 by 14 inches
    "11INX14IN":   (279.4, 355.6),
    "11INX17IN":   (279.4, 431.8),
    "14INX14IN":   (355.6, 355.6),
    "14INX17IN":   (355.6, 431.8),
    "24CMX24CM":   (240.0, 240.0),
    "24CMX30CM":   (240.0, 300.0),
    "A4":          (210.0, 297.0),
    "A3":          (297.0, 420.0),
}
# fmt: on
ORIENTATIONS = ("PORTRAIT", "LANDSCAPE")
MM_PER_INCH = 25.4

MAX_SIDE = 99  # columns or rows: on the smallest film, a box is then about 1 mm wide
MAX_BOXES = 256  # image boxes of a film, whose number a peer chooses; real printers have at most about 40

_SHAPE = "STANDARD\\columns,rows, ROW\\n,n,..., COL\\n,n,..., SLIDE, SUPERSLIDE or CUSTOM\\i"
_NUMBERED = re.compile(r"\s*(STANDARD|ROW|COL|CUSTOM)\s*\\\s*(\d{1,9}(?:\s*,\s*\d{1,9})*)\s*", re.ASCII)
_PLAIN = re.compile(r"\s*(SLIDE|SUPERSLIDE)\s*\\?\s*", re.ASCII)
_MAX_LENGTH = 1024  # characters: the limit of the VR ST


class Rect(NamedTuple):
    """A rectangle in millimeters from the top left corner of the film."""

    x: float
    y: float
    width: float
    height: float

    def on(self, width: float, height: float) -> "Rect":
        """Return the rectangle on a film of ``width`` by ``height`` mm, measured from its top left corner.

        A negative ``x`` or ``y`` counts from the right or bottom edge. If ``width`` or ``height`` is 0 or less, the
        rectangle ends that far before the opposite edge. So ``Rect(3, -9, -3, 6)`` is a strip of 6 mm along the bottom.
        """
        x = self.x if self.x >= 0 else width + self.x
        y = self.y if self.y >= 0 else height + self.y
        right = x + self.width if self.width > 0 else width + self.width
        bottom = y + self.height if self.height > 0 else height + self.height
        return Rect(x, y, right - x, bottom - y)


def film_size(FilmSizeID: str, FilmOrientation: str = "PORTRAIT") -> tuple[float, float]:
    """Return width and height of a film in mm; with LANDSCAPE, the width is the longer side. Raises LayoutError."""
    require("FilmSizeID", FilmSizeID, FILM_SIZES)
    require("FilmOrientation", FilmOrientation, ORIENTATIONS)
    width, height = FILM_SIZES[FilmSizeID]
    return (width, height) if FilmOrientation == "PORTRAIT" else (height, width)


class Format(NamedTuple):
    """The name of a format, and the numbers that follow the name."""

    name: str
    numbers: tuple[int, ...] = ()

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of boxes in each row, or in each column of a COL format; for STANDARD, ROW and COL only."""
        return (self.numbers[0],) * self.numbers[1] if self.name == "STANDARD" else self.numbers


def read_format(ImageDisplayFormat: str) -> Format:
    """Read a format, ignoring blanks around its parts. Raises LayoutError for any other text and for too many boxes."""
    found = _split_format(ImageDisplayFormat)
    if found is None or (found.name == "STANDARD" and len(found.numbers) != 2):
        raise LayoutError("ImageDisplayFormat", ImageDisplayFormat, f"not of the form {_SHAPE}")
    if found.name == "CUSTOM":
        if len(found.numbers) != 1:
            raise LayoutError("ImageDisplayFormat", ImageDisplayFormat, f"not of the form {_SHAPE}")
    elif not _is_bounded(found):
        limits = f"columns and rows must be 1 to {MAX_SIDE}, and at most {MAX_BOXES} boxes together"
        raise LayoutError("ImageDisplayFormat", ImageDisplayFormat, limits)
    return found


def _split_format(ImageDisplayFormat: str) -> Format | None:
    if len(ImageDisplayFormat) > _MAX_LENGTH:
        return None
    if match := _PLAIN.fullmatch(ImageDisplayFormat):
        return Format(match[1])
    if match := _NUMBERED.fullmatch(ImageDisplayFormat):
        return Format(match[1], tuple(int(number) for number in match[2].split(",")))
    return None


def _is_bounded(found: Format) -> bool:
    numbers = found.numbers
    if len(numbers) > MAX_SIDE or not all(1 <= number <= MAX_SIDE for number in numbers):
        return False
    return sum(found.counts) <= MAX_BOXES
