"""Film sizes in millimetres, PS3.3 C.13.3, and rectangles on a film."""

from typing import NamedTuple

from .errors import require

__all__ = ["FILM_SIZES", "MM_PER_INCH", "ORIENTATIONS", "Rect", "film_size"]

# fmt: off
# Film Size ID: width, height in mm, portrait
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
MM_PER_INCH = 25.4


class Rect(NamedTuple):
    """A rectangle in millimetres from the top left corner of the film."""

    x: float
    y: float
    width: float
    height: float

    def on(self, width: float, height: float) -> "Rect":
        """Return the rectangle on a film of ``width`` by ``height``, measured from the top left corner.

        A negative ``x`` or ``y`` counts from the right or bottom edge; a ``width`` or ``height`` of 0 or
        less ends that far before the opposite edge. So ``Rect(3, -9, -3, 6)`` is a strip of 6 mm along the bottom.
        """
        x = self.x if self.x >= 0 else width + self.x
        y = self.y if self.y >= 0 else height + self.y
        right = x + self.width if self.width > 0 else width + self.width
        bottom = y + self.height if self.height > 0 else height + self.height
        return Rect(x, y, right - x, bottom - y)


def film_size(FilmSizeID: str, FilmOrientation: str = "PORTRAIT") -> tuple[float, float]:
    """Return width and height in mm of a film as it is seen; LANDSCAPE lies on its long side."""
    require("FilmSizeID", FilmSizeID, FILM_SIZES)
    require("FilmOrientation", FilmOrientation, ORIENTATIONS)
    width, height = FILM_SIZES[FilmSizeID]
    return (width, height) if FilmOrientation == "PORTRAIT" else (height, width)
