"""Film sizes and image display formats as rectangles in millimetres; no pixels here.

``FILM_SIZES`` holds the Film Size IDs of PS3.3 C.13.3 in portrait. An Image Display Format
``STANDARD\\C,R`` is C columns by R rows of equal image boxes, symmetric about both axes of the film,
numbered row by row from the top left. The standard leaves the size of a box to the printer: here the
boxes share what an edge of ``EDGE_MM`` leaves of the film, ``GAP_MM`` apart.

The formats with unequal or preset boxes (ROW, COL, SLIDE, SUPERSLIDE, CUSTOM) are refused.
"""

import re
import reprlib
from collections.abc import Collection
from typing import NamedTuple

from dimse.errors import DimseError

__all__ = [
    "EDGE_MM",
    "FILM_BOX_RULE",
    "FILM_SIZES",
    "GAP_MM",
    "LayoutError",
    "MAX_BOXES",
    "MAX_SIDE",
    "ORIENTATIONS",
    "Rect",
    "cells",
    "film_size",
    "parse_format",
    "require",
]

# fmt: off
# Film Size ID: width, height in mm, portrait; PS3.3 C.13.3
FILM_SIZES = {
    "8INX10IN":    (203.2, 254.0),
    "8_5INX11IN":  (215.9, 279.4),
    "10INX12IN":   (254.0, 304.8),
    "10INX14IN":   (257.0, 364.0),  # the standard gives this one in cm: JIS B4, not 10 by 14 inches
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

FILM_BOX_RULE = "PS3.3 C.13.3"

EDGE_MM = 3.0  # imagers cannot expose the last few millimetres of a film
GAP_MM = 1.0  # keeps neighbours apart, and still leaves room for MAX_SIDE boxes on the smallest film
MAX_SIDE = 99  # columns or rows: a box is then about 1 mm wide
MAX_BOXES = 256  # each box becomes an instance that a peer made us keep; real printers stop near 40

_STANDARD = re.compile(r"\s*STANDARD\s*\\\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", re.ASCII)
_REFUSED = re.compile(r"\s*(ROW|COL|SLIDE|SUPERSLIDE|CUSTOM)\s*(\\|$)")


class LayoutError(DimseError):
    """A sheet that cannot be laid out: ``attribute`` (a DICOM keyword), its ``value``, and ``why``."""

    def __init__(self, attribute: str, value: object, why: str, *, rule: str = FILM_BOX_RULE) -> None:
        self.attribute = attribute
        self.value = value
        self.why = why
        super().__init__(f"{attribute} {reprlib.repr(value)}: {why} ({rule})")


def require(attribute: str, value: object, choices: Collection[str], *, rule: str = FILM_BOX_RULE) -> None:
    """Raise LayoutError unless the value of an attribute is one of ``choices``."""
    if value not in choices:
        raise LayoutError(attribute, value, f"not one of {', '.join(choices)}", rule=rule)


class Rect(NamedTuple):
    """A rectangle in millimetres from the top left corner of the film."""

    x: float
    y: float
    width: float
    height: float


def film_size(FilmSizeID: str, FilmOrientation: str = "PORTRAIT") -> tuple[float, float]:
    """Return width and height in mm of a film as it is seen; LANDSCAPE lies on its long side."""
    require("FilmSizeID", FilmSizeID, FILM_SIZES)
    require("FilmOrientation", FilmOrientation, ORIENTATIONS)
    width, height = FILM_SIZES[FilmSizeID]
    return (width, height) if FilmOrientation == "PORTRAIT" else (height, width)


def parse_format(ImageDisplayFormat: str) -> tuple[int, int]:
    """Return the columns and rows of ``STANDARD\\C,R``; blanks around its parts do not matter."""
    match = _STANDARD.fullmatch(ImageDisplayFormat)
    if match is None:
        raise _unreadable(ImageDisplayFormat)
    columns, rows = int(match[1]), int(match[2])
    if not (1 <= columns <= MAX_SIDE and 1 <= rows <= MAX_SIDE and columns * rows <= MAX_BOXES):
        limits = f"columns and rows must be 1 to {MAX_SIDE}, and at most {MAX_BOXES} boxes together"
        raise LayoutError("ImageDisplayFormat", ImageDisplayFormat, limits)
    return columns, rows


def _unreadable(ImageDisplayFormat: str) -> LayoutError:
    known = _REFUSED.match(ImageDisplayFormat)
    why = f"{known[1]} formats are not supported, only" if known else "not of the form"
    return LayoutError("ImageDisplayFormat", ImageDisplayFormat, f"{why} STANDARD\\columns,rows")


def cells(
    ImageDisplayFormat: str,
    width_mm: float,
    height_mm: float,
    *,
    edge_mm: float = EDGE_MM,
    gap_mm: float = GAP_MM,
) -> tuple[Rect, ...]:
    """Return the image boxes of a film in the order of Image Box Position, PS3.3 C.13.5.

    The film is ``width_mm`` by ``height_mm`` as it is seen; ``edge_mm`` stays free on all four sides,
    ``gap_mm`` between neighbours.
    """
    columns, rows = parse_format(ImageDisplayFormat)
    width = (width_mm - 2 * edge_mm - (columns - 1) * gap_mm) / columns
    height = (height_mm - 2 * edge_mm - (rows - 1) * gap_mm) / rows
    if min(width, height) <= 0:
        room = f"no room for its boxes on a film of {width_mm:g} by {height_mm:g} mm"
        raise LayoutError("ImageDisplayFormat", ImageDisplayFormat, room)
    return tuple(
        Rect(edge_mm + column * (width + gap_mm), edge_mm + row * (height + gap_mm), width, height)
        for row in range(rows)
        for column in range(columns)
    )
